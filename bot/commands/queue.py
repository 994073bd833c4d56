"""`/queue`: what is to come, with edit, move, cancel, publish now, pause and resume.

Buttons carry what the person saw (attempt and revision): a press that is not current changes nothing and
says what happened since. Windows are committed before their Submit is acknowledged.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.desk import Desk
from bot.commands.requests import (
    OLD_BUTTON,
    Command,
    Press,
    PressHandler,
    Request,
    in_words,
    listen_for_command,
    listen_for_press,
    unescaped,
)
from bot.commands.scope import find_clients, scope_word
from bot.commands.who import Asker, demand_admin, demand_member, demand_named, who_asks
from bot.domain import editing, pausing
from bot.domain.auditing import Actor
from bot.domain.editing import Edit, Outcome
from bot.domain.errors import NotCurrent, Refused
from bot.domain.pictures import posts
from bot.domain.pictures import queue as pictures
from bot.domain.posting import Choice, DraftProblems
from bot.domain.preferences import Right
from bot.messages import actions
from bot.messages import queue as messages
from bot.messages.blocks import agree, count
from bot.messages.message import Message
from bot.messages.modals import INPUT_MAX
from storage import clients as client_rows
from storage import queue as store
from storage.deliveries import BEFORE_RETURN
from storage.pictures import Item

DOING = "see and change what is queued"
FIELD_BLOCKS = {"title": messages.POST_TITLE, "link": messages.LINK}

Rule = Callable[[AsyncSession, Actor, Sequence[Choice], datetime], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Carried:
    """What a window carries: the deliveries as they were seen, and the channel it was opened in."""

    choices: tuple[Choice, ...]
    channel_id: str | None


async def show(desk: Desk, request: Request) -> Message:
    """The channel's clients, one client, or all."""
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
    return await _listed(desk, press)


async def _listed(desk: Desk, press: Press, said: str = "") -> Message:
    scope, page = messages.place_of(press.value)
    return messages.queue_message(await load(desk, press.asker, scope, page), said)


# -- buttons ---------------------------------------------------------------------------------------


def changing(rule: Rule, done: str) -> PressHandler:
    """The handler of a button that changes at once. `done`: "cancelled"."""

    async def handler(desk: Desk, press: Press) -> Message:
        demand_member(press.asker, DOING)
        choices = _choices(press.value)
        try:
            async with desk.house.db.write() as session:
                outcome = await rule(session, press.asker.actor, choices, desk.house.clock.now())
        except NotCurrent:
            return await _listed(desk, press, await _stale(desk, press.asker, choices))
        desk.house.wake.all()
        return await _listed(desk, press, await _done(desk, press.asker, outcome, done))

    return handler


def _choices(value: str) -> list[Choice]:
    found = [Choice(*numbers) for numbers in actions.read_choices(value)]
    if not found:
        raise Refused(OLD_BUTTON)
    return found


async def _done(desk: Desk, asker: Asker, outcome: Outcome, done: str) -> str:
    """What happened to which accounts, what was left alone, and what it still waits for."""
    workspace_id, client_id = asker.actor.workspace_id, outcome.changed[0].client_id
    going = [row for row in outcome.changed if row.state in BEFORE_RETURN]
    async with desk.house.db.read() as session:
        workspace = await client_rows.workspace(session, workspace_id)
        client = await client_rows.get(session, workspace_id, client_id)
        left = await pictures.since(session, desk.house, workspace_id, outcome.left)
        seen = [await posts.one(session, desk.house, workspace_id, row.id) for row in outcome.changed]
        able = set(await store.able(session, [client_id]))
    shown = [item for item in seen if item is not None]
    said = messages.done_words(done, shown, left)
    waiting = {row.id for row in going if row.connection_id not in able}
    if waiting:
        said += f" {messages.waits_words([item for item in shown if item.id in waiting])}"
    if going and (workspace.paused_at or (client is not None and client.paused_at)):
        said += " Posting is paused: nothing goes out until it is resumed."
    return said


async def _stale(desk: Desk, asker: Asker, choices: Sequence[Choice]) -> str:
    async with desk.house.db.read() as session:
        found = await pictures.since(session, desk.house, asker.actor.workspace_id, choices)
    return messages.stale_words(found)


async def pause(desk: Desk, press: Press) -> Message:
    """Holds a client's posts, or for admins everybody's."""
    said = await _set_pause(desk, press, True)
    desk.house.wake.outbox.set()
    return await _listed(desk, press, said)


async def resume(desk: Desk, press: Press) -> Message:
    """Lets them go: what is on time goes out, what is late is asked about."""
    said = await _set_pause(desk, press, False)
    desk.house.wake.all()
    return await _listed(desk, press, said)


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


