"""The grammar that Facebook, Instagram and Threads share: errors, parameters, fields (meta facts §1)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.platforms.core import CALLS, Call, Refused, Rule, bearer, form_of
from sandbox.platforms.faults import Fault
from sandbox.platforms.model import App, Grant, Presented

PACIFIC = ZoneInfo("America/Los_Angeles")
VERSIONS = ("v21.0", "v22.0", "v23.0", "v24.0", "v25.0", "v26.0")
REVOKED = "Error validating access token: The user has not authorized application {app}."
CHECKPOINT = (
    "Error validating access token: You cannot access the app till you log in to www.facebook.com "
    "and follow the instructions given."
)
PASSWORD = (
    "Error validating access token: The session has been invalidated because the user changed their password "
    "or Facebook has changed the session for security reasons."
)
NO_PERMISSION = "(#10) Application does not have permission for this action"
NO_OBJECT = (
    "Unsupported {verb} request. Object with ID '{id}' does not exist, cannot be loaded due to missing "
    "permissions, or does not support this operation."
)


@dataclass(frozen=True)
class GraphError:
    """One error of the Graph API. `user` is (title, text), what Meta means people to read."""

    code: int
    message: str
    sub: int | None = None
    status: int = 400
    type: str = "OAuthException"
    transient: bool = False
    user: tuple[str, str] | None = None

    def response(self) -> Response:
        """The error in its envelope."""
        error: dict[str, Any] = {"message": self.message, "type": self.type, "code": self.code}
        if self.sub is not None:
            error["error_subcode"] = self.sub
        error["is_transient"] = self.transient
        if self.user is not None:
            error["error_user_title"], error["error_user_msg"] = self.user
        error["fbtrace_id"] = "A" + secrets.token_urlsafe(16)
        return JSONResponse({"error": error}, self.status)

    def refused(self) -> Refused:
        """The error as an exception that ends the call."""
        return Refused(self.response())


def flat_error(message: str) -> Refused:
    """The other shape, that of `api.instagram.com`."""
    return Refused(JSONResponse({"error_type": "OAuthException", "code": 400, "error_message": message}, 400))


def bad_parameter(message: str, type: str = "OAuthException") -> Refused:
    """Code 100 without a subcode."""
    return GraphError(100, f"(#100) {message}", type=type).refused()


def no_object(id: str, verb: str = "get") -> Refused:
    """Code 100/33: not there, not yours, or not possible."""
    return GraphError(100, NO_OBJECT.format(id=id, verb=verb), 33, type="GraphMethodException").refused()


def graph_unknown(request: Request, known_path: bool) -> Response:
    """A path that the Graph API has not, or has only for other methods."""
    path = "/" + str(request.path_params.get("rest", ""))
    if known_path:
        return no_object(path.rsplit("/", 1)[-1], request.method.lower()).response
    return GraphError(2500, f"Unknown path components: {path}").response()


def session_time(at: datetime) -> str:
    """An instant as Meta's texts write it, in Pacific time."""
    return at.astimezone(PACIFIC).strftime("%A, %d-%b-%y %H:%M:%S %Z")


def token_error(call: Call, presented: Presented) -> GraphError:
    """The 190 that a token which is not fresh gets, with the text that Meta sends."""
    token, grant = presented.token, presented.grant
    if token is None or grant is None:
        return GraphError(190, "Invalid OAuth access token.")
    if presented.state == "expired":
        now = call.world.now()
        ended = min(token.expires_at or now, now)
        text = f"Session has expired on {session_time(ended)}. The current time is {session_time(now)}."
        return GraphError(190, f"Error validating access token: {text}", 463)
    if presented.reason == "password_changed":
        return GraphError(190, PASSWORD, 460)
    if presented.reason in ("revoked", "app_removed"):
        return GraphError(190, REVOKED.format(app=grant.client_id), 458)
    return GraphError(
        190, "Error validating access token: Session does not match current stored session.", 467
    )


