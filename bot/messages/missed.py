"""A message that stands in for a channel where it could not be said."""

from __future__ import annotations

import re

from bot.messages.blocks import TEXT_MAX, context, cut
from bot.messages.message import Message

_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,30}")
_PERSON = re.compile(r"[UW][A-Z0-9]{2,30}")
_WHY = {
    "is_ext_shared": "people of another company read it, and this is for your team",
    "is_archived": "it is archived",
    "not_in_channel": "I am not in it; `/invite` me there",
    "channel_not_found": "it is gone, or private and I am not in it",
}
BLOCKS_MAX = 50


def with_note(message: Message, problem: str | None) -> Message:
    """Says where the message belongs and why it is not there. `problem` is the outbox's: Slack's word, then
    the channel."""
    word, _, channel = (problem or "").partition(" ")
    if _PERSON.fullmatch(channel):
        note = context(f"This is for <@{channel}>, to whom Slack does not let me write.")
    elif _CHANNEL.fullmatch(channel):
        why = _WHY.get(word, "Slack does not let me post there")
        note = context(f"This belongs in <#{channel}>, but I could not post it there: {why}.")
    else:
        return message
    text = f"{cut(message.text, TEXT_MAX - len(note.said) - 1)}\n{note.said}"
    return Message(text, (*message.blocks[: BLOCKS_MAX - 1], note.block) if message.blocks else ())
