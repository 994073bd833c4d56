"""Posts that waited past their time: one message a client, each with its own choice, and all at once."""

from __future__ import annotations

from collections.abc import Sequence

from bot.messages.blocks import Part, agree, context, count, header, link, message, row, section
from bot.messages.deliveries import ALL_MOST, DeliveryShown, drop_button, send_button, state_words
from bot.messages.message import Message
from bot.messages.people import ClientName

OPEN_MOST = 15  # two blocks each
DONE_MOST = 10


def late(client: ClientName, items: Sequence[DeliveryShown]) -> Message:
    """`items` in the order in which they were due; shows what became of those that were decided about."""
    waiting = [item for item in items if item.is_offered]
    done = [item for item in items if not item.is_offered]
    noun = agree(len(items), "its", "their")
    title = f"{'⚠️' if waiting else '✅'} {client.bare}: {count(len(items), 'post')} waited past {noun} time"
    parts: list[Part | None] = [header(title), section(_intro(waiting))]
    for item in waiting[:OPEN_MOST]:
        parts.append(section(_line(item)))
        if len(waiting) > 1:
            parts.append(row(send_button([item], "Send this one"), drop_button([item], "Drop this one")))
    parts.append(_rest(len(waiting) - OPEN_MOST))
    parts.append(
        row(send_button(waiting, _label("Send", waiting)), drop_button(waiting, _label("Drop", waiting)))
    )
    parts += [section(_line(item)) for item in done[:DONE_MOST]]
    parts.append(_rest(len(done) - DONE_MOST))
    return message(parts)


def _intro(waiting: Sequence[DeliveryShown]) -> str:
    if not waiting:
        return "Nothing is left to decide."
    those = agree(len(waiting), "It did not go out by itself", "They did not go out by themselves")
    return f"{those}, because late can be worse than never. What should happen?"


def _label(verb: str, waiting: Sequence[DeliveryShown]) -> str:
    now = " now" if verb == "Send" else ""
    if len(waiting) > ALL_MOST:
        return f"{verb} the first {ALL_MOST}{now}"
    return f"{verb} all {len(waiting)}{now}" if len(waiting) > 1 else f"{verb}{now}"


def _line(item: DeliveryShown) -> str:
    seen = f" · {link('See it', item.permalink)}" if item.state == "published" and item.permalink else ""
    return f"{item.post.excerpt} for {item.account.shown}: {state_words(item)}{seen}"


def _rest(number: int) -> Part | None:
    return context(f"… and {count(number, 'more post', 'more posts')}.") if number > 0 else None
