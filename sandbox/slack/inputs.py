"""From what a person enters to Slack's `state.values`, with the checks that Slack's own window makes."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from typing import Any
from urllib.parse import urlsplit

from sandbox.slack.models import JSON, View
from sandbox.slack.render import file_json
from sandbox.slack.state import SlackWorld
from sandbox.slack.views import INITIAL

REQUIRED = "Please complete this required field."


class Impossible(Exception):
    """The person cannot do this: there is no such button, option or place on the screen."""


def all_options(element: JSON) -> list[JSON]:
    """The options of a menu, groups flattened."""
    groups = element.get("option_groups")
    options: list[JSON] = element.get("options") or []
    return [option for group in groups for option in group["options"]] if groups else options


def _option(element: JSON, value: Any) -> JSON:
    if isinstance(value, str) and value.startswith("{"):
        value = json.loads(value)
    if isinstance(value, dict):
        return value
    for option in all_options(element):
        if option["value"] == value:
            return option
    raise Impossible(f"no option {value!r} in {element['action_id']}")


def to_state(world: SlackWorld, element: JSON, value: Any) -> JSON:
    """The state of an element in which somebody chose or typed `value`; None or "" empties it.

    Options are named by their value (those of an external select given whole), dates as `date`, times as
    `time`, instants as aware `datetime` or epoch seconds, files by id. Raises Impossible.
    """
    kind = element["type"]
    name = INITIAL.get(kind, ("value", ""))[0]
    chosen: Any = None if value in (None, "") else value
    if name == "files":
        chosen = [file_json(world, world.files[file_id], full=False) for file_id in value or []]
    elif name == "selected_options":
        chosen = [_option(element, entry) for entry in value or []]
    elif name.endswith("s"):
        chosen = list(value or [])
    elif chosen is not None and name == "selected_option":
        chosen = _option(element, chosen)
    elif isinstance(chosen, datetime):
        chosen = int(chosen.timestamp())
    elif isinstance(chosen, (date, time)):
        chosen = chosen.strftime("%H:%M") if isinstance(chosen, time) else chosen.isoformat()
    elif chosen is not None and kind == "datetimepicker":
        chosen = int(chosen)
    elif chosen is not None:
        chosen = str(chosen)
    return {"type": kind, name: chosen}


def entered(state: JSON) -> Any:
    """The plain value inside an element's state: None, "" or [] where nothing was entered."""
    return next((value for key, value in state.items() if key != "type"), None)


def window_errors(view: View) -> dict[str, str]:
    """What Slack's window objects to before it sends a modal, by block_id."""
    errors: dict[str, str] = {}
    for block in view.body["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            value = entered(view.state[block["block_id"]][element["action_id"]])
            complaint = _complaint(element, value, bool(block.get("optional")))
            if complaint:
                errors[block["block_id"]] = complaint
    return errors


def _complaint(element: JSON, value: Any, optional: bool) -> str:
    if value in (None, "", []):
        return "" if optional else REQUIRED
    kind = element["type"]
    if kind == "plain_text_input":
        return _length_complaint(element, str(value))
    if kind == "number_input":
        return _number_complaint(element, str(value))
    if kind == "url_text_input" and urlsplit(value).scheme not in {"http", "https"}:
        return "Please enter a valid URL."
    if kind == "email_text_input" and "@" not in value:
        return "Please enter a valid email address."
    return ""


def _length_complaint(element: JSON, value: str) -> str:
    lowest, highest = element.get("min_length", 0), element.get("max_length", 3000)
    if len(value) > highest:
        return f"This entry is {len(value) - highest} characters too long."
    return f"Please enter at least {lowest} characters." if len(value) < lowest else ""


def _number_complaint(element: JSON, value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        return "Please enter a number."
    if not element["is_decimal_allowed"] and not number.is_integer():
        return "Please enter a whole number."
    lowest, highest = element.get("min_value"), element.get("max_value")
    too_small = lowest is not None and number < float(lowest)
    too_big = highest is not None and number > float(highest)
    return f"Please enter a number between {lowest} and {highest}." if too_small or too_big else ""
