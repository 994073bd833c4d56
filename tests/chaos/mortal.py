"""A house that dies at a chosen instruction, as a killed process does: nothing of it runs any more.

It dies before or after a statement, before a commit, before a request leaves or when its answer has come,
before or after an answer is spooled. What it had committed or spooled stays; the rest never happened.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import event

from bot.domain.house import House, Tasks, Wake
from bot.http import PlatformHttp
from bot.http.response import Response
from storage.database import Database
from storage.spool import Spool, SpooledAnswer
from tests.support import Killed

INSTRUCTIONS = (
    "before a statement",
    "before a commit",
    "before a request",
    "after an answer",
    "before spooling",
    "after spooling",
    "before emptying the spool",
)


@dataclass
class Fate:
    """How many instructions of one kind are left to a process; None: it lives."""

    left: int | None = None
    at: str = ""
    is_dead: bool = False
    died_at: dict[str, int] = field(default_factory=dict)  # kinds of instructions, over all lives

    def step(self, what: str) -> None:
        """One instruction. Raises Killed at the last one of its kind, and ever after."""
        if self.left is not None and not self.is_dead and what == self.at:
            self.left -= 1
            if self.left <= 0:
                self.is_dead = True
                self.died_at[what] = self.died_at.get(what, 0) + 1
        if self.is_dead:
            raise Killed


class MortalSpool(Spool):
    """A spool that a death may come before or after."""

    def __init__(self, folder: Path, fate: Fate) -> None:
        super().__init__(folder)
        self.fate = fate

    def put(self, answer: SpooledAnswer) -> Path:
        self.fate.step("before spooling")
        path = super().put(answer)
        self.fate.step("after spooling")
        return path

    def drop(self, path: Path) -> None:
        self.fate.step("before emptying the spool")
        super().drop(path)


class MortalHttp:
    """The one HTTP client, as a process uses it that may die meanwhile."""

    def __init__(self, real: PlatformHttp, fate: Fate) -> None:
        self.real, self.fate = real, fate

    async def request(self, *args: Any, **kwargs: Any) -> Response:
        self.fate.step("before a request")
        answer = await self.real.request(*args, **kwargs)
        self.fate.step("after an answer")
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


async def bury(house: House) -> None:
    """Closes what a dead process had open, as its end does."""
    with suppress(Killed):  # its last group of transactions died with it
        await house.db.close()
    await house.db.close()


def born(house: House, url: str, fate: Fate, owner: str) -> House:
    """The next process of the same bot: tasks and a name of its own; the file, spool, keys stay."""
    database = Database(url)

    def statement(*_: object) -> None:
        fate.step("before a statement")

    def commit(_: object) -> None:
        fate.step("before a commit")

    for engine in {database.writer, database.reader}:
        event.listen(engine.sync_engine, "before_cursor_execute", statement)
        event.listen(engine.sync_engine, "commit", commit)
    http: Any = MortalHttp(house.http.real if isinstance(house.http, MortalHttp) else house.http, fate)
    spool = MortalSpool(house.spool.folder, fate)
    return replace(house, db=database, http=http, spool=spool, owner=owner, tasks=Tasks(), wake=Wake())
