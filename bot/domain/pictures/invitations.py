"""Invitation messages: each platform's line with its link, or with what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.house import House
from bot.domain.inviting import usable
from bot.domain.pictures.parts import account, client_name, holds_until, open_link, platform_words
from bot.domain.undoing import WITHIN
from bot.messages import invitation as shown
from bot.messages.people import Account
from storage import connections as links
from storage import invitations as store
from storage import pictures
from storage.models import Client, Connection, Consent, Invitation, Workspace

SAME_REQUEST = timedelta(seconds=10)


async def batch(
    session: AsyncSession, house: House, workspace_id: str, batch_id: str
) -> shown.Invitation | None:
    """All lines of one message; None where there are none."""
    rows = await store.batch(session, batch_id)
    if not rows or rows[0].workspace_id != workspace_id:
        return None
    client = await session.get_one(Client, rows[0].client_id)
    walks = await pictures.consents(session, [row.consent_id for row in rows if row.consent_id])
    wanted = {key for walk in walks.values() for key in walk.connection_ids}
    wanted |= {row.connection_id for row in rows if row.connection_id}
    known = await pictures.connections(session, client.workspace_id, wanted)
    grants = await pictures.grants(session, {row.grant_id for row in known.values()})
    workspace = await session.get_one(Workspace, workspace_id)
    ends = {
        row.id: holds_until(house, row.platform, grants[row.grant_id], workspace, house.clock.now())
        for row in known.values()
    }
    beside = await _beside(session, house, client, rows, known)
    lines = tuple(
        replace(_line(house, row, client, walks, known, ends), renews=beside.get(row.id, ())) for row in rows
    )
    is_new = await _is_new(session, client, rows[0])
    return shown.Invitation(client_name(client), lines, rows[0].created_by, is_new)


async def _beside(
    session: AsyncSession,
    house: House,
    client: Client,
    rows: Sequence[Invitation],
    known: Mapping[str, Connection],
) -> dict[str, tuple[Account, ...]]:
    """The client's other accounts on the login that an open link renews, by the invitation's id."""
    targets = {row.id: known.get(row.connection_id or "") for row in rows if row.state == "open"}
    if not any(targets.values()):
        return {}
    living = await links.of_client(session, client.id)
    return {
        key: tuple(account(house, one) for one in living if one.grant_id == target.grant_id and one != target)
        for key, target in targets.items()
        if target is not None
    }


def _line(
    house: House,
    row: Invitation,
    client: Client,
    walks: Mapping[str, Consent],
    known: Mapping[str, Connection],
    ends: Mapping[str, datetime | None],
) -> shown.Line:
    now = house.clock.now()
    state = _state(house, row, client, now)
    walk = walks.get(row.consent_id or "")
    found = [known[key] for key in (walk.connection_ids if walk else ()) if key in known]
    connections = [item for item in found if item.client_id == row.client_id]  # a hand over may move others'
    return shown.Line(
        platform=platform_words(house, row.platform),
        state=state,
        url=open_link(house, row) if state == "open" else None,
        expected=_expected(house, row, known),
        reconnects=row.connection_id is not None,
        hands_over=row.hand_over_of is not None,
        valid_until=row.expires_at,
        review_note=_review_note(house, row.platform),
        linked=tuple(_linked(house, row, connection, ends[connection.id], now) for connection in connections),
    )


def _state(house: House, row: Invitation, client: Client, now: datetime) -> str:
    if row.state != "open":
        return row.state
    if client.closed_at is not None:
        return "closed"
    if not usable(row, now):
        return "expired"
    return "open" if row.platform in house.apps and row.platform in house.platforms else "off"


def _expected(house: House, row: Invitation, known: Mapping[str, Connection]) -> str | None:
    target = known.get(row.connection_id or "")
    if target is not None:
        return account(house, target).label
    handle = (row.expected_handle or "").strip().lstrip("@")
    return f"@{handle}" if handle else None


def _review_note(house: House, platform: str) -> str | None:
    app, found = house.apps.get(platform), house.platforms.get(platform)
    if app is None or found is None or app.reviewed:
        return None
    return found.info.unreviewed


def _linked(
    house: House, row: Invitation, connection: Connection, end: datetime | None, now: datetime
) -> shown.Linked:
    first = row.connection_id is None and connection.linked_at == row.used_at
    fresh = first and connection.state == "live" and now - connection.linked_at < WITHIN
    return shown.Linked(
        connection_id=connection.id,
        generation=connection.generation,
        account=account(house, connection),
        fresh=fresh,
        gone=connection.state != "live",
        holds_until=end,
    )


async def _is_new(session: AsyncSession, client: Client, row: Invitation) -> bool:
    """Whether the request that made the invitation made the client too: it is the client's first."""
    same_person = client.created_by is not None and client.created_by == row.created_by
    if not same_person or abs(row.created_at - client.created_at) >= SAME_REQUEST:
        return False
    return not await store.any_before(session, client.id, row.created_at)
