"""What a decision about posts answers to the person who pressed. Pure."""

from __future__ import annotations

from bot.messages import blocks
from bot.messages.message import Message
from bot.messages.retry import FailureFacts, retry_message

BLOCKS_MAX = 50


def decided(done: str, changed: int, chosen: int) -> Message:
    """What happened to how many. `done`: "going out now"."""
    said = f"{blocks.count(changed, 'post')}: {done}."
    if changed < chosen:
        gone = blocks.count(chosen - changed, "post")
        said += f" {gone} had moved on since, and {'was' if chosen - changed == 1 else 'were'} left alone."
    return Message(said)


def above(said: Message, rest: FailureFacts) -> Message:
    """What was decided, and below it what is still to be looked at."""
    if not rest.items:
        return said
    listed = retry_message(rest)
    shown = (blocks.section(said.text).block, *listed.blocks)
    return Message(f"{said.text}\n{listed.text}", shown[:BLOCKS_MAX])
