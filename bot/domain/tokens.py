"""Tokens between the platforms' values and the grant's sealed columns."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.domain.lifetimes import Life
from bot.platforms.base import PlatformInfo, RefreshKind, Tokens
from storage.crypto import Place, Vault
from storage.models import Connection, Grant


def access_place(grant_id: str, generation: int) -> Place:
    return Place("grants", grant_id, "access_token", generation)


def refresh_place(grant_id: str, generation: int) -> Place:
    return Place("grants", grant_id, "refresh_token", generation)


def own_token_place(connection_id: str, generation: int) -> Place:
    return Place("connections", connection_id, "own_token", generation)


def open_tokens(vault: Vault, grant: Grant) -> Tokens:
    """The grant's present tokens. Raises storage.crypto.CryptoError."""
    if grant.access_token is None:
        raise ValueError("the grant's tokens were forgotten")
    refresh = grant.refresh_token
    return Tokens(
        access_token=vault.open(grant.access_token, access_place(grant.id, grant.generation)),
        refresh_token=vault.open(refresh, refresh_place(grant.id, grant.generation)) if refresh else None,
        scopes=frozenset(grant.scopes),
        subject=grant.subject,
    )


def token_for(vault: Vault, grant: Grant, connection: Connection) -> str:
    """The token that speaks for a connection: its own, or the grant's."""
    if connection.own_token is not None and connection.own_token_generation is not None:
        place = own_token_place(connection.id, connection.own_token_generation)
        return vault.open(connection.own_token, place)
    return open_tokens(vault, grant).access_token


def sealed_values(
    vault: Vault, grant_id: str, generation: int, tokens: Tokens, info: PlatformInfo, now: datetime
) -> dict[str, Any]:
    """The columns that a new token set changes, for `generation`.

    An empty field overwrites nothing: what the reply does not name is absent here (a kept refresh token
    must be sealed again for its new generation, which `kept` is for).
    """
    life = tokens.expires_in
    if life is None and info.refresh.assumed_life is not None:
        life = info.refresh.assumed_life.total_seconds()
    values: dict[str, Any] = {
        "generation": generation,
        "access_token": vault.seal(tokens.access_token, access_place(grant_id, generation)),
        "access_issued_at": now,
        "access_expires_at": after(now, life),
    }
    if tokens.refresh_token:
        values["refresh_token"] = vault.seal(tokens.refresh_token, refresh_place(grant_id, generation))
    if tokens.refresh_expires_in is not None:
        values["refresh_expires_at"] = after(now, tokens.refresh_expires_in)
    if tokens.data_access_expires_in is not None:
        values["data_access_expires_at"] = after(now, tokens.data_access_expires_in)
    if tokens.scopes is not None:
        values["scopes"] = sorted(tokens.scopes)
    return values


def kept(tokens: Tokens, old: Tokens) -> Tokens:
    """`tokens`, with the stored refresh token where the reply names none."""
    if tokens.refresh_token or not old.refresh_token:
        return tokens
    return Tokens(
        tokens.access_token,
        old.refresh_token,
        tokens.expires_in,
        tokens.refresh_expires_in,
        tokens.data_access_expires_in,
        tokens.scopes,
        tokens.subject,
    )


def life_of(grant: Grant) -> Life:
    return Life(grant.access_issued_at, grant.access_expires_at, grant.refresh_token is not None)


def can_be_spent(info: PlatformInfo) -> bool:
    """Whether a refresh token is single use, so that presenting it twice is dangerous."""
    return info.refresh.kind is RefreshKind.ROTATING


def after(now: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=seconds)
