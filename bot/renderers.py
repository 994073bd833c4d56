"""Which notice becomes which message: a topic's facts are read when it is sent, then said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import absences, ahead, digests, disconnecting, pausing, returning
from bot.domain import closing as leaving
from bot.domain.house import House
from bot.domain.pictures import absences as absence_pictures
from bot.domain.pictures import alerts, imports, invitations, pauses, posts
from bot.domain.pictures import digests as digest_pictures
from bot.domain.pictures.parts import platform_words
from bot.messages import absences as absence_words
from bot.messages import ahead as ahead_words
from bot.messages import (
    closing,
    disconnect,
    engine,
    importing,
    incident,
    incident_news,
    invitation,
    late,
    logins,
    renamed,
    versions,
)
from bot.messages import digest as digest_words
from bot.messages import pausing as pause_words
from bot.messages import posts as told
from bot.messages.incident_facts import Reminder
from bot.messages.message import Message
from bot.messages.missed import with_note
from bot.slack.errors import SlackProblem
from storage import clients, connections
from storage import imports as import_rows
from storage.models import Notice

__all__ = ["build_renderers"]

log = structlog.get_logger(__name__)

Permalink = Callable[[str, str, str], Awaitable[str]]
"""The address of a message: workspace, channel, timestamp in. Raises SlackProblem."""
Renderer = Callable[[Notice], Awaitable[Message | None]]
Show = Callable[[AsyncSession, House, Notice], Awaitable[Message | None]]


def build_renderers(house: House, permalink: Permalink | None = None) -> dict[str, Renderer]:
    """By topic. A renderer answers None when there is nothing to say any more. Without `permalink`, messages
    name others in words alone."""
    found = {topic: _renderer(house, show) for topic, show in TOPICS.items()}
    return found | {"incident": _incident_renderer(house, permalink)}


def _renderer(house: House, show: Show) -> Renderer:
    async def render(notice: Notice) -> Message | None:
        async with house.db.read() as session:
            message = await show(session, house, notice)
        return with_note(message, notice.problem) if message is not None else None

    return render


async def _invitation(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    facts = await invitations.batch(session, house, notice.workspace_id, notice.subject_id or "")
    return invitation.invitation(facts) if facts else None


async def _invitation_client(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    facts = await invitations.batch(session, house, notice.workspace_id, notice.subject_id or "")
    return invitation.for_client(facts) if facts else None


def _incident_renderer(house: House, permalink: Permalink | None) -> Renderer:
    """An alert's first message. Where it leads is asked of Slack with no transaction open."""

    async def render(notice: Notice) -> Message | None:
        async with house.db.read() as session:
            places = await alerts.linked_roots(session, notice)
        links = {word: await _address(place, permalink) for word, place in places.items()}
        async with house.db.read() as session:
            client_id = notice.facts.get("client")
            facts = await alerts.alert(
                session, house, notice.workspace_id, notice.subject_id or "", client_id
            )
        if facts is None:
            return None
        led = replace(
            facts, has_began="began" in links, began=links.get("began"), goes_on=links.get("goes_on")
        )
        return with_note(incident.incident(led), notice.problem)

    return render


async def _address(place: Notice, permalink: Permalink | None) -> str | None:
    """Where a message stands; None where it does not stand yet, or Slack does not say."""
    if permalink is None or place.channel_id is None or place.ts is None:
        return None
    try:
        return await permalink(place.workspace_id, place.channel_id, place.ts)
    except SlackProblem as problem:
        log.info("no permalink", notice=place.id, word=problem.word)
        return None


