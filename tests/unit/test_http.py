from __future__ import annotations

import asyncio
import contextvars
import json
import socket
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.clock import boot_seconds
from bot.http import (
    HostRefused,
    HttpError,
    NoAnswer,
    NoSlot,
    NotSent,
    OpenHttp,
    PlatformHttp,
    Response,
    TooLarge,
    TooLate,
    Unreadable,
    is_public,
    wire,
)
from bot.outbound import Rewriter

HOST = "127.0.0.1"
HOSTS = frozenset({HOST})
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

Answer = Callable[["Server", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """A raw server that records what arrives, byte by byte."""

    answer: Answer
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    received: int = 0
    port: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self.answer(self, reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self.tasks.discard(task)

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        first = await reader.read(1)
        self.received += len(first)
        if not first:
            raise asyncio.IncompleteReadError(b"", 1)
        head = first + await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        request = head + await reader.readexactly(length)
        self.received += len(request) - 1
        self.requests.append(request)
        return request


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Server]:
    server = Server(answer)
    listener = await asyncio.start_server(server, HOST, 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        tasks = list(server.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def always(raw: bytes) -> Answer:
    async def answer(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await server.read(reader)
            writer.write(raw)
            await writer.drain()

    return answer


async def drop(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await server.read(reader)


async def silence(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await server.read(reader)
    await reader.read()


async def once(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers one request, then takes the next one and hangs up."""
    await server.read(reader)
    writer.write(OK)
    await writer.drain()
    await server.read(reader)


async def send(http: PlatformHttp, url: str, method: str = "POST", **more: Any) -> Response:
    settings: dict[str, Any] = {"hosts": HOSTS, "deadline": 5.0} | more
    return await http.request(method, url, **settings)


async def test_sends_form_and_reads_answer() -> None:
    raw = b'HTTP/1.1 201 Created\r\nX-Limit: 7\r\nContent-Length: 7\r\n\r\n{"a":1}'
    async with serving(always(raw)) as server, PlatformHttp() as http:
        answer = await send(
            http, f"{server.url}/token", data={"grant_type": "refresh_token"}, params={"v": "2"}
        )
    assert (answer.status, answer.headers["x-limit"], answer.json()) == (201, "7", {"a": 1})
    assert server.requests[0].startswith(b"POST /token?v=2 HTTP/1.1\r\n")
    assert server.requests[0].endswith(b"\r\n\r\ngrant_type=refresh_token")


async def test_an_address_leaves_as_it_was_given() -> None:
    async with serving(always(OK)) as server, PlatformHttp() as http:
        await send(http, f"{server.url}/a%3Ab?sig=x%2Fy%3D%2C", "GET")
    assert server.requests[0].startswith(b"GET /a%3Ab?sig=x%2Fy%3D%2C HTTP/1.1\r\n")


async def test_connections_are_reused_and_cookies_are_not_kept() -> None:
    raw = b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=one-client\r\nContent-Length: 2\r\n\r\n{}"
    async with serving(always(raw)) as server, PlatformHttp() as http:
        await send(http, server.url, "GET")
        await send(http, server.url, "GET")
    assert server.connections == 1
    assert b"cookie" not in server.requests[1].lower()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_dead_reused_connection_is_never_answered_with_a_second_try(method: str) -> None:
    async with serving(once) as server, PlatformHttp() as http:
        await send(http, server.url, method)
        with pytest.raises(NoAnswer):
            await send(http, server.url, method)
    assert (len(server.requests), server.connections) == (2, 1)


async def test_dropped_after_the_request_is_no_answer() -> None:
    async with serving(drop) as server, PlatformHttp() as http:
        with pytest.raises(NoAnswer):
            await send(http, server.url, "GET")
    assert len(server.requests) == 1


async def test_deadline_after_sending_is_no_answer() -> None:
    async with serving(silence) as server, PlatformHttp() as http:
        with pytest.raises(NoAnswer, match="deadline"):
            await send(http, server.url, data={"a": "b"}, deadline=0.3)
    assert len(server.requests) == 1


async def test_half_an_answer_is_no_answer() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}"

    async def answer(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read(reader)
        writer.write(half)

    async with serving(answer) as server, PlatformHttp() as http:
        with pytest.raises(NoAnswer):
            await send(http, server.url, "GET")


async def test_garbage_for_an_answer_is_no_answer() -> None:
    async with serving(always(b"SSH-2.0-OpenSSH\r\n\r\n")) as server, PlatformHttp() as http:
        with pytest.raises(NoAnswer):
            await send(http, server.url, "GET")


async def test_refused_connection_is_not_sent() -> None:
    async with serving(drop) as server:
        url = server.url
    async with PlatformHttp() as http:
        with pytest.raises(NotSent):
            await send(http, url)


async def test_name_that_does_not_resolve_is_not_sent() -> None:
    async with PlatformHttp() as http:
        with pytest.raises(NotSent):
            await send(http, "https://no-such-host.invalid/", hosts=frozenset({"no-such-host.invalid"}))


async def test_failing_handshake_is_not_sent() -> None:
    async with serving(silence) as server, PlatformHttp() as http:
        with pytest.raises(NotSent):
            await send(http, server.url.replace("http:", "https:"), deadline=0.5)


async def test_hosts_are_kept_to() -> None:
    async with serving(always(OK)) as server, PlatformHttp() as http:
        for url in (
            f"http://localhost:{server.port}/",
            f"http://user@{HOST}:{server.port}/",
            "http://api.example.com/",
            "https://api.example.com.evil.example/",
            "https://api.example.com@evil.example/",
        ):
            with pytest.raises(HostRefused):
                await send(http, url, hosts=HOSTS | {"api.example.com"})
    assert server.connections == 0


async def test_redirects_are_answers() -> None:
    raw = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with serving(always(raw)) as server, PlatformHttp() as http:
        answer = await send(http, server.url, "GET")
    assert (answer.status, len(server.requests)) == (302, 1)


async def test_addresses_are_rewritten_after_the_host_was_checked() -> None:
    async with serving(always(OK)) as server, PlatformHttp(Rewriter(server.url)) as http:
        await send(http, "https://api.example.com/2/x?y=1", "GET", hosts=frozenset({"api.example.com"}))
        with pytest.raises(HostRefused):
            await send(http, "https://other.example/", hosts=frozenset({"api.example.com"}))
    assert [r.split(b" ")[1] for r in server.requests] == [b"/api.example.com/2/x?y=1"]


async def test_answers_have_a_size() -> None:
    body = b"x" * 3000
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + body
    async with serving(always(raw)) as server, PlatformHttp() as http:
        with pytest.raises(TooLarge):
            await send(http, server.url, "GET", max_bytes=2999)
        assert (await send(http, server.url, "GET", max_bytes=3000)).body == body


# The guard


@pytest.mark.parametrize("body", [{}, {"content": b"x" * 200_000}, {"data": {"a": "b"}}])
async def test_nothing_leaves_when_it_was_too_late_from_the_start(body: dict[str, Any]) -> None:
    async with serving(always(OK)) as server, PlatformHttp() as http:
        with pytest.raises(TooLate):
            await send(http, server.url, not_after=boot_seconds() - 0.001, **body)
        await asyncio.wait_for(_settled(server), 2)
    assert (server.received, server.requests) == (0, [])


@pytest.mark.parametrize("reused", [False, True])
@pytest.mark.parametrize("body", [{}, {"content": b"x" * 200_000}])
async def test_nothing_leaves_when_the_process_slept_before_the_bytes(
    monkeypatch: pytest.MonkeyPatch, reused: bool, body: dict[str, Any]
) -> None:
    """The connection is there, then the process sleeps: time passes only after connecting."""
    async with serving(always(OK)) as server, PlatformHttp() as http:
        if reused:
            await send(http, server.url, "GET")
        before = (server.received, len(server.requests))
        looked = iter([100.0] if body else [])
        monkeypatch.setattr(wire, "boot_seconds", lambda: next(looked, 200.0))
        with pytest.raises(TooLate):
            await send(http, server.url, not_after=150.0, **body)
        await asyncio.wait_for(_settled(server), 2)
        assert server.connections == 1
        assert (server.received, len(server.requests)) == before
        # A connection on which something was held back is not used again.
        monkeypatch.setattr(wire, "boot_seconds", boot_seconds)
        assert (await send(http, server.url, not_after=boot_seconds() + 5)).status == 200
        assert server.connections == 2


async def test_what_has_begun_is_not_stopped_half_way(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = iter([100.0, 100.0])
    monkeypatch.setattr(wire, "boot_seconds", lambda: next(looked, 200.0))

    async def pieces() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"cd"

    async with serving(always(OK)) as server, PlatformHttp() as http:
        sent = await send(
            http, server.url, content=pieces(), headers={"Content-Length": "4"}, not_after=150.0
        )
    assert sent.status == 200
    assert server.requests[0].endswith(b"\r\n\r\nabcd")


async def _settled(server: Server) -> None:
    while server.connections == 0:
        await asyncio.sleep(0)


# Slots


async def test_a_slot_that_is_held_is_the_one_that_is_used() -> None:
    async with serving(always(OK)) as server, PlatformHttp(slots_per_host=1) as http:
        async with http.slot(HOST, wait=1.0):
            assert (await send(http, server.url, "GET")).status == 200
            with pytest.raises(NoSlot):
                await asyncio.create_task(
                    send(http, server.url, "GET", deadline=0.1), context=contextvars.Context()
                )
        assert (await send(http, server.url, "GET", deadline=0.2)).status == 200
    assert len(server.requests) == 2


async def test_a_task_that_outlives_its_slot_holds_none() -> None:
    release = asyncio.Event()

    async def later(http: PlatformHttp, url: str) -> Response:
        await release.wait()
        return await send(http, url, "GET", deadline=0.1)

    async with serving(silence) as server, PlatformHttp(slots_per_host=1) as http:
        async with http.slot(HOST, wait=1.0):
            task = asyncio.create_task(later(http, server.url))
            await asyncio.sleep(0)
        async with http.slot(HOST, wait=1.0):
            release.set()
            with pytest.raises(NoSlot):
                await task
    assert server.connections == 0


# Errors and answers


@pytest.mark.parametrize("answer", [drop, silence])
async def test_errors_hold_no_query_no_body_and_no_transport_exception(answer: Answer) -> None:
    async with serving(answer) as server, PlatformHttp() as http:
        with pytest.raises(HttpError) as caught:
            await send(
                http, f"{server.url}/p?access_token=HUSH", data={"client_secret": "HUSH"}, deadline=0.3
            )
    assert "POST 127.0.0.1/p" in str(caught.value)
    assert "HUSH" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"a": NaN}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        Response(200, {}, body).json()


def test_an_answer_shows_neither_headers_nor_body() -> None:
    shown = repr(Response(200, {"X": "HUSH"}, json.dumps({"t": "HUSH"}).encode()))
    assert "HUSH" not in shown


# Addresses that others give


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/x",
        "https://127.0.0.1/x",
        "https://10.0.0.8/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://[64:ff9b::a00:1]/x",
        "https://localhost/x",
        "https://user:pw@93.184.216.34/x",
        "https://good.example\\@127.0.0.1/x",
        "https:///x",
        "ftp://93.184.216.34/x",
    ],
)
async def test_what_is_not_public_is_refused(url: str, tmp_path: Path) -> None:
    async with OpenHttp() as http:
        with pytest.raises(HostRefused):
            await http.download(url, tmp_path / "file", max_bytes=10, deadline=2.0)


@pytest.mark.parametrize("url", ["https://2130706433/x", "https://0x7f.1/x", "https://127.1/x"])
async def test_odd_spellings_of_loopback_reach_nothing(url: str, tmp_path: Path) -> None:
    async with OpenHttp() as http:
        with pytest.raises(NotSent):
            await http.download(url, tmp_path / "file", max_bytes=10, deadline=2.0)


@pytest.mark.parametrize(
    ("address", "public"), [("8.8.8.8", True), ("2606:4700::1", True), ("fd00::1", False)]
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


class Names(AbstractResolver):
    """Resolves every name to loopback."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host=HOST, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing to release."""


async def test_the_address_that_is_connected_to_is_the_one_that_is_judged(tmp_path: Path) -> None:
    judged: list[str] = []

    def judge(address: str) -> bool:
        judged.append(address)
        return len(judged) == 1

    async with serving(drop) as server, OpenHttp(may_connect=judge, resolver=Names()) as http:
        url = f"https://media.example:{server.port}/x"
        with pytest.raises(NotSent) as first:
            await http.download(url, tmp_path / "file", max_bytes=10, deadline=1.0)
        assert server.connections == 1
        with pytest.raises(HostRefused):
            await http.download(url, tmp_path / "file", max_bytes=10, deadline=1.0)
        assert server.connections == 1
    assert not isinstance(first.value, HostRefused)
    assert judged == [HOST, HOST]


async def test_no_credentials_go_to_open_addresses() -> None:
    async with OpenHttp() as http:
        for name in ("authorization", "Cookie"):
            with pytest.raises(HostRefused):
                await http.request("PUT", "https://93.184.216.34/", deadline=1.0, headers={name: "x"})


def redirect(location: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def paths(answers: dict[bytes, bytes]) -> Answer:
    async def answer(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await server.read(reader)
            writer.write(answers[request.split(b" ")[1]])
            await writer.drain()

    return answer


async def test_rewritten_redirects_are_followed_and_downloaded(tmp_path: Path) -> None:
    body = b"HTTP/1.1 200 OK\r\nContent-Type: Image/PNG; x=y\r\nContent-Length: 3\r\n\r\npng"
    answers = {
        b"/a.example/1": redirect("https://b.example/2"),
        b"/b.example/2": redirect("/3"),
        b"/b.example/3": body,
    }
    async with serving(paths(answers)) as server, OpenHttp(Rewriter(server.url)) as http:
        target = tmp_path / "picture"
        got = await http.download("https://a.example/1", target, max_bytes=3, deadline=5.0)
        assert (got.size, got.content_type, target.read_bytes()) == (3, "image/png", b"png")
        with pytest.raises(TooLarge):
            await http.download("https://a.example/1", tmp_path / "big", max_bytes=2, deadline=5.0)
    assert [file.name for file in tmp_path.iterdir()] == ["picture"]


@pytest.mark.parametrize(
    "location", ["http://b.example/", "https://user@b.example/", "file:///etc/passwd", "https://["]
)
async def test_redirects_to_elsewhere_are_refused(location: str, tmp_path: Path) -> None:
    answer = paths({b"/a.example/": redirect(location)})
    async with serving(answer) as server, OpenHttp(Rewriter(server.url)) as http:
        with pytest.raises(HostRefused):
            await http.download("https://a.example/", tmp_path / "file", max_bytes=10, deadline=5.0)
    assert len(server.requests) == 1


async def test_redirects_end(tmp_path: Path) -> None:
    answer = always(redirect("https://a.example/"))
    async with serving(answer) as server, OpenHttp(Rewriter(server.url)) as http:
        with pytest.raises(HostRefused):
            await http.download("https://a.example/", tmp_path / "file", max_bytes=10, deadline=5.0)
    assert len(server.requests) == 4


async def test_a_missing_file_is_not_downloaded(tmp_path: Path) -> None:
    raw = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
    async with serving(always(raw)) as server, OpenHttp(Rewriter(server.url)) as http:
        with pytest.raises(Unreadable):
            await http.download("https://a.example/", tmp_path / "f", max_bytes=10, deadline=5.0)
    assert list(tmp_path.iterdir()) == []
