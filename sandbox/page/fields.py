"""Between the page's form fields and Slack's `state.values`."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData, UploadFile

from sandbox.slack.blocks import elements
from sandbox.slack.client import Person
from sandbox.slack.inputs import to_state
from sandbox.slack.models import JSON, Message, View

LOCAL = "%Y-%m-%dT%H:%M"


def field_name(block: JSON, element: JSON) -> str:
    """The name of an element's form field, in characters that multipart forms leave alone."""
    return f"f:{quote(block['block_id'], safe='')}:{quote(element['action_id'], safe='')}"


def local_time(epoch: int | None, zone: str) -> str:
    """Epoch seconds as a `datetime-local` field in a zone shows them."""
    return datetime.fromtimestamp(epoch, ZoneInfo(zone)).strftime(LOCAL) if epoch else ""


async def read_field(person: Person, form: FormData, block: JSON, element: JSON) -> Any:
    """What a person entered for one element, as `to_state` takes it."""
    values = form.getlist(field_name(block, element))
    kind = element["type"]
    if kind == "file_input":
        uploads = [value for value in values if isinstance(value, UploadFile) and value.filename]
        return [await _store(person, upload) for upload in uploads]
    texts = [value for value in values if isinstance(value, str) and value != ""]
    if kind == "checkboxes" or kind.startswith("multi_"):
        return texts
    if kind == "datetimepicker" and texts:
        return datetime.fromisoformat(texts[0]).replace(tzinfo=ZoneInfo(person.user.tz))
    if kind in {"plain_text_input"} and texts:
        return texts[0].replace("\r\n", "\n")
    return texts[0] if texts else None


async def _store(person: Person, upload: UploadFile) -> str:
    content = await upload.read()
    kind = upload.content_type or "application/octet-stream"
    return person.upload(upload.filename or "file", content, kind).id


async def take_fields(person: Person, place: Message | View, form: FormData) -> None:
    """Keeps everything that a form says about a message's or modal's inputs."""
    blocks = place.body["blocks"] if isinstance(place, View) else place.blocks
    for block, element in elements(blocks):
        if element["type"] in {"button", "overflow"}:
            continue
        value = await read_field(person, form, block, element)
        if element["type"] == "file_input" and not value:
            continue
        state = to_state(person.world, element, value)
        place.state.setdefault(block["block_id"], {})[element["action_id"]] = state
