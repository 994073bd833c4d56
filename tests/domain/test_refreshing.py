from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from bot.domain import answers, refreshing, second_look
from bot.domain.house import House
from bot.domain.outcomes import Judgement, Outcome
from bot.domain.refreshing import Cause, Skipped, refresh
from bot.platforms.errors import Reason
from sandbox.platforms.testing import Twins
from storage import grants
from storage.database import Database
from storage.models import Connection, Grant, GrantAttempt, Incident, Notice
from storage.spool import Spool
from tests.support import Killed, a_client, another, grant_of, house_at, linked


async def outcome(house: House, connection: Connection) -> Outcome | Skipped:
    return await outcome_of(house, await grant_of(house, connection))


async def outcome_of(house: House, seen: Grant) -> Outcome | Skipped:
    result = await refresh(house, seen, Cause.SWEEP)
    return result.outcome if isinstance(result, Judgement) else result


async def incidents(database: Database) -> list[Incident]:
    async with database.read() as session:
        return list((await session.execute(select(Incident))).scalars())


async def test_a_due_grant_is_renewed_once_by_two_processes(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        twins.advance(hours=1.6)
        houses = [another(house, f"process-{number}") for number in range(6)]
        due = await grant_of(
            house, connection
        )  # all saw the same: who looks later renews what is new by then
        results = await asyncio.gather(*(outcome_of(one, due) for one in houses))
        assert results.count(Outcome.REFRESHED) == 1
        assert set(results) <= {Outcome.REFRESHED, Skipped.BUSY, Skipped.RENEWED}
        assert len(twins.world.ledger.find("token_presented", kind="refresh")) == 1
        after = await grant_of(house, connection)
        assert after.generation == 2 and after.lease_owner is None and after.failures == 0


@pytest.mark.parametrize("fault", ["unavailable", "html_error", "rate_limited", "slow"])
async def test_an_outage_is_not_a_death(twins: Twins, database: Database, tmp_path: Path, fault: str) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        twins.advance(hours=1.6)
        twins.world.set_fault(fault, "x", group="refresh", value=5 if fault == "slow" else None)
        await second_look.tend(house, await grant_of(house, connection))
        grant = await grant_of(house, connection)
        assert (grant.state, grant.failures, grant.generation) == ("live", 1, 1)
        assert grant.next_due_at is not None and grant.next_due_at > house.clock.now()
        assert not await incidents(database)
        twins.world.faults.clear()
        twins.advance(hours=1)
        await _pass_the_lease_clock(database)
        await second_look.tend(house, await grant_of(house, connection))
        assert (await grant_of(house, connection)).generation == 2


async def test_a_lost_answer_is_not_asked_for_again_before_the_access_token_is_nearly_over(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        twins.advance(hours=1.6)
        twins.world.set_fault("lost_after", "x", group="refresh", count=1)
        assert await outcome(house, connection) is Outcome.UNCLEAR
        assert await outcome(house, connection) is Skipped.WAITING
        assert len(twins.world.ledger.find("token_presented", kind="refresh")) == 1
        grant = await grant_of(house, connection)
        assert grant.state == "live" and grant.waiting_for_platform
        twins.advance(minutes=24)
        await _pass_the_lease_clock(database)
        await second_look.tend(house, await grant_of(house, connection))
        dead = await grant_of(house, connection)
        assert (dead.state, dead.reason) == ("dead", Reason.LOST_ANSWER)
        (incident,) = await incidents(database)
        assert (incident.kind, incident.reason) == ("grant", Reason.LOST_ANSWER)


async def _pass_the_lease_clock(database: Database) -> None:
    """As if the call's last moment had passed: the lease clock cannot be advanced."""
    async with database.write() as session:
        past = (await database.lease_now(session)) - timedelta(seconds=1)
        await session.execute(update(GrantAttempt).values(over_at=past))


async def test_a_revoked_grant_is_told_once_with_its_reason(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        twins.world.set_fault("password_changed", "instagram", account=connection.account_id)
        twins.advance(days=50)
        for _ in range(3):
            await second_look.tend(house, await grant_of(house, connection))
        grant = await grant_of(house, connection)
        assert (grant.state, grant.reason, grant.next_due_at) == ("dead", Reason.PASSWORD_CHANGED, None)
        (incident,) = await incidents(database)
        async with database.read() as session:
            told = (await session.execute(select(Notice.topic).where(Notice.subject_id == incident.id))).all()
        assert [row[0] for row in told] == ["incident"]


async def test_a_refusal_is_believed_only_if_nobody_else_won(
    twins: Twins, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process stores a new generation while our refused answer is on its way back."""
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        twins.advance(hours=1.6)
        real = house.platforms["x"].refresh

        async def slow(call: Any, tokens: Any) -> Any:
            async with database.write() as session:
                await session.execute(update(Grant).values(generation=Grant.generation + 1))
            await twins.x_refresh("not a token")
            twins.world.set_fault("refresh_dead", "x", count=1)
            return await real(call, tokens)

        monkeypatch.setattr(type(house.platforms["x"]), "refresh", lambda _, call, tokens: slow(call, tokens))
        await refresh(house, await grant_of(house, connection), Cause.SWEEP)
        assert (await grant_of(house, connection)).state == "live"
        assert not await incidents(database)


async def test_an_app_at_fault_is_the_operators_alone(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        twins.advance(hours=1.6)
        twins.world.set_fault("secret_wrong", "x")
        for _ in range(2):
            await second_look.tend(house, await grant_of(house, connection))
            twins.advance(hours=0.1)
        assert (await grant_of(house, connection)).state == "live"
        (incident,) = await incidents(database)
        assert incident.kind == "app"
        async with database.read() as session:
            query = select(Notice.audience).where(Notice.topic == "incident")
            audiences = (await session.execute(query)).scalars().all()
        assert audiences == ["operations"]


async def test_cancelling_between_answer_and_commit_changes_nothing(
    twins: Twins, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        twins.advance(hours=1.6)
        arrived, go_on = asyncio.Event(), asyncio.Event()
        real = grants.store_answer

        async def slow(*args: Any) -> Grant | None:
            arrived.set()
            await go_on.wait()
            return await real(*args)

        monkeypatch.setattr(grants, "store_answer", slow)
        seen = await grant_of(house, connection)
        task = asyncio.create_task(refresh(house, seen, Cause.SWEEP))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        await house.tasks.drain()
        assert (await grant_of(house, connection)).generation == 2
        assert not list(house.spool.waiting())


async def test_the_database_failing_at_the_answer_loses_nothing(
    twins: Twins, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        twins.advance(hours=1.6)
        monkeypatch.setattr(answers, "COMMIT_RETRY_SECONDS", 0.01)
        real, failures = grants.store_answer, iter(range(3))

        async def failing(*args: Any) -> Grant | None:
            if next(failures, None) is not None:
                raise TimeoutError
            return await real(*args)

        monkeypatch.setattr(grants, "store_answer", failing)
        assert await outcome(house, connection) is Outcome.REFRESHED
        assert (await grant_of(house, connection)).generation == 2


async def test_an_answer_that_waits_for_its_commit_is_synced_beside_it(
    twins: Twins, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that follows at once is the sync; one that does not come leaves the answer to the file."""
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        synced: list[int] = []
        monkeypatch.setattr(Spool, "sync", lambda spool, path: synced.append(len(list(spool.waiting()))))
        monkeypatch.setattr(answers, "SPOOL_SYNC_SECONDS", 30)
        twins.advance(hours=1.6)
        assert await outcome(house, connection) is Outcome.REFRESHED
        assert synced == []
        real = grants.store_answer

        async def slowly(*args: Any) -> Grant | None:
            await asyncio.sleep(0.2)
            return await real(*args)

        monkeypatch.setattr(grants, "store_answer", slowly)
        monkeypatch.setattr(answers, "SPOOL_SYNC_SECONDS", 0.05)
        twins.advance(hours=1.6)
        assert await outcome(house, connection) is Outcome.REFRESHED
        assert synced == [1] and (await grant_of(house, connection)).generation == 3


async def test_every_start_reads_the_spool(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        twins.advance(hours=1.6)

        async def crash(*_: Any) -> bool:
            raise Killed

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(answers, "store_spooled", crash)
            with pytest.raises(Killed):
                await refreshing._call_and_store(
                    house,
                    house.platforms["x"],
                    await _begun(house, connection),
                )
        assert (await grant_of(house, connection)).generation == 1
        assert await answers.read_spool(house) == 1
        assert (await grant_of(house, connection)).generation == 2
        assert await answers.read_spool(house) == 0
        twins.advance(hours=1.6)
        assert await outcome(house, connection) is Outcome.REFRESHED
        assert not twins.world.ledger.spent_refreshes()


async def _begun(house: House, connection: Connection) -> answers.Attempt:
    attempt = await refreshing._begin(
        house, await grant_of(house, connection), house.platforms["x"], Cause.SWEEP
    )
    assert isinstance(attempt, answers.Attempt)
    return attempt


async def test_self_extending_tokens_are_not_renewed_after_their_end(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        twins.advance(days=61)
        await second_look.tend(house, await grant_of(house, connection))
        grant = await grant_of(house, connection)
        assert (grant.state, grant.reason) == ("dead", Reason.EXPIRED)
        async with database.read() as session:
            assert await session.scalar(select(func.count()).select_from(GrantAttempt)) == 0


async def test_one_incident_for_a_grant_of_two_clients_speaks_in_operations_too(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        first = await linked(house, twins, "x", await a_client(house, "client-a", "C1"))
        async with database.write() as session:
            await session.execute(update(Connection).values(account_id="elsewhere"))
        await linked(house, twins, "x", await a_client(house, "client-b", "C2"))
        twins.world.set_fault("revoked", "x", account="1001")
        twins.advance(hours=1.6)
        await second_look.tend(house, await grant_of(house, first))
        async with database.read() as session:
            told = (
                await session.execute(
                    select(Notice.audience)
                    .join(Incident, Incident.id == Notice.subject_id)
                    .where(Notice.topic == "incident", Incident.kind == "grant")
                )
            ).scalars()
            assert sorted(told) == ["operations", "team", "team"]
