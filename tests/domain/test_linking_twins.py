from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.domain.consenting import begin
from bot.domain.consents import Result
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import AuditEvent, Connection, Consent, Grant, Invitation, Notice
from tests.support import (
    a_client,
    an_invitation,
    come_back,
    consent_at,
    grant_of,
    house_at,
    linked,
    walk,
)


@pytest.mark.parametrize("platform", ["x", "instagram"])
async def test_a_walk_links_an_account(
    twins: Twins, database: Database, tmp_path: Path, platform: str
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, platform)
        grant = await grant_of(house, connection)
        assert (connection.handle, connection.state) == ("bakery", "live")
        assert grant.generation == 1 and grant.next_due_at is not None
        async with database.read() as session:
            consent = (await session.execute(select(Consent))).scalar_one()
            invitation = (await session.execute(select(Invitation))).scalar_one()
            notice = (await session.execute(select(Notice))).scalar_one()
        assert (consent.state, consent.result, consent.answer, consent.verifier) == (
            "done",
            Result.LINKED,
            None,
            None,
        )
        assert invitation.state == "used" and notice.version == 2


async def test_two_loads_of_one_callback_exchange_once(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        url = await begin(house, await an_invitation(house, client, "x"), "browser-secret")
        assert url is not None
        arrived = await consent_at(twins, url, decision="approve")
        ids = await asyncio.gather(*(come_back(house, arrived) for _ in range(4)))
        assert len(set(ids)) == 1
        assert len(twins.world.ledger.find("code_presented")) == 1


async def test_a_relink_as_another_account_changes_nothing(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "instagram", client)
        before = await grant_of(house, connection)
        token = await an_invitation(house, client, "instagram", connection.id)
        consent_id = await walk(house, twins, token, **{"as": "17841400000000002"})
        async with database.read() as session:
            consent = await session.get_one(Consent, consent_id)
            count = await session.scalar(select(func.count()).select_from(Connection))
        assert consent.state == "choosing" and consent.detail["question"] == "other_account"
        assert consent.detail["expected"] == "bakery" and consent.detail["found"] == ["@florist"]
        after = await grant_of(house, connection)
        assert (after.generation, count) == (before.generation, 1)


async def test_a_second_consent_is_the_next_generation(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "x", client)
        token = await an_invitation(house, client, "x", connection.id)
        await walk(house, twins, token)
        async with database.read() as session:
            grants = (await session.execute(select(Grant))).scalars().all()
            consents = (await session.execute(select(Consent).order_by(Consent.created_at))).scalars().all()
            of_links = AuditEvent.action.in_(("linked", "relinked"))
            written = (
                await session.scalars(select(AuditEvent).where(of_links).order_by(AuditEvent.at))
            ).all()
        assert [grant.generation for grant in grants] == [2]
        assert [line.action for line in written] == ["linked", "relinked"]
        for line in written:  # a browser has no name: whoever asked for the link is in the detail
            assert (line.actor, line.channel_id, line.detail["link_of"]) == (None, "C1", "U1")
            assert (line.client_id, line.connection_id) == (client.id, connection.id)
        assert consents[-1].result == Result.RELINKED
