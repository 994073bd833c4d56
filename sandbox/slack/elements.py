"""Block Kit's texts, options and interactive elements with their limits (facts: Slack, section 1.4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sandbox.slack.models import JSON
from sandbox.slack.schema import (
    Check,
    Problem,
    Shape,
    boolean,
    integer,
    items,
    one_of,
    record,
    string,
    typed,
    web_address,
)


def text(longest: int, *kinds: str) -> Check:
    """A text object of the given kinds (both, when none is named)."""
    inner = string(longest)
    shapes = {
        "plain_text": Shape({"text": inner}, {"emoji": boolean}),
        "mrkdwn": Shape({"text": inner}, {"verbatim": boolean}),
    }
    return typed(shapes, kinds or None)


def plain(longest: int) -> Check:
    """A plain_text object."""
    return text(longest, "plain_text")


def pattern(regex: str, words: str) -> Check:
    """A string of a fixed form."""
    compiled = re.compile(regex)

    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            yield Problem(at, "invalid_format", words)

    return check


CONFIRM = record(
    Shape(
        {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
        {"style": one_of("primary", "danger")},
    )
)
ACTION_ID = string(255)
PLACEHOLDER = plain(150)
DATE = pattern(r"\d{4}-\d\d-\d\d", "must be a date in the format YYYY-MM-DD")
CLOCK = pattern(r"([01]\d|2[0-3]):[0-5]\d", "must be a time in the format HH:mm")


def option(*, any_text: bool = False, url: bool = False) -> Check:
    """An option object; checkboxes and radio buttons take mrkdwn, overflow menus take a url."""
    words = text(75) if any_text else plain(75)
    optional: dict[str, Check] = {"description": words}
    if url:
        optional["url"] = web_address()
    return record(Shape({"text": words, "value": string(150, 0)}, optional))


def _option_values(element: JSON) -> list[object]:
    groups = element.get("option_groups")
    lists = [g.get("options") for g in groups if isinstance(g, dict)] if isinstance(groups, list) else []
    lists.append(element.get("options"))
    every = [entry for group in lists if isinstance(group, list) for entry in group]
    return [entry.get("value") for entry in every if isinstance(entry, dict)]


def _initial_among_options(name: str) -> Callable[[JSON, str], Iterator[Problem]]:
    def check(element: JSON, at: str) -> Iterator[Problem]:
        chosen = element.get(name)
        for entry in chosen if isinstance(chosen, list) else [chosen] if chosen else []:
            if isinstance(entry, dict) and entry.get("value") not in _option_values(element):
                yield Problem(f"{at}/{name}", "invalid_initial", "must be one of the provided options")

    return check


def _options_or_groups(name: str) -> Callable[[JSON, str], Iterator[Problem]]:
    initial = _initial_among_options(name)

    def check(element: JSON, at: str) -> Iterator[Problem]:
        if ("options" in element) == ("option_groups" in element):
            yield Problem(at, "missing_field", "must have either options or option_groups, not both")
        yield from initial(element, at)

    return check


def _length_order(element: JSON, at: str) -> Iterator[Problem]:
    low, high = element.get("min_length"), element.get("max_length")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        yield Problem(at, "invalid_range", "min_length must not be greater than max_length")
    initial = element.get("initial_value")
    if isinstance(initial, str) and isinstance(high, int) and len(initial) > high:
        yield Problem(f"{at}/initial_value", "too_long", "must not be longer than max_length")


def _group(item: Check) -> Check:
    return record(Shape({"label": plain(75), "options": items(item, 100)}, {}))


BASE: dict[str, Check] = {"action_id": ACTION_ID, "focus_on_load": boolean}
MENU: dict[str, Check] = {**BASE, "confirm": CONFIRM, "placeholder": PLACEHOLDER}
MULTI: dict[str, Check] = {**MENU, "max_selected_items": integer(1, 100)}
TYPED: dict[str, Check] = {
    **BASE,
    "placeholder": PLACEHOLDER,
    "dispatch_action_config": record(
        Shape({}, {"trigger_actions_on": items(one_of("on_enter_pressed", "on_character_entered"), 2)})
    ),
}
ID = string(255)
STATIC: dict[str, Check] = {"options": items(option(), 100), "option_groups": items(_group(option()), 100)}
FILTER = record(
    Shape(
        {},
        {
            "include": items(one_of("im", "mpim", "private", "public"), 4),
            "exclude_external_shared_channels": boolean,
            "exclude_bot_users": boolean,
        },
    )
)
CONVERSATION: dict[str, Check] = {"default_to_current_conversation": boolean, "filter": FILTER}
ONE = {**MENU, "response_url_enabled": boolean}
CHOICE = {**BASE, "confirm": CONFIRM}

ELEMENTS: dict[str, Shape] = {
    "button": Shape(
        {"text": plain(75)},
        {
            "action_id": ACTION_ID,
            "url": web_address(),
            "value": string(2000, 0),
            "style": one_of("primary", "danger"),
            "confirm": CONFIRM,
            "accessibility_label": string(75),
        },
    ),
    "overflow": Shape({"options": items(option(url=True), 5)}, {"action_id": ACTION_ID, "confirm": CONFIRM}),
    "static_select": Shape(
        {}, {**MENU, **STATIC, "initial_option": option()}, _options_or_groups("initial_option")
    ),
    "multi_static_select": Shape(
        {},
        {**MULTI, **STATIC, "initial_options": items(option(), 100)},
        _options_or_groups("initial_options"),
    ),
    "external_select": Shape({}, {**MENU, "initial_option": option(), "min_query_length": integer(0, 100)}),
    "multi_external_select": Shape(
        {},
        {**MULTI, "initial_options": items(option(), 100), "min_query_length": integer(0, 100)},
    ),
    "users_select": Shape({}, {**MENU, "initial_user": ID}),
    "multi_users_select": Shape({}, {**MULTI, "initial_users": items(ID, 100)}),
    "channels_select": Shape({}, {**ONE, "initial_channel": ID}),
    "multi_channels_select": Shape({}, {**MULTI, "initial_channels": items(ID, 100)}),
    "conversations_select": Shape({}, {**ONE, **CONVERSATION, "initial_conversation": ID}),
    "multi_conversations_select": Shape(
        {}, {**MULTI, **CONVERSATION, "initial_conversations": items(ID, 100)}
    ),
    "datepicker": Shape({}, {**MENU, "initial_date": DATE}),
    "timepicker": Shape({}, {**MENU, "initial_time": CLOCK, "timezone": string(64)}),
    "datetimepicker": Shape({}, {**CHOICE, "initial_date_time": integer(10**9, 10**10 - 1)}),
    "checkboxes": Shape(
        {"options": items(option(any_text=True), 10)},
        {**CHOICE, "initial_options": items(option(any_text=True), 10)},
        _initial_among_options("initial_options"),
    ),
    "radio_buttons": Shape(
        {"options": items(option(any_text=True), 10)},
        {**CHOICE, "initial_option": option(any_text=True)},
        _initial_among_options("initial_option"),
    ),
    "plain_text_input": Shape(
        {},
        {
            **TYPED,
            "initial_value": string(3000, 0),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
        _length_order,
    ),
    "number_input": Shape(
        {"is_decimal_allowed": boolean},
        {**TYPED, "initial_value": string(100), "min_value": string(100), "max_value": string(100)},
    ),
    "email_text_input": Shape({}, {**TYPED, "initial_value": string(3000, 0)}),
    "url_text_input": Shape({}, {**TYPED, "initial_value": string(3000, 0)}),
    "file_input": Shape(
        {},
        {"action_id": ACTION_ID, "filetypes": items(string(20), 100), "max_files": integer(1, 10)},
    ),
}
IMAGE_ELEMENT = Shape({"image_url": web_address(), "alt_text": string(2000)}, {})

SELECTS = ("static_select", "external_select", "users_select", "channels_select", "conversations_select")
MULTI_SELECTS = tuple(f"multi_{name}" for name in SELECTS)
CHOICES = ("checkboxes", "radio_buttons", "datepicker", "timepicker")
IN_SECTION = ("button", "overflow", *SELECTS, *MULTI_SELECTS, *CHOICES)
IN_ACTIONS = ("button", "overflow", *SELECTS, *CHOICES, "datetimepicker")
TEXT_INPUTS = ("plain_text_input", "number_input", "email_text_input", "url_text_input")
IN_INPUT = (*TEXT_INPUTS, "file_input", *SELECTS, *MULTI_SELECTS, *CHOICES, "datetimepicker")
