"""`/post`: the composer.

A post without media is checked and stored before its Submit is acknowledged. One with media says first that
it looks at the files, and then what came of it; until it says so, nothing is queued. What would be refused
whatever the files are is said at once, beside its field. What is worth a question (one text on several
accounts in one minute, the same text again within a week, more than a platform takes in a day, what a link
costs) is asked in the window before anything is queued.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands import composing, drafting, previewing
from bot.commands.composer_form import Form, read_form
from bot.commands.composing import Asked
from bot.commands.desk import Desk
from bot.commands.media import fetch_all
from bot.commands.requests import (
    OLD_BUTTON,
    Command,
    Press,
    Request,
    in_words,
    listen_for_command,
    listen_for_press,
    read_press,
    tell_person,
)
from bot.commands.scope import find_clients
from bot.commands.who import Asker, demand_member, who_asks
from bot.domain import clients
from bot.domain.deciding import Choice
from bot.domain.errors import Refused
from bot.domain.posting import DraftProblems
from bot.messages import actions, blocks, composer_blocks, composer_done
from bot.messages import composer as messages
from bot.messages.message import Message
from bot.platforms.content import Media
from bot.slack.errors import SlackProblem
from storage import clients as client_rows
from storage.models import Client

DOING = "write posts"
OVERTAKEN_SECONDS = 0.8
"""Slack shows the answer to a Submit when it has arrived: an update right behind it could overtake it, and
the window would stay at "looking at your pictures"."""
_CHOICES = (composer_blocks.WHEN, composer_blocks.AT.day, composer_blocks.AT.time)
LIVE = re.compile(
    rf"^(?:{re.escape(composer_blocks.ACCOUNTS)}:|{re.escape(composer_blocks.DIFFER)}:"
    rf"|(?:{'|'.join(map(re.escape, _CHOICES))})$)"
)
"""Fields whose choice changes what the window shows: how many for whom, whose text, the author's time."""


async def compose(desk: Desk, request: Request) -> None:
    """Opens the composer for the client that was named, or for the channel's."""
    demand_member(request.asker, DOING)
    async with desk.house.db.read() as session:
        found = await find_clients(session, request.asker.actor, request.text)
        client = found[0] if len(found) == 1 else None
        shown = await composing.facts(session, desk, request.asker, client, request.channel_id)
    view = messages.composer(shown)
    await desk.gateway.open_view(request.asker.actor.workspace_id, request.trigger_id, view)


async def open_composer(desk: Desk, press: Press) -> None:
    """A button that opens the composer for its client."""
    demand_member(press.asker, DOING)
    workspace_id = press.asker.actor.workspace_id
    async with desk.house.db.read() as session:
        client = await client_rows.get(session, workspace_id, press.value)
        if client is None or client.closed_at is not None:
            raise Refused(OLD_BUTTON)
        shown = await composing.facts(session, desk, press.asker, client, press.channel_id)
    await desk.gateway.open_view(workspace_id, press.trigger_id, messages.composer(shown))


async def change_client(desk: Desk, press: Press) -> None:
    """Another client was chosen: his accounts take the place of the others'; what was written stays."""
    form = read_form(press.view or {})
    carried = replace(form.carried, client_id=press.value, told=frozenset())
    await _refill(desk, press.asker, replace(form, carried=carried, account_ids=()))


async def reshape(desk: Desk, press: Press) -> None:
    """Something was chosen that changes what the window shows; what was written stays."""
    await _refill(desk, press.asker, read_form(press.view or {}))


async def _refill(desk: Desk, asker: Asker, form: Form, problem: str = "") -> None:
    demand_member(asker, DOING)
    view = messages.composer(await _again(desk, asker, form, problem))
    await desk.gateway.update_view(asker.actor.workspace_id, form.view_id, view)


async def _again(desk: Desk, asker: Asker, form: Form, problem: str = "") -> messages.Composer:
    """The composer for what was filled in, as things stand now. Raises Refused where the client is gone."""
    async with desk.house.db.read() as session:
        client = await _client(session, asker, form)
        shown = await composing.facts(session, desk, asker, client, form.channel_id)
    return composing.refilled(shown, asker, form, problem)


