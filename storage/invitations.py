"""Invitations and consents, each step one conditional update."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import Consent, Invitation


async def by_hash(session: AsyncSession, token_hash: str) -> Invitation | None:
    query = select(Invitation).where(Invitation.token_hash == token_hash)
    return (await session.execute(query)).scalar_one_or_none()


async def get(session: AsyncSession, invitation_id: str) -> Invitation | None:
    return await session.get(Invitation, invitation_id, populate_existing=True)


async def batch(session: AsyncSession, batch_id: str) -> Sequence[Invitation]:
    query = select(Invitation).where(Invitation.batch_id == batch_id)
    return (await session.execute(query.order_by(Invitation.created_at, Invitation.id))).scalars().all()


async def any_before(session: AsyncSession, client_id: str, moment: datetime) -> bool:
    """Whether a client had an invitation before that moment."""
    query = select(Invitation.id).where(Invitation.client_id == client_id, Invitation.created_at < moment)
    return (await session.execute(query.limit(1))).first() is not None


async def replace_open(session: AsyncSession, *same: Any) -> Sequence[str]:
    """Ends the open invitations that a new one takes the place of; returns their batches."""
    ended = await session.execute(
        update(Invitation)
        .where(Invitation.state == "open", *same)
        .values(state="replaced")
        .returning(Invitation.batch_id)
        .execution_options(synchronize_session=False)
    )
    return ended.scalars().all()


async def open_relink(session: AsyncSession, connection_id: str) -> Invitation | None:
    """The alert's own invitation for a connection (nobody asked for it by hand)."""
    query = select(Invitation).where(
        Invitation.connection_id == connection_id,
        Invitation.state == "open",
        Invitation.created_by.is_(None),
    )
    return (await session.execute(query.limit(1))).scalar_one_or_none()


async def asked_since(
    session: AsyncSession, connection_ids: Iterable[str], by: str | None, since: datetime
) -> Sequence[Invitation]:
    """The open invitations of a person for these connections that are younger than that."""
    query = select(Invitation).where(
        Invitation.connection_id.in_(list(connection_ids)),
        Invitation.created_by == by,
        Invitation.state == "open",
        Invitation.created_at > since,
    )
    return (await session.execute(query)).scalars().all()


async def use(session: AsyncSession, invitation_id: str, consent_id: str, now: datetime) -> bool:
    """Uses an invitation up; true for the one consent that did."""
    used = await session.execute(
        update(Invitation)
        .where(
            Invitation.id == invitation_id,
            Invitation.state == "open",
            Invitation.expires_at.is_(None) | (Invitation.expires_at > now),
        )
        .values(state="used", used_at=now, consent_id=consent_id)
        .returning(Invitation.id)
    )
    return used.first() is not None


async def consent_by_state(session: AsyncSession, state_hash: str) -> Consent | None:
    query = select(Consent).where(Consent.state_hash == state_hash)
    return (await session.execute(query)).scalar_one_or_none()


async def begun_by(session: AsyncSession, browser_hash: str, platform: str, now: datetime) -> Consent | None:
    """The newest walk that this browser began on a platform and has not come back from."""
    query = (
        select(Consent)
        .where(
            Consent.state == "started",
            Consent.browser_hash == browser_hash,
            Consent.platform == platform,
            Consent.expires_at > now,
        )
        .order_by(Consent.created_at.desc())
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def consent(session: AsyncSession, consent_id: str) -> Consent | None:
    return await session.get(Consent, consent_id, populate_existing=True)


async def move_consent(
    session: AsyncSession, consent_id: str, old: tuple[str, ...], new: str, *where: Any, **values: Any
) -> bool:
    """One step of a consent; true for the one caller that made it."""
    moved = await session.execute(
        update(Consent)
        .where(Consent.id == consent_id, Consent.state.in_(old), *where)
        .values(state=new, **values)
        .returning(Consent.id)
        .execution_options(synchronize_session=False)
    )
    return moved.first() is not None


async def stuck_exchanges(
    session: AsyncSession, lease_now: datetime, busy_until: datetime
) -> Sequence[Consent]:
    """Takes over the exchanges whose process is gone."""
    taken = await session.execute(
        update(Consent)
        .where(Consent.state == "exchanging", Consent.busy_until <= lease_now)
        .values(busy_until=busy_until)
        .returning(Consent)
    )
    return taken.scalars().all()


async def forget_due(session: AsyncSession, now: datetime) -> int:
    """Ends walks that nobody finished and forgets what came back with them."""
    gone = await session.execute(
        update(Consent)
        .where(Consent.forget_at <= now, Consent.answer.is_not(None) | Consent.verifier.is_not(None))
        .values(answer=None, verifier=None)
        .returning(Consent.id)
        .execution_options(synchronize_session=False)
    )
    count = len(gone.all())
    await session.execute(
        update(Consent)
        .where(Consent.forget_at <= now, Consent.state.in_(("started", "exchanging", "choosing")))
        .values(state="failed", result="expired", finished_at=now)
        .execution_options(synchronize_session=False)
    )
    return count
