"""What platforms push to us: somebody removed our app, or asks for his data to be deleted.

A notice is never the verdict. One that is older than the newest consent is recorded and ignored; a newer one
starts the second look, and only what that finds counts. Tokens of a person who asked for deletion are
forgotten once the second look has confirmed that access is over.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import second_look, verdicts
from bot.domain.auditing import Actor, record
from bot.domain.house import House
from bot.platforms.errors import Reason
from storage import grants
from storage import logins as store
from storage.crypto import digest
from storage.models import Grant, RevocationNotice, new_id

log = structlog.get_logger(__name__)

BATCH = 50
CODE_BYTES = 16


class Kind(StrEnum):
    DEAUTHORIZE = "deauthorize"
    DELETION = "deletion"


class Standing(StrEnum):
    """What a notice came to (storage.models.RevocationNotice)."""

    UNKNOWN = "unknown"
    OLD = "old"
    OPEN = "open"
    DONE = "done"


class Progress(StrEnum):
    """How far a deletion is, for the page of its confirmation code."""

    NOTHING_HELD = "nothing_held"
    SIGNED_IN_AGAIN = "signed_in_again"  # a consent after the request
    UNDER_WAY = "under_way"
    STILL_ALLOWED = "still_allowed"  # the platform says that the app was not removed
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Pushed:
    """A notice whose signature was verified. `person`: the platform's id of him; `issued_at` UTC-aware, None
    where the notice names none; `signed`: what the signature covers, by which a second delivery is known."""

    platform: str
    kind: Kind
    person: str
    issued_at: datetime | None
    signed: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """What is answered (`code`), and the grant to look at after the answer, if any."""

    code: str
    grant_id: str | None = None


async def take(house: House, pushed: Pushed) -> Taken:
    """Writes a notice down, once, and what follows from it at once. Database only."""
    now = house.clock.now()
    info = house.platforms[pushed.platform].info
    app = house.apps[pushed.platform]
    async with house.db.write() as session:
        grant = await store.known(session, info.provider, app.client_id, pushed.person)
        standing = _standing(grant, pushed)
        values = {
            "id": new_id(),
            "seen_key": digest(_told_by(grant, pushed)),
            "platform": pushed.platform,
            "kind": pushed.kind,
            "grant_id": grant.id if grant else None,
            "code": secrets.token_hex(CODE_BYTES),
            "standing": standing,
            "issued_at": pushed.issued_at or now,
            "received_at": now,
            "done_at": None if standing is Standing.OPEN else now,
        }
        notice, fresh = await store.note(session, values)
        if fresh and grant is not None:
            await _follow(session, grant, notice, now)
    log.info("revocation_notice", platform=pushed.platform, kind=pushed.kind, standing=standing, fresh=fresh)
    if not fresh or grant is None or standing is Standing.OLD:
        return Taken(notice.code)
    return Taken(notice.code, grant.id)


def _told_by(grant: Grant | None, pushed: Pushed) -> str:
    """What makes two deliveries the same notice. Without a moment of its own one notice reads like the next:
    then it is told once for each consent."""
    consent = grant.consented_at.isoformat() if grant is not None and pushed.issued_at is None else ""
    return f"{pushed.platform}:{pushed.kind}:{pushed.signed.hex()}{consent}"


def _standing(grant: Grant | None, pushed: Pushed) -> Standing:
    if grant is None:
        return Standing.UNKNOWN
    consented_at = grant.consented_at.replace(microsecond=0)  # notices count in whole seconds
    if pushed.issued_at is not None and pushed.issued_at < consented_at:
        return Standing.OLD
    return Standing.OPEN if pushed.kind is Kind.DELETION else Standing.DONE


async def _follow(session: AsyncSession, grant: Grant, notice: RevocationNotice, now: datetime) -> None:
    """The audit of every workspace that rests on the grant, and the doubt."""
    reach = await grants.live_reach(session, grant.id)
    for workspace_id in sorted({item.connection.workspace_id for item in reach}):
        detail = {"login": grant.id, "kind": notice.kind, "standing": notice.standing}
        record(session, Actor(workspace_id), "revocation.noticed", now, detail=detail)
    if notice.standing != Standing.OLD:
        await store.suspect(session, grant, Reason.REVOKED, verdicts.BY_NOTICE, now)


async def look(house: House, grant_id: str) -> None:
    """The second look, after the answer; the sweep takes it over where this one does not come to its end."""
    await second_look.look(house, grant_id)
    await forget_due(house, grant_id)
    house.wake.all()


async def forget_due(house: House, grant_id: str | None = None) -> int:
    """Carries out the deletions whose access is over, of one grant or of all; how many were settled."""
    now = house.clock.now()
    async with house.db.write() as session:
        found = await store.open_deletions(session, grant_id, BATCH)
        for notice, grant in found:
            newer = grant.consented_at > notice.received_at
            if not newer:
                await store.forget(session, grant)
            await store.settle(session, notice, Standing.OLD if newer else Standing.DONE, now)
    return len(found)


async def progress(house: House, code: str) -> tuple[str, Progress] | None:
    """The platform's word and how far the deletion with this code is; None for an unknown one."""
    async with house.db.read() as session:
        notice = await store.deletion(session, code)
        if notice is None:
            return None
        grant = await grants.get(session, notice.grant_id) if notice.grant_id else None
    return notice.platform, _progress(notice, grant)


def _progress(notice: RevocationNotice, grant: Grant | None) -> Progress:
    if notice.standing == Standing.DONE:
        return Progress.DONE
    if notice.standing == Standing.OLD:
        return Progress.SIGNED_IN_AGAIN
    if grant is None:
        return Progress.NOTHING_HELD
    return Progress.STILL_ALLOWED if grant.state == "live" else Progress.UNDER_WAY
