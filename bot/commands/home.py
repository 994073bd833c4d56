"""The Home tab: the workspace for its members, a plain hello for everybody else.

Slack shows whatever was published last. A picture that took long must not cover a newer one: each is asked
for under Slack's own moment of the press, and where somebody was faster only the last one asked for is
published again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.commands.catalogue import help_lines
from bot.commands.desk import Desk
from bot.commands.requests import Command, Press
from bot.commands.who import Asker, who_asks
from bot.domain import clients
from bot.domain.house import wall_now
from bot.domain.pictures.home import dashboard
from bot.messages.health import EVERYTHING, HealthFacts, Only, place_of
from bot.messages.home import ALL, Dashboard, home
from bot.slack.errors import ViewConflict
from storage import homes


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture that somebody asked for: when (Slack's own moment), and over which one."""

    ts: str
    view_hash: str | None = None


Load = Callable[[], Awaitable[Dashboard | None]]


async def publish(desk: Desk, asker: Asker, asked: Asked, load: Load, commands: Sequence[Command]) -> None:
    """Shows the tab, unless a later picture was asked for meanwhile."""
    workspace_id, user_id = asker.actor.workspace_id, asker.user_id
    async with desk.house.db.write() as session:
        if not await homes.ask(session, workspace_id, user_id, asked.ts):
            return
    lines = help_lines(commands, asker.actor.outsider)
    try:
        view = home(await load(), lines)
        await desk.gateway.publish_view(workspace_id, user_id, view, asked.view_hash)
    except ViewConflict:
        async with desk.house.db.read() as session:
            if not await homes.is_last(session, workspace_id, user_id, asked.ts):
                return
        await desk.gateway.publish_view(workspace_id, user_id, home(await load(), lines))


async def load_page(desk: Desk, asker: Asker, page: int = 0, only: Only = EVERYTHING) -> Dashboard | None:
    """All clients of the workspace for its members; nothing for outsiders, who have no channel here."""
    if asker.actor.outsider:
        return None
    async with desk.house.db.read() as session:
        seen = await clients.visible(session, asker.actor)
        workspace_id = asker.actor.workspace_id
        found = await dashboard(session, desk.house, seen, workspace_id, page, only, asker.user_id)
    return replace(found, may_set=asker.is_admin or asker.is_slack_admin)


async def turn(
    desk: Desk,
    press: Press,
    place: tuple[str, int, Only],
    one_client: Callable[[], Awaitable[HealthFacts]],
    commands: Sequence[Command],
) -> None:
    """Another page of the tab, or (`one_client`) the accounts of one client in it."""
    scope, page, only = place

    async def load() -> Dashboard | None:
        if scope == ALL or press.asker.actor.outsider:
            return await load_page(desk, press.asker, page, only)
        return Dashboard(await one_client(), is_one=True)

    asked = Asked(press.ts or _now(), (press.view or {}).get("hash"))
    await publish(desk, press.asker, asked, load, commands)


def is_home(press: Press) -> bool:
    """Whether the button stood in the tab."""
    return press.view is not None and press.view.get("type") == "home"


async def redraw(desk: Desk, press: Press, said: str, commands: Sequence[Command]) -> None:
    """The page of the tab that the button stood in, as it is after the press, with what that did on top."""
    asked = Asked(press.ts or _now(), (press.view or {}).get("hash"))
    await _redraw(desk, press.asker, place(press), said, commands, asked)


async def redraw_behind(desk: Desk, asker: Asker, seen: str, said: str, commands: Sequence[Command]) -> None:
    """The same after a window that opened from the tab; `seen`: the `place` of the press that opened it."""
    await _redraw(desk, asker, seen, said, commands, Asked(_now()))


def place(press: Press) -> str:
    """The page and the filters of the tab that a button stood in; "" where it stood elsewhere."""
    return str((press.view or {}).get("private_metadata") or "") if is_home(press) else ""


async def _redraw(
    desk: Desk, asker: Asker, seen: str, said: str, commands: Sequence[Command], asked: Asked
) -> None:
    _, page, only = place_of(seen)

    async def load() -> Dashboard | None:
        found = await load_page(desk, asker, page, only)
        return replace(found, said=said) if found is not None else None

    await publish(desk, asker, asked, load, commands)


def _now() -> str:
    return f"{wall_now().timestamp():.6f}"


def register(app: AsyncApp, desk: Desk, commands: Sequence[Command]) -> None:
    """The event that Slack sends whenever somebody opens the tab."""

    async def opened(event: dict[str, Any], workspace_id: str) -> None:
        if event.get("tab") != "home":
            return
        asker = await who_asks(desk, workspace_id, str(event["user"]), None)
        asked = Asked(
            str(event.get("event_ts") or _now()),
            (event.get("view") or {}).get("hash"),
        )
        await publish(desk, asker, asked, lambda: load_page(desk, asker), commands)

    app.event("app_home_opened")(opened)
