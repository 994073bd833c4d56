"""`/lamplighter help`, the Home tab, and the bot's first words in a channel. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.messages import blocks
from bot.messages.message import Message

HOME_MAX = 100
INTRO = "I keep your clients' social accounts connected, and their posts going out."

Line = tuple[str, str]
"""How a command is typed, and what it does."""


def help_message(lines: Iterable[Line], unknown: str = "") -> Message:
    """All commands with what they do; `unknown` is a word that was none of them."""
    first = f"I do not know `{blocks.safe(unknown, 40)}`. This is what I know:" if unknown else INTRO
    return blocks.message([blocks.section(first), blocks.section(_lines(lines))])


def home_view(lines: Iterable[Line], health: Message | None) -> blocks.Block:
    """The Home tab: the accounts for members, a plain hello for everybody else."""
    shown = [blocks.header("Lamplighter").block, blocks.section(INTRO).block]
    if health is not None:
        shown += [*health.blocks, blocks.divider().block]
        shown.append(blocks.section(_lines(lines)).block)
    else:
        words = (
            "When an account needs you, I write in the channel that you share with the agency, with a button "
            "that leads you through."
        )
        shown.append(blocks.section(words).block)
    return {"type": "home", "blocks": shown[:HOME_MAX]}


def hello(slugs: Sequence[str]) -> Message:
    """The bot was let into a channel."""
    if slugs:
        listed = blocks.listed([f"`{slug}`" for slug in slugs])
        return Message(f"Hello! From here I look after {listed}. `/health` shows how the accounts are.")
    return Message(
        "Hello! `/connect instagram client-a` in this channel links the first account of a client, "
        "and `/lamplighter help` shows the rest."
    )


def _lines(lines: Iterable[Line]) -> str:
    return "\n".join(f"• `{blocks.escape(typed)}` {does}" for typed, does in lines)
