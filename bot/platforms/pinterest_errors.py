"""What Pinterest's error replies mean, as a table: `{"code": 283, "message": "…"}`, numbers for names.

Sources: developers.pinterest.com (API v5, OAuth token), the published description of the API; what a dead
refresh token answers is reported by integrators.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.clock import utc_now
from bot.http import Response
from bot.platforms import oauth, reading
from bot.platforms.errors import Kind, Reason, Verdict

LONGEST_WINDOW = 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; every field that is filled in must match."""

    kind: Kind
    reason: Reason
    code: int | None = None
    status: int | None = None
    says: str = ""  # contained in the message, lower case

    def matches(self, status: int, code: int | None, message: str) -> bool:
        return self.code in (None, code) and self.status in (None, status) and self.says in message


TABLE = (
    Row(Kind.TRY_LATER, Reason.RATE_LIMIT, status=429),
    Row(Kind.TRY_LATER, Reason.RATE_LIMIT, code=8),
    Row(Kind.DEAD, Reason.REFUSED, code=283),
    Row(Kind.PERMISSION, Reason.PERMISSION_MISSING, code=3),
    Row(Kind.TOKEN, Reason.REFUSED, code=2, status=401),
    Row(Kind.APP, Reason.APP_NOT_REVIEWED, code=29, says="trial access"),
    Row(Kind.ACCOUNT, Reason.ROLE_LOST, code=29),  # the board is another's, or not ours any more
    Row(Kind.ACCOUNT, Reason.TARGET_GONE, code=40),
    Row(Kind.CONTENT, Reason.TARGET_GONE, code=2031),
    Row(Kind.CONTENT, Reason.TARGET_GONE, code=50),
    Row(Kind.ACCOUNT, Reason.SUSPENDED, code=2625),
    Row(Kind.ACCOUNT, Reason.RESTRICTED, code=2626),  # under review
    Row(Kind.CONTENT, Reason.LINK_REFUSED, status=400, says="invalid url"),
    Row(Kind.CONTENT, Reason.MEDIA_UNREACHABLE, status=400, says="unable to reach the url"),
    Row(Kind.CONTENT, Reason.MEDIA_MISSING, status=400, says="cover_image"),
    Row(Kind.CONTENT, Reason.UNKNOWN, code=1, status=400),
    Row(Kind.TOKEN, Reason.REFUSED, status=401),
)
"""Evaluated from top to bottom; the first row that matches decides."""


def classify(response: Response, *, needs: str | None = None) -> Verdict:
    """What an unsuccessful reply means. `needs`: the scope the call rests on."""
    body = oauth.read_object(response)
    if body is None:
        verdict = oauth.unreadable(response.status)
    elif oauth.error_name(body):
        verdict = oauth.error_verdict(response.status, body)
    else:
        verdict = _judge(response.status, body)
    if verdict.kind is Kind.TRY_LATER:
        return replace(verdict, retry_after=retry_after(response.headers))
    return replace(verdict, permission=needs) if verdict.kind is Kind.PERMISSION else verdict


def classify_token(response: Response) -> Verdict:
    """The same for the token endpoint, where a refused login is our app's and not a person's."""
    verdict = classify(response)
    if verdict.kind is Kind.TOKEN:
        return replace(verdict, kind=Kind.APP, reason=Reason.APP_SECRET)
    return of_our_app(verdict)


def of_our_app(verdict: Verdict) -> Verdict:
    """Of a call that names no board, none can be another's: what is refused is our app."""
    if verdict.reason is Reason.ROLE_LOST:
        return replace(verdict, kind=Kind.APP, reason=Reason.APP_SUSPENDED)
    return verdict


def _judge(status: int, body: oauth.Body) -> Verdict:
    code, message = oauth.whole(body.get("code")), reading.lower(body.get("message"))
    label = f"{status}/{code}" if code is not None else str(status)
    if not 400 <= status < 500:
        return oauth.by_status(status, label)
    for row in TABLE:
        if row.matches(status, code, message):
            return Verdict(row.kind, row.reason, label)
    return oauth.by_status(status, label)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until the quota opens again, where a header says so; that it does, and whether it counts from
    now or names the moment, is unconfirmed."""
    named = oauth.seconds(headers.get("x-ratelimit-reset"))
    if named is None:
        return oauth.retry_after(headers)
    left = named if named <= LONGEST_WINDOW else named - utc_now().timestamp()
    return left if 0 < left <= LONGEST_WINDOW else None
