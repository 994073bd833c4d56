"""Root messages that tell of several accounts at once: a client's bad day, a platform that is silent, many
sign-ins refused together."""

from __future__ import annotations

from bot.messages import actions as names
from bot.messages import incident_words as words
from bot.messages.blocks import (
    Confirm,
    Part,
    button,
    context,
    count,
    header,
    mention,
    message,
    plain,
    row,
    section,
)
from bot.messages.incident_facts import Group, Incident
from bot.messages.message import Message
from bot.messages.times import moment
from bot.messages.words import account_words

GROUPS_MOST = 20
CLIENTS_MOST = 10


def bad_day(facts: Incident) -> Message:
    """All that is down of one client, a button for each, and *Pause*."""
    first = facts.groups[0]
    accounts = sum(len(group.accounts) for group in facts.groups)
    parts: list[Part | None] = [
        header(f"⛔ {plain(first.client.bare, 30)}: {count(accounts, 'account')} down"),
        section(
            "Several accounts of this client stopped working within the hour. Each says below what it needs."
        ),
    ]
    parts += [section(_group(group), words.cure_button(group)) for group in facts.groups[:GROUPS_MOST]]
    rest = sum(len(group.accounts) for group in facts.groups[GROUPS_MOST:])
    if rest:
        more = count(rest, "more account")
        parts.append(context(f"… and {more}. `/health {first.client.slug}` shows all of them."))
    is_free = facts.taken_by is None and facts.snoozed_until is None
    called = mention(first.mentions) if is_free else ""
    parts += [section(f"{called} please see to this.") if called else None]
    parts += [row(words.take_button(facts), words.snooze_menu(facts), _pause(first))]
    return message([*parts, words.taken_note(facts), words.snoozed_note(facts), words.paused_note(first)])


def _group(group: Group) -> str:
    platform = group.accounts[0].platform if group.accounts else None
    why = account_words(group.reason or "refused", platform) if platform else None
    waits = group.waiting.posts
    first = group.waiting.first_due
    due = f", the first due {moment(first, group.client.zone)}" if first and waits else ""
    held = f"{count(waits, 'post')} held{due}." if waits else "No posts are waiting."
    said = f"{why.what} {why.advice}" if why else ""
    return f"*{words.account_names(group)}*: {said} {held}"


def _pause(group: Group) -> Part:
    if group.paused_at is not None:
        return button(f"Resume {plain(group.client.bare, 40)}", names.RESUME_CLIENT, group.client.id)
    ask = Confirm(
        f"Pause {plain(group.client.bare, 60)}?",
        "Its accounts stay connected. Nothing of this client is published until somebody resumes it.",
        "Pause",
    )
    return button(f"Pause {plain(group.client.bare, 40)}", names.PAUSE_CLIENT, group.client.id, confirm=ask)


def outage(facts: Incident) -> Message:
    """A platform that answers nobody."""
    title = facts.platform.title
    if facts.how is not None:
        over = f" ({moment(facts.closed_at)})" if facts.closed_at else ""
        return message([section(f"✅ *{title} answers again*{over}. What waited goes on by itself.")])
    since = f" since {moment(facts.opened_at)}" if facts.opened_at else ""
    return message(
        [
            header(f"🌩️ {title} does not answer"),
            section(
                f"Nothing gets through to {title}{since}. Renewing and publishing there wait and go on by "
                "themselves as soon as it answers."
            ),
            context("No account is at fault, and nobody was asked to reconnect."),
            words.call_operations(facts),
            row(words.take_button(facts)),
            words.taken_note(facts),
        ]
    )


_APP = {
    "works": "Our app itself was checked first and works, so each needs a new sign-in.",
    "accepted": (
        "{title} still accepts our app's id and secret, and no account is left to try more with. Please see "
        "in {title}'s developer console that the app is in order; then each needs a new sign-in."
    ),
    "unknown": (
        "Whether our app itself is in order could not be checked: no account is left to try it with. Please "
        "look in {title}'s developer console first. If the app is in order, each needs a new sign-in."
    ),
}


def mass(facts: Incident) -> Message:
    """Many sign-ins of one platform refused at once, and nothing known against our app."""
    title = facts.platform.title
    if facts.how is not None:
        gone = " or were disconnected" if facts.how == "disconnected" else ""
        over = f"All {title} accounts are connected again{gone}."
        return message([section(f"✅ *{over}* Nothing is left to do.")])
    accounts = sum(len(group.accounts) for group in facts.groups)
    clients = count(len(facts.groups), "client")
    lines = [f"• {group.client.shown}: {words.account_names(group)}" for group in facts.groups[:CLIENTS_MOST]]
    rest = len(facts.groups) - CLIENTS_MOST
    if rest > 0:
        lines.append(f"… and {count(rest, 'more client', 'more clients')}.")
    what = (
        f"{title} refused {count(accounts, 'account')} of {clients} within the hour. "
        f"{_APP[facts.app].format(title=title)} Each client's channel has its own alert with the link."
    )
    return message(
        [
            header(f"⛔ {title}: {count(accounts, 'account')} disconnected at once"),
            section(what),
            section("\n".join(lines)) if lines else None,
            words.call_operations(facts),
            row(
                button("Show all", names.HEALTH_PAGE, names.joined("all", "0")),
                words.take_button(facts),
                words.snooze_menu(facts),
            ),
            words.taken_note(facts),
            words.snoozed_note(facts),
        ]
    )
