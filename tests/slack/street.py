"""Two workspaces that share a channel, what is in them, and requests as Slack would send them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

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
    Workspace,
    new_id,
)
from tests import rows
from tests.slack import foreign
from tests.slack.foreign import Filled, Rows
from tests.slack.town import Town
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
        well=well,
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


async def dump(street: Street) -> dict[str, list[str]]:
    """Every row of the other workspace, its own too, and the logins that it rests on."""
    found: dict[str, list[str]] = {}
    async with street.town.app.house.db.read() as session:
        for table in [*removing.tables_of_a_workspace()]:
            which = removing.belongs(table, street.theirs.workspace)
            lines = (await session.execute(select(table).where(which))).all()
            found[table.name] = sorted(repr(tuple(line)) for line in lines)
        own = select(Workspace.__table__).where(Workspace.id == street.theirs.workspace)
        found["workspaces"] = sorted(repr(tuple(line)) for line in (await session.execute(own)).all())
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
