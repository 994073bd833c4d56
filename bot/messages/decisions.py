"""What a decision about posts answers to the person who pressed. Pure."""

from __future__ import annotations

from bot.messages import blocks
from bot.messages.message import Message


def decided(done: str, changed: int, chosen: int) -> Message:
    """What happened to how many. `done`: "going out now"."""
    said = f"{blocks.count(changed, 'post')}: {done}."
    if changed < chosen:
        gone = blocks.count(chosen - changed, "post")
        said += f" {gone} had moved on since, and {'was' if chosen - changed == 1 else 'were'} left alone."
    return Message(said)
