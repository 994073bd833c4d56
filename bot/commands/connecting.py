"""Asking for links: which accounts are new, which exist already, and where the invitation goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import available_timezones

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.desk import Desk
from bot.commands.parse import TITLES
from bot.commands.who import Asker
from bot.domain import clients, handing_over, health, inviting, living
from bot.domain.errors import Refused
from bot.domain.inviting import Wanted
from bot.domain.living import Offer
from bot.domain.pictures.logins import offered
from bot.messages import connect as messages
from bot.messages.logins import Offered, hand_over_asked
from bot.messages.message import Message
from bot.slack.errors import ChannelUnreachable
from storage import clients as client_rows
from storage import connections, logins
from storage.models import Client, Connection, Grant, Notice

HELD = "held"
"""A notice that waits until the bot is let into its channel."""


@dataclass(frozen=True, slots=True)
class Wanting:
    """What is asked for: platforms that are switched on, where, and what could not be asked for."""

    platforms: tuple[str, ...]
    channel_id: str
    handle: str | None = None
    off: tuple[messages.SwitchedOff, ...] = ()
    bot_is_here: bool = True


async def bot_is_in(desk: Desk, workspace_id: str, channel_id: str) -> bool:
    """Whether the bot may post there. A no is not believed twice: an invite may follow at once."""
    try:
        here = (await desk.gateway.channel(workspace_id, channel_id)).is_member
    except ChannelUnreachable:
        here = False
    if not here:
        desk.gateway.forget_channel(workspace_id, channel_id)
    return here


def zone_for(asker: Asker) -> str:
    """The zone of a new client: the workspace's, before the set-up that of whoever creates it."""
    if asker.workspace.set_up_at is None and asker.zone in available_timezones():
        return str(asker.zone)
    return asker.workspace.zone


def switched(
    desk: Desk, asker: Asker, platforms: Sequence[str]
) -> tuple[tuple[str, ...], tuple[messages.SwitchedOff, ...]]:
    """The platforms that can be linked now, and those that cannot."""
    on = tuple(key for key in platforms if key in desk.house.platforms and key in desk.house.apps)
    off = []
    for key in platforms:
        if key in on:
            continue
        known = desk.house.platforms.get(key)
        title = desk.titles.get(key) or TITLES.get(key, key.capitalize())
        client_id, secret, reviewed = settings_of(key)
        settings = (client_id, secret) if known and asker.is_admin else ()
        needs_review = known.info.needs_review if known else None
        off.append(messages.SwitchedOff(title, known is not None, settings, needs_review, reviewed))
    return on, tuple(off)


def settings_of(key: str) -> tuple[str, str, str]:
    """The settings of a platform's app: id, secret, and whether it was reviewed."""
    name = key.upper()
    return f"{name}_CLIENT_ID", f"{name}_CLIENT_SECRET", f"{name.removesuffix('_PAGES')}_REVIEWED"


async def ask(
    session: AsyncSession, desk: Desk, asker: Asker, client: Client, wanting: Wanting, created: bool = False
) -> messages.Asked:
    """Writes the invitation for what is new; what exists already is asked back, unless the handle says it."""
    await _keep_apart(session, client, wanting.channel_id)
    new: list[Wanted] = []
    existing: list[messages.Existing] = []
    offers: list[Offered] = []
    for platform in wanting.platforms:
        rows = await connections.of_client(session, client.id, platform)
        match = [row for row in rows if wanting.handle and _same(row.handle, wanting.handle)]
        if match:
            new.append(Wanted(platform, match[0].handle or None, match[0].id))
            continue
        has_some = bool(rows) and not wanting.handle
        found = await _living(session, desk, asker, client, platform, wanting.handle)
        to_choose = has_some or any(not item.elsewhere or wanting.handle for item in found)
        offers += [offered(desk.house, client, item, was_invited=not to_choose) for item in found]
        if has_some:
            existing += [await _existing(session, desk, asker, client, row) for row in rows]
        elif not to_choose:
            new.append(Wanted(platform, wanting.handle))
    if new:
        await _invite(session, desk, asker, client, new, wanting)
    titles = tuple(desk.titles[item.platform] for item in new)
    return messages.Asked(
        client=named(client),
        invited=titles,
        existing=tuple(existing),
        offers=tuple(offers),
        off=wanting.off,
        created=created,
        invite_bot=None if wanting.bot_is_here or not new else asker.workspace.bot_user_id,
    )


