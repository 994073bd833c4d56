"""What the composer shows: a client's accounts as they are now, what was filled in, what is asked first."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands import wall_time
from bot.commands.composer_accept import CLIENT_GONE, Asked
from bot.commands.composer_form import Carried, Form, now_rounded
from bot.commands.desk import Desk
from bot.commands.who import Asker
from bot.domain import health
from bot.domain.errors import Refused
from bot.domain.labels import label_on
from bot.domain.pictures import checking
from bot.messages import composer as messages
from bot.messages.checking import Moved, cost_words, price_words, stagger_words, warning_words
from bot.messages.wall_time import WallTime
from bot.platforms.base import PlatformInfo
from storage import clients as client_rows
from storage import connections
from storage.models import Client

DOING = "write posts"
CARE = {
    health.State.WAITING: "waiting for the platform to answer",
    health.State.ENDING: "needs a new sign-in soon",
    health.State.ENDS_SOON: "needs a new sign-in soon",
    health.State.DEAD: "disconnected: posts wait until it is reconnected",
    health.State.TROUBLE: "cannot post: posts wait until it is put right",
    health.State.PAUSED: "paused: posts wait",
    health.State.LIMITED: "a permission is missing",
}


async def facts(
    session: AsyncSession, desk: Desk, asker: Asker, client: Client | None, channel_id: str | None
) -> messages.Composer:
    """What the composer shows for a client, as things stand now."""
    now = desk.house.clock.now()
    if client is None:
        return messages.Composer(None, (), Carried(None, channel_id).metadata)
    carried = Carried(client.id, channel_id, client.zone).metadata
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
    client = shown.client
    place = (client.id, client.zone) if client is not None else (None, form.carried.zone)
    return replace(
        shown,
        metadata=replace(form.carried, client_id=place[0], zone=place[1]).metadata,
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
    """The time that was chosen; what is still open is as it was proposed. Without a client what was chosen
    waits for one."""
    if shown.at is None and (form.is_now or not form.at.date):
        return None
    if shown.at is None:
        return WallTime(form.at.date, form.at.time, form.carried.zone or "UTC", "that client")
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


async def filled_in(desk: Desk, asker: Asker, form: Form, problem: str = "") -> messages.Composer:
    """The composer for what was filled in, as things stand now. Where the client is gone, another one can be
    chosen, and what was written stays."""
    async with desk.house.db.read() as session:
        try:
            client = await client_of(session, asker, form) if form.client_id else None
        except Refused as gone:
            client, problem = None, gone.text
        shown = await facts(session, desk, asker, client, form.channel_id)
    return refilled(shown, asker, form, problem)


async def client_of(session: AsyncSession, asker: Asker, form: Form) -> Client:
    """The client that was chosen. Raises Refused where it is gone."""
    client = await client_rows.get(session, asker.actor.workspace_id, form.client_id)
    if client is None or client.closed_at is not None:
        raise Refused(CLIENT_GONE)
    return client
