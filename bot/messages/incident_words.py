"""Sentences that an incident's root message and its news share."""

from __future__ import annotations

from bot.messages import actions as names
from bot.messages.blocks import (
    Part,
    agree,
    button,
    context,
    count,
    link,
    link_button,
    listed,
    mention,
    menu,
    plain,
    row,
    section,
)
from bot.messages.incident_facts import Group, Incident
from bot.messages.reasons import NEEDS_MORE
from bot.messages.times import moment
from bot.messages.words import Words, account_words, cure_of

NAMES_MOST = 5


def title(facts: Incident, group: Group) -> str:
    state = state_words(facts, len(group.accounts))
    return f"{glyph(facts)} {plain(group.client.bare, 30)}: {_which(group)} {state}"


def _which(group: Group) -> str:
    """The accounts, and where they are: a login of Facebook may carry Instagram accounts, too."""
    titles = {account.platform.title for account in group.accounts}
    if len(titles) == 1:
        return f"{listed([plain(account.label, 30) for account in group.accounts], 2)} on {titles.pop()}"
    return listed(
        [f"{plain(account.label, 24)} on {account.platform.title}" for account in group.accounts], 2
    )


def glyph(facts: Incident) -> str:
    return "⚠️" if facts.severity == "warning" else "⛔"


def state_words(facts: Incident, accounts: int = 1) -> str:
    if facts.severity == "warning":
        return agree(accounts, "needs a new sign-in", "need a new sign-in")
    if facts.kind == "connection":
        return "cannot post"
    return agree(accounts, "is disconnected", "are disconnected")


def reason_words(facts: Incident) -> Words:
    cure = cure_of(facts.reason, can_check=facts.kind == "connection")
    return account_words(
        facts.reason,
        facts.platform,
        cure=cure,
        permission=facts.permission,
        is_ending=facts.severity == "warning",
    )


def began_words(facts: Incident) -> str | None:
    """That a warning, out of sight by now, came before it."""
    if not facts.has_began:
        return None
    return f"It was announced: {link('the warning', facts.began)} has the story so far."


def ended_words(facts: Incident) -> str:
    """What was disconnected, and by whom."""
    group = facts.groups[0] if facts.groups else None
    account = facts.ended_account.shown if facts.ended_account else "Its account"
    client = f"{group.client.shown}: " if group is not None else ""
    by = mention([facts.ended_by] if facts.ended_by else [])
    return f"*{client}{account}* was disconnected{f' by {by}' if by else ''}"


def what_words(facts: Incident, words: Words) -> str:
    if facts.severity != "warning":
        return f"{words.what} {words.advice}"
    zone = facts.groups[0].client.zone if facts.groups else "UTC"
    until = f"until {moment(facts.until, zone)}" if facts.until else "for now"
    return f"{words.what} It still works {until}. {words.advice}"


def often_words(facts: Incident) -> str:
    """That it happens again and again, and what usually causes it."""
    return (
        f"This is the *{_nth(facts.deaths)} time within two weeks*. Usually that means: somebody keeps "
        "changing the password or removing our access, several people use the login or use it from many "
        "places, or it loses its role. A login that belongs to the team alone, with a password nobody else "
        "changes, ends it."
    )


def _nth(number: int) -> str:
    return {1: "1st", 2: "2nd", 3: "3rd"}.get(number, f"{number}th")


def waiting_words(facts: Incident, group: Group) -> str:
    waiting, zone = group.waiting, group.client.zone
    if not waiting.posts:
        return "No posts are waiting."
    first = f", the first due {moment(waiting.first_due, zone)}" if waiting.first_due else ""
    posts, waits = count(waiting.posts, "post"), agree(waiting.posts, "waits", "wait")
    if facts.severity == "warning":
        after = f" *{waiting.after_end} of them after the end.*" if waiting.after_end else ""
        return f"{posts} {agree(waiting.posts, 'is', 'are')} queued{first}.{after}"
    once = "once it works again" if group.paused_at is None else "once it works again and posting is resumed"
    return (
        f"*{posts} {waits}*{first}. Nothing is lost: {once}, what is still on time goes out by itself, and "
        "what is late is offered to you."
    )


