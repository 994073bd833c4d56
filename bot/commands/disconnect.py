"""`/disconnect`: the accounts that may go, and the button that does it."""

from __future__ import annotations

from collections.abc import Sequence

from slack_bolt.async_app import AsyncApp
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.desk import Desk
from bot.commands.parse import LONGEST, parse
from bot.commands.requests import (
    OLD_BUTTON,
    Command,
    Press,
    Request,
    listen_for_command,
    listen_for_press,
)
from bot.commands.scope import find_clients
from bot.commands.who import Asker, demand_member, demand_named
from bot.commands.wish import Wish, understand
from bot.domain import clients, disconnecting
from bot.domain.errors import NotCurrent, Refused
from bot.domain.pictures.parts import account, client_name
from bot.domain.preferences import Right
from bot.messages import actions, detail
from bot.messages import disconnect as messages
from bot.messages.blocks import safe
from bot.messages.disconnect import Leaving
from bot.messages.message import Message
from storage import clients as client_rows
from storage import connections, deliveries
from storage.models import Client, Connection

DOING = "disconnect accounts"


async def show(desk: Desk, request: Request) -> Message:
    """The accounts that were meant, each with its button. Changes nothing."""
    demand_member(request.asker, DOING)
    typed = parse(request.text, desk.house.platforms)
    if typed.too_long:
        raise Refused(f"That is more than I can read in a command ({LONGEST:,} characters).")
    async with desk.house.db.read() as session:
        seen = await clients.visible(session, request.asker.actor)
        known = await clients.names(session, request.asker.actor.workspace_id, seen)
        wish = understand(typed, known)
        if wish.strange:
            raise Refused(_strange(wish))
        named = await find_clients(session, request.asker.actor, wish.client or "")
        allowed = _allowed(request.asker, named)
        return await _listing(session, desk, allowed, wish)


def _strange(wish: Wish) -> str:
    word = safe(wish.strange[0], 40)
    return f"I do not know “{word}”. Try `/disconnect instagram client-a @handle`, or only `/disconnect`."


def _allowed(asker: Asker, named: Sequence[Client]) -> list[Client]:
    """The clients among `named` whose accounts the asker may disconnect. Raises Refused where it is none."""
    allowed = []
    refused: Refused | None = None
    for client in named:
        try:
            demand_named(asker, client, DOING, Right.DISCONNECT)
        except Refused as error:
            refused = refused or error
        else:
            allowed.append(client)
    if refused is not None and not allowed:
        raise refused
    return allowed


async def _listing(
    session: AsyncSession, desk: Desk, allowed: Sequence[Client], wish: Wish, done: str = ""
) -> Message:
    by_id = {client.id: client for client in allowed}
    workspace_id = allowed[0].workspace_id if allowed else ""
    rows = [row for row, _ in await connections.with_grants(session, workspace_id, by_id)]
    found = [row for row in rows if _is_meant(row, wish)]
    found.sort(key=lambda row: (by_id[row.client_id].slug, row.platform, row.handle.casefold()))
    shown = found[: messages.SHOWN_MOST]
    items = [await _leaving(session, desk, row, by_id[row.client_id]) for row in shown]
    some = bool(wish.platforms or wish.handle)
    return messages.listing(items, len(found), done, of_some=some)


def _is_meant(row: Connection, wish: Wish) -> bool:
    if wish.platforms and row.platform not in wish.platforms:
        return False
    return wish.handle is None or row.handle.lstrip("@").casefold() == wish.handle.casefold()


async def _leaving(session: AsyncSession, desk: Desk, row: Connection, client: Client) -> Leaving:
    waiting, _ = await deliveries.waiting(session, [row.id])
    on_the_way = await disconnecting.in_flight(session, Connection.id == row.id)
    return Leaving(client_name(client), account(desk.house, row), row.id, row.generation, waiting, on_the_way)


async def press(desk: Desk, press: Press) -> Message | None:
    """Disconnects the account, as it was when the list was written."""
    asker, parts = press.asker, actions.split(press.value, 2)
    demand_member(asker, DOING)
    if parts is None or not (parts[1].isascii() and parts[1].isdigit() and len(parts[1]) < 10):
        raise Refused(OLD_BUTTON)
    async with desk.house.db.write() as session:
        row = await connections.get(session, asker.actor.workspace_id, parts[0])
        client = await client_rows.get(session, asker.actor.workspace_id, row.client_id) if row else None
        if row is None or client is None:
            raise NotCurrent(OLD_BUTTON)
        demand_named(asker, client, DOING, Right.DISCONNECT)
        now = desk.house.clock.now()
        gone = await disconnecting.disconnect(session, asker.actor, row.id, int(parts[1]), now)
        said = messages.done_words(account(desk.house, row), client_name(client), gone.cancelled)
        answer = await _listing(session, desk, [client], Wish((), None, None), said)
    desk.house.wake.all()
    if press.view is not None and press.view.get("type") == "modal":
        view_id = str(press.view.get("id"))
        await desk.gateway.update_view(asker.actor.workspace_id, view_id, detail.saying(said))
        return None
    return answer


COMMAND = Command(
    "/disconnect",
    "[platform] [client] [@handle]",
    "disconnects an account, after asking; what is queued on it is cancelled",
    show,
)


def register(app: AsyncApp, desk: Desk) -> None:
    """The command and its button."""
    listen_for_command(app, desk, COMMAND)
    listen_for_press(app, desk, messages.PRESS, press, replaces=True)
