"""One account's window, opened from `/health` and from Home, and its buttons."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.commands import connecting
from bot.commands.desk import Desk
from bot.commands.requests import Press, listen_for_press
from bot.commands.who import Asker, demand_member
from bot.domain import check_now
from bot.domain.errors import NotCurrent, Refused
from bot.domain.pictures import detail as pictures
from bot.messages import actions
from bot.messages import detail as messages

GONE = "This account is not connected any more. `/health` shows how things are."


async def open_detail(desk: Desk, press: Press) -> None:
    """Opens the window of the account that was chosen."""
    view = await _window(desk, press.asker, press.value, press.channel_id)
    await desk.gateway.open_view(press.asker.actor.workspace_id, press.trigger_id, view)


async def _window(
    desk: Desk, asker: Asker, connection_id: str, channel_id: str | None, said: str = ""
) -> Mapping[str, object]:
    async with desk.house.db.read() as session:
        row = await connecting.visible_account(session, asker, connection_id)
        client = await connecting.visible_client(session, asker, row.client_id) if row else None
        if row is None or client is None:
            raise NotCurrent(GONE)
        is_member = not asker.actor.outsider
        facts = await pictures.detail(session, desk.house, row, client, is_member=is_member)
    carried = json.dumps({"connection": connection_id, "channel": channel_id})
    return messages.detail(pictures.said(facts, said), carried)


async def check(desk: Desk, press: Press) -> None:
    """*Check now*: one live look, and the window with what came of it."""
    demand_member(press.asker, "check accounts")
    view, workspace_id = press.view or {}, press.asker.actor.workspace_id
    try:
        well = await check_now.check_account(desk.house, press.asker.actor, press.value)
        said = "It answers, and works." if well else "It does not work yet: the reason stands below."
    except Refused as refused:
        said = refused.text
    shown = await _window(desk, press.asker, press.value, channel_of(view), said)
    await desk.gateway.update_view(workspace_id, str(view.get("id")), shown)


def channel_of(view: Mapping[str, Any]) -> str | None:
    """The channel that a window was opened in."""
    try:
        found = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        return None
    channel = found.get("channel") if isinstance(found, dict) else None
    return channel if isinstance(channel, str) else None


def register(app: AsyncApp, desk: Desk) -> None:
    """The menu that opens it, and its own button; the others are those of lists."""
    listen_for_press(app, desk, actions.HEALTH_DETAIL, open_detail)
    listen_for_press(app, desk, actions.CHECK_ACCOUNT, check)
