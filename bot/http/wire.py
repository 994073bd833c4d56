"""The transport: httpx's interface on aiohttp, with a guard at the last moment before bytes leave.

A successor of httpx or of its transport is a change of this file. What it adds to them:

* whether a request was sent is known, not guessed from the type of an exception;
* a request whose not-after time has passed is stopped just before its bytes would leave;
* nothing is ever sent twice: aiohttp repeats an idempotent request whose reused connection turned out
  to be dead, and a refresh by GET must not be;
* no cookies are kept (the next request is another client's), no proxy or .netrc is taken from the
  environment, no redirect is followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport
from yarl import URL

from bot.clock import boot_seconds
from bot.http.errors import HostRefused, HttpError, NoAnswer, NotSent, TooLarge, TooLate

__all__ = ["Call", "Wire", "host_of", "is_loopback", "read_body", "where_of"]

_CONNECT_SECONDS = 10.0
# Shorter than what servers commonly keep: a connection that they are about to close loses a request.
_KEEPALIVE_SECONDS = 10.0
_ON_SENDING = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError)
# Narrower, because whoever reads the body may have errors of its own.
_ON_READING = (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError)


@dataclass
class _Attempt:
    """One request on its way. `not_after` is a value of `boot_seconds`."""

    not_after: float | None
    exact: str = ""
    sent: bool = False
    too_late: bool = False
    refused: bool = False
    chunks: int = 0

    def check(self) -> None:
        if self.not_after is not None and boot_seconds() > self.not_after:
            self.too_late = True
            raise _Stopped


class _Stopped(Exception):
    """Raised inside the transport to keep the bytes back."""


class _Dropped(aiohttp.ClientConnectionError):
    """The connection broke. Unlike aiohttp's own errors this one is never answered with a second try."""


_ATTEMPT: ContextVar[_Attempt | None] = ContextVar("http_attempt", default=None)


@dataclass(frozen=True)
class Call:
    """What is to be sent. `address` is final (rewritten); `where` names it in errors."""

    method: str
    address: str
    where: str
    headers: Mapping[str, str] | None = None
    params: Mapping[str, Any] | None = None
    data: Mapping[str, Any] | None = None
    files: Mapping[str, Any] | None = None
    json: Any = None
    content: bytes | AsyncIterator[bytes] | None = None
    not_after: float | None = None


class Wire:
    """One pool of connections. Must be made inside a running event loop, and closed."""

    def __init__(
        self,
        *,
        may_connect: Callable[[str], bool] | None = None,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`may_connect` judges the very address that is about to be connected to, whatever name led there."""
        # No limit here: a request must never queue inside the pool after its slot was granted.
        connector = aiohttp.TCPConnector(
            limit=0,
            ssl=tls or httpx.create_ssl_context(),
            resolver=resolver,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            socket_factory=None if may_connect is None else _checked_sockets(may_connect),
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[_guard()],
            middlewares=[_exactly_once],
        )
        self._client = httpx.AsyncClient(
            transport=AiohttpTransport(client=session),
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": "Lamplighter"},
        )

    @asynccontextmanager
    async def exchange(self, call: Call, deadline: float) -> AsyncIterator[httpx.Response]:
        """Send once and yield the answer with its body still to be read, all within `deadline` seconds.

        Raises NotSent, TooLate or NoAnswer; the body of the `async with` may raise HttpError itself.
        """
        attempt = _Attempt(call.not_after)
        token = _ATTEMPT.set(attempt)
        failure: HttpError | None = None
        try:
            async with asyncio.timeout(deadline):
                response = await self._send(call, attempt, deadline)
                try:
                    yield response
                finally:
                    await response.aclose()
        except (*_ON_READING, TimeoutError) as caught:
            failure = _verdict(call, attempt, caught)
        finally:
            _ATTEMPT.reset(token)
        # Raised out here so that the transport's exception, which holds the address, is not chained.
        if failure is not None:
            raise failure

    async def _send(self, call: Call, attempt: _Attempt, deadline: float) -> httpx.Response:
        try:
            request = self._build(call, deadline)
            attempt.exact = str(request.url)
            return await self._client.send(request, stream=True)
        except (*_ON_SENDING, _Stopped) as caught:
            failure = _verdict(call, attempt, caught)
        raise failure

    def _build(self, call: Call, deadline: float) -> httpx.Request:
        return self._client.build_request(
            call.method,
            call.address,
            headers=call.headers,
            params=call.params,
            data=call.data,
            files=call.files,
            json=call.json,
            content=call.content,
            timeout=httpx.Timeout(None, connect=min(_CONNECT_SECONDS, deadline)),
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()


async def read_body(response: httpx.Response, where: str, limit: int) -> bytes:
    """The decoded body. Raises TooLarge as soon as it exceeds `limit` bytes."""
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > limit:
            raise TooLarge(where, f"more than {limit} bytes")
    return bytes(body)


def host_of(address: str) -> str:
    """The host of an address, lower case, without port; empty when there is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a host is `localhost` or a literal loopback address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def where_of(method: str, address: str) -> str:
    """Method, host and path: what errors and logs may say of an address."""
    try:
        path = urlsplit(address).path
    except ValueError:
        path = ""
    return f"{method} {host_of(address)}{path}"


def _verdict(call: Call, attempt: _Attempt, caught: Exception) -> HttpError:
    if attempt.too_late:
        return TooLate(call.where)
    if attempt.refused and not attempt.sent:
        return HostRefused(call.where, "not a public address")
    kind = NoAnswer if attempt.sent else NotSent
    return kind(call.where, "deadline" if isinstance(caught, TimeoutError) else type(caught).__name__)


def _checked_sockets(may_connect: Callable[[str], bool]) -> Callable[[aiohttp.AddrInfoType], socket.socket]:
    def make(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, target = info
        if not may_connect(str(target[0])):
            attempt = _ATTEMPT.get()
            if attempt is not None:
                attempt.refused = True
            raise OSError("refused")
        return socket.socket(family=family, type=kind, proto=protocol)

    return make


def _guard() -> aiohttp.TraceConfig:
    """Hooks that aiohttp awaits immediately before it writes.

    Headers are held back until the first piece of the body, so the first piece is the last moment at
    which everything can still be stopped. From the headers on a request counts as sent.
    """
    # Any callable does; aiohttp's annotation names only the class that it uses itself.
    config = aiohttp.TraceConfig(trace_config_ctx_factory=cast(Any, _current))

    async def before_headers(_: aiohttp.ClientSession, attempt: Any, __: Any) -> None:
        if isinstance(attempt, _Attempt):
            attempt.check()
            attempt.sent = True

    async def before_piece(_: aiohttp.ClientSession, attempt: Any, __: Any) -> None:
        if isinstance(attempt, _Attempt):
            if attempt.chunks == 0:
                attempt.check()
            attempt.chunks += 1

    config.on_request_headers_sent.append(before_headers)
    config.on_request_chunk_sent.append(before_piece)
    return config


def _current(trace_request_ctx: object = None) -> _Attempt | SimpleNamespace:
    return _ATTEMPT.get() or SimpleNamespace()


async def _exactly_once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    attempt = _ATTEMPT.get()
    if attempt is not None and attempt.exact:
        # aiohttp would quote the address anew, and a signed one is valid only as it was given.
        request.url = URL(attempt.exact, encoded=True)
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as broken:
        raise _Dropped(type(broken).__name__) from None
