"""`/queue import`: a content calendar that is uploaded, looked at, and queued on a second word.

The file is fetched and looked through after the Submit is acknowledged; what it comes to is stored under the
window's id. Queueing is started by one conditional update before its Submit is acknowledged, and done by
whichever process is free.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.commands import windows
from bot.commands.desk import Desk
from bot.commands.media import why_unread
from bot.commands.requests import OLD_BUTTON, Press, Request, listen_for_press, tell_person
from bot.commands.submitting import OVERTAKEN_SECONDS
from bot.commands.who import Asker, demand_member
from bot.domain import calendar_file, importing
from bot.domain.errors import Refused
from bot.domain.pictures import imports as pictures
from bot.messages import actions, blocks
from bot.messages import importing as messages
from bot.messages.blocks import Block
from bot.messages.message import Message
from bot.slack.errors import SlackProblem
from bot.slack.files import FileTooLarge
from storage import imports as store
from storage.models import Import

DOING = "import calendars"
FILE_SECONDS = 60.0


async def open_upload(desk: Desk, request: Request) -> None:
    """The window that takes the file."""
    demand_member(request.asker, DOING)
    view = messages.upload(windows.metadata((), request.channel_id), calendar_file.COLUMNS)
    await desk.gateway.open_view(request.asker.actor.workspace_id, request.trigger_id, view)


async def submit_file(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> None:
    """Reads the file, and shows in the same window what it would come to."""
    demand_member(asker, DOING)
    files = windows.entered(view, messages.FILE).get("files") or []
    if len(files) != 1:
        await ack(response_action="errors", errors={messages.FILE: "Choose one file."})
        return
    await windows.answer_with(ack, messages.reading())
    arrived = asyncio.create_task(asyncio.sleep(OVERTAKEN_SECONDS))
    channel_id, view_id = windows.read_carried(view).channel_id, str(view["id"])
    try:
        name, text = await _read(
            desk, asker, str(files[0]["id"]), str(files[0].get("name") or "calendar.csv")
        )
        row = await importing.preview(desk.house, asker.actor, view_id, name, text)
        shown = _window(row, channel_id)
        said = Message("Your calendar was read, and nothing is queued: the window that asks was closed.")
    except Refused as refused:
        kept = windows.metadata((), channel_id)
        shown = messages.upload(kept, calendar_file.COLUMNS, refused.text)
        said = Message(f"Nothing was imported. {blocks.escape(refused.text)}")
    await arrived
    try:
        await desk.gateway.update_view(asker.actor.workspace_id, view_id, shown)
    except SlackProblem:
        await tell_person(desk, asker, channel_id, said)


async def _read(desk: Desk, asker: Asker, file_id: str, label: str) -> tuple[str, str]:
    """The file's name and text. Raises Refused, in words for the author."""
    workspace_id, most = asker.actor.workspace_id, importing.BYTES_MOST
    with tempfile.TemporaryDirectory(prefix="calendar-") as folder:
        target = Path(folder) / "file"
        try:
            found = await desk.gateway.file(workspace_id, file_id)
            if found.size > most:
                raise FileTooLarge("too_large")
            await desk.gateway.download(workspace_id, found, target, max_bytes=most, deadline=FILE_SECONDS)
            return found.name, calendar_file.decoded(target.read_bytes())
        except SlackProblem as problem:
            raise Refused(why_unread(problem, label, most)) from None
        except OSError:
            raise Refused("I could not keep the file just now. Try again in a moment.") from None


def _window(row: Import, channel_id: str | None, page: int = 0) -> Block:
    metadata = windows.metadata((), channel_id, id=row.id)
    facts = pictures.shown(row)
    if row.state == "done":
        return messages.faults_page(facts, metadata, page)
    return messages.preview(facts, metadata, page)


async def submit_queue(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> None:
    """Starts the queueing; a second Submit is the same one."""
    demand_member(asker, DOING)
    import_id = windows.read_carried(view).words.get("id", "")
    async with desk.house.db.write() as session:
        row = await importing.start(session, desk.house, asker.actor, import_id)
        facts = pictures.shown(row)
    desk.house.wake.imports.set()
    await windows.answer_with(ack, messages.queueing(facts))


async def turn_page(desk: Desk, press: Press) -> None:
    """Other faults in the same window."""
    view = press.view or {}
    carried = windows.read_carried(view)
    row = await _row(desk, press, carried.words.get("id", ""))
    shown = _window(row, carried.channel_id, _number(press.value))
    await desk.gateway.update_view(press.asker.actor.workspace_id, str(view.get("id")), shown)


async def open_faults(desk: Desk, press: Press) -> None:
    """All the faults of an import that is done."""
    parts = actions.split(press.value, 2) or ["", ""]
    row = await _row(desk, press, parts[0])
    shown = _window(row, press.channel_id, _number(parts[1]))
    await desk.gateway.open_view(press.asker.actor.workspace_id, press.trigger_id, shown)


async def _row(desk: Desk, press: Press, import_id: str) -> Import:
    demand_member(press.asker, DOING)
    async with desk.house.db.read() as session:
        row = await store.get(session, press.asker.actor.workspace_id, import_id)
    if row is None:
        raise Refused(OLD_BUTTON)
    return row


def _number(text: str) -> int:
    return int(text[:6]) if text.isascii() and text.isdigit() else 0


def register(app: AsyncApp, desk: Desk) -> None:
    """The windows and their buttons."""
    windows.listen_for_submit(app, desk, actions.IMPORT_FILE, submit_file)
    windows.listen_for_submit(app, desk, actions.IMPORT_QUEUE, submit_queue)
    listen_for_press(app, desk, actions.IMPORT_PAGE, turn_page)
    listen_for_press(app, desk, actions.IMPORT_FAULTS, open_faults)
