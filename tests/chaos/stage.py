"""A sandbox in this process, a database, and bots in processes of their own that come and go."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import httpx
import uvicorn
from sqlalchemy import select, update

from bot.app import assembled
from bot.clock import HouseClock, utc_now
from bot.domain import posting
from bot.domain.auditing import Actor
from bot.domain.house import House, Timings
from bot.platforms.content import Content, Media, MediaKind
from bot.running import listening
from bot.settings import load_settings
from bot.slack.claims import LEASE
from sandbox.agency import Agency, found, register_apps
from sandbox.demo import manifest_facts
from sandbox.platforms.ledger import Entry
from sandbox.platforms.model import Account
from sandbox.platforms.testing import Shelf, Twins
from sandbox.server import PICTURE_HOST, PICTURES, Sandbox
from sandbox.slack.models import Channel, Message
from sandbox.slack.testing import QuietServer
from storage import engine
from storage.crypto import new_key
from storage.database import Database
from storage.models import Connection, Delivery, Grant, GrantAttempt, Notice, Process
from tests import support
from tests.chaos.process import Child, eventually, free_port, start

QUICK = Timings(call=2.0, send=2.0, guard=2.0, settle=0.1, lease=4.5, wait_for_lease=1.0)
HOUR = 3600.0

T = TypeVar("T")


@dataclass
class Stage:
    """Everything that a test watches: the sandbox's ledgers, the database, and the processes."""

    sandbox: Sandbox
    agency: Agency
    twins: Twins
    database: Database
    environment: dict[str, str]
    folder: Path
    listener: socket.socket
    children: list[Child] = field(default_factory=list)
    newest: datetime = field(default_factory=utc_now)  # when the last child was started

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        """The bot's rules in this process, while no other process runs: for setting the scene."""
        clock = HouseClock(offset=self.twins.offset[0])
        async with assembled(load_settings(self.environment, require="run"), clock=clock) as app:
            yield app.house

    async def child(
        self, point: str = "", *, how: str = "KILL", nth: int = 1, timings: Timings = QUICK
    ) -> Child:
        """Starts a bot. With a `point`, it kills or stops itself there."""
        extra = {"CHAOS_TIMINGS": json.dumps(asdict(timings)), "CHAOS_HOW": how, "CHAOS_NTH": str(nth)}
        if point:
            extra["CHAOS_POINT"] = point
        alone = all(one.process.returncode is not None for one in self.children)
        if not alone:
            extra["LAMPLIGHTER_PORT"] = str(free_port())
        self.newest = utc_now()
        log = self.folder / f"child-{len(self.children)}.log"
        child = await start(self.environment | extra, log, self.listener if alone else None)
        self.children.append(child)
        return child

    async def link(self, house: House, platform: str, *accounts: str) -> Sequence[Connection]:
        """Accounts of the bakery, by their ids at the platform, each through its own walk."""
        client = await support.a_client(house, "bakery", self.agency.bakery.id)
        for account in accounts:
            token = await support.an_invitation(house, client, platform)
            await support.walk(house, self.twins, token, **{"as": account})
        rows = await self.rows(Connection)
        assert [row for row in rows if row.state == "live"], "nothing was linked"
        return rows

    async def linked(self, platform: str) -> Connection:
        """The bakery's account on a platform."""
        ids = {"x": "101", "instagram": "17841400000000001"}
        async with self.house() as house:
            (connection,) = await self.link(house, platform, ids[platform])
        return connection

    async def queue(self, house: House, connection: Connection, text: str, minutes: float = 0) -> None:
        """A post on one account, due in so many minutes of house time."""
        picture = PICTURES / "bread.jpg"
        url = f"https://{PICTURE_HOST}/bread.jpg"
        media = (Media(url, MediaKind.IMAGE, "image/jpeg", picture.stat().st_size, 1080, 1080),)
        now = house.clock.now()
        draft = posting.Draft(
            f"key-{text}",
            connection.client_id,
            (connection.id,),
            Content(text=text, media=media if connection.platform == "instagram" else ()),
            now + timedelta(minutes=minutes),
        )
        async with house.db.write() as session:
            await posting.queue(session, house, Actor(connection.workspace_id, "U1", "C1"), draft, now)

    def advance(self, seconds: float) -> None:
        """Lets house time pass, at the platforms at once and in every bot at its next tick."""
        self.twins.offset[0] += seconds
        Path(self.environment["LAMPLIGHTER_CLOCK_FILE"]).write_text(repr(self.twins.offset[0]))

    async def advanced(self, seconds: float) -> None:
        """As `advance`, and waits until a sweep has ended there."""
        self.advance(seconds)
        await self.swept()

    async def swept(self) -> None:
        """Waits for a sweep that began after this call and ended at the present house time."""
        now = utc_now()
        house_now = now + timedelta(seconds=self.twins.offset[0])

        async def there() -> bool:
            async with self.database.read() as session:
                last = await engine.last_sweep(session)
            return last is not None and last.real > now and last.house >= house_now

        await eventually(there, "a sweep at the present moment")

    async def at_work(self, count: int) -> None:
        """Waits until so many bots have swept."""

        async def all_there() -> bool:
            return len(await self.rows(Process)) == count

        await eventually(all_there, f"{count} processes at work", 25 * count)

    async def told(self) -> None:
        """Waits until Slack has heard everything that can be said by now.

        Claims older than the newest bot are those of dead ones, and are not waited for.
        """

        async def nothing_waits() -> bool:
            soon = utc_now() + timedelta(seconds=1)
            waiting = [one for one in await self.rows(Notice) if one.next_at is not None]
            due = [one for one in waiting if one.next_at and one.next_at <= soon]
            claimed = [one for one in waiting if one.posting_since and one.posting_since > self.newest]
            return not due and not claimed

        await eventually(nothing_waits, "Slack has heard everything", 150)  # one a second and channel

    async def pass_slacks_patience(self) -> None:
        """As if the wait for a lost answer had passed: Slack's time is real and cannot be advanced.

        What is on its way right now is left alone.
        """
        stuck = utc_now() - timedelta(seconds=2)
        async with self.database.write() as session:
            for row in await self.rows(Notice):
                since = row.posting_since
                if row.state == "posting" and row.next_at and since and since < stuck:
                    values = {"posting_since": since - LEASE, "next_at": row.next_at - LEASE}
                    await session.execute(update(Notice).where(Notice.id == row.id).values(**values))

    async def incident_told(self) -> None:
        """Waits until the roots of all incidents stand in Slack, lost answers and all."""

        async def posted() -> bool:
            rows = [row for row in await self.rows(Notice) if row.topic == "incident"]
            if any(row.state == "posting" for row in await self.rows(Notice)):
                await self.pass_slacks_patience()
            return bool(rows) and all(row.state == "posted" and row.next_at is None for row in rows)

        await eventually(posted, "the incident is told", 40)

    async def rows(self, model: type[T]) -> Sequence[T]:
        """Every row of a table, as it stands."""
        async with self.database.read() as session:
            return list((await session.execute(select(model))).scalars())

    async def grant(self) -> Grant:
        (grant,) = await self.rows(Grant)
        return grant

    async def delivery(self) -> Delivery:
        (delivery,) = await self.rows(Delivery)
        return delivery

    async def until_grant(self, state: str, generation: int) -> Grant:
        """Waits until the only grant stands so."""

        async def stands() -> Grant | None:
            grant = await self.grant()
            return grant if (grant.state, grant.generation) == (state, generation) else None

        found_ = await eventually(stands, f"the grant is {state} at generation {generation}")
        assert found_ is not None
        return found_

    async def until_delivery(self, *states: str) -> Delivery:
        """Waits until the only delivery is in one of these states."""

        async def stands() -> Delivery | None:
            delivery = await self.delivery()
            return delivery if delivery.state in states else None

        found_ = await eventually(stands, f"the delivery is {' or '.join(states)}")
        assert found_ is not None
        return found_

    async def pass_the_leases(self) -> None:
        """Waits until no lease, journalled call or marked send of this moment can still be running."""

        async def over() -> bool:
            async with self.database.read() as session:
                now = await self.database.lease_now(session)
            ends = [row.lease_until for row in await self.rows(Grant)]
            ends += [row.over_at for row in await self.rows(GrantAttempt) if row.state == "open"]
            for row in await self.rows(Delivery):
                ends += [row.lease_until, row.sending_over_at]
            return all(end is None or end <= now for end in ends)

        await eventually(over, "all leases are over")

    async def spool_emptied(self) -> None:
        """Waits until no spooled answer lies there any more."""

        async def empty() -> bool:
            return not list((self.folder / "spool").glob("*.json"))

        await eventually(empty, "the spool is empty")

    def presented(self, state: str = "") -> list[Entry]:
        """Every refresh token that was presented, in that state."""
        found = self.sandbox.platforms.ledger.find("token_presented", kind="refresh")
        return [entry for entry in found if not state or entry.detail["state"] == state]

    def posts(self, text: str) -> list[Entry]:
        return self.sandbox.platforms.ledger.posts(text)

    def alerts(self, channel: Channel | None = None) -> list[Message]:
        """Root messages with a reconnect button, in the bakery's channel."""
        messages = (channel or self.agency.bakery).messages.values()
        roots = [one for one in messages if one.thread_ts is None and not one.ephemeral_to]
        return [one for one in roots if not one.deleted and "Reconnect" in json.dumps(one.blocks)]

    def said(self, words: str) -> list[Message]:
        """Messages of the bakery's channel, replies among them, with these words."""
        return [one for one in self.agency.bakery.messages.values() if words in one.text]