async def _client(session: AsyncSession, asker: Asker, form: Form) -> Client:
    client = await client_rows.get(session, asker.actor.workspace_id, form.client_id)
    if client is None or client.closed_at is not None:
        raise Refused(composing.CLIENT_GONE)
    return client


async def client_menu(desk: Desk, asker: Asker, query: str) -> list[blocks.Block]:
    """The clients whose name fits what was typed."""
    if asker.actor.outsider:
        return []
    wanted = query.strip().casefold()
    async with desk.house.db.read() as session:
        known = await clients.names(
            session, asker.actor.workspace_id, await clients.visible(session, asker.actor)
        )
    fits = {item.id: item for name, item in known.items() if wanted in name or wanted in item.name.casefold()}
    found = [messages.client_option(item.id, item.slug, item.name) for item in fits.values()]
    return found[: composing.MENU_MOST]


async def submit(desk: Desk, asker: Asker, ack: AsyncAck, form: Form) -> None:
    """Queues what was filled in, or says beside each field what is wrong."""
    demand_member(asker, DOING)
    try:
        problem = await _early(desk, asker, form)
        if isinstance(problem, messages.Composer):
            await ack(response_action="update", view=dict(messages.composer(problem)))
        elif problem:
            await ack(response_action="errors", errors=problem)
        elif form.has_media:
            await ack(response_action="update", view=dict(composer_done.checking()))
            await _look_and_queue(desk, asker, form)
        else:
            view, _ = await _outcome(desk, asker, form, (), stagger=False)
            await ack(response_action="update", view=dict(view))
    except Refused as refused:
        await ack(response_action="errors", errors=composing.field_errors(refused, form))


async def _early(desk: Desk, asker: Asker, form: Form) -> dict[str, str] | messages.Composer:
    """What can be said before any file is fetched: errors by field, or the window with what it needs."""
    async with desk.house.db.read() as session:
        client = await _client(session, asker, form)
    problems = composing.early_problems(form, client.zone, desk.house.clock.now())
    if problems:
        return problems
    if composing.is_ambiguous(form, client.zone):
        return await _again(desk, asker, form)
    if not form.has_media:
        return {}
    certain = await composing.certain_problems(desk, asker, form)
    if not certain:
        return {}
    error = DraftProblems(certain)
    return await _with_own_texts(desk, asker, form, error) or composing.field_errors(error, form)


async def _with_own_texts(
    desk: Desk, asker: Asker, form: Form, error: DraftProblems
) -> messages.Composer | None:
    """The window with a text of its own for each platform that the one text does not fit; None where that is
    not what is wrong."""
    shown = await _again(desk, asker, form)
    needs = error.need_own_text(shown.platforms, form.own)
    if not needs:
        return None
    wider = composing.offered(form, needs)
    problem = (
        f"One text does not fit all: {blocks.listed([shown.platforms[key] for key in sorted(needs)])} has a "
        "field of its own now. Shorten it there; the other platforms keep the text above."
    )
    again = await _again(desk, asker, wider, problem)
    return replace(again, troubles=composing.field_errors(error, wider, again=True))


async def _outcome(
    desk: Desk, asker: Asker, form: Form, media: tuple[Media, ...], *, stagger: bool
) -> tuple[blocks.Block, Message]:
    """The window after the post was queued, or with what is asked or needed first; and the same as a message.

    Raises Refused where something is wrong that the window has a field for."""
    try:
        came = await composing.accept(desk, asker, form, media, stagger=stagger)
    except DraftProblems as error:
        again = await _with_own_texts(desk, asker, form, error)
        if again is None:
            raise
        return messages.composer(again), _not_queued(again.problem)
    if isinstance(came, composer_done.Queued):
        return composer_done.done(came), Message(composer_done.queued_words(came))
    return await _asked(desk, asker, form, came)


async def _asked(desk: Desk, asker: Asker, form: Form, asked: Asked) -> tuple[blocks.Block, Message]:
    again = await _again(desk, asker, composing.told(form, asked))
    zone = again.client.zone if again.client is not None else "UTC"
    asking = composing.asking(desk, asked, zone)
    return messages.composer(replace(again, asking=asking)), _not_queued(" ".join(asking.warnings))


def _not_queued(problem: str) -> Message:
    return Message(f"Your post was not queued. {blocks.escape(problem)}")


