"""`/lamplighter setup`: operations channel, admins and zone of the workspace."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.commands import presence
from bot.commands.desk import Desk
from bot.commands.requests import Press, Request, in_words, listen_for_press
from bot.commands.who import Asker, demand_admin, demand_member, who_asks
from bot.commands.zones import read_zone
from bot.domain import routines, working_time
from bot.domain.auditing import record
from bot.domain.errors import Refused
from bot.messages import actions
from bot.messages import setup as messages
from storage import clients

DOING = "set me up"


async def open_setup(desk: Desk, request: Request) -> None:
    """`/lamplighter setup`."""
    await _open(desk, request.asker, request.trigger_id)


async def press_setup(desk: Desk, press: Press) -> None:
    """The button that leads there."""
    await _open(desk, press.asker, press.trigger_id)


async def _open(desk: Desk, asker: Asker, trigger_id: str) -> None:
    demand_setup(asker)
    workspace = asker.workspace
    zone = workspace.zone if workspace.set_up_at else asker.zone or workspace.zone
    facts = messages.Setup(
        workspace.operations_channel,
        tuple(workspace.admins) or (asker.user_id,),
        zone,
        workspace.set_up_at is not None,
    )
    await desk.gateway.open_view(workspace.id, trigger_id, messages.setup(facts))


def demand_setup(asker: Asker) -> None:
    """Slack's own admins may always: a workspace whose named admins have left is not locked out.

    Raises Refused."""
    demand_member(asker, DOING)
    if not asker.is_slack_admin:
        demand_admin(asker, DOING)


async def submit(desk: Desk, asker: Asker, ack: AsyncAck, view_id: str, values: dict[str, Any]) -> None:
    """Stores what was filled in; twice is the same."""
    demand_setup(asker)
    channel = str(values[messages.OPERATIONS][messages.OPERATIONS].get("selected_conversation") or "")
    admins = [str(user) for user in values[messages.ADMINS][messages.ADMINS].get("selected_users") or []]
    errors = {} if channel else {messages.OPERATIONS: "Choose a channel."}
    errors |= {} if admins else {messages.ADMINS: "Choose at least one person."}
    zone = ""
    try:
        zone = read_zone(str(values[messages.ZONE][messages.ZONE].get("value") or ""))
    except Refused as refused:
        errors[messages.ZONE] = refused.text
    if errors:
        await ack(response_action="errors", errors=errors)
        return
    await _store(desk, asker, channel, admins, zone)
    await ack(response_action="update", view=dict(messages.saved()))
    await presence.ask_in(desk, asker, view_id, [channel], messages.saved)


async def _store(desk: Desk, asker: Asker, channel: str, admins: list[str], zone: str) -> None:
    now = desk.house.clock.now()
    async with desk.house.db.write() as session:
        workspace = await clients.workspace(session, asker.workspace.id)
        before = working_time.of(workspace)
        workspace.operations_channel, workspace.admins, workspace.zone = channel, admins, zone
        workspace.set_up_at = workspace.set_up_at or now
        await routines.follow_hours(session, workspace, before, now)
        detail = {"operations_channel": channel, "admins": admins, "zone": zone}
        record(session, asker.actor, "workspace.set_up", now, detail=detail)
    desk.house.wake.outbox.set()


def register(app: AsyncApp, desk: Desk) -> None:
    """The button and the modal; the word is `/lamplighter`'s."""

    async def submitted(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], workspace_id: str) -> None:
        user = body["user"]
        with in_words():
            asker = await who_asks(desk, workspace_id, user["id"], None, user.get("team_id"))
            await submit(desk, asker, ack, str(view["id"]), view["state"]["values"])

    listen_for_press(app, desk, actions.OPEN_SETUP, press_setup)
    app.view(actions.SETUP)(submitted)
