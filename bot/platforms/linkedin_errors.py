"""What LinkedIn's error replies mean, as a table by code.

`{"status", "serviceErrorCode", "code", "message"}`, newer endpoints with `errorDetails.inputErrors[].code`
beside it, OAuth's flat `error` from the token endpoints.
Sources: learn.microsoft.com/linkedin (error handling, rate limits, posts API, versioning, programmatic
refresh tokens); the text of a dead refresh token is second-hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from bot.clock import utc_now
from bot.http import Response
from bot.platforms import oauth, reading
from bot.platforms.errors import Kind, Reason, Verdict

Meaning = tuple[Kind, Reason]

REVOKED = "65601"
EXPIRED_UPLOAD = "EXPIRED_UPLOAD_URL"
_CONTENT = (Kind.CONTENT, Reason.UNKNOWN)
_DENIED = (Kind.PERMISSION, Reason.PERMISSION_MISSING)

CODES: Mapping[str, Meaning] = {
    "DUPLICATE_POST": (Kind.DUPLICATE, Reason.DUPLICATE),
    "65600": (Kind.DEAD, Reason.REFUSED),
    "INVALID_ACCESS_TOKEN": (Kind.DEAD, Reason.REFUSED),
    REVOKED: (Kind.DEAD, Reason.REVOKED),  # at times said of a token that was just issued
    "REVOKED_ACCESS_TOKEN": (Kind.DEAD, Reason.REVOKED),
    "65602": (Kind.TOKEN, Reason.EXPIRED),
    "EXPIRED_ACCESS_TOKEN": (Kind.TOKEN, Reason.EXPIRED),
    "EMPTY_ACCESS_TOKEN": (Kind.UNKNOWN, Reason.UNKNOWN),  # our own fault, not the person's
    "ACCESS_DENIED": _DENIED,
    "VERSION_MISSING": (Kind.APP, Reason.APP_SETTINGS),
    "NONEXISTENT_VERSION": (Kind.APP, Reason.VERSION_RETIRED),
    "FIELD_LENGTH_TOO_LONG": (Kind.CONTENT, Reason.TEXT_TOO_LONG),
    "MISSING_FIELD": _CONTENT,
    "INVALID_VALUE_FOR_FIELD": _CONTENT,
    "INVALID_VALUE_BLANK_FIELD": _CONTENT,
    "INVALID_URN_TYPE": _CONTENT,
    "INVALID_URN_ID": _CONTENT,
    "INVALID_IMAGE_ID": (Kind.CONTENT, Reason.MEDIA_FORMAT),
    "ILLEGAL_ARGUMENT": _CONTENT,
    "MEDIA_ASSET_WAITING_UPLOAD": (Kind.NOT_READY, Reason.UNKNOWN),
    "MEDIA_ASSET_PROCESSING_FAILED": (Kind.CONTENT, Reason.MEDIA_FORMAT),
    EXPIRED_UPLOAD: (Kind.NOT_READY, Reason.MEDIA_UNREACHABLE),  # the upload is begun anew
    "CONFLICT": (Kind.TRY_LATER, Reason.PLATFORM_DOWN),  # two writes at once, this one lost
}

STATUSES: Mapping[int, Meaning] = {
    401: (Kind.TOKEN, Reason.REFUSED),
    409: (Kind.TRY_LATER, Reason.PLATFORM_DOWN),
    426: (Kind.APP, Reason.VERSION_RETIRED),
    429: (Kind.TRY_LATER, Reason.RATE_LIMIT),
}

TRANSIENT: Mapping[str, Kind] = {
    "unable to obtain activity": Kind.UNCLEAR,  # the post may be there
    "resource is forbidden": Kind.NOT_READY,  # a medium that was not there yet: nothing was posted
}
"""Texts of failures that pass by themselves, whatever status they came with."""

DENIALS: Mapping[str, Meaning] = {
    "application is": (Kind.APP, Reason.APP_SUSPENDED),
    "member is": (Kind.ACCOUNT, Reason.RESTRICTED),
}
"""Whom a denial speaks of, where its text says so: our app or the member, and not a permission."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One refusal of a token endpoint that the standard's names do not tell."""

    kind: Kind
    reason: Reason
    error: str
    says: str = ""  # contained in the description


