"""The platforms' own pushes, over real HTTP: a removed app is noticed at once, and never believed unseen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from bot.domain import revocations
from bot.domain.house import House
from bot.domain.revocations import Kind, Progress, Pushed
from bot.jobs import sweep
from bot.outbound import Rewriter
from bot.web.app import build_web
from sandbox.platforms import testing_meta, testing_tiktok
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import Client, Grant, Incident, RevocationNotice
from tests.domain.logins import link_first
from tests.support import an_invitation, grant_of, house_at, walk

PERSON = {
    "facebook": testing_meta.ANNA,
    "threads": testing_meta.THREADER,
    "instagram": "17841400000000001",
    "tiktok": "-000bakery",
}


@asynccontextmanager
async def listening(twins: Twins, house: House, platform: str) -> AsyncIterator[None]:
    """The house's web addresses on loopback, registered with the platform's twin."""
    web = build_web(house, rewriter=Rewriter(), slack_routes=[], checks={}, registry=CollectorRegistry())
    config = uvicorn.Config(web, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    sockets = [config.bind_socket()]
    task = asyncio.create_task(server.serve(sockets=sockets))
    base = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/webhooks/{platform}"
    app = twins.world.apps[platform, house.apps[platform].client_id]
    if platform == "tiktok":
        twins.world.register_app(replace(app, notify=base))
    else:
        extra = {"deletion": f"{base}/deletion"}
        twins.world.register_app(replace(app, notify=f"{base}/deauthorize", extra=extra))
    try:
        yield
    finally:
        server.should_exit = True
        await task


async def until_dead(database: Database) -> Grant:
    async with asyncio.timeout(60):
        while True:
            async with database.read() as session:
                grant = (await session.scalars(select(Grant))).one()
            if grant.state in ("dead", "forgotten"):
                return grant
            await asyncio.sleep(0.02)


async def rows(database: Database, model: Any) -> list[Any]:
    async with database.read() as session:
        return list((await session.scalars(select(model))).all())


@pytest.mark.parametrize("platform", ["facebook", "threads", "instagram", "tiktok"])
async def test_a_removed_app_is_known_within_the_second(
    twins: Twins, database: Database, tmp_path: Path, platform: str
) -> None:
    testing_meta.populate(twins)
    testing_tiktok.populate(twins)
    async with house_at(twins, database, tmp_path, platforms=(platform,)) as house:
        await link_first(house, twins, platform, PERSON[platform])
        async with listening(twins, house, platform):
            twins.world.modes[f"{platform}.notices"] = "twice"
            twins.world.set_fault("revoked", platform, PERSON[platform])
            grant = await until_dead(database)
        assert grant.reason == "revoked"
        (incident,) = await rows(database, Incident)
        assert (incident.severity, incident.reason) == ("dead", "revoked")


async def test_a_consent_after_the_notice_wins(twins: Twins, database: Database, tmp_path: Path) -> None:
    testing_meta.populate(twins)
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        connection = await link_first(house, twins, "facebook", PERSON["facebook"])
        removed_at = house.clock.now()
        twins.advance(seconds=30)
        async with database.read() as session:
            client = await session.get_one(Client, connection.client_id)
        token = await an_invitation(house, client, "facebook", connection.id)
        await walk(house, twins, token, **{"as": PERSON["facebook"]})
        pushed = Pushed("facebook", Kind.DELETION, PERSON["facebook"], removed_at, b"late")
        taken = await revocations.take(house, pushed)
        assert taken.grant_id is None
        assert await revocations.progress(house, taken.code) == ("facebook", Progress.SIGNED_IN_AGAIN)
        assert (await grant_of(house, connection)).state == "live"


async def test_the_sweep_takes_over_what_could_not_be_looked_at(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    testing_meta.populate(twins)
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        connection = await link_first(house, twins, "facebook", PERSON["facebook"])
        twins.world.modes["facebook.notices"] = "off"
        twins.world.set_fault("unavailable", "facebook")
        now = house.clock.now()
        pushed = Pushed("facebook", Kind.DELETION, PERSON["facebook"], now, b"1")
        taken = await revocations.take(house, pushed)
        assert taken.grant_id is not None
        await revocations.look(house, taken.grant_id)
        grant = await grant_of(house, connection)
        assert grant.state == "ending" and grant.access_token is not None
        assert await revocations.progress(house, taken.code) == ("facebook", Progress.UNDER_WAY)
        assert await rows(database, Incident) == []
        twins.world.faults.clear()
        twins.world.set_fault("revoked", "facebook", PERSON["facebook"])
        twins.advance(hours=2)
        await sweep.refresh_due(house)
        assert (await grant_of(house, connection)).state == "dead"
        await sweep.tidy(house)
        grant = await grant_of(house, connection)
        assert (grant.state, grant.access_token) == ("forgotten", None)
        assert await revocations.progress(house, taken.code) == ("facebook", Progress.DONE)
        (notice,) = await rows(database, RevocationNotice)
        assert notice.done_at is not None


async def test_a_forgotten_login_comes_back_by_a_consent(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    testing_meta.populate(twins)
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        connection = await link_first(house, twins, "facebook", PERSON["facebook"])
        twins.world.modes["facebook.notices"] = "off"
        twins.world.set_fault("revoked", "facebook", PERSON["facebook"])
        pushed = Pushed("facebook", Kind.DELETION, PERSON["facebook"], house.clock.now(), b"1")
        taken = await revocations.take(house, pushed)
        await revocations.look(house, taken.grant_id or "")
        assert (await grant_of(house, connection)).state == "forgotten"
        twins.world.faults.clear()
        twins.advance(seconds=30)
        async with database.read() as session:
            client = await session.get_one(Client, connection.client_id)
        token = await an_invitation(house, client, "facebook", connection.id)
        await walk(house, twins, token, **{"as": PERSON["facebook"]})
        grant = await grant_of(house, connection)
        assert (grant.state, grant.generation, grant.subject_name) == ("live", 2, "Anna")
        (incident,) = await rows(database, Incident)
        assert incident.closed_how == "relinked"
