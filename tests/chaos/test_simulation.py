"""A simulated agency over months of house time, on all platforms: outages, people who leave, lost answers,
and processes that are killed at random instructions.

The suite's size takes about a minute of one core. More on request: `--long` runs the whole of it (102 minutes
where it was measured, most of them kept on one core: threads that take turns are slower on two), or
LAMPLIGHTER_SIMULATION="clients connections days hourly" any size (`hourly`: accounts on each of the platforms
whose tokens live for an hour or two, which cost thousands of renewals a year), with `--timeout 0`.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from bot.domain import consenting, health, mass
from bot.domain.answers import read_spool
from bot.domain.house import House
from bot.platforms.base import RefreshKind
from bot.platforms.errors import Reason
from bot.platforms.registry import SUPPORTED, build_platforms
from sandbox.platforms.model import Account
from sandbox.platforms.testing import Twins
from sandbox.platforms.testing_meta import ALL
from storage import engine as engine_rows
from storage.database import Database
from storage.models import Client, Connection, Consent, Delivery, Grant, GrantAttempt, Incident, Notice
from tests.chaos.mortal import INSTRUCTIONS, Fate, born, bury
from tests.contract.cases import CASES, Case
from tests.domain.crowd import forget_lease_time, planted, work
from tests.domain.logins import take
from tests.support import BROWSER, SETTINGS, Killed, a_client, an_invitation, house_at, walk

SEED = 20261120
SUITE, WHOLE = "40 200 30 1", "200 1000 400 1"
HOURLY = ("x", "tiktok", "youtube")
HOURLY_DAYS = 12  # how long these are connected in the suite's size, at the end
MEMORY = Path("/dev/shm")  # what is on the disk is other tests' matter, and this one writes for months
PAGES_EACH = 12
UPGRADE_DAYS = 90
TICK = 120.0  # seconds of house time between two sweeps, at least
TOLD_WITHIN = timedelta(seconds=2 * TICK) + mass.HELD_FOR  # two sweeps, and the minute of what may be a burst
OUTAGE_ENDS = timedelta(minutes=20)  # after which what waited for the platform has been tended
NUMBERED = {"youtube": "UCsim{}", "tiktok": "-000sim{}", "linkedin": "sim{}", "linkedin_pages": "org{}"}
HICCUPS = ("lost_before", "html_error", "unavailable")  # what nobody should ever hear of
MESSAGES_MOST = 8  # of one incident, in all channels together


def size(long_run: bool) -> tuple[int, int, int, int]:
    words = os.environ.get("LAMPLIGHTER_SIMULATION", WHOLE if long_run else SUITE).split()
    clients, connections, days, hourly = (int(word) for word in words)
    return clients, connections, days, hourly


@dataclass
class Agency:
    """What was done to whom, so that every death can be accounted for."""

    house: House
    twins: Twins
    url: str
    fate: Fate
    clients: int
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    rows: list[Connection] = field(default_factory=list)
    logins: dict[str, str] = field(default_factory=dict)  # connection: who signs in for it
    ended: Counter[str] = field(default_factory=Counter)  # how often each grant was ended, by its id
    may_end: set[str] = field(default_factory=set)  # grants whose answer may be lost with its process
    unanswered: set[str] = field(default_factory=set)  # logins whose answer was lost, or may be
    outages: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    to_relink: dict[str, int] = field(default_factory=dict)  # connection: on which day
    lives: int = 1
    happened: Counter[str] = field(default_factory=Counter)

    async def reborn(self) -> None:
        """A process was killed: what it held is given up when its time is over, and another one starts."""
        await _quiet()
        await bury(self.house)
        self.lives += 1
        self.fate = Fate(died_at=self.fate.died_at)
        self.house = born(self.house, self.url, self.fate, f"life-{self.lives}")
        kept = {answer.grant_id for _, answer in self.house.spool.waiting()}
        async with self.house.db.write() as session:
            for model in (Grant, Delivery):
                await session.execute(update(model).values(lease_owner=None, lease_until=None))
            query = select(GrantAttempt.grant_id).where(GrantAttempt.state == "open")
            lost = set((await session.execute(query)).scalars()) - kept
        self.may_end |= {
            row.grant_id
            for row in self.rows
            if row.grant_id in lost and row.id not in self.to_relink and self._rotates(row)
        }
        self.unanswered |= {self.logins[row.id] for row in self.rows if row.grant_id in self.may_end}
        await forget_lease_time(self.house)
        await read_spool(self.house)

    async def live(self, **span: float) -> None:
        """Lets house time pass as the engine does, through as many deaths as come."""
        goal = self.twins.offset[0] + timedelta(**span).total_seconds()
        while True:
            try:
                await work(self.house)
            except Killed:
                await self.reborn()
                continue
            now = self.house.clock.now()
            try:
                async with self.house.db.read() as session:
                    due = await engine_rows.next_moment(session, now)
                left = goal - self.twins.offset[0]
                if left <= 0:
                    return
                wait = left if due is None else max((due - now).total_seconds(), TICK)
                self.twins.offset[0] += min(left, wait)
                await forget_lease_time(self.house)
            except Killed:
                await self.reborn()

    def _rotates(self, row: Connection) -> bool:
        return self.house.platforms[row.platform].info.refresh.kind is RefreshKind.ROTATING

    async def count_the_lost(self, day: int) -> None:
        """Of the answers that may have been lost with a process, some proved to be, and some not."""
        async with self.house.db.read() as session:
            found = (await session.execute(select(Grant).where(Grant.id.in_(self.may_end)))).scalars().all()
        for grant in found:
            if grant.state == "dead":
                assert grant.reason == Reason.LOST_ANSWER, (grant.provider, grant.reason)
                self.happened["lost in a kill"] += 1
                row = next(row for row in self.rows if row.grant_id == grant.id)
                self.may_end.discard(grant.id)
                self._expect(row, day)
            elif grant.state == "live" and not grant.waiting_for_platform and grant.failures == 0:
                self.may_end.discard(grant.id)

    def _keep_up(self) -> None:
        """The operator names a newer version of LinkedIn's API: each lasts for a year."""
        month = f"{self.house.clock.now() - timedelta(days=31):%Y%m}"
        built = build_platforms(SETTINGS.model_copy(update={"linkedin_version": month}))
        self.house = replace(self.house, platforms={key: built[key] for key in self.house.platforms})

    async def one_day(self, day: int) -> None:
        """Something happens, somebody repairs what happened before, and the day passes."""
        if day and day % UPGRADE_DAYS == 0:
            self._keep_up()
        for row_id in [key for key, due in self.to_relink.items() if due <= day]:
            if row_id in self.to_relink:  # not brought back with another account of its login
                await self._relink(row_id)
        await self.count_the_lost(day)
        await self._renew_what_ends()
        what = self.chance.choice(("calm", "outage", "end", "end", "hiccup", "lost", "kill", "kill"))
        self.happened[what] += 1
        if what == "outage":
            await self._outage(self.chance.choice([case.platform for case in CASES]))
        elif what == "end":
            self._end(day)
        elif what == "hiccup":
            row = self.chance.choice(self.rows)
            self._fault(self.chance.choice(HICCUPS), row, count=1)
        elif what == "lost":
            self._lose_an_answer(day)
        elif what == "kill":
            self.fate.at = self.chance.choice(INSTRUCTIONS)
            self.fate.left = self.chance.randint(1, 200 if "statement" in self.fate.at else 12)
        await self.live(days=1)

    def _fault(self, kind: str, row: Connection, **limits: object) -> None:
        self.twins.world.set_fault(kind, _twin(row.platform), self.logins[row.id], **limits)

    async def _outage(self, platform: str) -> None:
        fault, began = self.twins.world.set_fault("unavailable", _twin(platform)), self.house.clock.now()
        await self.live(hours=self.chance.uniform(0.5, 3))
        self.twins.world.faults.clear(id=fault.id)
        self.outages.append((_twin(platform), began, self.house.clock.now()))

    def _well(self, platforms: Iterable[str] = ()) -> list[Connection]:
        down = {row.grant_id for row in self.rows if row.id in self.to_relink} | self.may_end
        return [
            row
            for row in self.rows
            if row.grant_id not in down and (not platforms or row.platform in platforms)
        ]

    def _end(self, day: int) -> None:
        """Somebody leaves, or changes his password. With a login all its accounts are down."""
        row = self.chance.choice(self._well())
        kind = "revoked" if row.platform in ("x", "pinterest") else self.chance.choice(ENDS)
        self._fault(kind, row)
        self._expect(row, day)

    def _lose_an_answer(self, day: int) -> None:
        """On a rotating platform the token is spent with its answer; only a person can cure that."""
        if well := self._well(("x",)):
            row = self.chance.choice(well)
            self.unanswered.add(self.logins[row.id])
            self._fault("lost_after", row, group="refresh", count=1)
            self._expect(row, day)

    def _expect(self, row: Connection, day: int) -> None:
        self.ended[row.grant_id] += 1
        back = day + self.chance.randint(3, 6)
        for other in self.rows:
            if other.grant_id == row.grant_id:
                self.to_relink[other.id] = back

    async def _renew_what_ends(self) -> None:
        """People follow a warning five days before the end."""
        soon = self.house.clock.now() + timedelta(days=5)
        async with self.house.db.read() as session:
            found = {grant.id: grant for grant in (await session.execute(select(Grant))).scalars()}
        for row in self.rows:
            grant = found[row.grant_id]
            info = self.house.platforms[row.platform].info
            end = health.person_needed_at(info, grant) if grant.state == "live" else None
            if end is not None and end < soon and row.id not in self.to_relink:
                self.happened["renewed in time"] += 1
                await self._relink(row.id)
                async with self.house.db.read() as session:
                    found[grant.id] = await session.get_one(Grant, grant.id, populate_existing=True)

    async def _relink(self, row_id: str) -> None:
        self.to_relink.pop(row_id, None)
        row = next(row for row in self.rows if row.id == row_id)
        left, self.fate.left = self.fate.left, None  # who is turned away comes again: other tests' matter
        for hiccup in HICCUPS:
            faults = self.twins.world.faults
            faults.clear(platform=_twin(row.platform), account=self.logins[row_id], kind=hiccup)
        house = self.house
        async with house.db.read() as session:
            client = await session.get_one(Client, row.client_id)
        token = await an_invitation(house, client, row.platform, row.id)
        if row.platform == "facebook":
            mine = [one for one in self.rows if one.grant_id == row.grant_id]
            pages = tuple(one.account_id for one in mine)
            login = self.logins[row.id]
            await take(house, self.twins, client, (row.account_id,), ticked=pages, by=login, token=token)
            for one in mine:
                self.to_relink.pop(one.id, None)
        else:
            consent_id = await walk(house, self.twins, token, **{"as": self.logins[row.id]})
            await _answered(house, consent_id, row.account_id)
        self.fate.left = left


