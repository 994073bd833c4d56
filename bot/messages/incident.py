"""An incident's root message: what happened, what waits, and what cures it. Always the present state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bot.messages import actions as names
from bot.messages import incident_words as words
from bot.messages.blocks import (
    Part,
    agree,
    button,
    context,
    count,
    header,
    link,
    link_button,
    mention,
    message,
    row,
    safe,
    section,
)
from bot.messages.incident_facts import Group, Incident, Waiting
from bot.messages.incident_many import bad_day, mass, outage
from bot.messages.message import Message
from bot.messages.reasons import NEEDS_MORE
from bot.messages.times import moment
from bot.messages.words import operator_words

GROUPS_MOST = 20


def incident(facts: Incident) -> Message:
    """The root: always the present state."""
    if facts.kind in OF_THE_OPERATOR:
        return OF_THE_OPERATOR[facts.kind](facts)
    if facts.how is not None:
        return _over(facts)
    if not any(group.accounts for group in facts.groups):
        return _nothing_left(facts)
    if facts.kind == "client":
        return bad_day(facts)
    return _for_operations(facts) if facts.operations else _for_client_team(facts)


# -- in a client's channel -------------------------------------------------------------------------


def _for_client_team(facts: Incident) -> Message:
    group = facts.groups[0]
    why = words.reason_words(facts)
    return message(
        [
            header(words.title(facts, group)),
            section(words.what_words(facts, why)),
            context(f"On this login: {words.account_names(group)}.") if len(group.accounts) > 2 else None,
            section(words.waiting_words(facts, group)),
            context(words.often_words(facts)) if facts.deaths else None,
            _began(facts),
            _call(facts, group),
            _buttons(facts, group),
            words.taken_note(facts),
            words.snoozed_note(facts),
            words.paused_note(group),
        ]
    )


def _nothing_left(facts: Incident) -> Message:
    """Its accounts were disconnected, or moved to another login."""
    gone = (
        f"*The {facts.platform.title} login of this alert is not used here any more.* Nothing is left to do."
    )
    return message([section(f"◽ {gone}")])


def _began(facts: Incident) -> Part | None:
    said = words.began_words(facts)
    return context(said) if said else None


def _call(facts: Incident, group: Group) -> Part | None:
    called = mention(group.mentions)
    return section(f"{called} please see to this.") if called and _is_free(facts) else None


def _is_free(facts: Incident) -> bool:
    """Nobody has it, and nobody put it off."""
    return facts.taken_by is None and facts.snoozed_until is None


def _buttons(facts: Incident, group: Group) -> Part | None:
    checks = facts.kind == "connection"
    first_check = checks and facts.reason in NEEDS_MORE
    which = names.joined(facts.id, group.client.id)
    style = None if first_check else "primary"
    return row(
        link_button("Reconnect", group.url, style=style, about=words.about("Reconnect", group))
        if group.url
        else None,
        button("Check now", names.CHECK_NOW, facts.id, style="primary" if first_check else None)
        if checks
        else None,
        button("Ask the client", names.ASK_CLIENT, which) if group.url and group.can_ask else None,
        button("Copy link", names.COPY_LINK, which) if group.url else None,
        words.take_button(facts),
        words.snooze_menu(facts),
    )


# -- in the operations channel ---------------------------------------------------------------------


def _for_operations(facts: Incident) -> Message:
    clients = count(len(facts.groups), "client")
    title = f"{words.glyph(facts)} One {facts.platform.title} login, {clients}: {_plural(facts)}"
    note = (
        "One sign-in may cure all of them. Each client's channel has its own alert; only here are all named."
    )
    whose = context(f"The login of *{safe(facts.holder)}*.") if facts.holder else None
    parts: list[Part | None] = [header(title), section(words.what_words(facts, words.reason_words(facts)))]
    parts.append(whose)
    for group in facts.groups[:GROUPS_MOST]:
        line = f"*{group.client.shown}*: {words.account_names(group)}. {_short(facts, group.waiting)}"
        parts.append(section(line, words.cure_button(group)))
    rest = len(facts.groups) - GROUPS_MOST
    if rest > 0:
        parts.append(
            context(f"… and {count(rest, 'more client', 'more clients')}. `/health all` shows them.")
        )
    parts += [words.call_operations(facts), context(note) if len(facts.groups) > 1 else None, _began(facts)]
    parts += [row(words.take_button(facts), words.snooze_menu(facts))]
    return message([*parts, words.taken_note(facts), words.snoozed_note(facts)])


def _plural(facts: Incident) -> str:
    return "a new sign-in is needed" if facts.severity == "warning" else "disconnected"


def _short(facts: Incident, waiting: Waiting) -> str:
    """What waits; of a warning what is queued, since it goes out until then."""
    if facts.severity == "warning":
        return f"{count(waiting.posts, 'post')} queued." if waiting.posts else "No posts are queued."
    if not waiting.posts:
        return "No posts wait."
    return f"{count(waiting.posts, 'post')} {agree(waiting.posts, 'waits', 'wait')}."


def _app(facts: Incident) -> Message:
    title = facts.platform.door
    if facts.how is not None:
        return message(
            [section(f"✅ *Our app at {title} works again*{_since(facts)}. Nothing is left to do.")]
        )
    why = operator_words(facts.reason, facts.platform)
    calm = (
        "No account is at fault, and nobody was asked to reconnect. A post that cannot go out says so itself."
    )
    parts = [
        header(f"⛔ Our app at {title} is refused"),
        section(f"{why.what} {why.advice}"),
        context(calm),
        words.call_operations(facts),
    ]
    buttons = row(words.take_button(facts), words.snooze_menu(facts))
    return message([*parts, buttons, words.taken_note(facts), words.snoozed_note(facts)])


# -- afterwards ------------------------------------------------------------------------------------


def _over(facts: Incident) -> Message:
    if facts.how == "disconnected":
        return message(
            [section(f"◽ {words.ended_words(facts)}{_since(facts)}. Nothing is left to do here.")]
        )
    if facts.how == "went_on":
        accounts = 1 if facts.operations or not facts.groups else len(facts.groups[0].accounts)
        state = words.state_words(replace(facts, severity="dead"), accounts)
        where = link("its own alert", facts.goes_on) if facts.goes_on else "its own alert in this channel"
        return message([section(f"⛔ *{words.who(facts)}* {state}{_since(facts)}. It goes on in {where}.")])
    lines = [f"✅ *{words.who(facts)}* {words.healed(facts.how or '', facts)}{_since(facts)}."]
    if facts.operations:
        groups = facts.groups[:GROUPS_MOST]
        lines += [f"• {group.client.shown}: {words.account_names(group)}" for group in groups]
    return message([section("\n".join(lines))])


def _since(facts: Incident) -> str:
    zone = facts.groups[0].client.zone if facts.groups else "UTC"
    return f" ({moment(facts.closed_at, zone)})" if facts.closed_at else ""


OF_THE_OPERATOR: Mapping[str, Callable[[Incident], Message]] = {"app": _app, "platform": outage, "mass": mass}
"""What only the operations channel hears of, open or over."""
