"""Changing what is queued: edit, move, cancel, restore, publish now.

Each is one conditional update per delivery that succeeds only before the point of no return, raises its
revision and drops what was prepared for the old one, so that nothing old can still be sent. A delivery that
is past that point stays as it is, and keeps the text it was sent with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import media_use, reports
from bot.domain.auditing import Actor, record
from bot.domain.checking_posts import STAGGER
from bot.domain.content import content_of
from bot.domain.errors import NotCurrent, Refused
from bot.domain.examining import Refusal
from bot.domain.house import House
from bot.domain.posting import PAST_TOLERANCE, Choice, DraftProblems, Outcome
from bot.platforms.base import Content
from storage import queue as store
from storage import watching
from storage.deliveries import BEFORE_RETURN
from storage.models import Connection, Delivery, Post, new_id

PAST = "That time is in the past. Choose a later one, or publish it now."
MOVED_ON = "Nothing was changed: this has moved on since the message was written."
FRESH: dict[str, Any] = {
    "handles": None,
    "progress": None,
    "handles_until": None,
    "handles_revision": None,
    "handles_generation": None,
    "steps": 0,
}
"""What was prepared belongs to the old revision."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A post's new words; its pictures and films stay. `texts`: what it says on platforms that have a text of
    their own; those that are not named say the one text."""

    text: str
    title: str | None = None
    link: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)


Values = Callable[[Choice, int], dict[str, Any]]
"""The new columns of a delivery, which is the n-th that is changed."""


async def edit(
    session: AsyncSession, house: House, actor: Actor, choices: Sequence[Choice], words: Edit, now: datetime
) -> Outcome:
    """Changes the words of one post on the chosen accounts. Where other accounts of it are past the point of
    no return (or were not chosen), the chosen ones become a post of their own.

    Raises NotCurrent where nothing could be changed, DraftProblems where a platform would refuse it."""
    found = await _reworded(session, house, actor, choices, words)
    if found.is_same:
        if not found.rows or any(row.state not in BEFORE_RETURN for row in found.rows):
            raise NotCurrent(MOVED_ON)
        return Outcome(tuple(found.rows), repeated=True)
    values = {
        "state": case((Delivery.state == "preparing", "scheduled"), else_=Delivery.state),
        "next_at": case((Delivery.state == "preparing", now), else_=Delivery.next_at),
    }
    done = await _change(session, actor, choices, "post.edited", now, store.open_ones(), lambda *_: values)
    await _store_words(session, found, done, words, now)
    return done


async def edit_failed(
    session: AsyncSession, house: House, actor: Actor, choices: Sequence[Choice], words: Edit, now: datetime
) -> Outcome:
    """Changes the words of one post where it failed, and sends it again there, and nowhere else.

    Raises NotCurrent, DraftProblems, and Refused where nothing was changed."""
    found = await _reworded(session, house, actor, choices, words)
    if found.is_same:
        rows = {row.id: row for row in found.rows}
        if not rows:
            raise NotCurrent(MOVED_ON)
        if all(rows[choice.delivery_id].attempt == choice.attempt + 1 for choice in choices):
            return Outcome(tuple(found.rows), repeated=True)
        raise Refused("You changed nothing. To send it again as it is, close this window and press Retry.")
    condition = Delivery.state == "failed"
    done = await _change(session, actor, choices, "post.corrected", now, condition, lambda *_: again(now))
    await _store_words(session, found, done, words, now)
    return done


def again(now: datetime) -> dict[str, Any]:
    """The columns of a delivery that failed and goes out again at once, as a new attempt."""
    return FRESH | {
        "state": "scheduled",
        "attempt": Delivery.attempt + 1,
        "next_at": now,
        "planned_at": now,
        "late": False,
        "reason": None,
        "code": None,
    }


@dataclass(frozen=True, slots=True)
class _Reworded:
    """A post (locked) and its new content, the platforms of its chosen accounts by the account, the chosen
    deliveries as they are, and whether all of them say that already."""

    post: Post
    content: Content
    platform_of: Mapping[str, str]
    rows: Sequence[Delivery]
    is_same: bool


async def _reworded(
    session: AsyncSession, house: House, actor: Actor, choices: Sequence[Choice], words: Edit
) -> _Reworded:
    posts = await store.locked(session, actor.workspace_id, [choice.delivery_id for choice in choices])
    post = next(iter(posts.values()), None)
    if post is None or len({row.id for row in posts.values()}) != 1:
        raise NotCurrent(MOVED_ON)
    before = content_of(house, post)
    content = replace(before, text=words.text, title=words.title, link=words.link)
    platform_of = await _platforms(session, choices)
    _check(house, set(platform_of.values()), content, words.texts)
    rows = await _chosen(session, actor, choices)
    same = all(row.text == _own_text(words, platform_of.get(row.connection_id, "")) for row in rows)
    return _Reworded(post, content, platform_of, rows, content == before and same)


async def _store_words(
    session: AsyncSession, found: _Reworded, done: Outcome, words: Edit, now: datetime
) -> None:
    target = await _own_post(session, found.post, [row.id for row in done.changed], now)
    content = found.content
    target.text, target.title, target.link = content.text, content.title, content.link
    for row in done.changed:
        row.text = _own_text(words, found.platform_of.get(row.connection_id, ""))
    await session.flush()
    await media_use.hold(session, target, content.media, now)


async def move(
    session: AsyncSession,
    actor: Actor,
    choices: Sequence[Choice],
    due_at: datetime,
    now: datetime,
    apart: timedelta = timedelta(0),
) -> Outcome:
    """Another moment (UTC-aware) for the first post, and for each further one that much later, in the order
    in which they were due. Raises Refused for a moment in the past, NotCurrent."""
    if due_at < now - PAST_TOLERANCE:
        raise Refused(PAST)
    rows = await _chosen(session, actor, choices)
    moments = list(dict.fromkeys((row.due_at, row.post_id) for row in sorted(rows, key=_in_due_order)))
    wanted = {row.id: due_at + moments.index((row.due_at, row.post_id)) * apart for row in rows}
    stands = (row.state == "scheduled" and row.due_at == row.planned_at == wanted[row.id] for row in rows)
    if rows and all(stands):
        return Outcome(tuple(rows), repeated=True)

    def moved(choice: Choice, _: int) -> dict[str, Any]:
        due = wanted.get(choice.delivery_id, due_at)
        return _due(due, due)

    return await _change(session, actor, choices, "post.moved", now, store.open_ones(), moved)


async def publish_now(
    session: AsyncSession, actor: Actor, choices: Sequence[Choice], now: datetime
) -> Outcome:
    """Due from now on. Raises NotCurrent."""
    return await _change(
        session, actor, choices, "post.hurried", now, store.open_ones(), lambda *_: _due(now, now)
    )


async def stagger(
    session: AsyncSession, actor: Actor, choices: Sequence[Choice], now: datetime, step: timedelta = STAGGER
) -> Outcome:
    """Moves the chosen deliveries apart: the first stays, each further one goes `step` later. They are due
    at one moment, that of the first. Raises NotCurrent."""
    first = await session.get(Delivery, choices[0].delivery_id) if choices else None
    if first is None or first.workspace_id != actor.workspace_id:
        raise NotCurrent(MOVED_ON)
    start = max(first.due_at, now)

    def spread(_: Choice, number: int) -> dict[str, Any]:
        return _due(start + number * step, start + number * step)

    return await _change(session, actor, choices, "post.staggered", now, store.open_ones(), spread)


async def cancel(session: AsyncSession, actor: Actor, choices: Sequence[Choice], now: datetime) -> Outcome:
    """Takes it out of the queue; it can be restored for a day. Raises NotCurrent."""
    values = {"state": "cancelled", "reason": store.CANCELLED, "next_at": None, "late": False}
    return await _change(session, actor, choices, "post.cancelled", now, store.open_ones(), lambda *_: values)


async def restore(session: AsyncSession, actor: Actor, choices: Sequence[Choice], now: datetime) -> Outcome:
    """Puts back what was cancelled less than a day ago. What is late by then is asked about, not fired.

    Raises NotCurrent."""
    living = select(Connection.id).where(Connection.state == "live")
    condition = and_(store.restorable(now), Delivery.connection_id.in_(living))
    values = _due(Delivery.due_at, Delivery.due_at)
    return await _change(session, actor, choices, "post.restored", now, condition, lambda *_: values)


def _in_due_order(row: Delivery) -> tuple[datetime, datetime, str]:
    return row.due_at, row.created_at, row.post_id


def _due(due_at: Any, next_at: Any) -> dict[str, Any]:
    return {
        "state": "scheduled",
        "due_at": due_at,
        "planned_at": due_at,
        "next_at": next_at,
        "late": False,
        "reason": None,
        "code": None,
    }


async def _change(
    session: AsyncSession,
    actor: Actor,
    choices: Sequence[Choice],
    action: str,
    now: datetime,
    condition: ColumnElement[bool],
    values: Values,
) -> Outcome:
    """The conditional updates, all in the caller's transaction."""
    posts = await store.locked(session, actor.workspace_id, [choice.delivery_id for choice in choices])
    revisions = {post.id: await _next_revision(session, post) for post in posts.values()}
    changed: list[Delivery] = []
    left: list[Choice] = []
    for choice in choices:
        post = posts.get(choice.delivery_id)
        row = None
        if post is not None:
            columns = FRESH | {"revision": revisions[post.id]} | values(choice, len(changed))
            numbers = (choice.delivery_id, choice.attempt, choice.revision)
            row = await store.change(session, actor.workspace_id, numbers, condition, now, **columns)
        if row is None:
            left.append(choice)
        else:
            changed.append(row)
    if not changed:
        raise NotCurrent(MOVED_ON)
    await watching.posts_changed(session, (row.connection_id for row in changed), now)
    for row in changed:
        detail = {"delivery": row.id, "attempt": row.attempt, "revision": row.revision}
        record(session, actor, action, now, client_id=row.client_id, detail=detail)
        await reports.settled(session, row)
    for post in {id(item): item for item in posts.values()}.values():
        await _follow(session, post, revisions[post.id], {row.id for row in changed})
    return Outcome(tuple(changed), tuple(left))


