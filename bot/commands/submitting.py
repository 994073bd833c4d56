"""The composer's Submit and *Stagger*: a queued post, or what has to be said first."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.commands import composer_accept, composer_checks, composing
from bot.commands.composer_accept import Asked
from bot.commands.composer_form import Form, read_form
from bot.commands.composing import DOING, client_of, filled_in
from bot.commands.desk import Desk
from bot.commands.media import fetch_all
from bot.commands.requests import Press, tell_person
from bot.commands.who import Asker, demand_member
from bot.domain.deciding import Choice
from bot.domain.errors import FieldProblems, Refused
from bot.domain.posting import DraftProblems
from bot.messages import actions, blocks, composer_done
from bot.messages import composer as messages
from bot.messages.message import Message
from bot.platforms.content import Media
from bot.slack.errors import SlackProblem

OVERTAKEN_SECONDS = 0.8
"""Slack shows the answer to a Submit when it has arrived: an update right behind it could overtake it, and
the window would stay at "looking at your pictures"."""


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
        await ack(response_action="errors", errors=composer_checks.field_errors(refused, form))


async def _early(desk: Desk, asker: Asker, form: Form) -> dict[str, str] | messages.Composer:
    """What can be said before any file is fetched: errors by field, or the window with what it needs."""
    if not form.client_id:
        return await filled_in(desk, asker, form, "Choose a client first.")
    try:
        async with desk.house.db.read() as session:
            client = await client_of(session, asker, form)
    except Refused:
        if form.has_accounts:  # whose field says it
            raise
        return await filled_in(desk, asker, form)
    if not form.has_accounts:
        return await filled_in(desk, asker, form)
    problems = composer_checks.early_problems(form, client.zone, desk.house.clock.now())
    if problems:
        return problems
    moved = composer_accept.moved_words(form, client)
    if moved:
        return await filled_in(desk, asker, form, moved)
    if composer_checks.is_ambiguous(form, client.zone):
        return await filled_in(desk, asker, form)
    if not form.has_media:
        return {}
    certain = await composer_checks.certain_problems(desk, asker, form)
    if not certain:
        return {}
    error = DraftProblems(certain)
    return await _with_own_texts(desk, asker, form, error) or composer_checks.field_errors(error, form)


async def _with_own_texts(
    desk: Desk, asker: Asker, form: Form, error: DraftProblems
) -> messages.Composer | None:
    """The window with a text of its own for each platform that the one text does not fit; None where that is
    not what is wrong."""
    shown = await filled_in(desk, asker, form)
    needs = error.need_own_text(shown.platforms, form.own)
    if not needs:
        return None
    wider = composer_checks.offered(form, needs)
    problem = (
        f"One text does not fit all: {blocks.listed([shown.platforms[key] for key in sorted(needs)])} has a "
        "field of its own now. Shorten it there; the other platforms keep the text above."
    )
    again = await filled_in(desk, asker, wider, problem)
    return replace(again, troubles=composer_checks.field_errors(error, wider, again=True))


async def _outcome(
    desk: Desk, asker: Asker, form: Form, media: tuple[Media, ...], *, stagger: bool
) -> tuple[blocks.Block, Message]:
    """The window after the post was queued, or with what is asked or needed first; and the same as a message.

    Raises Refused where something is wrong that the window has a field for."""
    try:
        came = await composer_accept.accept(desk, asker, form, media, stagger=stagger)
    except DraftProblems as error:
        again = await _with_own_texts(desk, asker, form, error)
        if again is None:
            raise
        return messages.composer(again), _not_queued(again.problem)
    if isinstance(came, composer_done.Queued):
        return composer_done.done(came), Message(composer_done.queued_words(came))
    return await _asked(desk, asker, form, came)


async def _asked(desk: Desk, asker: Asker, form: Form, asked: Asked) -> tuple[blocks.Block, Message]:
    again = await filled_in(desk, asker, composer_accept.told(form, asked))
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
    if not isinstance(refused, DraftProblems | FieldProblems):
        return messages.composer(await filled_in(desk, asker, form, refused.text))
    again = await filled_in(desk, asker, form)
    return messages.composer(replace(again, troubles=composer_checks.field_errors(refused, form, again=True)))


async def stagger(desk: Desk, press: Press) -> None:
    """Queues the post with its accounts moved apart, as was offered."""
    demand_member(press.asker, DOING)
    form = read_form(press.view or {})
    early = await _early(desk, press.asker, form)
    if isinstance(early, messages.Composer):
        await _show(desk, press.asker, form, messages.composer(early), _not_queued(early.problem))
    elif early:
        again = replace(await filled_in(desk, press.asker, form), troubles=early)
        await _show(desk, press.asker, form, messages.composer(again), _not_queued(" ".join(early.values())))
    else:
        await _look_and_queue(desk, press.asker, form, stagger=True)


async def spread(desk: Desk, press: Press) -> None:
    """Moves the accounts of a post that was just queued apart, and says who goes out when."""
    demand_member(press.asker, DOING)
    choices = [Choice(*numbers) for numbers in actions.read_choices(press.value)]
    queued = await composer_accept.spread(desk, press.asker, choices)
    view_id = str((press.view or {}).get("id"))
    await desk.gateway.update_view(press.asker.actor.workspace_id, view_id, composer_done.done(queued))


async def _show(desk: Desk, asker: Asker, form: Form, view: blocks.Block, said: Message) -> None:
    """In the window; where it is closed by now, as a message for the author alone."""
    try:
        await desk.gateway.update_view(asker.actor.workspace_id, form.view_id, view)
    except SlackProblem:
        await tell_person(desk, asker, form.channel_id, said)