async def _look_and_queue(desk: Desk, asker: Asker, form: Form, *, stagger: bool = False) -> None:
    """After the acknowledgement: fetches the files, queues the post, says in the window how it went."""
    arrived = asyncio.create_task(asyncio.sleep(OVERTAKEN_SECONDS))
    try:
        found = await fetch_all(
            desk, asker.actor.workspace_id, form.files, form.media_url, form.carried.stored
        )
        stored = {key: item.stored for key, item in found.items() if item.stored}
        fetched = replace(form, carried=replace(form.carried, stored=stored))
        view, said = await _outcome(desk, asker, fetched, tuple(found.values()), stagger=stagger)
    except Refused as refused:
        view, said = await _with_troubles(desk, asker, form, refused), _not_queued(refused.text)
    await arrived
    await _show(desk, asker, form, view, said)


async def _with_troubles(desk: Desk, asker: Asker, form: Form, refused: Refused) -> blocks.Block:
    """The window as it was, each trouble above its field; what has no field on top."""
    if not isinstance(refused, DraftProblems):
        return messages.composer(await _again(desk, asker, form, refused.text))
    again = await _again(desk, asker, form)
    return messages.composer(replace(again, troubles=composing.field_errors(refused, form, again=True)))


async def stagger(desk: Desk, press: Press) -> None:
    """Queues the post with its accounts moved apart, as was offered."""
    demand_member(press.asker, DOING)
    form = read_form(press.view or {})
    early = await _early(desk, press.asker, form)
    if isinstance(early, messages.Composer):
        await _show(desk, press.asker, form, messages.composer(early), _not_queued(early.problem))
    elif early:
        again = replace(await _again(desk, press.asker, form), troubles=early)
        await _show(desk, press.asker, form, messages.composer(again), _not_queued(" ".join(early.values())))
    else:
        await _look_and_queue(desk, press.asker, form, stagger=True)


async def spread(desk: Desk, press: Press) -> None:
    """Moves the accounts of a post that was just queued apart, and says who goes out when."""
    demand_member(press.asker, DOING)
    choices = [Choice(*numbers) for numbers in actions.read_choices(press.value)]
    queued = await composing.spread(desk, press.asker, choices)
    view_id = str((press.view or {}).get("id"))
    await desk.gateway.update_view(press.asker.actor.workspace_id, view_id, composer_done.done(queued))


async def _show(desk: Desk, asker: Asker, form: Form, view: blocks.Block, said: Message) -> None:
    """In the window; where it is closed by now, as a message for the author alone."""
    try:
        await desk.gateway.update_view(asker.actor.workspace_id, form.view_id, view)
    except SlackProblem:
        await tell_person(desk, asker, form.channel_id, said)


COMMAND = Command("/post", "[client]", "opens the composer for a new post", compose)


def register(app: AsyncApp, desk: Desk) -> None:
    """The command, its modal and its menu."""

    async def submitted(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], workspace_id: str) -> None:
        user = body["user"]
        form = read_form(view)
        with in_words():
            asker = await who_asks(desk, workspace_id, user["id"], form.channel_id, user.get("team_id"))
            await submit(desk, asker, ack, form)

    async def choices(ack: AsyncAck, body: dict[str, Any], workspace_id: str) -> None:
        press = await read_press(desk, workspace_id, body, {})
        found = await client_menu(desk, press.asker, str(body.get("value") or ""))
        await ack(options=[dict(item) for item in found])

    async def chosen(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], workspace_id: str) -> None:
        await ack()
        press = await read_press(desk, workspace_id, body, action)
        with in_words():
            await reshape(desk, press)

    listen_for_command(app, desk, COMMAND)
    listen_for_press(app, desk, actions.OPEN_COMPOSER, open_composer)
    listen_for_press(app, desk, actions.STAGGER, stagger)
    listen_for_press(app, desk, actions.SPREAD, spread)
    listen_for_press(app, desk, actions.PREVIEW, previewing.preview)
    listen_for_press(app, desk, composer_blocks.CLIENT, change_client)
    drafting.register(app, desk)
    app.action(LIVE)(chosen)
    app.options(composer_blocks.CLIENT)(choices)
    app.view(actions.COMPOSER)(submitted)
