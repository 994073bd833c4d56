"""Modals and their inputs, within Slack's limits (facts: Slack, sections 1.4 and 1.5).

An input's action id is its block id: values and errors are found by one name. All words here are plain
text, which is cut but never escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.messages.blocks import Block, plain

TITLE_MAX = 24
OPTION_MAX = 75
OPTIONS_MAX = 100
CHECKBOXES_MAX = 10
HINT_MAX = 2000
INPUT_MAX = 3000


def modal(
    title: str,
    blocks: Iterable[Block],
    *,
    callback_id: str = "",
    submit: str | None = None,
    close: str = "Cancel",
    metadata: str = "",
) -> Block:
    """A modal. `metadata` comes back with the submission; ids only."""
    view: dict[str, object] = {
        "type": "modal",
        "title": _plain(title, TITLE_MAX),
        "close": _plain(close, TITLE_MAX),
        "blocks": list(blocks),
    }
    if callback_id:
        view["callback_id"] = callback_id
    if submit is not None:
        view["submit"] = _plain(submit, TITLE_MAX)
    if metadata:
        view["private_metadata"] = metadata
    return view


def option(text: str, value: str, description: str = "") -> Block:
    """One choice of a menu."""
    block: dict[str, object] = {"text": _plain(text, OPTION_MAX), "value": value}
    if description:
        block["description"] = _plain(description, OPTION_MAX)
    return block


def field(
    block_id: str,
    label: str,
    element: Mapping[str, object],
    *,
    hint: str = "",
    optional: bool = False,
    dispatches: bool = False,
) -> Block:
    """An input with its label. With `dispatches` a choice is told at once, not only at submit."""
    block: dict[str, object] = {
        "type": "input",
        "block_id": block_id,
        "label": _plain(label, OPTION_MAX),
        "element": {**element, "action_id": block_id},
        "optional": optional,
    }
    if hint:
        block["hint"] = _plain(hint, HINT_MAX)
    if dispatches:
        block["dispatch_action"] = True
    return block


def text_element(initial: str = "", *, most: int = INPUT_MAX, multiline: bool = False) -> Block:
    """A field to write in, for at most `most` characters."""
    block: dict[str, object] = {"type": "plain_text_input", "max_length": most, "multiline": multiline}
    if initial:
        block["initial_value"] = initial[:most]
    return block


def url_element(initial: str = "") -> Block:
    """A field for a web address."""
    block: dict[str, object] = {"type": "url_text_input"}
    return block | ({"initial_value": initial[:INPUT_MAX]} if initial else {})


def files_element(most: int, types: Sequence[str]) -> Block:
    """A place to drop up to `most` files of 10 MB each; `types` are ends of names, without a dot."""
    return {"type": "file_input", "max_files": most, "filetypes": list(types)}


def people_element(initial: Sequence[str] = ()) -> Block:
    """A choice of people, by their Slack ids."""
    block: dict[str, object] = {"type": "multi_users_select"}
    return block | ({"initial_users": list(initial)[:100]} if initial else {})


def channel_element(initial: str | None = None) -> Block:
    """A choice of one channel, public or private."""
    block: dict[str, object] = {
        "type": "conversations_select",
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    return block | ({"initial_conversation": initial} if initial else {})


def several_element(options: Sequence[Block], chosen: Iterable[str] = ()) -> Block:
    """Several of a few choices: boxes to tick, or a menu where there are more than ten."""
    wanted, shown = set(chosen), list(options)[:OPTIONS_MAX]
    kind = "checkboxes" if len(shown) <= CHECKBOXES_MAX else "multi_static_select"
    ticked = [item for item in shown if item["value"] in wanted]
    block: dict[str, object] = {"type": kind, "options": shown}
    return block | ({"initial_options": ticked} if ticked else {})


def one_element(options: Sequence[Block], chosen: str) -> Block:
    """One of two or three choices."""
    initial = [item for item in options if item["value"] == chosen]
    block: dict[str, object] = {"type": "radio_buttons", "options": list(options)}
    return block | ({"initial_option": initial[0]} if initial else {})


def menu_of(options: Sequence[Block], chosen: str) -> Block:
    """A menu of a few dozen choices."""
    shown = list(options)[:OPTIONS_MAX]
    block: dict[str, object] = {"type": "static_select", "options": shown}
    initial = [item for item in shown if item["value"] == chosen]
    return block | ({"initial_option": initial[0]} if initial else {})


def menu_element(initial: Block | None) -> Block:
    """A menu whose choices are asked for when it opens."""
    block: dict[str, object] = {"type": "external_select", "min_query_length": 0}
    return block | ({"initial_option": initial} if initial is not None else {})


def day_element(initial: str) -> Block:
    """A day; `initial` like "2026-11-21"."""
    return {"type": "datepicker"} | ({"initial_date": initial} if initial else {})


def hour_element(initial: str) -> Block:
    """A time of day, to the minute; `initial` like "18:00"."""
    return {"type": "timepicker"} | ({"initial_time": initial} if initial else {})


def _plain(text: str, most: int) -> Block:
    return {"type": "plain_text", "text": plain(text, most) or "\u2013", "emoji": True}
