"""The one interface behind which every platform stands, and the values that cross it.

A platform's file knows the platform's addresses, shapes, lifetimes and errors. It knows nothing of Slack,
of the database or of the house clock: it is handed a `Call` (how to travel), tokens and content, and it
returns values or raises.

Two families of errors leave a platform:

    PlatformError          the platform answered, and this is what the answer means (`verdict`)
    bot.http.HttpError     no readable answer: `NotSent` (surely never arrived) or `NoAnswer` (may have)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.http import PlatformHttp
from bot.platforms.content import Content, ContentProblem, MediaReader, PostLimits
from bot.platforms.errors import Reason
from bot.settings import AppCredentials

Handles = Mapping[str, str]
"""What `prepare` made at the platform (container ids, upload sessions): small, JSON-able, ours to keep."""


class RefreshKind(StrEnum):
    ROTATING = "rotating"  # each refresh token is single use (X, TikTok, Pinterest)
    KEPT = "kept"  # the refresh token stays the same (Google)
    COUNTDOWN = "countdown"  # stays the same, its own life counts down (LinkedIn partners)
    SELF_EXTENDING = "self_extending"  # the access token is its own refresh credential (Meta)
    NONE = "none"  # nothing to renew


@dataclass(frozen=True, slots=True)
class RefreshModel:
    """When and how a provider's tokens are renewed. Lifetimes come from replies; these are only margins."""

    kind: RefreshKind
    margin: timedelta  # renew with this much life left (never more than half of the returned life)
    min_age: timedelta = timedelta(0)  # younger tokens are refused (24 h on Meta)
    assumed_life: timedelta | None = None  # used only where a reply names none


@dataclass(frozen=True, slots=True)
class Scope:
    """One permission we ask for, and what a person loses without it ("posting").

    `concerns`: the one platform's word whose accounts lose by it, where it is not the one that was asked for
    (a consent that reaches accounts of two platforms asks for both)."""

    name: str
    purpose: str
    required: bool = True
    concerns: str | None = None


@dataclass(frozen=True, slots=True)
class Prices:
    """What a platform charges our app, in thousandths of a US dollar: for a post, for one that holds a link
    (instead), and for describing a picture (on top)."""

    post: int
    with_link: int
    description: int = 0


@dataclass(frozen=True, slots=True)
class PlatformInfo:
    """What is data about a platform. `key` is the word of commands, settings and tables ("instagram")."""

    key: str
    title: str
    provider: str
    scopes: tuple[Scope, ...]
    refresh: RefreshModel
    hosts: frozenset[str]  # the only hosts that may see a bearer token
    token_host: str  # whose slot a refresh waits for
    permission_page: str  # where a person removes our app
    limits: PostLimits
    pkce: bool
    confirm_after_consent: bool = False  # the platform cannot be made to show account choice (LinkedIn)
    unreviewed: str | None = None  # what an unreviewed app cannot do, in a sentence for people
    needs_review: str | None = None  # why it is off without a reviewed app, in a sentence
    probe_interval: timedelta | None = timedelta(days=1)  # None: refreshing is the proof of life
    account_noun: str = "account"
    post_noun: str = "post"
    company: str = ""  # whose site it is, where the title is another ("LinkedIn" of "LinkedIn Page")
    login: str = ""  # where people sign in for it, where that is another ("Facebook" of Instagram behind it)
    prices: Prices | None = None  # None: posting costs nothing

    @property
    def required_scopes(self) -> frozenset[str]:
        return frozenset(scope.name for scope in self.scopes if scope.required)


@dataclass(frozen=True, slots=True)
class Call:
    """How one call travels: the client, our app, and until when (seconds; `not_after` in boot seconds)."""

    http: PlatformHttp
    app: AppCredentials
    deadline: float = 20.0
    not_after: float | None = None
    media: MediaReader | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a consent or a refresh returned. Lifetimes are seconds from the answer; absent means not said."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in: float | None = None
    refresh_expires_in: float | None = None
    data_access_expires_in: float | None = None
    scopes: frozenset[str] | None = None  # None: the reply did not say
    subject: str | None = None  # the platform's id of the person, where the reply names it


