"""How many calls to one host may be under way at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from bot.http.errors import NoSlot

__all__ = ["Slots"]


@dataclass
class _Grip:
    owner: Slots
    host: str
    live: bool = True


_GRIPS: ContextVar[tuple[_Grip, ...]] = ContextVar("http_slots", default=())


class Slots:
    """A number of slots for each host.

    Who holds a slot of a host, and everything that it awaits, takes no second one there: so a caller can
    wait for its slot first, take a lease then, and be sure that its request does not queue any more.
    """

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._hosts: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def hold(self, host: str, wait: float) -> AsyncIterator[None]:
        """Hold a slot of `host`. Raises NoSlot when none comes free within `wait` seconds."""
        grips = _GRIPS.get()
        if any(grip.live and grip.owner is self and grip.host == host for grip in grips):
            yield
            return
        slots = self._hosts.setdefault(host, asyncio.Semaphore(self._per_host))
        if not await _acquire(slots, wait):
            raise NoSlot(host)
        grip = _Grip(self, host)
        token = _GRIPS.set((*grips, grip))
        try:
            yield
        finally:
            # A task that was started in here and lives on must not count as a holder.
            grip.live = False
            _GRIPS.reset(token)
            slots.release()


async def _acquire(slots: asyncio.Semaphore, wait: float) -> bool:
    try:
        async with asyncio.timeout(wait):
            await slots.acquire()
    except TimeoutError:
        return False
    return True
