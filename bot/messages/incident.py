"""An incident's root message and the news in its thread: what happened, what waits, what cures it.

`groups` are its clients: one in a client's own channel, all of them in the operations channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.messages import actions as names
from bot.messages.blocks import (
    Part,
    agree,
    button,
    context,
    count,
    header,
    link_button,
    listed,
    mention,
    message,
    plain,
    row,
    section,
)
from bot.messages.message import Message
from bot.messages.people import Account, ClientName, PlatformWords
from bot.messages.times import moment
from bot.messages.words import NEEDS_MORE, Words, account_words, cure_of, operator_words

GROUPS_MOST = 20
NAMES_MOST = 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """Posts that have not gone out: how many, when the first is due (UTC-aware), how many are late and wait
    for a person's word, and how many fall after the end that an alert warns of."""

    posts: int = 0
    first_due: datetime | None = None
    late: int = 0
    after_end: int = 0


NONE_WAIT = Waiting()


@dataclass(frozen=True, slots=True)
class Group:
    """A client with its accounts that an incident touches. `url`: the open reconnect link, if any."""

    client: ClientName
    accounts: tuple[Account, ...] = ()
    waiting: Waiting = NONE_WAIT
    url: str | None = None
    can_ask: bool = False
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause, one episode. `kind`: grant, connection or app; `severity`: warning or dead.

    `permission`: what the missing one is for. `until`: the end that is warned of (UTC-aware). `how`: what
    healed it ("relinked", "recovered"), None while it is open. `operations`: for the operations channel.
    """

    id: str
    kind: str
    severity: str
    reason: str
    platform: PlatformWords
    groups: tuple[Group, ...] = ()
    permission: str | None = None
    until: datetime | None = None
    how: str | None = None
    closed_at: datetime | None = None
    taken_by: str | None = None
    operations: bool = False


def incident(facts: Incident) -> Message:
    """The root: always the present state."""
    if facts.kind == "app":
        return _app(facts)
    if facts.how is not None:
        return _over(facts)
    if facts.operations:
        return _for_operations(facts)
    return _for_client_team(facts)


def news(facts: Incident, what: str) -> Message:
    """A reply in the thread, said once; readable by itself, since some are shown in the channel too."""
    if what == "dead":
        return _died(facts)
    if facts.kind == "app":
        return message([section(f"✅ Our app at {facts.platform.title} works again.")])
    if what in ("relinked", "recovered"):
        return message([section(f"✅ {_who(facts)} {_healed(what, facts)}.{_after_cure(facts)}")])
    return message(
        [section(f"{_who(facts)}: there is news. The first message of this thread shows how things are.")]
    )


# -- in a client's channel -------------------------------------------------------------------------


def _for_client_team(facts: Incident) -> Message:
    group = facts.groups[0] if facts.groups else None
    words = _words(facts)
    parts: list[Part | None] = [header(_title(facts, group)), section(_what(facts, words))]
    if group is not None and group.accounts:
        parts.append(section(_waiting(facts, group)))
        parts.append(_call(facts, group))
        parts.append(_buttons(facts, group))
    parts.append(_taken(facts))
    return message(parts)


def _title(facts: Incident, group: Group | None) -> str:
    if group is None or not group.accounts:
        return f"{_glyph(facts)} {facts.platform.title}: {_state(facts)}"
    who = listed([plain(account.label, 30) for account in group.accounts], 2)
    state = _state(facts, len(group.accounts))
    return f"{_glyph(facts)} {plain(group.client.bare, 30)}: {who} on {facts.platform.title} {state}"


def _glyph(facts: Incident) -> str:
    return "⚠️" if facts.severity == "warning" else "⛔"


def _state(facts: Incident, accounts: int = 1) -> str:
    if facts.severity == "warning":
        return agree(accounts, "needs a new sign-in", "need a new sign-in")
    return (
        "cannot post"
        if facts.kind == "connection"
        else agree(accounts, "is disconnected", "are disconnected")
    )


def _words(facts: Incident) -> Words:
    cure = cure_of(facts.reason, can_check=facts.kind == "connection")
    return account_words(facts.reason, facts.platform, cure=cure, permission=facts.permission)


def _what(facts: Incident, words: Words) -> str:
    if facts.severity != "warning":
        return f"{words.what} {words.advice}"
    zone = facts.groups[0].client.zone if facts.groups else "UTC"
    until = f"until {moment(facts.until, zone)}" if facts.until else "for now"
    what = words.what
    if facts.reason == "expired":
        what = f"The permission that {facts.platform.title} gave us ends, and only a person can renew it."
    return f"{what} It still works {until}. {words.advice}"


def _waiting(facts: Incident, group: Group) -> str:
    waiting, zone = group.waiting, group.client.zone
    if not waiting.posts:
        return "No posts are waiting."
    first = f"; the first is due {moment(waiting.first_due, zone)}" if waiting.first_due else ""
    posts, waits = count(waiting.posts, "post"), agree(waiting.posts, "waits", "wait")
    if facts.severity == "warning":
        after = f" *{waiting.after_end} of them after the end.*" if waiting.after_end else ""
        return f"{posts} {agree(waiting.posts, 'is', 'are')} queued{first}.{after}"
    return (
        f"*{posts} {waits}*{first}. Nothing is lost: after the cure, what "
        "is still on time goes out by itself, and what is late is offered to you."
    )


def _call(facts: Incident, group: Group) -> Part | None:
    called = mention(group.mentions)
    return section(f"{called} please see to this.") if called and facts.taken_by is None else None


def _buttons(facts: Incident, group: Group) -> Part | None:
    checks = facts.kind == "connection"
    first_check = checks and facts.reason in NEEDS_MORE
    which = names.joined(facts.id, group.client.id)
    style = None if first_check else "primary"
    return row(
        link_button("Reconnect", group.url, style=style, about=_about("Reconnect", group))
        if group.url
        else None,
        button("Check now", names.CHECK_NOW, facts.id, style="primary" if first_check else None)
        if checks
        else None,
        button("Ask the client", names.ASK_CLIENT, which) if group.url and group.can_ask else None,
        button("Copy link", names.COPY_LINK, which) if group.url else None,
    )


def _about(verb: str, group: Group) -> str:
    return f"{verb} {listed([account.bare for account in group.accounts], 1)} for {group.client.bare}"


def _taken(facts: Incident) -> Part | None:
    person = mention([facts.taken_by] if facts.taken_by else [])
    return context(f"🙋 {person} is on it.") if person else None


# -- in the operations channel ---------------------------------------------------------------------


def _for_operations(facts: Incident) -> Message:
    clients = count(len(facts.groups), "client")
    title = f"{_glyph(facts)} One {facts.platform.title} login, {clients}: {_plural(facts)}"
    note = (
        "One sign-in may cure all of them. Each client's channel has its own alert; only here are all named."
    )
    parts: list[Part | None] = [header(title), section(_what(facts, _words(facts)))]
    for group in facts.groups[:GROUPS_MOST]:
        parts.append(
            section(f"*{group.client.shown}*: {_accounts(group)}. {_short(group.waiting)}", _cure(group))
        )
    rest = len(facts.groups) - GROUPS_MOST
    if rest > 0:
        parts.append(
            context(f"… and {count(rest, 'more client', 'more clients')}. `/health all` shows them.")
        )
    return message([*parts, context(note), _taken(facts)])


def _plural(facts: Incident) -> str:
    return "a new sign-in is needed" if facts.severity == "warning" else "disconnected"


def _accounts(group: Group) -> str:
    return listed([account.shown for account in group.accounts], NAMES_MOST) or "no account any more"


def _short(waiting: Waiting) -> str:
    return (
        f"{count(waiting.posts, 'post')} {agree(waiting.posts, 'waits', 'wait')}."
        if waiting.posts
        else "No posts wait."
    )


def _cure(group: Group) -> Part | None:
    return link_button("Reconnect", group.url, about=_about("Reconnect", group)) if group.url else None


def _app(facts: Incident) -> Message:
    title = facts.platform.title
    if facts.how is not None:
        return message(
            [section(f"✅ *Our app at {title} works again*{_since(facts)}. Nothing is left to do.")]
        )
    words = operator_words(facts.reason, facts.platform)
    calm = "No account is at fault, nobody was asked to reconnect, and posts wait until this works again."
    parts = [
        header(f"⛔ Our app at {title} is refused"),
        section(f"{words.what} {words.advice}"),
        context(calm),
    ]
    return message([*parts, _taken(facts)])


# -- afterwards ------------------------------------------------------------------------------------


def _over(facts: Incident) -> Message:
    lines = [f"✅ *{_who(facts)}* {_healed(facts.how or '', facts)}{_since(facts)}."]
    if facts.operations:
        lines += [f"• {group.client.shown}: {_accounts(group)}" for group in facts.groups[:GROUPS_MOST]]
    return message([section("\n".join(lines))])


def _who(facts: Incident) -> str:
    if facts.operations:
        return f"The {facts.platform.title} login of {count(len(facts.groups), 'client')}"
    group = facts.groups[0] if facts.groups else None
    if group is None or not group.accounts:
        return f"The {facts.platform.title} login"
    return f"{group.client.shown}: {_accounts(group)}"


def _healed(how: str, facts: Incident) -> str:
    many = not facts.operations and bool(facts.groups) and len(facts.groups[0].accounts) > 1
    verb = "are" if many else "is"
    return {
        "relinked": f"{verb} connected again",
        "recovered": f"{'work' if many else 'works'} again",
    }.get(how, f"{verb} no longer in trouble")


def _since(facts: Incident) -> str:
    zone = facts.groups[0].client.zone if facts.groups else "UTC"
    return f" since {moment(facts.closed_at, zone)}" if facts.closed_at else ""


def _after_cure(facts: Incident) -> str:
    """What becomes of the posts that waited."""
    posts = sum(group.waiting.posts for group in facts.groups)
    late = sum(group.waiting.late for group in facts.groups)
    on_time = posts - late
    said = ""
    if on_time:
        goes = agree(on_time, "goes out by itself", "go out by themselves")
        said += f" {count(on_time, 'queued post')} {goes} on time."
    if late:
        asks = agree(
            late, "is late and waits for your word in its own message", "are late and wait for your word"
        )
        said += f" {count(late, 'post')} {asks}."
    return said


def _died(facts: Incident) -> Message:
    group = facts.groups[0] if facts.groups and not facts.operations else None
    words = _words(facts)
    who = mention(group.mentions) if group is not None else ""
    state = _state(facts, len(group.accounts) if group is not None else 1)
    called = f"{who} " if who else ""
    text = f"⛔ {called}*{_who(facts)}* {state} now. {words.what} {words.advice}"
    waiting = section(_waiting(facts, group)) if group is not None and group.accounts else None
    cure = _cure(group) if group is not None else None
    return message([section(text), waiting, row(cure)])
