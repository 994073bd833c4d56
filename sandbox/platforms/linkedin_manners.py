"""LinkedIn's errors, headers, versions and daily quotas, and how it words the faults (facts §4.5, §4.6).

`world.modes["linkedin.newest_version"]` is the newest `LinkedIn-Version` (default: this month's); versions
live twelve months.
"""

from __future__ import annotations

import json
import re
import secrets
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.platforms.clients import content_type
from sandbox.platforms.core import API, CALLS, Call, Manners, Refused, Rule, bearer
from sandbox.platforms.faults import Fault
from sandbox.platforms.model import Grant

TOKENS = frozenset({"token", "refresh"})
VERSION = re.compile(r"(20\d\d)(0[1-9]|1[0-2])")
VERSION_MONTHS = 12
MEMBER_DAILY, APP_DAILY = 150, 100_000
TRIAL_MEMBER_DAILY, TRIAL_APP_DAILY = 100, 500  # the development tier
THROTTLED = "Resource level throttle limit for calls to this resource is reached."
DEAD = "The provided authorization grant or refresh token is invalid, expired or revoked"
REVOKED = "The token used in the request has been revoked by the user"


def problem(
    status: int, code: str, message: str, service: int | None = None, inputs: list[Any] | None = None
) -> Response:
    """An error of the API; `inputs` are the errors of single fields."""
    body: dict[str, Any] = {"status": status, "code": code, "message": message}
    if service is not None:
        body["serviceErrorCode"] = service
    if inputs:
        body["errorDetailType"] = "com.linkedin.common.error.BadRequest"
        body["errorDetails"] = {"inputErrors": inputs}
    return JSONResponse(body, status)


def refused(status: int, code: str, message: str, service: int | None = None) -> Refused:
    """The error as an exception that ends the call."""
    return Refused(problem(status, code, message, service))


def bad_field(code: str, path: str, description: str) -> Refused:
    """A content error that names its field."""
    wrong = {"description": description, "code": code, "input": {"inputPath": {"fieldPath": path}}}
    return Refused(problem(400, code, description, inputs=[wrong]))


def denied(what: str) -> Refused:
    """Not allowed: a scope or a role is missing."""
    return refused(403, "ACCESS_DENIED", f"Not enough permissions to access: {what}", 100)


def oauth_problem(status: int, error: str, description: str) -> Refused:
    """An error of the token endpoints."""
    return Refused(JSONResponse({"error": error, "error_description": description}, status))


def dead_refresh(call: Call) -> Refused:
    """A refresh token that is no more; `linkedin.dead_refresh` = `invalid_grant` uses the other name."""
    error = call.world.modes.get("linkedin.dead_refresh", "invalid_request")
    return oauth_problem(400, error, DEAD)


def unknown(request: Request, known_path: bool) -> Response:
    """A path that LinkedIn has not, or has only for other methods."""
    if known_path:
        return problem(405, "METHOD_NOT_ALLOWED", "Method not allowed", 0)
    return problem(404, "RESOURCE_NOT_FOUND", "No virtual resource found", 0)


@dataclass
class Quotas:
    """Calls of each member and each app on each UTC day. No headers tell of them."""

    used: dict[tuple[str, ...], int] = field(default_factory=lambda: defaultdict(int))

    def count(self, call: Call, grant: Grant) -> None:
        """Count one call. Raises Refused with 429 until midnight UTC."""
        day = call.world.now().date().isoformat()
        reviewed = call.world.apps["linkedin", grant.client_id].reviewed
        limits = (MEMBER_DAILY, APP_DAILY) if reviewed else (TRIAL_MEMBER_DAILY, TRIAL_APP_DAILY)
        for key, limit in zip(
            ((grant.client_id, grant.account, day), (grant.client_id, day)), limits, strict=True
        ):
            if self.used[key] >= limit:
                raise refused(429, "TOO_MANY_REQUESTS", THROTTLED, 101)
        self.used[grant.client_id, grant.account, day] += 1
        self.used[grant.client_id, day] += 1


def trace(call: Call) -> None:
    """Put the headers on the answer by which LinkedIn finds a call again."""
    id = uuid.uuid4().hex
    call.headers.update({"x-li-uuid": id, "x-li-fabric": "prod-lva1", "x-li-request-id": id[:16].upper()})


