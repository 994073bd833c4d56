"""Storing what a consent brought: the grant by person, the connections by account, all in one transaction.

A relink replaces tokens and nothing else: posts, history and settings stay. The invitation is used up by
one conditional update in the same transaction; a loser's tokens are forgotten, never revoked.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import answers, app_faults, handing_over, incidents, inviting, rechecking, tokens
from bot.domain.auditing import Actor
from bot.domain.consent_checks import missing_scopes
from bot.domain.consents import Answer, Result, lease_owner, open_answer
from bot.domain.house import House
from bot.domain.outcomes import Judgement
from bot.domain.storing import Found, lives_again, store_account
from bot.platforms.errors import Reason
from storage import grants
from storage import invitations as walks
from storage.models import Client, Connection, Consent, Grant, Invitation, new_id
from storage.upsert import insert_new

BUSY = ("exchanging", "choosing")


async def grant_of_invitation(session: AsyncSession, invitation_id: str) -> str | None:
    """The grant that a relink is about."""
    invitation = await walks.get(session, invitation_id)
    if invitation is None or invitation.connection_id is None:
        return None
    connection = await session.get(Connection, invitation.connection_id)
    return connection.grant_id if connection else None


async def release_hold(session: AsyncSession, consent: Consent) -> None:
    """Gives back the lease that the relink held."""
    grant_id = await grant_of_invitation(session, consent.invitation_id)
    if grant_id is not None:
        await grants.drop_lease(session, grant_id, lease_owner(consent.id))


async def renew_known_grant(
    session: AsyncSession, house: House, consent: Consent, answer: Answer, now: datetime
) -> str | None:
    """A second consent of a person we know is the next generation of the same grant, whatever becomes of
    the invitation: the platform may have ended the earlier tokens with it. Returns the grant's id."""
    assert answer.discovery is not None
    info = house.platforms[consent.platform].info
    app = house.apps[consent.platform]
    grant = await grants.find(session, info.provider, app.client_id, answer.discovery.subject)
    if grant is None:
        return None
    await _next_generation(session, house, consent.platform, grant, answer, now)
    return grant.id


async def settle_known_grant(
    session: AsyncSession, house: House, consent: Consent, grant_id: str, answer: Answer, now: datetime
) -> None:
    """What the renewed grant means for everything that rests on it, after the walk itself was decided (an
    alert that closes takes its invitation with it)."""
    info = house.platforms[consent.platform].info
    missing = missing_scopes(info, answer.tokens.scopes, required_only=True)
    if missing:
        await _lost_permission(session, house, grant_id, missing[0], now)
    else:
        await lives_again(session, house, grant_id, now)