def who(facts: Incident) -> str:
    if facts.kind == "client":
        return facts.groups[0].client.shown if facts.groups else "This client"
    if facts.operations:
        return f"The {facts.platform.title} login of {count(len(facts.groups), 'client')}"
    group = facts.groups[0] if facts.groups else None
    if group is None or not group.accounts:
        return f"The {facts.platform.title} login"
    return f"{group.client.shown}: {account_names(group)}"


def account_names(group: Group) -> str:
    return listed([account.shown for account in group.accounts], NAMES_MOST) or "no account any more"


def healed(how: str, facts: Incident) -> str:
    if facts.kind == "client":
        return "is connected again, with all accounts"
    many = not facts.operations and bool(facts.groups) and len(facts.groups[0].accounts) > 1
    verb = "are" if many else "is"
    return {
        "renewed": f"{verb} renewed, and nobody has to sign in",
        "relinked": f"{verb} connected again",
        "recovered": f"{'work' if many else 'works'} again",
        "posts_gone": "need nothing for now: no queued post falls after their end any more"
        if many
        else "needs nothing for now: no queued post falls after its end any more",
    }.get(how, f"{verb} no longer in trouble")


def cure_button(group: Group) -> Part | None:
    return link_button("Reconnect", group.url, about=about("Reconnect", group)) if group.url else None


def cures(facts: Incident, group: Group) -> Part | None:
    """What puts it right, as a row of its own: *Check now* too where a reconnect alone does not."""
    checks = facts.kind == "connection" and facts.reason in NEEDS_MORE
    check = button("Check now", names.CHECK_NOW, facts.id) if checks else None
    return row(check, cure_button(group))


def about(verb: str, group: Group) -> str:
    return f"{verb} {listed([account.bare for account in group.accounts], 1)} for {group.client.bare}"


def take_button(facts: Incident) -> Part | None:
    """Whoever presses it is not asked again, and nobody else is."""
    return button("I'm on it", names.TAKE, facts.id) if facts.taken_by is None and facts.how is None else None


def snooze_menu(facts: Incident) -> Part | None:
    """Until when an open alert that nobody took may be kept quiet; of one that is, also the end of that."""
    if facts.taken_by is not None or facts.how is not None:
        return None
    until = {"day": "Until the next working day", "week": "Until next week"}
    if facts.snoozed_until is not None:
        until["end"] = "End the snooze"
    options = {names.joined(facts.id, facts.severity, span): label for span, label in until.items()}
    return menu("Snooze", names.SNOOZE, options)


def snoozed_note(facts: Incident) -> Part | None:
    if facts.snoozed_until is None:
        return None
    zone = facts.groups[0].client.zone if facts.groups else "UTC"
    person = mention([facts.snoozed_by] if facts.snoozed_by else []) or "Somebody"
    return context(f"🔕 {person} snoozed this until {moment(facts.snoozed_until, zone)}.")


def call_operations(facts: Incident) -> Part | None:
    """Who of the operations channel is asked, while nobody has it and nobody put it off."""
    called = mention(facts.called) if facts.taken_by is None and facts.snoozed_until is None else ""
    return section(f"{called} please see to this.") if called else None


def taken_note(facts: Incident) -> Part | None:
    person = mention([facts.taken_by] if facts.taken_by else [])
    return context(f"🙋 {person} is on it.") if person else None


def paused_note(group: Group) -> Part | None:
    """That nothing of the client goes out anyway, and who wanted that."""
    if group.paused_at is None:
        return None
    since = moment(group.paused_at, group.client.zone)
    return context(f"⏸️ {paused_words(group.client.shown, group.paused_by)} since {since}.")


def paused_words(what: str, by: str | None) -> str:
    """Finished mrkdwn without its full stop: "Posting for Acme is paused by @ada"."""
    person = mention([by] if by else [])
    return f"Posting for {what} is paused{f' by {person}' if person else ''}"
