"""The windows that change queued posts: their words, and when they go out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.messages import actions as names
from bot.messages import blocks, modals
from bot.messages.blocks import (
    Block,
    context,
    count,
    listed,
    safe,
    section,
)
from bot.messages.deliveries import DeliveryShown
from bot.messages.times import dated, day, zone_of
from bot.messages.wall_time import Names, WallTime, fields
from bot.messages.words import post_words

TEXT, POST_TITLE, LINK = "queue.text", "queue.title", "queue.link"
AT = Names("queue.date", "queue.time", "queue.fold")
TITLE_MOST = 500  # above all platforms' own limits
OWN = "queue.own"  # with the platform behind it
APART = "queue.apart"
APARTS = {
    "300": "5 minutes apart",
    "1800": "30 minutes apart",
    "3600": "1 hour apart",
    "86400": "1 day apart",
    "1": "One right after the other",
}
"""By the seconds between two posts."""


@dataclass(frozen=True, slots=True)
class EditForm:
    """A queued post as its window shows it. `title` and `link` are None where they have no field; `texts`:
    what is said on platforms (their keys) with a text of their own; `problem` stands on top."""

    items: tuple[DeliveryShown, ...]
    text: str
    metadata: str
    media: int = 0
    title: str | None = None
    link: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    callback_id: str = names.QUEUE_EDITOR


def edit_modal(form: EditForm) -> Block:
    """The window in which the words of a post are changed."""
    shown = [section(f"⚠️ {blocks.escape(form.problem)}").block] if form.problem else []
    shown.append(_about(form.items))
    again = form.callback_id == names.FAILED_EDITOR
    if again:
        shown += [section(_why(item)).block for item in form.items[:3]]
    if form.title is not None:
        element = modals.text_element(form.title, most=TITLE_MOST)
        shown.append(modals.field(POST_TITLE, "Title", element, optional=True))
    shown.append(modals.field(TEXT, "Text", modals.text_element(form.text, multiline=True), optional=True))
    titles = {item.account.platform.key: item.account.platform.title for item in form.items}
    for key, text in form.texts.items():
        element = modals.text_element(text, multiline=True)
        hint = "Instead of the text above. Empty: the text above."
        words = f"Text for {titles.get(key, key)}"
        shown.append(modals.field(own_block(key), words, element, optional=True, hint=hint))
    if form.link is not None:
        shown.append(modals.field(LINK, "Link", modals.url_element(form.link), optional=True))
    if form.media:
        its = "Its picture or film stays" if form.media == 1 else f"Its {form.media} pictures or films stay"
        shown.append(context(f"{its}. To change that, cancel this post and write a new one.").block)
    submit = "Save and send" if again else "Save"
    return modals.modal(
        "Edit post", shown, callback_id=form.callback_id, submit=submit, metadata=form.metadata
    )


def _why(item: DeliveryShown) -> str:
    """Why it failed; what helps is this window."""
    return f"⛔ {item.account.shown}: {post_words(item.reason, item.account.platform).what}"


def own_block(platform: str) -> str:
    """The block of a platform's own text."""
    return f"{OWN}:{platform}"


def move_modal(items: Sequence[DeliveryShown], at: WallTime, metadata: str, apart: str = "") -> Block:
    """The window in which posts are moved. `apart`: a key of APARTS."""
    several = len({(item.post.id, item.planned_at) for item in items}) > 1
    label = "When does the first go out? Day" if several else "New day"
    shown = [_about(items), *fields(AT, at, label=label)]
    if several:
        options = [modals.option(words, seconds) for seconds, words in APARTS.items()]
        spread = modals.one_element(options, apart if apart in APARTS else next(iter(APARTS)))
        shown.append(modals.field(APART, "And the others?", spread, hint="They keep their order."))
    return modals.modal("Move", shown, callback_id=names.QUEUE_MOVER, submit="Move", metadata=metadata)


def done_modal(title: str, said: str, *, sign: str = "✅") -> Block:
    """What came of it. `sign`: "◽" where nothing was changed."""
    hint = "`/queue` shows the list as it is now."
    return modals.modal(title, [section(f"{sign} {said}").block, context(hint).block], close="Done")


def _about(items: Sequence[DeliveryShown]) -> Block:
    first = items[0]
    whom = listed(list(dict.fromkeys(item.account.shown for item in items)))
    posts = len({item.post.id for item in items})
    what = f"{count(posts, 'post')} for" if posts > 1 else "For"
    return section(f"{what} *{safe(first.post.client.name or first.post.client.slug)}*: {whom}").block


def moved_words(due_at: datetime, last_at: datetime, zone: str, author_zone: str | None) -> str:
    """When posts go out now, from the first to the last, in the client's zone and the author's."""
    local, last = due_at.astimezone(zone_of(zone)), last_at.astimezone(zone_of(zone))
    said = f"moved to {dated(local.date())} {local:%H:%M} ({zone})"
    if last_at - due_at >= timedelta(minutes=1):
        return f"{said} and after, the last {dated(last.date())} {last:%H:%M}"
    if author_zone is None:
        return said
    mine = due_at.astimezone(zone_of(author_zone))
    if mine.utcoffset() == local.utcoffset():
        return said
    other_day = "" if mine.date() == local.date() else f"{day(mine.date())} "
    return f"{said}, {other_day}{mine:%H:%M} for you"
