"""Invitations: links in channel that let whoever opens them link, or relink, one account.

The token is 256 bits, stored sealed and as a hash to find it; notices hold the invitation's id, and the
address is put together only when a message is sent.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.auditing import Actor, record
from bot.domain.house import House
from bot.domain.telling import Audience, channel, client_side, show_view, touch
from storage import invitations as store
from storage.crypto import Place, digest
from storage.models import Client, Connection, Invitation, Notice, Workspace, new_id

LIVES = timedelta(days=7)
TOKEN_BYTES = 32
FRESH_LINK_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line of an invitation message: a platform, and whom to expect there."""

    platform: str
    expected_handle: str | None = None
    connection_id: str | None = None  # relink this one
    hand_over_of: str | None = None  # another login takes over what rests on this grant


async def invite(
    session: AsyncSession,
    house: House,
    actor: Actor,
    client: Client,
    wanted: Sequence[Wanted],
    channel_id: str,
    now: datetime,
) -> Notice:
    """Writes invitations and the one message that carries them; returns its notice."""
    batch_id = new_id()
    for index, item in enumerate(wanted):
        await _replace_own(session, actor, client, item)
        at = now + timedelta(microseconds=index)  # the message keeps the order of the asking
        _add(session, house, client, item, batch_id, at, actor=actor, channel_id=channel_id)
    _note(session, actor, client, wanted, now)
    await session.flush()
    return await _show(session, client.workspace_id, batch_id, channel(channel_id))


def _note(
    session: AsyncSession, actor: Actor, client: Client, wanted: Sequence[Wanted], now: datetime
) -> None:
    """The audit's one line, with the account or the login where the links are for a single one."""
    detail: dict[str, Any] = {"platforms": [item.platform for item in wanted]}
    first = wanted[0]
    if first.hand_over_of is not None:
        detail["login"] = first.hand_over_of
    record(
        session,
        actor,
        "handover.asked" if first.hand_over_of else "invited",
        now,
        client_id=client.id,
        connection_id=first.connection_id if len(wanted) == 1 else None,
        detail=detail,
    )


async def for_relink(
    session: AsyncSession, house: House, connection: Connection, now: datetime
) -> Invitation:
    """The alert's own invitation: accepts only the expected account, lives while its incident does."""
    found = await store.open_relink(session, connection.id)
    if found is not None:
        return found
    item = Wanted(connection.platform, connection.handle or None, connection.id)
    client = await session.get_one(Client, connection.client_id)
    invitation = _add(session, house, client, item, new_id(), now)
    await session.flush()
    return invitation


async def ask_client(session: AsyncSession, invitation: Invitation) -> Notice:
    """Posts a relink invitation in the client's own channel, in words for the client."""
    key = f"ask:{invitation.id}"
    return await show_view(
        session,
        invitation.workspace_id,
        "invitation.client",
        key,
        client_side(invitation.client_id),
        subject_id=invitation.batch_id,
    )


async def send_fresh(session: AsyncSession, house: House, old: Invitation, now: datetime) -> Notice | None:
    """A fresh link for an ended invitation, posted where the old one stood; None if one was sent just now."""
    newest = await session.scalar(
        select(Invitation)
        .where(
            Invitation.client_id == old.client_id,
            Invitation.platform == old.platform,
            Invitation.connection_id == old.connection_id
            if old.connection_id
            else Invitation.connection_id.is_(None),
            Invitation.hand_over_of == old.hand_over_of
            if old.hand_over_of
            else Invitation.hand_over_of.is_(None),
            Invitation.state == "open",
        )
        .order_by(Invitation.created_at.desc())
        .limit(1)
    )
    if newest is not None and now - newest.created_at < FRESH_LINK_PAUSE:
        return None
    if old.channel_id is None:
        return None
    client = await session.get_one(Client, old.client_id)
    actor = Actor(old.workspace_id, old.created_by, old.channel_id)
    item = Wanted(old.platform, old.expected_handle, old.connection_id, old.hand_over_of)
    return await invite(session, house, actor, client, [item], old.channel_id, now)