async def parameters(request: Request) -> dict[str, str]:
    """Query, form and JSON body as one, as the Graph API takes them; JSON values as their text."""
    given = dict(request.query_params)
    if request.method != "POST":
        return given
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            raise bad_parameter("Invalid JSON in the request body") from None
        if not isinstance(body, dict):
            raise bad_parameter("A JSON object is expected in the request body")
        given.update({k: v if isinstance(v, str) else json.dumps(v) for k, v in body.items()})
    else:
        given.update(await form_of(request))
    return given


async def authorized(call: Call, given: Mapping[str, str], *needed: str) -> Grant:
    """The grant behind the token. Raises Refused: 190 for a bad token, 10 without the scopes."""
    value = bearer(call.request) or given.get("access_token", "")
    if not value:
        raise GraphError(
            2500, "An active access token must be used to query information about the current user."
        ).refused()
    presented = await call.present(value)
    if presented.state != "fresh" or presented.grant is None:
        raise token_error(call, presented).refused()
    if not set(needed) <= call.scopes(presented.grant):
        raise GraphError(10, NO_PERMISSION).refused()
    return presented.grant


def check_secret(call: Call, app: App, secret: str) -> None:
    """Refuse a wrong client secret as the Graph API does (code 1, so the text is what tells)."""
    call.world.see(secret)
    if not secrets.compare_digest(secret.encode(), app.secret.encode()):
        raise GraphError(1, "Error validating client secret.").refused()


def picked(
    call: Call, everything: Mapping[str, Any], default: Iterable[str], type: str = "OAuthException"
) -> dict[str, Any]:
    """The fields that `fields` asks for, and the id. Raises Refused for a field that is not there."""
    asked = call.request.query_params.get("fields", "")
    names = [name.strip() for name in asked.split(",") if name.strip()] or list(default)
    for name in names:
        if name not in everything:
            raise bad_parameter(f"Tried accessing nonexisting field ({name})", type)
    names += [] if "id" in names or "id" not in everything else ["id"]
    return {name: everything[name] for name in names if everything[name] is not None}


def next_page(call: Call, after: str) -> str:
    """The address of a list's next page, on the host that was asked, without the token."""
    asked = call.request.url.path.removeprefix(str(call.request.scope.get("root_path", "")))
    name = str(call.request.scope["root_path"]).rpartition("/")[2]
    kept = {k: v for k, v in call.request.query_params.items() if k not in ("after", "access_token")}
    return f"https://{name}{asked}?{urlencode({**kept, 'after': after})}"


def usage(call: Call, kind: str, percent: int, minutes: int) -> None:
    """Set the business use case header: percent of the budget used, minutes until it is free again."""
    entry = {
        "type": kind,
        "call_count": percent,
        "total_cputime": percent,
        "total_time": percent,
        "estimated_time_to_regain_access": minutes,
    }
    call.headers["X-Business-Use-Case-Usage"] = json.dumps({call.account or "0": [entry]})


def worded(
    code: int, message: str, sub: int | None = None, *, user: tuple[str, str] | None = None, status: int = 400
) -> Rule:
    """A rule that answers every call with one fixed error."""
    error = GraphError(code, message, sub, status=status, user=user)
    return Rule(CALLS, lambda call, fault: error.response())


def only(groups: frozenset[str], error: GraphError) -> Rule:
    """A rule that answers the calls of these groups with one fixed error."""
    return Rule(groups, lambda call, fault: error.response())


def service_down(call: Call) -> Response:
    """The 503 of the Graph API."""
    message = "An unexpected error has occurred. Please retry your request later."
    return GraphError(2, message, status=503, transient=True).response()


def secret_refused(call: Call, fault: Fault) -> Response:
    """What a reset client secret looks like, in the shape of the host that was asked."""
    message = "Error validating client secret."
    if "/api.instagram.com/" in call.request.url.path:
        return flat_error(message).response
    return GraphError(1, message).response()
