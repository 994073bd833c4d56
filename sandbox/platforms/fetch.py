"""How a platform fetches media by address: as picky as the real one (meta facts §1.5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

import httpx

AGENT = "facebookexternalhit/1.1"
SECONDS = 10.0
MOST_BYTES = 320 * 1024 * 1024

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Unfetchable(Exception):
    """The address did not give the file; the text says which demand it failed."""


class TooSlow(Unfetchable):
    """The file did not come in time."""


@dataclass(frozen=True)
class Fetched:
    """A file as it came, with the media type that its server gave it."""

    data: bytes
    content_type: str


Fetcher = Callable[[str], Awaitable[Fetched]]


def loopback_only(address: str) -> str | None:
    """The address itself when it is on this machine; None for all others, which then are unreachable."""
    parts = urlsplit(address)
    return address if parts.scheme in ("http", "https") and parts.hostname in LOOPBACK else None


@dataclass(frozen=True)
class HttpFetcher:
    """Fetches over real HTTP. `rewrite` turns a public address into a loopback one, or None."""

    rewrite: Callable[[str], str | None] = loopback_only

    async def __call__(self, address: str) -> Fetched:
        """The file. Raises Unfetchable, TooSlow."""
        if not address.isascii():
            raise Unfetchable("the address is not plain ASCII")
        local = self.rewrite(address)
        if local is None:
            raise Unfetchable("the address cannot be reached from outside")
        # Only loopback is reached, without TLS: loading certificates for each file would be waste.
        async with httpx.AsyncClient(
            timeout=SECONDS, headers={"user-agent": AGENT}, trust_env=False, verify=False
        ) as client:
            try:
                await _robots(client, address, local)
                return await _file(client, local)
            except httpx.TimeoutException as error:
                raise TooSlow("no answer in time") from error
            except httpx.HTTPError as error:
                raise Unfetchable("the connection failed") from error


async def _robots(client: httpx.AsyncClient, address: str, local: str) -> None:
    asked, reached = urlsplit(address), urlsplit(local)
    root = reached.path.removesuffix(asked.path)
    answer = await client.get(f"{reached.scheme}://{reached.netloc}{root}/robots.txt")
    if answer.status_code != 200:
        return
    rules = RobotFileParser()
    rules.parse(answer.text.splitlines())
    if not rules.can_fetch(AGENT, asked.path or "/"):
        raise Unfetchable("robots.txt forbids it")


async def _file(client: httpx.AsyncClient, local: str) -> Fetched:
    head = await client.head(local)
    if head.status_code != 200:
        raise Unfetchable(f"HEAD was answered with {head.status_code}")
    size, kind = head.headers.get("content-length", ""), head.headers.get("content-type", "")
    if not size.isdecimal() or not kind:
        raise Unfetchable("HEAD names no Content-Length or no Content-Type")
    if int(size) > MOST_BYTES:
        raise Unfetchable("the file is too big to be fetched at all")
    answer = await client.get(local)
    if answer.status_code != 200 or len(answer.content) != int(size):
        raise Unfetchable("GET did not give what HEAD promised")
    return Fetched(answer.content, kind.partition(";")[0].strip().lower())
