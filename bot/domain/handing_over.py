"""Handing a login over: another person's login takes the accounts over on which he holds the role.

Compared by account, not by person. What the new login does not reach stays where it is and is named.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import inviting, storing
from bot.domain.auditing import Actor
from bot.domain.errors import Refused
from bot.domain.house import House
from bot.domain.inviting import Wanted
from bot.domain.labels import label_of
from bot.domain.storing import Found
from bot.domain.telling import OPERATIONS, tell_event
from storage import logins
from storage.models import Client, Grant, Invitation, Notice

GONE = "That login is not in use any more. `/health logins` shows those that are."


async def ask(
    session: AsyncSession, house: House, actor: Actor, grant_id: str, channel_id: str, now: datetime
) -> tuple[Notice, Client]:
    """Posts the invitation for another login; who presses its button and signs in takes the accounts over.

    It names the first of the login's clients. Raises Refused where there is nothing to hand over."""
    grant = await logins.get(session, actor.workspace_id, grant_id)
    if grant is None:
        raise Refused(GONE)
    word = word_of(house, grant)
    if word is None:
        raise Refused("The platform of this login is not switched on here at the moment.")
    (first, *_) = await logins.reach(session, actor.workspace_id, [grant.id])
    item = Wanted(word, hand_over_of=grant.id)
    notice = await inviting.invite(session, house, actor, first.client, [item], channel_id, now)
    return notice, first.client


def word_of(house: House, grant: Grant) -> str | None:
    """The platform's word under which a login of this kind signs in; None where it is off."""
    fitting = [
        word
        for word, platform in house.platforms.items()
        if platform.info.provider == grant.provider
        and (app := house.apps.get(word)) is not None
        and app.client_id == grant.app_id
    ]
    return grant.provider if grant.provider in fitting else next(iter(fitting), None)


async def move(
    session: AsyncSession, house: House, invitation: Invitation, grant: Grant, found: Found, now: datetime
) -> list[str]:
    """Moves the old login's accounts that `found` reaches to `grant`, each with its own client; their ids."""
    assert invitation.hand_over_of is not None
    actor = Actor(invitation.workspace_id, None, invitation.channel_id)
    accounts = {(found.word_of(account), account.id): account for account in found.accounts}
    moved, left = [], []
    for item in await logins.reach(session, invitation.workspace_id, [invitation.hand_over_of]):
        row = item.connection
        account = accounts.get((row.platform, row.account_id))
        if account is None or not account.usable:
            label = label_of(row)
            left.append({"client": item.client.slug, "label": label, "platform": row.platform})
            continue
        connection = await storing.store_account(
            session, house, item.client, grant, found, account, actor, row.linked_by, now
        )
        moved.append(connection.id)
    await _tell(session, invitation, grant, len(moved), left)
    return moved


async def _tell(
    session: AsyncSession, invitation: Invitation, grant: Grant, moved: int, left: list[dict[str, str]]
) -> None:
    """Names what was left: in the operations channel, for it may name several clients."""
    facts = {"holder": grant.subject_name, "platform": invitation.platform, "moved": moved, "left": left}
    key = f"handed_over:{invitation.id}"
    await tell_event(session, invitation.workspace_id, "login.handed_over", key, OPERATIONS, facts=facts)