async def _next_revision(session: AsyncSession, post: Post) -> int:
    rows = await store.of_post(session, post.id)
    return max([post.revision, *(row.revision for row in rows)]) + 1


async def _follow(session: AsyncSession, post: Post, revision: int, changed: set[str]) -> None:
    """The post itself moves on only where all of it did: what was made for its other accounts stays good."""
    rows = await store.of_post(session, post.id)
    if rows and all(row.id in changed for row in rows):
        post.revision = revision
        post.due_at = min(row.due_at for row in rows)
        await session.flush()


async def _own_post(session: AsyncSession, post: Post, ids: Sequence[str], now: datetime) -> Post:
    """The post that these deliveries alone belong to: theirs already, or a copy made for them."""
    rows = await store.of_post(session, post.id)
    chosen = [row for row in rows if row.id in ids]
    if len(chosen) == len(rows):
        return post
    key = new_id()
    twin = Post(
        id=key,
        workspace_id=post.workspace_id,
        client_id=post.client_id,
        request_key=f"edit:{key}",
        author=post.author,
        text=post.text,
        media=list(post.media),
        title=post.title,
        link=post.link,
        due_at=min(row.due_at for row in chosen),
        revision=chosen[0].revision,
        channel_id=post.channel_id,
        created_at=now,
    )
    session.add(twin)
    await session.flush()
    await store.put(session, ids, twin.id)
    return twin


