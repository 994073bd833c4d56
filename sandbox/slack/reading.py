"""How Slack reads a call: arguments from query, form and JSON, the token, and the scopes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from sandbox.slack.errors import SlackError
from sandbox.slack.models import JSON, Channel, Install
from sandbox.slack.state import SlackWorld

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class ApiCall:
    """One call that passed the front door; `install` is the app in the workspace of its token."""

    world: SlackWorld
    install: Install
    args: Arguments

    def text(self, name: str, default: str = "") -> str:
        """A string argument. Raises SlackError for another type."""
        value = self.args.get(name)
        if value is None:
            return default
        if isinstance(value, (dict, list)):
            raise SlackError(
                "invalid_arguments", details=[f"[ERROR] must be a string [json-pointer:/{name}]"]
            )
        return str(value)

    def required(self, name: str) -> str:
        """A string argument that must be there."""
        value = self.text(name)
        if not value:
            raise SlackError("invalid_arguments", details=[f"[ERROR] missing required field: {name}"])
        return value

    def flag(self, name: str) -> bool:
        """A boolean argument: true, "true" or 1."""
        return str(self.args.get(name, "")).lower() in {"true", "1"}

    def structure(self, name: str, error: str) -> Any:
        """A JSON argument, as an object or as a string that holds one; None when absent."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise SlackError(error) from None

    def visible_channel(self, channel_id: str) -> Channel:
        """A channel that the bot may know of. Raises `channel_not_found`."""
        channel = self.world.channels.get(channel_id)
        team = self.install.team_id
        if channel is None or channel.deleted or team not in {channel.team_id, *channel.connected_teams}:
            raise SlackError("channel_not_found")
        if channel.kind != "public" and self.install.bot_user_id not in channel.members:
            raise SlackError("channel_not_found")
        return channel


async def read_arguments(request: Request, accepts_json: bool) -> tuple[JSON, str | None]:
    """The merged arguments of a call and its token. Raises SlackError for a body that Slack cannot read."""
    args: JSON = dict(request.query_params)
    args.pop("token", None)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body() if request.method == "POST" else b""
    if kind == "application/json":
        args |= _json_body(body) if accepts_json else {}
    elif kind in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        args |= {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
    elif body:
        raise SlackError("invalid_post_type" if kind else "missing_post_type")
    token = args.pop("token", None) if kind != "application/json" else None
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return args, bearer.strip() if scheme.lower() == "bearer" and bearer else token


def _json_body(body: bytes) -> JSON:
    try:
        value = json.loads(body)
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(value, dict):
        raise SlackError("json_not_object")
    return value


def find_install(world: SlackWorld, token: str | None) -> Install:
    """Whose token it is. Raises `not_authed`, `invalid_auth`, or what a revoked installation answers."""
    if not token:
        raise SlackError("not_authed")
    if token == world.app.app_token:
        raise SlackError("not_allowed_token_type")
    install = next((entry for entry in world.installs.values() if entry.token == token), None)
    if install is None:
        raise SlackError("invalid_auth")
    if install.revoked:
        raise SlackError(install.error_when_revoked)
    return install


def demand_scope(install: Install, *any_of: str) -> None:
    """Raises `missing_scope` unless one of the scopes was granted; no scope named means none is needed."""
    if any_of and not install.scopes.intersection(any_of):
        raise SlackError("missing_scope", needed=any_of[0])
