"""What Facebook, Instagram and Threads share: a Graph call, error envelope, decision table, throttle headers.

Decided on the parsed body, never on the status alone and never on digits found in raw text; subcodes before
codes, because the same code can mean opposite things (4 is a throttle, 4 with 2207051 a block for spam).
Sources: developers.facebook.com (Graph API error handling, rate limiting; Instagram platform error codes).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bot.http import Response
from bot.platforms import oauth
from bot.platforms.base import Call
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict

THROTTLE_PAUSE = 3600.0  # seconds, where no header says how long
CONTAINER_PAUSE = 30.0  # seconds until a container that was just made can be found

_TOKEN = frozenset({190, 102})
_THROTTLED = frozenset({4, 17, 32, 341, 613, *range(80000, 80015)})
_DENIED = frozenset({10, *range(200, 300)})


@dataclass(frozen=True, slots=True)
class Envelope:
    """An error reply, taken apart. Without a code: api.instagram.com's flat shape, or none was given."""

    status: int
    code: int | None = None
    subcode: int | None = None
    message: str = ""  # lower case
    transient: bool = False

    @property
    def label(self) -> str:
        """Short and safe to log: "190/460"."""
        if self.code is None:
            return f"http/{self.status}" if self.subcode is None else f"-/{self.subcode}"
        return str(self.code) if self.subcode is None else f"{self.code}/{self.subcode}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the decision table; every field that is filled in must match."""

    kind: Kind
    reason: Reason
    subs: frozenset[int] = frozenset()
    codes: frozenset[int] = frozenset()
    says: str = ""  # contained in the message
    transient: bool = False
    pause: float | None = None

    def matches(self, seen: Envelope) -> bool:
        return (
            (not self.subs or seen.subcode in self.subs)
            and (not self.codes or seen.code in self.codes)
            and self.says in seen.message
            and (seen.transient or not self.transient)
        )


def _sub(kind: Kind, reason: Reason, *subs: int) -> Row:
    return Row(kind, reason, subs=frozenset(subs))


def _code(kind: Kind, reason: Reason, *codes: int) -> Row:
    return Row(kind, reason, codes=frozenset(codes))


def _dead(reason: Reason, *subs: int, says: str = "") -> Row:
    return Row(Kind.DEAD, reason, subs=frozenset(subs), codes=_TOKEN, says=says)


OAUTH_ROWS = (
    Row(Kind.APP, Reason.APP_SETTINGS, says="redirect_uri"),
    Row(Kind.APP, Reason.APP_SECRET, says="invalid platform app"),
    Row(Kind.APP, Reason.APP_SECRET, says="client secret"),
    _code(Kind.APP, Reason.APP_SECRET, 4476002),  # Threads was given another product's app id
    Row(Kind.APP, Reason.APP_NOT_REVIEWED, says="has not accepted the invite to test"),
    Row(Kind.DEAD, Reason.EXPIRED, says="code was not found or was already used"),
    Row(Kind.DEAD, Reason.EXPIRED, says="authorization code has"),  # been used, expired
)

TEXT_ROWS = (
    Row(Kind.APP, Reason.APP_SUSPENDED, says="api access blocked"),  # general knowledge, with 200
    Row(Kind.ACCOUNT, Reason.ACCOUNT_TYPE, says="not an instagram business"),
    Row(Kind.DEAD, Reason.PASSWORD_CHANGED, says="session has been invalidated"),
    Row(Kind.DEAD, Reason.EXPIRED, says="data access for this user has expired"),  # 90 days after the consent
    Row(Kind.TRY_LATER, Reason.RATE_LIMIT, says="page request limit reached", pause=THROTTLE_PAUSE),
    Row(Kind.PERMISSION, Reason.PERMISSION_MISSING, says="not enough permissions to post"),
    Row(Kind.PERMISSION, Reason.PERMISSION_MISSING, says="no permission to publish"),
    Row(Kind.CONTENT, Reason.TEXT_TOO_LONG, says="name parameter too long"),
    Row(Kind.CONTENT, Reason.TEXT_TOO_LONG, codes=frozenset({100}), says="must be at most 500 characters"),
    Row(Kind.CONTENT, Reason.MEDIA_UNREACHABLE, says="media could not be fetched from this uri"),
    # Threads, asked for the state of a container whose id is a post's by now.
    Row(Kind.DUPLICATE, Reason.DUPLICATE, codes=frozenset({100}), says="nonexisting field (status)"),
)

