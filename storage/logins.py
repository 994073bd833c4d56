"""Logins (grants) as people see them, with what rests on them, and the platforms' notices of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.grants import Reach
from storage.models import Client, Connection, Consent, Grant, Invitation, RevocationNotice
from storage.upsert import insert_new

LOGINS_MOST, CONSENTS_MOST = 100, 500
"""Read at once where somebody asks for a link."""
PORTION = 5_000


async def known(session: AsyncSession, provider: str, app_id: str, person: str) -> Grant | None:
    """The grant of the person whom a notice names, held until the transaction ends."""
    query = (
        select(Grant)
        .where(
            Grant.provider == provider,
            Grant.app_id == app_id,
            or_(Grant.subject == person, Grant.known_as == person),
        )
        .order_by(Grant.consented_at.desc())
        .limit(1)
        .with_for_update()
    )
    return (await session.execute(query)).scalar_one_or_none()


async def suspect(session: AsyncSession, grant: Grant, reason: str, code: str, now: datetime) -> bool:
    """A living grant is to be looked at again, at once; true if it was living."""
    changed = await session.execute(
        update(Grant)
        .where(Grant.id == grant.id, Grant.generation == grant.generation, Grant.state == "live")
        .values(state="ending", reason=reason, reason_code=code, reason_at=now, next_due_at=now)
        .returning(Grant.id)
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None


async def note(session: AsyncSession, values: dict[str, Any]) -> tuple[RevocationNotice, bool]:
    """The notice as it stands, and whether it came for the first time."""
    fresh = await insert_new(session, RevocationNotice, values, "seen_key")
    query = select(RevocationNotice).where(RevocationNotice.seen_key == values["seen_key"])
    return (await session.execute(query)).scalar_one(), fresh


async def deletion(session: AsyncSession, code: str) -> RevocationNotice | None:
    query = select(RevocationNotice).where(RevocationNotice.code == code, RevocationNotice.kind == "deletion")
    return (await session.execute(query)).scalar_one_or_none()


async def open_deletions(
    session: AsyncSession, grant_id: str | None, limit: int
) -> Sequence[tuple[RevocationNotice, Grant]]:
    """Deletions to be carried out now, their grants held: access is over, or a newer consent counts."""
    query = (
        select(RevocationNotice, Grant)
        .join(Grant, Grant.id == RevocationNotice.grant_id)
        .where(
            RevocationNotice.standing == "open",
            RevocationNotice.kind == "deletion",
            or_(
                Grant.state.in_(("dead", "forgotten")),
                Grant.consented_at > RevocationNotice.received_at,
            ),
        )
        .order_by(RevocationNotice.received_at)
        .limit(limit)
        .with_for_update()
    )
    if grant_id is not None:
        query = query.where(RevocationNotice.grant_id == grant_id)
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]


async def forget(session: AsyncSession, grant: Grant) -> None:
    """Tokens, names and pictures of a login that is over. Accounts and their history stay."""
    await session.execute(
        update(Grant)
        .where(Grant.id == grant.id, Grant.generation == grant.generation)
        .values(
            state="forgotten",
            access_token=None,
            refresh_token=None,
            subject_name="",
            next_due_at=None,
        )
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(Connection)
        .where(Connection.grant_id == grant.id)
        .values(own_token=None, own_token_generation=None, picture_url=None)
        .execution_options(synchronize_session=False)
    )


async def settle(session: AsyncSession, notice: RevocationNotice, standing: str, now: datetime) -> None:
    await session.execute(
        update(RevocationNotice)
        .where(RevocationNotice.id == notice.id, RevocationNotice.standing == "open")
        .values(standing=standing, done_at=now)
        .execution_options(synchronize_session=False)
    )


async def rest(session: AsyncSession, *grant_ids: str) -> None:
    """A grant on which nothing rests any more has no work."""
    living = select(Connection.id).where(Connection.grant_id == Grant.id, Connection.state == "live")
    await session.execute(
        update(Grant)
        .where(Grant.id.in_(grant_ids), ~living.exists())
        .values(next_due_at=None)
        .execution_options(synchronize_session=False)
    )


def _of_workspace(workspace_id: str) -> Any:
    return (
        select(Connection.grant_id)
        .where(Connection.workspace_id == workspace_id, Connection.state == "live")
        .distinct()
    )


async def count(session: AsyncSession, workspace_id: str) -> int:
    """The logins on which living accounts of this workspace rest."""
    query = select(func.count()).select_from(Grant).where(Grant.id.in_(_of_workspace(workspace_id)))
    return int(await session.scalar(query) or 0)


async def page(session: AsyncSession, workspace_id: str, offset: int, limit: int) -> Sequence[Grant]:
    """Some of them, by the person's name."""
    query = (
        select(Grant)
        .where(Grant.id.in_(_of_workspace(workspace_id)))
        .order_by(func.lower(Grant.subject_name), Grant.provider, Grant.id)
        .offset(offset)
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def get(session: AsyncSession, workspace_id: str, grant_id: str) -> Grant | None:
    """A login, if a living account of this workspace rests on it."""
    query = select(Grant).where(Grant.id == grant_id, Grant.id.in_(_of_workspace(workspace_id)))
    return (await session.execute(query)).scalar_one_or_none()


async def reach(session: AsyncSession, workspace_id: str, grant_ids: Iterable[str]) -> list[Reach]:
    """The living accounts of this workspace on these logins."""
    query = (
        select(Connection, Client)
        .join(Client, Client.id == Connection.client_id)
        .where(
            Connection.workspace_id == workspace_id,
            Connection.grant_id.in_(list(grant_ids)),
            Connection.state == "live",
        )
        .order_by(Client.slug, Connection.platform, Connection.handle, Connection.name)
    )
    return [Reach(*row) for row in (await session.execute(query)).all()]


async def openers(session: AsyncSession, workspace_id: str, consent_ids: Iterable[str]) -> dict[str, str]:
    """Who asked for the links of these consents, by consent; only those of this workspace."""
    query = (
        select(Consent.id, Invitation.created_by)
        .join(Invitation, Invitation.id == Consent.invitation_id)
        .where(
            Consent.id.in_(list(consent_ids)),
            Consent.workspace_id == workspace_id,
            Invitation.created_by.is_not(None),
        )
    )
    return {row[0]: str(row[1]) for row in (await session.execute(query)).all()}


async def asked_by(
    session: AsyncSession, workspace_id: str, grant_ids: Iterable[str] | None = None
) -> dict[str, str]:
    """Who asked for the sign-in to each login of this workspace, or to some of them: a Slack user by grant.

    Where its consent came from elsewhere, whoever asked for the oldest link that rests on it."""
    mine = Grant.id.in_(_of_workspace(workspace_id)) if grant_ids is None else Grant.id.in_(list(grant_ids))
    rows = (await session.execute(select(Grant.id, Grant.opened_by).where(mine))).all()
    opened = {row[0]: row[1] for row in rows}
    found: dict[str, str] = {}
    for ids in _portions(list(opened)):
        own = {key: str(opened[key].get("consent")) for key in ids}
        own = {key: consent for key, consent in own.items() if opened[key].get("workspace") == workspace_id}
        known = await openers(session, workspace_id, own.values())
        found |= {key: known[consent] for key, consent in own.items() if consent in known}
        others = await _first_askers(session, workspace_id, [key for key in ids if key not in found])
        found |= others
    return found


async def _first_askers(session: AsyncSession, workspace_id: str, grant_ids: Sequence[str]) -> dict[str, str]:
    query = (
        select(Connection.grant_id, Connection.linked_by)
        .where(
            Connection.workspace_id == workspace_id,
            Connection.state == "live",
            Connection.linked_by.is_not(None),
            Connection.grant_id.in_(grant_ids),
        )
        .order_by(Connection.linked_at.desc())  # so that the oldest is what stays
    )
    return {row[0]: str(row[1]) for row in (await session.execute(query)).all()}


def _portions(ids: list[str]) -> Iterator[list[str]]:
    """What fits into one statement: drivers take at most some 32,000 values."""
    return (ids[start : start + PORTION] for start in range(0, len(ids), PORTION))


async def last_found(session: AsyncSession, workspace_id: str, grant_ids: Iterable[str]) -> Sequence[Consent]:
    """What this workspace's newest consents to these logins found, one for each login and platform."""
    query = (
        select(Consent)
        .where(Consent.workspace_id == workspace_id, Consent.grant_id.in_(list(grant_ids)))
        .order_by(Consent.created_at.desc(), Consent.id)
        .limit(CONSENTS_MOST)
    )
    newest: dict[tuple[str | None, str], Consent] = {}
    for row in (await session.execute(query)).scalars():
        if row.accounts:
            newest.setdefault((row.grant_id, row.platform), row)
    return list(newest.values())


async def living(session: AsyncSession, workspace_id: str, providers: Iterable[str]) -> Sequence[Grant]:
    """The logins of this workspace that work, the newest consents first, at most `LOGINS_MOST`."""
    query = (
        select(Grant)
        .where(
            Grant.id.in_(_of_workspace(workspace_id)),
            Grant.provider.in_(list(providers)),
            Grant.state == "live",
            Grant.access_token.is_not(None),
        )
        .order_by(Grant.consented_at.desc())
        .limit(LOGINS_MOST)
    )
    return (await session.execute(query)).scalars().all()
