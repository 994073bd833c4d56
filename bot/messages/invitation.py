"""The invitation in channel: one line per platform, each ticking itself off; and the same for the client."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.messages import actions as names
from bot.messages.blocks import (
    Confirm,
    Part,
    button,
    context,
    header,
    link_button,
    listed,
    mention,
    message,
    picture,
    row,
    safe,
    section,
)
from bot.messages.message import Message
from bot.messages.people import Account, ClientName, PlatformWords
from bot.messages.times import moment

LINES_MOST, RENEWS_MOST = 8, 5
ACCOUNTS_MOST = 16  # with their own picture and button, over all lines


@dataclass(frozen=True, slots=True)
class Linked:
    """An account that an invitation brought. `fresh`: a first link that can still be taken back.
    `holds_until`: set where that is soon (UTC-aware)."""

    connection_id: str
    generation: int
    account: Account
    fresh: bool = False
    gone: bool = False
    holds_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One platform of an invitation.

    `state`: open, used, replaced, closed, expired or off. `url` only where it is open. `expected`: the
    account to sign in as ("@brand"). `valid_until`: UTC-aware; None for a link that lives with its alert.
    """

    platform: PlatformWords
    state: str
    url: str | None = None
    expected: str | None = None
    reconnects: bool = False
    valid_until: datetime | None = None
    review_note: str | None = None
    linked: tuple[Linked, ...] = ()
    hands_over: bool = False  # another login takes over what an old one carries
    renews: tuple[Account, ...] = ()  # others of the client on the same login


@dataclass(frozen=True, slots=True)
class Invitation:
    """Everything one invitation message shows. `new_here`: the client was created with it."""

    client: ClientName
    lines: tuple[Line, ...]
    asked_by: str | None = None
    new_here: bool = False


