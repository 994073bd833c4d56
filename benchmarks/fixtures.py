"""Many grants and connections without walking through as many consents."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert

from bot.domain import tokens as sealing
from bot.domain.house import House
from bot.platforms.base import Tokens
from sandbox.platforms.model import Account
from sandbox.platforms.testing import Twins
from storage.models import Client, Connection, Grant, Workspace, new_id
from tests.support import our_app

BATCH = 2_000


async def many_grants(house: House, twins: Twins, count: int, *, due: bool) -> list[Tokens]:
    """X grants with living tokens at the twin; stored in the database, due now, where `due`."""
    made: list[Tokens] = []
    rows = []
    now = house.clock.now()
    app = our_app("x")
    for _ in range(count):
        account = twins.world.add_account(
            Account(platform="x", id=str(twins.world.serial() + 10**6), handle="many", name="Many")
        )
        grant = twins.world.new_grant(
            "x", app.client_id, account.id, ["tweet.read", "tweet.write", "users.read", "offline.access"]
        )
        access = twins.world.issue(grant, "access", seconds=7200)
        refresh = twins.world.issue(grant, "refresh", seconds=15_552_000)
        pair = Tokens(access.value, refresh.value, 7200.0)
        made.append(pair)
        grant_id = new_id()
        info = house.platforms["x"].info
        values = sealing.sealed_values(house.vault, grant_id, 1, pair, info, now)
        rows.append(
            values
            | {"id": grant_id, "provider": "x", "app_id": app.client_id, "subject": account.id}
            | {"scopes": [], "next_due_at": now, "consented_at": now, "created_at": now}
        )
    if due:
        async with house.db.write() as session:
            await session.execute(insert(Grant), rows)
    return made


async def idle_connections(house: House, count: int) -> None:
    """Connections with nothing to do for a long time."""
    now = house.clock.now()
    later = now + timedelta(days=30)
    async with house.db.write() as session:
        workspace = Workspace(id=new_id(), team_id=f"T{new_id()[:8]}", name="Idle", created_at=now)
        session.add(workspace)
        await session.flush()
        client = Client(
            id=new_id(), workspace_id=workspace.id, slug="idle", name="Idle", zone="UTC", created_at=now
        )
        session.add(client)
    for start in range(0, count, BATCH):
        ids = [new_id() for _ in range(min(BATCH, count - start))]
        async with house.db.write() as session:
            grants = [_grant(row_id, now, later) for row_id in ids]
            await session.execute(insert(Grant), grants)
            await session.execute(
                insert(Connection), [_connection(row_id, workspace, client, now) for row_id in ids]
            )


def _grant(row_id: str, now: object, later: object) -> dict[str, object]:
    fixed = {"provider": "x", "app_id": "idle", "subject": row_id, "scopes": [], "access_issued_at": now}
    return fixed | {
        "id": row_id,
        "access_expires_at": later,
        "next_due_at": later,
        "consented_at": now,
        "created_at": now,
    }


def _connection(row_id: str, workspace: Workspace, client: Client, now: object) -> dict[str, object]:
    fixed = {"workspace_id": workspace.id, "client_id": client.id, "platform": "x", "missing_scopes": []}
    return fixed | {
        "id": new_id(),
        "grant_id": row_id,
        "account_id": row_id,
        "linked_at": now,
        "created_at": now,
    }
