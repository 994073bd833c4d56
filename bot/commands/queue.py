"""`/queue`: what is to come, with edit, move, cancel, publish now, pause and resume.

Buttons carry what the person saw (attempt and revision): a press that is not current changes nothing and
says what happened since. The windows are in `edit_windows` and `move_windows`.
"""

from __future__ import annotations

from dataclasses import replace

from slack_bolt.async_app import AsyncApp

from bot.commands import edit_windows, importing, move_windows, outcomes
from bot.commands.desk import Desk
from bot.commands.requests import (
    OLD_BUTTON,
    Command,
    Press,
    PressHandler,
    Request,
    listen_for_command,
    listen_for_press,
    read_choices,
)
from bot.commands.scope import find_clients, scope_word
from bot.commands.who import Asker, demand_admin, demand_member, demand_named
from bot.domain import pausing, replanning
from bot.domain.deciding import Decision
from bot.domain.errors import NotCurrent, Refused
from bot.domain.pictures import queue as pictures
from bot.domain.preferences import Right
from bot.messages import actions
from bot.messages import queue as messages
from bot.messages.blocks import agree, count
from bot.messages.message import Message
from storage import clients as client_rows

DOING = edit_windows.DOING


async def show(desk: Desk, request: Request) -> Message | None:
    """The channel's clients, one client, or all; with "import" the window that takes a calendar."""
    if request.text.strip().casefold() == "import":
        await importing.open_upload(desk, request)
        return None
    demand_member(request.asker, DOING)
    return messages.queue_message(await load(desk, request.asker, request.text))


async def load(desk: Desk, asker: Asker, text: str, page: int = 0) -> messages.QueueFacts:
    """One page of what is to come for the clients that `text` names."""
    async with desk.house.db.read() as session:
        found = await find_clients(session, asker.actor, text)
        ids = [client.id for client in found]
        workspace_id = asker.actor.workspace_id
        facts = await pictures.queue(session, desk.house, workspace_id, ids, page, scope=scope_word(text))
    return replace(facts, may_pause_all=asker.is_admin, zone=asker.zone)


async def turn_page(desk: Desk, press: Press) -> Message:
    """Another page, in the place of the one that was pressed."""
    demand_member(press.asker, DOING)
    return await listed(desk, press)


async def listed(desk: Desk, press: Press, said: str = "") -> Message:
    """The list as it is now, with what a press came to above it."""
    scope, page = messages.place_of(press.value)
    return messages.queue_message(await load(desk, press.asker, scope, page), said)


# -- buttons ---------------------------------------------------------------------------------------


def changing(rule: Decision, done: str) -> PressHandler:
    """The handler of a button that changes at once. `done`: "cancelled"."""

    async def handler(desk: Desk, press: Press) -> Message:
        demand_member(press.asker, DOING)
        choices = read_choices(press)
        try:
            async with desk.house.db.write() as session:
                outcome = await rule(session, press.asker.actor, choices, desk.house.clock.now())
        except NotCurrent:
            return await listed(desk, press, await outcomes.stale(desk, press.asker, choices))
        desk.house.wake.all()
        return await listed(desk, press, await outcomes.done(desk, press.asker, outcome, done))

    return handler


async def pause(desk: Desk, press: Press) -> Message:
    """Holds a client's posts, or for admins everybody's."""
    said = await _set_pause(desk, press, True)
    desk.house.wake.outbox.set()
    return await listed(desk, press, said)


async def resume(desk: Desk, press: Press) -> Message:
    """Lets them go: what is on time goes out, what is late is asked about."""
    said = await _set_pause(desk, press, False)
    desk.house.wake.all()
    return await listed(desk, press, said)


async def _set_pause(desk: Desk, press: Press, on: bool) -> str:
    demand_member(press.asker, DOING)
    whom = press.value.partition(",")[0]
    return await (_pause_all(desk, press, on) if whom == messages.ALL else _pause_one(desk, press, whom, on))


async def _pause_all(desk: Desk, press: Press, on: bool) -> str:
    demand_admin(press.asker, "pause and resume all clients")
    actor, now = press.asker.actor, desk.house.clock.now()
    async with desk.house.db.write() as session:
        if on:
            await pausing.pause_all(session, actor, now)
            return "⏸️ Posting is paused for all clients."
        return _resumed("all clients", *await pausing.resume_all(session, desk.house, actor, now))


async def _pause_one(desk: Desk, press: Press, client_id: str, on: bool) -> str:
    actor, now = press.asker.actor, desk.house.clock.now()
    async with desk.house.db.write() as session:
        client = await client_rows.get(session, actor.workspace_id, client_id)
        if client is None or client.closed_at is not None:
            raise Refused(OLD_BUTTON)
        demand_named(press.asker, client, "pause and resume it", Right.PAUSE)
        if on:
            await pausing.pause(session, actor, client, now)
            return f"⏸️ Posting is paused for `{client.slug}`."
        return _resumed(f"`{client.slug}`", *await pausing.resume(session, desk.house, actor, client, now))


def _resumed(whom: str, on_time: int, late: int) -> str:
    said = f"▶️ Posting is resumed for {whom}."
    if on_time:
        said += f" {count(on_time, 'post')} {agree(on_time, 'is', 'are')} back in the queue."
    if late:
        verb = agree(late, "is late: a message", "are late: a message")
        said += f" {count(late, 'post')} {verb} in the team channel asks what to do."
    return said


COMMAND = Command(
    "/queue", "[client, all or import]", "shows what is to come, to change or pause it; imports a CSV", show
)


def register(app: AsyncApp, desk: Desk) -> None:
    """The command, its buttons and its windows."""
    listen_for_command(app, desk, COMMAND)
    for action_id, handler in (
        (actions.QUEUE_PAGE, turn_page),
        (actions.QUEUE_NOW, changing(replanning.publish_now, "goes out now")),
        (actions.QUEUE_CANCEL, changing(replanning.cancel, "cancelled; it can be restored for a day")),
        (actions.QUEUE_RESTORE, changing(replanning.restore, "back in the queue")),
        (actions.QUEUE_PAUSE, pause),
        (actions.QUEUE_RESUME, resume),
    ):
        listen_for_press(app, desk, action_id, handler, replaces=True)
    edit_windows.register(app, desk, listed)
    importing.register(app, desk)
    move_windows.register(app, desk, listed)
