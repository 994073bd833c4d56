"""An answer on disk outlives its process; a half-written one was none."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.spool import Spool, SpooledAnswer

THEN = datetime(2026, 11, 21, 8, tzinfo=UTC)
ANSWER = SpooledAnswer(
    "g1", "a1", 4, {"access_token": "1.k.n.c", "access_expires_at": THEN, "next_due_at": None}
)


def test_an_answer_comes_back_as_it_was(tmp_path: Path) -> None:
    path = Spool(tmp_path / "spool").put(ANSWER)
    ((found, answer),) = Spool(tmp_path / "spool").waiting()
    assert (found, answer) == (path, ANSWER)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_dropped_answer_is_gone_and_may_be_dropped_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    path = spool.put(ANSWER)
    spool.drop(path)
    spool.drop(path)
    assert list(spool.waiting()) == []


def test_a_death_while_writing_leaves_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path)

    def die(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", die)
    with pytest.raises(KeyboardInterrupt):
        spool.put(ANSWER)
    monkeypatch.undo()
    assert list(Spool(tmp_path).waiting()) == []
    spool.put(ANSWER)
    assert [answer for _, answer in spool.waiting()] == [ANSWER]


def test_it_is_on_disk_before_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name must never show content that a power cut takes away."""
    seen: list[list[str]] = []
    real = os.fsync

    def watch(descriptor: int) -> None:
        seen.append(sorted(path.suffix for path in tmp_path.iterdir()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    Spool(tmp_path).put(ANSWER)
    assert seen == [[".part"], [".json"]]  # the file before its name, then the folder with it
