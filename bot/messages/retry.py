"""What `/retry` lists: posts that failed, that nobody can tell about, and that waited too long, by client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from bot.messages import actions as names
from bot.messages.blocks import Part, button, context, count, header, message, row, safe, section
from bot.messages.deliveries import (
    DeliveryShown,
    answer_buttons,
    drop_button,
    edit_button,
    may_retry,
    move_button,
    new_post_button,
    reconnect_buttons,
    retry_button,
    send_button,
    state_words,
)
from bot.messages.message import Message
from bot.messages.people import ClientName
from bot.messages.times import moment

SHOWN_MOST = 10  # two blocks each, and up to three more for a client


@dataclass(frozen=True, slots=True)
class FailureFacts:
    """The newest `items`, in the order of their clients, and how many there are in all."""

    items: tuple[DeliveryShown, ...]
    total: int


def retry_message(facts: FailureFacts) -> Message:
    if not facts.items:
        return message([section("✅ Nothing to retry: no post has failed, and none waits for your word.")])
    parts: list[Part | None] = [header(f"{count(facts.total, 'post')} to look at")]
    shown = facts.items[:SHOWN_MOST]
    for client, items in groupby(shown, key=lambda item: item.post.client):
        parts += _client(client, list(items), alone=len(shown) == 1)
    if facts.total > len(shown):
        more = count(facts.total - len(shown), "older one", "older ones")
        parts.append(context(f"… and {more}, shown when these are done."))
    return message(parts)


def _client(client: ClientName, items: Sequence[DeliveryShown], *, alone: bool) -> list[Part | None]:
    parts: list[Part | None] = [section(f"*{client.shown}* (`{client.slug}`)")]
    for item in items:
        parts += [section(_line(item)), row(*_buttons(item, main=alone))]
    failed = [item for item in items if item.is_failed]
    late = [item for item in items if item.is_offered]
    some = button("Choose", names.CHOOSE, names.joined("failed", client.id), about="Choose some that failed")
    parts.append(
        row(
            retry_button(failed, _retry_words(failed), main=not late) if len(failed) > 1 else None,
            some if len(failed) > 1 else None,
            send_button(late, f"Send all {len(late)} late ones", main=False) if len(late) > 1 else None,
        )
    )
    return parts


def _retry_words(failed: Sequence[DeliveryShown]) -> str:
    """How many of them the button sends."""
    again = sum(may_retry(item) for item in failed)
    which = f"all {again}" if again == len(failed) else f"{again} of {len(failed)}"
    return f"Retry {which} that failed"


def _line(item: DeliveryShown) -> str:
    due = moment(item.post.due_at, item.post.client.zone)
    when = "" if item.is_offered else f" (due {due})"
    account = item.account
    return (
        f"*{safe(account.label)}* on {account.platform.title}: {item.post.excerpt}{when}\n{state_words(item)}"
    )


def _buttons(item: DeliveryShown, *, main: bool) -> tuple[Part | None, ...]:
    if item.is_asked:
        return answer_buttons(item, main=main)
    return (
        retry_button([item], main=main),
        edit_button([item], main=main),
        new_post_button([item], main=main),
        *reconnect_buttons([item], main=main),
        send_button([item], main=main),
        move_button([item]),
        drop_button([item]),
    )
