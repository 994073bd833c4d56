"""`/health before DATE`: will everything hold until then? And *Renew*, for one account or for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import groupby

from slack_bolt.async_app import AsyncApp
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands import connecting
from bot.commands.dates import read_day
from bot.commands.desk import Desk
from bot.commands.parse import words_of
from bot.commands.requests import OLD_BUTTON, Press, listen_for_press
from bot.commands.scope import find_clients, scope_word
from bot.commands.who import Asker
from bot.domain import inviting
from bot.domain.errors import NotCurrent, Refused
from bot.domain.inviting import Wanted
from bot.domain.labels import label_on
from bot.domain.pictures.before import before, lapsing
from bot.domain.pictures.parts import client_name
from bot.messages import actions
from bot.messages import before as messages
from bot.messages.invitation import LINES_MOST
from bot.messages.message import Message
from bot.messages.times import zone_of
from storage import invitations
from storage.models import Client, Connection

WORD = "before"
"""What stands behind `/health`, or behind a client's name there, for this question."""
JUST_NOW = timedelta(minutes=10)  # a link that was asked for so short ago is not asked for again
MOVED_ON = "Nothing was changed: this account was renewed or disconnected since. Ask `/health` again."
ALL_HOLD = "Nothing is left to renew: everything holds until then by now."


def asks_before(text: str) -> bool:
    """Whether a `/health` is this question."""
    return WORD in [word.casefold() for word, quoted in words_of(text) if not quoted]


async def show(desk: Desk, asker: Asker, text: str) -> Message:
    """What is named before or behind the day, or the channel's clients. Raises Refused for no day."""
    words = [word for word, _ in words_of(text)]
    place = [word.casefold() for word in words].index(WORD)
    day, rest = read_day(words[place + 1 :], _today(desk, asker))
    return await _page(desk, asker, " ".join([*words[:place], *rest]), day, 0)


async def turn_page(desk: Desk, press: Press) -> Message:
    scope, day, page = _parts(press, 3)
    number = int(page[:6]) if page.isascii() and page.isdigit() else 0
    return await _page(desk, press.asker, scope, _day(day), number)


async def _page(desk: Desk, asker: Asker, scope: str, day: date, page: int) -> Message:
    async with desk.house.db.read() as session:
        found = await find_clients(session, asker.actor, scope)
        ids = [client.id for client in found]
        workspace_id, scope = asker.actor.workspace_id, scope_word(scope)
        facts = await before(session, desk.house, workspace_id, ids, day, page, scope=scope)
    return messages.before_message(facts)


async def renew(desk: Desk, press: Press) -> Message:
    """*Renew*: a link for one account, as the person saw it, in a channel of its client."""
    connection_id, generation = _parts(press, 2)
    async with desk.house.db.read() as session:
        row = await connecting.visible_account(session, press.asker, connection_id)
        client = await connecting.visible_client(session, press.asker, row.client_id) if row else None
    if row is None or client is None or str(row.generation) != generation:
        raise NotCurrent(MOVED_ON)
    return await _invite(desk, press, [(client, [row])])


async def renew_all(desk: Desk, press: Press) -> Message:
    """*Renew all*: for each client one message with a line per login that does not hold by now."""
    scope, day = _parts(press, 2)
    async with desk.house.db.read() as session:
        seen = await find_clients(session, press.asker.actor, scope)
        ids, workspace_id = [client.id for client in seen], press.asker.actor.workspace_id
        found, _ = await lapsing(session, desk.house, workspace_id, ids, _day(day))
    wanted = [item for item in found if item.can_renew]
    if not wanted:
        raise NotCurrent(ALL_HOLD)
    groups = groupby(wanted, key=lambda item: item.client)
    return await _invite(desk, press, [(client, [it.connection for it in items]) for client, items in groups])


async def _invite(desk: Desk, press: Press, wanted: Sequence[tuple[Client, Sequence[Connection]]]) -> Message:
    here = press.channel_id
    bot_is_here = here is None or await connecting.bot_is_in(desk, press.asker.actor.workspace_id, here)
    done: list[messages.Renewing] = []
    without: list[str] = []
    for client, rows in wanted:
        is_own = here is not None and here in (client.team_channel, client.client_channel)
        channel_id = here if here is not None and is_own else client.team_channel
        if channel_id is None:
            without.append(client.slug)
            continue
        held = is_own and not bot_is_here
        async with desk.house.db.write() as session:
            item = await _invite_client(session, desk, press.asker, client.id, rows, channel_id, held)
        done += [item] if item is not None else []
    if not done:
        raise Refused(messages.no_channel(without)) if without else NotCurrent(MOVED_ON)
    desk.house.wake.outbox.set()
    return messages.renewing(done, without)


async def _invite_client(
    session: AsyncSession,
    desk: Desk,
    asker: Asker,
    client_id: str,
    rows: Sequence[Connection],
    channel_id: str,
    held: bool,
) -> messages.Renewing | None:
    """One message for a client, a line a login: signing in once renews all that rests on it. The client's row
    is held meanwhile: of two presses at once the second finds the first one's links. None where no account
    is any more as it was seen."""
    now = desk.house.clock.now()
    client = await session.get_one(Client, client_id, with_for_update=True, populate_existing=True)
    current = [row for row in rows if await _is_current(session, row)]
    if not current:
        return None
    fresh = await _not_asked(session, asker, current, now)
    by_login = list({row.grant_id: row for row in reversed(fresh)}.values())[::-1]
    for start in range(0, len(by_login), LINES_MOST):
        items = [
            Wanted(row.platform, row.handle or None, row.id) for row in by_login[start : start + LINES_MOST]
        ]
        notice = await inviting.invite(session, desk.house, asker.actor, client, items, channel_id, now)
        if held:
            notice.state, notice.next_at = connecting.HELD, None
    labels = tuple(label_on(desk.house, row) for row in fresh or current)
    invite_bot = asker.workspace.bot_user_id if held else None
    links = len({row.grant_id for row in fresh or current})
    return messages.Renewing(client_name(client), labels, channel_id, bool(fresh), links, invite_bot)


async def _is_current(session: AsyncSession, seen: Connection) -> bool:
    row = await session.get(Connection, seen.id, populate_existing=True)
    return row is not None and row.state == "live" and row.generation == seen.generation


async def _not_asked(
    session: AsyncSession, asker: Asker, rows: Sequence[Connection], now: datetime
) -> list[Connection]:
    ids = [row.id for row in rows]
    asked = await invitations.asked_since(session, ids, asker.user_id, now - JUST_NOW)
    stand = {invitation.connection_id for invitation in asked}
    asked_logins = {row.grant_id for row in rows if row.id in stand}
    return [row for row in rows if row.grant_id not in asked_logins]


def _today(desk: Desk, asker: Asker) -> date:
    return desk.house.clock.now().astimezone(zone_of(asker.workspace.zone)).date()


def _parts(press: Press, count: int) -> list[str]:
    parts = actions.split(press.value, count)
    if parts is None:
        raise Refused(OLD_BUTTON)
    return parts


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(OLD_BUTTON) from None


def register(app: AsyncApp, desk: Desk) -> None:
    """The buttons of the answer."""
    listen_for_press(app, desk, actions.BEFORE_PAGE, turn_page, replaces=True)
    listen_for_press(app, desk, actions.RENEW, renew)
    listen_for_press(app, desk, actions.RENEW_ALL, renew_all)
