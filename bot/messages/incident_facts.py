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
class Reminder:
    """Said again. `snoozed_by`: at the end of this person's snooze; `is_last`: there will be no other."""

    snoozed_by: str | None = None
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause, one episode. `kind`: grant, connection, client (its bad day: a group for each cause), mass,
    platform or app; `severity`: warning or dead. `deaths`: how often it died in two weeks, where often.
    `app`: of many refused at once, how much is known of our app ("works", "accepted", "unknown").
    `news_of`: the account that a piece of news is about. `again`: it went away by itself, and is back.

    `permission`: what the missing one is for. `until`: the end that is warned of (UTC-aware). `how`: what
    healed it ("relinked", "recovered"), None while it is open; after a disconnect `ended_by` is who did it
    and `ended_account` what was disconnected. `operations`: for the operations channel. `began`, `goes_on`:
    addresses of the first messages of the warning before it and of the alert after it; `has_began`: there
    was a warning before it. `called`: people and groups to mention in the operations channel.
    `holder`: who signs in with the login, for the operations channel.
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
    snoozed_by: str | None = None
    snoozed_until: datetime | None = None
    operations: bool = False
    deaths: int = 0
    app: str = "unknown"
    opened_at: datetime | None = None
    news_of: Account | None = None
    again: bool = False
    reminder: Reminder | None = None
    ended_by: str | None = None
    ended_account: Account | None = None
    has_began: bool = False
    began: str | None = None
    goes_on: str | None = None
    called: tuple[str, ...] = ()
    holder: str = ""
