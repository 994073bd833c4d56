from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.clock import HouseClock, boot_seconds, utc_now

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def clock(file: Path | None = None, offset: float = 0.0) -> HouseClock:
    return HouseClock(file, offset=offset, real=lambda: NOON)


def test_house_time_is_real_time_plus_the_offset() -> None:
    house = clock(offset=60)
    assert house.now() == NOON + timedelta(minutes=1)
    house.set_offset(86_400.5)
    assert (house.now(), house.offset) == (NOON + timedelta(days=1, milliseconds=500), 86_400.5)


def test_real_time_is_aware_and_utc() -> None:
    assert utc_now().utcoffset() == timedelta(0)
    assert abs(HouseClock().now() - utc_now()) < timedelta(seconds=5)


def test_the_file_names_a_target_and_applies_nothing(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    file.write_text(" 7200.5\n")
    house = clock(file)
    assert house.read_file() == 7200.5
    assert house.now() == NOON


def test_without_a_file_the_target_is_the_present_offset() -> None:
    assert clock(offset=5).read_file() == 5


@pytest.mark.parametrize("content", ["", "soon", "nan", "inf", "1e300", "1 2", b"\xff\xfe\x00"])
def test_garbage_keeps_the_offset_and_is_told_once(tmp_path: Path, content: str | bytes) -> None:
    file = tmp_path / "offset"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    house = clock(file, offset=30)
    with capture_logs() as said:
        assert [house.read_file(), house.read_file()] == [30, 30]
    assert len(said) == 1


def test_a_missing_file_is_told_again_after_it_was_well(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    house = clock(file)
    with capture_logs() as said:
        house.read_file()
        file.write_text("10")
        assert house.read_file() == 10
        file.unlink()
        assert house.read_file() == 0
    assert len(said) == 2


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e300, -1e300])
def test_an_impossible_offset_is_refused(seconds: float) -> None:
    house = clock(offset=1)
    with pytest.raises(ValueError, match="century"):
        house.set_offset(seconds)
    assert house.offset == 1


def test_boot_seconds_run_on_during_suspension_where_they_can(monkeypatch: pytest.MonkeyPatch) -> None:
    first = boot_seconds()
    assert boot_seconds() >= first
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    assert abs(boot_seconds() - time.monotonic()) < 5
