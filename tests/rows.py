"""Rows as they stand after people did things, written straight into the tables; each gives its id."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.domain.house import House
from storage.models import Client, Connection, Delivery, Grant, Post, new_id


async def client(house: House, workspace_id: str, slug: str, team_channel: str | None, **values: Any) -> str:
    """A client with a team channel."""
    row = Client(
        id=new_id(),
        workspace_id=workspace_id,
        slug=slug,
        name=slug.title(),
        zone="Europe/Berlin",
        team_channel=team_channel,
        created_at=house.clock.now(),
        **values,
    )
    async with house.db.write() as session:
        session.add(row)
    return str(row.id)


async def account(
    house: House, client_id: str, platform: str = "x", handle: str = "acme", **values: Any
) -> str:
    """A connected account on a grant of its own, or on that of `grant_id`."""
    now, row_id = house.clock.now(), new_id()
    grant_id, state = values.pop("grant_id", None), values.pop("grant_state", "live")
    async with house.db.write() as session:
        client = await session.get_one(Client, client_id)
        if grant_id is None:
            grant_id = new_id()
            session.add(
                Grant(
                    id=grant_id,
                    provider=platform,
                    app_id=f"our-{platform}",
                    subject=row_id,
                    access_issued_at=now,
                    access_expires_at=now + timedelta(days=50),
                    refresh_token="sealed",
                    consented_at=now,
                    created_at=now,
                    state=state,
                )
            )
            await session.flush()
        session.add(
            Connection(
                id=row_id,
                workspace_id=client.workspace_id,
                client_id=client_id,
                grant_id=grant_id,
                platform=platform,
                account_id=row_id,
                handle=handle,
                linked_at=now,
                created_at=now,
                **values,
            )
        )
    return row_id


async def delivery(house: House, connection_id: str, state: str = "failed", **values: Any) -> str:
    """A post on one account, in a certain state."""
    now, post_id, row_id = house.clock.now(), new_id(), new_id()
    text = values.pop("text", "Fresh bread")
    values = {"planned_at": now, "due_at": now} | values
    async with house.db.write() as session:
        row = await session.get_one(Connection, connection_id)
        place = {"workspace_id": row.workspace_id, "client_id": row.client_id}
        session.add(
            Post(id=post_id, request_key=post_id, text=text, due_at=values["due_at"], created_at=now, **place)
        )
        await session.flush()
        session.add(
            Delivery(
                id=row_id,
                post_id=post_id,
                connection_id=connection_id,
                state=state,
                created_at=now,
                changed_at=now,
                **place,
                **values,
            )
        )
    return row_id
