"""A calendar that was uploaded: looked through, and on a person's word queued line by line.

The file lies in a row. Each line is counted in the transaction that queues it, so that a process that dies
loses none and repeats none, and the rest goes on elsewhere. Lines are known by what they say: two people who
import one file at once queue each of its lines once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import calendar
from bot.domain.auditing import Actor, record
from bot.domain.calendar import Came, Judged, Look, Report
from bot.domain.calendar_file import Line, as_lines, read_lines
from bot.domain.checking_posts import Cost, summed
from bot.domain.errors import NotCurrent, Refused
from bot.domain.house import House
from bot.domain.pictures import checking
from bot.domain.telling import tell_event, user
from bot.messages.checking import cost_words, warning_words
from bot.messages.importing import first_words
from bot.platforms.content import Media
from storage import imports as store
from storage.models import Import, new_id

log = structlog.get_logger(__name__)

LINES_MOST = 2000
BYTES_MOST = 2 * 1024 * 1024
FIRST_LINES = 5
WARNINGS_MOST = 50
PREVIEW_KEPT = timedelta(days=1)
RESULT_KEPT = timedelta(days=30)
LEASE = timedelta(minutes=5)  # a film to look at takes its time; renewed at each, and at each line
TROUBLE = (
    "Something went wrong here, and it is not the file's fault. Whoever runs this bot finds it in the log."
)


class TakenOver(Exception):
    """Another process goes on with this import."""


async def preview(house: House, actor: Actor, view_id: str, name: str, text: str) -> Import:
    """What a file would come to, stored for its window; media links are not fetched yet. Raises Refused."""
    lines = list(read_lines(as_lines(text)))
    if len(lines) > LINES_MOST:
        raise Refused(f"The file has {len(lines):,} lines. Split it: I take {LINES_MOST:,} at a time.")
    if not lines:
        raise Refused("Below its first line the file is empty.")
    reports = [report async for report in calendar.import_lines(house, actor, lines, None, dry_run=True)]
    now = house.clock.now()
    good = [report for report in reports if report.came is Came.QUEUED]
    values = {
        "id": new_id(),
        "workspace_id": actor.workspace_id,
        "view_id": view_id,
        "author": actor.user_id or "",
        "channel_id": actor.channel_id,
        "name": name[:255],
        "text": text,
        "state": "previewed",
        "position": 0,
        "queued": len(good),
        "known": sum(report.came is Came.KNOWN for report in reports),
        "faults": [_fault(report) for report in reports if report.came is Came.FAULTY],
        "found": _found(house, good, any(line.cells.get("media") for line in lines)),
        "next_at": now + PREVIEW_KEPT,
        "created_at": now,
    }
    async with house.db.write() as session:
        return await store.add(session, values)


def _fault(report: Report) -> dict[str, object]:
    return {"line": report.number, "said": report.problem}


def _found(house: House, good: list[Report], has_media: bool) -> dict[str, object]:
    """What the preview shows beside the counts, in words."""
    warned = [
        {
            "line": report.number,
            "said": warning_words(checking.warning(house, one, report.labels, report.zone)),
        }
        for report in good
        for one in report.warned
    ]
    charged: list[Cost] = [cost for report in good for cost in report.costs]
    return {
        "first": [
            {
                "line": report.number,
                "said": first_words(report.due_at, report.zone, report.labels, report.text),
            }
            for report in good[:FIRST_LINES]
        ],
        "warned": warned[:WARNINGS_MOST],
        "warnings": len(warned),
        "costs": [cost_words(checking.cost(house, one)) for one in summed(charged)],
        "media": has_media,
        "posts": len(good),
    }


async def start(session: AsyncSession, house: House, actor: Actor, import_id: str) -> Import:
    """Queues what was looked through; a second press is the same one. Raises NotCurrent."""
    now = house.clock.now()
    row = await store.get(session, actor.workspace_id, import_id)
    if row is None:
        raise NotCurrent("I do not have this file any more. Upload it again: nothing is queued twice.")
    if await store.start(session, actor.workspace_id, import_id, now):
        record(session, actor, "import.started", now, detail={"import": import_id, "file": row.name})
    return row


async def work_due(house: House, look_for: Callable[[str], Look]) -> None:
    """Takes imports to their end, one after the other, while there are any. `look_for`: how the media links
    of a workspace's calendars are fetched."""
    async with house.db.write() as session:
        await store.forget_due(session, house.clock.now())
    while (row := await _claimed(house)) is not None:
        try:
            await _work(house, row, look_for(row.workspace_id))
        except TakenOver:
            log.info("import_taken_over", id=row.id)