# -- windows ---------------------------------------------------------------------------------------


async def open_editor(desk: Desk, press: Press) -> Message | None:
    """The window in which the words of a post are changed; what happened since, where that is too late."""
    items = await _current(desk, press)
    if not items:
        return await _listed(desk, press, await _stale(desk, press.asker, _choices(press.value)))
    post = items[0].post
    own = {item.connection.platform: item.delivery.text for item in items if item.delivery.text is not None}
    if max(len(text) for text in (post.text, *own.values())) > INPUT_MAX:
        raise Refused(
            f"This text has more than {INPUT_MAX:,} characters, more than Slack's window can hold. "
            "Cancel the post, and import it again with the new text."
        )
    words = Edit(post.text, post.title, post.link, own)
    form = _edit_form(desk, items, _metadata(items, press.channel_id), words)
    workspace_id = press.asker.actor.workspace_id
    await desk.gateway.open_view(workspace_id, press.trigger_id, messages.edit_modal(form))
    return None


def _edit_form(desk: Desk, items: Sequence[Item], metadata: str, words: Edit) -> messages.EditForm:
    post = items[0].post
    known = [desk.house.platforms.get(item.connection.platform) for item in items]
    titled = any(one is not None and one.info.limits.titled for one in known)
    return messages.EditForm(
        items=tuple(posts.shown(desk.house, item) for item in items),
        text=words.text,
        metadata=metadata,
        media=len(post.media),
        title=(words.title or "") if post.title or titled else None,
        link=words.link or "",
        texts=words.texts,
    )


async def open_mover(desk: Desk, press: Press) -> Message | None:
    """The window in which a post gets another time."""
    items = await _current(desk, press)
    if not items:
        return await _listed(desk, press, await _stale(desk, press.asker, _choices(press.value)))
    shown = [posts.shown(desk.house, item) for item in items]
    at = max(items[0].delivery.due_at, desk.house.clock.now())
    view = messages.move_modal(shown, int(at.timestamp()), _metadata(items, press.channel_id))
    await desk.gateway.open_view(press.asker.actor.workspace_id, press.trigger_id, view)
    return None


async def _current(desk: Desk, press: Press) -> list[Item]:
    """The deliveries of a press that are as they were seen, and can still be changed."""
    demand_member(press.asker, DOING)
    async with desk.house.db.read() as session:
        workspace_id = press.asker.actor.workspace_id
        found = await pictures.of_choices(session, workspace_id, _choices(press.value))
    return [item for item, current in found if current and item.delivery.state in BEFORE_RETURN]


def _metadata(items: Sequence[Item], channel_id: str | None) -> str:
    rows = [item.delivery for item in items]
    value = actions.choices_value((row.id, row.attempt, row.revision) for row in rows)
    return json.dumps({"choices": value, "channel": channel_id})


def read_carried(view: Mapping[str, Any]) -> Carried:
    """What the window carries; nothing where that cannot be read."""
    try:
        carried = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        carried = {}
    if not isinstance(carried, dict):
        carried = {}
    choices = tuple(Choice(*item) for item in actions.read_choices(str(carried.get("choices") or "")))
    channel = carried.get("channel")
    return Carried(choices, channel if isinstance(channel, str) else None)