async def find(session: AsyncSession, token: str) -> Invitation | None:
    """The invitation that a link names, whatever its state."""
    return await store.by_hash(session, digest(token)) if token else None


def usable(invitation: Invitation, now: datetime) -> bool:
    return invitation.state == "open" and (invitation.expires_at is None or invitation.expires_at > now)


async def is_wanted(session: AsyncSession, invitation: Invitation) -> bool:
    """Whether its client is still open and its workspace still has the bot."""
    client = await session.get_one(Client, invitation.client_id)
    workspace = await session.get_one(Workspace, invitation.workspace_id)
    return client.closed_at is None and workspace.uninstalled_at is None


async def close_alerts(session: AsyncSession, connection_ids: Sequence[str]) -> None:
    """Ends the invitations of alerts that are over; whoever was asked with them sees it."""
    await close_where(session, Invitation.connection_id.in_(connection_ids), Invitation.created_by.is_(None))


async def close_where(session: AsyncSession, *which: ColumnElement[bool]) -> None:
    """Ends the open invitations that fit, whoever made them; their messages show it."""
    closed = await session.execute(
        update(Invitation)
        .where(Invitation.state == "open", *which)
        .values(state="closed")
        .returning(Invitation.batch_id)
        .execution_options(synchronize_session=False)
    )
    for batch_id in set(closed.scalars().all()):
        await touch_batch(session, batch_id)


def address(house: House, invitation: Invitation) -> str:
    """The link itself: a capability, put into messages only when they are sent."""
    token = house.vault.open(invitation.token, _place(invitation.id))
    return f"{house.public_url}/connect/{token}"


async def touch_batch(session: AsyncSession, batch_id: str) -> None:
    """Has the invitation's messages rendered again."""
    await touch(session, _key(batch_id))
    for invitation in await store.batch(session, batch_id):
        await touch(session, f"ask:{invitation.id}")


async def _replace_own(session: AsyncSession, actor: Actor, client: Client, item: Wanted) -> None:
    """A new invitation replaces only one from the same person for the same target."""
    same = [
        Invitation.client_id == client.id,
        Invitation.platform == item.platform,
        Invitation.created_by == actor.user_id,
        Invitation.connection_id == item.connection_id
        if item.connection_id
        else Invitation.connection_id.is_(None),
        Invitation.expected_handle == item.expected_handle
        if item.expected_handle
        else Invitation.expected_handle.is_(None),
        Invitation.hand_over_of == item.hand_over_of
        if item.hand_over_of
        else Invitation.hand_over_of.is_(None),
    ]
    for batch_id in await store.replace_open(session, *same):
        await touch(session, _key(batch_id))


def _add(
    session: AsyncSession,
    house: House,
    client: Client,
    item: Wanted,
    batch_id: str,
    now: datetime,
    *,
    actor: Actor | None = None,
    channel_id: str | None = None,
) -> Invitation:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row_id = new_id()
    invitation = Invitation(
        id=row_id,
        workspace_id=client.workspace_id,
        client_id=client.id,
        batch_id=batch_id,
        platform=item.platform,
        connection_id=item.connection_id,
        expected_handle=item.expected_handle,
        hand_over_of=item.hand_over_of,
        token=house.vault.seal(token, _place(row_id)),
        token_hash=digest(token),
        created_by=actor.user_id if actor else None,
        channel_id=channel_id or client.team_channel,
        state="open",
        expires_at=None if item.connection_id else now + LIVES,
        created_at=now,
    )
    session.add(invitation)
    return invitation


async def _show(session: AsyncSession, workspace_id: str, batch_id: str, audience: Audience) -> Notice:
    return await show_view(session, workspace_id, "invitation", _key(batch_id), audience, subject_id=batch_id)


def _key(batch_id: str) -> str:
    return f"invitation:{batch_id}"


def _place(invitation_id: str) -> Place:
    return Place("invitations", invitation_id, "token")
