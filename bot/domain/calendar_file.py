"""Reading a content calendar, or another table: from a file's bytes to lines, and from a cell to an instant.

What cannot be read is refused in words for whoever made the file; nothing is guessed, because a wrong guess
is published.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.domain.errors import Refused
from bot.domain.moments import instants

COLUMNS = ("client", "platforms", "when", "text", "media", "title", "link")
NEEDED = ("client", "platforms", "when")
UNREADABLE = "From here on the file cannot be read: a quotation mark is missing or too many."
SAVE_AS = "Save it as “CSV UTF-8”, and try again."
NO_TEXT = "\ufffd"  # what stands for bytes that are no text, here and in files that were converted badly
CLOCK = re.compile(
    r"[\dWw-]+[Tt ]\d\d(?::?\d\d(?::?\d\d(?:[.,]\d+)?)?)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
"""A day and a time of ISO 8601. `datetime.fromisoformat` takes more: 18.30 for 18 o'clock and 0.3 seconds, an
offset behind a day for its time."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file, by its column. `number` counts from 1, the heading included; `problem`: why it
    cannot even be read."""

    number: int
    cells: Mapping[str, str]
    problem: str = ""


def decoded(data: bytes) -> str:
    """The text of a file in UTF-8, with its mark or without, in characters that every database keeps. Raises
    Refused for anything else, by name."""
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Refused(f"This is a workbook of a spreadsheet program, not a CSV file. {SAVE_AS}")
    start = data[:200]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or 4 * start.count(0) > len(start):
        raise Refused(f"The file is UTF-16, as “Unicode text” of a spreadsheet program is. {SAVE_AS}")
    try:
        return data.decode("utf-8-sig").replace("\x00", NO_TEXT)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        said = (
            f"The file is not UTF-8: line {line} has a character of an older encoding, such as Windows-1252."
        )
        raise Refused(f"{said} {SAVE_AS}") from None


def as_lines(text: str) -> Iterator[str]:
    """The lines of a text as a CSV reader wants them: no end of a line within quotation marks is changed."""
    return io.StringIO(text, newline="")


def read_lines(
    file: Iterable[str], columns: Sequence[str] = COLUMNS, needed: Sequence[str] = NEEDED
) -> Iterator[Line]:
    """The lines of a table, read as they are needed. Raises Refused where its heading cannot be used."""
    source = iter(file)
    heading = next(source, "").lstrip("\ufeff")
    delimiter = max(",;\t", key=heading.count)
    names = [
        name.strip().casefold().replace(" ", "_")
        for name in next(csv.reader([heading], delimiter=delimiter), [])
    ]
    while names and not names[-1]:  # columns that a spreadsheet keeps though nothing stands in them
        names.pop()
    _check_heading(names, columns, needed)
    rows = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        number = rows.line_num + 2  # behind the heading, at the line where the row begins
        try:
            cells = next(rows, None)
        except csv.Error:
            yield Line(number, {}, UNREADABLE)
            return
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield _line(number, names, cells)


def _check_heading(names: Sequence[str], columns: Sequence[str], needed: Sequence[str]) -> None:
    wanted = f"The first line names the columns: {', '.join(columns)}."
    missing = [name for name in needed if name not in names]
    strange = [name for name in names if name not in columns]
    if missing:
        raise Refused(f"The column {' and the column '.join(missing)} is missing. {wanted}")
    if strange and not any(strange):
        raise Refused(f"Column {names.index('') + 1} has no name. {wanted}")
    if strange:
        raise Refused(f"“{strange[0][:40]}” is none of the columns that I know. {wanted}")
    if len(set(names)) != len(names):
        raise Refused(f"A column is there twice. {wanted}")


def _line(number: int, names: Sequence[str], cells: Sequence[str]) -> Line:
    found = {name: _cell(cell) for name, cell in zip(names, cells, strict=False)}
    if any(cell.strip() for cell in cells[len(names) :]):
        said = "This line has more cells than there are columns. Put texts with commas into quotation marks."
        return Line(number, found, said)
    if any(NO_TEXT in cell for cell in cells):
        return Line(number, found, "This line holds characters that are no text.")
    return Line(number, found)


def _cell(text: str) -> str:
    """What a cell says: the ends of its lines are the program's that wrote the file, not the author's."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def read_when(text: str, zone: str) -> datetime:
    """The instant that a cell names, UTC-aware, to the second: ISO 8601, in `zone` where it has no offset.

    Raises Refused for a date without a time, and for a time that a clock change skips or repeats."""
    try:
        at = datetime.fromisoformat(text).replace(microsecond=0)
    except ValueError:
        raise Refused(f"“{text[:40]}” is not a time. Write it like 2026-12-24T18:00.") from None
    if " " not in text and "T" not in text.upper():
        raise Refused(f"“{text[:40]}” has no time of day. Write it like 2026-12-24T18:00.")
    if CLOCK.fullmatch(text) is None:
        raise Refused(f"“{text[:40]}” is not a time. Write it like 2026-12-24T18:00.")
    try:
        return _instant(at, zone)
    except OverflowError:
        raise Refused(f"“{text[:40]}” is not a time that I can plan for.") from None


def _instant(at: datetime, zone: str) -> datetime:
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    found = instants(at, zone)
    if len(found) == 1:
        return found[0]
    if not found:
        said = f"{at:%H:%M} does not exist on that day in {zone}: the clocks go forward."
        raise Refused(f"{said} Choose another time.")
    offset = found[0].astimezone(ZoneInfo(zone)).strftime("%z")
    example = f"{at.isoformat()}{offset[:3]}:{offset[3:5]}"
    said = f"{at:%H:%M} comes twice on that day in {zone}: the clocks go back."
    raise Refused(f"{said} Write which one you mean, like {example}.")
