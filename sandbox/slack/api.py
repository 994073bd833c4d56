"""Slack's Web API over HTTP: `/slack.com/api/<method>`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.slack import chat, lookups, oauth, views
from sandbox.slack.errors import SlackError
from sandbox.slack.faults import Outage, answer_fault, drop_connection
from sandbox.slack.life import metadata_posted
from sandbox.slack.models import JSON, Call
from sandbox.slack.pacing import Pacing
from sandbox.slack.reading import ApiCall, demand_scope, find_install, read_arguments
from sandbox.slack.state import SlackWorld

Handler = Callable[[ApiCall], JSON]


@dataclass(frozen=True)
class Method:
    """One method: what runs it, which scopes (any of them), calls a minute, whether it reads JSON."""

    run: Handler
    scopes: tuple[str, ...] = ()
    per_minute: int = 100
    accepts_json: bool = True


ANY_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
METHODS: dict[str, Method] = {
    "auth.test": Method(lookups.auth_test, per_minute=600),
    "auth.revoke": Method(lookups.auth_revoke, accepts_json=False),
    "chat.postMessage": Method(chat.post_message, ("chat:write",), per_minute=600),
    "chat.postEphemeral": Method(chat.post_ephemeral, ("chat:write",)),
    "chat.update": Method(chat.update, ("chat:write",), per_minute=50),
    "chat.delete": Method(chat.delete, ("chat:write",), per_minute=50),
    "chat.getPermalink": Method(chat.get_permalink, per_minute=600, accepts_json=False),
    "views.open": Method(views.views_open),
    "views.push": Method(views.views_push),
    "views.update": Method(views.views_update),
    "views.publish": Method(views.views_publish),
    "conversations.info": Method(lookups.conversations_info, ANY_READ, 50, accepts_json=False),
    "conversations.list": Method(lookups.conversations_list, ANY_READ, 20, accepts_json=False),
    "conversations.members": Method(lookups.conversations_members, ANY_READ, accepts_json=False),
    "conversations.open": Method(lookups.conversations_open, ("im:write",), 50),
    "conversations.join": Method(lookups.conversations_join, ("channels:join",), 50),
    "users.info": Method(lookups.users_info, ("users:read",), accepts_json=False),
    "users.list": Method(lookups.users_list, ("users:read",), 20, accepts_json=False),
    "files.info": Method(lookups.files_info, ("files:read",), accepts_json=False),
    "blocks.validate": Method(lookups.blocks_validate),
}


class WebApi:
    """The endpoint of all methods of one world."""

    def __init__(self, world: SlackWorld) -> None:
        self.world = world
        self.pacing = Pacing(world)

    async def __call__(self, request: Request) -> Response:
        """Answers one call; records it unless it never arrived."""
        name = request.path_params["method"]
        fault = self.world.faults.strike(name)
        if fault is not None and fault.outage is not Outage.LOST_ANSWER:
            return await answer_fault(request, fault)
        answer = await self._answer(name, request)
        if fault is not None:
            return await drop_connection(request)
        return answer

    async def _answer(self, name: str, request: Request) -> Response:
        args: JSON = {}
        team_id, status, headers = "", 200, {}
        try:
            method = METHODS.get(name)
            if method is None and name not in oauth.METHODS:
                raise SlackError("unknown_method")
            args, token = await read_arguments(request, method is None or method.accepts_json)
            if method is None:
                body = {"ok": True, **oauth.METHODS[name](self.world, args, token, request)}
            else:
                install = find_install(self.world, token)
                team_id = install.team_id
                headers["x-oauth-scopes"] = ",".join(sorted(install.scopes))
                demand_scope(install, *method.scopes)
                self.pacing.demand(name, method.per_minute, team_id, str(args.get("channel", "")))
                body = {"ok": True, **method.run(ApiCall(self.world, install, args))}
                if name == "chat.postMessage" and args.get("metadata"):
                    self._announce(team_id, body)
        except SlackError as error:
            body = _refusal(error, self.world, team_id)
            if error.retry_after is not None:
                status, headers["Retry-After"] = 429, str(error.retry_after)
        public = {key: value for key, value in args.items() if key not in {"client_secret", "token"}}
        self.world.calls.append(Call(name, team_id, public, body, status, self.world.clock()))
        self.world.bump()
        return JSONResponse(body, status, headers)

    def _announce(self, team_id: str, posted: JSON) -> None:
        message = self.world.channels[posted["channel"]].messages[posted["ts"]]
        metadata_posted(self.world, team_id, message)


def _refusal(error: SlackError, world: SlackWorld, team_id: str) -> JSON:
    body: JSON = {"ok": False, "error": error.code}
    if error.details:
        body["response_metadata"] = {"messages": list(error.details)}
    if error.needed is not None:
        body |= {"needed": error.needed, "provided": ",".join(sorted(world.installs[team_id].scopes))}
    return body
