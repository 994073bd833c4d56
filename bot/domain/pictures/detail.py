"""One account as its own window shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import disconnecting
from bot.domain.health import end_of
from bot.domain.house import House
from bot.domain.pictures.overview import entry_of, lines_of
from bot.domain.pictures.parts import account
from bot.messages import detail as shown
from bot.messages.blocks import safe
from bot.messages.disconnect import Leaving
from bot.messages.health_line import HealthLine
from bot.platforms.base import PlatformInfo, RefreshKind
from storage import clients as people
from storage import events as store
from storage import logins
from storage.models import Client, Connection, Grant

EXCERPT = 60


async def detail(
    session: AsyncSession, house: House, connection: Connection, client: Client, *, is_member: bool
) -> shown.Detail:
    """What is known of a living account. Outsiders see nothing of its login, and what they cannot do."""
    workspace = await people.workspace(session, connection.workspace_id)
    grant = await session.get_one(Grant, connection.grant_id)
    platform = house.platform_for(connection.platform, grant.provider)
    entry = entry_of(house, workspace, client, connection, grant)
    (line,) = await lines_of(session, house, workspace, [entry])
    info = platform.info if platform else None
    return shown.Detail(
        line=line,
        account=account(house, connection),
        permissions=tuple(_permissions(info, connection, grant)) if info else (),
        lifetimes=_lifetimes(info, connection, grant) if info else shown.Lifetimes(),
        login=await _login(session, house, connection, grant) if is_member else None,
        events=await _events(session, connection, is_member=is_member),
        may_check=is_member and platform is not None and grant.access_token is not None,
        leaving=await _leaving(session, house, connection, line) if is_member else None,
    )


def _permissions(info: PlatformInfo, connection: Connection, grant: Grant) -> Iterable[shown.Permission]:
    for scope in info.scopes:
        if scope.concerns is not None and scope.concerns != connection.platform:
            continue
        missing = scope.name in connection.missing_scopes or (grant.scopes and scope.name not in grant.scopes)
        yield shown.Permission(scope.name, scope.purpose, not missing)


def _lifetimes(info: PlatformInfo, connection: Connection, grant: Grant) -> shown.Lifetimes:
    of_login = grant.proved_at if connection.problem is None else None  # a login may work without the account
    proofs = [moment for moment in (connection.proved_at, of_login) if moment is not None]
    alive = grant.state == "live"
    needs_person = end_of(info, grant) is not None and end_of(info, grant) == grant.access_expires_at
    counts_down = info.refresh.kind in (RefreshKind.COUNTDOWN, RefreshKind.KEPT)
    return shown.Lifetimes(
        access_until=grant.access_expires_at,
        sign_in_until=grant.refresh_expires_at if counts_down else None,
        data_until=grant.data_access_expires_at,
        next_renewal=grant.next_due_at if alive else None,
        proved_at=max(proofs, default=None),
        renews=alive and not needs_person,
    )


async def _login(session: AsyncSession, house: House, connection: Connection, grant: Grant) -> shown.Login:
    reach = await logins.reach(session, connection.workspace_id, [grant.id])
    others = tuple(account(house, item.connection) for item in reach if item.connection.id != connection.id)
    return shown.Login(grant.subject_name, grant.consented_at, connection.linked_by, others)


async def _leaving(session: AsyncSession, house: House, connection: Connection, line: HealthLine) -> Leaving:
    on_the_way = await disconnecting.in_flight(session, Connection.id == connection.id)
    return Leaving(
        line.client,
        account(house, connection),
        connection.id,
        connection.generation,
        line.waiting.posts,
        on_the_way,
    )


async def _events(
    session: AsyncSession, connection: Connection, *, is_member: bool
) -> tuple[shown.Event, ...]:
    """The newest of what people did, of alerts and of posts."""
    found = [
        shown.Event(row.at, shown.event_words(row.action), row.actor if is_member else None)
        for row in await store.of_connection(session, connection, shown.EVENTS_MOST)
        if is_member or row.action in shown.FOR_OUTSIDERS
    ]
    for incident in await store.alerts_of(session, connection, shown.EVENTS_MOST):
        kind = "warning" if incident.severity == "warning" else "alert"
        found.append(shown.Event(incident.opened_at, shown.event_words(kind)))
        if incident.closed_at is not None:
            found.append(shown.Event(incident.closed_at, shown.event_words(f"{kind}.over")))
    if is_member:
        for delivery, text in await store.posts_of(session, connection, shown.EVENTS_MOST):
            what = f"{shown.event_words(delivery.state)}: “{safe(text, EXCERPT)}”"
            found.append(shown.Event(delivery.published_at or delivery.changed_at, what))
    found.sort(key=lambda event: event.at, reverse=True)
    return tuple(found[: shown.EVENTS_MOST])


def said(facts: shown.Detail, words: str) -> shown.Detail:
    """The same, with what a press has just done."""
    return replace(facts, said=words)
