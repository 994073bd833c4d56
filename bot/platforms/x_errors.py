"""What X's error replies mean, as a table.

Several shapes: problem JSON (`title, detail, type, status`), the same inside `errors[]`, the legacy
`errors[].code`, and OAuth's `error, error_description` on the token endpoints.
Sources: docs.x.com (response codes and errors, rate limits); "Value passed for the token was invalid." is
what integrators report for a dead refresh token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

from bot.clock import utc_now
from bot.http import Response
from bot.platforms import oauth
from bot.platforms.errors import Kind, Reason, Verdict

LONGEST_WINDOW = 86_400.0  # seconds; X's slowest limit is counted over a day


@dataclass(frozen=True, slots=True)
class Problem:
    """An error reply of X, taken apart: texts in lower case, of `type` the last part of its address."""

    status: int
    type: str = ""
    title: str = ""
    detail: str = ""
    error: str = ""  # OAuth's name, on token endpoints
    code: int | None = None  # of the legacy shape


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of errors; every field that is filled in must match."""

    kind: Kind
    reason: Reason
    status: int | None = None
    type: str = ""
    title: str = ""
    detail: str = ""  # contained in the detail
    error: str = ""
    code: int | None = None

    def matches(self, problem: Problem) -> bool:
        return (
            self.status in (None, problem.status)
            and self.type in ("", problem.type)
            and self.title in ("", problem.title)
            and self.detail in problem.detail
            and self.error in ("", problem.error)
            and self.code in (None, problem.code)
        )


# "Value passed for the token was invalid." is X's invalid_grant, under another name (facts of 2026).
TOKEN_ROWS = (
    Row(Kind.DEAD, Reason.EXPIRED, error="invalid_request", detail="the authorization code was invalid"),
    Row(Kind.DEAD, Reason.REFUSED, error="invalid_request", detail="the token was invalid"),
    Row(Kind.APP, Reason.APP_SETTINGS, code=415),  # callback address not approved
)

ROWS = (
    Row(Kind.APP, Reason.CREDITS, status=402),
    Row(Kind.APP, Reason.CREDITS, type="credits"),
    Row(Kind.APP, Reason.CREDITS, title="creditsdepleted"),
    Row(Kind.APP, Reason.CREDITS, title="spendcapreached"),
    Row(Kind.APP, Reason.APP_QUOTA, type="usage-capped"),
    Row(Kind.APP, Reason.APP_SETTINGS, type="client-forbidden"),
    Row(Kind.APP, Reason.APP_SETTINGS, type="unsupported-authentication"),
    Row(Kind.TRY_LATER, Reason.RATE_LIMIT, status=429),
    Row(Kind.TRY_LATER, Reason.RATE_LIMIT, type="rate-limit-exceeded"),
    Row(Kind.TRY_LATER, Reason.RATE_LIMIT, code=88),
    Row(Kind.ACCOUNT, Reason.SUSPENDED, type="user-suspended"),
    Row(Kind.ACCOUNT, Reason.SUSPENDED, detail="user-suspended"),
    Row(Kind.ACCOUNT, Reason.RESTRICTED, detail="account is temporarily locked"),
    Row(Kind.DUPLICATE, Reason.DUPLICATE, detail="duplicate content"),
    Row(Kind.CONTENT, Reason.MEDIA_DURATION, detail="video longer than"),
    Row(Kind.CONTENT, Reason.LINK_REFUSED, detail="contains an invalid url"),
    Row(Kind.CONTENT, Reason.TEXT_REFUSED, detail="maximum of one cashtag"),
    # X's one sentence for a missing right, a restricted reply and refused content alike: for a person.
    Row(Kind.UNKNOWN, Reason.REFUSED, status=403, detail="you are not permitted to perform this action"),
    Row(Kind.PERMISSION, Reason.PERMISSION_MISSING, type="not-authorized-for-resource"),
    Row(Kind.PERMISSION, Reason.PERMISSION_MISSING, status=403, title="forbidden", detail="forbidden"),
    Row(Kind.CONTENT, Reason.TEXT_REFUSED, status=400, type="invalid-request"),
    Row(Kind.UNCLEAR, Reason.PLATFORM_DOWN, type="internal-error"),
    # Expired and revoked look alike; a refresh tells them apart.
    Row(Kind.TOKEN, Reason.REFUSED, status=401),
)


