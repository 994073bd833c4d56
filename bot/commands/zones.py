"""Time zones as people type them."""

from __future__ import annotations

import difflib
import re
from zoneinfo import available_timezones

from bot.domain.errors import Refused

__all__ = ["read_zone"]


def read_zone(typed: str) -> str:
    """The IANA zone that was typed, whatever its case. Raises Refused with the nearest names."""
    wanted = re.sub(r"\s+", "_", typed.strip()).casefold()
    names = {name.casefold(): name for name in available_timezones()}
    if wanted in names:
        return names[wanted]
    cities: dict[str, list[str]] = {}
    for name in sorted(names.values()):
        cities.setdefault(name.rpartition("/")[2].casefold(), []).append(name)
    near = [name for city in difflib.get_close_matches(wanted, cities, n=3) for name in cities[city]]
    near += [names[name] for name in difflib.get_close_matches(wanted, names, n=3)]
    found = [name for name in dict.fromkeys(near) if "/" in name][:3]
    ask = f"Did you mean {' or '.join(found)}?" if found else "Use a name like Europe/Berlin."
    raise Refused(f"“{typed.strip()[:40]}” is not a time zone I know. {ask}")
