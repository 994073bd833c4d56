"""The methods that look things up: `auth.*`, `conversations.*`, `users.*`, `files.*`, `blocks.*`."""

from __future__ import annotations

import base64
import binascii

from sandbox.slack.chat import writable_channel
from sandbox.slack.errors import SlackError
from sandbox.slack.life import revoke_token
from sandbox.slack.limits import check_blocks, check_metadata, check_view
from sandbox.slack.models import JSON, Channel, User
from sandbox.slack.reading import ApiCall, demand_scope
from sandbox.slack.render import channel_json, file_json, user_json
from sandbox.slack.schema import Problem

READ_SCOPE = {"public": "channels:read", "private": "groups:read", "im": "im:read"}


def auth_test(call: ApiCall) -> JSON:
    """auth.test"""
    team = call.world.teams[call.install.team_id]
    return {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.name,
        "user": call.world.users[call.install.bot_user_id].name,
        "team_id": team.id,
        "user_id": call.install.bot_user_id,
        "bot_id": call.install.bot_id,
        "is_enterprise_install": False,
    }


def auth_revoke(call: ApiCall) -> JSON:
    """auth.revoke: the token that it is called with is dead from now on; `test` only says what would be."""
    if not call.flag("test"):
        revoke_token(call.world, call.install.team_id)
    return {"revoked": not call.flag("test")}


def _readable(call: ApiCall) -> Channel:
    channel = call.visible_channel(call.required("channel"))
    demand_scope(call.install, READ_SCOPE[channel.kind])
    return channel


def conversations_info(call: ApiCall) -> JSON:
    """conversations.info"""
    channel = _readable(call)
    shown = channel_json(call.world, channel, call.install.bot_user_id)
    if call.flag("include_num_members"):
        shown["num_members"] = len(channel.members)
    return {"channel": shown}


def conversations_list(call: ApiCall) -> JSON:
    """conversations.list: public channels, and the private ones that the bot is in."""
    names = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}
    wanted = call.text("types", "public_channel").replace(" ", "").split(",")
    if not set(wanted) <= set(names):
        raise SlackError("invalid_types")
    kinds = {names[name] for name in wanted}
    for kind in sorted(kinds - {"mpim"}):
        demand_scope(call.install, READ_SCOPE[kind])
    bot = call.install.bot_user_id
    found = [
        channel_json(call.world, channel, bot)
        for channel in call.world.channels.values()
        if channel.kind in kinds
        and not channel.deleted
        and call.install.team_id in {channel.team_id, *channel.connected_teams}
        and (channel.kind == "public" or bot in channel.members)
        and not (call.flag("exclude_archived") and channel.is_archived)
    ]
    page, cursor = _page(call, found)
    return {"channels": page, "response_metadata": {"next_cursor": cursor}}


def conversations_members(call: ApiCall) -> JSON:
    """conversations.members"""
    page, cursor = _page(call, [{"id": member} for member in sorted(_readable(call).members)])
    members = [entry["id"] for entry in page]
    return {"members": members, "response_metadata": {"next_cursor": cursor}}


def _page(call: ApiCall, rows: list[JSON]) -> tuple[list[JSON], str]:
    limit = call.text("limit", "100")
    if not limit.isdigit() or not 1 <= int(limit) <= 1000:
        raise SlackError("invalid_limit")
    try:
        start = int(base64.b64decode(call.text("cursor") or "MA==", validate=True))
    except (binascii.Error, ValueError):
        raise SlackError("invalid_cursor") from None
    end = start + int(limit)
    return rows[start:end], base64.b64encode(str(end).encode()).decode() if end < len(rows) else ""


def conversations_open(call: ApiCall) -> JSON:
    """conversations.open, for one person."""
    channel = writable_channel(call, call.required("users"))
    return {"channel": {"id": channel.id}}


def conversations_join(call: ApiCall) -> JSON:
    """conversations.join: public channels only."""
    channel = call.visible_channel(call.required("channel"))
    if channel.kind != "public":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    channel.members.add(call.install.bot_user_id)
    call.world.bump()
    return {"channel": channel_json(call.world, channel, call.install.bot_user_id)}


def _knows(call: ApiCall, user: User) -> bool:
    channels = call.world.channels.values()
    bot = call.install.bot_user_id
    return user.team_id == call.install.team_id or any({user.id, bot} <= c.members for c in channels)


def users_info(call: ApiCall) -> JSON:
    """users.info"""
    user = call.world.users.get(call.required("user"))
    if user is None:
        raise SlackError("user_not_found")
    if not _knows(call, user):
        raise SlackError("user_not_visible")
    return {"user": user_json(user)}


def users_list(call: ApiCall) -> JSON:
    """users.list"""
    known = [user_json(user) for user in call.world.users.values() if _knows(call, user)]
    page, cursor = _page(call, known)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def files_info(call: ApiCall) -> JSON:
    """files.info: files of the workspace that were given to the app or lie in one of its channels."""
    file = call.world.files.get(call.required("file"))
    if file is None:
        raise SlackError("file_not_found")
    bot = call.install.bot_user_id
    shared = any(bot in call.world.channels[channel].members for channel in file.channels)
    if not shared and (file.channels or file.team_id != call.install.team_id):
        raise SlackError("file_not_found")
    return {"file": file_json(call.world, file), "response_metadata": {"next_cursor": ""}}


def blocks_validate(call: ApiCall) -> JSON:
    """blocks.validate"""
    given = [name for name in ("blocks", "message", "view") if call.args.get(name)]
    if len(given) != 1:
        raise SlackError("invalid_arguments", details=["[ERROR] pass exactly one of blocks, message, view"])
    value = call.structure(given[0], "invalid_arguments")
    problems: list[Problem]
    if given == ["view"]:
        problems = check_view(value)
    elif given == ["blocks"]:
        problems = check_blocks(value, "message")
    else:
        message = value if isinstance(value, dict) else {}
        problems = check_blocks(message.get("blocks", []), "message")
        broken = check_metadata(message["metadata"]) if "metadata" in message else None
        problems += [Problem("/metadata", broken, broken)] if broken else []
    errors = [{"pointer": p.pointer, "code": p.code, "message": p.message} for p in problems]
    return {"valid": not errors, "errors": errors}
