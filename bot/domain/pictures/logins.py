"""Logins as `/health logins` and the offers of `/connect` show them, each within one workspace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import handing_over, refreshing
from bot.domain.health import Colour, State, person_needed_at, warn_before
from bot.domain.house import House
from bot.domain.living import Offer
from bot.domain.pictures.parts import account, client_name, platform_words
from bot.messages import actions
from bot.messages.logins import PAGE_LINES, LoginLine, LoginsFacts, Offered
from bot.messages.people import Account, ClientName
from storage import clients as people
from storage import logins as store
from storage.grants import Reach
from storage.models import Client, Grant, Workspace


async def logins(session: AsyncSession, house: House, workspace_id: str, page: int = 0) -> LoginsFacts:
    """One page of the logins on which living accounts of the workspace rest, by the person's name."""
    total = await store.count(session, workspace_id)
    pages = max(-(-total // PAGE_LINES), 1)
    page = min(max(page, 0), pages - 1)
    found = await store.page(session, workspace_id, page * PAGE_LINES, PAGE_LINES)
    resting: dict[str, list[Reach]] = {grant.id: [] for grant in found}
    for item in await store.reach(session, workspace_id, resting):
        resting[item.connection.grant_id].append(item)
    asked = await store.asked_by(session, workspace_id, resting)
    workspace = await people.workspace(session, workspace_id)
    lines = [
        replace(line_of(house, workspace, grant, resting[grant.id]), opened_by=asked.get(grant.id))
        for grant in found
    ]
    return LoginsFacts(tuple(lines), total, page, pages, workspace.zone)


def offered(house: House, client: Client, offer: Offer, *, was_invited: bool = False) -> Offered:
    """A living login's account as an answer offers it."""
    words = platform_words(house, offer.platform)
    shown = Account(words, offer.account.handle, offer.account.name)
    return Offered(
        value=actions.joined(client.id, offer.grant_id, offer.platform, offer.account.id),
        platform=offer.platform,
        platform_title=words.title,
        account=f"{shown.label} on {words.title}",
        client=client.slug,
        holder=offer.holder,
        elsewhere=offer.elsewhere,
        was_invited=was_invited,
    )


def line_of(house: House, workspace: Workspace, grant: Grant, resting: Iterable[Reach]) -> LoginLine:
    platform = refreshing.platform_of(house, grant)
    until = person_needed_at(platform.info, grant) if platform else None
    colour, state = _state(workspace, grant, until, house.clock.now())
    grouped: dict[str, tuple[ClientName, list[Account]]] = {}
    for item in resting:
        group = grouped.setdefault(item.client.id, (client_name(item.client), []))
        group[1].append(account(house, item.connection))
    word = handing_over.word_of(house, grant)
    return LoginLine(
        grant_id=grant.id,
        holder=grant.subject_name,
        platform=platform_words(house, word or grant.provider),
        colour=colour.value,
        state=state.value,
        clients=tuple((name, tuple(accounts)) for name, accounts in grouped.values()),
        opened_at=grant.consented_at,
        until=until,
        can_hand_over=word is not None,
    )


def _state(workspace: Workspace, grant: Grant, until: datetime | None, now: datetime) -> tuple[Colour, State]:
    if grant.state in ("dead", "forgotten"):
        return Colour.RED, State.DEAD
    if grant.state == "ending":
        return Colour.YELLOW, State.ENDING
    if until is not None and until - now <= warn_before(workspace):
        return Colour.YELLOW, State.ENDS_SOON
    return Colour.GREEN, State.FINE
