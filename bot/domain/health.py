"""What a connection's facts mean now: green, yellow or red, with a reason. Pure, computed, never stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain import preferences
from bot.platforms.base import PlatformInfo, RefreshKind
from bot.platforms.errors import Reason
from storage.models import Client, Connection, Grant, Workspace

LAST_TRIES = timedelta(days=7)  # before the end: from here on a person is told that renewing fails


class Colour(StrEnum):
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class State(StrEnum):
    """Why a connection has its colour, where that is not a platform's reason."""

    FINE = "fine"
    WAITING = "waiting"  # the platform does not answer; nobody needs to do anything
    ENDING = "ending"  # works until `until`, cannot be renewed
    ENDS_SOON = "ends_soon"  # a person is needed before `until`
    DEAD = "dead"
    TROUBLE = "trouble"  # the account, not the login
    LIMITED = "limited"  # works, but a permission that we asked for is missing
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Health:
    """`until`: when a person will be needed, where that is known (UTC-aware)."""

    colour: Colour
    state: State
    reason: Reason | None = None
    until: datetime | None = None
    permission: str | None = None


def health_of(
    info: PlatformInfo,
    workspace: Workspace,
    client: Client,
    connection: Connection,
    grant: Grant,
    now: datetime,
) -> Health:
    """The worst of what is true, with the advice that cures most."""
    needed = end_of(info, grant)
    if grant.state in ("dead", "forgotten"):
        return Health(Colour.RED, State.DEAD, _reason(grant.reason), permission=connection.problem_detail)
    if connection.problem is not None:
        reason = _reason(connection.problem)
        return Health(Colour.RED, State.TROUBLE, reason, permission=connection.problem_detail)
    if grant.state == "ending":
        return Health(Colour.YELLOW, State.ENDING, _reason(grant.reason), grant.access_expires_at)
    if grant.access_expires_at is not None and grant.access_expires_at <= now:
        return Health(Colour.YELLOW, State.WAITING, Reason.PLATFORM_DOWN)
    if needed is not None and needed - now <= warn_before(workspace):
        return Health(Colour.YELLOW, State.ENDS_SOON, Reason.EXPIRED, needed)
    if workspace.paused_at is not None or client.paused_at is not None:
        return Health(Colour.YELLOW, State.PAUSED, until=needed)
    if connection.missing_scopes:
        scope = connection.missing_scopes[0]
        return Health(Colour.GREEN, State.LIMITED, Reason.PERMISSION_MISSING, needed, scope)
    return Health(Colour.GREEN, State.FINE, until=needed)


def person_needed_at(info: PlatformInfo, grant: Grant) -> datetime | None:
    """The first end that only a person can move: of the refresh token, of a token that cannot be renewed,
    of the data access."""
    ends = [grant.data_access_expires_at]
    kind = info.refresh.kind
    if kind is RefreshKind.NONE or (kind is not RefreshKind.SELF_EXTENDING and grant.refresh_token is None):
        ends.append(grant.access_expires_at)
    elif kind in (RefreshKind.COUNTDOWN, RefreshKind.KEPT):
        ends.append(grant.refresh_expires_at)
    known = [end for end in ends if end is not None]
    return min(known) if known else None


def short_life(info: PlatformInfo, grant: Grant, workspace: Workspace) -> datetime | None:
    """The end of a consent that lives shorter than the workspace's first warning is early: people hear of it
    at linking (a Google app in testing: 7 days). None where it lives longer, or where nobody is needed."""
    needed = person_needed_at(info, grant)
    is_short = needed is not None and needed - grant.consented_at <= warn_before(workspace)
    return needed if is_short else None


def end_of(info: PlatformInfo, grant: Grant) -> datetime | None:
    """The end that a person must be warned of: of what only a person can renew, or of an access token whose
    renewal was refused, or has failed until shortly before it."""
    if grant.state == "ending":
        return grant.access_expires_at
    renewing_fails = grant.reason is not None or _keeps_failing(grant)
    fails = info.refresh.kind is RefreshKind.SELF_EXTENDING and renewing_fails
    ends = [person_needed_at(info, grant), grant.access_expires_at if fails else None]
    return min((end for end in ends if end is not None), default=None)


def _keeps_failing(grant: Grant) -> bool:
    """Whether the next try comes late in the life of a token whose renewal began long before."""
    end, due = grant.access_expires_at, grant.next_due_at
    if not grant.failures or end is None or due is None:
        return False
    return end - due <= min(LAST_TRIES, (end - grant.access_issued_at) / 8)


def warn_before(workspace: Workspace) -> timedelta:
    """How long before an end the workspace wants to hear of it for the first time."""
    return timedelta(days=max(preferences.of(workspace).warning_days))


def nearest_step(left: timedelta, steps: Sequence[int]) -> int | None:
    """Of the warning steps (in days) that are reached with so much time left, the nearest."""
    return min((days for days in steps if left <= timedelta(days=days)), default=None)


def lapses_at(info: PlatformInfo, connection: Connection, grant: Grant, now: datetime) -> datetime | None:
    """When an account stops working unless a person acts: `now` where it does not work already; None where
    it keeps itself alive."""
    if grant.state in ("dead", "forgotten") or connection.problem is not None:
        return now
    return end_of(info, grant)


def _reason(word: str | None) -> Reason:
    try:
        return Reason(word or "")
    except ValueError:
        return Reason.UNKNOWN
