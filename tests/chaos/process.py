"""A bot in a process of its own, and waiting for what it does."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parents[2]
POLL_SECONDS = 0.05
PATIENCE = 60.0  # seconds; on a busy machine a process needs some to start

T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T]], what: str, seconds: float = PATIENCE) -> T:
    """Looks until what is found is true. Fails with what was seen last."""
    seen: T | None = None
    try:
        async with asyncio.timeout(seconds):
            while not (seen := await look()):
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(f"never: {what}; seen last: {seen!r}") from None
    return seen


@dataclass
class Child:
    """A bot in a process of its own."""

    process: asyncio.subprocess.Process
    log: Path

    async def killed(self) -> None:
        """Waits until the process has killed itself at its point."""
        try:
            code = await asyncio.wait_for(self.process.wait(), PATIENCE)
        except TimeoutError:
            raise AssertionError(f"it never came to its point:\n{self._end()}") from None
        assert code == -signal.SIGKILL, f"ended with {code}:\n{self._end()}"

    async def stopped(self) -> None:
        """Waits until the process has frozen itself at its point."""

        async def frozen() -> bool:
            seen = os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT)
            return seen is not None

        await eventually(frozen, f"{self.log.name} stopped")

    def wake(self) -> None:
        """Lets a frozen process go on."""
        self.process.send_signal(signal.SIGCONT)

    async def end(self) -> None:
        """Ends it for good, if it has not ended."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of its log with this event."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == event]

    def _end(self) -> str:
        return "\n".join(self.log.read_text().splitlines()[-30:])


async def start(environment: Mapping[str, str], log: Path, listener: socket.socket | None) -> Child:
    """Starts `tests.chaos.child` with these settings; it listens on `listener`, if there is one."""
    extra = {"CHAOS_FD": str(listener.fileno())} if listener is not None else {}
    with log.open("w") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.chaos.child"),
            env={"PATH": os.environ.get("PATH", ""), **environment, **extra},
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stderr=out,
            pass_fds=(listener.fileno(),) if listener is not None else (),
        )
    return Child(process, log)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
