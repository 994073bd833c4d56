"""Changing the words of what is queued, or of what failed and goes out again.

A delivery that is past the point of no return keeps the text it was sent with: the others become a post of
their own. See `revising`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import media_use
from bot.domain.auditing import Actor
from bot.domain.content import content_of
from bot.domain.deciding import MOVED_ON, Choice, Outcome, again
from bot.domain.errors import NotCurrent, Refused
from bot.domain.examining import Refusal
from bot.domain.house import House
from bot.domain.posting import DraftProblems
from bot.domain.revising import change, chosen
from bot.platforms.content import Content
from storage import queue as store
from storage.deliveries import BEFORE_RETURN
from storage.models import Connection, Delivery, Post, new_id


@dataclass(frozen=True, slots=True)
class Edit:
    """A post's new words; its pictures and films stay. `texts`: what it says on platforms that have a text of
    their own; those that are not named say the one text."""

    text: str
    title: str | None = None
    link: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)


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
    done = await change(session, actor, choices, "post.edited", now, store.open_ones(), lambda *_: values)
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
    done = await change(session, actor, choices, "post.corrected", now, condition, lambda *_: again(now))
    await _store_words(session, found, done, words, now)
    return done


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
    rows = await chosen(session, actor, choices)
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


async def _own_post(session: AsyncSession, post: Post, ids: Sequence[str], now: datetime) -> Post:
    """The post that these deliveries alone belong to: theirs already, or a copy made for them."""
    rows = await store.of_post(session, post.id)
    own = [row for row in rows if row.id in ids]
    if len(own) == len(rows):
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
        due_at=min(row.due_at for row in own),
        revision=own[0].revision,
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
