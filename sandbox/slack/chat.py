"""The `chat.*` methods."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sandbox.slack.blocks import with_ids
from sandbox.slack.errors import SlackError
from sandbox.slack.limits import check_blocks, check_metadata
from sandbox.slack.models import JSON, Channel, Message
from sandbox.slack.reading import ApiCall
from sandbox.slack.render import message_json, replies_of

POST_LIMIT, UPDATE_LIMIT = 40_000, 4_000


@dataclass(frozen=True)
class Content:
    """What a message says, checked."""

    text: str
    blocks: list[JSON] | None
    metadata: JSON | None


def read_content(call: ApiCall, may_be_empty: bool = False) -> Content:
    """The text, blocks and metadata of a call. Raises `no_text`, `invalid_blocks` and the metadata errors."""
    text = call.text("text")
    blocks: Any = call.structure("blocks", "invalid_blocks_format")
    if blocks is not None and not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if not text.strip() and not blocks and not (may_be_empty and blocks is not None):
        raise SlackError("no_text")
    problems = check_blocks(blocks or [], "message")
    if problems:
        raise SlackError("invalid_blocks", details=[problem.line() for problem in problems])
    metadata = call.structure("metadata", "invalid_metadata_format")
    broken = check_metadata(metadata) if metadata is not None else None
    if broken:
        raise SlackError(broken)
    return Content(text, with_ids(blocks) if blocks is not None else None, metadata)


def writable_channel(call: ApiCall, channel_id: str) -> Channel:
    """Where the bot may post. A user id means the direct message with that person, opened when needed."""
    if channel_id.startswith(("U", "W")):
        return _direct(call, channel_id)
    channel = call.visible_channel(channel_id)
    if call.install.bot_user_id not in channel.members and "chat:write.public" not in call.install.scopes:
        raise SlackError("not_in_channel")
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


def _direct(call: ApiCall, user_id: str) -> Channel:
    user = call.world.users.get(user_id)
    if user is None or user.deleted or user.is_bot or user.team_id != call.install.team_id:
        raise SlackError("channel_not_found")
    if not call.world.app.messages_tab:
        raise SlackError("messages_tab_disabled")
    return call.world.direct_message(user.team_id, user.id)


def find_root(channel: Channel, thread_ts: str) -> str | None:
    """The root that a reply goes under.

    None where the root was deleted: Slack then posts at channel level and says nothing (facts: fact 1).
    An answer to an answer is refused, so that a client that stores the wrong ts is found out.
    """
    if not re.fullmatch(r"\d{10}\.\d{6}", thread_ts):
        raise SlackError("invalid_thread_ts")
    root = channel.messages.get(thread_ts)
    if root is None or root.deleted or root.ephemeral_to is not None:
        return None
    if root.thread_ts is not None:
        raise SlackError("cannot_reply_to_message")
    return thread_ts


def post_message(call: ApiCall) -> JSON:
    """chat.postMessage"""
    channel = writable_channel(call, call.required("channel"))
    content = read_content(call)
    thread_ts = call.text("thread_ts")
    root = find_root(channel, thread_ts) if thread_ts else None
    message = call.world.post(
        channel,
        call.install.bot_user_id,
        content.text[:POST_LIMIT],
        blocks=content.blocks or [],
        team_id=call.install.team_id,
        bot_id=call.install.bot_id,
        thread_ts=root,
        reply_broadcast=root is not None and call.flag("reply_broadcast"),
        metadata=content.metadata,
    )
    return {"channel": channel.id, "ts": message.ts, "message": message_json(call.world, message)}


def post_ephemeral(call: ApiCall) -> JSON:
    """chat.postEphemeral"""
    channel = writable_channel(call, call.required("channel"))
    user_id = call.required("user")
    content = read_content(call)
    if user_id not in channel.members:
        raise SlackError("user_not_in_channel")
    thread_ts = call.text("thread_ts")
    message = call.world.post(
        channel,
        call.install.bot_user_id,
        content.text[:POST_LIMIT],
        blocks=content.blocks or [],
        team_id=call.install.team_id,
        bot_id=call.install.bot_id,
        thread_ts=find_root(channel, thread_ts) if thread_ts else None,
        ephemeral_to=user_id,
    )
    return {"message_ts": message.ts}


def _own_message(call: ApiCall, refusal: str) -> tuple[Channel, Message]:
    channel = writable_channel(call, call.required("channel"))
    message = channel.messages.get(call.required("ts"))
    if message is None or message.deleted or message.ephemeral_to is not None:
        raise SlackError("message_not_found")
    if message.bot_id != call.install.bot_id:
        raise SlackError(refusal)
    return channel, message


def update(call: ApiCall) -> JSON:
    """chat.update. Blocks that are not sent stay; an empty list takes them away."""
    channel, message = _own_message(call, "cant_update_message")
    content = read_content(call, may_be_empty=True)
    if len(content.text) > UPDATE_LIMIT:
        raise SlackError("msg_too_long")
    if not content.text.strip() and content.blocks == []:
        raise SlackError("no_text")
    if "text" in call.args:
        message.text = content.text
    if content.blocks is not None:
        message.blocks = content.blocks
        message.state = {}
    if content.metadata is not None:
        message.metadata = content.metadata
    if call.flag("reply_broadcast") and message.thread_ts:
        message.reply_broadcast = True
    message.edited_ts = call.world.next_ts()
    call.world.bump()
    shown = message_json(call.world, message)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": shown}


def delete(call: ApiCall) -> JSON:
    """chat.delete"""
    channel, message = _own_message(call, "cant_delete_message")
    message.deleted = True
    call.world.bump()
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(call: ApiCall) -> JSON:
    """chat.getPermalink"""
    channel = call.visible_channel(call.required("channel"))
    message = channel.messages.get(call.required("message_ts"))
    if message is None or message.deleted or message.ephemeral_to is not None:
        raise SlackError("message_not_found")
    domain = call.world.teams[channel.team_id].domain
    link = f"https://{domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    root = message.thread_ts or (message.ts if replies_of(call.world, message) else None)
    if root:
        link += f"?thread_ts={root}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}
