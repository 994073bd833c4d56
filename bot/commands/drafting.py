"""“Make a post of this” in a message's menu: its text and files, as a draft in the composer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.commands import composing
from bot.commands.desk import Desk
from bot.commands.requests import Press, in_words, read_press, unescaped
from bot.commands.scope import find_clients
from bot.commands.who import demand_member
from bot.messages import actions
from bot.messages import composer as messages
from bot.messages.blocks import agree, listed
from bot.messages.composer import FILES_MOST
from bot.messages.composer_blocks import Attached
from bot.messages.modals import INPUT_MAX

LABELLED = re.compile(r"<(?:mailto:|tel:)?([^<>|]+)(?:\|([^<>]*))?>")  # a link, with the words it shows
CHANNEL = re.compile(r"<#\w+\|([^<>]+)>")
CALLED = re.compile(r"<[@#!][^<>]*>")  # people, groups, everyone: nobody of the post's readers knows them


async def make_draft(desk: Desk, press: Press, message: Mapping[str, Any]) -> None:
    """Opens the composer for the channel's client, filled in; nothing is fetched or queued yet."""
    demand_member(press.asker, "write posts")
    async with desk.house.db.read() as session:
        found = await find_clients(session, press.asker.actor, "")
        client = found[0] if len(found) == 1 else None
        shown = await composing.facts(session, desk, press.asker, client, press.channel_id)
    files, left_out = files_of(message)
    text = plain_text(str(message.get("text") or ""))
    too_long = len(text) > INPUT_MAX
    said = (
        [f"The text has {len(text):,} characters; only the first {INPUT_MAX:,} are here."] if too_long else []
    )
    problem = " ".join([*said, left_out]).strip()
    draft = replace(shown, text=text, files=files, problem=problem)
    await desk.gateway.open_view(press.asker.actor.workspace_id, press.trigger_id, messages.composer(draft))


def files_of(message: Mapping[str, Any]) -> tuple[tuple[Attached, ...], str]:
    """The pictures and films of a message, and a sentence about what is none, or too many."""
    taken: list[Attached] = []
    left: list[str] = []
    for item in message.get("files") or []:
        name = str(item.get("name") or item.get("title") or "file")
        kind = str(item.get("mimetype") or "image/")  # a file of another workspace names no type
        if item.get("mode") == "tombstone":  # was deleted
            continue
        fits = kind.startswith(("image/", "video/")) and len(taken) < FILES_MOST
        if fits:
            taken.append(Attached(str(item["id"]), name))
        else:
            left.append(name)
    if not left:
        return tuple(taken), ""
    verb = agree(len(left), "is", "are")
    return tuple(taken), f"{listed(left)} {verb} left out: a post takes up to {FILES_MOST} pictures or films."


def plain_text(text: str) -> str:
    """A message's text as people see it, without Slack's own marks for links, people and channels."""
    text = CHANNEL.sub(r"#\1", text)
    text = CALLED.sub("", text)
    text = LABELLED.sub(_link, text)
    return unescaped(text).strip()


def _link(found: re.Match[str]) -> str:
    address, label = found[1], found[2]
    if not label or label in address:
        return address
    return f"{label} ({address})" if address.startswith("http") else label


def register(app: AsyncApp, desk: Desk) -> None:
    """The shortcut."""

    async def chosen(ack: AsyncAck, body: dict[str, Any], workspace_id: str) -> None:
        await ack()
        press = await read_press(desk, workspace_id, body, {})
        with in_words():
            await make_draft(desk, press, body.get("message") or {})

    app.message_shortcut(actions.MAKE_POST)(chosen)