def _entered(view: Mapping[str, Any], block_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = view["state"]["values"].get(block_id, {}).get(block_id) or {}
    return found


def _words(view: Mapping[str, Any], block_id: str) -> str:
    return unescaped(str(_entered(view, block_id).get("value") or "")).strip()


async def save(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> None:
    """Stores the new words, or says beside the field why not. A second Submit is the same one."""
    demand_member(asker, DOING)
    carried = read_carried(view)
    title, link = (_words(view, block) or None for block in (messages.POST_TITLE, messages.LINK))
    words = Edit(_words(view, messages.TEXT), title, link, _own_texts(view))
    try:
        async with desk.house.db.write() as session:
            now = desk.house.clock.now()
            outcome = await editing.edit(session, desk.house, asker.actor, carried.choices, words, now)
    except NotCurrent:
        said = await _stale(desk, asker, carried.choices)
        await ack(response_action="errors", errors={messages.TEXT: messages.without_marks(said)})
        return
    except DraftProblems as refused:
        wider = await _with_own_texts(desk, asker, carried, words, refused, view)
        if wider is not None:
            await ack(response_action="update", view=dict(messages.edit_modal(wider)))
        else:
            await ack(response_action="errors", errors=_field_errors(refused, view))
        return
    desk.house.wake.all()
    said = await _done(desk, asker, outcome, "changed")
    await ack(response_action="update", view=dict(messages.done_modal("Edit post", said)))


def _own_texts(view: Mapping[str, Any]) -> dict[str, str]:
    """What is said on platforms with a text of their own; an empty one means the one text."""
    start = f"{messages.OWN}:"
    blocks = [block for block in view["state"]["values"] if block.startswith(start)]
    return {block.removeprefix(start): words for block in blocks if (words := _words(view, block))}


async def _with_own_texts(
    desk: Desk,
    asker: Asker,
    carried: Carried,
    words: Edit,
    refused: DraftProblems,
    view: Mapping[str, Any],
) -> messages.EditForm | None:
    """The window with a text of its own for each platform that the new text does not fit; None where that is
    not what is wrong."""
    async with desk.house.db.read() as session:
        found = await pictures.of_choices(session, asker.actor.workspace_id, carried.choices)
    items = [item for item, _ in found]
    own = frozenset(words.texts)
    needs = refused.need_own_text({item.connection.platform for item in items}, own)
    if not needs:
        return None
    wider = replace(words, texts={**words.texts, **dict.fromkeys(sorted(needs), words.text)})
    form = _edit_form(desk, items, str(view.get("private_metadata") or ""), wider)
    return replace(form, problem=refused.text)


def _field_errors(refused: DraftProblems, view: Mapping[str, Any]) -> dict[str, str]:
    shown = view["state"]["values"]
    found: dict[str, list[str]] = {}
    for item in refused.refused:
        block, own = FIELD_BLOCKS.get(item.problem.field, messages.TEXT), messages.own_block(item.platform)
        if block == messages.TEXT and _words(view, own):
            block = own
        found.setdefault(block if block in shown else messages.TEXT, []).append(item.problem.text)
    return {block: " ".join(dict.fromkeys(texts)) for block, texts in found.items()}


async def move(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> None:
    """Gives a post another time, or says why not. A second Submit is the same one."""
    demand_member(asker, DOING)
    carried = read_carried(view)
    at = _entered(view, messages.AT).get("selected_date_time")
    if not isinstance(at, int):
        await ack(response_action="errors", errors={messages.AT: "Choose a time."})
        return
    due_at = datetime.fromtimestamp(at, UTC)
    try:
        async with desk.house.db.write() as session:
            now = desk.house.clock.now()
            outcome = await editing.move(session, asker.actor, carried.choices, due_at, now)
    except NotCurrent:
        said = await _stale(desk, asker, carried.choices)
        await ack(response_action="errors", errors={messages.AT: messages.without_marks(said)})
        return
    except Refused as refused:
        await ack(response_action="errors", errors={messages.AT: refused.text})
        return
    desk.house.wake.all()
    async with desk.house.db.read() as session:
        client = await client_rows.get(session, asker.actor.workspace_id, outcome.changed[0].client_id)
    zone = client.zone if client is not None else "UTC"
    said = await _done(desk, asker, outcome, messages.moved_words(due_at, zone, asker.zone))
    await ack(response_action="update", view=dict(messages.done_modal("Move post", said)))


COMMAND = Command("/queue", "[client or all]", "shows what is to come, to change or pause it", show)


def register(app: AsyncApp, desk: Desk) -> None:
    """The command, its buttons and its windows."""

    async def submitted(
        body: dict[str, Any], view: dict[str, Any], workspace_id: str, ack: AsyncAck, what: Any
    ) -> None:
        user = body["user"]
        with in_words():
            channel_id = read_carried(view).channel_id
            asker = await who_asks(desk, workspace_id, user["id"], channel_id, user.get("team_id"))
            await what(desk, asker, ack, view)

    async def edited(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], workspace_id: str) -> None:
        await submitted(body, view, workspace_id, ack, save)

    async def moved(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], workspace_id: str) -> None:
        await submitted(body, view, workspace_id, ack, move)

    listen_for_command(app, desk, COMMAND)
    for action_id, handler in (
        (actions.QUEUE_PAGE, turn_page),
        (actions.QUEUE_EDIT, open_editor),
        (actions.QUEUE_MOVE, open_mover),
        (actions.QUEUE_NOW, changing(editing.publish_now, "goes out now")),
        (actions.QUEUE_CANCEL, changing(editing.cancel, "cancelled; it can be restored for a day")),
        (actions.QUEUE_RESTORE, changing(editing.restore, "back in the queue")),
        (actions.QUEUE_PAUSE, pause),
        (actions.QUEUE_RESUME, resume),
    ):
        listen_for_press(app, desk, action_id, handler, replaces=True)
    app.view(actions.QUEUE_EDITOR)(edited)
    app.view(actions.QUEUE_MOVER)(moved)
