"""Until when the platforms serve the versions of their APIs that are settings here.

Sources: developers.facebook.com (Graph API changelog), learn.microsoft.com (LinkedIn marketing versioning:
a month is served for about a year).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

META = "META_GRAPH_VERSION"
LINKEDIN = "LINKEDIN_VERSION"

GRAPH_ENDS: Mapping[str, date] = MappingProxyType(
    {
        "v20.0": date(2026, 9, 24),
        "v21.0": date(2027, 1, 21),
        "v22.0": date(2027, 5, 20),
        "v23.0": date(2027, 10, 8),
        "v24.0": date(2028, 2, 18),
        "v25.0": date(2028, 7, 29),
    }
)
"""The newest one's end is announced with its successor's release."""


def known_end(name: str, value: str) -> date | None:
    """The day until which a version can be used, where it is known; LinkedIn's is the day it may go first."""
    if name == META:
        return GRAPH_ENDS.get(value)
    month = re.fullmatch(r"(20\d\d)(0[1-9]|1[0-2])", value)
    if name == LINKEDIN and month:
        return date(int(month[1]) + 1, int(month[2]), 1)
    return None
