"""What a workspace and its clients have chosen. Pure: settings in, values out; what is missing, or makes no
sense, means the default. Working days and hours are read in `bot.domain.working_time`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from storage.models import Client, Workspace

WARN_DAYS = (14, 7, 3, 1)
"""Days before the end at which a person is asked for, where nothing else was chosen."""

WARN_CHOICES = (30, 21, 14, 10, 7, 5, 3, 2, 1)


class MentionFrom(StrEnum):
    """From which severity on people are mentioned in alerts."""

    WARNING = "warning"
    DEAD = "dead"


class Right(StrEnum):
    """What named people and admins may do, and every member where the workspace says so."""

    DISCONNECT = "disconnect"
    SEND_AGAIN = "send_again"
    PAUSE = "pause"
    CLIENTS = "clients"


@dataclass(frozen=True, slots=True)
class Preferences:
    """A workspace's choices. `deputies` are people who may do for every client what named people may;
    `for_all` is what every member may; `operations_mentions` are people and groups.
    `alerts_in_shared_channels`: what is for the team may also stand where people of another company read it
    (bot.slack.addressing reads the same word)."""

    mention_from: MentionFrom = MentionFrom.WARNING
    operations_mentions: tuple[str, ...] = ()
    warning_days: tuple[int, ...] = WARN_DAYS
    deputies: tuple[str, ...] = ()
    for_all: frozenset[Right] = frozenset()
    alerts_in_shared_channels: bool = False


def of(workspace: Workspace) -> Preferences:
    """As the workspace's settings have it."""
    settings = workspace.settings or {}
    chosen = [right for right in Right if right in _words(settings, "for_all")]
    return Preferences(
        mention_from=_mention_from(settings) or MentionFrom.WARNING,
        operations_mentions=_words(settings, "operations_mentions"),
        warning_days=_days(settings),
        deputies=_words(settings, "deputies"),
        for_all=frozenset(chosen),
        alerts_in_shared_channels=settings.get("alerts_in_shared_channels") is True,
    )


def mention_from(workspace: Workspace, client: Client) -> MentionFrom:
    """The client's own choice, or its workspace's."""
    return _mention_from(client.settings or {}) or of(workspace).mention_from


def own_mention_from(client: Client) -> MentionFrom | None:
    """The client's own choice; None: as in the workspace."""
    return _mention_from(client.settings or {})


def deputies(client: Client) -> tuple[str, ...]:
    """People who may do for this client what named people may, without being mentioned."""
    return _words(client.settings or {}, "deputies")


def _mention_from(settings: Mapping[str, Any]) -> MentionFrom | None:
    found = settings.get("mention_from")
    return MentionFrom(found) if found in list(MentionFrom) else None


def _words(settings: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = settings.get(name)
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def _days(settings: Mapping[str, Any]) -> tuple[int, ...]:
    found = settings.get("warning_days")
    days = {item for item in found if item in WARN_CHOICES} if isinstance(found, list) else set()
    return tuple(sorted(days, reverse=True)) or WARN_DAYS
