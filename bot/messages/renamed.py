"""One quiet line: an account goes by another name now. Pure."""

from __future__ import annotations

from bot.messages.blocks import context, message, safe
from bot.messages.message import Message


def renamed(title: str, old: str, new: str) -> Message:
    """`old` and `new` are labels ("@acme"); nothing has to be done."""
    return message([context(f"{title}: *{safe(old)}* is now *{safe(new)}*. Nothing has to be done.")])