def classify(response: Response, *, needs: str | None = None) -> Verdict:
    """What an unsuccessful API reply means. `needs`: the scope the call rests on."""
    body = oauth.read_object(response)
    if body is None:
        verdict = oauth.unreadable(response.status)
    elif 200 <= response.status < 300 or response.status >= 500:
        verdict = oauth.by_status(response.status, str(response.status))
    else:
        verdict = _judge(problem_of(response.status, body), ROWS)
    return _completed(verdict, response.headers, needs)


def classify_token(response: Response) -> Verdict:
    """The same for the token endpoints, where 401 speaks of our app and not of a person's token."""
    body = oauth.read_object(response)
    if body is None or response.status >= 500:
        return _completed(oauth.unreadable(response.status), response.headers, None)
    problem = problem_of(response.status, body)
    verdict = _judge(problem, TOKEN_ROWS)
    if verdict.kind is Kind.UNKNOWN:
        verdict = oauth.error_verdict(response.status, body)
    if verdict.kind is Kind.UNKNOWN:
        verdict = _judge(problem, ROWS)
    if verdict.kind is Kind.TOKEN:
        verdict = replace(verdict, kind=Kind.APP, reason=Reason.APP_SECRET)
    return _completed(verdict, response.headers, None)


def problem_of(status: int, body: oauth.Body) -> Problem:
    """The parts of an error reply, in whichever of X's shapes it came."""
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    details = (body.get("detail"), body.get("error_description"), first.get("detail"), first.get("message"))
    return Problem(
        status=status,
        type=_lower(body.get("type") or first.get("type")).rstrip("/").rpartition("/")[2],
        title=_lower(body.get("title") or first.get("title")),
        detail=" ".join(filter(None, map(_lower, details))),
        error=_lower(oauth.error_name(body)),
        code=oauth.whole(first.get("code")),
    )


def _judge(problem: Problem, rows: tuple[Row, ...]) -> Verdict:
    label = problem.error or problem.type or (str(problem.code) if problem.code is not None else "")
    known = re.fullmatch(r"[a-z0-9._:-]{1,40}", label) and label != "about:blank"
    code = f"{problem.status}/{label}" if known else str(problem.status)
    for row in rows:
        if row.matches(problem):
            return Verdict(row.kind, row.reason, code)
    return Verdict(Kind.UNKNOWN, Reason.UNKNOWN, code)


def _completed(verdict: Verdict, headers: Mapping[str, str], needs: str | None) -> Verdict:
    if verdict.kind is Kind.TRY_LATER:
        return replace(verdict, retry_after=retry_after(headers))
    if verdict.kind is Kind.PERMISSION:
        return replace(verdict, permission=needs)
    return verdict


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until the exhausted window opens again, by X's own clock; None where X does not say."""
    spent = [
        name
        for name in ("x-app-limit-24hour", "x-user-limit-24hour", "x-rate-limit")
        if headers.get(f"{name}-remaining", "").strip() == "0"
    ]
    resets = [oauth.seconds(headers.get(f"{name}-reset")) for name in spent or ["x-rate-limit"]]
    known = [moment for moment in resets if moment is not None]
    if not known:
        return oauth.retry_after(headers)
    return min(max(max(known) - _server_time(headers), 1.0), LONGEST_WINDOW)


def _server_time(headers: Mapping[str, str]) -> float:
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, OverflowError):
        return utc_now().timestamp()


def _lower(value: object) -> str:
    return value.lower() if isinstance(value, str) else ""