async def authorized(call: Call, *any_of: str, what: str = "") -> Grant:
    """The grant behind the bearer token, which allows one of these scopes. Raises Refused."""
    trace(call)
    value = bearer(call.request)
    if not value:
        raise refused(401, "EMPTY_ACCESS_TOKEN", "Empty oauth2_access_token", 65604)
    presented = await call.present(value)
    if presented.state == "unknown" or presented.token is None or presented.token.kind != "access":
        raise refused(401, "INVALID_ACCESS_TOKEN", "Invalid access token", 65600)
    if presented.state == "expired":
        raise refused(401, "EXPIRED_ACCESS_TOKEN", "Expired access token", 65602)
    if presented.state != "fresh" or presented.grant is None or call.fault("false_revoked"):
        raise refused(401, "REVOKED_ACCESS_TOKEN", REVOKED, 65601)
    if any_of and not call.scopes(presented.grant) & set(any_of):
        raise denied(what or call.request.url.path.rpartition("/")[2])
    return presented.grant


def check_version(call: Call) -> None:
    """Demand the headers of the versioned API. Raises Refused."""
    headers = call.request.headers
    given = headers.get("linkedin-version", "")
    if not given:
        message = "A version must be present. Please specify a version by adding the Linkedin-Version header."
        raise refused(400, "VERSION_MISSING", message)
    newest = call.world.modes.get("linkedin.newest_version", call.world.now().strftime("%Y%m"))
    match = VERSION.fullmatch(given)
    age = _months(newest) - _months(given) if match else -1
    if not 0 <= age <= VERSION_MONTHS:
        raise refused(426, "NONEXISTENT_VERSION", f"Requested version {given}01 is not active")
    if headers.get("x-restli-protocol-version") != "2.0.0":
        raise refused(400, "ILLEGAL_ARGUMENT", "X-RestLi-Protocol-Version must be 2.0.0")


def _months(version: str) -> int:
    return int(version[:4]) * 12 + int(version[4:6])


async def json_object(call: Call) -> dict[str, Any]:
    """The JSON object in the body. Raises Refused."""
    if content_type(call.request) != "application/json":
        raise refused(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json", 0)
    try:
        body = json.loads(await call.request.body())
    except ValueError:
        raise refused(400, "ILLEGAL_ARGUMENT", "Request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise refused(400, "ILLEGAL_ARGUMENT", "Request body must be an object")
    return body


def new_urn(call: Call, kind: str) -> str:
    """A new URN: numbers for shares, letters for media."""
    if kind in ("share", "ugcPost"):
        return f"urn:li:{kind}:{7_400_000_000_000_000_000 + call.world.serial() * 7919}"
    return f"urn:li:{kind}:C4E{secrets.token_hex(8).upper()}"


def _unavailable(call: Call) -> Response:
    return problem(503, "SERVICE_UNAVAILABLE", "Unable to obtain activity", 0)


def _says(
    status: int, code: str, message: str, service: int | None = None
) -> Callable[[Call, Fault], Response]:
    def answer(call: Call, fault: Fault) -> Response:
        return problem(status, code, message, service)

    return answer


def _rate_limited(call: Call, fault: Fault) -> Response:
    return problem(429, "TOO_MANY_REQUESTS", THROTTLED, 101)


def _no_client(call: Call, fault: Fault) -> Response:
    return oauth_problem(401, "invalid_client", "Client authentication failed").response


def _app_suspended(call: Call, fault: Fault) -> Response:
    if call.group in TOKENS:
        return oauth_problem(401, "invalid_client", "The application is disabled").response
    return problem(403, "ACCESS_DENIED", "Application is not allowed to use this resource", 100)


RESTRICTED = "Member is restricted"
MANNERS = Manners(
    platform="linkedin",
    unavailable=_unavailable,
    losable=frozenset({"w_member_social", "w_organization_social"}),
    rules={
        "secret_wrong": Rule(TOKENS, _no_client),
        "app_suspended": Rule(CALLS, _app_suspended),
        "rate_limited": Rule(CALLS, _rate_limited),
        "daily_cap": Rule(frozenset({"publish"}), _rate_limited),
        "suspended": Rule(API, _says(403, "ACCESS_DENIED", RESTRICTED, 100)),
        "write_conflict": Rule(frozenset({"publish"}), _says(409, "CONFLICT", "Write conflict")),
    },
)
