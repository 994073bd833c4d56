"""*Check now*: a live look at an account whose trouble a reconnect does not cure."""

from __future__ import annotations

from datetime import timedelta

from bot.domain import probing, refreshing, second_look
from bot.domain.auditing import Actor
from bot.domain.errors import Refused
from bot.domain.house import House
from bot.domain.incident_threads import connection_key
from bot.http import HttpError
from bot.platforms.base import Account
from bot.platforms.errors import PlatformError
from storage import incidents as store
from storage import watching
from storage.models import Connection, Grant

CHECKED_JUST_NOW = timedelta(minutes=1)


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
    if not await probing.recovered(house, connection):
        raise Refused("It was relinked, disconnected or refused again meanwhile: the alert says how it is.")
    return True


async def check_account(house: House, actor: Actor, connection_id: str) -> bool:
    """The same for any living account, whether it has an alert or not. Raises Refused."""
    async with house.db.read() as session:
        found = await watching.load(session, connection_id)
        if found is None or found.workspace.id != actor.workspace_id or found.connection.state != "live":
            raise Refused("This account is not connected any more.")
        incident = await store.find_open(session, connection_key(connection_id))
    if incident is not None:
        return await check(house, actor, incident.id)
    probed = found.connection.probed_at
    if probed is not None and house.clock.now() - probed < CHECKED_JUST_NOW:
        raise Refused("It was checked a minute ago; some platforms charge for each look. Try again later.")
    if refreshing.platform_of(house, found.grant) is None or found.grant.access_token is None:
        raise Refused("This account cannot be checked right now. Reconnect it instead.")
    well = await probing.check(house, found)
    house.wake.all()
    return well


async def _probe(house: House, connection: Connection, grant: Grant) -> Account | None:
    try:
        return await second_look.probe(house, grant, connection)
    except PlatformError:
        return None
    except HttpError:
        title = house.platforms[connection.platform].info.title
        raise Refused(f"{title} does not answer at the moment. Try again in a while.") from None