async def _next_generation(
    session: AsyncSession, house: House, platform: str, grant: Grant, answer: Answer, now: datetime
) -> None:
    info = house.platforms[platform].info
    locked = await session.get(Grant, grant.id, populate_existing=True, with_for_update=True)
    assert locked is not None
    values = tokens.sealed_values(house.vault, grant.id, locked.generation + 1, answer.tokens, info, now)
    values |= answers.after_success(house.platforms[platform], values, now)
    values |= {"consented_at": now, "refresh_token": values.get("refresh_token")}
    assert answer.discovery is not None
    if answer.discovery.subject_name:
        values["subject_name"] = answer.discovery.subject_name[:255]
    if answer.discovery.known_as is not None:
        values["known_as"] = answer.discovery.known_as[:255]
    await session.execute(
        update(Grant)
        .where(Grant.id == grant.id, Grant.generation == locked.generation)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    await session.refresh(grant)


async def _lost_permission(
    session: AsyncSession, house: House, grant_id: str, permission: str, now: datetime
) -> None:
    await session.execute(
        update(Grant)
        .where(Grant.id == grant_id)
        .values(state="dead", reason=Reason.PERMISSION_MISSING, reason_at=now, next_due_at=None)
        .execution_options(synchronize_session=False)
    )
    grant = await grants.get(session, grant_id)
    assert grant is not None
    await incidents.dead(session, house, grant, now, permission=permission)


async def finish(
    session: AsyncSession, house: House, consent_id: str, account_ids: tuple[str, ...], now: datetime
) -> None:
    """Uses the invitation up and stores the chosen accounts, or tells that somebody else was faster."""
    consent = await walks.consent(session, consent_id)
    if consent is None or consent.answer is None:
        return
    invitation = await walks.get(session, consent.invitation_id)
    assert invitation is not None
    await release_hold(session, consent)
    wanted = await inviting.is_wanted(session, invitation)
    if not wanted or not await walks.use(session, invitation.id, consent_id, now):
        await _end(session, consent_id, Result.USED, now)
        return
    answer = open_answer(house.vault, consent_id, consent.answer)
    assert answer.discovery is not None
    grant = await _grant(session, house, consent, answer, now)
    found = found_by(consent.platform, answer, grant, account_ids)
    if invitation.hand_over_of is not None:
        result, linked = (
            Result.HANDED_OVER,
            await handing_over.move(session, house, invitation, grant, found, now),
        )
    else:
        linked = await _link_all(session, house, invitation, grant, found, now)
        result = Result.RELINKED if invitation.connection_id in linked else Result.LINKED
    await _end(session, consent_id, result, now, grant_id=grant.id, connection_ids=linked)
    await lives_again(session, house, grant.id, now, linked)
    disproved = app_faults.BY_A_CONSENT
    await app_faults.app_works(session, consent.workspace_id, consent.platform, now, disproved)
    await inviting.touch_batch(session, invitation.batch_id)


def found_by(word: str, answer: Answer, grant: Grant, only: tuple[str, ...] | None = None) -> Found:
    """What a consent's tokens, now those of `grant`, reach: all of it, or the accounts with these ids."""
    assert answer.discovery is not None
    accounts = answer.discovery.accounts
    if only is not None:
        accounts = tuple(account for account in accounts if account.id in only)
    return Found(word, accounts, grant.generation, answer.tokens.scopes, answer.own_tokens)


async def compare_others(
    session: AsyncSession, house: House, consent: Consent, grant_id: str, answer: Answer, now: datetime
) -> None:
    """What else rests on the renewed grant, held against what the consent reaches now."""
    info = house.platforms[consent.platform].info
    if missing_scopes(info, answer.tokens.scopes, required_only=True):
        return  # told of the grant as a whole
    grant = await session.get_one(Grant, grant_id, populate_existing=True)
    ended = await walks.consent(session, consent.id)
    just = ended.connection_ids if ended is not None else ()
    await rechecking.compare(session, house, grant, found_by(consent.platform, answer, grant), now, just)


async def _grant(
    session: AsyncSession, house: House, consent: Consent, answer: Answer, now: datetime
) -> Grant:
    """The person's grant: the one renewed by this very consent, or a new one."""
    assert answer.discovery is not None
    if consent.grant_id is not None:
        return await session.get_one(Grant, consent.grant_id)
    info = house.platforms[consent.platform].info
    app = house.apps[consent.platform]
    grant_id = new_id()
    values = tokens.sealed_values(house.vault, grant_id, 1, answer.tokens, info, now)
    values.setdefault("scopes", sorted(info.required_scopes))
    values |= answers.after_success(house.platforms[consent.platform], values, now)
    key = {"provider": info.provider, "app_id": app.client_id, "subject": answer.discovery.subject}
    opened_by = {"workspace": consent.workspace_id, "consent": consent.id}
    values |= {"id": grant_id, "subject_name": answer.discovery.subject_name[:255], "opened_by": opened_by}
    values |= {"consented_at": now, "created_at": now, "attempts": 0, "known_as": answer.discovery.known_as}
    made = await insert_new(session, Grant, key | values, *key)
    grant = await grants.find(session, *key.values())
    assert grant is not None
    if not made:  # somebody linked the same person in this very moment
        await _next_generation(session, house, consent.platform, grant, answer, now)
    return grant


async def _link_all(
    session: AsyncSession, house: House, invitation: Invitation, grant: Grant, found: Found, now: datetime
) -> list[str]:
    client = await session.get_one(Client, invitation.client_id)
    actor = Actor(invitation.workspace_id, None, invitation.channel_id)
    linked = []
    for account in found.accounts:
        connection = await store_account(
            session, house, client, grant, found, account, actor, invitation.created_by, now
        )
        linked.append(connection.id)
    return linked


async def _end(session: AsyncSession, consent_id: str, result: Result, now: datetime, **values: Any) -> None:
    state = "failed" if result is Result.USED else "done"
    await walks.move_consent(
        session,
        consent_id,
        BUSY,
        state,
        result=result,
        finished_at=now,
        answer=None,
        verifier=None,
        **values,
    )


async def tell_app_fault(
    session: AsyncSession, consent: Consent, judgement: Judgement, now: datetime
) -> None:
    """The consent failed for our app's fault: the operator hears it, once while it lasts."""
    await app_faults.app_refused(session, consent.workspace_id, consent.platform, judgement, now)
