"""Work that one process holds for a while: claimed by an update, owned by name, ended by time.

Leases are always in the lease clock (`Database.lease_now`), never in house time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_


def free(model: Any, now: datetime, owner: str | None = None) -> ColumnElement[bool]:
    """True for rows that nobody holds now (or that `owner` holds himself)."""
    conditions = [model.lease_until.is_(None), model.lease_until <= now]
    if owner is not None:
        conditions.append(model.lease_owner == owner)
    return or_(*conditions)