ENDS = ("revoked", "password_changed")  # what only a person can cure


async def _answered(house: House, consent_id: str, account: str) -> None:
    async with house.db.read() as session:
        consent = await session.get_one(Consent, consent_id)
    if consent.state == "choosing":
        await consenting.choose(house, consent_id, BROWSER, [account])
    async with house.db.read() as session:
        done = await session.get_one(Consent, consent_id)
    assert done.result == "relinked", (done.platform, done.state, done.result, done.detail)


async def _quiet() -> None:
    """Until nothing of the dead process runs any more."""
    mine = asyncio.current_task()
    for _ in range(200):
        await asyncio.sleep(0)
    tasks = [task for task in asyncio.all_tasks() if task is not mine and "uvicorn" not in repr(task)]
    await asyncio.wait(tasks, timeout=0.2) if tasks else None


def _twin(platform: str) -> str:
    return "linkedin" if platform == "linkedin_pages" else platform


async def _pattern(agency: Agency, case: Case, client: Client) -> Connection:
    house = agency.house
    login = case.other if case.platform == "linkedin" else case.mine  # nobody signs in on two platforms here
    token = await an_invitation(house, client, case.platform)
    consent_id = await walk(house, agency.twins, token, **{"as": login})
    async with house.db.read() as session:
        consent = await session.get_one(Consent, consent_id)
    if consent.state == "choosing":
        await consenting.choose(house, consent_id, BROWSER, consent.detail["offered"][:1])
    async with house.db.read() as session:
        query = select(Connection).where(
            Connection.client_id == client.id, Connection.platform == case.platform
        )
        found = (await session.execute(query)).scalars().one()
    agency.logins[found.id] = login
    return found