async def _incident_news(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    facts = await alerts.alert(
        session, house, notice.workspace_id, notice.subject_id or "", notice.facts.get("client")
    )
    if facts is None:
        return None
    what = str(notice.facts.get("what", ""))
    if what == "reminder":
        said = Reminder(notice.facts.get("snoozed_by"), bool(notice.facts.get("is_last")))
        return incident_news.reminder(replace(facts, reminder=said))
    about = await alerts.news_of(session, house, notice.workspace_id, notice.facts.get("connection"))
    return incident_news.news(replace(facts, news_of=about), what)


async def _day(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    of = date.fromisoformat(notice.facts["day"])
    facts = await posts.day(session, house, notice.workspace_id, notice.subject_id or "", of)
    return told.day_message(facts) if facts else None


async def _published(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    item = await posts.one(session, house, notice.workspace_id, notice.subject_id or "")
    return told.published(item) if item else None


async def _post(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    items = await posts.of_post(session, house, notice.workspace_id, notice.subject_id or "")
    return told.post(items[0].post, items) if items else None


async def _post_news(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    """Nothing, where a person was faster: then the root tells what became of it."""
    item = await posts.one(session, house, notice.workspace_id, notice.subject_id or "")
    what = str(notice.facts.get("what", ""))
    if item is None or item.attempt != notice.facts.get("attempt") or item.state != what:
        return None
    return told.post_news(item, what)


async def _late(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    found = await posts.late(session, house, notice.workspace_id, notice.subject_id or "", notice.id)
    return late.late(*found, notice.id) if found else None


async def _import(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    row = await import_rows.get(session, notice.workspace_id, notice.subject_id or "")
    return importing.result(imports.shown(row)) if row is not None else None


async def _late_more(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    return late.more(int(notice.facts.get("posts") or 1))


async def _gap(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    since, until = (datetime.fromisoformat(notice.facts[key]) for key in ("from", "to"))
    workspace = await clients.workspace(session, notice.workspace_id)
    return engine.gap(since, until, int(notice.facts.get("late") or 0), workspace.zone)


async def _version(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    facts = notice.facts
    title = platform_words(house, facts["platform"]).title
    end, today = date.fromisoformat(facts["end"]), house.clock.now().date()
    return versions.version_ends(facts["setting"], facts["value"], title, end, today)


async def _renamed(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    row = await connections.get(session, notice.workspace_id, notice.subject_id or "")
    if row is None:
        return None
    title = platform_words(house, row.platform).title
    return renamed.renamed(title, notice.facts["old"], notice.facts["new"])


async def _handed_over(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    facts = notice.facts
    left = [
        logins.Left(item["client"], f"{item['label']} on {platform_words(house, item['platform']).title}")
        for item in facts["left"]
    ]
    title = platform_words(house, facts["platform"]).title
    return logins.handed_over(facts["holder"], title, facts["moved"], left)


async def _welcome(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    workspace = await clients.workspace(session, notice.workspace_id)
    return engine.welcome(workspace.name)


async def _back(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    facts, workspace = notice.facts, await clients.workspace(session, notice.workspace_id)
    since, until = (datetime.fromisoformat(facts[key]) for key in ("since", "until"))
    numbers = (facts[key] for key in ("accounts", "alerts", "missed", "to_come"))
    return engine.back(engine.Back(since, until, *numbers), workspace.zone)


async def _disconnected(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    ids, cancelled = notice.facts.get("deliveries", ()), int(notice.facts.get("cancelled") or 0)
    subject, by = notice.subject_id or "", notice.facts.get("by")
    gone = await disconnecting.picture(session, house, notice.workspace_id, subject, ids, cancelled, by)
    return disconnect.disconnected(gone) if gone else None


async def _pause(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    found = await pauses.pause(session, notice.workspace_id, notice.subject_id or "", notice.facts)
    return pause_words.paused(found) if found else None


async def _pause_news(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    facts = notice.facts
    found = await pauses.pause(session, notice.workspace_id, notice.subject_id or "", facts)
    return pause_words.resumed(found, int(facts["sent"]), int(facts["late"])) if found else None


async def _closed(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    ids, cancelled = notice.facts.get("departures", ()), int(notice.facts.get("cancelled") or 0)
    subject, by = notice.subject_id or "", notice.facts.get("by")
    gone = await leaving.picture(session, house, notice.workspace_id, subject, ids, cancelled, by)
    return closing.closed_message(gone) if gone else None


async def _person_gone(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    person, standing = notice.subject_id or "", str(notice.facts.get("standing"))
    facts = await absence_pictures.gone(session, house, notice.workspace_id, person, standing)
    return absence_words.gone(facts) if facts else None


async def _digest(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    person = notice.subject_id or ""
    facts = await digest_pictures.for_person(session, house, notice.workspace_id, person)
    return digest_words.digest(facts) if facts else None


async def _digest_team(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    client_id = notice.subject_id or ""
    facts = await digest_pictures.for_team(session, house, notice.workspace_id, client_id)
    return digest_words.digest(facts) if facts else None


async def _totals(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    monday = date.fromisoformat(notice.facts["week"])
    facts = await digest_pictures.totals(session, house, notice.workspace_id, monday)
    return digest_words.totals(facts) if facts else None


async def _ahead(session: AsyncSession, house: House, notice: Notice) -> Message | None:
    of = date.fromisoformat(notice.facts["day"])
    facts = await digest_pictures.ahead(session, house, notice.workspace_id, notice.subject_id or "", of)
    return ahead_words.ahead(facts) if facts else None


TOPICS: dict[str, Show] = {
    "invitation": _invitation,
    "invitation.client": _invitation_client,
    "incident.news": _incident_news,
    "day": _day,
    "published": _published,
    "post": _post,
    "post.news": _post_news,
    "import": _import,
    "late": _late,
    absences.TOPIC: _person_gone,
    ahead.TOPIC: _ahead,
    digests.PERSON: _digest,
    digests.TEAM: _digest_team,
    digests.TOTALS: _totals,
    pausing.TOPIC: _pause,
    pausing.NEWS: _pause_news,
    "late.more": _late_more,
    disconnecting.TOPIC: _disconnected,
    leaving.TOPIC: _closed,
    "engine.gap": _gap,
    "engine.version": _version,
    returning.TOPIC: _back,
    "login.handed_over": _handed_over,
    "renamed": _renamed,
    "welcome": _welcome,
}
"""How each topic is shown, besides alerts, which lead to one another. Every topic that the rules write stands
here or there."""
