"""Two workspaces on one bot that share a channel: nothing of one reaches the other's rows or names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.domain import inviting
from sandbox.slack import payloads
from storage.models import Invitation, Workspace
from tests.slack import foreign
from tests.slack.asking import requests
from tests.slack.rights import Who
from tests.slack.street import (
    NAME,
    Street,
    dump,
    event,
    furnished,
    names,
    press,
    press_in_view,
    submitted,
    tried,
)
from tests.slack.town import a_town
from tests.test_manifest import registered


@pytest.fixture
async def street(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Street]:
    async with a_town(migrated_sqlite, tmp_path) as town:
        acme, zebra = await town.settled_in("acme"), await town.settled_in(NAME)
        shared = town.channel(acme, "together", "acme.admin", "acme.member", "zebra.member")
        shared.connected_teams.add(zebra)
        shared.members.add(town.world.installs[zebra].bot_user_id)
        own = town.channel(acme, "acme-own", "acme.admin", "acme.member")
        theirs = await furnished(town, NAME, shared)
        await furnished(town, "acme", shared)
        yield Street(town, acme, zebra, shared, own, theirs, town.people["acme.admin"].user)


TABLES: dict[str, dict[str, Any]] = {
    "command": foreign.COMMANDS,
    "action": foreign.BUTTONS,
    "view": foreign.MODALS,
    "options": foreign.MENUS,
    "message_shortcut": foreign.SHORTCUTS,
    "event": foreign.EVENTS,
}


def test_every_listener_has_a_case() -> None:
    assert set(registered()) == set(TABLES), "a new kind of listener needs a table of cases"
    for kind, cases in TABLES.items():
        assert set(cases) == names(kind), (
            f"each {kind} says in tests/slack/foreign.py how it could be misused"
        )


async def test_no_page_of_one_workspace_names_another(street: Street) -> None:
    house, browser = street.town.app.house, await street.town.browser()
    async with house.db.read() as session:
        query = select(Invitation).where(Invitation.workspace_id != street.theirs.workspace)
        links = [inviting.address(house, row) for row in (await session.scalars(query)).all()]
    assert links
    for link in links:
        page = await browser.get(link.removeprefix(house.public_url))
        assert page.status_code == 200 and NAME not in page.text.casefold()


async def by_a_plain_member(street: Street) -> None:
    """The same by somebody who is named nowhere: a refusal would name who is, and for which client."""
    async with street.town.app.house.db.write() as session:
        workspace = await session.get_one(Workspace, (await street.town.workspace(street.acme)).id)
        workspace.admins = [street.who.id]
    street.who = street.town.people["acme.member"].user
    street.forbidden = (NAME, street.theirs.user.casefold())
    for request in requests(street, street.theirs, Who.NAMED):
        if request.kind == "interactive":
            await tried(street, f"{request.what} by a member", request.kind, request.payload)


async def test_no_request_of_one_workspace_reaches_another(street: Street) -> None:
    before, world = await dump(street), street.town.world
    for name, texts in foreign.COMMANDS.items():
        for text in texts(street.theirs):
            for place in (street.own, street.shared):
                payload = payloads.slash_command(world, street.who, place, name, text)
                assert payload["team_id"] == street.acme
                await tried(street, f"{name} {text}", "slash_commands", payload)
    for key, values in foreign.BUTTONS.items():
        name = foreign.SENT_AS.get(key, key)
        in_window = name.startswith(foreign.IN_WINDOWS)
        for number, value in enumerate(values(street.theirs)):
            what, place = f"{name} {value}", street.shared if number % 2 else street.own
            if in_window:
                pressed = press_in_view(street, name, value, "modal")
            else:
                pressed = press(street, name, value, place, number % 2 == 0)
            await tried(street, what, "interactive", pressed)
        if not in_window:
            pressed = press_in_view(street, name, values(street.theirs)[0], "home")
            await tried(street, f"{name} at home", "interactive", pressed)
    for name, forms in foreign.MODALS.items():
        for number, filled in enumerate(forms(street.theirs)):
            await tried(street, name, "interactive", submitted(street, name, filled, f"V{name}{number}"))
    for name, queries in foreign.MENUS.items():
        for query in queries(street.theirs):
            payload = press_in_view(street, name, "", "modal") | {"type": "block_suggestion"}
            await tried(
                street, name, "interactive", payload | {"action_id": name, "block_id": "b", "value": query}
            )
    for name, texts in foreign.SHORTCUTS.items():
        message = world.post(street.shared, street.theirs.user, texts(street.theirs)[0])
        payload = payloads.message_shortcut(world, street.who, message, name)
        await tried(street, name, "interactive", payload)
    for name, bodies in foreign.EVENTS.items():
        for number, body in enumerate(bodies(street.theirs)):
            await tried(street, name, "events_api", event(street, body, f"{name}{number}"))
    await by_a_plain_member(street)
    await street.town.calm()
    assert street.found == []
    assert await dump(street) == before
    for channel in world.channels.values():
        for message in channel.messages.values():
            if message.team_id == street.acme:
                assert NAME not in message.text.casefold()
