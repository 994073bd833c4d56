"""One function through which every outbound address goes.

In production it changes nothing. With LAMPLIGHTER_OUTBOUND_URL set it sends `https://HOST/PATH` to
`OUTBOUND/HOST/PATH`, so that the platforms' code can name the real hosts and never hears of a sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Rewriter"]


@dataclass(frozen=True)
class Rewriter:
    """Maps outbound addresses. `outbound` is an origin without a trailing slash, or None: nothing changes."""

    outbound: str | None = None

    @property
    def is_on(self) -> bool:
        """Whether addresses are rewritten at all."""
        return self.outbound is not None

    def is_there(self, address: str) -> bool:
        """Whether an address points at `outbound` already, as a sandbox may name its own upload addresses."""
        return self.outbound is not None and f"{address}/".startswith(f"{self.outbound}/")

    def url(self, address: str) -> str:
        """The address to call instead of `address`.

        Only https addresses change; one that already points at `outbound` stays, so applying this twice
        is harmless. A user part is dropped, query and fragment are kept as they are. Raises ValueError
        for an https address without a host.
        """
        if self.outbound is None or self.is_there(address):
            return address
        scheme, separator, rest = address.partition("://")
        if scheme.lower() != "https" or not separator:
            return address
        end = next((at for at, char in enumerate(rest) if char in "/?#"), len(rest))
        host = rest[:end].rpartition("@")[2].lower()
        if not host:
            raise ValueError("an https address without a host")
        tail = rest[end:]
        return f"{self.outbound}/{host}{tail if tail.startswith('/') else '/' + tail}"
