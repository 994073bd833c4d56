"""Every working day one look at the people on whom a workspace depends: who was deactivated in Slack?

One question to Slack for each distinct person, at the pace that Slack allows, beside the engine and never in
its way. The look is held by its routine's due time (house time): when its process dies, somebody else looks
an hour later; when Slack does not answer, the whole look is made again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.domain import absences, working_time
from bot.domain.absences import Standing
from bot.domain.house import House
from bot.slack.errors import PersonUnreachable, SlackProblem, Transient, WorkspaceGone
from bot.slack.gateway import Gateway
from storage import clients
from storage import routines as store
from storage.models import Workspace

log = structlog.get_logger(__name__)

HELD_FOR = timedelta(hours=1)
AFTER_A_FAILURE = timedelta(minutes=15)
NOBODY = "user_not_found"


@dataclass(frozen=True, slots=True)
class Look:
    """A workspace's turn, and the due time that this process gave it while it looks."""

    workspace: Workspace
    held_until: datetime


class RollCall:
    """Looks where it is time to; `house` decides when, `gateway` asks."""

    def __init__(self, house: House, gateway: Gateway) -> None:
        self._house = house
        self._gateway = gateway

    async def tick(self) -> None:
        """Every workspace whose time has come."""
        while (look := await self._begin()) is not None:
            next_at = working_time.of(look.workspace).opening_after(self._house.clock.now())
            try:
                await self._look(look, next_at)
            except WorkspaceGone as problem:
                log.info("no roll call", workspace=look.workspace.id, word=problem.word)
                await self._plan(look, next_at)
            except SlackProblem as problem:
                log.warning("roll call put off", workspace=look.workspace.id, word=problem.word)
                await self._plan(look, self._house.clock.now() + AFTER_A_FAILURE)

    async def _begin(self) -> Look | None:
        """Takes one workspace's turn. One that is not planned yet gets its first turn at the next opening."""
        now = self._house.clock.now()
        async with self._house.db.read() as session:
            if not await store.any_due(session, now, [store.PEOPLE]):
                return None
        async with self._house.db.write() as session:
            while (routine := await store.take_due(session, now, [store.PEOPLE])) is not None:
                workspace = await clients.workspace(session, routine.workspace_id)
                begins = routine.is_planned and workspace.uninstalled_at is None
                held = now + HELD_FOR
                at = held if begins else working_time.of(workspace).opening_after(now)
                await store.plan(session, workspace.id, store.PEOPLE, at)
                session.expire(routine)
                if begins:
                    return Look(workspace, held)
        return None

    async def _look(self, look: Look, next_at: datetime) -> None:
        workspace_id = look.workspace.id
        async with self._house.db.read() as session:
            people = await absences.whom(session, look.workspace)
        seen = await self._ask(workspace_id, people)
        async with self._house.db.write() as session:
            # Whoever lost the turn to another process says nothing.
            if not await store.plan(session, workspace_id, store.PEOPLE, next_at, seen=look.held_until):
                return
            told = await absences.note(session, workspace_id, seen, self._house.clock.now())
        log.info("roll call", workspace=workspace_id, people=len(seen), gone=told)
        self._house.wake.outbox.set()

    async def _ask(self, workspace_id: str, people: Iterable[str]) -> dict[str, Standing]:
        return {person: await self._standing(workspace_id, person) for person in people}

    async def _standing(self, workspace_id: str, person: str) -> Standing:
        while True:
            try:
                found = await self._gateway.user(workspace_id, person, fresh=True)
            except PersonUnreachable as problem:
                return Standing.UNKNOWN if problem.word == NOBODY else Standing.HIDDEN
            except Transient as problem:
                if not problem.limited:
                    raise
                await asyncio.sleep(problem.retry_after or 1.0)
            else:
                return Standing.DEACTIVATED if found.deleted else Standing.HERE

    async def _plan(self, look: Look, at: datetime) -> None:
        async with self._house.db.write() as session:
            await store.plan(session, look.workspace.id, store.PEOPLE, at, seen=look.held_until)
