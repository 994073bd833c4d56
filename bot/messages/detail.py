"""The window of one account: what it may do, how long, on whose login it rests, what happened. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.messages import actions, blocks, modals
from bot.messages.blocks import Part, button, count, divider, listed, mention, row, safe, section
from bot.messages.disconnect import Leaving, press_button
from bot.messages.health_line import HealthLine, cure_button, line_words
from bot.messages.people import Account
from bot.messages.times import moment

SCOPES_MOST = 12
EVENTS_MOST = 10
OTHERS_MOST = 8


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission that we ask for. `purpose`: what it is for; `is_given`: by the last consent."""

    name: str
    purpose: str
    is_given: bool


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Ends and moments of the login, UTC-aware; `renews`: it is renewed without a person; `proved_at`: when
    something last went well with the account."""

    access_until: datetime | None = None
    sign_in_until: datetime | None = None
    data_until: datetime | None = None
    next_renewal: datetime | None = None
    proved_at: datetime | None = None
    renews: bool = True


@dataclass(frozen=True, slots=True)
class Login:
    """Whose login the account rests on. `asked_by`: a Slack user; `others`: accounts here on the same one."""

    holder: str
    consented_at: datetime
    asked_by: str | None = None
    others: tuple[Account, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `what` is finished mrkdwn; `by`: a Slack user."""

    at: datetime
    what: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """One account. `login` and `leaving` are None for those who may not see or do that; `said`: what the last
    press did."""

    line: HealthLine
    account: Account
    permissions: tuple[Permission, ...] = ()
    lifetimes: Lifetimes = Lifetimes()
    login: Login | None = None
    events: tuple[Event, ...] = ()
    may_check: bool = False
    leaving: Leaving | None = None
    said: str = ""


EVENTS = {
    "linked": "connected",
    "relinked": "connected again",
    "disconnected": "disconnected",
    "link.undone": "its link was taken back",
    "invited": "a reconnect link was posted",
    "link.copied": "its reconnect link was copied",
    "client.asked": "the client was asked to reconnect it",
    "handover.asked": "another login was asked for",
    "published": "a post went out",
    "failed": "a post failed",
    "unconfirmed": "nobody knows whether a post went out",
    "alert": "an alert was opened",
    "warning": "a warning was given",
    "alert.over": "the alert was over",
    "warning.over": "the warning was over",
}


FOR_OUTSIDERS = frozenset({"linked", "relinked", "disconnected"})


def event_words(word: str) -> str:
    """An event of the audit, of an alert or of a post, in words."""
    return EVENTS.get(word, word.replace(".", " ").replace("_", " "))


def detail(facts: Detail, metadata: str) -> blocks.Block:
    """The window."""
    client = facts.line.client
    parts: list[Part | None] = [
        section(f"✅ {facts.said}") if facts.said else None,
        section(f"*{client.shown}* (`{client.slug}`)\n{_how_it_is(facts)}"),
        _buttons(facts),
        divider(),
        section(f"*What it may do*\n{_permissions(facts.permissions)}"),
        section(f"*How long*\n{_lifetimes(facts)}"),
        section(f"*On whose login*\n{_login(facts.login, facts)}") if facts.login else None,
        section(f"*What happened last*\n{_events(facts)}"),
    ]
    shown = [part.block for part in parts if part is not None]
    return modals.modal("Account", shown, close="Close", metadata=metadata)


def _how_it_is(facts: Detail) -> str:
    line = replace(facts.line, can_check=facts.may_check)
    return line_words(line, facts.account, in_details=True)


def _buttons(facts: Detail) -> Part | None:
    check = None
    if facts.may_check:
        about = f"Check {facts.account.bare}"
        check = button("Check now", actions.CHECK_ACCOUNT, facts.line.connection_id, about=about)
    leave = press_button(facts.leaving) if facts.leaving else None
    return row(cure_button(facts.line, facts.account, main=True), check, leave)


def _permissions(found: Sequence[Permission]) -> str:
    if not found:
        return "Its platform is switched off here."
    lines = [
        f"{'✅' if item.is_given else '⛔ missing:'} {safe(item.purpose)} (`{safe(item.name)}`)"
        for item in found[:SCOPES_MOST]
    ]
    return "\n".join(lines)


def _lifetimes(facts: Detail) -> str:
    zone, life = facts.line.client.zone, facts.lifetimes
    said = []
    if life.access_until is not None:
        renewed = ", and is renewed by itself" if life.renews else ", and only a person can renew it"
        said.append(f"Access until {moment(life.access_until, zone)}{renewed}.")
    elif life.renews:
        said.append("Access has no end of its own.")
    if life.sign_in_until is not None:
        said.append(f"The sign-in itself ends {moment(life.sign_in_until, zone)}.")
    if life.data_until is not None:
        said.append(f"Access to its data ends {moment(life.data_until, zone)} without a new sign-in.")
    if life.next_renewal is not None:
        said.append(f"Next renewal: {moment(life.next_renewal, zone)}.")
    if life.proved_at is not None:
        said.append(f"Last seen to work {moment(life.proved_at, zone)}.")
    return "\n".join(said) or "Nothing is known."


def _login(login: Login, facts: Detail) -> str:
    zone = facts.line.client.zone
    said = [f"*{safe(login.holder) or 'Nobody we know by name'}*, since {moment(login.consented_at, zone)}."]
    if login.asked_by:
        said.append(f"{mention([login.asked_by])} asked for the link.")
    if login.others:
        names = listed([item.shown for item in login.others], OTHERS_MOST)
        said.append(f"{count(len(login.others), 'other account')} here on the same login: {names}.")
    return "\n".join(said)


def _events(facts: Detail) -> str:
    lines = []
    for event in facts.events[:EVENTS_MOST]:
        by = f" by {mention([event.by])}" if event.by else ""
        lines.append(f"• {moment(event.at, facts.line.client.zone)}: {event.what}{by}")
    return "\n".join(lines) or "Nothing yet."


def saying(words: str) -> blocks.Block:
    """The window after a press that left nothing to show."""
    return modals.modal("Account", [section(words).block], close="Close")
