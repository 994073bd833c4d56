"""Slack's rules as others wrote them down, asked of our JSON: slackblocks' registry and slack_sdk's models.

Neither takes finished JSON with buttons and fields in it as it is. slackblocks parses only blocks without
elements, so `strict` builds its strict objects from our JSON, from the inside out; slack_sdk parses JSON and
drops silently what it does not know. Both are therefore also asked to say the JSON again, and nothing of it
may be lost on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import slackblocks as kit
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block as SdkBlock
from slack_sdk.models.views import View as SdkView
from slackblocks import _core

from bot.messages.message import Message
from tests.gallery.case import Payload

TEXTS = {"plain_text": kit.TextType.PLAINTEXT, "mrkdwn": kit.TextType.MARKDOWN}
KINDS: Mapping[str, Any] = {
    "actions": kit.ActionsBlock,
    "context": kit.ContextBlock,
    "divider": kit.DividerBlock,
    "header": kit.HeaderBlock,
    "input": kit.InputBlock,
    "section": kit.SectionBlock,
    "button": kit.Button,
    "checkboxes": kit.CheckboxGroup,
    "conversations_select": kit.ConversationSelectMenu,
    "datepicker": kit.DatePicker,
    "datetimepicker": kit.DateTimePicker,
    "external_select": kit.ExternalSelectMenu,
    "file_input": kit.FileInput,
    "image": kit.Image,
    "multi_static_select": kit.StaticMultiSelectMenu,
    "multi_users_select": kit.UserMultiSelectMenu,
    "plain_text_input": kit.PlainTextInput,
    "radio_buttons": kit.RadioButtonGroup,
    "static_select": kit.StaticSelectMenu,
    "timepicker": kit.TimePicker,
    "url_text_input": kit.URLInput,
    "modal": kit.ModalView,
    "home": kit.HomeTabView,
}
RENAMED = {"initial_date_time": "initial_datetime"}


def slackblocks_problems(payload: Message | Mapping[str, Any]) -> Iterator[str]:
    """What slackblocks says against a message or a view."""
    said = _named(payload)
    try:
        if isinstance(payload, Message):
            again = _core.resolve(kit.Message("C0TEAM", payload.text, strict(said["blocks"])))
        else:
            again = _core.resolve(strict(said))
    except (kit.InvalidUsageError, TypeError, KeyError) as error:
        yield f"slackblocks: {error!r}"
        return
    yield from (f"slackblocks: {lost}" for lost in _lost(said, again))


def strict(value: Any) -> Any:
    """Our JSON as slackblocks' strict objects."""
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if value.get("type") in TEXTS:
        marks = {key: value[key] for key in ("emoji", "verbatim") if key in value}
        return kit.Text(value["text"], TEXTS[value["type"]], **marks)
    fields = {RENAMED.get(str(key), str(key)): strict(item) for key, item in value.items() if key != "type"}
    return _class_of(value)(**fields)


def _class_of(value: Mapping[str, Any]) -> Any:
    if "type" in value:
        return KINDS[value["type"]]
    if "deny" in value:
        return kit.ConfirmationDialogue
    return kit.ConversationFilter if "include" in value else kit.Option


def sdk_problems(payload: Message | Mapping[str, Any]) -> Iterator[str]:
    """What slack_sdk's models say against a message's blocks or a view."""
    said = _named(payload)
    try:
        if isinstance(payload, Message):
            blocks = [block.to_dict() for block in SdkBlock.parse_all(said["blocks"])]
            again = {"text": payload.text, "blocks": blocks}
        else:
            again = SdkView(**said).to_dict()
    except (SlackObjectFormationError, TypeError, AttributeError) as error:
        yield f"slack_sdk: {error!r}"
        return
    yield from (f"slack_sdk: {lost}" for lost in _lost(said, again))


def _named(payload: Message | Mapping[str, Any]) -> dict[str, Any]:
    """The JSON with an id for every block, since the libraries make up their own."""
    plain = payload if isinstance(payload, Mapping) else {"text": payload.text, "blocks": payload.blocks}
    blocks = [{"block_id": f"b{at}", **block} for at, block in enumerate(plain["blocks"])]
    return {**plain, "blocks": blocks}


def _lost(said: Any, again: Any, at: str = "") -> Iterator[str]:
    """Where the JSON said again is another one. What is false or empty may be left out."""
    if isinstance(said, Mapping) and isinstance(again, Mapping):
        for key, item in said.items():
            if item is not False and item != []:
                yield from _lost(item, again.get(key), f"{at}/{key}")
    elif isinstance(said, list | tuple) and isinstance(again, list) and len(said) == len(again):
        for index, pair in enumerate(zip(said, again, strict=True)):
            yield from _lost(*pair, f"{at}/{index}")
    elif said != again:
        yield f"{at} lost {said!r}, has {again!r}"


def problems(payload: Payload) -> list[str]:
    """What both say."""
    assert isinstance(payload, Message | Mapping)
    return [*slackblocks_problems(payload), *sdk_problems(payload)]
