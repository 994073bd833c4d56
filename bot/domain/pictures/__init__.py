"""From rows to the values that messages show. Reads only; links are put together here, at sending.

One module a topic: invitations, alerts (incidents), posts, overview (`/health`), failures (`/retry`).
"""

from __future__ import annotations

from bot.domain.pictures.failures import failures
from bot.domain.pictures.overview import health

__all__ = ["failures", "health"]