@dataclass(frozen=True, slots=True)
class Account:
    """One social account that a grant reaches. `own_token` where the account has one (a Page's);
    `platform` where it is not the one that was asked for (an Instagram account behind a Facebook login)."""

    id: str
    handle: str
    name: str
    picture_url: str | None = None
    own_token: str | None = field(default=None, repr=False)
    usable: bool = True
    problem: Reason | None = None  # why it is not usable
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class Discovery:
    """Who consented, and which accounts that reaches. `known_as`: the id by which the platform's notices name
    the person, where that is another one."""

    subject: str
    subject_name: str
    accounts: tuple[Account, ...]
    known_as: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """The account a call speaks for, with the token that speaks."""

    account_id: str
    handle: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ready:
    """Everything that can be done again safely is done; the next call is the point of no return."""

    handles: Handles
    fresh_for: float | None = None  # seconds for which the handles stay good


@dataclass(frozen=True, slots=True)
class Wait:
    """The platform is still preparing; look again in `seconds` (0: keep the handles and call again now).
    `done`: how much of a film that goes up in pieces is there, between 0 and 1."""

    handles: Handles
    seconds: float
    fresh_for: float | None = None
    done: float | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """The platform took the post. `processing`: accepted, not yet public; ask `progress` again. `link_later`:
    it is out, but its address may still come: ask again for a while."""

    external_id: str | None
    permalink: str | None = None
    processing: bool = False
    visibility: str | None = None  # where it is not what was asked: "private"
    link_later: bool = False


class Found(StrEnum):
    THERE = "there"
    ABSENT = "absent"  # proved by a handle of our own, never by a list
    UNKNOWN = "unknown"  # only a person can tell


@dataclass(frozen=True, slots=True)
class Look:
    """What a look for a post with a lost answer can prove."""

    found: Found
    external_id: str | None = None
    permalink: str | None = None


class Platform(Protocol):
    """What each platform's file fills in. All methods raise `PlatformError` or `bot.http.HttpError`."""

    @property
    def info(self) -> PlatformInfo: ...

    def authorization_url(
        self, app: AppCredentials, redirect_uri: str, state: str, challenge: str | None
    ) -> str:
        """Where the browser goes to consent. `challenge`: base64url S256 of the verifier, if `info.pkce`."""

    async def exchange(self, call: Call, code: str, redirect_uri: str, verifier: str | None) -> Tokens:
        """The callback's code for tokens, all the way to the longest-lived kind."""

    async def discover(self, call: Call, tokens: Tokens) -> Discovery:
        """Who consented and which accounts can be linked now."""

    async def refresh(self, call: Call, tokens: Tokens) -> Tokens:
        """New tokens for old. An absent refresh token in the result means: keep the stored one."""

    async def mint(self, call: Call, tokens: Tokens, account_id: str) -> str | None:
        """The account's own token under these tokens; None where accounts have none of their own."""

    async def probe(self, call: Call, target: Target) -> Account:
        """The cheapest sure proof that the token still speaks for the account."""

    async def check_app(self, call: Call) -> bool:
        """Whether the platform accepts our app, asked without anybody's token; false where it offers no such
        question. A refused app raises PlatformError of kind APP."""

    async def revoke(self, call: Call, tokens: Tokens) -> bool:
        """Removes our app at the platform; false where the platform has no such call."""

    def check(self, content: Content) -> tuple[ContentProblem, ...]:
        """What the platform would refuse, found before anything is sent."""

    def appearance(self, content: Content) -> Content:
        """The post as its readers will see it: the text as this platform rewrites it; a title and a link only
        where they have a place of their own beside it."""

    async def prepare(self, call: Call, target: Target, content: Content, handles: Handles) -> Ready | Wait:
        """The next safe step. Called again with the stored handles until it answers `Ready`."""

    async def send(self, call: Call, target: Target, content: Content, handles: Handles) -> Sent:
        """The point of no return: after this call has left, the post can appear without us."""

    async def progress(self, call: Call, target: Target, handles: Handles, external_id: str | None) -> Sent:
        """For posts in processing: what has become of it. Refused posts raise with kind CONTENT."""

    async def look(
        self,
        call: Call,
        target: Target,
        content: Content,
        handles: Handles,
        since: datetime,
        taken: frozenset[str],
    ) -> Look:
        """What became of a `send` whose answer was lost. `since`: when the marker was set, in house time;
        `taken`: external ids that belong to other deliveries and are never adopted. Raises where a later
        look may succeed; answers UNKNOWN where none can."""
