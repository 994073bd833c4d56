"""The payloads of commands and interactions, as Slack builds them."""

from __future__ import annotations

from sandbox.slack.models import JSON, Channel, Message, User, View
from sandbox.slack.render import message_json, view_json
from sandbox.slack.state import SlackWorld
from sandbox.slack.views import initial_state

NAMES = {"im": "directmessage", "private": "privategroup"}


def team_of(
    world: SlackWorld, user: User, channel: Channel | None = None, message: Message | None = None
) -> str:
    """The workspace whose app an interaction goes to: that of the message's author where the app wrote it,
    then the person's own, then one of those that share the channel."""
    written = message.team_id if message is not None and message.bot_id else ""
    shared = [channel.team_id, *sorted(channel.connected_teams)] if channel is not None else []
    for team_id in (written, user.team_id, *shared):
        if team_id in world.installs:
            return team_id
    return user.team_id


def slash_command(world: SlackWorld, user: User, channel: Channel, command: str, text: str) -> JSON:
    """A slash command's form fields."""
    team = world.teams[team_of(world, user, channel)]
    return {
        "token": world.app.verification_token,
        "team_id": team.id,
        "team_domain": team.domain,
        "channel_id": channel.id,
        "channel_name": NAMES.get(channel.kind, channel.name),
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": world.app.app_id,
        "is_enterprise_install": "false",
        "response_url": world.new_response_url("commands", channel, user.id, team_id=team.id),
        "trigger_id": world.new_trigger(user.id, team.id),
    }


def _base(world: SlackWorld, kind: str, user: User, team_id: str) -> JSON:
    shown = user.team_id if world.switches.external_team_in_payload else team_id
    return {
        "type": kind,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": world.app.app_id,
        "token": world.app.verification_token,
        "team": {"id": shown, "domain": world.teams[shown].domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _place(world: SlackWorld, user: User, message: Message, team_id: str) -> JSON:
    channel = world.channels[message.channel]
    response_url = world.new_response_url("actions", channel, user.id, message.ts, team_id)
    container: JSON = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.ephemeral_to is not None,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    shown: JSON = {
        "container": container,
        "channel": {"id": channel.id, "name": NAMES.get(channel.kind, channel.name)},
        "state": {"values": {**initial_state(message.blocks), **message.state}},
        "response_url": response_url,
    }
    return shown if message.ephemeral_to else shown | {"message": message_json(world, message)}


def message_actions(world: SlackWorld, user: User, message: Message, action: JSON) -> JSON:
    """`block_actions` from a message; an ephemeral one is not carried along."""
    team_id = team_of(world, user, world.channels[message.channel], message)
    trigger = world.new_trigger(user.id, team_id)
    place = _place(world, user, message, team_id)
    return {
        **_base(world, "block_actions", user, team_id),
        "trigger_id": trigger,
        **place,
        "actions": [action],
    }


def view_actions(world: SlackWorld, user: User, view: View, action: JSON) -> JSON:
    """`block_actions` from a modal or a Home tab."""
    return {
        **_base(world, "block_actions", user, view.team_id),
        "trigger_id": world.new_trigger(user.id, view.team_id, view.id),
        "container": {"type": "view", "view_id": view.id},
        "view": view_json(world, view),
        "actions": [action],
    }


def view_submission(world: SlackWorld, user: User, view: View, response_urls: list[JSON]) -> JSON:
    """`view_submission`: without a channel."""
    return {
        **_base(world, "view_submission", user, view.team_id),
        "trigger_id": world.new_trigger(user.id, view.team_id, view.id),
        "view": view_json(world, view),
        "response_urls": response_urls,
    }


def view_closed(world: SlackWorld, user: User, view: View, cleared: bool) -> JSON:
    """`view_closed`; `cleared` when the whole stack went."""
    base = _base(world, "view_closed", user, view.team_id)
    return {**base, "view": view_json(world, view), "is_cleared": cleared}


def global_shortcut(world: SlackWorld, user: User, callback_id: str) -> JSON:
    """`shortcut`, from the composer's menu: without a channel."""
    team_id = team_of(world, user)
    return {
        **_base(world, "shortcut", user, team_id),
        "callback_id": callback_id,
        "trigger_id": world.new_trigger(user.id, team_id),
        "action_ts": world.next_ts(),
    }


def message_shortcut(world: SlackWorld, user: User, message: Message, callback_id: str) -> JSON:
    """`message_action`, from a message's menu."""
    channel = world.channels[message.channel]
    team_id = team_of(world, user, channel)
    return {
        **_base(world, "message_action", user, team_id),
        "callback_id": callback_id,
        "trigger_id": world.new_trigger(user.id, team_id),
        "response_url": world.new_response_url("actions", channel, user.id, message.ts, team_id),
        "action_ts": world.next_ts(),
        "message_ts": message.ts,
        "channel": {"id": channel.id, "name": NAMES.get(channel.kind, channel.name)},
        "message": message_json(world, message),
    }


def block_suggestion(
    world: SlackWorld, user: User, where: Message | View, block: JSON, element: JSON, query: str
) -> JSON:
    """`block_suggestion`, sent while somebody types into an external select."""
    if isinstance(where, View):
        team_id = where.team_id
        place: JSON = {
            "view": view_json(world, where),
            "container": {"type": "view", "view_id": where.id},
        }
    else:
        team_id = team_of(world, user, world.channels[where.channel], where)
        place = _place(world, user, where, team_id)
        place.pop("response_url")
    asked = {"action_id": element["action_id"], "block_id": block["block_id"], "value": query}
    return {**_base(world, "block_suggestion", user, team_id), **asked, **place}
