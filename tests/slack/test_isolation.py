"""Two workspaces on one bot that share a channel: nothing of one reaches the other's rows or names."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.domain import disconnecting, incidents, inviting
from bot.domain.auditing import Actor
from bot.domain.inviting import Wanted
from sandbox.slack import payloads
from sandbox.slack.delivery import deliver
from sandbox.slack.models import JSON, Channel, User
from storage import removing
from storage.models import (
    Client,
    Connection,
    Grant,
    Import,
    Incident,
    Invitation,
    Notice,
    StoredMedia,
    new_id,
)
from tests import rows
from tests.slack import foreign
from tests.slack.foreign import Filled, Rows
from tests.slack.town import Town, a_town
from tests.test_manifest import registered

NAME = "zebra"
"""Stands in every name of the other workspace, so that a leak can be searched for."""


@dataclass
class Street:
    """Two workspaces: `acme`, from which everything is tried, and the one that is not to be reached."""

    town: Town
    acme: str
    zebra: str
    shared: Channel
    own: Channel
    theirs: Rows
    who: User
    forbidden: tuple[str, ...] = (NAME,)
    found: list[str] = field(default_factory=list)


async def furnished(town: Town, domain: str, shared: Channel) -> Rows:
    """A workspace with everything in it that a button or a link could name."""
    house = town.app.house
    team = next(one.id for one in town.world.teams.values() if one.domain == domain)
    workspace, member = await town.workspace(team), town.people[f"{domain}.member"].user
    place = town.channel(team, f"{domain}-team", f"{domain}.member", kind="private")
    slug = "next-door"  # typed in commands, whose answers may repeat it: it names nobody
    client = await rows.client(
        house, workspace.id, slug, place.id, client_channel=shared.id, mentions=[member.id]
    )
    closed = town.channel(team, f"{domain}-secret", kind="private")
    hidden = await rows.client(house, workspace.id, f"{domain}-hidden", closed.id)
    handle = f"{domain}_bread"
    connection = await rows.account(house, client, handle=handle, grant_state="dead", linked_by=member.id)
    well = await rows.account(house, hidden, handle=f"{domain}_hidden")
    gone = await rows.account(house, hidden, handle=f"{domain}_gone")
    now, later = house.clock.now(), house.clock.now() + timedelta(days=1)
    words = {"text": f"{domain} bread"}
    scheduled = await rows.delivery(house, well, "scheduled", due_at=later, next_at=later, **words)
    failed = await rows.delivery(house, connection, "failed", reason="rejected", **words)
    unconfirmed = await rows.delivery(house, connection, "unconfirmed", **words)
    late = await rows.delivery(house, connection, "blocked", late=True, reason="late", **words)
    actor = Actor(workspace.id, member.id, place.id)
    async with house.db.write() as session:
        grant = await session.get_one(Grant, (await session.get_one(Connection, connection)).grant_id)
        grant.reason, grant.subject_name = "revoked", f"{domain} person"
        await incidents.dead(session, house, grant, now)
        row = await session.get_one(Client, client)
        row.name = f"{domain} bakery"
        await inviting.invite(session, house, actor, row, [Wanted("x", f"{domain}_new")], place.id, now)
        file = StoredMedia(
            id=new_id(),
            workspace_id=workspace.id,
            digest="d" * 64,
            kind="image",
            mime="image/jpeg",
            size=1,
            created_at=now,
            used_at=now,
            next_at=later,
        )
        session.add(file)
        upload = Import(
            id=new_id(),
            workspace_id=workspace.id,
            view_id="V0",
            author=member.id,
            name=f"{domain}.csv",
            text=f"client,when,text\n{slug},2030-01-01T10:00,{domain}",
            created_at=now,
        )
        session.add(upload)
        trouble = Incident(
            id=new_id(),
            workspace_id=workspace.id,
            kind="connection",
            connection_id=well,
            client_id=hidden,
            severity="dead",
            reason="permission",
            state="open",
            opened_at=now,
        )
        waiting, held = (_unsaid(workspace.id, place.id, state, later) for state in ("due", "held"))
        session.add_all([trouble, waiting, held])
        await disconnecting.disconnect(session, actor, gone, 1, now)
    await town.calm()
    async with house.db.read() as session:
        incident = (
            await session.scalars(
                select(Incident.id).where(Incident.workspace_id == workspace.id, Incident.kind == "grant")
            )
        ).one()
        invitation = (
            await session.scalars(
                select(Invitation.id).where(Invitation.workspace_id == workspace.id).limit(1)
            )
        ).one()
        notice = (
            await session.scalars(
                select(Notice.id)
                .where(Notice.workspace_id == workspace.id, Notice.subject_id == incident)
                .limit(1)
            )
        ).one()
        account = await session.get_one(Connection, well)
    return Rows(
        workspace=workspace.id,
        team_id=team,
        client=client,
        slug=slug,
        hidden=hidden,
        connection=connection,
        grant=account.grant_id,
        platform="x",
        account=account.account_id,
        incident=incident,
        trouble=trouble.id,
        invitation=invitation,
        notice=notice,
        waiting=waiting.id,
        scheduled=scheduled,
        failed=failed,
        unconfirmed=unconfirmed,
        late=late,
        channel=place.id,
        operations=workspace.operations_channel or "",
        shared=shared.id,
        upload=upload.id,
        file=town.people[f"{domain}.member"].upload(f"{domain}.csv", b"client,when,text", "text/csv").id,
        user=member.id,
        bot=town.world.installs[team].bot_user_id,
    )


def _unsaid(workspace_id: str, channel_id: str, state: str, at: datetime) -> Notice:
    """A message that is not in Slack yet: it is not time (`due`), or the bot is not let in (`held`)."""
    return Notice(
        id=new_id(),
        workspace_id=workspace_id,
        kind="event",
        topic="notice",
        unique_key=new_id(),
        audience="channel",
        audience_id=channel_id,
        state=state,
        next_at=at if state == "due" else None,
        created_at=at,
    )


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


async def dump(street: Street) -> dict[str, list[str]]:
    """Every row of the other workspace, and the logins that only it rests on."""
    found: dict[str, list[str]] = {}
    async with street.town.app.house.db.read() as session:
        for table in [*removing.tables_of_a_workspace()]:
            which = removing.belongs(table, street.theirs.workspace)
            lines = (await session.execute(select(table).where(which))).all()
            found[table.name] = sorted(repr(tuple(line)) for line in lines)
        grants = select(Grant.__table__).where(
            Grant.id.in_(
                select(Connection.grant_id).where(Connection.workspace_id == street.theirs.workspace)
            )
        )
        found["grants"] = sorted(repr(tuple(line)) for line in (await session.execute(grants)).all())
    assert found["clients"] and found["incidents"] and found["departures"] and found["media"]
    return found


async def tried(street: Street, what: str, kind: str, payload: JSON) -> list[str]:
    """Sends one request as Slack would, and searches everything that the bot answers; what it answered."""
    town = street.town
    calls = len(town.world.calls)
    delivered = await deliver(town.world, kind, payload)
    for _ in range(3):  # a listener, then what it tells people
        await town.app.door.drain()
    assert delivered.status == 200, f"{what}: {delivered.status}"
    said = [delivered.body, *(json.dumps(call.args) for call in town.world.calls[calls:])]
    if any(word in text.casefold() for text in said for word in street.forbidden):
        street.found.append(f"{what} named what is not to be named: {said}")
    teams = {call.team_id for call in town.world.calls[calls:] if call.team_id}
    if not teams <= {street.acme}:
        street.found.append(f"{what} spoke in the other workspace")
    return [text for text in said if text]


def base(street: Street, kind: str) -> JSON:
    return payloads._base(street.town.world, kind, street.who, street.acme)


def trigger(street: Street) -> str:
    return street.town.world.new_trigger(street.who.id, street.acme)


def press(street: Street, action_id: str, value: str, place: Channel, ephemeral: bool) -> JSON:
    """A button under an answer that only its reader saw, or under a message of their own."""
    chosen = {"text": {"type": "plain_text", "text": "x"}, "value": value}
    return base(street, "block_actions") | {
        "trigger_id": trigger(street),
        "container": {
            "type": "message",
            "message_ts": "1.000002",
            "channel_id": place.id,
            "is_ephemeral": ephemeral,
        },
        "channel": {"id": place.id, "name": place.name},
        "response_url": street.town.world.new_response_url(
            "actions", place, street.who.id, team_id=street.acme
        ),
        "actions": [
            {
                "type": "button",
                "action_id": action_id,
                "block_id": "b",
                "value": value,
                "selected_option": chosen,
            }
        ],
    }


def press_in_view(street: Street, action_id: str, value: str, kind: str) -> JSON:
    view = {
        "id": "V1",
        "type": kind,
        "app_installed_team_id": street.acme,
        "blocks": [],
        "private_metadata": foreign.carried(street.theirs, foreign.choice(street.theirs.scheduled)),
        "state": {"values": {}},
    }
    return base(street, "block_actions") | {
        "trigger_id": trigger(street),
        "container": {"type": "view", "view_id": "V1"},
        "view": view,
        "actions": [{"type": "button", "action_id": action_id, "block_id": "b", "value": value}],
    }


def submitted(street: Street, callback_id: str, filled: Filled, view_id: str) -> JSON:
    view = {
        "id": view_id,
        "type": "modal",
        "callback_id": callback_id,
        "app_installed_team_id": street.acme,
        "private_metadata": filled.carried,
        "blocks": [],
        "state": {"values": filled.values},
    }
    return base(street, "view_submission") | {
        "trigger_id": trigger(street),
        "view": view,
        "response_urls": [],
    }


def event(street: Street, body: JSON, number: str) -> JSON:
    if body.get("user") == foreign.OUR_BOT:
        body = body | {"user": street.town.world.installs[street.acme].bot_user_id}
    return {
        "token": "t",
        "team_id": street.acme,
        "api_app_id": street.town.world.app.app_id,
        "type": "event_callback",
        "event_id": f"Ev{number}",
        "event_time": 4_000_000_000,
        "event": {"user": street.who.id} | body,
        "authorizations": [{"team_id": street.acme, "is_bot": True}],
    }


def names(kind: str) -> set[str]:
    """The registered listeners of a kind, by the name that their payloads carry."""
    return {foreign.named(name) for name in registered().get(kind, [])}


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
    await street.town.calm()
    assert street.found == []
    assert await dump(street) == before
    for channel in world.channels.values():
        for message in channel.messages.values():
            if message.team_id == street.acme:
                assert NAME not in message.text.casefold()
