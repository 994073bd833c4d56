"""`/disconnect`: the accounts with a button each, what a press answers, and the one message that lists what
was cancelled. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.messages.blocks import (
    Confirm,
    Part,
    agree,
    button,
    context,
    count,
    header,
    link,
    listed,
    mention,
    message,
    plain,
    section,
)
from bot.messages.deliveries import PostShown
from bot.messages.message import Message
from bot.messages.people import Account, ClientName
from bot.messages.times import moment

PRESS = "account.disconnect"
"""The button's name; its value: connection:generation."""

SHOWN_MOST = 20
POSTS_MOST = 20


@dataclass(frozen=True, slots=True)
class Leaving:
    """An account that can be disconnected: how many posts wait on it, and how many are on their way."""

    client: ClientName
    account: Account
    connection_id: str
    generation: int
    waiting: int = 0
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Gone:
    """An account that was disconnected. `by`: a Slack user; `posts`: the first of the `cancelled`; `fate`: a
    state of storage.models.Departure; `others`: accounts here that rest on the same login, for mrkdwn."""

    client: ClientName
    account: Account
    by: str | None
    cancelled: int
    posts: tuple[PostShown, ...]
    fate: str
    others: tuple[str, ...] = ()


def listing(items: Sequence[Leaving], total: int, done: str = "", *, of_some: bool = False) -> Message:
    """The accounts, with Slack's own question behind each button. `done`: what the last press did; `of_some`:
    only some were asked for."""
    first = section(done) if done else None
    if not items:
        which = "No other account" if done else "No such account" if of_some else "No account"
        nothing = f"{which} is connected here."
        return message([first, section(f"{nothing} `/health all` shows what there is.")])
    parts: list[Part | None] = [first, header("Which account should be disconnected?")]
    for item in items[:SHOWN_MOST]:
        parts.append(
            section(f"*{item.account.shown}*, {item.client.shown}\n{_waits(item)}", press_button(item))
        )
    if total > len(items[:SHOWN_MOST]):
        more = count(total - len(items[:SHOWN_MOST]), "more account")
        parts.append(context(f"… and {more}. Name one: `/disconnect instagram client-a @handle`."))
    parts.append(
        context("Published posts stay where they are. `/connect` links an account again at any time.")
    )
    return message(parts)


def _waits(item: Leaving) -> str:
    if not item.waiting:
        return "No post waits on it."
    return f"{count(item.waiting, 'queued post')} would be cancelled."


def press_button(item: Leaving) -> Part:
    """*Disconnect*, with Slack's own question."""
    where = f"{plain(item.account.bare, 90)} of {plain(item.client.bare, 60)}"
    said = f"{where}. "
    if item.waiting:
        are = agree(item.waiting, "is", "are")
        said += f"{count(item.waiting, 'queued post')} {are} cancelled. "
    if item.in_flight:
        goes = agree(item.in_flight, "goes", "go")
        said += f"{count(item.in_flight, 'post')} on the way still {goes} out. "
    said += "Published posts stay."
    ask = Confirm("Disconnect this account?", said, "Disconnect", danger=True)
    value = f"{item.connection_id}:{item.generation}"
    return button("Disconnect", PRESS, value, style="danger", confirm=ask, about=f"Disconnect {where}")


def done_words(account: Account, client: ClientName, cancelled: int) -> str:
    """What a press did, for the person who pressed."""
    said = f"✅ Done: *{account.shown}* of {client.shown} is disconnected."
    if cancelled:
        was = agree(cancelled, "was", "were")
        said += f" {count(cancelled, 'queued post')} {was} cancelled; the client's team channel has the list."
    return said


def disconnected(facts: Gone) -> Message:
    """The one message to the team's channel: who did it, what was cancelled, what became of our access."""
    by = mention([facts.by]) if facts.by else ""
    account = f"{plain(facts.account.label, 60)} on {facts.account.platform.title}"
    title = f"◽ {plain(facts.client.bare, 40)}: {account} is disconnected"
    parts: list[Part | None] = [header(title), section(_what(facts, by))]
    parts += [section(_line(post)) for post in facts.posts[:POSTS_MOST]]
    rest = facts.cancelled - len(facts.posts[:POSTS_MOST])
    parts.append(context(f"… and {count(rest, 'more post')}.") if rest > 0 else None)
    parts.append(context(_access(facts)))
    return message(parts)


def _what(facts: Gone, by: str) -> str:
    did = f"{by} disconnected it. " if by else ""
    if not facts.cancelled:
        return f"{did}No queued post was cancelled."
    was = agree(facts.cancelled, "was", "were")
    return f"{did}{count(facts.cancelled, 'queued post')} {was} cancelled:"


def _line(post: PostShown) -> str:
    return f"{post.excerpt}, due {moment(post.due_at, post.client.zone)}"


def _access(facts: Gone) -> str:
    where = facts.account.platform.door
    page = link(f"your settings at {where}", facts.account.platform.permission_page)
    if facts.fate == "void":
        return f"It was linked again since: nothing changed at {where}."
    if facts.fate == "revoked":
        return f"Our access at {where} was taken back, and nothing of it is kept here."
    if facts.fate == "due":
        return f"What is on its way still goes out. After that our access at {where} ends."
    if facts.others:
        use = agree(len(facts.others), "uses", "use")
        return f"{listed(facts.others)} {use} the same login, so our access at {where} stays."
    return f"We no longer use this login here. To end our access at {where}, too, remove our app in {page}."
