"""Google's errors and YouTube's quotas, and how both word the faults (YouTube facts §3.5, §3.6).

`world.modes`: `youtube.rate_status` = `429` answers rate limits under that status instead of 403.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox.platforms.core import API, CALLS, Call, Manners, Refused, Rule, bearer
from sandbox.platforms.faults import Fault
from sandbox.platforms.model import Grant

AUTH = "https://www.googleapis.com/auth/"
UPLOAD, READ = f"{AUTH}youtube.upload", f"{AUTH}youtube.readonly"
FULL = (f"{AUTH}youtube", f"{AUTH}youtube.force-ssl")
PACIFIC = ZoneInfo("America/Los_Angeles")
DAILY = {"general": 10_000, "uploads": 100}  # units per project, from midnight to midnight in Pacific time
TOKENS = frozenset({"token", "refresh"})
POSTING = frozenset({"publish", "prepare"})
INVALID = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
    "valid authentication credential."
)
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    410: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


def problem(
    status: int, reason: str, message: str, domain: str = "youtube", details: list[Any] | None = None
) -> Response:
    """An error of the Data API."""
    error: dict[str, Any] = {
        "code": status,
        "message": message,
        "errors": [{"message": message, "domain": domain, "reason": reason}],
        "status": STATUSES[status],
    }
    if details:
        error["details"] = details
    return JSONResponse({"error": error}, status)


def refused(status: int, reason: str, message: str, domain: str = "youtube") -> Refused:
    """The error as an exception that ends the call."""
    return Refused(problem(status, reason, message, domain))


def oauth_problem(status: int, error: str, description: str, **more: str) -> Refused:
    """An error of the token endpoints."""
    return Refused(JSONResponse({"error": error, "error_description": description, **more}, status))


def unknown(request: Request, known_path: bool) -> Response:
    """A path that Google has not, or has only for other methods."""
    if known_path:
        return problem(405, "httpMethodNotAllowed", "The requested method is not allowed.", "global")
    page = "<html><title>Error 404 (Not Found)!!1</title><p>The requested URL was not found on this server."
    return HTMLResponse(page, 404)


@dataclass
class Quotas:
    """Units that each project used on each Pacific day."""

    used: dict[tuple[str, str, str], int] = field(default_factory=lambda: defaultdict(int))

    def count(self, call: Call, grant: Grant, bucket: str, cost: int) -> None:
        """Use units of a bucket. Raises Refused when it has not that many left."""
        day = call.world.now().astimezone(PACIFIC).date().isoformat()
        key = (grant.client_id, bucket, day)
        if self.used[key] + cost > DAILY[bucket]:
            raise Refused(_quota(call))
        self.used[key] += cost


async def authorized(call: Call, *any_of: str) -> Grant:
    """The grant behind the bearer token, which allows one of these scopes. Raises Refused."""
    presented = await call.present(bearer(call.request))
    if presented.state != "fresh" or presented.token is None or presented.grant is None:
        raise refused(401, "authError", INVALID, "global")
    if presented.token.kind != "access":
        raise refused(401, "authError", INVALID, "global")
    if not call.scopes(presented.grant) & {*any_of, *FULL}:
        raise Refused(_insufficient())
    return presented.grant


def has_channel(call: Call) -> bool:
    """Whether the login chose a channel that exists."""
    return bool(call.who().extra.get("channel", True)) and call.fault("account_gone") is None


def need_channel(call: Call) -> None:
    """Refuse who has no channel."""
    if not has_channel(call):
        raise refused(401, "youtubeSignupRequired", "Unauthorized", "youtube.header")


def parts_of(call: Call, known: Mapping[str, object]) -> list[str]:
    """The `part` parameter. Raises Refused when it is missing or names what there is not."""
    given = [part.strip() for part in call.request.query_params.get("part", "").split(",") if part.strip()]
    if not given:
        raise refused(400, "missingRequiredParameter", "No filter selected. Missing part.", "global")
    for part in given:
        if part not in known:
            raise refused(400, "unknownPart", f"'{part}' is not a known part", "youtube.part")
    return given


async def json_object(call: Call) -> dict[str, Any]:
    """The JSON object in the body. Raises Refused."""
    try:
        body = json.loads(await call.request.body())
    except ValueError:
        raise refused(400, "parseError", "Parse Error", "global") from None
    if not isinstance(body, dict):
        raise refused(400, "parseError", "Parse Error", "global")
    return body


def _insufficient() -> Response:
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com",
        }
    ]
    message = "Request had insufficient authentication scopes."
    return problem(403, "insufficientPermissions", message, "global", details)


def _quota(call: Call) -> Response:
    message = 'The request cannot be completed because you have exceeded your <a href="/quota">quota</a>.'
    return problem(403, "quotaExceeded", message, "youtube.quota")


def _unavailable(call: Call) -> Response:
    if call.group in TOKENS:
        return JSONResponse({"error": "internal_failure", "error_description": "Backend Error"}, 503)
    return problem(503, "backendError", "Backend Error", "global")


def _says(
    status: int, reason: str, message: str, domain: str = "youtube"
) -> Callable[[Call, Fault], Response]:
    def answer(call: Call, fault: Fault) -> Response:
        return problem(status, reason, message, domain)

    return answer


def _rate_limited(call: Call, fault: Fault) -> Response:
    if call.group in TOKENS:
        return oauth_problem(429, "rate_limit_exceeded", "Rate Limit Exceeded").response
    status = 429 if call.world.modes.get("youtube.rate_status") == "429" else 403
    return problem(status, "rateLimitExceeded", "Rate Limit Exceeded", "usageLimits")


def _secret_wrong(call: Call, fault: Fault) -> Response:
    return oauth_problem(401, "invalid_client", "Unauthorized").response


def _app_suspended(call: Call, fault: Fault) -> Response:
    if call.group in TOKENS:
        return oauth_problem(401, "disabled_client", "The OAuth client was disabled.").response
    message = "YouTube Data API v3 has not been used in this project before or it is disabled."
    return problem(403, "accessNotConfigured", message, "usageLimits")


def _session_policy(call: Call, fault: Fault) -> Response:
    more = {"error_subtype": "invalid_rapt"}
    return oauth_problem(400, "invalid_grant", "reauth related error (invalid_rapt)", **more).response


MANNERS = Manners(
    platform="youtube",
    unavailable=_unavailable,
    losable=frozenset({UPLOAD, *FULL}),
    rules={
        "secret_wrong": Rule(TOKENS, _secret_wrong),
        "app_suspended": Rule(CALLS, _app_suspended),
        "checkpoint": Rule(frozenset({"refresh"}), _session_policy),
        "rate_limited": Rule(CALLS, _rate_limited),
        "quota_exhausted": Rule(API, lambda call, fault: _quota(call)),
        "suspended": Rule(
            API,
            _says(403, "authenticatedUserAccountSuspended", "The authenticated user's account is suspended."),
        ),
        "role_lost": Rule(
            API,
            _says(403, "accountDelegationForbidden", "The authenticated user cannot act for this channel."),
        ),
        "daily_cap": Rule(
            POSTING,
            _says(400, "uploadLimitExceeded", "The user has exceeded the number of videos they may upload."),
        ),
    },
)
