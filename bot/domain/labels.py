"""What people call an account."""

from __future__ import annotations

from bot.domain.house import House
from bot.platforms.base import Account
from storage.models import Connection


def label_of(account: Connection | Account) -> str:
    """Its handle, or its name where it has none."""
    return named(account.handle, account.name)


def label_on(house: House, row: Connection) -> str:
    """The same with its platform: "@acme on Instagram"."""
    return f"{label_of(row)} on {house.title(row.platform)}"


def named(handle: str, name: str) -> str:
    """As `label_of`, of an account that is known by its words only."""
    return f"@{handle.lstrip('@')}" if handle else name
