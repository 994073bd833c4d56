"""Looking at a connection when its time has come: a warning to give or to end, a live check to make."""

from __future__ import annotations

from bot.domain import probing, warnings
from bot.domain.house import House
from storage import watching as store


async def look_at(house: House, connection_id: str) -> None:
    """Does what is due for a claimed connection, and stores when to look next."""
    now = house.clock.now()
    async with house.db.write() as session:
        found = await store.load(session, connection_id)
        if found is None:
            return
        seen = found.connection.next_change_at
        if found.connection.state != "live":
            await store.set_next(session, found.connection, seen, None)
            return
        warn_at = await warnings.review(session, house, found, now)
    house.wake.outbox.set()
    check_at = await probing.look_if_due(house, found, now)
    moments = [moment for moment in (warn_at, check_at) if moment is not None]
    async with house.db.write() as session:
        await store.set_next(session, found.connection, seen, min(moments, default=None))
