"""What is told of posts: a day's success quietly, a problem in the post's own message and thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bot.messages.blocks import (
    Part,
    context,
    count,
    header,
    link,
    mention,
    message,
    plain,
    row,
    safe,
    section,
)
from bot.messages.deliveries import (
    ALL_MOST,
    DeliveryShown,
    PostShown,
    answer_buttons,
    cure_words,
    edit_button,
    may_retry,
    new_post_button,
    reconnect_buttons,
    retry_button,
    state_words,
    visibility_words,
)
from bot.messages.message import Message
from bot.messages.people import ClientName
from bot.messages.times import day, moment
from bot.messages.words import post_words

ASKED_MOST = 8
SHOWN_MOST = 20
UNDER_WAY = ("scheduled", "preparing", "sending", "processing", "unconfirmed")


@dataclass(frozen=True, slots=True)
class Day:
    """A client's day (in its zone): how many posts went out, by platform title."""

    client: ClientName
    day: date
    published: Mapping[str, int]


def day_message(facts: Day) -> Message:
    """One quiet line; the links are in its thread."""
    total = sum(facts.published.values())
    line = f"`{facts.client.slug}` · {day(facts.day)}: *{count(total, 'post')} published*"
    if len(facts.published) > 1:
        line += f" ({', '.join(f'{number} {title}' for title, number in facts.published.items())})"
    return message([section(f"✅ {line}")])


def published(item: DeliveryShown) -> Message:
    """One post that went out, in the day's thread."""
    seen = f" · {link(f'See it on {item.account.platform.title}', item.permalink)}" if item.permalink else ""
    note = visibility_words(item)
    warning = f"\n⚠️ Published{note}." if note else ""
    return message([section(f"{item.account.shown}: {item.post.excerpt}{seen}{warning}")])


def post(facts: PostShown, items: Sequence[DeliveryShown]) -> Message:
    """A post with a problem: where each of its accounts stands, and the buttons that put it right."""
    asked = [item for item in items if item.is_asked]
    others = [item for item in items if not item.is_asked]
    others.sort(key=lambda item: not item.is_failed)
    parts: list[Part | None] = [header(_title(facts, items)), section(_of(facts))]
    parts += [section(_line(item)) for item in others[:SHOWN_MOST]]
    parts.append(_rest(others[SHOWN_MOST:], facts.client))
    failed = sum(item.is_failed for item in items)
    again = retry_button(items, _retry_words(sum(may_retry(item) for item in items)))
    others_words = edit_button(items, main=True), new_post_button(items, main=True)
    parts.append(row(again, *others_words, *reconnect_buttons(items, main=True)))
    for item in asked[:ASKED_MOST]:
        parts += [section(_line(item)), row(*answer_buttons(item, main=not failed and len(asked) == 1))]
    parts.append(_rest(asked[ASKED_MOST:], facts.client))
    return message(parts)


def _retry_words(number: int) -> str:
    """What the button does, which carries no more than so many."""
    if number > ALL_MOST:
        return f"Retry the first {ALL_MOST} accounts"
    return "Retry" if number == 1 else f"Retry {number} accounts"


def _title(facts: PostShown, items: Sequence[DeliveryShown]) -> str:
    failed = sum(item.is_failed for item in items)
    asked = sum(item.is_asked for item in items)
    client = plain(facts.client.bare, 60)
    if failed and len(items) == 1:
        return f"⛔ {client}: a post failed on {plain(items[0].account.bare, 60)}"
    if failed:
        return f"⛔ {client}: a post failed on {failed} of {count(len(items), 'account')}"
    if asked:
        return f"⚠️ {client}: is this post live? {count(asked, 'account')} to look at"
    if any(item.state == "unconfirmed" for item in items):
        return f"⏳ {client}: is this post live? We are looking"
    if any(item.state == "preparing" for item in items):
        return f"⏳ {client}: a long upload is on its way"
    if any(item.state in UNDER_WAY for item in items):
        return f"⏳ {client}: this post is on its way"
    return f"✅ {client}: this post needs nobody any more"


def _of(facts: PostShown) -> str:
    author = mention([facts.author] if facts.author else [])
    by = f", queued by {author}" if author else ""
    return f"{facts.excerpt}\nDue {moment(facts.due_at, facts.client.zone)}{by}."


def _line(item: DeliveryShown) -> str:
    seen = f" · {link('See it', item.permalink)}" if item.state == "published" and item.permalink else ""
    return f"*{safe(item.account.label)}* on {item.account.platform.title}: {state_words(item)}{seen}"


def _rest(hidden: Sequence[DeliveryShown], client: ClientName) -> Part | None:
    if not hidden:
        return None
    return context(f"… and {count(len(hidden), 'more account', 'more accounts')}: `/retry {client.slug}`.")


def post_news(item: DeliveryShown, what: str) -> Message:
    """A reply in the post's thread: it failed, or nobody knows. Calls whoever queued it."""
    author = mention([item.post.author] if item.post.author else [])
    called = f"{author} " if author else ""
    who = f"*{safe(item.account.label)}* on {item.account.platform.title}"
    if what == "unconfirmed":
        return message([section(f"⚠️ {called}{who}: {_doubt(item)}")])
    words = post_words(item.reason, item.account.platform, cure=cure_words(item, " above"))
    return message([section(f"⛔ {called}{who}: the post was not published. {words.what} {words.advice}")])


def _doubt(item: DeliveryShown) -> str:
    title = item.account.platform.site
    if item.reason == "duplicate":
        why = (
            f"{title} refused this as a copy of something that is there already, and we could not find out "
            "whether that is this post"
        )
    else:
        why = f"{title} did not tell us whether it took the post, and we could not find out"
    return (
        f"{why}. We never post twice by ourselves. Please look at the account, then press *It is live* or "
        "*Post it again* above."
    )
