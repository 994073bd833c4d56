"""Faults: what can be made to go wrong, for one account or a whole platform, for n calls or until cleared.

Some end by themselves, as they do in life: `expired` hits only tokens issued before it (a refresh cures
it), and those of `GRANT_BOUND` only grants given before it (a new consent cures them). All others stand
until they are cleared or used up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

GROUPS = ("any", "authorize", "token", "refresh", "probe", "publish", "prepare")

KINDS: dict[str, str] = {
    "expired": "Access token expired",
    "refresh_dead": "Refresh token dead",
    "revoked": "App removed by the user",
    "password_changed": "Password changed",
    "scope_removed": "Permission removed",
    "checkpoint": "Checkpoint: must log in first",
    "suspended": "Account suspended or restricted",
    "rate_limited": "Rate limited",
    "unavailable": "Service unavailable (503)",
    "html_error": "HTML error page (502)",
    "slow": "Slow answer",
    "lost_before": "Answer lost, nothing happened",
    "lost_after": "Answer lost, but it happened",
    "credits_depleted": "App out of credits",
    "app_suspended": "App suspended",
    "secret_wrong": "Client secret refused",
    "spam_block": "Blocked as spam",
    "daily_cap": "Daily cap reached",
    "duplicate": "Refused as duplicate",
    "media_unfetchable": "Media cannot be fetched",
    "container_slow": "Media takes long",
    "container_error": "Media fails in processing",
    "role_lost": "Role on the page lost",
    "unreviewed": "App not reviewed",
    "quota_exhausted": "App's quota used up",
    "account_gone": "Channel or account gone",
    "url_unverified": "Media address not verified",
    "upload_expired": "Upload address expired",
    "chunk_cut": "Only the start of a chunk is kept",
    "id_late": "Post id comes late",
    "write_conflict": "Write conflict (409)",
    "late_success": "504, but it happened",
    "false_revoked": "Told revoked, though it is not",
    "logged_out": "Logged out everywhere",
    "policy_block": "Blocked for its content",
    "user_must_act": "Account must be confirmed in the app",
    "account_unlinked": "Instagram unlinked from its Page",
    "data_access_expired": "90 days of data access are over",
}

GRANT_BOUND = frozenset(
    [
        "refresh_dead",
        "revoked",
        "password_changed",
        "logged_out",
        "scope_removed",
        "data_access_expired",
    ]
)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault. `account` empty means the whole platform; `left` None means until cleared.

    `value` is a number where the kind wants one (seconds of `slow`, polls of `container_slow` and `id_late`,
    subcode of `container_error`); `text` names the scopes of `scope_removed`, separated by spaces, or the
    platform's own word for why media failed.
    """

    id: int
    kind: str
    platform: str
    account: str = ""
    group: str = "any"
    left: int | None = None
    value: float | None = None
    text: str = ""

    def as_json(self) -> dict[str, Any]:
        """The fault for the control API."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class FaultBoard:
    """The faults that stand now."""

    def __init__(self, serial: Callable[[], int]) -> None:
        self._serial = serial
        self._faults: dict[int, Fault] = {}

    @property
    def standing(self) -> tuple[Fault, ...]:
        """Every fault that can still be met, oldest first."""
        return tuple(self._faults.values())

    def set(
        self,
        kind: str,
        platform: str,
        account: str = "",
        *,
        group: str = "any",
        count: int | None = None,
        value: float | None = None,
        text: str = "",
    ) -> Fault:
        """Put a fault up. Raises ValueError for an unknown kind or group, or a count below one."""
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}")
        if group not in GROUPS:
            raise ValueError(f"unknown group {group!r}")
        if count is not None and count < 1:
            raise ValueError("a count is at least 1")
        fault = Fault(
            id=self._serial(),
            kind=kind,
            platform=platform,
            account=account,
            group=group,
            left=count,
            value=value,
            text=text,
        )
        self._faults[fault.id] = fault
        return fault

    def clear(
        self, *, platform: str = "", account: str | None = None, kind: str = "", id: int | None = None
    ) -> int:
        """Take down every fault that matches what is given; returns how many."""
        gone = [
            fault.id
            for fault in self._faults.values()
            if (not platform or fault.platform == platform)
            and (account is None or fault.account == account)
            and (not kind or fault.kind == kind)
            and (id is None or fault.id == id)
        ]
        for number in gone:
            del self._faults[number]
        return len(gone)

    def take(
        self, kinds: Iterable[str], platform: str, accounts: Iterable[str], group: str, serial: int = 0
    ) -> Fault | None:
        """The first fault of these kinds that is met by this call, one of its calls used up.

        `accounts` holds an account's id, or "" for faults of the whole platform. `serial` is that of the
        presented token or grant: faults that spare newer ones are met only by older ones.
        """
        wanted, whose = frozenset(kinds), frozenset(accounts)
        for fault in self._faults.values():
            if fault.kind not in wanted or fault.platform != platform or fault.account not in whose:
                continue
            if fault.group not in ("any", group) or (_spares_newer(fault) and serial >= fault.id):
                continue
            self._use(fault)
            return fault
        return None

    def _use(self, fault: Fault) -> None:
        if fault.left is None:
            return
        if fault.left == 1:
            del self._faults[fault.id]
        else:
            self._faults[fault.id] = replace(fault, left=fault.left - 1)


def _spares_newer(fault: Fault) -> bool:
    return fault.kind == "expired" or fault.kind in GRANT_BOUND
