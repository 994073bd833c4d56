"""The demo's clock: shows house time and lets it run ahead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.page import Panel

PATH = "/_clock/advance"
STEPS = {"10 minutes": 600, "1 hour": 3600, "1 day": 86_400, "1 week": 604_800, "30 days": 2_592_000}
MOST_SECONDS = 400 * 86_400

Advance = Callable[[float], Awaitable[None]]


def clock_panel(offset: Callable[[], float]) -> Panel:
    """The panel; its buttons go to `clock_route`."""

    def render() -> Markup:
        now = datetime.now(UTC) + timedelta(seconds=offset())
        shown = now.strftime("%A, %d %B %Y, %H:%M UTC")
        buttons = Markup("").join(
            Markup('<button name="seconds" value="{}" data-testid="advance-{}">+ {}</button> ').format(
                seconds, seconds, words
            )
            for words, seconds in STEPS.items()
        )
        return Markup(
            '<p><strong data-testid="house-time">{}</strong></p>'
            '<form method="post" action="{}">{}</form>'
            "<p><small>The bot works through everything that falls due on the way.</small></p>"
        ).format(shown, PATH, buttons)

    return Panel("clock", "House clock", render)


def clock_route(advance: Advance) -> Route:
    """Takes the buttons' posts: `seconds`, more than 0 and at most 400 days."""

    async def endpoint(request: Request) -> Response:
        form = await request.form()
        try:
            seconds = float(str(form.get("seconds", "")))
        except ValueError:
            return PlainTextResponse("seconds: a number", 400)
        if not 0 < seconds <= MOST_SECONDS:
            return PlainTextResponse("seconds: more than 0, at most 400 days", 400)
        await advance(seconds)
        return PlainTextResponse("ok")

    return Route(PATH, endpoint, methods=["POST"])
