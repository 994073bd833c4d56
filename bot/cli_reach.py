"""What `doctor` asks of Slack, and whether the public address leads to this very bot."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from bot.domain.house import wall_now
from bot.manifest import bot_scopes
from bot.outbound import Rewriter
from bot.running import CannotStart, listening
from bot.settings import Settings
from bot.slack.api import Api
from bot.slack.errors import SlackProblem, Transient, WorkspaceGone
from bot.web.service import PROCESS_HEADER, healthz, process_mark

SKEW_SECONDS = 30.0
SLACK_REFUSES_SECONDS = 300.0
START_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `advice` says what to do, or what to copy."""

    ok: bool
    about: str
    what: str
    advice: str = ""


def well(about: str, what: str, advice: str = "") -> Finding:
    return Finding(True, about, what, advice)


def wrong(about: str, what: str, advice: str) -> Finding:
    return Finding(False, about, what, advice)


async def slack(
    settings: Settings, session: aiohttp.ClientSession, tokens: Sequence[tuple[str, str]] = ()
) -> list[Finding]:
    """The bot token with its scopes, and this machine's clock against Slack's. `tokens` are those of many
    workspaces, each with its workspace's name."""
    rewriter = Rewriter(settings.outbound_url)
    clock = await _clock(session, rewriter.url(settings.slack_api_url))
    api = Api(session, rewriter, settings.slack_api_url, _no_workspace)
    if settings.slack_bot_token is None:
        page = f"{settings.public_url}/slack/install"
        found = [
            clock,
            well("Slack", f"many workspaces, {len(tokens)} of them here", f"Install page: {page}"),
        ]
        for name, token in tokens:
            advice = f"Have the bot installed again there: {page}"
            found += await _token(api, token, f"Slack ({name})", advice)
        return found
    advice = "Copy SLACK_BOT_TOKEN again: api.slack.com/apps, your app, OAuth & Permissions."
    return [clock, *await _token(api, settings.slack_bot_token.get_secret_value(), "Slack", advice)]


async def _no_workspace(_: str) -> str:
    raise WorkspaceGone("not_installed")


async def _token(api: Api, token: str, about: str, when_refused: str) -> list[Finding]:
    try:
        identity = await api.identify(token)
    except Transient as problem:
        return [wrong(about, f"does not answer ({problem.word})", "Try again in a minute.")]
    except SlackProblem as problem:
        return [wrong(about, f"refuses the bot token ({problem.word})", when_refused)]
    found = [well(about, f"the token speaks for {identity.team_name or identity.team_id}")]
    missing = sorted(_wanted_scopes() - identity.scopes)
    if missing and identity.scopes:
        advice = "Bring the app up to the printed `lamplighter manifest`, and install it again."
        return [*found, wrong(f"{about} scopes", f"missing: {', '.join(missing)}", advice)]
    said = "all there" if identity.scopes else "Slack did not say which the token has"
    return [*found, well(f"{about} scopes", said)]


def _wanted_scopes() -> frozenset[str]:
    return frozenset(bot_scopes())


async def _clock(session: aiohttp.ClientSession, base_url: str) -> Finding:
    try:
        async with session.post(f"{base_url.rstrip('/')}/api.test") as answer:
            said = parsedate_to_datetime(answer.headers.get("Date", ""))
    except (aiohttp.ClientError, TimeoutError, OSError):
        return wrong("Clock", "not compared: Slack cannot be reached", "May this machine reach slack.com?")
    except ValueError:
        return well("Clock", "not compared: Slack's answer names no time")
    skew = (wall_now() - (said if said.tzinfo else said.replace(tzinfo=UTC))).total_seconds()
    return _skew(skew)


def _skew(seconds: float) -> Finding:
    words = f"{abs(seconds):.0f} seconds {'ahead of' if seconds > 0 else 'behind'} Slack's"
    if abs(seconds) <= SKEW_SECONDS:
        return well("Clock", "agrees with Slack's")
    worse = " Slack's requests are refused like this." if abs(seconds) >= SLACK_REFUSES_SECONDS else ""
    return wrong("Clock", words, f"Set this machine's clock right (NTP).{worse}")


async def public_address(
    settings: Settings, session: aiohttp.ClientSession, process_ids: Sequence[str]
) -> Finding:
    """Whether LAMPLIGHTER_PUBLIC_URL leads to a running process of this database, or, where none runs, to
    this command while it listens in the bot's place."""
    if process_ids:
        marks = {process_mark(process_id) for process_id in process_ids}
        return await _reached(settings.public_url, session, marks, "a running bot of this database")
    mark = secrets.token_hex(8)
    try:
        async with _standing_in(settings, mark):
            return await _reached(settings.public_url, session, {mark}, "this machine; no bot runs yet")
    except CannotStart as error:
        return wrong("Public address", "not checked", f"{error} No bot of this database runs.")


async def _reached(public_url: str, session: aiohttp.ClientSession, marks: set[str], whom: str) -> Finding:
    about = "Public address"
    try:
        async with session.get(f"{public_url}/healthz", allow_redirects=False) as answer:
            status, mark = answer.status, answer.headers.get(PROCESS_HEADER, "")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        advice = "Does the reverse proxy run, with a valid certificate, and does the name lead to it?"
        return wrong(about, f"{public_url} does not answer ({type(error).__name__})", advice)
    if status == 200 and mark in marks:
        return well(about, f"{public_url} reaches {whom}")
    if mark:
        advice = "It leads to another Lamplighter. Compare LAMPLIGHTER_PUBLIC_URL and the proxy."
        return wrong(about, f"{public_url} reaches another bot", advice)
    advice = "Have the proxy pass every path on to LAMPLIGHTER_HOST and LAMPLIGHTER_PORT unchanged."
    return wrong(about, f"{public_url} reaches something else (status {status})", advice)


@asynccontextmanager
async def _standing_in(settings: Settings, mark: str) -> AsyncIterator[None]:
    """Answers /healthz where the bot would. Raises CannotStart when the port is taken."""
    listener = listening(settings.host, settings.port)
    app = Starlette(routes=[Route("/healthz", healthz, methods=["GET"])])
    app.state.process = mark
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    deadline = datetime.now(UTC).timestamp() + START_SECONDS
    try:
        while not server.started and not serving.done() and datetime.now(UTC).timestamp() < deadline:
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await serving
