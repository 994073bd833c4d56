"""What only one may hold is held by one, whoever asks at once, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from storage import deliveries, grants, media
from storage.database import Database
from storage.models import Client, Connection, Delivery, Grant, Post, StoredMedia, Workspace, new_id
from storage.onlyone import AlreadyRunning, only_one

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
SPAN = timedelta(seconds=60)


async def an_account(database: Database) -> Connection:
    """A client with one account."""
    workspace = Workspace(id=new_id(), team_id="T1", name="Acme", created_at=NOW)
    client = Client(
        id=new_id(),
        workspace_id=workspace.id,
        slug="a",
        name="A",
        zone="UTC",
        team_channel="C1",
        created_at=NOW,
    )
    grant = Grant(
        id=new_id(),
        provider="x",
        app_id="ours",
        subject="1",
        subject_name="Ada",
        generation=1,
        access_token="sealed",
        scopes=[],
        access_issued_at=NOW,
        consented_at=NOW,
        created_at=NOW,
        next_due_at=NOW,
    )
    row = Connection(
        id=new_id(),
        workspace_id=workspace.id,
        client_id=client.id,
        grant_id=grant.id,
        platform="x",
        account_id="1",
        handle="acme",
        linked_at=NOW,
        linked_by="U1",
        created_at=NOW,
    )
    for part in (workspace, client, grant, row):
        async with database.write() as session:
            session.add(part)
    return row


async def a_post(database: Database, account: Connection, due: datetime, **values: object) -> Delivery:
    """A post with one delivery, ready to be prepared."""
    shared = {"workspace_id": account.workspace_id, "client_id": account.client_id, "created_at": NOW}
    post = Post(id=new_id(), request_key=new_id(), author="U1", text="Bread", due_at=due, **shared)
    row = Delivery(
        id=new_id(),
        post_id=post.id,
        connection_id=account.id,
        due_at=due,
        planned_at=due,
        next_at=due,
        changed_at=NOW,
        **{"state": "scheduled", **shared, **values},
    )
    for part in (post, row):
        async with database.write() as session:
            session.add(part)
    return row


async def test_one_of_many_takes_a_lease(database: Database) -> None:
    account = await an_account(database)

    async def take(owner: str) -> bool:
        async with database.write() as session:
            now = await database.lease_now(session)
            return await grants.take_lease(session, account.grant_id, owner, now, SPAN) is not None

    assert sum(await asyncio.gather(*(take(f"p{number}") for number in range(8)))) == 1


async def test_a_lease_is_renewed_by_its_owner_and_taken_over_after_its_end(database: Database) -> None:
    account = await an_account(database)

    async def take(owner: str, span: timedelta, later: timedelta = timedelta(0)) -> bool:
        async with database.write() as session:
            now = await database.lease_now(session) + later
            return await grants.take_lease(session, account.grant_id, owner, now, span) is not None

    assert await take("one", SPAN)
    assert not await take("two", SPAN)
    assert await take("one", SPAN)
    assert await take("two", SPAN, later=2 * SPAN)
    async with database.write() as session:
        await grants.drop_lease(session, account.grant_id, "one")  # too late: it is another's by now
    assert not await take("one", SPAN)


async def test_an_answer_is_stored_by_generation_and_once(database: Database) -> None:
    account = await an_account(database)
    async with database.write() as session:
        grant = await grants.get(session, account.grant_id)
        assert grant is not None
        attempt = await grants.begin_attempt(session, grant, "one", "due", NOW, NOW)

    async def store(token: str) -> bool:
        values = {"access_token": token, "generation": 2, "last_refreshed_at": NOW}
        async with database.write() as session:
            return await grants.store_answer(session, account.grant_id, attempt, 1, values) is not None

    won = await asyncio.gather(*(store(f"t{number}") for number in range(5)))
    assert sum(won) == 1
    async with database.read() as session:
        row = await grants.get(session, account.grant_id)
        assert row is not None and (row.generation, row.access_token) == (2, f"t{won.index(True)}")


async def test_a_due_post_is_claimed_by_one(database: Database) -> None:
    account = await an_account(database)
    rows = [await a_post(database, account, NOW + timedelta(minutes=number)) for number in range(6)]

    async def claim(owner: str) -> list[str]:
        async with database.write() as session:
            now = await database.lease_now(session)
            later = NOW + timedelta(hours=1)
            return list(await deliveries.claim(session, owner, later, now, SPAN, 4))

    taken = await asyncio.gather(*(claim(f"p{number}") for number in range(5)))
    every = [one for part in taken for one in part]
    assert len(every) == len(set(every)) == len(rows)


async def test_what_is_not_due_or_may_be_on_its_way_is_not_claimed(database: Database) -> None:
    account = await an_account(database)
    far = datetime.now(UTC) + timedelta(hours=1)
    await a_post(database, account, NOW + timedelta(days=1))
    await a_post(database, account, NOW, state="sending", sending_over_at=far)
    async with database.write() as session:
        now = await database.lease_now(session)
        assert await deliveries.claim(session, "one", NOW, now, SPAN, 9) == []


async def test_one_post_at_a_time_is_being_sent_on_an_account(database: Database) -> None:
    account = await an_account(database)
    held = {"state": "preparing", "lease_until": datetime.now(UTC) + SPAN}
    rows = [await a_post(database, account, NOW, lease_owner=f"p{number}", **held) for number in range(4)]

    async def mark(row: Delivery) -> bool:
        async with database.write() as session:
            assert row.lease_owner is not None
            return await deliveries.mark_sending(session, row, row.lease_owner, NOW)

    assert sum(await asyncio.gather(*(mark(row) for row in rows))) == 1


async def test_the_earlier_post_goes_first(database: Database) -> None:
    account = await an_account(database)
    early = await a_post(database, account, NOW - timedelta(minutes=5), state="preparing", lease_owner="one")
    later = await a_post(database, account, NOW, state="preparing", lease_owner="one")
    async with database.write() as session:
        assert not await deliveries.mark_sending(session, later, "one", NOW)
    async with database.write() as session:
        assert await deliveries.mark_sending(session, early, "one", NOW)


async def test_a_step_after_an_edit_changes_nothing(database: Database) -> None:
    account = await an_account(database)
    row = await a_post(database, account, NOW, state="preparing", lease_owner="one")
    async with database.write() as session:
        stored = await session.get_one(Delivery, row.id)
        stored.revision += 1
    async with database.write() as session:
        assert not await deliveries.move(session, row, "one", "preparing", NOW, state="sending")


def test_one_bot_owns_a_file(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'one.db'}"
    with only_one(url):
        (tmp_path / "other.db").symlink_to(tmp_path / "one.db")
        with pytest.raises(AlreadyRunning), only_one(f"sqlite+aiosqlite:///{tmp_path}/other.db"):
            pass
        with pytest.raises(AlreadyRunning), only_one(url):
            pass
        with only_one("postgresql+asyncpg://somewhere/lamplighter"):
            pass
    with only_one(url):
        pass


async def test_a_reading_transaction_is_one_picture(database_url: str) -> None:
    """On SQLite a reader sees what stood when it began, however long it reads, and delays no writer."""
    if not database_url.startswith("sqlite"):
        pytest.skip("PostgreSQL reads what is committed, statement by statement")
    database = Database(database_url)
    account = await an_account(database)
    async with database.read() as reading:
        before = await grants.get(reading, account.grant_id)
        assert before is not None and before.attempts == 0
        async with database.write() as session:
            await grants.begin_attempt(session, before, "one", "due", NOW, NOW)
        again = await grants.get(reading, account.grant_id)
        assert again is not None and again.attempts == 0
    await database.close()


async def test_a_cancelled_write_leaves_nothing_and_blocks_nobody(database: Database) -> None:
    account = await an_account(database)
    inside = asyncio.Event()

    async def stuck() -> None:
        async with database.write() as session:
            row = await session.get_one(Grant, account.grant_id)
            row.subject_name = "Nobody"
            await session.flush()
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stuck())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(20), database.write() as session:
        row = await session.get_one(Grant, account.grant_id)
        assert row.subject_name == "Ada"
        row.subject_name = "Grace"
    async with database.read() as session:
        assert (await session.get_one(Grant, account.grant_id)).subject_name == "Grace"


async def test_two_posts_that_share_their_files_wait_for_each_other_and_in_no_circle(
    database: Database,
) -> None:
    until = NOW + timedelta(days=1)
    looks = {"kind": "image", "mime": "image/png", "size": 1}
    times = {"created_at": NOW, "used_at": NOW, "next_at": NOW}
    workspace_id = (await an_account(database)).workspace_id
    for name in ("b", "a"):  # so that they lie in the table in another order than that of their ids
        async with database.write() as session:
            session.add(StoredMedia(id=name, workspace_id=workspace_id, digest=name * 64, **looks, **times))

    async def both() -> set[str]:
        async with database.write() as session:
            if not database.is_sqlite:  # as a large table may be read, and not by its key
                await session.execute(text("set local enable_indexscan = off"))
                await session.execute(text("set local enable_bitmapscan = off"))
            return await media.used(session, workspace_id, ["a", "b"], NOW, until)

    async with asyncio.timeout(20), database.write() as session:
        await media.used(session, workspace_id, ["a"], NOW, until)
        other = asyncio.create_task(both())
        await asyncio.sleep(0.3)  # it has come as far as it can
        assert await media.used(session, workspace_id, ["b"], NOW, until) == {"b"}
    assert await other == {"a", "b"}