def invitation(facts: Invitation) -> Message:
    """For the channel in which it was asked for."""
    again = bool(facts.lines) and all(line.reconnects for line in facts.lines)
    verb = "Reconnect" if again else "Connect"
    asked = mention([facts.asked_by] if facts.asked_by else [])
    intro = f"For `{facts.client.slug}`{f', asked for by {asked}' if asked else ''}."
    parts: list[Part | None] = [header(f"{verb} accounts for {facts.client.bare}"), section(intro)]
    for line in facts.lines[:LINES_MOST]:
        parts += _line(facts, line, ACCOUNTS_MOST // min(len(facts.lines), LINES_MOST))
    parts += [_more(facts.lines), _footer(facts.lines), *_new_here(facts)]
    return message(parts)


def _is_alone(lines: tuple[Line, ...]) -> bool:
    """Of several open links none is the main one."""
    return sum(line.state == "open" for line in lines) == 1


def _more(lines: tuple[Line, ...]) -> Part | None:
    rest = len(lines) - LINES_MOST
    return context(f"… and {rest} more. `/health` shows all accounts.") if rest > 0 else None


def _line(facts: Invitation, line: Line, most: int) -> list[Part | None]:
    client = facts.client
    if line.state == "used" and line.linked:
        parts = [part for item in line.linked[:most] for part in _linked(client, line, item)]
        rest = [safe(item.account.label) for item in line.linked[most:]]
        return [*parts, section(f"✅ *{line.platform.title}*: also {listed(rest, 10)}.") if rest else None]
    if line.state != "open" or line.url is None:
        return [section(_ended(client, line))]
    verb = "Reconnect" if line.reconnects else "Connect"
    title = line.platform.title
    still = "waits for a new sign-in" if line.reconnects else "not connected yet"
    expected = f": sign in as *{safe(line.expected)}*" if line.expected else f": {still}"
    note = f"\n⚠️ {safe(line.review_note, 300)}" if line.review_note else ""
    if line.hands_over:
        expected = f": another login takes over the {line.platform.account_noun}s on which it has the role"
    elif line.renews:
        others = listed([account.shown for account in line.renews], RENEWS_MOST)
        expected += f". That renews {others}, too"
    about = f"{verb} {title} for {client.bare}"
    style = "primary" if _is_alone(facts.lines) else None
    press = link_button(f"{verb} {title}", line.url, style=style, about=about)
    return [section(f"⏳ *{title}*{expected}{note}", press)]


def _linked(client: ClientName, line: Line, item: Linked) -> list[Part | None]:
    account = item.account
    who, title = f"*{safe(account.label)}*{_full_name(account)}", account.platform.title
    if item.gone:
        return [section(f"◽ *{title}*: {who} is not connected any more.")]
    state = "connected again" if line.reconnects else "connected"
    if not item.fresh:  # pictures of platforms expire, and an old one would cost the whole message
        return [section(f"✅ *{title}*: {who} is {state}.{_holds(client, item)}")]
    undo = button(
        "Not the right account: undo",
        names.UNDO_LINK,
        names.joined(item.connection_id, str(item.generation)),
        confirm=Confirm(
            "Undo this link?",
            f"{account.bare} is disconnected from {client.bare}. Posts queued for it are cancelled. "
            "The link can then be used again.",
            "Undo",
            danger=True,
        ),
        about=f"Undo: not the right account, {account.bare}",
    )
    shown = section(
        f"✅ *{title}*: {who} is {state}.{_holds(client, item)}",
        picture(account.picture_url, f"Picture of {account.label}"),
    )
    return [shown, row(undo)]


def _holds(client: ClientName, item: Linked) -> str:
    """That a short consent will need a person again."""
    return f"\n{holds_words(item.holds_until, client.zone)}" if item.holds_until is not None else ""


def holds_words(until: datetime, zone: str) -> str:
    """Said at linking, where a person is needed again soon."""
    return (
        f"⏳ It holds until {moment(until, zone)}. Then somebody has to sign in again: I remind you in time."
    )


def _full_name(account: Account) -> str:
    return f" ({safe(account.name)})" if account.name and account.name != account.label else ""


def _ended(client: ClientName, line: Line) -> str:
    title, again = line.platform.title, f"`/connect {line.platform.key} {client.slug}`"
    return {
        "used": f"✅ *{title}*: done.",
        "replaced": f"◽ *{title}*: a newer link took the place of this one.",
        "closed": f"◽ *{title}*: this link is no longer needed.",
        "expired": f"⚠️ *{title}*: this link has run out. Ask for a fresh one with {again}.",
    }.get(line.state, f"⚠️ *{title}* is switched off here. Whoever runs this bot can switch it on.")


def _footer(lines: tuple[Line, ...]) -> Part | None:
    waiting = [line for line in lines if line.state == "open"]
    if not waiting:
        return None
    ends = [line.valid_until for line in waiting if line.valid_until is not None]
    until = f" Valid until {moment(min(ends))}." if ends else ""
    return context(
        "Whoever opens the link signs in at the platform itself; nothing is shared with Slack, "
        f"and no password with us.{until}"
    )


def _new_here(facts: Invitation) -> list[Part | None]:
    if not facts.new_here:
        return []
    hint = f"{facts.client.shown} is new: I created it for this channel, as `{facts.client.slug}`."
    change = button("Change", names.OPEN_CLIENT, facts.client.id, about=f"Change {facts.client.bare}")
    return [section(f"💡 {hint}", change)]


# -- the client's own channel ----------------------------------------------------------------------


def for_client(facts: Invitation) -> Message:
    """For the client's own channel: nothing of the team, nothing of anybody else."""
    parts: list[Part | None] = []
    alone = _is_alone(facts.lines)
    for line in facts.lines[:LINES_MOST]:
        parts += _asked_of_client(line, alone)
    if any(line.state == "open" for line in facts.lines):
        safety = "You sign in at {} itself; we never see your password. It takes about a minute."
        titles = {line.platform.title for line in facts.lines if line.state == "open"}
        parts.append(context(safety.format(titles.pop() if len(titles) == 1 else "the platform")))
    return message([*parts, _more_for_client(facts.lines)])


def _more_for_client(lines: tuple[Line, ...]) -> Part | None:
    rest = len(lines) - LINES_MOST
    return context(f"… and {rest} more, once these are done.") if rest > 0 else None


def _asked_of_client(line: Line, alone: bool) -> list[Part | None]:
    title, noun = line.platform.title, line.platform.account_noun
    who = f" *{safe(line.expected)}*" if line.expected else ""
    if line.state == "used":
        found = [f"*{item.account.shown}*" for item in line.linked if not item.gone]
        verb = "are" if len(found) > 1 else "is"
        again = " again" if line.reconnects else ""
        return [section(f"✅ {listed(found) or f'Your {title} {noun}'} {verb} connected{again}. Thank you!")]
    if line.state != "open" or line.url is None:
        over = f"◽ The link for your {title} {noun}{who} is no longer needed or has run out."
        return [section(f"{over} If it still has to be connected, please ask for a new one.")]
    if line.reconnects:
        text = (
            f"Please *reconnect* your {title} {noun}{who}.\n{title} asks for this now and then. "
            "Your posts and settings stay as they are."
        )
    else:
        text = f"Please *connect* your {title} {noun}{who}, so that we can post for you."
    label = f"{'Reconnect' if line.reconnects else 'Connect'} {title}"
    style = "primary" if alone else None
    return [
        section(text),
        row(link_button(label, line.url, style=style, about=f"{label} {line.expected or ''}")),
    ]
