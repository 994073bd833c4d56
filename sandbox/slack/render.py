"""Slack's own JSON for the things it knows, as API answers and interaction payloads show them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sandbox.slack.models import JSON, Channel, Message, StoredFile, User, View
from sandbox.slack.state import SlackWorld


def message_json(world: SlackWorld, message: Message) -> JSON:
    """A message as `chat.*` answers and `block_actions` payloads carry it."""
    shown: JSON = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "text": message.text,
        "team": message.team_id,
    }
    if message.bot_id:
        shown |= {"bot_id": message.bot_id, "app_id": world.app.app_id}
    if message.blocks:
        shown["blocks"] = message.blocks
    if message.thread_ts:
        shown["thread_ts"] = message.thread_ts
    if message.reply_broadcast:
        shown["subtype"] = "thread_broadcast"
    if message.metadata is not None:
        shown["metadata"] = message.metadata
    if message.edited_ts:
        shown["edited"] = {"user": message.user, "ts": message.edited_ts}
    if message.files:
        shown["files"] = [file_json(world, world.files[file_id]) for file_id in message.files]
    replies = replies_of(world, message)
    if replies:
        shown |= {"thread_ts": message.ts, "reply_count": len(replies), "latest_reply": replies[-1].ts}
    return shown


def replies_of(world: SlackWorld, root: Message) -> list[Message]:
    """The answers in the thread under a message, oldest first; ephemeral ones are not counted."""
    channel = world.channels[root.channel]
    return [
        message
        for message in channel.messages.values()
        if message.thread_ts == root.ts and not message.deleted and message.ephemeral_to is None
    ]


def channel_json(world: SlackWorld, channel: Channel, bot_user_id: str) -> JSON:
    """A conversation as `conversations.*` shows it to the app."""
    teams = [channel.team_id, *sorted(channel.connected_teams)]
    if channel.kind == "im":
        other = next((member for member in sorted(channel.members) if member != bot_user_id), bot_user_id)
        return {"id": channel.id, "is_im": True, "is_org_shared": False, "is_archived": False, "user": other}
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == "public",
        "is_group": channel.kind == "private",
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.kind == "private",
        "is_archived": channel.is_archived,
        "is_member": bot_user_id in channel.members,
        "is_general": channel.name == "general",
        "is_shared": channel.is_ext_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_org_shared": False,
        "shared_team_ids": teams,
        "context_team_id": channel.team_id,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def user_json(user: User) -> JSON:
    """A person as `users.info` shows him. `tz_offset` is in seconds, now."""
    offset = datetime.now(ZoneInfo(user.tz)).utcoffset()
    shown: JSON = {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "real_name": user.real_name,
        "deleted": user.deleted,
        "tz": user.tz,
        "tz_label": user.tz,
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "profile": {"real_name": user.real_name, "display_name": user.name, "team": user.team_id},
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 0,
    }
    return shown | ({"is_stranger": True} if user.is_stranger else {})


def file_json(world: SlackWorld, file: StoredFile, full: bool = True) -> JSON:
    """A file; in Slack Connect the short form only says that `files.info` has to be asked."""
    if file.check_file_info and not full:
        return {"id": file.id, "file_access": "check_file_info"}
    private = world.address("files.slack.com", f"/files-pri/{file.team_id}-{file.id}/{file.name}")
    download = world.address("files.slack.com", f"/files-pri/{file.team_id}-{file.id}/download/{file.name}")
    return {
        "id": file.id,
        "created": file.created,
        "name": file.name,
        "title": file.name,
        "mimetype": file.mimetype,
        "filetype": file.name.rpartition(".")[2].lower(),
        "user": file.user_id,
        "size": len(file.content),
        "mode": "hosted",
        "is_external": False,
        "is_public": False,
        "url_private": private,
        "url_private_download": download,
        "channels": sorted(file.channels),
        "file_access": "visible",
    }


def view_json(world: SlackWorld, view: View) -> JSON:
    """A view as `views.*` answers and interaction payloads carry it."""
    install = world.installs[view.team_id]
    empty = {"private_metadata": "", "callback_id": "", "external_id": ""}
    modal = {"submit": None, "close": None, "clear_on_close": False, "notify_on_close": False}
    return {
        **empty,
        **(modal if view.body["type"] == "modal" else {}),
        **view.body,
        "id": view.id,
        "team_id": view.team_id,
        "app_id": world.app.app_id,
        "app_installed_team_id": view.team_id,
        "bot_id": install.bot_id,
        "state": {"values": view.state},
        "hash": view.hash,
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id,
    }
