"""What people decide about posts: send again, confirm, send late, drop. Ten presses are one."""

from __future__ import annotations

from collections.abc import Sequence

from slack_bolt.async_app import AsyncApp
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands import choosing, home, outcomes, releasing
from bot.commands.desk import Desk
from bot.commands.requests import (
    OLD_BUTTON,
    Command,
    Press,
    PressHandler,
    listen_for_press,
    read_choices,
)
from bot.commands.scope import find_clients
from bot.commands.who import Asker, demand_member, demand_named
from bot.domain import deciding, pictures
from bot.domain.deciding import Choice, Decision
from bot.domain.errors import NotCurrent, Refused
from bot.domain.preferences import Right
from bot.messages import actions, decisions
from bot.messages.message import Message
from bot.messages.retry import FailureFacts
from storage.models import Client, Delivery


def pressing(
    rule: Decision,
    doing: str,
    done: str,
    commands: Sequence[Command],
    *,
    named: bool = False,
    checked: str = "",
) -> PressHandler:
    """The handler of a button. `named`: only admins and the people named for the client; `checked`: what the
    shared check is asked about first, and a window opens where it found something; `commands`: below all
    in Home."""

    async def handler(desk: Desk, press: Press) -> Message | None:
        demand_member(press.asker, doing)
        choices = read_choices(press)
        if checked:
            where = press.channel_id, home.place(press)
            view = await releasing.asked_first(desk, press.asker, choices, checked, *where)
            if view is not None:
                await desk.gateway.open_view(press.asker.actor.workspace_id, press.trigger_id, view)
                return None
        try:
            async with desk.house.db.write() as session:
                if named:
                    await _demand_named(session, press.asker, choices, doing)
                outcome = await rule(session, press.asker.actor, choices, desk.house.clock.now())
        except NotCurrent:
            raise Refused(await outcomes.stale(desk, press.asker, choices)) from None
        desk.house.wake.all()
        said = decisions.decided(done, len(outcome.changed), len(choices))
        if home.is_home(press):
            await home.redraw(desk, press, said.text, commands)
            return None
        return decisions.above(said, await _rest(desk, press)) if press.is_ephemeral else said

    return handler


async def _rest(desk: Desk, press: Press) -> FailureFacts:
    """What is left to look at, for the list that the button stood in."""
    actor = press.asker.actor
    async with desk.house.db.read() as session:
        found = await find_clients(session, actor, "")
        return await pictures.failures(session, desk.house, actor.workspace_id, [row.id for row in found])


async def _demand_named(session: AsyncSession, asker: Asker, choices: Sequence[Choice], doing: str) -> None:
    for choice in choices:
        row = await session.get(Delivery, choice.delivery_id)
        if row is None or row.workspace_id != asker.actor.workspace_id:
            raise NotCurrent(OLD_BUTTON)
        demand_named(asker, await session.get_one(Client, row.client_id), doing, Right.SEND_AGAIN)


def register(app: AsyncApp, desk: Desk, commands: Sequence[Command]) -> None:
    """The buttons under posts and late posts, wherever they stand."""
    retry = pressing(
        deciding.retry, "send posts again", "sent on its way again", commands, checked=releasing.RETRY
    )
    again = pressing(deciding.post_again, "post something again", "going out again", commands, named=True)
    live = pressing(deciding.it_is_live, "settle posts", "noted as live; it is not sent again", commands)
    late = pressing(
        deciding.send_late, "send waiting posts", "going out now", commands, checked=releasing.LATE
    )
    drop = pressing(deciding.drop, "drop posts", "dropped; it will not be sent", commands)
    for action_id, handler in (
        (actions.RETRY, retry),
        (actions.POST_AGAIN, again),
        (actions.IT_IS_LIVE, live),
        (actions.SEND_LATE, late),
        (actions.DROP, drop),
    ):
        listen_for_press(app, desk, action_id, handler, replaces=True)
    choosing.register(app, desk)
    releasing.register(app, desk, commands)
