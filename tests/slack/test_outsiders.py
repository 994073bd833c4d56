"""Guests, people of other teams and whoever Slack does not tell about: what each may, at every listener.

They read, link and relink the accounts of clients whose channel they are in. Everything else is refused in
words, changes nothing, and names no other client.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.messages import actions
from sandbox.slack import payloads
from sandbox.slack.models import JSON, User
from tests.slack import foreign
from tests.slack.test_isolation import Street, dump, furnished, press, press_in_view, submitted, tried
from tests.slack.town import Town, a_town

HIDDEN = ("hidden", "secret", "zebra_gone")
"""What only stands in the names of a client whose channel no outsider is in."""

MAY_PRESS = {
    actions.OPEN_LINK,
    actions.RECONNECT_ACCOUNT,
    actions.ADD_ACCOUNT,
    actions.USE_NEAREST,
    actions.HEALTH_PAGE,
    actions.CLIENTS_PAGE,
}
MAY_TYPE = {"/connect", "/health", "/lamplighter"}
LINKING = {"notices", "invitations", "audit_events"}
"""The tables that asking for a link writes to."""

KINDS = ("guest", "single-channel guest", "other team", "unknown")


async def outsider(town: Town, kind: str, zebra: str, street: Street) -> User:
    """Somebody in the shared channel who is no member of the team; the unknown one Slack does not know."""
    if kind == "other team":
        return town.people["acme.member"].user
    if kind == "unknown":
        return User("U0NOBODY", zebra, "nobody", "Nobody")
    flags = {"is_restricted": True, "is_ultra_restricted": kind != "guest"}
    user = town.world.add_user(zebra, kind.replace(" ", "."), **flags)
    street.shared.members.add(user.id)
    return user


@pytest.fixture
async def street(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Street]:
    async with a_town(migrated_sqlite, tmp_path) as town:
        await town.settled_in("acme")
        zebra = await town.settled_in("zebra")
        shared = town.channel(zebra, "together", "zebra.admin", "zebra.member", "acme.member")
        shared.connected_teams.add(town.people["acme.member"].user.team_id)
        theirs = await furnished(town, "zebra", shared)
        nobody = User("U0", zebra, "nobody", "Nobody")
        yield Street(town, zebra, zebra, shared, shared, theirs, nobody, HIDDEN)


def as_him(street: Street, payload: JSON) -> JSON:
    """Slack names the workspace of the message, and the person's own team beside his id."""
    payload["user"]["team_id"] = street.who.team_id
    return payload


@pytest.mark.parametrize("kind", KINDS)
async def test_what_an_outsider_may(street: Street, kind: str) -> None:
    street = replace(street, who=await outsider(street.town, kind, street.acme, street))
    before, wrong = await dump(street), []

    async def check(name: str, what: str, answers: list[str], may: bool) -> None:
        nonlocal before
        await street.town.calm()
        now = await dump(street)
        changed = {table for table in now if now[table] != before[table]}
        if changed - (LINKING if may else set()):
            wrong.append(f"{what} changed {changed}")
        if not answers and name != actions.OPEN_LINK:
            wrong.append(f"{what} was answered with nothing")
        before = now

    for name, texts in foreign.COMMANDS.items():
        if kind == "other team":
            break  # they cannot run our commands
        for text in texts(street.theirs):
            payload = payloads.slash_command(street.town.world, street.who, street.shared, name, text)
            answers = await tried(street, f"{name} {text}", "slash_commands", payload)
            await check(name, f"{name} {text}", answers, name in MAY_TYPE)
    for key, values in foreign.BUTTONS.items():
        name = foreign.SENT_AS.get(key, key)
        for value in values(street.theirs):
            if name.startswith(foreign.IN_WINDOWS):
                payload = press_in_view(street, name, value, "modal")
            else:
                payload = press(street, name, value, street.shared, ephemeral=False)
            what = f"{name} {value}"
            answers = await tried(street, what, "interactive", as_him(street, payload))
            await check(name, what, answers, name in MAY_PRESS)
    for name, forms in foreign.MODALS.items():
        for number, filled in enumerate(forms(street.theirs)):
            payload = as_him(street, submitted(street, name, filled, f"V{name}{number}"))
            await check(name, name, await tried(street, name, "interactive", payload), may=False)
    assert wrong == []
    assert street.found == []


async def test_an_outsider_relinks_the_account_of_his_channel(street: Street) -> None:
    street = replace(street, who=await outsider(street.town, "guest", street.acme, street))
    before = await dump(street)
    payload = press(
        street, actions.RECONNECT_ACCOUNT, street.theirs.connection, street.shared, ephemeral=False
    )
    answers = await tried(street, "reconnect", "interactive", payload)
    assert any("Posted" in text or "link" in text for text in answers)
    assert len((await dump(street))["invitations"]) == len(before["invitations"]) + 1
    assert street.found == []
