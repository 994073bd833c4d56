"""Importing a content calendar: the window that takes the file, what it would come to, what it came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.messages import actions as names
from bot.messages import blocks, modals
from bot.messages.blocks import Block, Part, agree, button, context, count, header, listed, row, section
from bot.messages.message import Message
from bot.messages.times import dated, zone_of

FILE = "import.file"
TITLE = "Import a calendar"
PAGE = 20
SOME = 10
NOTES_MOST = 5

Note = tuple[int, str]
"""A line's number, and what is said of it (plain text)."""


@dataclass(frozen=True, slots=True)
class ImportShown:
    """A calendar. `queued`: posts that were queued, or would be (`planned`: at the preview); `known`: lines
    that were imported before; `warned`: the first of `warnings`; `has_media`: its media links are looked at
    while it is queued."""

    id: str
    name: str
    queued: int
    known: int
    planned: int
    faults: tuple[Note, ...]
    first: tuple[Note, ...] = ()
    warned: tuple[Note, ...] = ()
    warnings: int = 0
    costs: tuple[str, ...] = ()
    has_media: bool = False


def first_words(due_at: datetime | None, zone: str, labels: Mapping[str, str], text: str) -> str:
    """One line of the file as it was understood: when, where, and how it begins (plain text)."""
    accounts = listed(list(labels.values()), 3)
    if due_at is None:
        return accounts
    local = due_at.astimezone(zone_of(zone))
    return f"{dated(local.date())} {local:%H:%M} ({zone}): “{blocks.plain(text, 60)}” on {accounts}"


def upload(metadata: str, columns: Sequence[str], problem: str = "") -> Block:
    """The window that takes the file."""
    shown: list[Block] = [section(f"⚠️ {blocks.escape(problem)}").block] if problem else []
    what = (
        f"A CSV file; its first line names the columns: {', '.join(f'`{name}`' for name in columns)}. "
        "Nothing is queued before you have seen what it comes to, and no line is ever queued twice."
    )
    place = modals.files_element(1, ("csv", "txt"))
    shown += [section(what).block, modals.field(FILE, "Calendar", place)]
    return modals.modal(TITLE, shown, callback_id=names.IMPORT_FILE, submit="Look at it", metadata=metadata)


def reading() -> Block:
    """While the file is read."""
    words = "⏳ Reading the file. *Nothing is queued yet*: this window shows what it comes to."
    return modals.modal(TITLE, [section(words).block], close="Close")


def preview(facts: ImportShown, metadata: str, page: int = 0) -> Block:
    """What the file would come to; its faults a page at a time. Submit queues what is good."""
    parts: list[Part | None] = [section(f"*{blocks.safe(facts.name)}*\n{_sum(facts, 'would be queued')}")]
    if page == 0:
        parts += _good(facts)
    parts += _faults(facts, page, PAGE if page else SOME)
    parts.append(_turning(facts, page))
    submit = f"Queue {count(facts.queued, 'post')}" if facts.queued else None
    return modals.modal(
        TITLE,
        [part.block for part in parts if part is not None],
        callback_id=names.IMPORT_QUEUE,
        submit=submit,
        close="Cancel" if facts.queued else "Close",
        metadata=metadata,
    )


def _good(facts: ImportShown) -> list[Part | None]:
    found: list[Part | None] = []
    if facts.first:
        more = facts.queued - len(facts.first)
        tail = [f"… and {count(more, 'more post', 'more posts')}."] if more > 0 else []
        found.append(section("\n".join(["*The first ones:*", *_lines(facts.first), *tail])))
    if facts.warned:
        shown = facts.warned[:NOTES_MOST]
        tail = [f"… and {facts.warnings - len(shown)} more."] if facts.warnings > len(shown) else []
        heading = "*Worth a look* (these are queued all the same):"
        found.append(section("\n".join([heading, *_lines(shown), *tail])))
    found += [section(f"💰 {blocks.escape(cost)}") for cost in facts.costs]
    if facts.has_media and facts.queued:
        found.append(context("Media links are looked at while the posts are queued; what is wrong is told."))
    return found


