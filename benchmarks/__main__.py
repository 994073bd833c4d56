"""`make bench`: tables of ratios. 1.0 is the ceiling that the same machine reached in the same run."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks import growth, refreshing, slack
from bot import logs

Bench = Callable[[Path], Awaitable[list[tuple[str, str, str]]]]
BENCHES: tuple[tuple[str, Bench], ...] = (
    ("Refreshing due grants, against bare calls to the same endpoint", refreshing.measure),
    ("An idle tick, against one with ten connections", growth.measure),
    ("Answering a slash command, against the same request answered by nothing", slack.measure),
)


async def main() -> None:
    """Runs all benchmarks and prints their tables."""
    for title, bench in BENCHES:
        started = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="lamplighter-bench-") as folder:
            rows = await bench(Path(folder))
        print(f"\n{title}  ({time.perf_counter() - started:.0f} s)")
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row in rows:
            print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


if __name__ == "__main__":
    logs.configure("ERROR")
    asyncio.run(main())
