"""Slack's rules for blocks, messages and views (facts: Slack, section 1.4).

Newer blocks that roll out workspace by workspace (card, carousel, container, data tables) are refused here:
this workspace does not have them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Literal

from sandbox.slack import elements as kit
from sandbox.slack.models import JSON
from sandbox.slack.schema import Check, Problem, Shape, boolean, items, one_of, string, typed, web_address

Surface = Literal["message", "modal", "home"]

BLOCK_COUNT: dict[Surface, int] = {"message": 50, "modal": 100, "home": 100}
VIEW_BYTES = 250_000
METADATA_BYTES = 16_000
ONLY_ON: dict[str, tuple[Surface, ...]] = {
    "alert": ("modal",),
    "markdown": ("message",),
    "table": ("message", "home"),
}
_ID: dict[str, Check] = {"block_id": string(255)}
_WITH_IMAGE = {**kit.ELEMENTS, "image": kit.IMAGE_ELEMENT}


def _section(block: JSON, at: str) -> Iterator[Problem]:
    if not block.get("text") and not block.get("fields"):
        yield Problem(at, "missing_field", "missing required field: text or fields")


def _context(value: object, at: str) -> Iterator[Problem]:
    kind = value.get("type") if isinstance(value, dict) else None
    check = typed({"image": kit.IMAGE_ELEMENT}) if kind == "image" else kit.text(3000)
    yield from check(value, at)


def _cell(value: object, at: str) -> Iterator[Problem]:
    if not isinstance(value, dict) or value.get("type") not in {"raw_text", "raw_number", "rich_text"}:
        yield Problem(at, "unsupported_type", "must be a raw_text, raw_number or rich_text cell")


def _anything(value: object, at: str) -> Iterator[Problem]:
    yield from ()


BLOCKS: dict[str, Shape] = {
    "section": Shape(
        {},
        {
            **_ID,
            "text": kit.text(3000),
            "fields": items(kit.text(2000), 10),
            "accessory": typed(_WITH_IMAGE, (*kit.IN_SECTION, "image")),
            "expand": boolean,
        },
        _section,
    ),
    "header": Shape({"text": kit.plain(150)}, _ID),
    "divider": Shape({}, _ID),
    "context": Shape({"elements": items(_context, 10)}, _ID),
    "actions": Shape({"elements": items(typed(kit.ELEMENTS, kit.IN_ACTIONS), 25)}, _ID),
    "image": Shape({"image_url": web_address(), "alt_text": string(2000)}, {**_ID, "title": kit.plain(2000)}),
    "input": Shape(
        {"label": kit.plain(2000), "element": typed(kit.ELEMENTS, kit.IN_INPUT)},
        {**_ID, "hint": kit.plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "alert": Shape(
        {"text": kit.text(200)},
        {**_ID, "level": one_of("default", "info", "warning", "error", "success")},
    ),
    "markdown": Shape({"text": string(12_000)}, _ID),
    "table": Shape({"rows": items(items(_cell, 20), 100)}, {**_ID, "column_settings": items(_anything, 20)}),
    "rich_text": Shape({"elements": items(_anything, 100)}, _ID),
}
_BLOCK = typed(BLOCKS)


def check_blocks(blocks: object, surface: Surface, at: str = "/blocks") -> list[Problem]:
    """Every broken rule in a list of blocks, in order; an empty list is valid on every surface."""
    problems = list(items(_BLOCK, BLOCK_COUNT[surface], 0)(blocks, at))
    entries = [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    problems += _surface(entries, surface, at)
    problems += _duplicates(entries, at)
    return problems


def _surface(blocks: list[JSON], surface: Surface, at: str) -> Iterator[Problem]:
    tables = 0
    for index, block in enumerate(blocks):
        kind = str(block.get("type"))
        tables += kind == "table"
        if surface not in ONLY_ON.get(kind, (surface,)):
            yield Problem(f"{at}/{index}/type", "wrong_surface", f"unsupported type: {kind}")
        element = block.get("element")
        if surface != "modal" and isinstance(element, dict) and element.get("type") == "file_input":
            yield Problem(f"{at}/{index}/element", "wrong_surface", "unsupported type: file_input")
    if surface == "message" and tables > 1:
        yield Problem(at, "only_one_table_allowed", "only one table allowed in a message")
    markdown = sum(len(str(b.get("text", ""))) for b in blocks if b.get("type") == "markdown")
    if markdown > 12_000:
        yield Problem(at, "too_long", "markdown text must be less than 12001 characters in total")


def _duplicates(blocks: list[JSON], at: str) -> Iterator[Problem]:
    seen: set[object] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id")
        if block_id is not None and block_id in seen:
            words = f'`block_id` "{block_id}" already exists for another block'
            yield Problem(f"{at}/{index}/block_id", "duplicate_block_id", words)
        seen.add(block_id)
        actions: set[object] = set()
        for element in interactive(block):
            action_id = element.get("action_id")
            if action_id is not None and action_id in actions:
                words = f'`action_id` "{action_id}" already exists for another element'
                yield Problem(f"{at}/{index}", "duplicate_action_id", words)
            actions.add(action_id)


def interactive(block: JSON) -> list[JSON]:
    """The elements of a block that a person can use."""
    found = [block.get("accessory"), block.get("element")]
    if block.get("type") == "actions" and isinstance(block.get("elements"), list):
        found += block["elements"]
    return [entry for entry in found if isinstance(entry, dict) and entry.get("type") in kit.ELEMENTS]


_PLAIN_24 = kit.plain(24)
_COMMON: dict[str, Check] = {
    "blocks": _anything,
    "private_metadata": string(3000, 0),
    "callback_id": string(255, 0),
    "external_id": string(255, 0),
}
VIEWS: dict[str, Shape] = {
    "modal": Shape(
        {"title": _PLAIN_24, "blocks": _anything},
        {
            **_COMMON,
            "submit": _PLAIN_24,
            "close": _PLAIN_24,
            "clear_on_close": boolean,
            "notify_on_close": boolean,
        },
    ),
    "home": Shape({"blocks": _anything}, _COMMON),
}
_VIEW = typed(VIEWS)


def check_view(view: object) -> list[Problem]:
    """Every broken rule in a view. Its size is judged apart, by `view_is_too_large`."""
    problems = list(_VIEW(view, "/view"))
    if not isinstance(view, dict) or view.get("type") not in VIEWS:
        return problems
    kind: Surface = "modal" if view["type"] == "modal" else "home"
    blocks = view.get("blocks", [])
    problems += check_blocks(blocks, kind, "/view/blocks")
    entries = blocks if isinstance(blocks, list) else []
    has_input = any(isinstance(entry, dict) and entry.get("type") == "input" for entry in entries)
    if kind == "modal" and has_input and not view.get("submit"):
        problems.append(Problem("/view", "missing_submit", "missing required field: submit"))
    return problems


def view_is_too_large(view: object) -> bool:
    """Whether a view is over Slack's 250 kB."""
    return len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES


def check_metadata(metadata: object) -> str | None:
    """The error code for a message's metadata, or None."""
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        return "invalid_metadata_format"
    if not isinstance(metadata.get("event_payload"), dict):
        return "invalid_metadata_schema"
    if len(json.dumps(metadata).encode()) > METADATA_BYTES:
        return "metadata_too_large"
    return None
