"""One call to Slack's Web API: the right token, one attempt, and one family of errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.outbound import Rewriter
from bot.slack.errors import Transient, translate

__all__ = ["Api", "Identity", "TokenFor", "new_session"]

TokenFor = Callable[[str], Awaitable[str]]
"""The bot token of a workspace (its row id). Raises WorkspaceGone where there is none."""

TOTAL_SECONDS = 10.0
CONNECT_SECONDS = 5.0
CONNECTIONS = 100


@dataclass(frozen=True)
class Identity:
    """Whom a bot token speaks for, as `auth.test` says it."""

    team_id: str
    team_name: str
    bot_user_id: str
    bot_id: str
    enterprise_id: str | None = None
    scopes: frozenset[str] = field(default_factory=frozenset)


def new_session() -> aiohttp.ClientSession:
    """The session that all calls to Slack share. Close it after the gateway's last call.

    The SDK ignores its own timeout on a shared session, so the total deadline stands here. Cookies are
    not kept and the environment (proxies, .netrc) is not read.
    """
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS),
        connector=aiohttp.TCPConnector(limit=CONNECTIONS),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


class Api:
    """Slack's Web API. Nothing here tries twice: a repeated call could say something twice."""

    def __init__(
        self, session: aiohttp.ClientSession, rewriter: Rewriter, base_url: str, token_for: TokenFor
    ) -> None:
        self._base_url = rewriter.url(base_url)
        self._session = session
        self._token_for = token_for
        self._client = self.web_client()

    def web_client(self) -> AsyncWebClient:
        """A client without a token, for bolt and Socket Mode: same session, same address."""
        client = AsyncWebClient(base_url=self._base_url, session=self._session, retry_handlers=[])
        client.proxy = None  # the SDK takes one from the environment
        return client

    async def post(self, workspace_id: str, method: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        """Calls a method that takes JSON; None values are left out. Raises a SlackProblem."""
        token = await self._token_for(workspace_id)
        body = {name: value for name, value in arguments.items() if value is not None}
        return await self._call(method, json={**body, "token": token})

    async def get(self, workspace_id: str, method: str, arguments: Mapping[str, str]) -> dict[str, Any]:
        """Calls a method that only reads. Raises a SlackProblem."""
        token = await self._token_for(workspace_id)
        try:
            return await self._call(method, http_verb="GET", params={**arguments, "token": token})
        except Transient as problem:
            problem.sent = False  # whoever only looks says nothing, however the answer was lost
            raise

    async def without_token(self, method: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Calls a method that takes a form, and no bot token. Raises a SlackProblem."""
        return await self._call(method, data=dict(form))

    async def revoke(self, token: str) -> None:
        """Gives a token back. Raises a SlackProblem."""
        await self._call("auth.revoke", http_verb="GET", params={"token": token})

    async def identify(self, token: str) -> Identity:
        """Whom a token speaks for. Raises a SlackProblem."""
        try:
            answer = await self._client.api_call("auth.test", json={"token": token})
        except Exception as error:
            raise translate(error) from None
        data = _object(answer.data)
        if not data.get("team_id"):
            raise Transient("unreadable_answer", sent=False)
        scopes = next((v for k, v in answer.headers.items() if k.lower() == "x-oauth-scopes"), "")
        return Identity(
            team_id=str(data.get("team_id") or ""),
            team_name=str(data.get("team") or ""),
            bot_user_id=str(data.get("user_id") or ""),
            bot_id=str(data.get("bot_id") or ""),
            enterprise_id=data.get("enterprise_id") or None,
            scopes=frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
        )

    async def _call(self, method: str, **request: Any) -> dict[str, Any]:
        try:
            answer = await self._client.api_call(method, **request)
        except Exception as error:
            # Cut off on purpose: the SDK's errors quote the whole answer.
            raise translate(error) from None
        return _object(answer.data)


def _object(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Transient("unreadable_answer")
    return data