ACCOUNT_ROWS = (
    _sub(Kind.ACCOUNT, Reason.SPAM, 2207051, 1390008, 1346003),
    _code(Kind.ACCOUNT, Reason.SPAM, 368),
    Row(Kind.TRY_LATER, Reason.DAILY_CAP, subs=frozenset({2207042}), pause=THROTTLE_PAUSE),
    _sub(Kind.ACCOUNT, Reason.CHECKPOINT, 1404006),
    _sub(Kind.ACCOUNT, Reason.SECURITY_HOLD, 1404078, 4854002),
    _sub(Kind.ACCOUNT, Reason.RESTRICTED, 2207050, 4279013, 1404112),
    _code(Kind.ACCOUNT, Reason.RESTRICTED, 25),
    _sub(Kind.DUPLICATE, Reason.DUPLICATE, 1366051),
    _code(Kind.DUPLICATE, Reason.DUPLICATE, 506),
    _sub(Kind.UNCLEAR, Reason.PLATFORM_DOWN, 1609010, 1363047, 2207001),
    _sub(Kind.UNCLEAR, Reason.UNREADABLE, 1772107),  # refused the reply's format, after it took effect
)

CONTENT_ROWS = (
    _sub(Kind.CONTENT, Reason.TEXT_TOO_LONG, 2207010),
    _sub(Kind.CONTENT, Reason.TEXT_REFUSED, 2207035, 2207036, 2207037, 2207040),
    _sub(Kind.CONTENT, Reason.LINK_REFUSED, 2061006, 1609008),
    _sub(Kind.CONTENT, Reason.POLICY, 1404102),
    _sub(Kind.CONTENT, Reason.MEDIA_MISSING, 2207028),  # a carousel has two to ten
    _sub(Kind.CONTENT, Reason.MEDIA_DURATION, 1363128, 2207057),
    _sub(Kind.CONTENT, Reason.MEDIA_RATIO, 1363040, 2207009),
    _sub(Kind.CONTENT, Reason.MEDIA_SIZE, 1363127, 1366046, 2207004),
    _sub(Kind.CONTENT, Reason.MEDIA_FORMAT, 1349125, 1363129, 2069019, 2207005, 2207023, 2207026, 2207081),
    _sub(Kind.CONTENT, Reason.MEDIA_FORMAT, *range(1363100, 1363200)),  # what else is wrong with a film
    _sub(Kind.CONTENT, Reason.MEDIA_UNREACHABLE, 2207003, 2207052, 2207076, 2207077, 2207082),
    _sub(Kind.TRY_LATER, Reason.PLATFORM_DOWN, 2207032, 2207053),  # the upload failed, nothing was made
    Row(
        Kind.NOT_READY,
        Reason.UNKNOWN,
        subs=frozenset({2207006, 2207008, 2207020, 2207027, 4279009}),
        pause=CONTAINER_PAUSE,
    ),
    Row(Kind.NOT_READY, Reason.UNKNOWN, codes=frozenset({24, 9007}), pause=CONTAINER_PAUSE),
    _code(Kind.CONTENT, Reason.MEDIA_FORMAT, 352, 36001, 36002),
    _code(Kind.CONTENT, Reason.MEDIA_UNREACHABLE, 9004),
    _code(Kind.CONTENT, Reason.MEDIA_SIZE, 36000),
    _code(Kind.CONTENT, Reason.MEDIA_RATIO, 36003),
    _code(Kind.CONTENT, Reason.TEXT_TOO_LONG, 36004),
    _code(Kind.CONTENT, Reason.LINK_REFUSED, 1609005),
)

TOKEN_ROWS = (
    # Looks like a dead token and is none: the person lost the role on this one Page.
    Row(Kind.PERMISSION, Reason.ROLE_LOST, codes=_TOKEN, says="impersonating"),
    _dead(Reason.CHECKPOINT, 459, 464),
    _code(Kind.DEAD, Reason.CHECKPOINT, 459),
    _dead(Reason.PASSWORD_CHANGED, 460),
    _dead(Reason.EXPIRED, 463),
    _dead(Reason.REVOKED, 458, 490),
    _dead(Reason.EXPIRED, says="session has expired"),
    _dead(Reason.REVOKED, says="has not authorized application"),
    _dead(Reason.REFUSED),
)

