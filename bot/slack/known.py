"""What Slack told us about people and channels, and for how long we believe it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

__all__ = ["ChannelInfo", "Kept", "Person", "read_channel", "read_person"]

T = TypeVar("T")


@dataclass(frozen=True)
class Person:
    """A Slack user as `users.info` shows it. `zone` is an IANA name, None where Slack does not say."""

    id: str
    team_id: str
    name: str
    zone: str | None
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    deleted: bool = False

    @property
    def is_guest(self) -> bool:
        """Whether the person is a guest or from elsewhere, whatever the team id says."""
        return self.is_restricted or self.is_ultra_restricted or self.is_stranger


@dataclass(frozen=True)
class ChannelInfo:
    """A channel as `conversations.info` shows it to the bot."""

    id: str
    name: str
    is_member: bool
    is_archived: bool
    is_ext_shared: bool
    is_direct: bool


class Kept(Generic[T]):
    """Answers that are believed for a while: at most `limit` of them, each for `seconds`."""

    def __init__(
        self, seconds: float, limit: int = 5_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds, self._limit, self._clock = seconds, limit, clock
        self._values: dict[tuple[str, str], tuple[float, T]] = {}

    def get(self, workspace_id: str, key: str) -> T | None:
        """What is still believed, or None."""
        until, value = self._values.get((workspace_id, key), (0.0, None))
        return value if until > self._clock() else None

    def put(self, workspace_id: str, key: str, value: T) -> T:
        """Keeps an answer; the oldest one makes room."""
        self._values.pop((workspace_id, key), None)
        if len(self._values) >= self._limit:
            del self._values[next(iter(self._values))]
        self._values[workspace_id, key] = (self._clock() + self._seconds, value)
        return value

    def forget(self, workspace_id: str, key: str) -> None:
        """Asks Slack again next time."""
        self._values.pop((workspace_id, key), None)


def read_person(user: Mapping[str, Any]) -> Person:
    """A Person from the `user` of `users.info`."""
    profile = user.get("profile") or {}
    name = profile.get("display_name") or user.get("real_name") or user.get("name") or user["id"]
    flags = ("is_admin", "is_restricted", "is_ultra_restricted", "is_stranger", "is_bot", "deleted")
    return Person(
        id=str(user["id"]),
        team_id=str(user.get("team_id") or ""),
        name=str(name),
        zone=user.get("tz") or None,
        **{flag: bool(user.get(flag)) for flag in flags},
    )


def read_channel(channel: Mapping[str, Any]) -> ChannelInfo:
    """A ChannelInfo from the `channel` of `conversations.info`."""
    direct = bool(channel.get("is_im") or channel.get("is_mpim"))
    return ChannelInfo(
        id=str(channel["id"]),
        name=str(channel.get("name") or ""),
        is_member=bool(channel.get("is_member")) or bool(channel.get("is_im")),
        is_archived=bool(channel.get("is_archived")),
        is_ext_shared=bool(channel.get("is_ext_shared") or channel.get("is_pending_ext_shared")),
        is_direct=direct,
    )
