"""Closing a client, and short names, on both databases and with several people at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.domain import client_changes, client_import, clients, closing, merging, posting, revoking
from bot.domain.auditing import Actor
from bot.domain.errors import Refused
from bot.domain.house import House
from bot.messages.closing import closed_message
from bot.platforms.content import Content
from sandbox.platforms.testing import Twins
from storage import clients as rows
from storage.database import Database
from storage.deliveries import BEFORE_RETURN
from storage.models import Client, ClientAlias, Connection, Delivery, Grant, Notice
from tests.support import a_client, house_at, linked


async def close(house: House, client: Client) -> closing.Done:
    async with house.db.read() as session:
        mark = (await closing.ask(session, house, client)).mark
    async with house.db.write() as session:
        actor = Actor(client.workspace_id, "U1", "C1")
        return await closing.close(session, actor, client.id, mark, house.clock.now())


async def shown(house: House) -> str:
    async with house.db.read() as session:
        notice = (await session.scalars(select(Notice).where(Notice.topic == closing.TOPIC))).one()
        facts = await closing.picture(
            session,
            house,
            notice.workspace_id,
            notice.subject_id or "",
            notice.facts["departures"],
            notice.facts["cancelled"],
            notice.facts["by"],
        )
    assert facts is not None
    return closed_message(facts).text


async def test_tokens_go_and_what_is_left_by_hand_is_listed(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        for platform in ("x", "instagram"):
            await linked(house, twins, platform, client)
        done = await close(house, client)
        assert (done.accounts, done.cancelled) == (2, 0)
        assert "Our access to 2 accounts ends" in await shown(house)
        async with house.db.read() as session:
            notice = (await session.scalars(select(Notice).where(Notice.topic == closing.TOPIC))).one()
        await revoking.revoke_due(house)
        async with house.db.read() as session:
            again = await session.get_one(Notice, notice.id)
            grants = (await session.scalars(select(Grant))).all()
        assert again.version > notice.version, "the message is rendered again as the tokens go"
        assert all(grant.access_token is None for grant in grants)
        text = await shown(house)
        by_hand = [line for line in text.splitlines() if line.startswith("•")]
        assert len(by_hand) == 1 and "Instagram" in by_hand[0] and "https://" in by_hand[0]
        assert len(twins.world.ledger.find("revoke", platform="x")) >= 1


async def test_closing_twice_is_once(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        results = await asyncio.gather(*(close(house, client) for _ in range(5)), return_exceptions=True)
        assert sum(isinstance(result, closing.Done) for result in results) == 1
        assert all(isinstance(result, (closing.Done, Refused)) for result in results), results


async def test_nothing_is_queued_behind_the_back_of_a_close(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        account = await linked(house, twins, "x", client)

        async def queue(number: int) -> None:
            draft = posting.Draft(
                f"k{number}", client.id, (account.id,), Content(text=f"Bread {number}"), house.clock.now()
            )
            async with house.db.write() as session:
                await posting.queue(
                    session, house, Actor(client.workspace_id, "U1"), draft, house.clock.now()
                )

        queued = [queue(number) for number in range(8)]
        results = await asyncio.gather(*queued[:4], close(house, client), *queued[4:], return_exceptions=True)
        assert any(isinstance(result, closing.Done) for result in results)
        async with house.db.read() as session:
            left = (await session.scalars(select(Delivery).where(Delivery.state.in_(BEFORE_RETURN)))).all()
            assert not left, "each was cancelled by the close, or refused after it"
            states = set((await session.scalars(select(Connection.state))).all())
        assert states == {"disconnected"}


async def test_a_short_name_never_leads_to_two_clients(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        now, actor = house.clock.now(), Actor(client.workspace_id, "U1", "C2")

        async def rename(slug: str) -> None:
            async with house.db.write() as session:
                row = await rows.locked(session, client.workspace_id, client.id)
                assert row is not None
                before = await client_changes.load(session, row)
                wanted = client_changes.ClientValues(**{**_fields(before), "slug": slug})
                marks = merging.marks(before.plain())
                await client_changes.change(session, actor, row, marks, wanted, now)

        async def create(slug: str) -> None:
            async with house.db.write() as session:
                await clients.create(session, actor, slug, "C2", now, "UTC")

        work = [rename("b"), create("client-a"), create("b"), rename("c"), create("c"), create("client-a")]
        results = await asyncio.gather(*work, return_exceptions=True)
        assert all(result is None or isinstance(result, Refused) for result in results), results
        async with house.db.read() as session:
            today = set((await session.scalars(select(Client.slug))).all())
            old = set((await session.scalars(select(ClientAlias.slug))).all())
        assert not today & old


async def test_an_import_knows_old_names_and_closed_clients(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        now = house.clock.now()
        async with house.db.write() as session:
            workspace = await rows.workspace(session, client.workspace_id)
            row = await rows.locked(session, workspace.id, client.id)
            assert row is not None
            row.slug = "acme"
            await rows.add_alias(session, row, "client-a", now)
            session.add(
                Client(
                    workspace_id=workspace.id,
                    slug="gone",
                    name="Gone",
                    zone="UTC",
                    created_at=now,
                    closed_at=now,
                )
            )
            await session.flush()
            table = "client,zone\nclient-a,\nacme,\ngone,\nnew,Europe/Rome\nnew,\n"
            first = await client_import.bring_in(session, workspace, table, now)
            again = await client_import.bring_in(session, workspace, table, now)
        made, stands, faulty = (
            client_import.Outcome.MADE,
            client_import.Outcome.STANDS,
            client_import.Outcome.FAULTY,
        )
        assert [item.outcome for item in first] == [stands, stands, faulty, made, faulty]
        assert [item.outcome for item in again] == [stands, stands, faulty, stands, faulty], "nothing twice"
        assert "as acme" in first[0].words and "clients closed" in first[2].words
        async with house.db.read() as session:
            assert set((await session.scalars(select(Client.slug))).all()) == {"acme", "gone", "new"}


def _fields(values: client_changes.ClientValues) -> dict[str, Any]:
    return {name: getattr(values, name) for name in values.__slots__}


@pytest.mark.parametrize(
    ("entered", "current", "changes", "conflicts"),
    [
        ({"a": 1}, {"a": 1}, {}, ()),
        ({"a": 2}, {"a": 1}, {"a": 2}, ()),
        ({"a": 1}, {"a": 3}, {}, ()),
        ({"a": 2}, {"a": 3}, {}, ("a",)),
        ({"a": 3}, {"a": 3}, {}, ()),
    ],
    ids=["untouched", "mine", "theirs", "both", "the same"],
)
def test_what_a_submit_means(
    entered: dict[str, int], current: dict[str, int], changes: dict[str, int], conflicts: tuple[str, ...]
) -> None:
    found = merging.merge(merging.marks({"a": 1}), entered, current)
    assert (dict(found.changes), found.conflicts) == (changes, conflicts)
