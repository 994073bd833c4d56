"""One notice's way into Slack, under a claim: said anew, changed in place, put off, or ended."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.messages.message import Message
from bot.slack import claims
from bot.slack.addressing import Address, Nowhere, Waits, find_address, says_something_else
from bot.slack.backoff import Backoff, wait_seconds
from bot.slack.channels import TEAM_ONLY, ResolveChannel
from bot.slack.errors import (
    DEAD_TOKEN,
    CannotEdit,
    ChannelUnreachable,
    PersonUnreachable,
    SlackProblem,
    ThreadClosed,
    Transient,
    WorkspaceGone,
)
from bot.slack.gateway import Gateway, Posted
from storage.database import Database
from storage.models import Notice

__all__ = ["Delivery", "Pause", "Refused"]

log = structlog.get_logger(__name__)

Refused = Callable[[str, str], Awaitable[bool]]
"""Looks at a workspace whose token was refused with a word; true when it is left."""

PEOPLE = ("U", "W", "D")
COMMIT_TRIES = 3
PROBLEM_LENGTH = 64
ROOT_SECONDS = 1.0
LONGEST_ROOT_WAIT = timedelta(seconds=60)


@dataclass(frozen=True)
class Pause:
    """The rest of the channel waits too, until then."""

    until: datetime


class LeaseLost(Exception):
    """Somebody else has the notice by now, or it came back by itself."""


@dataclass(frozen=True)
class Delivery:
    """What one round of the outbox delivers with. `lease` is the claim that all its notices are under."""

    database: Database
    gateway: Gateway
    renderers: Mapping[str, Callable[[Notice], Awaitable[Message | None]]]
    resolve: ResolveChannel
    wall: Callable[[], datetime]
    backoff: Backoff
    lease: str
    refused: Refused | None = None

    async def deliver(self, notice: Notice) -> int | Pause:
        """1 when something was said, 0 when there was nothing to say, or it was put off by itself."""
        try:
            async with self.database.read() as session:
                address = await find_address(session, notice, self.resolve)
            if isinstance(address, Nowhere):
                return await self._end(notice, "undeliverable", address.reason)
            if isinstance(address, Waits):
                return await self._wait_for_root(notice, address)
            said = await (self._say(notice, address) if notice.ts is None else self._change(notice, address))
        except LeaseLost:
            return 0
        except Transient as problem:
            return await self._transient(notice, problem)
        except WorkspaceGone as problem:
            return await self._workspace_gone(notice, problem)
        except Exception as problem:
            return await self._our_fault(notice, problem)
        self.backoff.succeeded(notice.workspace_id)
        return said

    async def put_off(self, notices: Sequence[Notice], until: datetime) -> None:
        """Gives notices back, to be looked at again at `until`."""
        async with self.database.write() as session:
            await claims.release(session, [notice.id for notice in notices], self.lease, until)

    # -- a new message -----------------------------------------------------------------------------

    async def _say(self, notice: Notice, address: Address) -> int:
        """Tries the candidates in turn. In another channel than the root's, it is a message of its own."""
        notice.problem = None  # what an earlier round met may be over
        others = () if notice.topic in TEAM_ONLY else address.channels[1:]
        places = [(channel, None) for channel in others]
        at: tuple[str, str | None] | None = (address.channels[0], address.thread_ts)
        while at is not None:
            channel, thread_ts = at
            paused = self.gateway.pacer.paused(notice.workspace_id, channel)
            if paused:
                raise Transient("ratelimited", retry_after=paused, sent=False, limited=True)
            try:
                if notice.topic in TEAM_ONLY and await self._is_shared(notice.workspace_id, channel):
                    return await self._end(notice, "dropped", "shared_channel")
                if address.inside or channel != address.channels[0]:
                    await self._demand_inside(notice.workspace_id, channel)
                return await self._say_in(notice, address, channel, thread_ts)
            except ThreadClosed:
                at = (channel, None)
            except (ChannelUnreachable, PersonUnreachable) as problem:
                log.warning("channel unreachable", notice=notice.id, channel=channel, word=problem.word)
                missed = f"{problem.word[: PROBLEM_LENGTH - 33]} {channel}"[:PROBLEM_LENGTH]
                notice.problem = notice.problem or missed
                at = places.pop(0) if places else None
        log.error("notice undeliverable", notice=notice.id, topic=notice.topic, problem=notice.problem)
        return await self._end(notice, "undeliverable", notice.problem)

    async def _demand_inside(self, workspace_id: str, channel: str) -> None:
        """Raises ChannelUnreachable where people of another company read along."""
        if channel.startswith(PEOPLE):
            return
        if (await self.gateway.channel(workspace_id, channel)).is_ext_shared:
            raise ChannelUnreachable("is_ext_shared")

    async def _say_in(self, notice: Notice, address: Address, channel: str, thread_ts: str | None) -> int:
        await self.gateway.pacer.turn(notice.workspace_id, channel)
        message = await self._render(notice)
        if message is None:
            return await self._end(notice, "dropped")
        async with self.database.write() as session:
            if not await claims.mark(session, notice, self.lease, self.wall(), channel):
                raise LeaseLost
        posted = await self.gateway.post(
            notice.workspace_id,
            channel,
            message,
            thread_ts=thread_ts,
            broadcast=notice.broadcast,
            notice_id=notice.id,
            paced=False,
        )
        await self._record(notice, address, thread_ts, posted)
        return 1

    async def _is_shared(self, workspace_id: str, channel: str) -> bool:
        self.gateway.forget_channel(workspace_id, channel)
        return (await self.gateway.channel(workspace_id, channel)).is_ext_shared

    async def _record(self, notice: Notice, address: Address, thread_ts: str | None, posted: Posted) -> None:
        """Writes the answer down, and again when that fails: an answer that is lost makes a twin."""
        for attempt in range(1, COMMIT_TRIES + 1):
            try:
                async with self.database.write() as session:
                    now = self.wall()
                    kept = await claims.finish(
                        session,
                        notice,
                        self.lease,
                        now,
                        address.version,
                        channel_id=posted.channel,
                        ts=posted.ts,
                    )
                    if posted.orphaned and address.root_id is not None and thread_ts is not None:
                        await claims.adopt_root(
                            session, address.root_id, thread_ts, posted.channel, posted.ts
                        )
                    await claims.wake_replies(session, notice.id, now)
                if not kept:
                    log.warning("notice was said twice", notice=notice.id)
                return
            except (SQLAlchemyError, OSError):
                if attempt == COMMIT_TRIES:
                    raise
                await asyncio.sleep(0.2 * attempt)

    # -- a message that stands already -------------------------------------------------------------

    async def _change(self, notice: Notice, address: Address) -> int:
        assert notice.channel_id is not None and notice.ts is not None
        message = await self._render(notice) if notice.kind == "view" else None
        async with self.database.write() as session:
            if not await claims.mark(session, notice, self.lease, self.wall(), None):
                raise LeaseLost
            if message is None:  # an event is said once; a view that has nothing more to say stays as it is
                await claims.finish(session, notice, self.lease, self.wall(), address.version)
                return 0
            anew = await says_something_else(session, notice)
        try:
            if anew or await self._is_read_outside(notice, address):
                raise CannotEdit("message_not_found")
            await self.gateway.update(
                notice.workspace_id, notice.channel_id, notice.ts, message, notice_id=notice.id
            )
        except CannotEdit:
            async with self.database.write() as session:
                await claims.post_anew(session, notice, self.lease, self.wall())
            return 0
        except ChannelUnreachable as problem:
            # An edit alone never carries news, so it needs no other channel.
            log.info("view not updated", notice=notice.id, word=problem.word)
        async with self.database.write() as session:
            if not await claims.finish(session, notice, self.lease, self.wall(), address.version):
                await claims.show_again(session, notice.id, self.wall())
        return 1

    async def _is_read_outside(self, notice: Notice, address: Address) -> bool:
        """Whether a message of the team stands where another company reads by now: it goes on elsewhere."""
        if not address.inside:
            return False
        try:
            await self._demand_inside(notice.workspace_id, address.channels[0])
        except ChannelUnreachable as problem:
            return problem.word == "is_ext_shared"
        return False

    # -- what did not work -------------------------------------------------------------------------

    async def _render(self, notice: Notice) -> Message | None:
        return await self.renderers[notice.topic](notice)

    async def _end(self, notice: Notice, state: str, problem: str | None = None) -> int:
        async with self.database.write() as session:
            if await claims.settle(session, notice, self.lease, state, problem):
                await claims.wake_replies(session, notice.id, self.wall())
        return 0

    async def _wait_for_root(self, notice: Notice, address: Waits) -> int:
        now = self.wall()
        due = address.root_due or now
        until = min(max(due, now + timedelta(seconds=ROOT_SECONDS)), now + LONGEST_ROOT_WAIT)
        await self.put_off([notice], until)
        return 0

    async def _transient(self, notice: Notice, problem: Transient) -> Pause:
        now = self.wall()
        if problem.limited:
            until = now + timedelta(seconds=problem.retry_after or 1.0)
        else:
            until = self.backoff.failed(notice.workspace_id, now)
        log.warning("slack did not take a notice", notice=notice.id, word=problem.word, sent=problem.sent)
        # An update may be repeated. A new message that may have arrived stays `posting` until its time is up.
        if notice.ts is not None or problem.sent is False:
            state = "posted" if notice.ts is not None else "due"
            async with self.database.write() as session:
                await claims.release(
                    session, [notice.id], self.lease, until, state=state, tries=notice.tries + 1
                )
        return Pause(until)

    async def _workspace_gone(self, notice: Notice, problem: WorkspaceGone) -> Pause:
        """Waits long, unless the workspace turns out to be left: then its notices are over at once."""
        log.error("workspace unreachable", workspace=notice.workspace_id, word=problem.word)
        until = self.wall()
        if not await self._is_left(notice.workspace_id, problem):
            until = self.backoff.gone(notice.workspace_id, until)
        await self.put_off([notice], until)
        return Pause(until)

    async def _is_left(self, workspace_id: str, problem: WorkspaceGone) -> bool:
        if self.refused is None or problem.word not in DEAD_TOKEN:
            return False
        try:
            return await self.refused(workspace_id, problem.word)
        except SlackProblem:  # nobody knows yet: it is asked again after the wait
            return False

    async def _our_fault(self, notice: Notice, problem: Exception) -> int:
        """A renderer, a call or the database failed: logged with an id, and tried again with patience."""
        word = problem.word if isinstance(problem, SlackProblem) else type(problem).__name__
        log.error(
            "notice failed",
            notice=notice.id,
            topic=notice.topic,
            word=word,
            error_id=uuid.uuid4().hex[:8],
            exc_info=not isinstance(problem, SlackProblem),
        )
        if isinstance(problem, SQLAlchemyError | OSError):
            return 0  # something may have been said: the claim runs out by itself
        until = self.wall() + timedelta(seconds=wait_seconds(notice.tries + 1))
        values = {"tries": notice.tries + 1, "state": "due" if notice.ts is None else "posted"}
        async with self.database.write() as session:
            await claims.release(session, [notice.id], self.lease, until, **values)
        return 0
