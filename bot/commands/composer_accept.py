"""From a filled in composer to a queued post, or to a question first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.composer_form import Form
from bot.commands.desk import Desk
from bot.commands.who import Asker
from bot.domain import posting, replanning
from bot.domain.deciding import Choice
from bot.domain.errors import Refused
from bot.domain.examining import Findings, examine
from bot.domain.labels import label_on
from bot.domain.posting import Draft, DraftProblems
from bot.messages import composer_done
from bot.platforms.content import Content, Media
from storage import clients
from storage import deliveries as delivery_rows
from storage.models import Client, Connection, Post

ALREADY = (
    "This was queued already, as it was sent first, and not as it stands here. Close this window: /queue "
    "shows what is queued, and changes it."
)
CLIENT_GONE = "That client does not exist any more. Choose another one."


@dataclass(frozen=True, slots=True)
class Asked:
    """A post that was not queued yet: somebody has to say yes to what was found."""

    findings: Findings
    draft: Draft
    chosen: tuple[Connection, ...]


def drafted(form: Form, media: Sequence[Media], due_at: datetime) -> Draft:
    """The post that was filled in."""
    described = zip(media, [*descriptions(form), *[""] * len(media)], strict=False)
    return Draft(
        request_key=_key(form),
        client_id=form.client_id,
        connection_ids=form.account_ids,
        content=Content(
            text=form.text,
            media=tuple(replace(item, alt=line) if line else item for item, line in described),
            title=form.title or None,
            link=form.link or None,
        ),
        due_at=due_at,
        texts=form.own_texts,
    )


def _key(form: Form) -> str:
    return f"composer:{form.view_id}"


async def is_queued(desk: Desk, asker: Asker, form: Form) -> bool:
    """Whether the window's post stands already."""
    async with desk.house.db.read() as session:
        return await posting.standing(session, asker.actor.workspace_id, _key(form)) is not None


def descriptions(form: Form) -> list[str]:
    """The descriptions, one for each picture or film; for a single one all lines together."""
    lines = [" ".join(line.split()) for line in form.alts.splitlines()]
    return [" ".join(lines)] if len(form.names) == 1 and lines else lines


async def accept(
    desk: Desk, asker: Asker, form: Form, media: Sequence[Media], *, stagger: bool = False
) -> composer_done.Queued | Asked:
    """Stores the post, unless somebody has to say yes first; a repeated submit is the same one.

    Raises DraftProblems or Refused."""
    house, now = desk.house, desk.house.clock.now()
    actor = replace(asker.actor, channel_id=form.channel_id)
    async with house.db.write() as session:
        client = await clients.get(session, actor.workspace_id, form.client_id)
        if client is None or client.closed_at is not None:
            raise Refused(CLIENT_GONE)
        draft = drafted(form, media, now if form.is_now else _moment(form, client))
        post = await posting.standing(session, actor.workspace_id, draft.request_key)
        if post is not None and not await _says(session, post, draft, form.is_now):
            raise Refused(ALREADY)
        if post is None:
            rows = await posting.chosen_of(session, actor, draft)
            found = await examine(session, house, draft.proposed(rows))
            if found.refused:
                raise DraftProblems(found.refused)
            if found.asked - form.carried.told:
                return Asked(found, draft, tuple(rows))
            if stagger and found.apart:
                moments = {row.id: at for row, at in zip(rows, found.apart, strict=True)}
                draft = replace(draft, due_of=moments)
            post = await posting.queue(session, house, actor, draft, now)
        queued = await _queued(session, desk, asker, post, client, form.is_now)
    house.wake.engine.set()
    return queued


def moved_words(form: Form, client: Client) -> str:
    """What to say where the window shows a time in another zone than the client has by now; else nothing."""
    if form.is_now or form.carried.zone in (None, client.zone):
        return ""
    return f"{client.slug} is in {client.zone} now, and the time below is meant there. Look at it once more."


def _moment(form: Form, client: Client) -> datetime:
    """The moment that was chosen (UTC-aware). Raises Refused where the client's zone has changed since."""
    found = form.at.instants(client.zone)
    moved = moved_words(form, client)
    if moved or len(found) != 1:
        raise Refused(moved or "Choose the time once more.")
    return found[0]


async def _says(session: AsyncSession, post: Post, draft: Draft, is_now: bool) -> bool:
    """Whether a queued post is what this draft says: an answer may be lost, and its author go on writing."""
    words = draft.content
    media = [item["id"] for item in post.media] == [item.stored for item in words.media]
    same = (post.text, post.title, post.link) == (words.text, words.title, words.link) and media
    found = await delivery_rows.of_post(session, post.id)
    texts = {row.id: delivery.text for delivery, row in found}
    wanted = {item.connection_id: item.content.text for item in draft.proposed(row for _, row in found)}
    own = {key: text if text != words.text else None for key, text in wanted.items()}
    whom = set(draft.connection_ids) == set(texts)
    return same and whom and texts == own and (is_now or post.due_at == draft.due_at)


async def _queued(
    session: AsyncSession, desk: Desk, asker: Asker, post: Post, client: Client, now: bool
) -> composer_done.Queued:
    moments: dict[datetime, list[str]] = {}
    found = await delivery_rows.of_post(session, post.id)
    for delivery, row in found:
        moments.setdefault(delivery.due_at, []).append(label_on(desk.house, row))
    ordered = tuple((at, tuple(labels)) for at, labels in sorted(moments.items()))
    same = [row for row, _ in found if row.state == "scheduled" and row.text is None and post.text.strip()]
    together = tuple((row.id, row.attempt, row.revision) for row in same) if len(moments) == 1 else ()
    return composer_done.Queued(ordered, client.slug, client.zone, asker.zone, now, () if now else together)


async def spread(desk: Desk, asker: Asker, choices: Sequence[Choice]) -> composer_done.Queued:
    """Moves a queued post's accounts apart. Raises NotCurrent where that is too late."""
    async with desk.house.db.write() as session:
        done = await replanning.stagger(session, asker.actor, choices, desk.house.clock.now())
        post = await session.get_one(Post, done.changed[0].post_id)
        client = await session.get_one(Client, post.client_id)
        queued = await _queued(session, desk, asker, post, client, False)
    desk.house.wake.engine.set()
    return queued


def told(form: Form, asked: Asked) -> Form:
    """The form, with what was asked remembered."""
    known = form.carried.told | asked.findings.asked
    return replace(form, carried=replace(form.carried, told=known))