def _faults(facts: ImportShown, page: int, size: int) -> list[Part | None]:
    """The first few on the first page; then so many a page, from the first one on."""
    start = (page - 1) * PAGE if page else 0
    shown = facts.faults[start : start + size]
    if not shown:
        return []
    which = "" if len(shown) == len(facts.faults) else f" ({start + 1} to {start + len(shown)})"
    heading = f"*{count(len(facts.faults), 'line')} with a fault*{which}:"
    return [section(text) for text in _fitting([heading, *_lines(shown)])]


def _fitting(lines: Sequence[str]) -> list[str]:
    """The lines, in as few texts as hold all of them: escaped addresses are long."""
    found = [""]
    for line in lines:
        longer = f"{found[-1]}\n{line}".lstrip("\n")
        if len(longer) > blocks.SECTION_MAX:
            found.append(line)
        else:
            found[-1] = longer
    return found


def _lines(notes: Sequence[Note]) -> list[str]:
    return [f"• line {number}: {blocks.safe(said, 130)}" for number, said in notes]


def _turning(facts: ImportShown, page: int) -> Part | None:
    """From the first page, which shows a few faults, to pages that show all of them."""
    last = -(-len(facts.faults) // PAGE)
    if len(facts.faults) <= SOME:
        return None
    on = "All the faults" if page == 0 else "Next faults"
    back = "Back" if page == 1 else "Previous faults"
    return row(
        button(back, names.IMPORT_PAGE, str(page - 1)) if page > 0 else None,
        button(on, f"{names.IMPORT_PAGE}#2", str(page + 1)) if page < last else None,
    )


def queueing(facts: ImportShown) -> Block:
    """The posts are on their way into the queue."""
    said = f"⏳ Queueing {count(facts.planned, 'post')} from *{blocks.safe(facts.name)}*."
    hint = "You can close this window: I write to you when it is done. `/queue` shows the posts as they come."
    return modals.modal(TITLE, [section(said).block, context(hint).block], close="Done")


def result(facts: ImportShown) -> Message:
    """What a calendar came to, for whoever imported it."""
    came = "is imported" if facts.queued or facts.known else "brought nothing to queue"
    parts: list[Part | None] = [header(f"{'⚠️' if facts.faults else '✅'} {blocks.plain(facts.name)} {came}")]
    parts.append(section(_sum(facts, agree(facts.queued, "is queued", "are queued"))))
    parts += _faults(facts, 0, SOME)
    more = len(facts.faults) > SOME
    every = button(f"All {len(facts.faults)} faults", names.IMPORT_FAULTS, names.joined(facts.id, "1"))
    parts.append(row(every) if more else None)
    if facts.faults:
        parts.append(context("Correct these lines and import the file again: what is queued stays as it is."))
    return blocks.message(parts)


def faults_page(facts: ImportShown, metadata: str, page: int) -> Block:
    """The faults of an import that is done, a page at a time."""
    last = max(-(-len(facts.faults) // PAGE), 1)
    page = min(max(page, 1), last)
    parts = _faults(facts, page, PAGE)
    parts.append(
        row(
            button("Previous faults", names.IMPORT_PAGE, str(page - 1)) if page > 1 else None,
            button("Next faults", f"{names.IMPORT_PAGE}#2", str(page + 1)) if page < last else None,
        )
    )
    shown = [part.block for part in parts if part is not None]
    return modals.modal(TITLE, shown, close="Close", metadata=metadata)


def _sum(facts: ImportShown, verb: str) -> str:
    said = [f"{count(facts.queued, 'post')} {verb}"]
    if facts.known:
        said.append(f"{count(facts.known, 'line')} {agree(facts.known, 'was', 'were')} imported before")
    if facts.faults:
        said.append(f"{count(len(facts.faults), 'line')} {agree(len(facts.faults), 'has', 'have')} a fault")
    return f"{listed(said)}."
