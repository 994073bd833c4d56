"""Working with blocks once they are known to be valid."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator

from sandbox.slack.limits import interactive
from sandbox.slack.models import JSON


def with_ids(blocks: list[JSON]) -> list[JSON]:
    """A copy in which every block has a block_id and every element an action_id, as Slack fills them in."""
    filled = copy.deepcopy(blocks)
    for block in filled:
        block.setdefault("block_id", secrets.token_hex(3))
        for element in interactive(block):
            element.setdefault("action_id", secrets.token_hex(3))
    return filled


def elements(blocks: list[JSON]) -> Iterator[tuple[JSON, JSON]]:
    """Every block with each of its interactive elements."""
    for block in blocks:
        for element in interactive(block):
            yield block, element


def find_element(
    blocks: list[JSON], action_id: str, block_id: str | None = None, value: str | None = None
) -> tuple[JSON, JSON] | None:
    """The element with this action_id (and block_id, and button value), with its block."""
    for block, element in elements(blocks):
        fits_block = block_id is None or block["block_id"] == block_id
        fits_value = value is None or element["type"] != "button" or element.get("value") == value
        if element["action_id"] == action_id and fits_block and fits_value:
            return block, element
    return None
