"""Posts that do not go out by themselves any more: one message a client, a choice for all and for some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.messages import actions as names
from bot.messages.blocks import (
    Part,
    agree,
    button,
    context,
    count,
    header,
    link,
    listed,
    message,
    row,
    section,
)
from bot.messages.deliveries import (
    ALL_MOST,
    DeliveryShown,
    drop_button,
    move_button,
    posts_in,
    send_button,
    state_words,
)
from bot.messages.message import Message
from bot.messages.people import ClientName
from bot.messages.times import moment

OPEN_MOST = 20
DONE_MOST = 10


def late(client: ClientName, items: Sequence[DeliveryShown], offer_id: str) -> Message:
    """`items` in the order in which they were due; shows what became of those that were decided about."""
    waiting = [item for item in items if item.is_offered]
    lines = [_line(group) for group in _by_post(waiting)]
    done = [item for item in items if not item.is_offered]
    parts: list[Part | None] = [header(_title(client, items, waiting)), section(_intro(waiting))]
    parts += [section(line) for line in lines[:OPEN_MOST]]
    parts += [_rest(len(lines) - OPEN_MOST), _buttons(waiting, offer_id)]
    parts += [section(_done(item)) for item in done[:DONE_MOST]]
    parts.append(_rest(len(done) - DONE_MOST))
    return message(parts)


def more(posts: int) -> Message:
    """A reply, shown in the channel too: the message asks about more than it did."""
    wait = agree(posts, "waits", "wait")
    return message([section(f"⚠️ {count(posts, 'more post')} {wait} for your word: the message above asks.")])


def _title(client: ClientName, items: Sequence[DeliveryShown], waiting: Sequence[DeliveryShown]) -> str:
    posts = posts_in(waiting or items)
    if waiting and all(item.is_restored for item in waiting):
        return (
            f"⚠️ {client.bare}: {agree(posts, 'is this post', f'are these {posts} posts')} still as planned?"
        )
    if any(item.is_restored for item in waiting):
        wait = agree(len(waiting), "waits", "wait")
        return f"⚠️ {client.bare}: {count(len(waiting), 'post')} {wait} for your word"
    noun = agree(posts, "its", "their")
    return f"{'⚠️' if waiting else '✅'} {client.bare}: {count(posts, 'post')} waited past {noun} time"


def _intro(waiting: Sequence[DeliveryShown]) -> str:
    if not waiting:
        return "Nothing is left to decide."
    restored = [item for item in waiting if item.is_restored]
    said = []
    if restored:
        said.append(
            "A backup was brought back. It does not know what happened after it was made: somebody may have "
            "sent, changed or cancelled what it has as planned. None of that goes out until you say so."
        )
    late = len(waiting) - len(restored)
    if restored and late:
        did = agree(late, "is past its time: it did not", "are past their time: they did not")
        said.append(f"{late} of these {len(waiting)} {did} go out, because late can be worse than never.")
    elif late:
        them = agree(posts_in(waiting), "It did not go out by itself", "They did not go out by themselves")
        said.append(f"{them}, because late can be worse than never.")
    return f"{' '.join(said)} What should happen?"


def _buttons(waiting: Sequence[DeliveryShown], offer_id: str) -> Part | None:
    send = "Keep" if waiting and all(item.is_restored for item in waiting) else "Send"
    choose = button("Choose", names.CHOOSE, names.joined("offer", offer_id), about="Choose some of them")
    return row(
        send_button(waiting, _label(send, waiting)),
        choose if len(waiting) > 1 else None,
        move_button(waiting, _label("Move", waiting)),
        drop_button(waiting, _label("Drop", waiting)),
    )


def _label(verb: str, waiting: Sequence[DeliveryShown]) -> str:
    now = " now" if verb == "Send" else ""
    if len(waiting) > ALL_MOST:
        return f"{verb} the first {ALL_MOST}{now}"
    posts = posts_in(waiting)
    return f"{verb} all {posts}{now}" if posts > 1 else f"{verb}{now}"


def _by_post(items: Iterable[DeliveryShown]) -> list[list[DeliveryShown]]:
    """The accounts of one post at one moment together."""
    groups: dict[object, list[DeliveryShown]] = {}
    for item in items:
        groups.setdefault((item.post.id, item.planned_at), []).append(item)
    return list(groups.values())


def _line(items: Sequence[DeliveryShown]) -> str:
    first = items[0]
    planned = moment(first.planned_at or first.post.due_at, first.post.client.zone)
    return f"{planned} · {first.post.excerpt} for {listed([item.account.shown for item in items])}"


def _done(item: DeliveryShown) -> str:
    seen = f" · {link('See it', item.permalink)}" if item.state == "published" and item.permalink else ""
    return f"{item.post.excerpt} for {item.account.shown}: {state_words(item)}{seen}"


def _rest(number: int) -> Part | None:
    return context(f"… and {count(number, 'more post', 'more posts')}.") if number > 0 else None
