"""`/health`: how the accounts are, and what each needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from slack_bolt.async_app import AsyncApp

from bot.commands import before, home, logins
from bot.commands.desk import Desk
from bot.commands.requests import Command, Press, Request, listen_for_command, listen_for_press
from bot.commands.scope import find_clients, scope_word
from bot.commands.who import Asker
from bot.domain import pictures
from bot.messages import actions
from bot.messages.health import EVERYTHING, HealthFacts, Only, health_message, place_of
from bot.messages.message import Message


async def show(desk: Desk, request: Request) -> Message:
    """The channel's clients, one client, all, the logins that they rest on, or what will not hold."""
    if request.text.strip().casefold() == logins.WORD:
        return await logins.show(desk, request.asker)
    if before.asks_before(request.text):
        return await before.show(desk, request.asker, request.text)
    return health_message(await load(desk, request.asker, request.text))


async def load(desk: Desk, asker: Asker, text: str, page: int = 0, only: Only = EVERYTHING) -> HealthFacts:
    """One page of what the asker may see of the clients that `text` names."""
    async with desk.house.db.read() as session:
        found = await find_clients(session, asker.actor, text)
        facts = await pictures.health(
            session,
            desk.house,
            asker.actor.workspace_id,
            [client.id for client in found],
            page,
            scope=scope_word(text),
            only=only,
            reader=asker.user_id,
        )
    if not asker.actor.outsider:
        return facts
    return replace(facts, is_set_up=True, lines=tuple(replace(one, can_check=False) for one in facts.lines))


async def turn_page(desk: Desk, press: Press, commands: Sequence[Command] = ()) -> Message | None:
    """Another page, in the place of the one that was pressed: a message, or Home."""
    place = place_of(press.value)
    if home.is_home(press):
        await home.turn(desk, press, place, lambda: load(desk, press.asker, *place), commands)
        return None
    return health_message(await load(desk, press.asker, *place))


COMMAND = Command(
    "/health",
    "[client, all, logins or before DATE]",
    "shows how the accounts are and what they need",
    show,
    is_for_outsiders=True,
)


def register(app: AsyncApp, desk: Desk, commands: Sequence[Command]) -> None:
    """The command and its pages. `commands` stand below the accounts in Home."""

    async def page(desk: Desk, press: Press) -> Message | None:
        return await turn_page(desk, press, commands)

    listen_for_command(app, desk, COMMAND)
    before.register(app, desk)
    listen_for_press(app, desk, actions.HEALTH_PAGE, page, replaces=True)
