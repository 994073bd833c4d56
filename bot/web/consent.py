"""The way back: the platform's callback, and the page that shows what came of it or asks."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from bot.domain import consenting
from bot.domain.consenting import Callback, CallbackRefused
from bot.domain.walk import ConsentView, consent_view
from bot.web import words
from bot.web.door import Door, Press, read_press
from bot.web.guard import form_token

UNDER_WAY = ("started", "exchanging")
REFRESH_SECONDS = 2


async def callback(door: Door, request: Request) -> Response:
    """GET /oauth/{platform}/callback: works the answer, then on to an address without parameters."""
    platform = request.path_params["platform"]
    if platform not in door.house.platforms or platform not in door.house.apps:
        return door.pages.by_status(HTTPStatus.NOT_FOUND)
    if request.method == "HEAD":  # a scanner; a person's browser comes by GET
        return Response()
    params = single_strings(request)
    if params is None:
        return door.redirect(f"{door.house.public_url}/refused/odd")
    arrived = Callback(platform, params, door.guard.browser(request))
    try:
        consent_id = await consenting.callback(door.house, arrived)
    except CallbackRefused as refused:
        return door.redirect(f"{door.house.public_url}/refused/{refused.why}")
    return door.to_consent(consent_id)


async def refused(door: Door, request: Request) -> Response:
    """GET /refused/{why}: why an answer was not taken, at an address that carries nothing of it."""
    why = request.path_params["why"]
    if why == "odd":
        return door.pages.say(words.ODD_ANSWER, HTTPStatus.BAD_REQUEST)
    if why not in consenting.REFUSALS:
        return door.pages.by_status(HTTPStatus.NOT_FOUND)
    return door.pages.say(words.refused(why, consenting.REFUSALS[why]), HTTPStatus.BAD_REQUEST)


def single_strings(request: Request) -> dict[str, str] | None:
    """The query's parameters; None where one comes twice or as an array."""
    items = request.query_params.multi_items()
    params = dict(items)
    if len(params) != len(items) or any("[" in name for name in params):
        return None
    return params


async def show(door: Door, request: Request) -> Response:
    """GET /consent/{id}: the result, the question, or "still working"; only for its own browser."""
    consent_id = request.path_params["id"]
    browser = door.guard.browser(request)
    view = await consent_view(door.house, consent_id, browser)
    if view is None or browser is None:
        return door.pages.say(words.NOT_YOURS, HTTPStatus.FORBIDDEN)
    if view.state == "choosing":
        return _question(door, view, browser, consent_id)
    return _standing(door, view)


async def answer(door: Door, request: Request) -> Response:
    """POST /consent/{id}: the answer to the question: `link` with picks, `decline`, or `again`."""
    press = await read_press(door, request)
    if not isinstance(press, Press):
        return press
    consent_id = request.path_params["id"]
    view = await consent_view(door.house, consent_id, press.browser)
    if view is None:
        return door.pages.say(words.NOT_YOURS, HTTPStatus.FORBIDDEN)
    action = press.one("action")
    if view.state != "choosing" or action not in ("link", "decline", "again"):
        return door.to_consent(consent_id)
    picks = _picks(view, press) if action == "link" else []
    if action == "link" and not picks:  # no answer is not a no
        return _question(door, view, press.browser, consent_id, nothing_picked=True)
    await consenting.choose(door.house, consent_id, press.browser, picks)
    if action == "again" and view.again_link is not None:
        return door.redirect(view.again_link)
    return door.to_consent(consent_id)


def _picks(view: ConsentView, press: Press) -> list[str]:
    """Only what the page offered: nothing where a relink came back as somebody else."""
    offered = {account.id for account in view.accounts if account.usable}
    return [pick for pick in press.all("pick") if pick in offered]


def _question(
    door: Door, view: ConsentView, browser: str, consent_id: str, *, nothing_picked: bool = False
) -> Response:
    path = f"/consent/{consent_id}"
    return door.pages.render(
        "question.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if nothing_picked else HTTPStatus.OK,
        view=view,
        action=path,
        form_token=form_token(browser, path),
        nothing_picked=nothing_picked,
        why_not=words.why_not,
    )


def _standing(door: Door, view: ConsentView) -> Response:
    under_way = view.state in UNDER_WAY
    return door.pages.render(
        "result.html",
        words=words.working(view) if under_way else words.ended(view),
        view=view,
        refresh=REFRESH_SECONDS if view.state == "exchanging" else None,
        permission_page=door.rewriter.url(view.platform.permission_page),
    )
