"""The bot as a process of its own that can be made to die, or to freeze, at a chosen instruction.

    CHAOS_POINT=storage.spool.Spool.put:after CHAOS_HOW=KILL python -m tests.chaos.child

Settings come from the environment as for `lamplighter run`. Beside them: CHAOS_POINT (a function, and
`before` or `after` it), CHAOS_HOW (KILL or STOP), CHAOS_NTH (which call of it, 1 by default), CHAOS_TIMINGS
(JSON, the fields of bot.domain.house.Timings), CHAOS_FD (a bound socket to listen on), CHAOS_LOG (a level).
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import itertools
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from bot import app, logs
from bot.domain.house import House, Timings
from bot.settings import load_settings


def strike_at(point: str, nth: int, how: signal.Signals) -> None:
    """Lets the process send itself `how` right before or right after the nth call of a function."""
    path, _, when = point.rpartition(":")
    owner, name = _owner_of(path)
    real = getattr(owner, name)
    hits = itertools.count(1)

    def strike(moment: str) -> None:
        if moment == when and next(hits) == nth:
            os.kill(os.getpid(), how)

    setattr(owner, name, _struck(real, strike))


def _struck(real: Any, strike: Callable[[str], None]) -> Any:
    @functools.wraps(real)
    async def waiting(*args: Any, **kwargs: Any) -> Any:
        strike("before")
        answer = await real(*args, **kwargs)
        strike("after")
        return answer

    @functools.wraps(real)
    def plain(*args: Any, **kwargs: Any) -> Any:
        strike("before")
        answer = real(*args, **kwargs)
        strike("after")
        return answer

    return waiting if inspect.iscoroutinefunction(real) else plain


def _owner_of(path: str) -> tuple[Any, str]:
    """The module or class that holds the function, and its name there."""
    *names, name = path.split(".")
    for length in range(len(names), 0, -1):
        try:
            owner: Any = importlib.import_module(".".join(names[:length]))
        except ModuleNotFoundError:
            continue
        return functools.reduce(getattr, names[length:], owner), name
    raise ValueError(f"no such function: {path}")


def listeners() -> Iterator[socket.socket]:
    """The socket that the parent holds for us, so that the address outlives this process."""
    if "CHAOS_FD" in os.environ:
        listener = socket.socket(fileno=int(os.environ["CHAOS_FD"]))
        listener.listen(512)
        yield listener


async def serve() -> None:
    async with app.assembled(load_settings(os.environ, require="run")) as bot:
        await bot.serve(next(listeners(), None))


def main() -> None:
    logs.configure(os.environ.get("CHAOS_LOG", "INFO"))
    if timings := os.environ.get("CHAOS_TIMINGS"):
        quick = functools.partial(House, timings=Timings(**json.loads(timings)))
        mock.patch.object(app, "House", quick).start()
    if point := os.environ.get("CHAOS_POINT"):
        how = signal.Signals[f"SIG{os.environ.get('CHAOS_HOW', 'KILL')}"]
        strike_at(point, int(os.environ.get("CHAOS_NTH", "1")), how)
    asyncio.run(serve())


if __name__ == "__main__":
    main()
