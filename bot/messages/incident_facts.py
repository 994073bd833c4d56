"""What is known of an incident when it is shown. Its clients are `groups`: one in a client's own channel,
all of them in the operations channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.messages.people import Account, ClientName, PlatformWords


@dataclass(frozen=True, slots=True)
class Waiting:
    """Posts that have not gone out: how many, when the first is due (UTC-aware), how many are late and wait
    for a person's word, and how many fall after the end that an alert warns of."""

    posts: int = 0
    first_due: datetime | None = None
    late: int = 0
    after_end: int = 0


NONE_WAIT = Waiting()


@dataclass(frozen=True, slots=True)
class Group:
    """A client with its accounts that an incident touches. `url`: the open reconnect link, if any."""

    client: ClientName
    accounts: tuple[Account, ...] = ()
    waiting: Waiting = NONE_WAIT
    url: str | None = None
    can_ask: bool = False
    mentions: tuple[str, ...] = ()
    backup: tuple[str, ...] = ()
    reason: str = ""  # its own, where the incident tells of several causes
    paused_at: datetime | None = None
    paused_by: str | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause, one episode. `kind`: grant, connection, client (its bad day: a group for each cause), mass,
    platform or app; `severity`: warning or dead. `deaths`: how often it died in two weeks, where often.
    `news_of`: the account that a piece of news is about.

    `permission`: what the missing one is for. `until`: the end that is warned of (UTC-aware). `how`: what
    healed it ("relinked", "recovered"), None while it is open. `operations`: for the operations channel.
    """

    id: str
    kind: str
    severity: str
    reason: str
    platform: PlatformWords
    groups: tuple[Group, ...] = ()
    permission: str | None = None
    until: datetime | None = None
    how: str | None = None
    closed_at: datetime | None = None
    taken_by: str | None = None
    operations: bool = False
    deaths: int = 0
    opened_at: datetime | None = None
    news_of: Account | None = None
