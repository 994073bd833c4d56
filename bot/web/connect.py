"""The invitation page. Looking consumes nothing, for scanners fetch links; only the button starts OAuth."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from bot.domain import consenting, inviting
from bot.domain.house import House
from bot.domain.walk import InvitationView, Standing, invitation_view
from bot.outbound import Rewriter
from bot.web import words
from bot.web.door import Door, Press, read_press
from bot.web.guard import form_targets, form_token, new_browser


async def show(door: Door, request: Request) -> Response:
    """GET /connect/{token}: who asks, for whom, what will be allowed, and one button."""
    token = request.path_params["token"]
    view = await invitation_view(door.house, token)
    if view is None:
        return door.pages.say(words.NO_SUCH_LINK, HTTPStatus.NOT_FOUND)
    browser = door.guard.browser(request) or new_browser()
    path = f"/connect/{token}"
    usable = view.standing is Standing.USABLE
    page = _usable_page(door, view, browser, path) if usable else _gone_page(door, view, browser, path)
    door.guard.remember(page, browser)
    return page


async def start(door: Door, request: Request) -> Response:
    """POST /connect/{token}: the button. Sends the browser to the platform's consent."""
    press = await read_press(door, request)
    if not isinstance(press, Press):
        return press
    token = request.path_params["token"]
    view = await invitation_view(door.house, token)
    if view is None or view.standing is not Standing.USABLE:
        return await show(door, request)
    address = await consenting.begin(door.house, token, press.browser)
    if address is None:  # used up between the two looks
        return await show(door, request)
    answer = door.redirect(door.rewriter.url(address))
    door.guard.remember(answer, press.browser)
    return answer


async def send_fresh(door: Door, request: Request) -> Response:
    """POST /connect/{token}/fresh: a fresh link, posted where the old one stood."""
    press = await read_press(door, request)
    if not isinstance(press, Press):
        return press
    token = request.path_params["token"]
    view = await invitation_view(door.house, token)
    if view is None:
        return door.pages.say(words.NO_SUCH_LINK, HTTPStatus.NOT_FOUND)
    if not view.can_refresh:
        return door.redirect(f"{door.house.public_url}/connect/{token}")
    sent = await _post_fresh(door.house, token)
    return door.pages.say(words.FRESH_SENT if sent else words.FRESH_ALREADY, HTTPStatus.OK)


async def _post_fresh(house: House, token: str) -> bool:
    async with house.db.write() as session:
        old = await inviting.find(session, token)
        assert old is not None
        notice = await inviting.send_fresh(session, house, old, house.clock.now())
    house.wake.outbox.set()
    return notice is not None


def _usable_page(door: Door, view: InvitationView, browser: str, path: str) -> Response:
    return door.pages.render(
        "connect.html",
        form_action=form_targets(_consent_address(door.house, door.rewriter, view.platform.key)),
        view=view,
        action=path,
        form_token=form_token(browser, path),
    )


def _gone_page(door: Door, view: InvitationView, browser: str, path: str) -> Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE if view.standing is Standing.OFF else HTTPStatus.GONE
    action = f"{path}/fresh"
    return door.pages.render(
        "gone.html",
        status,
        words=words.gone(view),
        view=view,
        action=action,
        form_token=form_token(browser, action),
    )


def _consent_address(house: House, rewriter: Rewriter, platform: str) -> str:
    """Where the button will lead, but for the state: only its origin is of interest here."""
    there = house.platforms[platform]
    challenge = "none" if there.info.pkce else None
    url = there.authorization_url(house.apps[platform], house.redirect_uri(platform), "none", challenge)
    return rewriter.url(url)
