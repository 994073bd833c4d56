"""Block Kit's rules, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.slack.limits import Surface, check_blocks, check_view


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def button(**more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain("Go"), "action_id": "go", **more}


def actions(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements), **more}


def field(element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "input", "label": plain("Label"), "element": element, **more}


def option(value: str = "a") -> dict[str, Any]:
    return {"text": plain("A"), "value": value}


CONFIRM = {"title": plain("Sure?"), "text": plain("Really"), "confirm": plain("Yes"), "deny": plain("No")}
DIVIDER = {"type": "divider"}
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
DATETIME = {"type": "datetimepicker", "action_id": "when"}
MENU = {"type": "static_select", "action_id": "m", "options": [option()]}


@pytest.mark.parametrize(
    "block",
    [
        SECTION,
        {"type": "section", "fields": [plain("x")] * 10, "accessory": MENU},
        {"type": "header", "text": plain("x" * 150)},
        {"type": "context", "elements": [plain("x")] * 10},
        actions(*[button(action_id=str(n)) for n in range(25)]),
        actions(button(value="", url="https://example.com", confirm=CONFIRM, style="danger"), DATETIME),
        actions({"type": "overflow", "action_id": "o", "options": [option(str(n)) for n in range(5)]}),
        {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "A picture"},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]},
        field({"type": "plain_text_input", "action_id": "t", "max_length": 3000, "multiline": True}),
        field({"type": "checkboxes", "action_id": "c", "options": [option()], "initial_options": [option()]}),
    ],
)
def test_valid_in_a_message(block: dict[str, Any]) -> None:
    assert check_blocks([block], "message") == []


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ({"type": "section"}, "missing_field"),
        ({"type": "section", "text": plain("")}, "too_short"),
        ({"type": "section", "text": plain("x" * 3001)}, "too_long"),
        ({"type": "section", "fields": [plain("x" * 2001)]}, "too_long"),
        ({"type": "section", "fields": [plain("x")] * 11}, "too_many"),
        ({**SECTION, "accessory": DATETIME}, "unsupported_type"),
        ({**SECTION, "colour": "red"}, "additional_property"),
        ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, "unsupported_type"),
        ({"type": "header", "text": plain("x" * 151)}, "too_long"),
        ({"type": "context", "elements": [plain("x")] * 11}, "too_many"),
        ({"type": "context", "elements": [button()]}, "unsupported_type"),
        (actions(), "too_few"),
        (actions(*[button(action_id=str(n)) for n in range(26)]), "too_many"),
        (actions(button(), button()), "duplicate_action_id"),
        (actions(button(text={"type": "mrkdwn", "text": "x"})), "unsupported_type"),
        (actions(button(text=plain("x" * 76))), "too_long"),
        (actions(button(value="x" * 2001)), "too_long"),
        (actions(button(url="javascript:alert(1)")), "invalid_url"),
        (actions(button(url="https://e.com/" + "x" * 3000)), "too_long"),
        (actions(button(style="warning")), "invalid_value"),
        (actions(button(action_id="x" * 256)), "too_long"),
        (actions(button(confirm={**CONFIRM, "title": plain("x" * 101)})), "too_long"),
        (actions(button(confirm={**CONFIRM, "confirm": plain("x" * 31)})), "too_long"),
        (actions({"type": "overflow", "options": [option(str(n)) for n in range(6)]}), "too_many"),
        (actions({"type": "static_select", "options": [option(str(n)) for n in range(101)]}), "too_many"),
        (actions({"type": "static_select"}), "missing_field"),
        (actions({**MENU, "options": [option("x" * 151)]}), "too_long"),
        (actions({**MENU, "initial_option": option("b")}), "invalid_initial"),
        (actions({"type": "checkboxes", "options": [option(str(n)) for n in range(11)]}), "too_many"),
        (actions({"type": "datepicker", "initial_date": "20.11.2026"}), "invalid_format"),
        (actions({**DATETIME, "initial_date_time": "soon"}), "invalid_type"),
        (field({"type": "plain_text_input", "max_length": 3001}), "out_of_range"),
        (field({"type": "plain_text_input", "min_length": 9, "max_length": 8}), "invalid_range"),
        (field({"type": "plain_text_input", "placeholder": plain("x" * 151)}), "too_long"),
        (field({"type": "file_input", "action_id": "f"}), "wrong_surface"),
        (field(button()), "unsupported_type"),
        ({"type": "alert", "text": plain("x")}, "wrong_surface"),
        ({"type": "card"}, "unsupported_type"),
        ({"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 21]}, "too_many"),
        ({"type": "image", "image_url": "https://e.com/a", "alt_text": ""}, "too_short"),
        (DIVIDER | {"block_id": "x" * 256}, "too_long"),
    ],
)
def test_refused_in_a_message(block: dict[str, Any], code: str) -> None:
    assert code in {problem.code for problem in check_blocks([block], "message")}


@pytest.mark.parametrize(("surface", "most"), [("message", 50), ("modal", 100), ("home", 100)])
def test_block_count(surface: Surface, most: int) -> None:
    assert check_blocks([DIVIDER] * most, surface) == []
    assert [problem.code for problem in check_blocks([DIVIDER] * (most + 1), surface)] == ["too_many"]


def test_block_ids_are_unique_but_action_ids_only_within_a_block() -> None:
    twice = [SECTION | {"block_id": "a"}, DIVIDER | {"block_id": "a"}]
    assert [problem.code for problem in check_blocks(twice, "message")] == ["duplicate_block_id"]
    assert check_blocks([actions(button()), actions(button())], "message") == []


def test_only_one_table_in_a_message() -> None:
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}
    assert [problem.code for problem in check_blocks([table, table], "message")] == ["only_one_table_allowed"]


@pytest.mark.parametrize(
    "blocks", [None, "text", [1], [{}], [{"type": 1}], [{"type": "input", "element": 3}]]
)
def test_nonsense_is_refused_not_fatal(blocks: object) -> None:
    assert check_blocks(blocks, "message")
    assert check_view({"type": "modal", "title": plain("x"), "blocks": blocks})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": plain("x" * 25)}, "too_long"),
        ({"title": None}, "missing_field"),
        ({"submit": plain("x" * 25)}, "too_long"),
        ({"callback_id": "x" * 256}, "too_long"),
        ({"private_metadata": "x" * 3001}, "too_long"),
        ({"blocks": [field({"type": "plain_text_input"})]}, "missing_submit"),
        ({"type": "home"}, "additional_property"),
        ({"type": "window"}, "unsupported_type"),
        ({"colour": "red"}, "additional_property"),
        ({"blocks": [{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}]}, "wrong_surface"),
    ],
)
def test_refused_views(change: dict[str, Any], code: str) -> None:
    view = {"type": "modal", "title": plain("Compose"), "blocks": [SECTION]}
    assert check_view(view) == []
    assert code in {problem.code for problem in check_view(view | change)}
