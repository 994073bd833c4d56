"""How long Slack waits for an answer, beside the same signed request to an address that does nothing."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import httpx

from sandbox.agency import Morning
from sandbox.demo import running
from sandbox.slack import Person

REQUESTS = 60


async def measure(folder: Path) -> list[tuple[str, str, str]]:
    """Median round trips in the demo, on loopback."""
    async with running(0, folder, history=False) as demo:
        maria = Person(demo.sandbox.slack, demo.agency.maria.id)
        await Morning(demo.sandbox, demo.agency, demo.advanced).set_up(maria)
        async with httpx.AsyncClient(trust_env=False) as client:
            nothing = await _median(lambda: client.get(f"{demo.sandbox.bot_url}/healthz"))
        channel = demo.agency.bakery.id
        commands = [("/health", ""), ("/retry", ""), ("/connect", "help"), ("/lamplighter", "help")]
        rows = [("nothing (/healthz)", f"{nothing * 1000:.1f} ms", "1.0")]
        for name, text in commands:
            took = await _median(partial(maria.command, name, text, channel))
            rows.append((f"{name} {text}".strip(), f"{took * 1000:.1f} ms", f"{took / nothing:.1f}"))
    return rows


async def _median(call: Callable[[], Awaitable[object]]) -> float:
    taken = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        await call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)
