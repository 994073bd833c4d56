"""What the commands about digests and reminders answer. Pure."""

from __future__ import annotations

from bot.messages.blocks import count
from bot.messages.message import Message


def switched(slug: str, channel: str | None, on: bool) -> Message:
    """A client's digest in its team channel."""
    if not on:
        return Message(
            f"`{slug}` has no digest in its team channel. The people who are mentioned still get theirs."
        )
    return Message(
        f"On Mondays <#{channel}> hears which accounts of `{slug}` are down or to "
        "watch, and nothing when all are fine."
    )


def no_team_channel(slug: str) -> str:
    return f"`{slug}` has no team channel yet. `/lamplighter clients` sets one."


def shared(slug: str, channel: str) -> str:
    return f"<#{channel}> is shared with another workspace, so no digest of `{slug}` goes there."


def many_posts(number: int) -> Message:
    """From when on a day is looked at beforehand."""
    return Message(
        f"On the working day before a client's day with {count(number, 'post')} or more, its team hears "
        "what is not ready yet. `/lamplighter many-posts 8` changes the number."
    )