TOKEN_ROWS = (
    TokenRow(Kind.DEAD, Reason.REFUSED, "invalid_request", "invalid, expired or revoked"),
    TokenRow(Kind.DEAD, Reason.EXPIRED, "invalid_request", "authorization code not found"),
    # Also said of a redirect address that differs; ours is the same in both legs, so the code has expired.
    TokenRow(Kind.DEAD, Reason.EXPIRED, "invalid_redirect_uri"),
)


def classify(response: Response, *, needs: str | None = None, denied: Reason | None = None) -> Verdict:
    """What an unsuccessful reply means. `needs`: the scope it rests on; `denied`: why LinkedIn would deny
    it, where more is known than that a permission is missing (the role on a Page)."""
    body = oauth.read_object(response)
    if body is None:
        verdict = oauth.unreadable(response.status)
    elif oauth.error_name(body):
        verdict = _classify_flat(response.status, body)
    else:
        verdict = _judge(response.status, body)
    if verdict.kind is Kind.TRY_LATER and verdict.reason is Reason.RATE_LIMIT:
        pause = oauth.retry_after(response.headers) or until_midnight(response.headers)
        return replace(verdict, retry_after=pause)
    if verdict.kind is Kind.PERMISSION:
        return replace(verdict, permission=needs, reason=denied or verdict.reason)
    return verdict


def _judge(status: int, body: oauth.Body) -> Verdict:
    words = " ".join(_texts(body))
    codes = [*_codes(status, body)]
    known = next((code for code in codes if code in CODES), None)
    label = f"{status}/{known or (codes[0] if codes else '')}"
    passing = next((kind for text, kind in TRANSIENT.items() if text in words.lower()), None)
    if passing is not None:
        kind = passing if 400 <= status < 500 else Kind.UNCLEAR
        return Verdict(kind, Reason.PLATFORM_DOWN, label)
    if status >= 500 or status < 400:
        return oauth.by_status(status, label)
    meaning = CODES[known] if known else STATUSES.get(status)
    if meaning is None:
        return oauth.by_status(status, label)
    kind, reason = meaning
    if kind is Kind.PERMISSION:
        whom = (found for text, found in DENIALS.items() if text in words.lower())
        kind, reason = next(whom, meaning)
    return Verdict(kind, reason, label, twin=_twin(words) if kind is Kind.DUPLICATE else None)


def _classify_flat(status: int, body: oauth.Body) -> Verdict:
    name, words = oauth.error_name(body) or "", reading.lower(body.get("error_description"))
    for row in TOKEN_ROWS:
        if status < 500 and row.error == name and row.says in words:
            return Verdict(row.kind, row.reason, name)
    return oauth.error_verdict(status, body)


def _codes(status: int, body: oauth.Body) -> Iterator[str]:
    """The codes of a reply, the most specific first."""
    for item in reading.objects(reading.member(body, "errorDetails"), "inputErrors"):
        yield _safe(item.get("code"))
    yield _safe(body.get("code"))
    number = oauth.whole(body.get("serviceErrorCode"))
    if number is not None:
        yield "ACCESS_DENIED" if (status, number) == (403, 100) else str(number)


def _texts(body: oauth.Body) -> Iterator[str]:
    for item in reading.objects(reading.member(body, "errorDetails"), "inputErrors"):
        yield oauth.word(item.get("description")) or ""
    yield oauth.word(body.get("message")) or ""


def _twin(words: str) -> str | None:
    """The post that a duplicate refusal names."""
    named = re.search(r"urn:li:(?:share|ugcPost|activity):\d{1,30}", words, re.ASCII)
    return named.group() if named else None


def until_midnight(headers: Mapping[str, str]) -> float:
    """Seconds until LinkedIn's quotas begin anew, at 00:00 UTC by its own clock: no header is documented."""
    try:
        now = parsedate_to_datetime(headers.get("date", "")).astimezone(UTC)
        midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    except (ValueError, OverflowError):
        now = utc_now()
        midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    return max((midnight - now).total_seconds(), 1.0)


def _safe(value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[A-Z0-9_]{1,48}", value, re.ASCII) else ""
