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

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        spool.put(ANSWER)
    monkeypatch.undo()
    assert list(Spool(tmp_path).waiting()) == []
    spool.put(ANSWER)
    assert [answer for _, answer in spool.waiting()] == [ANSWER]


def test_its_content_is_synced_and_then_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    real = os.fsync

    def watch(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    spool = Spool(tmp_path)
    path = spool.put(ANSWER)
    assert synced == []  # a commit that follows at once is the sync
    spool.sync(path)
    assert synced == [path, tmp_path]
    spool.drop(path)
    spool.sync(path)  # stored meanwhile


def test_what_a_power_cut_left_of_an_answer_is_none_and_stops_nobody(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    path = spool.put(ANSWER)
    path.write_bytes(path.read_bytes()[:40])
    (tmp_path / "empty.json").touch()
    assert list(spool.waiting()) == []
    assert sorted(left.suffix for left in tmp_path.iterdir()) == [".unreadable", ".unreadable"]
    assert list(spool.waiting()) == []
