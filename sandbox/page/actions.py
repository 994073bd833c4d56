"""What the page's forms do: each is one act of the person who is looking."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from sandbox.page.fields import read_field, take_fields
from sandbox.slack import life
from sandbox.slack.blocks import find_element
from sandbox.slack.client import Person
from sandbox.slack.inputs import Impossible
from sandbox.slack.models import View
from sandbox.slack.state import SlackWorld

Act = Callable[[Person, FormData], Awaitable[str]]


def text_of(form: FormData, name: str) -> str:
    """A form field's text, "" where it is missing."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def wire_form(typed: str) -> str:
    """Typed text as Slack stores it: three characters escaped."""
    return typed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


async def compose(person: Person, form: FormData) -> str:
    """Says something, or runs a command where it begins with a slash (never in a thread)."""
    channel, thread, text = (
        text_of(form, "channel"),
        text_of(form, "thread_ts"),
        text_of(form, "text").strip(),
    )
    uploads = [f for f in form.getlist("file") if isinstance(f, UploadFile) and f.filename]
    if text.startswith("/") and not thread and not uploads:
        command, _, rest = text.partition(" ")
        await person.command(command, rest.strip(), channel)
        return ""
    files = []
    for upload in uploads:
        kind = upload.content_type or "application/octet-stream"
        files.append(person.upload(upload.filename or "file", await upload.read(), kind).id)
    if text or files:
        person.say(channel, wire_form(text), thread or None, tuple(files))
    return ""


async def press(person: Person, form: FormData) -> str:
    """Presses a button or uses a menu; `pressed` names it. What else stands in the form is kept."""
    place = person.find(text_of(form, "where"))
    pressed: dict[str, Any] = json.loads(text_of(form, "pressed"))
    await take_fields(person, place, form)
    blocks = place.body["blocks"] if isinstance(place, View) else place.blocks
    found = find_element(blocks, pressed["action_id"], pressed["block_id"])
    chosen = pressed.get("option")
    if found is not None and found[1]["type"] not in {"button", "overflow"}:
        chosen = await read_field(person, form, *found)
    where = {"value": pressed.get("value"), "block_id": pressed["block_id"]}
    seen = await person.press(place, pressed["action_id"], chosen=chosen, **where)
    if seen.warning and isinstance(place, View):
        place.notice = seen.warning
    return seen.warning


async def submit(person: Person, form: FormData) -> str:
    """Submits the modal."""
    place = person.find(text_of(form, "where"))
    await take_fields(person, place, form)
    if isinstance(place, View):
        await person.submit(place)
    return ""


async def close(person: Person, form: FormData) -> str:
    """Closes the modal, or with `everything` the whole stack."""
    await person.close(text_of(form, "where"), bool(text_of(form, "everything")))
    return ""


async def open_home(person: Person, form: FormData) -> str:
    """Opens the app's Home tab."""
    person.open_home()
    return ""


async def shortcut(person: Person, form: FormData) -> str:
    """Uses a shortcut, on a message or of its own."""
    callback_id, where = text_of(form, "callback_id"), text_of(form, "where")
    seen = await (person.message_shortcut(callback_id, where) if where else person.shortcut(callback_id))
    return seen.warning


async def delete(person: Person, form: FormData) -> str:
    """Deletes a message."""
    person.delete(text_of(form, "where"))
    return ""


async def manage(person: Person, form: FormData) -> str:
    """Archives, opens, or lets the bot in and out of the channel."""
    channel = person.world.channels[text_of(form, "channel")]
    what = text_of(form, "what")
    if what == "archive":
        life.archive(person.world, channel, person.user.id)
    elif what == "unarchive":
        life.unarchive(person.world, channel, person.user.id)
    elif what == "invite_bot":
        person.invite_bot(channel.id)
    elif what == "remove_bot":
        person.remove_bot(channel.id)
    return ""


ACTS: dict[str, Act] = {
    "compose": compose,
    "press": press,
    "submit": submit,
    "close": close,
    "home": open_home,
    "shortcut": shortcut,
    "delete": delete,
    "manage": manage,
}


class ActionEndpoint:
    """`POST /page/act/{act}`: does it, then shows the page again."""

    def __init__(self, world: SlackWorld) -> None:
        self.world = world

    async def __call__(self, request: Request) -> Response:
        """Runs one act as the person named in the form."""
        act = ACTS.get(request.path_params["act"])
        async with request.form() as form:
            user_id = text_of(form, "as")
            if act is None or user_id not in self.world.users:
                return Response("There is no such thing here.", 404)
            person = Person(self.world, user_id)
            try:
                said = await act(person, form)
            except (Impossible, KeyError, ValueError):
                said = "That is no longer there. The page now shows what is."
            view = {
                "as": user_id,
                "channel": text_of(form, "view_channel"),
                "thread": text_of(form, "thread"),
            }
        if said:
            view["said"] = said
        return RedirectResponse("/?" + urlencode({k: v for k, v in view.items() if v}), 303)


async def suggest(world: SlackWorld, request: Request) -> Response:
    """`GET /page/options`: what an external select offers for a query; [] where it is not there."""
    query = request.query_params
    try:
        person = Person(world, query.get("as", ""))
        action_id = query.get("action_id", "")
        options = await person.suggest(query.get("where", ""), action_id, query.get("q", ""))
    except (Impossible, KeyError):
        options = []
    return JSONResponse([{"label": o["text"]["text"], "value": json.dumps(o)} for o in options])
