"""The commands of the operator: what each does, and that each says in words why it does not."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
import uvicorn
from click.testing import CliRunner, Result
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.applications import Starlette

from bot import cli_doctor, cli_reach
from bot.app import assembled
from bot.cli import main
from bot.cli_doctor import platforms
from bot.domain import client_import, disconnecting, restoring, rotating
from bot.domain.auditing import Actor
from bot.domain.calendar_file import decoded
from bot.domain.errors import Refused
from bot.domain.house import House
from bot.domain.looking import look
from bot.running import listening
from bot.settings import load_settings
from bot.web import signatures
from bot.web.service import PROCESS_HEADER, process_mark
from sandbox.platforms.testing import Twins
from sandbox.slack import AppConfig, SlackWorld, create_slack_routes
from sandbox.slack.faults import Outage
from storage import deliveries, engine, migrate, rotation
from storage.crypto import CryptoError, Place, Vault, new_key, parse_key
from storage.database import Database
from storage.models import (
    AuditEvent,
    Client,
    Connection,
    Consent,
    Delivery,
    Departure,
    EngineFact,
    Grant,
    Invitation,
    KeyCheck,
    Notice,
    Post,
    Process,
    Workspace,
    new_id,
)
from storage.onlyone import only_one
from storage.spool import Spool, SpooledAnswer
from tests.support import a_client, house_at, linked

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OLD, NEW = parse_key(base64.urlsafe_b64encode(b"o" * 32).decode()), parse_key(new_key())


@pytest.fixture
def here(tmp_path: Path, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a migrated database and settings in the environment."""
    shutil.copy(migrated_sqlite, tmp_path / "test.db")
    for name in list(os.environ):
        if name.startswith(("LAMPLIGHTER_", "SLACK_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LAMPLIGHTER_DATABASE_URL", f"sqlite:///{tmp_path}/test.db")
    monkeypatch.setenv("LAMPLIGHTER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("LAMPLIGHTER_ENCRYPTION_KEYS", base64.urlsafe_b64encode(NEW).decode())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


async def run_beside(*arguments: str) -> Result:
    """The same while a loop runs here."""
    return await asyncio.to_thread(run, *arguments)


def at(folder: Path) -> Database:
    return Database(f"sqlite+aiosqlite:///{folder}/test.db")


async def a_workspace(database: Database, team: str = "T1", zone: str = "Europe/Berlin") -> str:
    row = Workspace(id=new_id(), team_id=team, name="Acme", zone=zone, created_at=NOW)
    async with database.write() as session:
        session.add(row)
    return row.id


async def a_connection(database: Database, workspace_id: str, vault: Vault, **values: Any) -> Connection:
    """A client with an account, its tokens sealed with the vault's first key."""
    client_id, grant_id, row_id = new_id(), new_id(), new_id()
    place = {"workspace_id": workspace_id, "created_at": NOW}
    row = Connection(
        id=row_id,
        client_id=client_id,
        grant_id=grant_id,
        platform="x",
        account_id="1",
        handle=values.get("handle", "acme"),
        own_token=vault.seal("own", Place("connections", row_id, "own_token", 3)),
        own_token_generation=3,
        linked_at=NOW,
        linked_by="U1",
        **place,
    )
    async with database.write() as session:
        session.add(Client(id=client_id, slug=values.get("slug", "client-a"), name="A", zone="UTC", **place))
        session.add(
            Grant(
                id=grant_id,
                provider="x",
                app_id="our-x",
                subject=row_id,
                subject_name="Ada",
                generation=3,
                access_token=vault.seal("access", Place("grants", grant_id, "access_token", 3)),
                refresh_token=vault.seal("refresh", Place("grants", grant_id, "refresh_token", 3)),
                scopes=["tweet.write"],
                access_issued_at=NOW,
                consented_at=NOW,
                created_at=NOW,
            )
        )
        await session.flush()
        session.add(row)
    return row


async def a_delivery(database: Database, connection: Connection, state: str, due: datetime) -> str:
    post_id, row_id = new_id(), new_id()
    place = {"workspace_id": connection.workspace_id, "client_id": connection.client_id, "created_at": NOW}
    async with database.write() as session:
        session.add(Post(id=post_id, request_key=post_id, text="Hello", due_at=due, **place))
        await session.flush()
        times = {"due_at": due, "planned_at": due, "next_at": due, "changed_at": due}
        row = Delivery(
            id=row_id,
            post_id=post_id,
            connection_id=connection.id,
            state=state,
            handles="old",
            **times,
            **place,
        )
        session.add(row)
    return row_id


async def all_of(database: Database, model: Any) -> list[Any]:
    async with database.read() as session:
        return list((await session.execute(select(model))).scalars())


# -- keys ------------------------------------------------------------------------------------------


def test_keys_new_prints_a_key_and_nothing_else() -> None:
    result = run("keys", "new")
    assert len(parse_key(result.output)) == 32 and result.output.count("\n") == 1


def test_the_module_is_a_program() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "bot.cli", "--help"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    for name in ("audit", "doctor", "import-clients", "restored", "rotate-keys"):
        assert name in said.stdout


def test_every_sealed_column_is_known() -> None:
    found = set()
    for path in (ROOT / "storage" / "models").glob("*.py"):
        table = ""
        for line in path.read_text().splitlines():
            table = match[1] if (match := re.match(r'    __tablename__ = "(\w+)"', line)) else table
            if match := re.match(r"    (\w+): Mapped.*# sealed", line):
                found.add(f"{table}.{match[1]}")
    assert found == {sealed.name for sealed in rotation.SEALED}


async def sealed_everywhere(database: Database, vault: Vault) -> None:
    """A value in every sealed column."""
    workspace_id = await a_workspace(database)
    connection = await a_connection(database, workspace_id, vault)
    delivery_id = await a_delivery(database, connection, "preparing", NOW)
    invitation_id, consent_id = new_id(), new_id()
    async with database.write() as session:
        session.add(
            Invitation(
                id=invitation_id,
                workspace_id=workspace_id,
                client_id=connection.client_id,
                batch_id=new_id(),
                platform="x",
                token=vault.seal("link", Place("invitations", invitation_id, "token")),
                token_hash="h",
                created_at=NOW,
            )
        )
        await session.flush()
        session.add(
            Consent(
                id=consent_id,
                invitation_id=invitation_id,
                workspace_id=workspace_id,
                platform="x",
                state_hash="s",
                browser_hash="b",
                verifier=vault.seal("verifier", Place("consents", consent_id, "verifier")),
                redirect_uri="http://x",
                answer=vault.seal("answer", Place("consents", consent_id, "answer")),
                created_at=NOW,
                expires_at=NOW,
                forget_at=NOW,
            )
        )
        handles = vault.seal("{}", Place("deliveries", delivery_id, "handles"))
        await session.execute(update(Delivery).values(handles=handles))
        token = vault.seal("xoxb", Place("workspaces", workspace_id, "bot_token"))
        await session.execute(update(Workspace).values(bot_token=token))
        assert await engine.check_keys(session, vault, NOW) == []


async def test_rotating_seals_everything_again_and_drops_the_old_key(
    database: Database, tmp_path: Path
) -> None:
    old, both = Vault([OLD]), Vault([NEW, OLD])
    await sealed_everywhere(database, old)
    done = await rotating.rotate(database, both, Spool(tmp_path / "spool"), batch=1)
    assert done.resealed == {sealed.name: 1 for sealed in rotation.SEALED}
    assert (done.unreadable, done.dropped, done.left) == (0, (old.current,), {})
    (grant,) = await all_of(database, Grant)
    only_new = Vault([NEW])
    assert only_new.open(grant.refresh_token, Place("grants", grant.id, "refresh_token", 3)) == "refresh"
    (connection,) = await all_of(database, Connection)
    assert only_new.open(connection.own_token, Place("connections", connection.id, "own_token", 3)) == "own"
    async with database.write() as session:
        assert await engine.check_keys(session, only_new, NOW) == []
    again = await rotating.rotate(database, both, Spool(tmp_path / "spool"))
    assert not any(again.resealed.values()) and again.dropped == ()


async def test_rotating_refuses_while_a_living_process_lacks_the_key(
    database: Database, tmp_path: Path
) -> None:
    old, both = Vault([OLD]), Vault([NEW, OLD])
    await sealed_everywhere(database, old)
    async with database.write() as session:
        lease_now = await database.lease_now(session)
        await engine.beat(session, "process-1", 1, old.key_ids, lease_now)
    with pytest.raises(Refused, match="process-1"):
        await rotating.rotate(database, both, Spool(tmp_path / "spool"))
    assert list(await in_use(database)) == [old.current]
    async with database.write() as session:
        await session.execute(update(Process).values(seen_at=lease_now - timedelta(minutes=5)))
    assert (await rotating.rotate(database, both, Spool(tmp_path / "spool"))).dropped == (old.current,)


async def test_a_start_without_the_new_key_is_refused_from_the_first_value_on(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No bot has run with the new key: what is sealed with it needs it all the same."""
    old, both = Vault([OLD]), Vault([NEW, OLD])
    await sealed_everywhere(database, old)
    real, seen = rotation.replace, list[list[str]]()

    async def replace(session: AsyncSession, *of_it: Any) -> bool:
        seen.append(await rotation.missing(session, old))
        return await real(session, *of_it)

    monkeypatch.setattr(rotation, "replace", replace)
    await rotating.rotate(database, both, Spool(tmp_path / "spool"))
    assert seen == [[both.current]] * len(rotation.SEALED)
    async with database.write() as session:
        assert await engine.check_keys(session, old, NOW) == [both.current]


async def in_use(database: Database) -> dict[str, int]:
    async with database.read() as session:
        return dict(await rotation.in_use(session))


async def test_a_key_with_which_a_living_process_still_seals_is_kept(
    database: Database, tmp_path: Path
) -> None:
    old, both = Vault([OLD]), Vault([NEW, OLD])
    await sealed_everywhere(database, old)
    async with database.write() as session:
        lease_now = await database.lease_now(session)
        await engine.beat(session, "process-1", 1, [old.current, both.current], lease_now)
    assert (await rotating.rotate(database, both, Spool(tmp_path / "spool"))).dropped == ()
    assert old.current in {row.key_id for row in await all_of(database, KeyCheck)}


async def test_a_value_that_changed_meanwhile_stays(database: Database) -> None:
    old, both = Vault([OLD]), Vault([NEW, OLD])
    await sealed_everywhere(database, old)
    (sealed,) = [item for item in rotation.SEALED if item.name == "grants.refresh_token"]
    async with database.read() as session:
        (found,) = await rotation.others(session, sealed, both.current, "", 10)
    async with database.write() as session:
        await session.execute(update(Grant).values(refresh_token="renewed"))
    async with database.write() as session:
        assert await rotation.replace(session, sealed, found, "stale") is False
    (grant,) = await all_of(database, Grant)
    assert grant.refresh_token == "renewed"


async def test_rotating_waits_for_the_spool_and_for_every_old_key(database: Database, tmp_path: Path) -> None:
    await sealed_everywhere(database, Vault([OLD]))
    spool = Spool(tmp_path / "spool")
    with pytest.raises(Refused, match="lacks the key"):
        await rotating.rotate(database, Vault([NEW]), spool)
    spool.put(SpooledAnswer("grant", "attempt", 1, {"access_token": "sealed"}))
    with pytest.raises(Refused, match="spool"):
        await rotating.rotate(database, Vault([NEW, OLD]), spool)


async def test_what_no_key_opens_is_told_and_keeps_its_key(database: Database, tmp_path: Path) -> None:
    old, both = Vault([OLD]), Vault([NEW, OLD])
    await sealed_everywhere(database, old)
    async with database.write() as session:
        await session.execute(update(Grant).values(generation=9))
    done = await rotating.rotate(database, both, Spool(tmp_path / "spool"))
    assert done.unreadable == 2 and done.left == {old.current: 2} and done.dropped == ()


async def test_the_command_says_what_it_did(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = at(here)
    await sealed_everywhere(database, Vault([OLD]))
    await database.close()
    names = ",".join(base64.urlsafe_b64encode(key).decode() for key in (NEW, OLD))
    monkeypatch.setenv("LAMPLIGHTER_ENCRYPTION_KEYS", names)
    result = await run_beside("rotate-keys")
    assert result.exit_code == 0, result.output
    assert "grants.access_token: 1 encrypted again" in result.output
    assert f"safe to take out of the list: {Vault([OLD]).current}" in result.output


# -- restored --------------------------------------------------------------------------------------


async def test_after_a_restore_what_was_due_is_doubted(database: Database) -> None:
    connection = await a_connection(database, await a_workspace(database), Vault([OLD]))
    since = NOW - timedelta(hours=5)
    states = (
        "scheduled",
        "preparing",
        "sending",
        "blocked",
        "failed",
        "published",
        "cancelled",
        "processing",
    )
    due = {state: await a_delivery(database, connection, state, NOW - timedelta(hours=1)) for state in states}
    later = await a_delivery(database, connection, "scheduled", NOW + timedelta(hours=1))
    long_failed = await a_delivery(database, connection, "failed", NOW - timedelta(days=9))
    before = await a_delivery(database, connection, "scheduled", NOW - timedelta(hours=7))
    done = await restoring.restored(database, since, NOW)
    assert done.doubted == {"scheduled": 2, "preparing": 1, "sending": 1, "blocked": 1, "failed": 1}
    rows = {row.id: row for row in await all_of(database, Delivery)}
    for state in ("scheduled", "preparing", "sending", "blocked", "failed"):
        row = rows[due[state]]
        assert (row.state, row.next_at, row.handles) == ("unconfirmed", NOW, None)
        assert row.sending_at == since
    assert rows[before].sending_at == NOW - timedelta(hours=7)
    for untouched, state in (
        (long_failed, "failed"),
        (due["processing"], "processing"),
    ):
        assert rows[untouched].state == state
    assert (rows[due["published"]].state, rows[due["cancelled"]].state) == ("published", "cancelled")
    held, (asked,) = rows[later], await all_of(database, Notice)
    assert (held.state, held.reason, held.late, held.next_at) == ("blocked", "restored", True, None)
    assert (asked.topic, asked.id, done.asked) == ("late", held.offer_id, 1)
    (event,) = await all_of(database, AuditEvent)
    assert event.action == "restored" and event.detail["posts"] == 7
    again = await restoring.restored(database, since, NOW)
    assert (again.doubted, again.asked) == ({}, 0) and len(await all_of(database, Notice)) == 1


async def test_the_last_sweep_tells_when_the_backup_was_made(database: Database) -> None:
    with pytest.raises(Refused, match="--since"):
        await restoring.restored(database, None, NOW)
    async with database.write() as session:
        await engine.sweep_finished(session, NOW - timedelta(hours=2), NOW, 0.1)
    assert (await restoring.restored(database, None, NOW)).since == NOW - timedelta(hours=2)
    with pytest.raises(Refused, match="future"):
        await restoring.restored(database, NOW + timedelta(hours=1), NOW)


async def test_restored_refuses_beside_a_running_bot(here: Path) -> None:
    database = at(here)
    async with database.write() as session:
        await engine.beat(session, "process-1", 1, [], await database.lease_now(session))
    with pytest.raises(Refused, match="a bot runs"):
        await restoring.restored(database, NOW, NOW)
    with only_one(f"sqlite+aiosqlite:///{here}/test.db"):
        result = await run_beside("restored", "--since", "2026-11-20")
    assert result.exit_code == 1 and "Another bot runs" in result.output
    await database.close()


async def test_a_doubted_post_is_looked_for_and_never_sent_by_itself(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    """It went out after the backup was made: the look finds it."""
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x", await a_client(house))
        now = house.clock.now()
        went_out = await a_delivery(database, connection, "scheduled", now)
        await _post_it(house, twins, connection)
        twins.advance(hours=1)
        await restoring.restored(database, now - timedelta(minutes=5), house.clock.now())
        await _look(house, went_out)
        (row,) = await all_of(database, Delivery)
        assert (row.state, row.reason) == ("published", None) and row.external_id
        assert len(twins.world.ledger.find("post_created")) == 1


async def _post_it(house: House, twins: Twins, connection: Connection) -> None:
    async with house.db.read() as session:
        grant = await session.get_one(Grant, connection.grant_id)
    place = Place("grants", grant.id, "access_token", grant.generation)
    token = house.vault.open(grant.access_token or "", place)
    bearer = {"Authorization": f"Bearer {token}"}
    answer = await twins.http.post("/api.x.com/2/tweets", json={"text": "Hello"}, headers=bearer)
    assert answer.status_code == 201, answer.text


async def _look(house: House, delivery_id: str) -> None:
    async with house.db.write() as session:
        await session.execute(update(Delivery).values(lease_owner=house.owner))
    async with house.db.read() as session:
        work = await deliveries.load(session, delivery_id)
    assert work is not None
    await look(house, work)


# -- audit -----------------------------------------------------------------------------------------


async def test_the_audit_is_streamed_in_order_as_csv_and_json(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.audit.BATCH", 2)
    database = at(here)
    mine, theirs = await a_workspace(database), await a_workspace(database, "T2")
    connection = await a_connection(database, mine, Vault([OLD]), handle="=evil()")
    async with database.write() as session:
        for number in range(5):
            session.add(
                AuditEvent(
                    workspace_id=mine,
                    at=NOW + timedelta(seconds=number // 2),
                    action=f"action-{number}",
                    actor="U1",
                    client_id=connection.client_id,
                    connection_id=connection.id,
                    detail={"number": number},
                )
            )
        session.add(AuditEvent(workspace_id=theirs, at=NOW, action="foreign"))
    await database.close()
    result = await run_beside("audit", "--workspace", "T1")
    rows = list(csv.DictReader(io.StringIO(result.output)))
    assert {row["action"] for row in rows} == {f"action-{number}" for number in range(5)}
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert rows[0]["client"] == "client-a" and rows[0]["account"] == "'=evil()"
    lines = (await run_beside("audit", "--format", "jsonl", "--since", "2026-11-20T12:00:01Z")).output
    found = [json.loads(line) for line in lines.splitlines()]
    assert [row["action"] for row in found if row["workspace"] == "T1"].count("action-4") == 1
    assert len(found) == 3
    unknown = await run_beside("audit", "--workspace", "T9")
    assert unknown.exit_code == 1 and "no workspace T9" in unknown.output


async def test_access_lists_every_account_with_the_app_behind_it_and_no_token(here: Path) -> None:
    database = at(here)
    workspace_id = await a_workspace(database)
    vault = Vault([OLD])
    await a_connection(database, workspace_id, vault)
    await a_connection(database, workspace_id, vault, slug="client-b", handle="other")
    grants = await all_of(database, Grant)
    await database.close()
    result = await run_beside("audit", "--access")
    rows = list(csv.DictReader(io.StringIO(result.output)))
    assert {(row["client"], row["account"]) for row in rows} == {("client-a", "acme"), ("client-b", "other")}
    assert {(row["app_id"], row["login"], row["has_tokens"]) for row in rows} == {("our-x", "Ada", "yes")}
    assert not any(grant.access_token in result.output for grant in grants)


# -- clients from a table --------------------------------------------------------------------------

TABLE = """\
client,name,zone,team_channel,client_channel,mention
client-a,Acme Shoes,Europe/Berlin,C0000001,C0000002,U0001 <@U0002|ada>
Client B,,,https://agency.slack.com/archives/C0000003,,S0001

client-c,,Mars/Base,,,
client-d,,,general,,
client-e,,,C0000009,C0000009,
client-f,,,C0000002,,
client-a,again,,,,
,,,C0000004,,
"""


async def test_clients_come_in_line_by_line_and_nothing_twice(here: Path) -> None:
    database = at(here)
    await a_workspace(database)
    (here / "clients.csv").write_text(TABLE)
    rehearsed = await run_beside("import-clients", "clients.csv", "--dry-run")
    assert "2 would be made" in rehearsed.output and await all_of(database, Client) == []
    result = await run_beside("import-clients", "clients.csv")
    assert result.exit_code == 1 and "2 made, 0 stood already, 6 faulty." in result.output
    for line, word in (
        (5, "time zone"),
        (6, "channel id"),
        (7, "another channel"),
        (8, "client-a uses"),
        (9, "line 2"),
    ):
        assert re.search(rf"^! line {line}: .*{word}", result.output, re.M), result.output
    rows = {row.slug: row for row in await all_of(database, Client)}
    assert set(rows) == {"client-a", "client-b"}
    first = rows["client-a"]
    assert (first.name, first.team_channel, first.client_channel) == ("Acme Shoes", "C0000001", "C0000002")
    assert first.mentions == ["U0001", "U0002"]
    assert (rows["client-b"].zone, rows["client-b"].team_channel) == ("Europe/Berlin", "C0000003")
    again = await run_beside("import-clients", "clients.csv")
    assert "0 made, 2 stood already" in again.output and len(await all_of(database, Client)) == 2
    await database.close()


ODD_TABLE = """client,name,mention
client-a,,U0001,U0002
client-b,Bakery\x00,
client-c,{long},
client-d,"Two
lines",
client-e,"Open,
client-f,,
"""


async def test_nothing_of_an_odd_line_is_dropped_or_swallowed(database: Database) -> None:
    """A cell too many, a character without a text, a name that would be cut, a quotation mark too few."""
    workspace_id = await a_workspace(database)
    text = decoded(ODD_TABLE.format(long="n" * 81).encode())
    async with database.write() as session:
        workspace = await session.get_one(Workspace, workspace_id)
        told = await client_import.bring_in(session, workspace, text, NOW)
    assert [(item.line, item.outcome.value) for item in told] == [
        *((line, "faulty") for line in (2, 3, 4)),
        (5, "made"),
        (7, "faulty"),
    ]
    for item, words in zip(
        told, ("more cells", "no text", "81 characters", "made", "quotation"), strict=True
    ):
        assert words in item.words
    assert [row.slug for row in await all_of(database, Client)] == ["client-d"]


@pytest.mark.parametrize(
    ("text", "word"),
    [("name,zone\nx,y\n", "client is missing"), ("client,colour\na,red\n", "colour"), ("", "first line")],
)
def test_a_table_with_another_heading_is_refused(text: str, word: str) -> None:
    with pytest.raises(Refused, match=word):
        client_import.read(text)


def test_semicolons_and_a_byte_order_mark_are_read() -> None:
    (line,) = client_import.read("\ufeffClient;Team channel\na;C0000001\n")
    assert (line.number, line.cells) == (2, {"client": "a", "team_channel": "C0000001"})


async def test_several_workspaces_have_to_be_told_apart(here: Path) -> None:
    database = at(here)
    (here / "clients.csv").write_text("client\nclient-a\n")
    none = await run_beside("import-clients", "clients.csv")
    assert none.exit_code == 1 and "no workspace yet" in none.output
    await a_workspace(database)
    second = await a_workspace(database, "T2")
    unclear = await run_beside("import-clients", "clients.csv")
    assert unclear.exit_code == 1 and "--workspace" in unclear.output
    assert (await run_beside("import-clients", "clients.csv", "--workspace", "T2")).exit_code == 0
    (client,) = await all_of(database, Client)
    assert client.workspace_id == second
    await database.close()


# -- the database and the code's age ---------------------------------------------------------------


async def test_the_database_says_which_code_may_run_on_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fact,) = [row for row in await all_of(database, EngineFact) if row.name == migrate.OLDEST_FACT]
    assert fact.value == {"version": migrate.OLDEST_CODE}
    await migrate.check_age(database)
    async with database.write() as session:
        which = EngineFact.name == migrate.OLDEST_FACT
        await session.execute(update(EngineFact).where(which).values(value={"version": 99}))
    with pytest.raises(migrate.TooOld, match="version 99"):
        await migrate.migrate(database)


async def test_older_code_runs_on_a_newer_database_and_leaves_it_alone(here: Path) -> None:
    database = at(here)
    async with database.writer.begin() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert await migrate.is_current(database) and await migrate.migrate(database) is False
    await database.close()


def test_a_bot_that_is_too_old_does_not_start(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def age() -> None:
        database = at(here)
        async with database.write() as session:
            await session.execute(delete(EngineFact))
            session.add(EngineFact(name=migrate.OLDEST_FACT, value={"version": 99}))
        await database.close()

    asyncio.run(age())
    monkeypatch.setenv("LAMPLIGHTER_PUBLIC_URL", "http://127.0.0.1:3000")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1-2")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "s1gning")
    for name in ("run", "migrate", "audit"):
        result = run(name)
        assert result.exit_code == 1 and "too old for its database" in result.output, result.output


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://u:hush@127.0.0.1:1/bot", "Connect call failed"),
        ("sqlite:////dev/null/bot.db", "File exists /dev/null"),
    ],
)
def test_a_database_that_cannot_be_used_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, url: str, why: str
) -> None:
    monkeypatch.setenv("LAMPLIGHTER_DATABASE_URL", url)
    monkeypatch.setenv("LAMPLIGHTER_PUBLIC_URL", "http://127.0.0.1:3000")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1-2")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "s1gning")
    for command in ("run", "migrate", "audit", "restored"):
        result = run(command)
        assert result.exit_code == 1 and "The database cannot be used: " in result.output, result.output
        assert why in result.output and "hush" not in result.output, result.output


def test_a_command_on_an_old_database_says_migrate(here: Path) -> None:
    (here / "test.db").unlink()
    result = run("audit")
    assert result.exit_code == 1 and "lamplighter migrate" in result.output
    assert "brought up to date" in run("migrate").output and run("audit").exit_code == 0


# -- doctor ----------------------------------------------------------------------------------------


def test_doctor_looks_where_the_database_will_be_made(tmp_path: Path) -> None:
    assert cli_doctor._to_be_made(tmp_path / "new" / "folder" / "bot.db").ok
    finding = cli_doctor._to_be_made(Path("/dev/null/bot.db"))
    assert not finding.ok and "/dev/null" in finding.what


def test_doctor_lists_what_is_missing(here: Path) -> None:
    result = run("doctor")
    assert result.exit_code == 1
    assert "LAMPLIGHTER_PUBLIC_URL is missing" in result.output and "SLACK_BOT_TOKEN" in result.output


@asynccontextmanager
async def a_slack(here: Path, monkeypatch: pytest.MonkeyPatch, *scopes: str) -> AsyncIterator[SlackWorld]:
    """Slack's twin with the app installed, and settings that lead to it; the bot's own port is free."""
    known = frozenset(scopes) or cli_reach._wanted_scopes()
    world = SlackWorld(app=AppConfig(scopes=known))
    team = world.add_team("agency")
    token = world.install(team.id).token
    sockets = [listening("127.0.0.1", 0) for _ in range(2)]
    twin, free = (f"http://127.0.0.1:{item.getsockname()[1]}" for item in sockets)
    sockets[1].close()
    app = Starlette(routes=create_slack_routes(world))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=sockets[:1]))
    for name, value in {
        "LAMPLIGHTER_PUBLIC_URL": free,
        "LAMPLIGHTER_PORT": free.rpartition(":")[2],
        "LAMPLIGHTER_OUTBOUND_URL": twin,
        "SLACK_BOT_TOKEN": token,
        "SLACK_SIGNING_SECRET": world.app.signing_secret,
        "X_CLIENT_ID": "our-x",
        "X_CLIENT_SECRET": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    try:
        yield world
    finally:
        server.should_exit = True
        await serving
        await world.close()


@asynccontextmanager
async def a_run() -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.StreamReader]]:
    """`lamplighter run` as a process of its own, and its log."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", "run"),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            yield process, process.stderr
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_start_that_waits_for_slack_ends_too(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_slack(here, monkeypatch) as world:
        world.faults.add(Outage.INTERNAL_ERROR, "auth.test")
        async with a_run() as (bot, log):
            await log.readuntil(b"slack_does_not_answer")
            bot.terminate()
            said = await log.read()
            assert await bot.wait() == 0, said
    assert said.endswith(b"Stopped.\n") and b"Traceback" not in said, said


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
async def test_a_running_bot_ends_gracefully(
    here: Path, monkeypatch: pytest.MonkeyPatch, told: signal.Signals
) -> None:
    async with a_slack(here, monkeypatch) as world:
        world.faults.add(Outage.INTERNAL_ERROR, "users.list")  # a start does not need to know the owner
        async with a_run() as (bot, log):
            said = await log.readuntil(b'"event": "started"')
            if told is signal.SIGINT:  # the database has its own trouble just then
                with closing(sqlite3.connect(here / "test.db")) as file:
                    file.execute("DROP TABLE processes")
            bot.send_signal(told)
            if told is signal.SIGTERM:  # make and a process group both hand it on
                bot.send_signal(told)
            said += await log.read()
            assert await bot.wait() == 0, said
    assert b'"event": "stopped"' in said and b"owner_unknown" in said, said
    assert (b"not_signed_off" in said) is (told is signal.SIGINT), said


async def test_doctor_finds_that_all_is_well(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_slack(here, monkeypatch):
        result = await run_beside("doctor")
        public = os.environ["LAMPLIGHTER_PUBLIC_URL"]
    assert result.exit_code == 0, result.output
    assert "All is well." in result.output and "!!" not in result.output
    assert "agrees with Slack's" in result.output and "Slack scopes: all there" in result.output
    assert f"{public} reaches this machine" in result.output
    house = cast(House, SimpleNamespace(public_url=public))
    assert f"Redirect URL: {House.redirect_uri(house, 'x')}\n" in result.output


def test_doctor_prints_what_each_console_asks_for_ready_to_paste() -> None:
    meta = {"THREADS_CLIENT_ID": "our-threads", "THREADS_CLIENT_SECRET": "threads-secret"}
    facebook = {"FACEBOOK_CLIENT_ID": "our-facebook", "FACEBOOK_CLIENT_SECRET": "facebook-secret"}
    tiktok = {"TIKTOK_CLIENT_ID": "our-tiktok", "TIKTOK_CLIENT_SECRET": "tiktok-secret"}
    linkedin = {"LINKEDIN_CLIENT_ID": "our-linkedin", "LINKEDIN_CLIENT_SECRET": "linkedin-secret"}
    given = {"LAMPLIGHTER_PUBLIC_URL": "https://bot.example.com"} | meta | facebook | tiktok | linkedin
    found = {item.about: item for item in platforms(load_settings(given, require="none"))}
    threads, behind = found["Threads"].advice, found["Instagram"].advice
    base = "https://bot.example.com/webhooks/threads"
    assert f"Deauthorize callback URL: {base}/deauthorize\n" in threads
    assert f"Data deletion request URL: {base}/deletion\n" in threads
    assert f"{base}, verify token: {signatures.verify_token('threads-secret')}" in threads
    assert "threads-secret" not in threads
    assert behind == "Redirect URL: https://bot.example.com/oauth/instagram/callback", "on Facebook's app"
    assert "https://bot.example.com/webhooks/tiktok" in found["TikTok"].advice
    assert "webhooks" not in found["LinkedIn"].advice
    pages = found["LinkedIn Page"]
    assert "approved" in pages.what and "LINKEDIN_REVIEWED=true" in pages.advice
    assert "not reviewed yet). Until Meta has reviewed the app" in found["Facebook"].what


async def test_doctor_names_every_problem_and_what_to_do(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = at(here)
    async with database.write() as session:
        await engine.check_keys(session, Vault([OLD]), NOW)
        await engine.beat(session, "process-1", 1, [], await database.lease_now(session))
    await database.close()
    async with a_slack(here, monkeypatch, "chat:write"):
        result = await run_beside("doctor")
    assert result.exit_code == 1
    assert f"the key {Vault([OLD]).current} is missing" in result.output
    assert "Slack scopes: missing: " in result.output and "commands" in result.output
    assert "does not answer" in result.output and "3 to put right." in result.output


async def test_doctor_tells_a_refused_token_and_another_program(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_slack(here, monkeypatch):
        twin = os.environ["LAMPLIGHTER_OUTBOUND_URL"]
        monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-0-0")
        monkeypatch.setenv("LAMPLIGHTER_PUBLIC_URL", twin)
        result = await run_beside("doctor")
    assert "refuses the bot token (invalid_auth)" in result.output
    assert "reaches something else (status 404)" in result.output and result.exit_code == 1
    assert "xoxb-0-0" not in result.output


async def test_a_running_bot_shows_its_mark_and_follows_up_what_was_disconnected(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_slack(here, monkeypatch), assembled(load_settings(os.environ)) as app:
        transport = httpx.ASGITransport(app=app.web)
        async with httpx.AsyncClient(transport=transport, base_url="http://bot") as browser:
            answer = await browser.get("/healthz")
        assert answer.headers[PROCESS_HEADER] == process_mark(app.house.owner)
        async with app.house.db.read() as session:
            workspace_id = (await session.execute(select(Workspace.id))).scalar_one()
        connection = await a_connection(app.house.db, workspace_id, app.house.vault)
        async with app.house.db.write() as session:
            await session.execute(update(Grant).values(state="dead"))
            actor, now = Actor(workspace_id, "U1"), app.house.clock.now()
            await disconnecting.disconnect(session, actor, connection.id, 1, now)
        await app.start()
        app.leaving.set()
        async with asyncio.timeout(20):
            while [row.state for row in await all_of(app.house.db, Departure)] != ["forgotten"]:
                await asyncio.sleep(0.02)
        await app.stop()


@pytest.mark.parametrize(
    ("seconds", "fine", "word"),
    [(0.5, True, "agrees"), (-29, True, "agrees"), (45, False, "ahead"), (-400, False, "refused")],
)
def test_a_clock_that_is_wrong_is_told(seconds: float, fine: bool, word: str) -> None:
    finding = cli_reach._skew(seconds)
    assert finding.ok is fine and word in f"{finding.what} {finding.advice}"


def test_a_process_shows_a_mark_and_not_its_name() -> None:
    assert "host" not in process_mark("host-1") and process_mark("host-1") != process_mark("host-2")
    assert PROCESS_HEADER.startswith("X-")


async def test_doctor_never_writes(database: Database) -> None:
    async with database.read() as session:
        assert await rotation.missing(session, Vault([NEW])) == []
    assert await all_of(database, KeyCheck) == []
    async with database.write() as session:
        await engine.check_keys(session, Vault([OLD]), NOW)
        await session.execute(update(KeyCheck).values(check=Vault([OLD]).seal("x", Place("a", "b", "c"))))
    async with database.read() as session:
        with pytest.raises(CryptoError):
            await rotation.missing(session, Vault([OLD]))
        assert await rotation.missing(session, Vault([NEW])) == [Vault([OLD]).current]
