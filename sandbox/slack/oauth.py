"""Installing the app through OAuth, and opening a Socket Mode connection: the methods without a bot token."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable
from html import escape
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.slack.errors import SlackError
from sandbox.slack.models import JSON
from sandbox.slack.reading import Arguments
from sandbox.slack.state import SlackWorld

CODE_SECONDS = 600.0
ROTATION_SECONDS = 43_200
ORGANISATION = "E0ORGANISATION"
Handler = Callable[[SlackWorld, Arguments, str | None, Request], JSON]


def oauth_access(world: SlackWorld, args: Arguments, token: str | None, request: Request) -> JSON:
    """oauth.v2.access: client id and secret in the form or as Basic authorization; a code works once."""
    client_id, client_secret = _basic(request) or (args.get("client_id"), args.get("client_secret"))
    if client_id != world.app.client_id:
        raise SlackError("invalid_client_id")
    if not secrets.compare_digest(str(client_secret), world.app.client_secret):
        raise SlackError("bad_client_secret")
    grant = world.oauth_codes.get(str(args.get("code", "")))
    if grant is None or world.clock() - grant["created"] > CODE_SECONDS:
        raise SlackError("invalid_code")
    if grant["used"]:
        raise SlackError("code_already_used")
    if grant["redirect_uri"] and args.get("redirect_uri") != grant["redirect_uri"]:
        raise SlackError("bad_redirect_uri")
    grant["used"] = True
    prefix = "xoxe.xoxb-1-" if world.switches.token_rotation else "xoxb-"
    token = f"{prefix}{secrets.randbelow(10**12):012d}-{secrets.token_hex(12)}"
    key = grant["team_id"] or ORGANISATION
    install = world.install(key, token, scopes=frozenset(grant["scopes"]))
    name = world.switches.organisation
    answer: JSON = {
        "access_token": install.token,
        "token_type": "bot",
        "scope": ",".join(sorted(install.scopes)),
        "bot_user_id": install.bot_user_id,
        "app_id": world.app.app_id,
        "team": {"id": key, "name": world.teams[key].name} if grant["team_id"] else None,
        "enterprise": {"id": ORGANISATION, "name": name} if name else None,
        "authed_user": {"id": grant["user_id"]},
        "is_enterprise_install": not grant["team_id"],
    }
    if world.switches.token_rotation:
        answer |= {"refresh_token": f"xoxe-1-{secrets.token_hex(24)}", "expires_in": ROTATION_SECONDS}
    return answer


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password


def connections_open(world: SlackWorld, args: Arguments, token: str | None, request: Request) -> JSON:
    """apps.connections.open: needs the app-level token and a running socket gate."""
    if not token:
        raise SlackError("not_authed")
    if token in {install.token for install in world.installs.values()}:
        raise SlackError("not_allowed_token_type")
    if token != world.app.app_token:
        raise SlackError("invalid_auth")
    if world.socket_url is None:
        raise SlackError("forbidden_team")
    return {"url": world.socket_url()}


METHODS: dict[str, Handler] = {
    "oauth.v2.access": oauth_access,
    "apps.connections.open": connections_open,
}


class AuthorizePage:
    """`/slack.com/oauth/v2/authorize`: a person chooses a workspace and allows or refuses."""

    def __init__(self, world: SlackWorld) -> None:
        self.world = world

    async def __call__(self, request: Request) -> Response:
        """The page, and what its buttons do."""
        query = request.query_params
        address = urlsplit(query.get("redirect_uri", ""))
        if query.get("client_id") != self.world.app.client_id or not address.scheme:
            return HTMLResponse("<h1>Something went wrong</h1><p>Invalid client_id or redirect_uri.</p>", 400)
        if request.method == "POST":
            form = await request.form()
            return self._decide(dict(query), str(form.get("team", "")), str(form.get("user", "")))
        return HTMLResponse(self._page(query.get("scope", "")))

    def _decide(self, query: dict[str, str], team_id: str, user_id: str) -> Response:
        answer = {"state": query.get("state", "")}
        whole = team_id == ORGANISATION and self.world.switches.organisation
        if team_id not in self.world.teams and not whole:
            answer["error"] = "access_denied"
        else:
            code = f"{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
            self.world.oauth_codes[code] = {
                "team_id": "" if whole else team_id,
                "user_id": user_id,
                "scopes": [scope for scope in query.get("scope", "").split(",") if scope],
                "redirect_uri": query.get("redirect_uri", ""),
                "created": self.world.clock(),
                "used": False,
            }
            answer["code"] = code
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(answer)}", 302)

    def _page(self, scopes: str) -> str:
        people = [
            (team, user)
            for team in self.world.teams.values()
            for user in self.world.users.values()
            if user.team_id == team.id and user.is_admin
        ]
        buttons = "".join(
            f'<form method="post"><input type="hidden" name="user" value="{escape(user.id)}">'
            f'<button name="team" value="{escape(team.id)}" data-testid="allow-{escape(team.id)}">'
            f"Allow for {escape(team.name)} as {escape(user.real_name)}</button></form>"
            for team, user in people
        )
        if self.world.switches.organisation and people:
            buttons += (
                f'<form method="post"><input type="hidden" name="user" value="{escape(people[0][1].id)}">'
                f'<button name="team" value="{ORGANISATION}" data-testid="allow-organisation">'
                f"Allow for all of {escape(self.world.switches.organisation)}</button></form>"
            )
        return (
            "<!doctype html><html lang=en><meta charset=utf-8><title>Install the app</title>"
            f"<main><h1>Lamplighter wants to join your workspace</h1><p>It asks for: {escape(scopes)}</p>"
            f'{buttons}<form method="post"><button data-testid="cancel">Cancel</button></form></main></html>'
        )
