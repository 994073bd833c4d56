"""X's errors, its rate limits, and how it words the faults (x facts §1.2, §1.6)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.platforms.core import API, CALLS, Call, Manners, Refused, Rule
from sandbox.platforms.faults import Fault

PROBLEMS = "https://api.x.com/2/problems/"
WINDOW = timedelta(minutes=15)
DEAD = "Value passed for the token was invalid."
BAD_CODE = "Value passed for the authorization code was invalid."
NOT_PERMITTED = "You are not permitted to perform this action."


def problem(status: int, title: str, detail: str, type: str = "about:blank", **more: Any) -> Response:
    """X's problem JSON."""
    return JSONResponse({"title": title, "detail": detail, "type": type, "status": status, **more}, status)


def invalid(message: str, **parameters: list[str]) -> Refused:
    """A validation error: 400 with the list of what is wrong."""
    body = {
        "errors": [{"parameters": parameters, "message": message}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": f"{PROBLEMS}invalid-request",
    }
    return Refused(JSONResponse(body, 400))


def oauth_error(status: int, error: str, description: str) -> Refused:
    """An error of the token endpoints, in the shape of RFC 6749."""
    return Refused(JSONResponse({"error": error, "error_description": description}, status))


def unauthorized() -> Refused:
    """The 401 of the API: the same for expired, revoked and unknown tokens."""
    return Refused(problem(401, "Unauthorized", "Unauthorized"))


def forbidden(detail: str = "Forbidden") -> Refused:
    """A 403 that says no more than `detail`."""
    return Refused(problem(403, "Forbidden", detail))


def unknown(request: Request, known_path: bool) -> Response:
    """A path that X has not, or has only for other methods."""
    if known_path:
        return problem(405, "Method Not Allowed", "Method Not Allowed")
    return problem(404, "Not Found", "Not Found")


@dataclass
class Limits:
    """Calls per account and endpoint in windows of 15 minutes of house time."""

    counts: dict[tuple[str, str], tuple[float, int]] = field(
        default_factory=lambda: defaultdict(lambda: (0.0, 0))
    )

    def count(self, call: Call, name: str, limit: int) -> None:
        """Count one call and set its headers. Raises Refused with 429 when the window is full."""
        now, key = call.world.now().timestamp(), (call.account, name)
        start, used = self.counts[key]
        if now - start >= WINDOW.total_seconds():
            start, used = now, 0
        reset = int(start + WINDOW.total_seconds()) + 1
        call.headers.update(_limit_headers(limit, max(0, limit - used - 1), reset))
        if used >= limit:
            raise Refused(_too_many())
        self.counts[key] = (start, used + 1)


def _limit_headers(limit: int, remaining: int, reset: int) -> dict[str, str]:
    return {
        "x-rate-limit-limit": str(limit),
        "x-rate-limit-remaining": str(remaining),
        "x-rate-limit-reset": str(reset),
    }


def _too_many() -> Response:
    return problem(429, "Too Many Requests", "Too Many Requests")


def _rate_limited(call: Call, fault: Fault) -> Response:
    seconds = WINDOW.total_seconds() if fault.value is None else fault.value
    reset = int(call.world.now().timestamp() + seconds)
    call.headers.update(_limit_headers(100, 0, reset))
    return _too_many()


def _daily_cap(call: Call, fault: Fault) -> Response:
    reset = str(int(call.world.now().timestamp()) + 86_400)
    call.headers.update(
        {
            "x-user-limit-24hour-limit": "100",
            "x-user-limit-24hour-remaining": "0",
            "x-user-limit-24hour-reset": reset,
        }
    )
    return _too_many()


def _credits(call: Call, fault: Fault) -> Response:
    detail = "Your enrolled account [1400000000000000000] does not have any credits to fulfill this request."
    body = {
        "account_id": 1400000000000000000,
        "title": "CreditsDepleted",
        "detail": detail,
        "type": "https://api.twitter.com/2/problems/credits",
    }
    return JSONResponse(body, 402)


def _app_suspended(call: Call, fault: Fault) -> Response:
    return problem(
        403,
        "Client Forbidden",
        "The app that made this request is suspended or not enrolled.",
        f"{PROBLEMS}client-forbidden",
        reason="client-not-enrolled",
    )


def _suspended(call: Call, fault: Fault) -> Response:
    detail = "Your account is suspended and is not permitted to access this feature."
    return problem(403, "Forbidden", detail, f"{PROBLEMS}user-suspended")


def _unavailable(call: Call) -> Response:
    return problem(503, "Service Unavailable", "Service Unavailable")


def _secret_wrong(call: Call, fault: Fault) -> Response:
    return oauth_error(401, "unauthorized_client", "Missing valid authorization header").response


def _locked(call: Call, fault: Fault) -> Response:
    detail = (
        "To protect our users from spam and other malicious activity, this account is temporarily locked."
    )
    return problem(403, "Forbidden", f"{detail} Please log in to https://x.com to unlock your account.")


def _not_permitted(call: Call, fault: Fault) -> Response:
    return forbidden(NOT_PERMITTED).response


def duplicate() -> Response:
    """The refusal of a text that was just posted."""
    return forbidden("You are not allowed to create a Tweet with duplicate content.").response


def _duplicate(call: Call, fault: Fault) -> Response:
    return duplicate()


def _media_failed(call: Call, fault: Fault) -> Response:
    return invalid("Your media could not be read.", media=[]).response


MANNERS = Manners(
    platform="x",
    unavailable=_unavailable,
    losable=frozenset({"tweet.write", "media.write"}),
    rules={
        "secret_wrong": Rule(frozenset({"token", "refresh"}), _secret_wrong),
        "app_suspended": Rule(CALLS, _app_suspended),
        "credits_depleted": Rule(API, _credits),
        "rate_limited": Rule(CALLS, _rate_limited),
        "suspended": Rule(API, _suspended),
        "checkpoint": Rule(API, _locked),
        "daily_cap": Rule(frozenset({"publish"}), _daily_cap),
        "spam_block": Rule(frozenset({"publish"}), _not_permitted),
        "duplicate": Rule(frozenset({"publish"}), _duplicate),
        "media_unfetchable": Rule(frozenset({"prepare"}), _media_failed),
    },
)


def snowflake(call: Call) -> str:
    """A new id: house milliseconds since X's epoch, then a sequence."""
    return str(
        ((int(call.world.now().timestamp() * 1000) - 1288834974657) << 22) | (call.world.serial() % 4096)
    )


def only(call: Call, *allowed: str) -> None:
    """Refuse query parameters that the endpoint has not."""
    for name in call.request.query_params:
        if name not in allowed:
            raise invalid(
                f"The query parameter [{name}] is not one of [{','.join(sorted(allowed))}]", **{name: []}
            )


def listed(call: Call, name: str, known: frozenset[str]) -> frozenset[str]:
    """A comma-separated query parameter whose values must all be known."""
    values = frozenset(filter(None, call.request.query_params.get(name, "").split(",")))
    if strange := sorted(values - known):
        raise invalid(
            f"The `{name}` query parameter value [{strange[0]}] is not one of [{','.join(sorted(known))}]"
        )
    return values
