"""*Check now*: a live look at an account whose trouble a reconnect does not cure."""

from __future__ import annotations

from sqlalchemy import update

from bot.domain import holding, incident_closing, refreshing, second_look
from bot.domain.auditing import Actor
from bot.domain.errors import Refused
from bot.domain.house import House
from bot.http import HttpError
from bot.platforms.base import Account, PlatformError
from storage import incidents as store
from storage.models import Connection, Grant, Incident


async def check(house: House, actor: Actor, incident_id: str) -> bool:
    """Asks the platform once; true when the account is well again and its posts go out.

    Raises Refused when there is nothing to check or the platform does not answer."""
    async with house.db.read() as session:
        incident = await store.get(session, actor.workspace_id, incident_id)
        if incident is None or incident.state != "open" or incident.connection_id is None:
            raise Refused("This alert is closed already. `/health` shows how things are.")
        connection = await session.get_one(Connection, incident.connection_id)
        grant = await session.get_one(Grant, connection.grant_id)
    if refreshing.platform_of(house, grant) is None or grant.access_token is None:
        raise Refused("This account cannot be checked right now. Reconnect it instead.")
    account = await _probe(house, connection, grant)
    if account is None:
        return False
    await _is_well(house, incident, connection)
    return True


async def _probe(house: House, connection: Connection, grant: Grant) -> Account | None:
    try:
        return await second_look.probe(house, grant, connection)
    except PlatformError:
        return None
    except HttpError:
        title = house.platforms[connection.platform].info.title
        raise Refused(f"{title} does not answer at the moment. Try again in a while.") from None


async def _is_well(house: House, incident: Incident, connection: Connection) -> None:
    now = house.clock.now()
    async with house.db.write() as session:
        await session.execute(
            update(Connection)
            .where(Connection.id == connection.id, Connection.generation == connection.generation)
            .values(problem=None, problem_detail=None, problem_at=None, proved_at=now)
        )
        await incident_closing.close_one(session, incident, "recovered", now)
        await holding.release(session, house, [connection.id], now)
    house.wake.all()
