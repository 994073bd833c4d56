"""The client for the platforms: one pool for everything, bound to the hosts that a platform's file lists."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Self

from bot.http.errors import HostRefused
from bot.http.response import Response
from bot.http.slots import Slots
from bot.http.wire import Call, Wire, host_of, is_loopback, read_body, where_of
from bot.outbound import Rewriter

__all__ = ["PlatformHttp"]

_MAX_BODY_BYTES = 2 * 1024 * 1024


class PlatformHttp:
    """Sends requests that carry tokens and secrets. Make it inside a running event loop, and close it."""

    def __init__(self, rewriter: Rewriter | None = None, *, slots_per_host: int = 32) -> None:
        self._rewriter = rewriter or Rewriter()
        self._slots = Slots(slots_per_host)
        self._wire = Wire()
        self._answered_at: dict[str, float] = {}

    def answered_since(self, hosts: frozenset[str], moment: float) -> bool:
        """Whether one of `hosts` gave an answer that was no server error after `moment` (of
        `time.monotonic`): the proof that the other side is there."""
        return any(self._answered_at.get(host, moment) > moment for host in hosts)

    def slot(self, host: str, *, wait: float = 30.0) -> AbstractAsyncContextManager[None]:
        """Wait up to `wait` seconds for the right to call `host`, then hold it (raises NoSlot).

        A `request` to that host inside the block uses this slot instead of waiting for one of its own;
        requests made there at the same time share it.
        """
        return self._slots.hold(host.lower(), wait)

    async def request(
        self,
        method: str,
        url: str,
        *,
        hosts: frozenset[str],
        deadline: float,
        not_after: float | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        json: Any = None,
        content: bytes | AsyncIterator[bytes] | None = None,
        max_bytes: int = _MAX_BODY_BYTES,
    ) -> Response:
        """Send once and read the whole answer. Redirects are answers; nothing is tried twice.

        `hosts` are the only hosts that this may go to; `deadline` is the total in seconds, waiting for a
        slot included; `not_after` a value of `bot.clock.boot_seconds` past which nothing is sent any more.
        Raises NotSent and its kin, NoAnswer or TooLarge.
        """
        started = time.monotonic()
        where = where_of(method, url)
        host = self._checked_host(url, hosts, where)
        async with self._slots.hold(host, deadline):
            call = Call(
                method,
                self._rewriter.url(url),
                where,
                headers=headers,
                params=params,
                data=data,
                files=files,
                json=json,
                content=content,
                not_after=not_after,
            )
            remaining = deadline - (time.monotonic() - started)
            async with self._wire.exchange(call, remaining) as answer:
                body = await read_body(answer, where, max_bytes)
                if answer.status_code < 500:
                    self._answered_at[host] = time.monotonic()
                return Response(answer.status_code, answer.headers, body, where)

    def _checked_host(self, url: str, hosts: frozenset[str], where: str) -> str:
        host = host_of(url)
        scheme, _, rest = url.partition("://")
        secure = scheme.lower() == "https" or (scheme.lower() == "http" and is_loopback(host))
        known = host in hosts or self._rewriter.is_there(url)  # in a rehearsal everything goes there
        if not known or not secure or "@" in rest.split("/", 1)[0]:
            raise HostRefused(where)
        return host

    async def aclose(self) -> None:
        """Close all connections."""
        await self._wire.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
