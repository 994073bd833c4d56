"""The end of the grace period: what a workspace left behind goes, in bounded steps that any process can take
further.

First its accounts are disconnected, and the tasks that follow a disconnect take our access back at the
platforms, where nothing of another workspace rests on it. Then the files, then the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog

from bot.domain import disconnecting, media_use
from bot.domain.auditing import Actor
from bot.domain.errors import NotCurrent
from bot.domain.house import House
from storage import removing as store

log = structlog.get_logger(__name__)

AT_ONCE = 5  # workspaces in one tick
DISCONNECTS = 20  # in one step: each is a transaction of its own
ROWS = 500  # in one transaction
STEPS = 20  # in one tick
CLAIMED_FOR = timedelta(minutes=5)  # house time: a process that dies is followed by another


async def due(house: House) -> Sequence[str]:
    """Workspaces whose removal has to go on."""
    async with house.db.read() as session:
        return await store.due(session, house.clock.now(), AT_ONCE)


async def remove(house: House, workspace_id: str) -> None:
    """Takes a removal a bounded step further, in one process at a time."""
    now = house.clock.now()
    async with house.db.write() as session:
        mine = await store.claim(session, workspace_id, now, now + CLAIMED_FOR)
    if mine and await _go_on(house, workspace_id):
        async with house.db.write() as session:  # there is more: go on at the next tick
            await store.look_at(session, workspace_id, now)


async def _go_on(house: House, workspace_id: str) -> bool:
    """True where the next step need not wait for anything."""
    if await _disconnect_some(house, workspace_id):
        return True
    async with house.db.read() as session:
        waits = await store.under_way(session, workspace_id)
    if waits or not await _files_are_gone(house, workspace_id):
        return False
    if not await _delete_some(house, workspace_id):
        return True
    async with house.db.write() as session:
        await store.last(session, workspace_id)
    house.meters.workspaces.labels("removed").inc()
    log.warning("workspace_removed", workspace=workspace_id)
    return False


async def _disconnect_some(house: House, workspace_id: str) -> bool:
    """Whether there were any. Without a word: there is nobody to tell."""
    async with house.db.read() as session:
        rows = await store.living(session, workspace_id, DISCONNECTS)
    for row in rows:
        now = house.clock.now()
        async with house.db.write() as session:
            try:
                await disconnecting.take_off(session, Actor(workspace_id), row.id, row.generation, now)
            except NotCurrent:  # it changed in this moment; the next step sees how
                continue
    return bool(rows)


async def _files_are_gone(house: House, workspace_id: str) -> bool:
    """The bytes go before their rows; a store that does not answer is asked again later."""
    async with house.db.write() as session:
        left = await store.withdraw_media(session, workspace_id, house.clock.now())
    while left and await media_use.tidy(house):
        async with house.db.read() as session:
            left = await store.media(session, workspace_id)
    return left == 0


async def _delete_some(house: House, workspace_id: str) -> bool:
    """True when nothing is left but the workspace's own row."""
    steps = 0
    for table in store.tables_of_a_workspace():
        gone = ROWS
        while gone == ROWS:
            if steps == STEPS:
                return False
            async with house.db.write() as session:
                gone = await store.some(session, table, workspace_id, ROWS)
            steps += 1 if gone else 0
    return True