GENERAL_ROWS = (
    Row(Kind.TRY_LATER, Reason.RATE_LIMIT, codes=_THROTTLED, pause=THROTTLE_PAUSE),
    Row(Kind.PERMISSION, Reason.PERMISSION_MISSING, codes=_DENIED),
    _code(Kind.APP, Reason.APP_NOT_REVIEWED, 3),
    Row(Kind.ACCOUNT, Reason.ACCOUNT_GONE, subs=frozenset({33}), codes=frozenset({100})),
    Row(Kind.UNCLEAR, Reason.PLATFORM_DOWN, transient=True),
    _code(Kind.UNCLEAR, Reason.PLATFORM_DOWN, 1, 2, -1, -2),
    _code(Kind.CONTENT, Reason.UNKNOWN, 100),
)

TABLE = (*OAUTH_ROWS, *TEXT_ROWS, *ACCOUNT_ROWS, *CONTENT_ROWS, *TOKEN_ROWS, *GENERAL_ROWS)
"""Evaluated from top to bottom; the first row that matches decides."""


async def graph(
    call: Call,
    method: str,
    url: str,
    *,
    hosts: frozenset[str],
    needs: str,
    token: str | None = None,
    params: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
) -> oauth.Body:
    """One request; the reply's object, or PlatformError. `needs`: the scope it rests on.

    `token` travels in a header, so that it stands in no address; token endpoints want it as a parameter.
    """
    response = await call.http.request(
        method,
        url,
        hosts=hosts,
        deadline=call.deadline,
        not_after=call.not_after,
        headers={"Authorization": f"Bearer {token}"} if token else None,
        params=params,
        data=data,
    )
    body = oauth.read_object(response)
    if body is None or not 200 <= response.status < 300 or is_error(body):
        raise PlatformError(classify(response, needs=needs))
    return body


def classify(response: Response, *, needs: str | None = None) -> Verdict:
    """What an unsuccessful reply means. `needs`: the scope the call rests on, named where one is missing."""
    body = oauth.read_object(response)
    if body is None:
        return oauth.unreadable(response.status)
    if oauth.error_name(body):  # OAuth servers put a word where Graph puts an object
        return oauth.error_verdict(response.status, body)
    verdict = judge(envelope_of(response.status, body))
    if verdict.kind is Kind.PERMISSION:
        return replace(verdict, permission=needs)
    if verdict.kind is Kind.TRY_LATER:
        return replace(verdict, retry_after=regain_seconds(response.headers) or verdict.retry_after)
    return verdict


def judge(seen: Envelope) -> Verdict:
    """The first row that matches; what is in no row is judged by status, and never against the token."""
    for row in TABLE:
        if row.matches(seen):
            return Verdict(row.kind, row.reason, seen.label, row.pause)
    return oauth.by_status(seen.status, seen.label)


def is_error(body: oauth.Body) -> bool:
    """Whether the object is an error, whatever status it came with."""
    return bool(body.get("error") or body.get("error_type"))


def envelope_of(status: int, body: oauth.Body) -> Envelope:
    """The error inside a reply, in Graph's nested or api.instagram.com's flat shape."""
    error = body.get("error")
    if not isinstance(error, Mapping):
        message = body.get("error_message") or error
        return Envelope(status, message=_lower(message))  # its code is a status
    return Envelope(
        status=status,
        code=oauth.whole(error.get("code")),
        subcode=oauth.whole(error.get("error_subcode")) or None,  # 0 means none
        message=_lower(error.get("message")),
        transient=error.get("is_transient") is True,
    )


def regain_seconds(headers: Mapping[str, str]) -> float | None:
    """Seconds until calls are allowed again, from `X-Business-Use-Case-Usage` (which counts minutes)."""
    try:
        usage: object = json.loads(headers.get("x-business-use-case-usage", ""))
    except (ValueError, RecursionError):
        return None
    minutes = [oauth.seconds(use.get("estimated_time_to_regain_access")) for use in _uses(usage)]
    return max((60 * amount for amount in minutes if amount), default=None)


def _uses(usage: object) -> Iterator[Mapping[str, object]]:
    """The header maps each business, Page or account to a list of uses."""
    for uses in usage.values() if isinstance(usage, dict) else ():
        yield from (use for use in uses if isinstance(use, dict)) if isinstance(uses, list) else ()


def _lower(value: object) -> str:
    return value.lower() if isinstance(value, str) else ""
