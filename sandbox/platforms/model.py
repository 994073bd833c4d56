"""What the twins keep: apps, accounts, grants, tokens, codes and posts, as frozen values.

A change is a new value put in the old one's place by `PlatformWorld`. Instants are UTC-aware and follow
the house clock, except `Code.dies_at`, which is real time so that a jump of the clock cannot end a walk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

TokenState = Literal["fresh", "spent", "expired", "ended", "unknown"]


@dataclass(frozen=True, kw_only=True)
class App:
    """A developer app registered at one platform; a redirect address must match one of these exactly.

    `notify` is where push notices of revocation go, if the platform has them; `extra` holds what one
    platform alone knows of an app.
    """

    platform: str
    client_id: str
    secret: str
    redirect_uris: tuple[str, ...]
    scopes: frozenset[str]
    reviewed: bool = True
    name: str = "Lamplighter"
    notify: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Account:
    """Someone or something at a platform. Only a `login` can be chosen on a consent page.

    `extra` holds what one platform alone knows (an Instagram account's type, a person's Pages).
    """

    platform: str
    id: str
    handle: str
    name: str
    picture: str = ""
    login: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One consent: a person allowed an app some scopes. `ended` holds the reason once it is over.

    `extra` holds what else the consent settled (the Pages that were ticked).
    """

    id: str
    serial: int
    platform: str
    client_id: str
    account: str
    scopes: frozenset[str]
    at: datetime
    ended: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token of any kind. `id` names it in the ledger, where the value must never stand."""

    id: str
    serial: int
    value: str
    kind: str
    platform: str
    account: str
    grant: str
    issued_at: datetime
    expires_at: datetime | None
    spent: bool = False


@dataclass(frozen=True, kw_only=True)
class Code:
    """An authorization code with what it was asked for. `dies_at` is `time.monotonic` seconds."""

    value: str
    platform: str
    client_id: str
    redirect_uri: str
    account: str
    scopes: frozenset[str]
    dies_at: float
    challenge: str = ""
    challenge_method: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    used: bool = False


@dataclass(frozen=True, kw_only=True)
class Post:
    """A post as the platform keeps it: `text` is what was sent, `shown` what the platform made of it."""

    id: str
    platform: str
    account: str
    text: str
    shown: str
    media: tuple[str, ...]
    at: datetime
    permalink: str
    deleted: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Presented:
    """What a presented token turned out to be; `reason` says why an ended one ended."""

    state: TokenState
    token: Token | None = None
    grant: Grant | None = None
    reason: str = ""
