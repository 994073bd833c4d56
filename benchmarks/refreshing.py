"""How much of the bare HTTP speed is left when every refresh is leased, journalled, spooled and committed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from benchmarks.fixtures import many_grants
from bot.jobs import sweep
from sandbox.platforms.testing import run_twins
from storage.database import Database
from storage.migrate import migrate
from tests.support import house_at

GRANTS = 300
AT_ONCE = 32


async def measure(folder: Path) -> list[tuple[str, str, str]]:
    """X grants due at once on SQLite: the sweep against bare refresh calls through the same client."""
    database = Database(f"sqlite+aiosqlite:///{folder}/bench.db")
    await migrate(database)
    async with run_twins() as twins, house_at(twins, database, folder, platforms=("x",)) as house:
        bare_tokens = await many_grants(house, twins, GRANTS, due=False)
        platform = house.platforms["x"]
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(index: int) -> None:
            async with gate:
                await platform.refresh(house.call(platform), bare_tokens[index])

        started = time.perf_counter()
        await asyncio.gather(*(one(index) for index in range(GRANTS)))
        ceiling = GRANTS / (time.perf_counter() - started)
        await many_grants(house, twins, GRANTS, due=True)
        started, done = time.perf_counter(), 0
        while done < GRANTS:
            done += await sweep.refresh_due(house)
        reached = GRANTS / (time.perf_counter() - started)
        spent = len(twins.world.ledger.spent_refreshes())
    await database.close()
    return [
        ("bare calls", f"{ceiling:.0f}/s", "1.00"),
        ("the sweep", f"{reached:.0f}/s", f"{reached / ceiling:.2f}"),
        ("spent tokens presented", str(spent), ""),
    ]