def _check(house: House, platforms: Iterable[str], content: Content, texts: Mapping[str, str]) -> None:
    found = [
        Refusal(key, problem)
        for key in sorted(platforms)
        if key in house.platforms
        for problem in house.platforms[key].check(replace(content, text=texts.get(key, content.text)))
    ]
    if found:
        raise DraftProblems(found)


def _own_text(words: Edit, platform: str) -> str | None:
    own = words.texts.get(platform)
    return own if own != words.text else None


async def _platforms(session: AsyncSession, choices: Sequence[Choice]) -> dict[str, str]:
    """The platforms of the chosen deliveries' accounts, by the account."""
    ids = select(Delivery.connection_id).where(Delivery.id.in_([choice.delivery_id for choice in choices]))
    query = select(Connection.id, Connection.platform).where(Connection.id.in_(ids))
    return {row[0]: row[1] for row in (await session.execute(query)).all()}


async def _chosen(session: AsyncSession, actor: Actor, choices: Sequence[Choice]) -> list[Delivery]:
    """The deliveries as they are now; none where one of them is not to be found."""
    ids = {choice.delivery_id for choice in choices}
    query = select(Delivery).where(Delivery.id.in_(ids), Delivery.workspace_id == actor.workspace_id)
    rows = (await session.execute(query.execution_options(populate_existing=True))).scalars().all()
    return list(rows) if len(rows) == len(ids) else []
