"""News in an incident's thread: a death calls people, a cure is told quietly."""

from __future__ import annotations

from bot.messages import incident_words as words
from bot.messages.blocks import agree, count, mention, message, row, section
from bot.messages.incident_facts import Incident
from bot.messages.message import Message


def news(facts: Incident, what: str) -> Message:
    """A reply in the thread, said once; readable by itself, since some are shown in the channel too."""
    if what == "dead":
        return _died(facts)
    if facts.kind == "app":
        return message([section(f"✅ Our app at {facts.platform.title} works again.")])
    if what in ("relinked", "recovered"):
        return message([section(f"✅ {words.who(facts)} {words.healed(what, facts)}.{_after_cure(facts)}")])
    told = "there is news; the first message of this thread shows how things are."
    return message([section(f"{words.who(facts)}: {told}")])


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
    who = mention(group.mentions) if group is not None and is_open else ""
    state = words.state_words(facts, len(group.accounts) if group is not None else 1)
    called = f"{who} " if who else ""
    text = f"⛔ {called}*{words.who(facts)}* {state} now. {why.what} {why.advice}"
    waiting = section(words.waiting_words(facts, group)) if group is not None and group.accounts else None
    cure = words.cure_button(group) if group is not None else None
    return message([section(text), waiting, row(cure)])
