"""`/health logins`, *Hand over*, and linking with a login that lives already. For members only."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp

from bot.commands import connecting
from bot.commands.desk import Desk
from bot.commands.requests import OLD_BUTTON, Press, listen_for_press
from bot.commands.who import Asker, demand_member
from bot.domain import living
from bot.domain.errors import Refused
from bot.domain.labels import label_on
from bot.domain.pictures import logins as pictures
from bot.domain.pictures.parts import needed_soon
from bot.messages import actions
from bot.messages import logins as messages
from bot.messages.message import Message
from storage import logins as store

WORD = "logins"
"""What stands behind `/health` for this list."""


async def show(desk: Desk, asker: Asker, page: int = 0) -> Message:
    """Every login of the workspace by person. Raises Refused for outsiders: it names every client."""
    demand_member(asker, "see the logins")
    async with desk.house.db.read() as session:
        facts = await pictures.logins(session, desk.house, asker.actor.workspace_id, page)
    return messages.logins_message(facts)


async def turn_page(desk: Desk, press: Press) -> Message:
    number = press.value[:6]
    return await show(desk, press.asker, int(number) if number.isascii() and number.isdigit() else 0)


async def hand_over(desk: Desk, press: Press) -> Message:
    """*Hand over*: the invitation for another login, in the channel of the press."""
    demand_member(press.asker, "hand logins over")
    if press.channel_id is None or press.channel_id.startswith("D"):
        raise Refused("I can only post links in channels. Please use `/health logins` in one.")
    here = await connecting.bot_is_in(desk, press.asker.actor.workspace_id, press.channel_id)
    async with desk.house.db.write() as session:
        return await connecting.hand_over(session, desk, press.asker, press.value, press.channel_id, here)


async def pick_living(desk: Desk, press: Press) -> Message:
    """An account chosen in the menu: asked back by name."""
    demand_member(press.asker, "link accounts without their owner")
    client_id, grant_id, platform, account_id = _parts(press)
    async with desk.house.db.read() as session:
        client = await connecting.visible_client(session, press.asker, client_id)
        found = await living.offers(session, desk.house, client, platform) if client else []
    wanted = (grant_id, account_id)
    chosen = next((item for item in found if (item.grant_id, item.account.id) == wanted), None)
    if client is None or chosen is None:
        raise Refused(living.GONE)
    return messages.ask_by_name(pictures.offered(desk.house, client, chosen))


async def link_living(desk: Desk, press: Press) -> Message:
    """*Link Page X with the login of …*: asks the platform, then links."""
    demand_member(press.asker, "link accounts without their owner")
    client_id, grant_id, platform, account_id = _parts(press)
    async with desk.house.db.read() as session:
        client = await connecting.visible_client(session, press.asker, client_id)
        grant = await store.get(session, press.asker.actor.workspace_id, grant_id)
    if client is None or grant is None:
        raise Refused(living.GONE)
    row, client = await living.link(desk.house, press.asker.actor, client.id, grant.id, platform, account_id)
    now, workspace = desk.house.clock.now(), press.asker.workspace
    return messages.living_linked(
        messages.LivingLink(
            label_on(desk.house, row),
            client.slug,
            client.zone,
            grant.subject_name,
            row.id,
            row.generation,
            needed_soon(desk.house, row.platform, grant, workspace, now),
        )
    )


def _parts(press: Press) -> tuple[str, str, str, str]:
    parts = actions.split(press.value, 4)
    if parts is None:
        raise Refused(OLD_BUTTON)
    return parts[0], parts[1], parts[2], parts[3]


def register(app: AsyncApp, desk: Desk) -> None:
    """The buttons of the list and of the offers."""
    listen_for_press(app, desk, actions.LOGINS_PAGE, turn_page, replaces=True)
    listen_for_press(app, desk, actions.HAND_OVER, hand_over)
    listen_for_press(app, desk, actions.PICK_LIVING, pick_living)
    listen_for_press(app, desk, actions.LINK_LIVING, link_living, replaces=True)
