"""Promise 7: an idle tick costs the same with many connections as with ten."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from benchmarks.fixtures import idle_connections
from bot.jobs.engine import Engine
from sandbox.platforms.testing import run_twins
from storage.database import Database
from storage.migrate import migrate
from tests.support import house_at

SIZES = (10, 1_000, 100_000)
TICKS = 40


async def measure(folder: Path) -> list[tuple[str, str, str]]:
    """The median idle tick on SQLite at each size."""
    rows: list[tuple[str, str, str]] = []
    first = 0.0
    for size in SIZES:
        database = Database(f"sqlite+aiosqlite:///{folder}/grown-{size}.db")
        await migrate(database)
        async with run_twins() as twins, house_at(twins, database, folder, platforms=("x",)) as house:
            await idle_connections(house, size)
            engine = Engine(house)
            await engine.tick()
            median = statistics.median([await _tick(engine) for _ in range(TICKS)])
        await database.close()
        first = first or median
        rows.append((f"{size:,} connections", f"{median * 1000:.1f} ms a tick", f"{median / first:.2f}"))
    return rows


async def _tick(engine: Engine) -> float:
    started = time.perf_counter()
    await engine.tick()
    return time.perf_counter() - started
