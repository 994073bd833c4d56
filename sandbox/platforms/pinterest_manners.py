"""Pinterest's errors and headers, and how it words the faults (Pinterest facts §5.6).

`world.modes["pinterest.limit_headers"]` = `on` adds the x-ratelimit headers, which are not confirmed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.platforms.clients import content_type
from sandbox.platforms.core import API, CALLS, Call, Manners, Refused, Rule, bearer
from sandbox.platforms.faults import Fault
from sandbox.platforms.model import Grant

SANDBOX_HOST = "api-sandbox.pinterest.com"  # takes pins of apps with trial access; nobody else sees them
TOKENS = frozenset({"token", "refresh"})
POSTING = frozenset({"publish", "prepare"})
AUTHENTICATION = "Authentication failed."
PERMISSIONS = "Your token does not have sufficient permissions to perform this operation."
NOT_PERMITTED = "You are not permitted to access that resource."
TRIAL = (
    "Apps with Trial access may not create Pins in production https://api.pinterest.com - use API Sandbox "
    "https://api-sandbox.pinterest.com instead."
)
LIMITED = "This request exceeded a rate limit. Please wait before trying again."


def problem(status: int, code: int, message: str) -> Response:
    """An error of the API, tokens included."""
    return JSONResponse({"code": code, "message": message}, status)


def refused(status: int, code: int, message: str) -> Refused:
    """The error as an exception that ends the call."""
    return Refused(problem(status, code, message))


def invalid(message: str) -> Refused:
    """Code 1: the request itself is wrong."""
    return refused(400, 1, f"Invalid request: {message}")


def unauthenticated() -> Refused:
    """Code 2: the same for wrong clients and for expired, revoked and unknown tokens."""
    return refused(401, 2, AUTHENTICATION)


def unknown(request: Request, known_path: bool) -> Response:
    """A path that Pinterest has not, or has only for other methods."""
    if known_path:
        return problem(405, 6, "Method not allowed.")
    return problem(404, 11, "API method not found.")


def trace(call: Call) -> None:
    """Put the headers on the answer by which Pinterest finds a call again."""
    call.headers["x-pinterest-rid"] = str(secrets.randbelow(10**16))
    if call.world.modes.get("pinterest.limit_headers") == "on":
        call.headers.update(
            {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "99", "x-ratelimit-reset": "1"}
        )


async def authorized(call: Call, *needed: str) -> Grant:
    """The grant behind the bearer token. Raises Refused with code 2, or 3 without the scopes."""
    trace(call)
    presented = await call.present(bearer(call.request))
    if presented.state != "fresh" or presented.token is None or presented.grant is None:
        raise unauthenticated()
    if presented.token.kind != "access":
        raise unauthenticated()
    if not set(needed) <= call.scopes(presented.grant):
        raise refused(401, 3, PERMISSIONS)
    return presented.grant


async def json_object(call: Call, *fields: str) -> dict[str, Any]:
    """The JSON object in the body, with no other fields than these. Raises Refused."""
    if content_type(call.request) != "application/json":
        raise invalid("Content-Type must be application/json")
    try:
        body = json.loads(await call.request.body())
    except ValueError:
        raise invalid("the body is not valid JSON") from None
    if not isinstance(body, dict):
        raise invalid("the body must be an object")
    if strange := sorted(set(body) - set(fields)):
        raise invalid(f"Additional properties are not allowed ('{strange[0]}' was unexpected)")
    return body


def _unavailable(call: Call) -> Response:
    return problem(503, 12, "Something went wrong on our end. Sorry about that.")


def _says(status: int, code: int, message: str) -> Callable[[Call, Fault], Response]:
    def answer(call: Call, fault: Fault) -> Response:
        return problem(status, code, message)

    return answer


MANNERS = Manners(
    platform="pinterest",
    unavailable=_unavailable,
    losable=frozenset({"pins:write", "boards:write"}),
    rules={
        "secret_wrong": Rule(TOKENS, _says(401, 2, AUTHENTICATION)),
        "app_suspended": Rule(CALLS, _says(403, 29, NOT_PERMITTED)),
        "rate_limited": Rule(CALLS, _says(429, 8, LIMITED)),
        "daily_cap": Rule(POSTING, _says(429, 8, LIMITED)),
        "suspended": Rule(API, _says(403, 2625, "Account has been disapproved.")),
        "checkpoint": Rule(API, _says(403, 2626, "Account is under review.")),
        "spam_block": Rule(POSTING, _says(403, 29, NOT_PERMITTED)),
    },
)
