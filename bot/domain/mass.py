"""Many grants of one app refused at once: is it the people, or our app?

Deaths that may be part of a burst wait for up to a minute. When the burst is one, the app itself is checked
first, once, with a grant that nobody refused. If the app is at fault the operator hears it and nothing is
dead; otherwise the operator gets one alert with the list, and each client's channel its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import app_faults, holding, incident_closing, incident_threads, lifetimes, reminding
from bot.domain.house import House
from bot.domain.outcomes import Judgement
from bot.platforms.errors import Reason
from storage import grants
from storage import incidents as store
from storage.crypto import digest
from storage.models import EngineFact, Grant
from storage.upsert import insert_new

log = structlog.get_logger(__name__)

WITHIN = timedelta(hours=1)
AT_LEAST = 10  # refusals that make a burst a mass revocation,
SHARE = 0.2  # if they are also so much of the app's grants here
SUSPICIOUS = 3  # grants refused or due right now from which on a death waits to see whether more follow
HELD_FOR = timedelta(minutes=1)
CHECK_TAKES = timedelta(minutes=2)  # a check that its process did not finish is made again then


class App(StrEnum):
    """How much is known of our app when many are refused and nothing was found against it."""

    WORKS = "works"  # another account of it was just spoken for
    ACCEPTED = "accepted"  # the platform takes its id and secret
    UNKNOWN = "unknown"  # no account is left to try, and the platform has no way to ask


class Weight(StrEnum):
    """What a death is to do."""

    TELL = "tell"
    HOLD = "hold"  # more may follow: wait for the end of the minute
    CHECK = "check"  # this caller checks the app, nobody else


async def weigh(session: AsyncSession, grant: Grant, now: datetime) -> Weight:
    """What to do about a definitive refusal. Gives the one check of the app to its caller."""
    if grant.reason == Reason.EXPIRED:
        return Weight.TELL
    last = await session.get(EngineFact, _name(grant), populate_existing=True)
    if last is not None and last.value.get("found") == "app" and last.at and last.at > now - WITHIN:
        last.value, last.at = {"found": "checking"}, now  # a straggler: is it still the app?
        return Weight.CHECK
    live, refused = await grants.live_states(session, grant.provider, grant.app_id, now - WITHIN)
    if last is not None and _being_checked(last, now):
        return Weight.HOLD
    if refused + await grants.due_now(session, grant.provider, grant.app_id, now) < SUSPICIOUS:
        return Weight.TELL
    if refused < AT_LEAST or refused < SHARE * (live + refused):
        return Weight.HOLD if grant.reason_at is not None and now < held_until(grant) else Weight.TELL
    fact = await _fact(session, grant)
    recent = fact.at is not None and fact.at > now - WITHIN
    if recent and fact.value.get("found") == "people":
        return Weight.TELL
    if _being_checked(fact, now):
        return Weight.HOLD
    fact.value, fact.at = {"found": "checking"}, now
    return Weight.CHECK


def _being_checked(fact: EngineFact, now: datetime) -> bool:
    return fact.at is not None and fact.at > now - CHECK_TAKES and fact.value.get("found") == "checking"


def held_until(grant: Grant) -> datetime:
    """Until when a death that may be part of a burst is held back."""
    assert grant.reason_at is not None
    return grant.reason_at + HELD_FOR


async def it_was_people(house: House, grant: Grant, app: App) -> None:
    """Nothing is known against the app: one alert in each workspace concerned, and the deaths that were held
    are told now."""
    now = house.clock.now()
    async with house.db.write() as session:
        await _conclude(session, grant, "people", now)
        suspects = await grants.refused(session, grant.provider, grant.app_id, now - WITHIN)
        many = suspects if len(suspects) >= AT_LEAST else []
        for workspace_id, platform in await _workspaces(session, many):
            await _tell(session, workspace_id, grant.provider, platform, app, now)
        held = [one.id for one in suspects if one.state == "ending" and one.id != grant.id]
        await session.execute(
            update(Grant)
            .where(Grant.id.in_(held), Grant.state == "ending")
            .values(next_due_at=now)
            .execution_options(synchronize_session=False)
        )
    log.warning("mass_revocation", provider=grant.provider, grants=len(suspects))
    house.wake.all()


async def it_was_the_app(house: House, grant: Grant, found: Judgement) -> None:
    """Our app is at fault: the operator alone hears of it, and every suspect lives on."""
    now = house.clock.now()
    async with house.db.write() as session:
        await _conclude(session, grant, "app", now)
        suspects = await grants.refused(session, grant.provider, grant.app_id, now - WITHIN)
        await app_faults.app_at_fault(session, grant, found, now)
        for suspect in suspects:
            await _lives(session, house, suspect, now)
    log.warning("app_refused", provider=grant.provider, grants=len(suspects), reason=found.reason)
    house.wake.all()


async def _lives(session: AsyncSession, house: House, suspect: Grant, now: datetime) -> None:
    was_told = suspect.state == "dead"
    due = now + lifetimes.BACKOFF_MOST * (1 + lifetimes.fresh_jitter())
    await session.execute(
        update(Grant)
        .where(Grant.id == suspect.id, Grant.generation == suspect.generation)
        .values(state="live", reason=None, reason_code=None, reason_at=None, next_due_at=due)
        .execution_options(synchronize_session=False)
    )
    if was_told:
        await incident_closing.close_for_grant(session, suspect.id, "recovered", now)
        reach = await grants.live_reach(session, suspect.id)
        await holding.release(session, house, [item.connection.id for item in reach], now)


async def _tell(
    session: AsyncSession, workspace_id: str, provider: str, platform: str, app: App, now: datetime
) -> None:
    incident, opened = await store.open_one(
        session,
        incident_threads.mass_key(workspace_id, provider),
        workspace_id=workspace_id,
        kind="mass",
        platform=platform,
        severity=incident_threads.DEAD,
        reason=Reason.REFUSED,
        code=provider,
        opened_at=now,
        detail={"app": app},
        **await reminding.awake(session, workspace_id, now),
    )
    if opened:
        await incident_threads.root_in_operations(session, incident)


async def _workspaces(session: AsyncSession, suspects: Sequence[Grant]) -> list[tuple[str, str]]:
    """The workspaces that the suspects concern, each with a platform that it uses there."""
    found: dict[str, str] = {}
    for suspect in suspects:
        for item in await grants.live_reach(session, suspect.id):
            found.setdefault(item.connection.workspace_id, item.connection.platform)
    return sorted(found.items())


async def _fact(session: AsyncSession, grant: Grant) -> EngineFact:
    name = _name(grant)
    await insert_new(session, EngineFact, {"name": name, "value": {}, "at": None}, "name")
    query = (
        select(EngineFact)
        .where(EngineFact.name == name)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalar_one()


async def _conclude(session: AsyncSession, grant: Grant, found: str, now: datetime) -> None:
    fact = await _fact(session, grant)
    fact.value, fact.at = {"found": found}, now


def _name(grant: Grant) -> str:
    return f"mass:{grant.provider}:{digest(grant.app_id)[:24]}"
