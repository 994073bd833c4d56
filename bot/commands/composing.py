"""The composer's rules: what it shows, what is wrong with what was filled in, and queueing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands import wall_time
from bot.commands.composer_form import Carried, Form, now_rounded
from bot.commands.desk import Desk
from bot.commands.media import link_problem
from bot.commands.who import Asker
from bot.domain import health, posting, replanning
from bot.domain.deciding import Choice
from bot.domain.errors import Refused
from bot.domain.examining import Findings, Refusal, examine, refusals
from bot.domain.labels import label_on
from bot.domain.pictures import checking
from bot.domain.posting import Draft, DraftProblems
from bot.messages import composer as messages
from bot.messages import composer_blocks, composer_done
from bot.messages.checking import Moved, cost_words, price_words, stagger_words, warning_words
from bot.messages.wall_time import WallTime
from bot.platforms.base import PlatformInfo
from bot.platforms.content import Content, Media, MediaKind
from bot.platforms.errors import Reason
from storage import clients, connections
from storage import deliveries as delivery_rows
from storage.models import Client, Connection, Post

CARE = {
    health.State.WAITING: "waiting for the platform to answer",
    health.State.ENDING: "needs a new sign-in soon",
    health.State.ENDS_SOON: "needs a new sign-in soon",
    health.State.DEAD: "disconnected: posts wait until it is reconnected",
    health.State.TROUBLE: "cannot post: posts wait until it is put right",
    health.State.PAUSED: "paused: posts wait",
    health.State.LIMITED: "a permission is missing",
}
FIELD_BLOCKS = {"text": composer_blocks.TEXT, "link": composer_blocks.LINK}
STAND_INS = (  # for files that nobody has looked at yet
    Media("https://media.invalid/", MediaKind.IMAGE, "image/jpeg", 1),
    Media("https://media.invalid/", MediaKind.VIDEO, "video/mp4", 1),
)
MENU_MOST = 100
CLIENT_GONE = "That client does not exist any more. Open the composer again."


@dataclass(frozen=True, slots=True)
class Asked:
    """A post that was not queued yet: somebody has to say yes to what was found."""

    findings: Findings
    draft: Draft
    chosen: tuple[Connection, ...]


# -- what it shows ---------------------------------------------------------------------------------


async def facts(
    session: AsyncSession, desk: Desk, asker: Asker, client: Client | None, channel_id: str | None
) -> messages.Composer:
    """What the composer shows for a client, as things stand now."""
    now = desk.house.clock.now()
    carried = Carried(client.id if client else None, channel_id).metadata
    if client is None:
        return messages.Composer(None, (), carried)
    accounts, platforms = [], []
    for row, grant in await connections.with_grants(session, asker.actor.workspace_id, [client.id]):
        if row.platform not in desk.house.platforms:
            continue
        info = desk.house.platforms[row.platform].info
        found = health.health_of(info, asker.workspace, client, row, grant, now)
        care = CARE.get(found.state, "")
        accounts.append(
            messages.Choosable(
                row.id, label_on(desk.house, row), found.colour.value, care, info.key, info.title
            )
        )
        platforms.append(info)
    unique = list({info.key: info for info in platforms}.values())
    wall = wall_time.wall_at(now_rounded(now), client.zone)
    return messages.Composer(
        messages.ComposerClient(client.id, client.slug, client.zone),
        tuple(accounts),
        carried,
        at=wall_time.shown(wall, client.zone, client.slug, asker.zone),
        limits={info.key: _limit(info) for info in unique},
        notes={info.key: _notes(desk, info) for info in unique},
        titled={info.key: f"{info.title} ({info.limits.titled})" for info in unique if info.limits.titled},
    )


def refilled(shown: messages.Composer, asker: Asker, form: Form, problem: str = "") -> messages.Composer:
    """The composer again with what its author had filled in, and what was wrong."""
    return replace(
        shown,
        metadata=replace(form.carried, client_id=shown.client.id if shown.client else None).metadata,
        chosen=form.account_ids,
        text=form.text,
        texts={key: form.texts.get(key) or form.text for key in form.own},
        link=form.link,
        media=form.media_url,
        alts=form.alts,
        when=form.when,
        at=_moment(shown, asker, form),
        problem=problem,
        files=form.files,
        title=form.title or "",
    )


def _moment(shown: messages.Composer, asker: Asker, form: Form) -> WallTime | None:
    """The time that was chosen; what is still open is as it was proposed."""
    if shown.at is None:
        return None
    wall = replace(form.at, date=form.at.date or shown.at.day, time=form.at.time or shown.at.time)
    found = wall_time.shown(wall, shown.at.zone, shown.at.slug, asker.zone)
    return replace(found, folds=()) if form.is_now else found


def asking(desk: Desk, asked: Asked, zone: str) -> messages.Asking:
    """What was found, in words."""
    house, labels = desk.house, {row.id: label_on(desk.house, row) for row in asked.chosen}
    found = asked.findings
    said = [warning_words(checking.warning(house, item, labels, zone)) for item in found.warned]
    said += [cost_words(checking.cost(house, item)) for item in found.costs]
    moved = [Moved(labels[row.id], at) for row, at in zip(asked.chosen, found.apart, strict=False)]
    return messages.Asking(tuple(said), stagger_words(moved, zone) if moved else "")


def _limit(info: PlatformInfo) -> str:
    limits = info.limits
    return messages.limits_hint(info.title, limits.text_max, limits.media_min > 0, limits.media_max > 0)


def _notes(desk: Desk, info: PlatformInfo) -> tuple[str, ...]:
    """What an unreviewed app cannot do, and what a post costs."""
    found = [info.unreviewed] if info.unreviewed and not _reviewed(desk, info) else []
    return (*found, *([price_words(info.title, info.prices)] if info.prices is not None else []))


def _reviewed(desk: Desk, info: PlatformInfo) -> bool:
    app = desk.house.apps.get(info.key)
    return app is not None and app.reviewed


# -- what is wrong ---------------------------------------------------------------------------------


def early_problems(form: Form, zone: str, now: datetime) -> dict[str, str]:
    """What is wrong in itself, by block; asks neither database nor network."""
    found: dict[str, str] = {}
    if not form.account_ids:
        found[composer_blocks.accounts_block(form.client_id)] = "Choose at least one account."
    if not form.text and not form.own_texts and not form.has_media and not form.link:
        found[composer_blocks.TEXT] = "Write something, or add a picture or film."
    bad_link = link_problem(form.media_url) if form.media_url else None
    if bad_link:
        found[composer_blocks.MEDIA] = bad_link
    lines = len(_lines(form))
    if lines > len(form.names):
        number = "is one description" if lines == 1 else f"are {lines} descriptions"
        found[composer_blocks.ALT] = (
            f"There {number} for {len(form.names)} pictures and films. One line for each."
        )
    if form.is_now:
        return found
    return found | wall_time.problems(form.at, zone, now, composer_blocks.AT, ", or “Now” above")


def is_ambiguous(form: Form, zone: str) -> bool:
    """Whether the time comes twice on that day, and nobody has said which is meant."""
    return not form.is_now and len(form.at.instants(zone)) > 1


async def certain_problems(desk: Desk, asker: Asker, form: Form) -> list[Refusal]:
    """What would be refused whatever the files turn out to be; asks the database only."""
    found = [set(await refusals_with(desk, asker, form, stand_in)) for stand_in in STAND_INS]
    return [item for item in found[0] if item in found[1] and item.problem.field != "media"]


async def refusals_with(desk: Desk, asker: Asker, form: Form, stand_in: Media) -> list[Refusal]:
    """What the platforms would refuse if all files were like this one."""
    draft = drafted(form, [stand_in] * len(form.names), desk.house.clock.now())
    async with desk.house.db.read() as session:
        rows = await posting.chosen_of(session, asker.actor, draft)
    return refusals(desk.house, draft.proposed(rows))


def offered(form: Form, needs: frozenset[str]) -> Form:
    """The form with a text of its own opened for these platforms, to be shortened from what was written."""
    own = dict.fromkeys([*form.own, *sorted(needs)])
    return replace(form, own=tuple(own), texts={**form.texts, **dict.fromkeys(needs, form.text)})


def field_errors(error: Refused, form: Form, *, again: bool = False) -> dict[str, str]:
    """What a rule refuses, beside the field that it belongs to; `again`: in the window that comes next, where
    what was added is attached."""
    accounts = composer_blocks.accounts_block(form.client_id)
    if not isinstance(error, DraftProblems):
        return {accounts: error.text}
    found: dict[str, list[str]] = {}
    fields = FIELD_BLOCKS | {"media": _media_block(form, again)}
    fields |= {"title": composer_blocks.TITLE_FIELD} if form.title is not None else {}
    for item in error.refused:
        block = fields.get(item.problem.field, accounts)
        if (item.problem.field, item.problem.reason) == ("media", Reason.TEXT_TOO_LONG):
            block = composer_blocks.ALT  # the description of a picture
        if block == composer_blocks.TEXT and item.platform in form.own:
            block = composer_blocks.own_block(item.platform)
        found.setdefault(block, []).append(item.problem.text)
    return {block: messages.problems(texts) for block, texts in found.items()}


def _media_block(form: Form, again: bool) -> str:
    if form.media_url and not form.files:
        return composer_blocks.MEDIA
    return (
        composer_blocks.named_after(composer_blocks.KEPT, form.files)
        if again and form.files
        else form.files_block
    )


# -- queueing --------------------------------------------------------------------------------------


def drafted(form: Form, media: Sequence[Media], due_at: datetime) -> Draft:
    """The post that was filled in."""
    described = zip(media, [*_lines(form), *[""] * len(media)], strict=False)
    return Draft(
        request_key=f"composer:{form.view_id}",
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


def _lines(form: Form) -> list[str]:
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
        due = form.at.instants(client.zone)[:1] if not form.is_now else ()
        draft = drafted(form, media, due[0] if due else now)
        post = await posting.standing(session, actor.workspace_id, draft.request_key)
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
