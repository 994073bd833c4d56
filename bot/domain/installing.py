"""A workspace installs the bot, for the first time or again: the walk's rules, and the row with its token.

The state of a walk is random, lives ten minutes, is kept as a digest and works once, in the browser that it
was made for. A token is sealed for its own row and generation; a reinstall is the next generation.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import returning, welcoming
from bot.domain.auditing import Actor, record
from bot.domain.errors import Refused
from bot.domain.house import House, wall_now
from storage import installing as store
from storage import routines
from storage.crypto import Place, digest
from storage.models import InstallWalk, Workspace, new_id

STATE_LIVES = timedelta(minutes=10)
WORK_LASTS = timedelta(minutes=1)
PAGE_LIVES = timedelta(hours=1)  # beyond the state: how long the result can be looked at


class Ending(StrEnum):
    """How a walk ended."""

    INSTALLED = "installed"
    REINSTALLED = "reinstalled"
    DECLINED = "declined"  # the person said no at Slack
    NO_CODE = "no_code"  # Slack sent the browser back with an error, or with nothing
    REFUSED = "refused"  # Slack did not take its own code, or our app's secret
    NO_ANSWER = "no_answer"
    NOT_ALLOWED = "not_allowed"  # SLACK_ALLOWED_TEAMS
    ORG_WIDE = "org_wide"
    ROTATION = "rotation"


class WalkRefused(Refused):
    """An answer that belongs to no open walk of this browser. Nothing was done. `why`: unknown, other_browser
    or expired."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Team:
    """A Slack team and our bot user in it, as Slack named them."""

    id: str
    name: str
    bot_user_id: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What the result page shows. `result` is None while Slack is being asked."""

    result: Ending | None
    team: str = ""


async def begin(house: House, browser: str) -> str:
    """Starts a walk; the state to send to Slack."""
    now, state = house.clock.now(), secrets.token_urlsafe(32)
    async with house.db.write() as session:
        session.add(
            InstallWalk(
                id=new_id(),
                state_hash=digest(state),
                browser_hash=digest(browser),
                created_at=now,
                expires_at=now + STATE_LIVES,
            )
        )
    return state


async def take(house: House, state: str, browser: str | None) -> tuple[str, bool]:
    """The walk of an answer that came back, and whether this load is the one to work it. Raises
    WalkRefused."""
    now = house.clock.now()
    if browser is not None:
        async with house.db.write() as session:
            walk = await store.take_walk(session, digest(state), digest(browser), now)
            if walk is not None:
                return walk.id, True
    async with house.db.read() as session:
        walk = await store.walk_of_state(session, digest(state))
    if walk is None:
        raise WalkRefused("unknown")
    if browser is None or walk.browser_hash != digest(browser):
        raise WalkRefused("other_browser")
    if walk.used_at is None:
        raise WalkRefused("expired")
    return walk.id, False


async def end(house: House, walk_id: str, ending: Ending) -> None:
    """A walk that installed nothing."""
    async with house.db.write() as session:
        await store.end_walk(session, walk_id, ending)


async def finish(house: House, walk_id: str, team: Team, token: str, by: str) -> Ending:
    """Stores the token and ends the walk, in one transaction."""
    async with house.db.write() as session:
        row, fresh = await install(session, house, team, token=token, by=by)
        ending = Ending.INSTALLED if fresh else Ending.REINSTALLED
        await store.end_walk(session, walk_id, ending, row.id)
    house.wake.all()
    return ending


async def standing(house: House, walk_id: str, browser: str | None) -> Standing | None:
    """What became of a walk; None for every browser but its own."""
    async with house.db.read() as session:
        walk = await session.get(InstallWalk, walk_id)
        if walk is None or browser is None or walk.browser_hash != digest(browser):
            return None
        row = await session.get(Workspace, walk.workspace_id) if walk.workspace_id else None
    if walk.result is not None:
        return Standing(Ending(walk.result), row.name if row else "")
    # A process that died in between left no result.
    lost = house.clock.now() - (walk.used_at or walk.created_at) > WORK_LASTS
    return Standing(Ending.NO_ANSWER if lost else None)


async def install(
    session: AsyncSession, house: House, team: Team, *, token: str | None = None, by: str | None = None
) -> tuple[Workspace, bool]:
    """The team's row with this token, the next generation; and whether it is a new workspace.

    `token` None: the settings hold it. `by` is the Slack user who allowed it. A workspace that was left
    comes back with everything it had."""
    now = house.clock.now()
    row, fresh = await store.row_of_team(session, team.id, now)
    gone_since = row.uninstalled_at
    row.name, row.bot_user_id = team.name or row.name, team.bot_user_id
    row.token_generation += 1
    row.bot_token = house.vault.seal(token, token_place(row)) if token is not None else None
    row.installed_at, row.uninstalled_at, row.remove_at = wall_now(), None, None
    if by is not None and row.installed_by is None:
        await welcoming.welcome(session, row.id, by)
    await session.flush()
    await routines.ensure(session, now)
    if gone_since is not None:
        await returning.come_back(session, house, row, gone_since, now)
    record(session, Actor(row.id, by), "workspace.installed" if fresh else "workspace.reinstalled", now)
    house.meters.workspaces.labels("installed" if fresh else "reinstalled").inc()
    return row, fresh


def token_place(row: Workspace) -> Place:
    """Where a workspace's bot token is sealed for."""
    return Place("workspaces", row.id, "bot_token", row.token_generation)


async def tidy(house: House) -> None:
    """Forgets walks whose page nobody looks at any more."""
    async with house.db.write() as session:
        await store.forget_walks(session, house.clock.now() - PAGE_LIVES)