async def _claimed(house: House) -> Import | None:
    now = house.clock.now()
    async with house.db.read() as session:
        if not await store.any_due(session, now):
            return None
    async with house.db.write() as session:
        lease_now = await house.db.lease_now(session)
        return await store.claim(session, house.owner, now, lease_now, LEASE)


async def _work(house: House, row: Import, look: Look) -> None:
    actor = Actor(row.workspace_id, row.author, row.channel_id)
    remembering = calendar.remembering(_renewing(house, row, look))
    for number, line in enumerate(_lines(row)):
        if number >= row.position:
            await _line(house, row, actor, line, remembering)
            house.wake.engine.set()
    async with house.db.write() as session:
        now = house.clock.now()
        ended = {"state": "done", "text": "", "next_at": now + RESULT_KEPT, "lease_owner": None}
        if not await store.step(session, row, house.owner, **ended):
            raise TakenOver
        record(session, actor, "import.done", now, detail={"import": row.id, "queued": row.queued})
        key = f"import:{row.id}"
        await tell_event(session, row.workspace_id, "import", key, user(row.author), subject_id=row.id)
    house.wake.all()


def _renewing(house: House, row: Import, look: Look) -> Look:
    """Each look at a file begins with a whole lease: a line may have many."""

    async def fetch(url: str) -> Media:
        async with house.db.write() as session:
            await _renew(session, house, row)
        return await look(url)

    return fetch


async def _renew(session: AsyncSession, house: House, row: Import) -> None:
    """Raises TakenOver where the import is another's by now; else its row is ours until the commit."""
    lease_until = await house.db.lease_now(session) + LEASE
    if not await store.step(session, row, house.owner, lease_until=lease_until):
        raise TakenOver


def _lines(row: Import) -> Iterator[Line]:
    return read_lines(as_lines(row.text))


async def _line(house: House, row: Import, actor: Actor, line: Line, look: Look) -> None:
    """One line, to its end: queued, known, or a fault in words."""
    try:
        judged = await calendar.judge(house, actor, line, look)
        await _count(house, row, actor, judged)
    except Refused as refused:
        await _count(house, row, actor, Judged(Report(line.number, Came.FAULTY, refused.text)))
    except (SQLAlchemyError, OSError, TakenOver):
        raise
    except Exception as error:
        log.exception("import_line_failed", id=row.id, line=line.number, problem=type(error).__name__)
        await _count(house, row, actor, Judged(Report(line.number, Came.FAULTY, TROUBLE)))


async def _count(house: House, row: Import, actor: Actor, judged: Judged) -> None:
    """Queues the line and counts it, in one transaction."""
    async with house.db.write() as session:
        await _renew(session, house, row)
        report = await calendar.store_line(session, house, actor, judged, house.clock.now())
        faults = [*row.faults, _fault(report)] if report.came is Came.FAULTY else row.faults
        counted = {
            "position": row.position + 1,
            "queued": row.queued + (report.came is Came.QUEUED),
            "known": row.known + (report.came is Came.KNOWN),
            "faults": faults,
        }
        await store.step(session, row, house.owner, **counted)
    for name, value in counted.items():
        setattr(row, name, value)
