"""Tokens that an account has of its own (a Page's): minted from the grant's, and again when that moved on."""

from __future__ import annotations

from sqlalchemy import update

from bot.domain import tokens
from bot.domain.house import House
from storage.models import Connection, Grant


async def renew(house: House, grant: Grant, connection: Connection) -> None:
    """Brings `connection`'s own token to the grant's generation, in the row and in this object.

    Nothing to do for accounts without one. Raises PlatformError and HttpError.
    """
    if connection.own_token is None or connection.own_token_generation == grant.generation:
        return
    platform = house.platform_for(connection.platform, grant.provider)
    if platform is None:
        return
    old = tokens.open_tokens(house.vault, grant)
    async with house.http.slot(platform.info.token_host):
        minted = await platform.mint(house.call(platform), old, connection.account_id)
    if minted is None:
        return
    place = tokens.own_token_place(connection.id, grant.generation)
    sealed = house.vault.seal(minted, place)
    async with house.db.write() as session:
        await session.execute(
            update(Connection)
            .where(
                Connection.id == connection.id,
                Connection.own_token_generation == connection.own_token_generation,
            )
            .values(own_token=sealed, own_token_generation=grant.generation)
        )
    connection.own_token, connection.own_token_generation = sealed, grant.generation
