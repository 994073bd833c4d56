"""A workspace is left: the bot was removed there, or its token is dead.

Posts wait and nothing is said there any more. Tokens of its clients' accounts are renewed for the grace
period, so that a reinstall finds living accounts; then its data goes (bot.domain.removing).
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from bot.domain.auditing import Actor, record
from bot.domain.house import House
from storage import installing as store

log = structlog.get_logger(__name__)

GRACE = timedelta(days=30)
"""A month: long enough for a holiday or a question of billing, and the time within which somebody who asks
for the deletion of his data has to have it."""


async def left(house: House, workspace_id: str, generation: int, why: str) -> bool:
    """The token of this generation is dead; `why` is a short word. False where that is known, or over."""
    now = house.clock.now()
    async with house.db.write() as session:
        gone = await store.mark_gone(session, workspace_id, generation, now, now + GRACE)
        if gone:
            record(session, Actor(workspace_id), "workspace.left", now, detail={"why": why})
    if gone:
        house.meters.workspaces.labels("left").inc()
        log.warning("workspace_left", workspace=workspace_id, why=why, data_until=(now + GRACE).isoformat())
    return gone
