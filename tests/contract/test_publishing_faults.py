"""One fault at every request of every kind of post: afterwards there is one post, a question, or a failure
that was told and left nothing behind. Never two posts, never silence.

Requests are counted on an undisturbed run; then each is spoiled in every way, one fault a post.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from bot.domain import breaker
from bot.domain.house import House
from bot.http import NoAnswer, NotSent, OpenHttp, PlatformHttp, Response
from bot.jobs import sweep
from bot.outbound import Rewriter
from bot.platforms import youtube_upload
from bot.platforms.media import UrlMedia
from sandbox.platforms.testing import Twins
from storage.models import Connection, Delivery
from tests.contract import posts
from tests.contract.conftest import Stage
from tests.contract.posts import KINDS, Kind
from tests.support import Killed, another, grant_of

Send = Callable[[float | None], Awaitable[Response]]
"""A request that is ready to go, given its not-after time."""

TEXT = "Fresh bread"
HOURS_BETWEEN = 4  # two posts: TikTok takes fifteen a day
HTML = b"<html><body><h1>Welcome to our wireless network</h1></body></html>"


class Fault(StrEnum):
    """What becomes of the request. "After": it took effect, and only its answer is spoiled."""

    NOT_SENT = "never left"
    DROPPED_BEFORE = "dropped before the effect"
    DROPPED_AFTER = "dropped after the effect"
    LATE = "timed out, takes effect before the next request"
    LATER = "timed out, takes effect after the next request"
    DOWN_BEFORE = "503 before the effect"
    DOWN_AFTER = "504 after the effect"
    HTML_BEFORE = "HTML with 502 before the effect"
    HTML_AFTER = "HTML with 502 after the effect"
    PAGE_BEFORE = "HTML with 200 before the effect"
    PAGE_AFTER = "HTML with 200 after the effect"
    KILLED_BEFORE = "process killed before the request"
    KILLED_AFTER = "process killed after the request"
    STOPPED = "process stopped before the request, woken when another had taken over"


ANSWERS = {
    Fault.DOWN_BEFORE: (503, b""),
    Fault.DOWN_AFTER: (504, b""),
    Fault.HTML_BEFORE: (502, HTML),
    Fault.HTML_AFTER: (502, HTML),
    Fault.PAGE_BEFORE: (200, HTML),
    Fault.PAGE_AFTER: (200, HTML),
}
AFTER = (
    Fault.DROPPED_AFTER,
    Fault.DOWN_AFTER,
    Fault.HTML_AFTER,
    Fault.PAGE_AFTER,
    Fault.KILLED_AFTER,
)


@dataclass
class Line:
    """The way out of a house: counts its requests and spoils the one at `at`. `meanwhile` is what others do
    while the process is stopped."""

    fault: Fault | None = None
    at: int = -1
    count: int = 0
    spoilt: str = ""
    late: list[Callable[[], Awaitable[Response]]] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None

    def reset(self, fault: Fault | None = None, at: int = -1) -> None:
        self.fault, self.at, self.count, self.spoilt = fault, at, 0, ""
        self.late.clear()

    async def carry(self, where: str, send: Send, not_after: float | None) -> Response:
        number, self.count = self.count, self.count + 1
        if number == self.at and self.fault is not None:
            self.spoilt = where
            return await self._spoil(self.fault, where, send, not_after)
        if self.fault is Fault.LATE:
            await self.arrive()
            return await send(not_after)
        answer = await send(not_after)
        await self.arrive()
        return answer

    async def arrive(self) -> None:
        """What was slow on its way takes effect."""
        while self.late:
            await self.late.pop()()

    async def _spoil(self, fault: Fault, where: str, send: Send, not_after: float | None) -> Response:
        if fault is Fault.NOT_SENT:
            raise NotSent(where, "test")
        if fault in (Fault.LATE, Fault.LATER):
            self.late.append(lambda: send(None))  # its bytes have left in time
            raise NoAnswer(where, "deadline")
        if fault is Fault.STOPPED:
            assert self.meanwhile is not None
            await self.meanwhile()
            return await send(None if not_after is None else 0.0)  # its time has passed long ago
        if fault in AFTER:
            await send(not_after)
        if fault in (Fault.KILLED_BEFORE, Fault.KILLED_AFTER):
            raise Killed
        if fault not in ANSWERS:
            raise NoAnswer(where, "test")
        status, body = ANSWERS[fault]
        return Response(status, httpx.Headers({"content-type": "text/html"}), body, where)


class SpoiltHttp(PlatformHttp):
    """The client for the platforms over such a line."""

    def __init__(self, rewriter: Rewriter, line: Line) -> None:
        super().__init__(rewriter)
        self._line = line

    async def request(
        self, method: str, url: str, *, not_after: float | None = None, **rest: Any
    ) -> Response:
        async def send(until: float | None) -> Response:
            return await super(SpoiltHttp, self).request(method, url, not_after=until, **rest)

        return await self._line.carry(f"{method} {url.partition('?')[0]}", send, not_after)


class SpoiltFiles(OpenHttp):
    """The client for media over such a line."""

    def __init__(self, rewriter: Rewriter, line: Line) -> None:
        super().__init__(rewriter)
        self._line = line

    async def request(
        self, method: str, url: str, *, not_after: float | None = None, **rest: Any
    ) -> Response:
        async def send(until: float | None) -> Response:
            return await super(SpoiltFiles, self).request(method, url, not_after=until, **rest)

        return await self._line.carry(f"{method} {url}", send, not_after)


@dataclass
class Trial:
    """A linked account in a house whose line can be spoilt."""

    stage: Stage
    house: House
    line: Line
    connection: Connection
    kind: Kind
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def run(self, fault: Fault | None = None, at: int = -1) -> tuple[str, Delivery]:
        """One post with one fault on its way: its text, and what became of it."""
        text = f"{TEXT} {next(self.numbers):04d}"
        self.line.reset()
        self.stage.twins.advance(hours=HOURS_BETWEEN)
        await self._answering()
        content = self.kind.make(self.stage.twins, text)
        delivery_id = await posts.queued(self.stage, self.connection, content)
        second = another(self.house, "second")

        async def taken_over() -> None:
            await posts.pass_the_lease_clock(self.house)
            await posts.to_its_end(self.stage, second, delivery_id)

        self.line.reset(fault, at)
        self.line.meanwhile = taken_over
        try:
            delivery = await posts.to_its_end(self.stage, self.house, delivery_id)
        except Killed:
            delivery = await posts.to_its_end(self.stage, second, delivery_id)
        await self.line.arrive()
        return text, delivery

    async def _answering(self) -> None:
        """Each fault comes alone: the tokens are fresh, and the platform answers."""
        await sweep.refresh_due(self.house)
        grant = await grant_of(self.house, self.connection)
        async with self.house.db.write() as session:
            await breaker.answered(session, grant.provider, self.house.clock.now())

    async def wrong(self, text: str, delivery: Delivery) -> str:
        """What breaks the promise; empty when nothing does."""
        count = len(posts.posts_with(self.stage.twins, text))
        notices = await posts.notices_of(self.house, delivery.id)
        told = {notice.facts.get("what", notice.topic) for notice in notices}
        async with self.house.db.read() as session:
            connection = await session.get_one(Connection, self.connection.id)
        grant = await grant_of(self.house, self.connection)
        allowed = {
            "published": count == 1 and told == {"published"},
            "unconfirmed": count <= 1 and told == {"unconfirmed"},
            "failed": count == 0 and told == {"failed"},
        }
        if grant.state != "live" or connection.problem is not None:
            return f"the connection was doubted: {grant.state}, {grant.reason}, {connection.problem}"
        if not allowed.get(delivery.state):
            return f"{delivery.state} ({delivery.reason}, {delivery.code}), {count} posts, told {told}"
        return ""


@asynccontextmanager
async def trial_of(kind: Kind, twins: Twins, migrated: Path, folder: Path) -> AsyncIterator[Trial]:
    rewriter, line = Rewriter(str(twins.http.base_url).rstrip("/")), Line()
    async with (
        posts.stage_for(kind.word, twins, migrated, folder) as stage,
        SpoiltHttp(rewriter, line) as http,
        SpoiltFiles(rewriter, line) as files,
    ):
        connection = await stage.linked()
        house = replace(stage.house, http=http, media=UrlMedia(files))
        if kind.name == "long_video":
            house = replace(house, media=posts.ShelfMedia(twins))
        yield Trial(stage, house, line, connection, kind)


@dataclass
class Report:
    """What came of the faults of one kind of post."""

    trial: Trial
    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    async def tried(self, fault: Fault, at: int) -> None:
        try:
            text, delivery = await self.trial.run(fault, at)
        except posts.NoEnd as endless:
            self.problems.append(f"{fault} at {self.trial.line.spoilt}: {endless}")
            return
        assert self.trial.line.spoilt, f"request {at} was not made"
        self.outcomes[delivery.state] += 1
        if wrong := await self.trial.wrong(text, delivery):
            self.problems.append(f"{fault} at {self.trial.line.spoilt}: {wrong}")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_one_fault_leaves_one_post_or_is_told(
    kind: Kind,
    twins: Twins,
    migrated_sqlite: Path,
    tmp_path: Path,
    long_run: bool,
    record_property: Callable[[str, object], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not (long_run or kind.simple):
        pytest.skip("its steps are those of a simpler kind; all are run with --long")
    monkeypatch.setattr(youtube_upload, "CHUNK", 262_144)  # so that a short film has two
    async with trial_of(kind, twins, migrated_sqlite, tmp_path) as trial:
        report = Report(trial)
        with structlog.testing.capture_logs() as logs:
            _, delivery = await trial.run()
            assert delivery.state == "published", (delivery.reason, delivery.code)
            requests = trial.line.count
            for at, fault in itertools.product(range(requests), Fault):
                await report.tried(fault, at)
    crashes = [f"{entry['problem']} in {entry['what']}" for entry in logs if entry["event"] == "work_failed"]
    record_property("faults", dict(report.outcomes))
    print(f"{kind}: {requests} requests, {report.outcomes.total()} faults: {dict(report.outcomes)}")
    assert not report.problems + crashes, "\n".join(report.problems + crashes)
