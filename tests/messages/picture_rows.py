"""Rows for the loaders: a workspace with two clients, accounts on a grant, posts and their deliveries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from bot.clock import HouseClock
from bot.domain.auditing import Actor
from bot.domain.house import House
from bot.http import PlatformHttp
from bot.messages.message import Message
from bot.platforms.registry import build_platforms
from bot.renderers import build_renderers
from storage.crypto import Vault, new_key, parse_key
from storage.database import Database
from storage.models import Client, Connection, Delivery, Grant, Notice, Post, Workspace, new_id
from storage.spool import Spool
from tests.support import PUBLIC, SETTINGS, our_app

SCOPES = ["instagram_business_basic", "instagram_business_content_publish"]


@dataclass
class Rows:
    """A house and the rows in it."""

    house: House
    workspace: Workspace
    client: Client
    other: Client

    @property
    def now(self) -> datetime:
        return self.house.clock.now()

    @property
    def actor(self) -> Actor:
        return Actor(self.workspace.id, "U0ADA", "C0TEAM")

    async def add(self, *rows: Any) -> None:
        async with self.house.db.write() as session:
            for row in rows:
                session.add(row)
                await session.flush()

    async def grant(self, **values: Any) -> Grant:
        plain: dict[str, Any] = {
            "provider": "instagram",
            "app_id": "our-instagram",
            "subject": new_id(),
            "scopes": SCOPES,
            "access_issued_at": self.now,
            "access_expires_at": self.now + timedelta(days=60),
            "last_refreshed_at": self.now,
            "consented_at": self.now,
            "created_at": self.now,
        }
        row = Grant(id=new_id(), **(plain | values))
        await self.add(row)
        return row

    async def connection(self, grant: Grant, client: Client | None = None, **values: Any) -> Connection:
        owner = client or self.client
        plain: dict[str, Any] = {
            "platform": "instagram",
            "account_id": new_id(),
            "handle": "acme",
            "name": "Acme Shoes",
            "linked_at": self.now,
            "created_at": self.now,
        }
        row = Connection(
            id=new_id(),
            workspace_id=self.workspace.id,
            client_id=owner.id,
            grant_id=grant.id,
            **(plain | values),
        )
        await self.add(row)
        return row

    async def delivery(
        self, connection: Connection, state: str, text: str = "New shoes!", **values: Any
    ) -> Delivery:
        due = values.pop("due_at", self.now)
        post = Post(
            id=new_id(),
            workspace_id=self.workspace.id,
            client_id=connection.client_id,
            request_key=new_id(),
            author="U0ADA",
            text=text,
            due_at=due,
            created_at=self.now,
        )
        row = Delivery(
            id=new_id(),
            post_id=post.id,
            workspace_id=self.workspace.id,
            client_id=connection.client_id,
            connection_id=connection.id,
            state=state,
            due_at=due,
            planned_at=due,
            created_at=self.now,
            changed_at=self.now,
            **values,
        )
        await self.add(post, row)
        return row

    async def change(self, row: Any, **values: Any) -> None:
        async with self.house.db.write() as session:
            await session.execute(update(type(row)).where(type(row).id == row.id).values(**values))

    async def notices(self, topic: str) -> list[Notice]:
        async with self.house.db.read() as session:
            query = select(Notice).where(Notice.topic == topic).order_by(Notice.created_at, Notice.unique_key)
            return list((await session.execute(query)).scalars())

    async def shown(self, notice: Notice) -> Message | None:
        """What the outbox would say."""
        return await build_renderers(self.house)[notice.topic](notice)

    async def say(self, topic: str, subject_id: str | None = None, **facts: Any) -> Message | None:
        """A notice of a topic, rendered."""
        return await self.shown(
            Notice(workspace_id=self.workspace.id, topic=topic, subject_id=subject_id, facts=facts)
        )


@asynccontextmanager
async def rows_in(database: Database, folder: Path) -> AsyncIterator[Rows]:
    """A house that calls nobody: only its rows matter here."""
    built = build_platforms(SETTINGS)
    async with PlatformHttp() as http:
        house = House(
            db=database,
            vault=Vault([parse_key(new_key())]),
            clock=HouseClock(),
            http=http,
            platforms={key: built[key] for key in ("instagram", "x")},
            apps={key: our_app(key) for key in ("instagram", "x")},
            spool=Spool(folder / "spool"),
            owner="one",
            public_url=PUBLIC,
        )
        now = house.clock.now()
        workspace = Workspace(
            id=new_id(), team_id="T1", name="Agency", created_at=now, operations_channel="COPS"
        )
        clients = [
            Client(
                id=new_id(),
                workspace_id=workspace.id,
                slug=slug,
                name=name,
                zone="Europe/Berlin",
                team_channel=channel,
                mentions=["U0BOB"],
                created_at=now - timedelta(days=9),
            )
            for slug, name, channel in (("client-a", "Acme", "C0TEAM"), ("client-b", "Rival", "C0OTHER"))
        ]
        found = Rows(house, workspace, *clients)
        await found.add(workspace, *clients)
        yield found
