"""TikTok's envelope, its errors and rate limits, and how it words the faults (TikTok facts §2.5, §2.6)."""

from __future__ import annotations

import json
import secrets
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.platforms.clients import content_type
from sandbox.platforms.core import API, CALLS, Call, Manners, Refused, Rule, bearer
from sandbox.platforms.faults import Fault
from sandbox.platforms.model import Grant
from sandbox.world import PlatformWorld

TOKENS = frozenset({"token", "refresh"})
POSTING = frozenset({"publish", "prepare"})
MINUTE = 60.0
INVALID_TOKEN = "The access token is invalid or not found in the request."
NOT_AUTHORIZED = "The user did not authorize the scope required for completing this request."
NOT_APPROVED = "The app is not approved for the scope required for completing this request."


def log_id(world: PlatformWorld) -> str:
    """The number by which TikTok finds a call again."""
    return world.now().strftime("%Y%m%d%H%M%S") + secrets.token_hex(9).upper()


def ok(call: Call, **data: Any) -> Response:
    """A success in TikTok's envelope."""
    error = {"code": "ok", "message": "", "log_id": log_id(call.world)}
    return JSONResponse({"data": data, "error": error})


def problem(call: Call, status: int, code: str, message: str = "") -> Response:
    """An error in TikTok's envelope."""
    error = {"code": code, "message": message, "log_id": log_id(call.world)}
    return JSONResponse({"data": {}, "error": error}, status)


def refused(call: Call, status: int, code: str, message: str = "") -> Refused:
    """The error as an exception that ends the call."""
    return Refused(problem(call, status, code, message))


def invalid(call: Call, message: str) -> Refused:
    """A parameter that is missing, wrong or unknown."""
    return refused(call, 400, "invalid_params", message)


def oauth_problem(call: Call, error: str, description: str) -> Response:
    """An error of the token endpoints: flat, and with `tiktok.oauth_status` = `200` under that status."""
    status = 200 if call.world.modes.get("tiktok.oauth_status") == "200" else 400
    body = {"error": error, "error_description": description, "log_id": log_id(call.world)}
    return JSONResponse(body, status)


def unknown(request: Request, known_path: bool) -> Response:
    """A path that TikTok has not, or has only for other methods."""
    return PlainTextResponse("Unsupported path", 405 if known_path else 404)


@dataclass
class Limits:
    """Calls per account and endpoint in a sliding minute of house time."""

    calls: dict[tuple[str, str], deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def count(self, call: Call, name: str, limit: int) -> None:
        """Count one call. Raises Refused with 429 when the minute is full."""
        now, recent = call.world.now().timestamp(), self.calls[call.account, name]
        while recent and now - recent[0] >= MINUTE:
            recent.popleft()
        if len(recent) >= limit:
            raise Refused(_rate_limited(call))
        recent.append(now)


async def authorized(call: Call, *needed: str) -> Grant:
    """The grant behind the bearer token. Raises Refused with 401 for a bad token or without the scopes."""
    presented = await call.present(bearer(call.request))
    if presented.state != "fresh" or presented.token is None or presented.grant is None:
        raise refused(call, 401, "access_token_invalid", INVALID_TOKEN)
    if presented.token.kind != "access":
        raise refused(call, 401, "access_token_invalid", INVALID_TOKEN)
    app = call.world.apps["tiktok", presented.grant.client_id]
    if not set(needed) <= app.scopes:
        raise refused(call, 401, "scope_permission_missed", NOT_APPROVED)
    if not set(needed) <= call.scopes(presented.grant):
        raise refused(call, 401, "scope_not_authorized", NOT_AUTHORIZED)
    return presented.grant


async def json_object(call: Call, *fields: str) -> dict[str, Any]:
    """The JSON object in the body, with no other fields than these. Raises Refused."""
    if content_type(call.request) != "application/json":
        raise invalid(call, "Content-Type must be application/json; charset=UTF-8")
    try:
        body = json.loads(await call.request.body() or b"{}")
    except ValueError:
        raise invalid(call, "The request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise invalid(call, "The request body must be an object")
    if strange := sorted(set(body) - set(fields)):
        raise invalid(call, f"Unknown field {strange[0]}")
    return body


def reviewed(call: Call, grant: Grant) -> bool:
    """Whether the app passed the audit."""
    app = call.world.apps["tiktok", grant.client_id]
    return app.reviewed and call.fault("unreviewed") is None


def _rate_limited(call: Call) -> Response:
    return problem(call, 429, "rate_limit_exceeded", "The API rate limit was exceeded.")


def _unavailable(call: Call) -> Response:
    return problem(call, 503, "internal_error", "Something went wrong. Please try again later.")


def _says(status: int, code: str, message: str) -> Callable[[Call, Fault], Response]:
    def answer(call: Call, fault: Fault) -> Response:
        return problem(call, status, code, message)

    return answer


def _flat(error: str, description: str) -> Callable[[Call, Fault], Response]:
    def answer(call: Call, fault: Fault) -> Response:
        return oauth_problem(call, error, description)

    return answer


def _limited(call: Call, fault: Fault) -> Response:
    if call.group in TOKENS:
        return oauth_problem(call, "rate_limit_exceeded", "The API rate limit was exceeded.")
    return _rate_limited(call)


BANNED = _says(403, "spam_risk_user_banned_from_posting", "The user is banned from making new posts.")
TOO_MANY = "The daily post cap from the API is reached for the current user."
MANNERS = Manners(
    platform="tiktok",
    unavailable=_unavailable,
    losable=frozenset({"video.publish", "video.upload"}),
    rules={
        "secret_wrong": Rule(TOKENS, _flat("invalid_client", "Client key or secret is incorrect.")),
        "app_suspended": Rule(TOKENS, _flat("unauthorized_client", "The client is not authorized.")),
        "rate_limited": Rule(CALLS, _limited),
        "suspended": Rule(POSTING, BANNED),
        "spam_block": Rule(POSTING, _says(403, "spam_risk_too_many_posts", TOO_MANY)),
        "daily_cap": Rule(POSTING, _says(403, "spam_risk_too_many_posts", TOO_MANY)),
        "quota_exhausted": Rule(
            POSTING,
            _says(403, "reached_active_user_cap", "The daily quota for active publishing users is reached."),
        ),
        "url_unverified": Rule(
            POSTING, _says(403, "url_ownership_unverified", "The ownership of the URL is not verified.")
        ),
        "account_gone": Rule(API, _says(401, "access_token_invalid", INVALID_TOKEN)),
    },
)
