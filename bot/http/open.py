"""The client for addresses that people and replies give: media links, upload and paging addresses.

Such an address may lead anywhere, so it is https only, the address that is really connected to must be
public (checked at the socket, so no second look-up can swap it), and the same again on each redirect.
Addresses that the rewriter sends to a sandbox are exempt: they go to one known place.
"""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin

import httpx
from aiohttp.abc import AbstractResolver

from bot.http.errors import HostRefused, TooLarge, Unreadable
from bot.http.response import Response
from bot.http.wire import Call, Wire, host_of, read_body
from bot.outbound import Rewriter

__all__ = ["Download", "OpenHttp", "is_public"]

_MAX_REDIRECTS = 3
_MAX_ANSWER_BYTES = 2 * 1024 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Download:
    """A file that was fetched: its size in bytes and the content type that its server claims."""

    size: int
    content_type: str


class OpenHttp:
    """Sends nothing that identifies us: no bearer, no cookies. Make it in a running loop, and close it.

    `may_connect`, `resolver` and `tls` have the right defaults; tests replace them.
    """

    def __init__(
        self,
        rewriter: Rewriter | None = None,
        *,
        may_connect: Callable[[str], bool] | None = None,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._rewriter = rewriter or Rewriter()
        check = None if self._rewriter.is_on else (may_connect or is_public)
        self._wire = Wire(may_connect=check, resolver=resolver, tls=tls)

    async def request(
        self,
        method: str,
        url: str,
        *,
        deadline: float,
        not_after: float | None = None,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        content: bytes | AsyncIterator[bytes] | None = None,
    ) -> Response:
        """Send once, as an upload does; a redirect is an answer. Raises as `PlatformHttp.request` does.

        An Authorization or Cookie header is refused: those belong to hosts that a platform's file lists.
        """
        where = f"{method} {host_of(url)}"
        if headers and {name.lower() for name in headers} & {"authorization", "cookie"}:
            raise HostRefused(where, "credentials")
        call = Call(
            method,
            self._address(url, where),
            where,
            headers=headers,
            data=data,
            files=files,
            content=content,
            not_after=not_after,
        )
        async with self._wire.exchange(call, deadline) as answer:
            body = await read_body(answer, where, _MAX_ANSWER_BYTES)
            return Response(answer.status_code, answer.headers, body, where)

    async def download(self, url: str, target: Path, *, max_bytes: int, deadline: float) -> Download:
        """GET into the file `target`, which is there only when this succeeds.

        Raises Unreadable for any status but 200, TooLarge, HostRefused and the other HttpErrors; OSError
        when the file cannot be written.
        """
        partial = target.with_name(f"{target.name}.part")
        try:
            async with self._get(url, deadline) as (answer, where):
                if answer.status_code != 200:
                    raise Unreadable(where, f"status {answer.status_code}")
                size = await _write(answer, where, partial, max_bytes)
                content_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        return Download(size, content_type)

    @asynccontextmanager
    async def _get(self, url: str, deadline: float) -> AsyncIterator[tuple[httpx.Response, str]]:
        ends = time.monotonic() + deadline
        for _ in range(_MAX_REDIRECTS + 1):
            where = f"GET {host_of(url)}"
            call = Call("GET", self._address(url, where), where)
            async with self._wire.exchange(call, ends - time.monotonic()) as answer:
                location = answer.headers.get("location")
                if answer.status_code not in _REDIRECTS or not location:
                    yield answer, where
                    return
            url = _joined(url, location, where)
        raise HostRefused(where, "too many redirects")

    def _address(self, url: str, where: str) -> str:
        scheme, _, rest = url.partition("://")
        if scheme.lower() != "https" or not host_of(url) or "@" in rest.split("/", 1)[0]:
            raise HostRefused(where, "not a plain https address")
        return self._rewriter.url(url)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._wire.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def is_public(address: str) -> bool:
    """Whether an IP address, in text, is one of the open internet: also when it wraps an IPv4 address."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _joined(url: str, location: str, where: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        pass
    raise HostRefused(where, "bad redirect")


async def _write(answer: httpx.Response, where: str, target: Path, limit: int) -> int:
    size = 0
    with target.open("wb") as file:
        async for piece in answer.aiter_bytes():
            size += len(piece)
            if size > limit:
                raise TooLarge(where, f"more than {limit} bytes")
            file.write(piece)
    return size
