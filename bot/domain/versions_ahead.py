"""Tells the operator ahead of the known end of an API version that is a setting."""

from __future__ import annotations

from datetime import date

from bot.domain.house import House
from bot.domain.telling import OPERATIONS, find, tell_event
from bot.platforms.versions import LINKEDIN, META, known_end
from storage import clients

STEPS = (60, 14, 1)  # days ahead
USERS = {META: ("facebook", "instagram"), LINKEDIN: ("linkedin", "linkedin_pages")}


async def tell(house: House) -> int:
    """Says each step once in every workspace, of several passed at once only the nearest; how many were
    said now. Only versions of platforms that are switched on count."""
    today = house.clock.now().date()
    due = [
        (name, value, word, end, step)
        for name, value in sorted(house.versions.items())
        if (word := next((item for item in USERS.get(name, ()) if item in house.apps), None))
        and (end := known_end(name, value)) is not None
        and (step := step_for(end, today)) is not None
    ]
    told = 0
    for name, value, word, end, step in due:
        facts = {"setting": name, "value": value, "platform": word, "end": end.isoformat()}
        told += await _once(house, f"{name}:{value}:{step}", facts)
    return told


def step_for(end: date, today: date) -> int | None:
    """The nearest step that is passed: days ahead of `end`; None while it is far away."""
    left = (end - today).days
    return min((step for step in STEPS if left <= step), default=None)


async def _once(house: House, step: str, facts: dict[str, str]) -> int:
    async with house.db.read() as session:
        living = [workspace.id for workspace in await clients.living(session)]
        missing = [item for item in living if await find(session, f"version:{item}:{step}") is None]
    if not missing:
        return 0
    async with house.db.write() as session:
        for workspace_id in missing:
            key = f"version:{workspace_id}:{step}"
            await tell_event(session, workspace_id, "engine.version", key, OPERATIONS, facts=facts)
    house.wake.outbox.set()
    return len(missing)
