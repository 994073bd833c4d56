"""The ledger: everything that happened at the twins, append-only, without a single secret.

Events: `consent`, `code_issued`, `code_presented`, `token_issued`, `token_presented`, `token_spent`,
`grant_ended`, `scope_revoked`, `revoke`, `container_created`, `container_published`, `post_created`,
`post_deleted`, `comment_created`, `fault_set`, `fault_met`, `user_action`, `notice_sent` (a push notice,
with the status it was answered with).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One thing that happened. `at` is house time; `detail` names tokens by id, never by value."""

    seq: int
    event: str
    platform: str
    account: str
    at: datetime
    detail: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The entry for the control API, its instant in ISO 8601."""
        return {
            "seq": self.seq,
            "event": self.event,
            "platform": self.platform,
            "account": self.account,
            "at": self.at.isoformat(),
            "detail": dict(self.detail),
        }


class Ledger:
    """Entries in the order in which they happened."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._entries: list[Entry] = []

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries, oldest first."""
        return tuple(self._entries)

    def write(self, event: str, platform: str, account: str = "", **detail: Any) -> Entry:
        """Append one entry."""
        entry = Entry(len(self._entries) + 1, event, platform, account, self._now(), detail)
        self._entries.append(entry)
        return entry

    def find(
        self,
        event: str = "",
        *,
        platform: str = "",
        account: str = "",
        after: int = 0,
        **detail: Any,
    ) -> list[Entry]:
        """Entries that match everything given; `after` is the last sequence number already seen."""
        return [
            entry
            for entry in self._entries[after:]
            if (not event or entry.event == event)
            and (not platform or entry.platform == platform)
            and (not account or entry.account == account)
            and all(entry.detail.get(key) == value for key, value in detail.items())
        ]

    def spent_refreshes(self, platform: str = "") -> list[Entry]:
        """Every time a refresh token was presented that had been spent before."""
        return self.find("token_presented", platform=platform, kind="refresh", state="spent")

    def posts(self, text: str = "", *, platform: str = "", account: str = "") -> list[Entry]:
        """Posts that were created, with exactly this text if one is given."""
        found = self.find("post_created", platform=platform, account=account)
        return [entry for entry in found if not text or entry.detail["text"] == text]
