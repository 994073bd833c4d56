"""The window in which the words of a post are changed: of one that is to come, or of one that failed.

The words are committed before the Submit is acknowledged. What was changed after a failure goes out again at
once, on the accounts where it failed and nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands import outcomes, windows
from bot.commands.desk import Desk
from bot.commands.requests import Press, PressHandler, listen_for_press, read_choices
from bot.commands.who import Asker, demand_member
from bot.domain import editing
from bot.domain.auditing import Actor
from bot.domain.deciding import Choice, Outcome
from bot.domain.editing import Edit
from bot.domain.errors import NotCurrent, Refused
from bot.domain.house import House
from bot.domain.pictures import posts
from bot.domain.pictures import queue as pictures
from bot.domain.posting import DraftProblems
from bot.messages import actions, queue_changes, queue_windows
from bot.messages.message import Message
from bot.messages.modals import INPUT_MAX
from storage.deliveries import BEFORE_RETURN
from storage.pictures import Item

DOING = "see and change what is queued"
FIELD_BLOCKS = {"title": queue_windows.POST_TITLE, "link": queue_windows.LINK}

Again = Callable[[Desk, Press, str], Awaitable[Message]]
"""What a press answers that came too late, given what has happened since."""

Rule = Callable[[AsyncSession, House, Actor, Sequence[Choice], Edit, datetime], Awaitable[Outcome]]


async def said_alone(desk: Desk, press: Press, said: str) -> Message:
    """The words, and nothing with them."""
    return Message(said)


def opening(states: Sequence[str], callback_id: str, again: Again) -> PressHandler:
    """The handler of a button that opens the window for deliveries in one of these states."""

    async def handler(desk: Desk, press: Press) -> Message | None:
        items = await current(desk, press, states)
        if not items:
            return await again(desk, press, await outcomes.stale(desk, press.asker, read_choices(press)))
        kept = windows.metadata(choices_of(items), press.channel_id)
        view = queue_windows.edit_modal(_form(desk, items, kept, _words_of(items), callback_id))
        await desk.gateway.open_view(press.asker.actor.workspace_id, press.trigger_id, view)
        return None

    return handler


async def current(desk: Desk, press: Press, states: Sequence[str]) -> list[Item]:
    """The deliveries of a press that are as they were seen, and in one of these states."""
    demand_member(press.asker, DOING)
    async with desk.house.db.read() as session:
        workspace_id = press.asker.actor.workspace_id
        found = await pictures.of_choices(session, workspace_id, read_choices(press))
    return [item for item, is_current in found if is_current and item.delivery.state in states]


def choices_of(items: Sequence[Item]) -> list[Choice]:
    """The deliveries as they are now."""
    rows = [item.delivery for item in items]
    return [Choice(row.id, row.attempt, row.revision) for row in rows]


def _words_of(items: Sequence[Item]) -> Edit:
    """What the post says now."""
    post = items[0].post
    own = {item.connection.platform: item.delivery.text for item in items if item.delivery.text is not None}
    if max(len(text) for text in (post.text, *own.values())) > INPUT_MAX:
        raise Refused(
            f"This text has more than {INPUT_MAX:,} characters, more than Slack's window can hold. "
            "Cancel the post, and import it again with the new text."
        )
    return Edit(post.text, post.title, post.link, own)


def _form(
    desk: Desk, items: Sequence[Item], metadata: str, words: Edit, callback_id: str
) -> queue_windows.EditForm:
    post = items[0].post
    known = [desk.house.platforms.get(item.connection.platform) for item in items]
    titled = any(one is not None and one.info.limits.titled for one in known)
    return queue_windows.EditForm(
        items=tuple(posts.shown(desk.house, item) for item in items),
        text=words.text,
        metadata=metadata,
        media=len(post.media),
        title=(words.title or "") if post.title or titled else None,
        link=words.link or "",
        texts=words.texts,
        callback_id=callback_id,
    )


def saving(rule: Rule, callback_id: str, done: str) -> windows.Submitted:
    """What the Submit of a window does. `done`: "changed"."""

    async def submit(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> None:
        demand_member(asker, DOING)
        choices = windows.read_carried(view).choices
        title, link = (
            windows.typed(view, block) or None for block in (queue_windows.POST_TITLE, queue_windows.LINK)
        )
        words = Edit(windows.typed(view, queue_windows.TEXT), title, link, _own_texts(view))
        try:
            async with desk.house.db.write() as session:
                now = desk.house.clock.now()
                outcome = await rule(session, desk.house, asker.actor, choices, words, now)
        except NotCurrent:
            said = await outcomes.stale(desk, asker, choices)
            await ack(
                response_action="errors", errors={queue_windows.TEXT: queue_changes.without_marks(said)}
            )
            return
        except DraftProblems as refused:
            wider = await _with_own_texts(desk, asker, callback_id, words, refused, view)
            if wider is not None:
                await windows.answer_with(ack, queue_windows.edit_modal(wider))
            else:
                await ack(response_action="errors", errors=_field_errors(refused, view))
            return
        except Refused as refused:
            await ack(response_action="errors", errors={queue_windows.TEXT: refused.text})
            return
        desk.house.wake.all()
        said = await outcomes.done(desk, asker, outcome, done)
        await windows.answer_with(ack, queue_windows.done_modal("Edit post", said))

    return submit


def _own_texts(view: Mapping[str, Any]) -> dict[str, str]:
    """What is said on platforms with a text of their own; an empty one means the one text."""
    start = f"{queue_windows.OWN}:"
    blocks = [block for block in view["state"]["values"] if block.startswith(start)]
    return {block.removeprefix(start): words for block in blocks if (words := windows.typed(view, block))}


async def _with_own_texts(
    desk: Desk,
    asker: Asker,
    callback_id: str,
    words: Edit,
    refused: DraftProblems,
    view: Mapping[str, Any],
) -> queue_windows.EditForm | None:
    """The window with a text of its own for each platform that the new text does not fit; None where that is
    not what is wrong."""
    choices = windows.read_carried(view).choices
    async with desk.house.db.read() as session:
        found = await pictures.of_choices(session, asker.actor.workspace_id, choices)
    items = [item for item, _ in found]
    own = frozenset(words.texts)
    needs = refused.need_own_text({item.connection.platform for item in items}, own)
    if not needs:
        return None
    wider = replace(words, texts={**words.texts, **dict.fromkeys(sorted(needs), words.text)})
    form = _form(desk, items, str(view.get("private_metadata") or ""), wider, callback_id)
    return replace(form, problem=refused.text)


def _field_errors(refused: DraftProblems, view: Mapping[str, Any]) -> dict[str, str]:
    shown = view["state"]["values"]
    found: dict[str, list[str]] = {}
    for item in refused.refused:
        block, own = (
            FIELD_BLOCKS.get(item.problem.field, queue_windows.TEXT),
            queue_windows.own_block(item.platform),
        )
        if block == queue_windows.TEXT and windows.typed(view, own):
            block = own
        found.setdefault(block if block in shown else queue_windows.TEXT, []).append(item.problem.text)
    return {block: " ".join(dict.fromkeys(texts)) for block, texts in found.items()}


def register(app: AsyncApp, desk: Desk, again: Again) -> None:
    """*Edit* in the queue and under a failed post, and the windows. `again`: the queue's list."""
    queued = opening(BEFORE_RETURN, actions.QUEUE_EDITOR, again)
    failed = opening(("failed",), actions.FAILED_EDITOR, said_alone)
    listen_for_press(app, desk, actions.QUEUE_EDIT, queued, replaces=True)
    listen_for_press(app, desk, actions.EDIT_FAILED, failed)
    edited = saving(editing.edit, actions.QUEUE_EDITOR, "changed")
    retried = saving(editing.edit_failed, actions.FAILED_EDITOR, "changed, and sent on its way again")
    windows.listen_for_submit(app, desk, actions.QUEUE_EDITOR, edited)
    windows.listen_for_submit(app, desk, actions.FAILED_EDITOR, retried)