async def _join(agency: Agency, case: Case, clients: list[Client], number: int) -> None:
    """So many accounts on one platform: one by a walk, the others as if they had walked too."""
    pattern = await _pattern(agency, case, clients[0])
    form = NUMBERED.get(case.platform, "1784140001{:07}" if case.platform != "pinterest" else "7{:05}")
    names = [form.format(index) for index in range(1, number)]
    made = await planted(agency.house, agency.twins, pattern, clients[1:] or clients, names)
    agency.logins |= {row.id: name for row, name in zip(made, names, strict=True)}
    agency.rows += [pattern, *made]


async def _pages(agency: Agency, clients: list[Client], number: int) -> None:
    """Facebook: logins with twelve Pages each, each of one client."""
    world, house = agency.twins.world, agency.house
    for start in range(0, number, PAGES_EACH):
        login, client = f"9{start:09}", clients[start // PAGES_EACH % len(clients)]
        pages = tuple(f"21{start + index:09}" for index in range(min(PAGES_EACH, number - start)))
        world.add_account(Account(platform="facebook", id=login, handle=login, name=login))
        for page in pages:
            role = {"roles": {login: ALL}}
            world.add_account(
                Account(platform="facebook", id=page, handle="", name=page, login=False, extra=role)
            )
        done = await take(house, agency.twins, client, pages, ticked=pages, by=login)
        assert done.result == "linked", (done.result, done.detail)
        async with house.db.read() as session:
            query = select(Connection).where(Connection.id.in_(done.connection_ids))
            made = list((await session.execute(query)).scalars())
        agency.logins |= {row.id: login for row in made}
        agency.rows += made


async def founded(agency: Agency, number: int, hourly: int) -> list[Client]:
    """The clients and their accounts on the platforms whose tokens live for weeks."""
    clients = [
        await a_client(agency.house, f"client-{index}", f"C{index}") for index in range(agency.clients)
    ]
    for populate in dict.fromkeys(case.populate for case in CASES if case.populate is not None):
        populate(agency.twins)
    rest = number - hourly * len(HOURLY)
    shares = {"instagram": rest // 8, "threads": rest // 8, "linkedin": rest // 12}
    shares |= {word: min(rest // 20, agency.clients) for word in ("linkedin_pages", "pinterest")}
    for case in CASES:
        if case.platform in shares and not case.key:
            await _join(agency, case, clients, max(shares[case.platform], 1))
    await _pages(agency, clients, number - len(agency.rows) - hourly * len(HOURLY))
    return clients


@pytest.mark.timeout(0)
async def test_months_of_an_agency(
    twins: Twins, migrated_sqlite: Path, long_run: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    clients, number, days, hourly = size(long_run)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        folder = Path(name)
        shutil.copy(migrated_sqlite, folder / "agency.db")
        url = f"sqlite+aiosqlite:///{folder}/agency.db"
        async with house_at(twins, Database(url), folder, platforms=SUPPORTED) as first:
            fate = Fate()
            agency = Agency(born(first, url, fate, "life-1"), twins, url, fate, clients)
            everybody = await founded(agency, number, hourly)
            join_on = 0 if long_run else max(days - HOURLY_DAYS, 0)
            for day in range(days):
                if day == join_on:
                    for case in CASES:
                        if case.platform in HOURLY:
                            await _join(agency, case, everybody, hourly)
                await agency.one_day(day)
            await agency.live(days=3)  # the last deaths are found by then
            await agency.count_the_lost(days)
            assert len(agency.rows) == number
            await _nothing_was_lost(agency)
            told = await _each_death_was_told_once_and_soon(agency)
            counted = await _messages_are_bounded(agency.house.db)
            spent = {entry.account for entry in twins.world.ledger.spent_refreshes()}
            assert spent <= agency.unanswered
            with capsys.disabled():
                print(
                    f"\n{clients} clients, {number} accounts, {days} days: {dict(agency.happened)}; "
                    f"{agency.lives} processes, killed {agency.fate.died_at}; {len(told)} deaths, each told "
                    f"once, the slowest {max(told, default=0):.0f} s after its refusal; messages of one "
                    f"incident, at most: {counted}"
                )
            await agency.house.db.close()
            await first.db.close()


async def _nothing_was_lost(agency: Agency) -> None:
    """Whoever was not ended by a person or a lost answer lives, with tokens that work."""
    now = agency.house.clock.now()
    async with agency.house.db.read() as session:
        found = {grant.id: grant for grant in (await session.execute(select(Grant))).scalars()}
        rows = {row.id: row for row in (await session.execute(select(Connection))).scalars()}
    for row in agency.rows:
        grant = found[row.grant_id]
        name = f"{row.platform} {agency.logins[row.id]}"
        if row.id in agency.to_relink:
            assert grant.state == "dead", f"{name}: its end was not noticed"
        elif grant.id not in agency.may_end:
            assert (grant.state, rows[row.id].problem) == ("live", None), (
                f"{name}: {grant.state} {grant.reason}"
            )
            assert grant.access_expires_at is None or grant.access_expires_at > now, name


async def _each_death_was_told_once_and_soon(agency: Agency) -> list[float]:
    """Seconds from a platform's first refusal of a login to its alert, for each death."""
    async with agency.house.db.read() as session:
        query = select(Incident).where(Incident.severity == "dead").order_by(Incident.opened_at)
        dead = list((await session.execute(query)).scalars())
    assert Counter(one.grant_id for one in dead if one.kind == "grant") == agency.ended
    assert {one.kind for one in dead} <= {"grant", "client", "platform"}
    login_of = {row.grant_id: (_twin(row.platform), agency.logins[row.id]) for row in agency.rows}
    refused: dict[tuple[str, str], list[datetime]] = {}
    for entry in agency.twins.world.ledger.find("token_presented"):
        if entry.detail["state"] in ("ended", "spent") and (family := entry.detail.get("family")):
            login = agency.twins.world.grants[family].account
            refused.setdefault((entry.platform, login), []).append(entry.at)
    took, last = [], dict[str, datetime]()
    for one in dead:
        if one.kind != "grant" or one.grant_id is None:
            continue
        platform, login = login_of[one.grant_id]
        since = last.get(one.grant_id)
        first = min(at for at in refused[platform, login] if since is None or at > since)
        seconds = (one.opened_at - first).total_seconds()
        in_outage = any(
            where == platform and first <= end + OUTAGE_ENDS and begin <= one.opened_at
            for where, begin, end in agency.outages
        )
        assert in_outage or seconds <= TOLD_WITHIN.total_seconds(), f"{platform} {login}: {seconds} s"
        took.append(0.0 if in_outage else seconds)
        last[one.grant_id] = one.closed_at or one.opened_at
    return took


async def _messages_are_bounded(database: Database) -> dict[str, int]:
    async with database.read() as session:
        query = (
            select(Incident.kind, Incident.id, func.count(Notice.id))
            .join(Notice, Notice.subject_id == Incident.id)
            .where(Notice.topic.like("incident%"))
            .group_by(Incident.kind, Incident.id)
        )
        counted = (await session.execute(query)).all()
    most = {kind: max(row[2] for row in counted if row[0] == kind) for kind in {row[0] for row in counted}}
    assert max(most.values()) <= MESSAGES_MOST, most
    return most