@asynccontextmanager
async def staged(database_url: str, folder: Path) -> AsyncIterator[Stage]:
    """A stage on a migrated database. Every process that was started on it is gone afterwards."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))  # held all the time, so that nobody else takes the port between two bots
    page = listening("127.0.0.1", 0)
    base = f"http://127.0.0.1:{page.getsockname()[1]}"
    offset = [0.0]
    bot_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    sandbox = Sandbox(base, bot_url, lambda: offset[0], manifest_facts())
    agency = found(sandbox)
    server = QuietServer(uvicorn.Config(sandbox.application(), log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[page]))
    database = Database(database_url)
    async with httpx.AsyncClient(base_url=base, timeout=10, trust_env=False) as http:
        twins = Twins(sandbox.platforms, http, Shelf(), offset)
        environment = _environment(sandbox, agency, folder, bot_url, database_url)
        stage = Stage(sandbox, agency, twins, database, environment, folder, listener)
        stage.advance(0.0)
        try:
            yield stage
        finally:
            await asyncio.gather(*(child.end() for child in stage.children))
            server.should_exit = True
            await serving
            page.close()
            await sandbox.slack.close()
            await database.close()
            listener.close()


def _environment(
    sandbox: Sandbox, agency: Agency, folder: Path, bot_url: str, database_url: str
) -> dict[str, str]:
    return {
        "LAMPLIGHTER_DATABASE_URL": database_url,
        "LAMPLIGHTER_DATA_DIR": str(folder),
        "LAMPLIGHTER_ENCRYPTION_KEYS": new_key(),
        "LAMPLIGHTER_PUBLIC_URL": bot_url,
        "LAMPLIGHTER_TICK_SECONDS": "0.2",
        "LAMPLIGHTER_OUTBOUND_URL": sandbox.base,
        "LAMPLIGHTER_CLOCK_FILE": str(folder / "clock"),
        "SLACK_OPERATIONS_CHANNEL": agency.operations.id,
        "SLACK_BOT_TOKEN": agency.bot_token,
        "SLACK_SIGNING_SECRET": sandbox.slack.app.signing_secret,
        **register_apps(sandbox),
    }


def more_accounts(sandbox: Sandbox, count: int) -> list[str]:
    """So many more accounts on X; their ids."""
    ids = [str(9000 + number) for number in range(count)]
    for account in ids:
        sandbox.platforms.add_account(
            Account(platform="x", id=account, handle=f"shop{account}", name=f"Shop {account}")
        )
    return ids
