"""Answers that must not be lost between arrival and commit: one small sealed file each.

A spooled answer is written before its transaction and removed after it: from then on it outlives the process.
It is synced to the disk, so that it outlives the machine too, where its transaction is not committed at once;
a commit that follows at once is that sync. Every start reads what is left and stores it under the same
condition as the first try (the attempt's generation), so doing it twice is harmless.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class SpooledAnswer:
    """A refresh answer. `values` holds what the grant's columns become; tokens in it are already sealed."""

    grant_id: str
    attempt_id: str
    generation: int
    values: dict[str, Any]


class Spool:
    """The folder of answers that wait for their commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)

    def put(self, answer: SpooledAnswer) -> Path:
        """Writes the answer to its file, whole or not at all; returns the file."""
        path = self.folder / f"{answer.attempt_id}.json"
        draft = path.with_suffix(".part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(answer), file, default=datetime.isoformat)
        draft.replace(path)
        return path

    def sync(self, path: Path) -> None:
        """Returns when the file is on the disk, or its answer is stored and the file gone."""
        try:
            _sync(path)
        except FileNotFoundError:
            return
        _sync(self.folder)

    def drop(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def waiting(self) -> Iterator[tuple[Path, SpooledAnswer]]:
        """What earlier runs left. A half-written one is no answer: its call counts as unclear."""
        for path in sorted(self.folder.glob("*.json")):
            try:
                answer = SpooledAnswer(**json.loads(path.read_text()))
            except FileNotFoundError:  # another process shares the folder, and has stored it meanwhile
                continue
            except ValueError:  # the machine went down before it was synced
                path.replace(path.with_suffix(".unreadable"))
                continue
            for name, value in answer.values.items():
                if name.endswith("_at") and value is not None:
                    answer.values[name] = datetime.fromisoformat(value)
            yield path, answer


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
