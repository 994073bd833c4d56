"""The bot's way into a workspace: our install page, Slack's consent, and what came of it.

The page's button starts Slack's OAuth; looking at it does nothing. Tokens that are not kept are given back to
Slack, unless the team has the bot already: taking one token of an app back would take the other with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.domain import installing
from bot.domain.installing import Ending, Team, WalkRefused
from bot.slack.errors import SlackProblem, Transient
from bot.slack.installs import Installs
from bot.slack.oauth import Given, SlackApp
from bot.web import install_words as words
from bot.web.consent import REFRESH_SECONDS, single_strings
from bot.web.door import Door, Press, read_press
from bot.web.guard import form_targets, form_token, new_browser

__all__ = ["Office", "install_routes"]

log = structlog.get_logger(__name__)

INSTALL = "/slack/install"
REDIRECT = "/slack/oauth_redirect"


@dataclass(frozen=True, slots=True)
class Office:
    """What the install pages need beside the door."""

    app: SlackApp
    installs: Installs


def install_routes(door: Door, office: Office) -> list[BaseRoute]:
    """The addresses of installing; only where the bot serves many workspaces."""
    return [
        Route(INSTALL, partial(show, door, office), methods=["GET"]),
        Route(INSTALL, partial(start, door, office), methods=["POST"]),
        Route(f"{INSTALL}/refused/{{why}}", partial(refused, door), methods=["GET"]),
        Route(f"{INSTALL}/{{id}}", partial(result, door), methods=["GET"]),
        Route(REDIRECT, partial(callback, door, office), methods=["GET"]),
    ]


async def show(door: Door, office: Office, request: Request) -> Response:
    """GET /slack/install: what it is, who may, and one button."""
    browser = door.guard.browser(request) or new_browser()
    page = door.pages.render(
        "install.html",
        form_action=form_targets(door.rewriter.url(office.app.authorization_url("none"))),
        action=INSTALL,
        form_token=form_token(browser, INSTALL),
        is_closed=office.app.allowed is not None,
    )
    door.guard.remember(page, browser)
    return page


async def start(door: Door, office: Office, request: Request) -> Response:
    """POST /slack/install: the button. Sends the browser to Slack's consent page."""
    press = await read_press(door, request)
    if not isinstance(press, Press):
        return press
    state = await installing.begin(door.house, press.browser)
    answer = door.redirect(door.rewriter.url(office.app.authorization_url(state)))
    door.guard.remember(answer, press.browser)
    return answer


async def callback(door: Door, office: Office, request: Request) -> Response:
    """GET /slack/oauth_redirect: works Slack's answer, then on to an address without parameters."""
    if request.method == "HEAD":  # a scanner; a person's browser comes by GET
        return Response()
    params = single_strings(request) or {}
    try:
        walk_id, first = await installing.take(
            door.house, params.get("state", ""), door.guard.browser(request)
        )
    except WalkRefused as refusal:
        return door.redirect(f"{door.house.public_url}{INSTALL}/refused/{refusal.why}")
    if first:
        await door.house.tasks.finish(_work(door, office, walk_id, params))
    return door.redirect(f"{door.house.public_url}{INSTALL}/{walk_id}")


async def refused(door: Door, request: Request) -> Response:
    """GET /slack/install/refused/{why}: why an answer was not taken, at an address that carries nothing."""
    said = words.REFUSALS.get(request.path_params["why"])
    if said is None:
        return door.pages.by_status(HTTPStatus.NOT_FOUND)
    return door.pages.say(said, HTTPStatus.BAD_REQUEST, link=INSTALL)


async def result(door: Door, request: Request) -> Response:
    """GET /slack/install/{id}: what came of a walk; only for its own browser."""
    browser = door.guard.browser(request)
    standing = await installing.standing(door.house, request.path_params["id"], browser)
    if standing is None:
        return door.pages.say(words.NOT_YOURS, HTTPStatus.FORBIDDEN, link=INSTALL)
    if standing.result is None:
        return door.pages.say(words.WORKING, HTTPStatus.OK, refresh=REFRESH_SECONDS)
    done = standing.result in (Ending.INSTALLED, Ending.REINSTALLED)
    status = HTTPStatus.OK if done or standing.result is Ending.DECLINED else HTTPStatus.BAD_REQUEST
    said = words.ended(standing.result, standing.team)
    return door.pages.say(said, status, link=None if done else INSTALL)


async def _work(door: Door, office: Office, walk_id: str, params: dict[str, str]) -> None:
    """From the code to the stored token, or to the reason why not. Runs to its end even if the browser
    leaves."""
    code, house = params.get("code", ""), door.house
    if not code:
        declined = params.get("error") == "access_denied"
        await installing.end(house, walk_id, Ending.DECLINED if declined else Ending.NO_CODE)
        return
    try:
        given = await office.app.exchange(code)
    except SlackProblem as problem:
        ending = Ending.NO_ANSWER if isinstance(problem, Transient) else Ending.REFUSED
        log.warning("install_failed", word=problem.word, ending=ending)
        await installing.end(house, walk_id, ending)
        return
    why_not = _why_not(office.app, given)
    if why_not is not None:
        await _give_back(office, given)
        log.warning("install_refused", team=given.team_id, why=why_not)
        await installing.end(house, walk_id, why_not)
        return
    team = Team(given.team_id, given.team_name[:255], given.bot_user_id)
    ending = await installing.finish(house, walk_id, team, given.token, given.user_id)
    office.installs.forget()
    log.info("workspace_installed", team=given.team_id, ending=ending)


def _why_not(app: SlackApp, given: Given) -> Ending | None:
    if given.org_wide:
        return Ending.ORG_WIDE
    if not app.admits(given):
        return Ending.NOT_ALLOWED
    return Ending.ROTATION if given.rotates else None


async def _give_back(office: Office, given: Given) -> None:
    """Best effort: a token that Slack does not take back is forgotten here."""
    if given.team_id and await office.installs.by_team(given.team_id) is not None:
        return
    try:
        await office.app.api.revoke(given.token)
    except SlackProblem as problem:
        log.warning("token_not_given_back", word=problem.word)
