"""Slack's own OAuth: the address of its consent page, a code's exchange, and giving a token back.

What Slack answers beyond one workspace's lasting bot token is told apart here, and refused by the door.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urljoin

from pydantic import SecretStr

from bot.slack.api import Api
from bot.slack.errors import OurFault, Transient

__all__ = ["Given", "SlackApp"]

AUTHORIZE = "/oauth/v2/authorize"


@dataclass(frozen=True)
class Given:
    """What a code was exchanged for. `team_id` is empty for an install in a whole organisation.

    `rotates`: the token comes with a refresh token or an end, because token rotation is on.
    """

    token: str = field(repr=False)
    team_id: str
    team_name: str
    bot_user_id: str
    user_id: str
    enterprise_id: str | None = None
    org_wide: bool = False
    rotates: bool = False


@dataclass(frozen=True)
class SlackApp:
    """Our app at Slack. `allowed` closes it to other teams; None is open. `api_url` ends with a slash."""

    api: Api
    client_id: str
    client_secret: SecretStr
    redirect_uri: str
    scopes: tuple[str, ...]
    allowed: frozenset[str] | None = None
    api_url: str = "https://slack.com/api/"

    def authorization_url(self, state: str) -> str:
        """Slack's consent page, before any rewriting."""
        query = {
            "client_id": self.client_id,
            "scope": ",".join(self.scopes),
            "redirect_uri": self.redirect_uri,
            "state": state,
        }
        return f"{urljoin(self.api_url, AUTHORIZE)}?{urlencode(query)}"

    async def exchange(self, code: str) -> Given:
        """The token behind a code, which works once. Raises a SlackProblem."""
        form = {
            "client_id": self.client_id,
            "client_secret": self.client_secret.get_secret_value(),
            "code": code,
            "redirect_uri": self.redirect_uri,
        }
        return _read(await self.api.without_token("oauth.v2.access", form))

    def admits(self, given: Given) -> bool:
        """Whether this team may install the app."""
        return self.allowed is None or not self.allowed.isdisjoint({given.team_id, given.enterprise_id})


def _read(answer: Mapping[str, Any]) -> Given:
    token = answer.get("access_token")
    if not isinstance(token, str) or not token:
        raise Transient("unreadable_answer")
    team, enterprise, person = (_part(answer, name) for name in ("team", "enterprise", "authed_user"))
    given = Given(
        token=token,
        team_id=str(team.get("id") or ""),
        team_name=str(team.get("name") or ""),
        bot_user_id=str(answer.get("bot_user_id") or ""),
        user_id=str(person.get("id") or ""),
        enterprise_id=str(enterprise.get("id") or "") or None,
        org_wide=bool(answer.get("is_enterprise_install")),
        rotates=bool(answer.get("refresh_token") or answer.get("expires_in")),
    )
    if answer.get("token_type") != "bot" or not (given.org_wide or (given.team_id and given.bot_user_id)):
        raise OurFault("no_bot_token")
    return given


def _part(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = answer.get(name)
    return value if isinstance(value, Mapping) else {}
