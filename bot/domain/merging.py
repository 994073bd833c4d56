"""Two people change the same thing in two windows: neither loses silently what the other has changed. Pure.

A window carries a mark of each value that it showed. What was left alone is left alone; what was changed is
stored, unless somebody else has changed that very value since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Marks = Mapping[str, str]
"""By field: a mark of the value that was shown."""


@dataclass(frozen=True, slots=True)
class Merged:
    """`changes` are to be stored, by field; `conflicts` are the fields that somebody else has changed."""

    changes: Mapping[str, Any]
    conflicts: tuple[str, ...] = ()


def marks(values: Mapping[str, Any]) -> dict[str, str]:
    """Short marks of values (plain data), for a window to carry. Order within a list counts for nothing."""
    return {name: _mark(value) for name, value in values.items()}


def merge(seen: Marks, entered: Mapping[str, Any], current: Mapping[str, Any]) -> Merged:
    """What a submit means, given what its window had shown and what stands now."""
    changes: dict[str, Any] = {}
    conflicts = []
    for name, value in entered.items():
        mark, now = _mark(value), _mark(current.get(name))
        if mark in (now, seen.get(name)):
            continue
        if now == seen.get(name):
            changes[name] = value
        else:
            conflicts.append(name)
    return Merged(changes, tuple(conflicts))


def _mark(value: Any) -> str:
    plain = sorted(value) if isinstance(value, (list, tuple, set, frozenset)) else value
    return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()[:8]
