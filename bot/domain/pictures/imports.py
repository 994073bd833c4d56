"""An import as messages show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.messages.importing import ImportShown, Note
from storage.models import Import


def shown(row: Import) -> ImportShown:
    """As far as it is: what it would come to, or came to."""
    found = row.found
    return ImportShown(
        id=row.id,
        name=row.name,
        queued=row.queued,
        planned=int(found.get("posts") or 0),
        known=row.known,
        faults=_notes(row.faults),
        first=_notes(found.get("first", ())),
        warned=_notes(found.get("warned", ())),
        warnings=int(found.get("warnings") or 0),
        costs=tuple(found.get("costs", ())),
        has_media=bool(found.get("media")),
    )


def _notes(found: Iterable[Mapping[str, Any]]) -> tuple[Note, ...]:
    return tuple((int(item["line"]), str(item["said"])) for item in found)
