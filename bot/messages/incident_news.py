"""News in an incident's thread: a death calls people, a cure is told quietly."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.messages import incident_words as words
from bot.messages.blocks import agree, context, count, mention, message, row, section
from bot.messages.incident_facts import Incident
from bot.messages.message import Message
from bot.messages.times import moment


def news(facts: Incident, what: str) -> Message:
    """A reply in the thread, said once; readable by itself, since some are shown in the channel too."""
    if what == "dead":
        return _died(facts)
    if what in URGENT and facts.how is None:
        return URGENT[what](facts)
    if what == "disconnected":
        return message([section(f"◽ {words.ended_words(facts)}. This alert is over.")])
    if facts.kind == "platform":
        return message([section(f"✅ {facts.platform.title} answers again. What waited goes on by itself.")])
    if facts.kind == "mass":
        return message([section(f"✅ All {facts.platform.title} accounts are connected again.")])
    if facts.kind == "app":
        return message([section(f"✅ Our app at {facts.platform.title} works again.")])
    if what in ("relinked", "recovered", "renewed", "posts_gone"):
        return message([section(f"✅ {words.who(facts)} {words.healed(what, facts)}.{_after_cure(facts)}")])
    told = "there is news; the first message of this thread shows how things are."
    return message([section(f"{words.who(facts)}: {told}")])


def _warned(facts: Incident) -> Message:
    """The next step of a warning: how long is left, and who is needed."""
    group = facts.groups[0] if facts.groups and not facts.operations else None
    zone = group.client.zone if group else "UTC"
    by = f"by {moment(facts.until, zone)}" if facts.until else "soon"
    who = f"{mention(group.mentions)} " if group is not None and mention(group.mentions) else ""
    text = f"⏳ {who}*{words.who(facts)}* needs a new sign-in {by}. {words.reason_words(facts).advice}"
    waiting = section(words.waiting_words(facts, group)) if group is not None and group.accounts else None
    return message([section(text), waiting, row(words.cure_button(group)) if group is not None else None])


def _joined(facts: Incident) -> Message:
    """One more account of a client on its bad day."""
    group = facts.groups[0] if facts.groups else None
    who = f"{mention(group.mentions)} " if group is not None and mention(group.mentions) else ""
    what = facts.news_of.shown if facts.news_of else "another account"
    client = group.client.shown if group is not None else "This client"
    return message([section(f"⛔ {who}*{client}*: now {what} is down as well. The first message lists all.")])


def _backup(facts: Incident) -> Message:
    """Nobody took it: the backup is asked."""
    group = facts.groups[0] if facts.groups else None
    who = mention(group.backup) if group is not None else ""
    what = f"*{words.who(facts)}* {_how_it_is(facts)}, and nobody has taken it."
    return message([section(f"🔔 {who} {what} Press *I'm on it* above if you do.")])


def _how_it_is(facts: Incident) -> str:
    """What the alert is about: "is disconnected", "has 3 accounts down"."""
    accounts = sum(len(group.accounts) for group in facts.groups)
    if facts.kind == "client":
        return f"has {count(accounts, 'account')} down"
    return words.state_words(facts, 1 if facts.operations and len(facts.groups) > 1 else accounts)


def _untaken(facts: Incident) -> Message:
    """Nobody took it: the operations channel hears it, once."""
    who = facts.groups[0].client.shown if facts.kind == "client" and facts.groups else words.who(facts)
    if facts.kind != "client" and len(facts.groups) == 1:
        who = f"{facts.groups[0].client.shown}: {words.account_names(facts.groups[0])}"
    since = f" since {moment(facts.opened_at)}" if facts.opened_at else ""
    called = mention(facts.called)
    text = f"🔔 {f'{called} ' if called else ''}*{who}* {_how_it_is(facts)}, and nobody has taken it{since}."
    cures = words.cures(facts, facts.groups[0]) if len(facts.groups) == 1 else None
    return message([section(text), cures, row(words.take_button(facts))])


URGENT: Mapping[str, Callable[[Incident], Message]] = {
    "warning": _warned,
    "joined": _joined,
    "backup": _backup,
    "untaken": _untaken,
}
"""News that asks for somebody; said too late, after the cure, it only points to the first message."""


def reminder(facts: Incident) -> Message | None:
    """Said again, because nobody cured it; None where that is not so any more."""
    said = facts.reminder
    accounts = sum(len(group.accounts) for group in facts.groups)
    if said is None or facts.how is not None or not (accounts or facts.kind == "app"):
        return None
    in_team = bool(facts.groups) and not facts.operations
    group = facts.groups[0] if in_team else None
    zone = group.client.zone if group is not None else "UTC"
    called = mention(group.mentions) if group is not None else mention(facts.called)
    woken = mention([said.snoozed_by] if said.snoozed_by else [])
    notes = [f"{woken} snoozed this until now." if woken else ""]
    notes += ["This was the last reminder." if said.is_last else ""]
    note = " ".join(item for item in notes if item)
    of_one = group is not None and facts.kind != "client"
    return message(
        [
            section(f"🔔 {f'{called} ' if called else ''}{_still(facts, accounts, zone)}.{_above(facts)}"),
            section(words.waiting_words(facts, group)) if group is not None and of_one else None,
            context(note) if note else None,
            words.cures(facts, group) if group is not None and of_one else None,
        ]
    )


def _above(facts: Incident) -> str:
    """Where the buttons are, when the alert is about more than one login."""
    if facts.kind == "client" or (facts.operations and facts.kind == "grant" and facts.groups):
        return " The first message of this thread has a button for each."
    return ""


def _still(facts: Incident, accounts: int, zone: str) -> str:
    """What is as it was, and since when; of a warning until when it holds."""
    who, one = words.who(facts), 1 if facts.operations else accounts
    state = words.state_words(facts, one)
    if facts.severity == "warning":
        by = f" by {moment(facts.until, zone)}" if facts.until else ""
        return f"*{who}* still {state}{by}"
    be = agree(one, "is", "are")
    said = {
        "app": f"*Our app at {facts.platform.title}* is still refused",
        "mass": f"*{count(accounts, f'{facts.platform.title} account')}* "
        f"{agree(accounts, 'is', 'are')} still disconnected",
        "client": f"*{who}* still has {count(accounts, 'account')} down",
        "connection": f"*{who}* still {state}",
    }.get(facts.kind, f"*{who}* {be} still disconnected")
    return f"{said}, since {moment(facts.opened_at, zone)}" if facts.opened_at else said


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
        asks = agree(late, "is late and waits for your word", "are late and wait for your word")
        said += f" {count(late, 'post')} {asks} in a message of this channel."
    return said


def _died(facts: Incident) -> Message:
    group = facts.groups[0] if facts.groups and not facts.operations else None
    why = words.reason_words(facts)
    is_open = facts.how is None  # said late, after the cure, it calls nobody
    who = mention(group.mentions if group is not None else facts.called) if is_open else ""
    often = context(words.often_words(facts)) if facts.deaths else None
    state = words.state_words(facts, len(group.accounts) if group is not None else 1)
    called, again = f"{who} " if who else "", " again" if facts.again else " now"
    above = _above(facts) if is_open else ""
    text = f"⛔ {called}*{words.who(facts)}* {state}{again}. {why.what} {why.advice}{above}"
    waiting = section(words.waiting_words(facts, group)) if group is not None and group.accounts else None
    cures = words.cures(facts, group) if group is not None else None
    return message([section(text), waiting, often, cures])