async def reconnect(
    session: AsyncSession, desk: Desk, asker: Asker, connection_id: str, wanting: Wanting
) -> messages.Asked:
    """Asks for one existing account again. Raises Refused for what the asker may not see."""
    row = await visible_account(session, asker, connection_id)
    client = await visible_client(session, asker, row.client_id) if row is not None else None
    if row is None or client is None:
        raise Refused("That account is not connected any more. `/connect` links it again.")
    if row.platform not in desk.house.apps:
        raise Refused(f"{desk.house.title(row.platform)} is not switched on here at the moment.")
    await _keep_apart(session, client, wanting.channel_id)
    item = Wanted(row.platform, row.handle or None, row.id)
    await _invite(session, desk, asker, client, [item], wanting)
    return messages.Asked(
        client=named(client),
        invited=(desk.titles[row.platform],),
        invite_bot=None if wanting.bot_is_here else asker.workspace.bot_user_id,
    )


async def add_another(
    session: AsyncSession, desk: Desk, asker: Asker, client: Client, wanting: Wanting
) -> messages.Asked:
    """Asks for one more account where the client has some already."""
    await _keep_apart(session, client, wanting.channel_id)
    items = [Wanted(platform) for platform in wanting.platforms]
    await _invite(session, desk, asker, client, items, wanting)
    return messages.Asked(
        client=named(client),
        invited=tuple(desk.titles[platform] for platform in wanting.platforms),
        invite_bot=None if wanting.bot_is_here else asker.workspace.bot_user_id,
    )


async def hand_over(
    session: AsyncSession, desk: Desk, asker: Asker, grant_id: str, channel_id: str, bot_is_here: bool
) -> Message:
    """Asks for another login in the place of one. Raises Refused."""
    actor, now = asker.actor, desk.house.clock.now()
    grant = await logins.get(session, actor.workspace_id, grant_id)
    reach = await logins.reach(session, actor.workspace_id, [grant_id])
    if grant is None or not reach:
        raise Refused(handing_over.GONE)
    await _keep_apart(session, reach[0].client, channel_id)
    notice, _ = await handing_over.ask(session, desk.house, actor, grant_id, channel_id, now)
    if not bot_is_here:
        notice.state, notice.next_at = HELD, None
    desk.house.wake.outbox.set()
    title = desk.titles.get(handing_over.word_of(desk.house, grant) or "", grant.provider)
    invite_bot = None if bot_is_here else asker.workspace.bot_user_id
    return hand_over_asked(grant.subject_name, title, len(reach), channel_id, invite_bot)


async def _living(
    session: AsyncSession, desk: Desk, asker: Asker, client: Client, platform: str, handle: str | None
) -> list[Offer]:
    """What living logins reach of what is asked for. Nothing for outsiders: an offer names other clients."""
    if asker.actor.outsider:
        return []
    found = await living.offers(session, desk.house, client, platform)
    if handle is None:
        return found
    return [item for item in found if _same(item.account.handle or item.account.name, handle)]


async def visible_client(session: AsyncSession, asker: Asker, client_id: str) -> Client | None:
    """A client by its id, if the asker may know of it."""
    seen = await clients.visible(session, asker.actor)
    return next((client for client in seen if client.id == client_id), None)


async def visible_account(session: AsyncSession, asker: Asker, connection_id: str) -> Connection | None:
    """A living account by its id, if the asker may know of its client."""
    row = await connections.get(session, asker.actor.workspace_id, connection_id)
    if row is None or row.state != "live" or await visible_client(session, asker, row.client_id) is None:
        return None
    return row


def named(client: Client) -> messages.Named:
    """A client as answers name it."""
    return messages.Named(client.id, client.slug, client.name)


async def _invite(
    session: AsyncSession,
    desk: Desk,
    asker: Asker,
    client: Client,
    items: Sequence[Wanted],
    wanting: Wanting,
) -> Notice:
    now = desk.house.clock.now()
    notice = await inviting.invite(session, desk.house, asker.actor, client, items, wanting.channel_id, now)
    if not wanting.bot_is_here:
        notice.state, notice.next_at = HELD, None
    return notice


async def _keep_apart(session: AsyncSession, client: Client, channel_id: str) -> None:
    """A channel that is shared with one client never shows another's name."""
    if channel_id in (client.team_channel, client.client_channel):
        return
    others = await client_rows.in_channel(session, client.workspace_id, channel_id)
    if any(other.client_channel == channel_id for other in others):
        raise Refused(
            "This channel is shared with another client. Please ask for this link in a channel of your own."
        )


async def _existing(
    session: AsyncSession, desk: Desk, asker: Asker, client: Client, row: Connection
) -> messages.Existing:
    grant = await session.get_one(Grant, row.grant_id)
    info = desk.house.platforms[row.platform].info
    found = health.health_of(info, asker.workspace, client, row, grant, desk.house.clock.now())
    state = {health.Colour.RED: "needs a reconnect", health.Colour.YELLOW: "needs care soon"}
    handle = f"@{row.handle.lstrip('@')}" if row.handle else row.name or info.account_noun
    label = f"{handle} on {info.title}"
    return messages.Existing(row.id, row.platform, info.title, label, state.get(found.colour, ""))


def _same(handle: str, wanted: str) -> bool:
    return handle.lstrip("@").casefold() == wanted.lstrip("@").casefold()
