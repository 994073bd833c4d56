"""`/lamplighter help`, and the bot's first words in a channel. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.messages import blocks
from bot.messages.message import Message

INTRO = "I keep your clients' social accounts connected, and their posts going out."

Line = tuple[str, str]
"""How a command is typed, and what it does."""


def help_message(lines: Iterable[Line], unknown: str = "") -> Message:
    """All commands with what they do; `unknown` is a word that was none of them."""
    first = f"I do not know `{blocks.safe(unknown, 40)}`. This is what I know:" if unknown else INTRO
    return blocks.message([blocks.section(first), blocks.section(lines_of(lines))])


def hello(slugs: Sequence[str]) -> Message:
    """The bot was let into a channel."""
    if slugs:
        listed = blocks.listed([f"`{slug}`" for slug in slugs])
        return Message(f"Hello! From here I look after {listed}. `/health` shows how the accounts are.")
    return Message(
        "Hello! `/connect instagram client-a` in this channel links the first account of a client, "
        "and `/lamplighter help` shows the rest."
    )


def lines_of(lines: Iterable[Line]) -> str:
    """Commands, a line each."""
    return "\n".join(f"• `{blocks.escape(typed)}` {does}" for typed, does in lines)
