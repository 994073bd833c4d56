"""To the operator, ahead of the end of an API version. Pure."""

from __future__ import annotations

from datetime import date

from bot.messages.blocks import message, safe, section
from bot.messages.message import Message
from bot.messages.times import day


def version_ends(setting: str, value: str, title: str, end: date, today: date) -> Message:
    """`setting` holds `value`, which the platform serves until about `end`."""
    left = (end - today).days
    when = f"in {left} days" if left > 1 else "tomorrow" if left == 1 else "today" if left == 0 else "already"
    verb = "ended" if left < 0 else "ends"
    then = "It may stop working at any moment." if left < 0 else "Until then everything works as before."
    return message(
        [
            section(
                f"⚠️ The version of {title}'s API that this bot uses ({safe(value)}) {verb} {when}, about "
                f"{day(end)} {end.year}. Read what changed in the newest version, then set `{setting}` to it "
                f"and start the bot again. {then}"
            )
        ]
    )
