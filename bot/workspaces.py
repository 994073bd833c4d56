"""Whose workspace the bot speaks in: the one whose token the settings hold, or the many that install it."""

from __future__ import annotations

import asyncio

import structlog

from bot.domain import installing, welcoming
from bot.domain.house import House
from bot.domain.installing import Team
from bot.manifest import bot_scopes
from bot.running import CannotStart
from bot.settings import Settings
from bot.slack.api import Api, Identity
from bot.slack.errors import SlackProblem, Transient, WorkspaceGone
from bot.slack.gateway import Gateway
from bot.slack.installs import Installs, known_identity, remember_token, sealed_token, single_token
from bot.slack.oauth import SlackApp
from bot.web import install
from storage import clients

log = structlog.get_logger(__name__)


async def single(settings: Settings, house: House, api: Api) -> Identity:
    """The one workspace whose token the settings hold; a token that was never seen here installs it."""
    token = _bot_token(settings)
    known = await known_identity(house.db, token)
    if known is not None:
        return known
    identity = await _identified(api, token)
    team = Team(identity.team_id, identity.team_name, identity.bot_user_id)
    async with house.db.write() as session:
        row, _ = await installing.install(session, house, team)
        await remember_token(session, row, identity, token)
    return identity


def installs_for(settings: Settings, house: House, identity: Identity | None) -> Installs:
    """Where tokens come from: each workspace's own row, or for `identity` the settings."""
    if identity is None:
        return Installs(house.db, sealed_token(house.vault))
    token = single_token(_bot_token(settings), identity.team_id)
    return Installs(house.db, token, bot_id=identity.bot_id)


def _bot_token(settings: Settings) -> str:
    return settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else ""


def slack_app(settings: Settings, house: House, api: Api) -> SlackApp:
    """Our app as many workspaces install it."""
    assert settings.slack_client_id is not None and settings.slack_client_secret is not None
    return SlackApp(
        api=api,
        client_id=settings.slack_client_id,
        client_secret=settings.slack_client_secret,
        redirect_uri=f"{house.public_url}{install.REDIRECT}",
        scopes=bot_scopes(),
        allowed=settings.slack_allowed_teams,
        api_url=settings.slack_api_url,
    )


async def _identified(api: Api, token: str) -> Identity:
    """Asks Slack until it answers. Only a token's first start needs this; later ones do without Slack."""
    pause = 1.0
    while True:
        try:
            return await api.identify(token)
        except Transient as problem:
            log.warning("slack_does_not_answer", problem=problem.word, again_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 60.0)
        except SlackProblem as problem:
            raise CannotStart(
                f"Slack refuses SLACK_BOT_TOKEN ({problem.word}). Copy it again from your app's page "
                "at api.slack.com/apps, under OAuth & Permissions."
            ) from None


async def no_token(_: str) -> str:
    """For what is asked of Slack before any workspace is known: it travels with a token of its own."""
    raise WorkspaceGone("not_installed")


async def know_owner(house: House, gateway: Gateway, team_id: str) -> None:
    """Until set-up is done, operator notices go to whoever owns the workspace.

    A start never fails for this: where Slack does not say it, the next start asks again."""
    async with house.db.read() as session:
        workspace = await clients.workspace_of_team(session, team_id)
        if workspace is None or not await welcoming.needs_owner(session, workspace.id):
            return
    try:
        owner = await gateway.owner(workspace.id)
    except SlackProblem as problem:
        log.warning("owner_unknown", problem=problem.word)
        return
    if owner is not None:
        async with house.db.write() as session:
            await welcoming.welcome(session, workspace.id, owner)
