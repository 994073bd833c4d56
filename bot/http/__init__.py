"""The two clients for what goes out, and how a call can fail (see `errors`).

`PlatformHttp` carries tokens, only to hosts that a platform's file lists. `OpenHttp` goes to addresses
that people and replies give, and carries nothing.
"""

from __future__ import annotations

from bot.http.errors import (
    HostRefused,
    HttpError,
    NoAnswer,
    NoSlot,
    NotSent,
    TooLarge,
    TooLate,
    Unreadable,
)
from bot.http.open import Download, OpenHttp, is_public
from bot.http.platform import PlatformHttp
from bot.http.response import Response

__all__ = [
    "Download",
    "HostRefused",
    "HttpError",
    "NoAnswer",
    "NoSlot",
    "NotSent",
    "OpenHttp",
    "PlatformHttp",
    "Response",
    "TooLarge",
    "TooLate",
    "Unreadable",
    "is_public",
]
