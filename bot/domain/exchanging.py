"""From the code that a browser brought back to the stored account, or to a question.

What came back is committed, sealed, before anything is made of it; a walk whose process died goes on from
there.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import consent_checks, linking, rechecking
from bot.domain.consents import (
    Answer,
    Result,
    lease_owner,
    open_answer,
    public_account,
    seal_answer,
    verifier_place,
)
from bot.domain.house import House
from bot.domain.outcomes import Outcome, judge
from bot.http import HttpError
from bot.platforms.base import Discovery, Platform, Tokens
from bot.platforms.errors import Kind, PlatformError
from storage import grants
from storage import invitations as store
from storage.models import Consent

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.2


async def work(house: House, consent: Consent, code: str) -> None:
    """From the code to the stored account or the question. Runs to its end even if the browser leaves."""
    await _hold_grant(house, consent)
    platform = house.platforms[consent.platform]
    verifier = None
    if consent.verifier:
        verifier = house.vault.open(consent.verifier, verifier_place(consent.id))
    try:
        call = house.call(platform)
        tokens = await platform.exchange(call, code, consent.redirect_uri, verifier)
        answer = Answer(tokens)
        await _keep(house, consent.id, answer)
        found = await _discover(house, platform, tokens)
    except (PlatformError, HttpError) as error:
        await _exchange_failed(house, consent, error)
        return
    await _decide(house, consent.id, answer.with_discovery(found), found)


async def _discover(house: House, platform: Platform, tokens: Tokens) -> Discovery:
    """What the tokens reach: nothing where they lack what even asking takes, so that this is told by name."""
    try:
        return await platform.discover(house.call(platform), tokens)
    except PlatformError as error:
        lacking = consent_checks.missing_scopes(platform.info, tokens.scopes, required_only=True)
        if error.verdict.kind is not Kind.PERMISSION or not lacking:
            raise
        return Discovery(tokens.subject or "", "", ())


async def _hold_grant(house: House, consent: Consent) -> None:
    """A relink holds the grant's lease from before the exchange; it waits for a refresh under way."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + house.timings.wait_for_lease
    while True:
        async with house.db.write() as session:
            grant_id = await linking.grant_of_invitation(session, consent.invitation_id)
            if grant_id is None:
                return
            lease_now = await house.db.lease_now(session)
            span = house.timings.lease_span
            if await grants.take_lease(session, grant_id, lease_owner(consent.id), lease_now, span):
                return
        if loop.time() >= give_up:
            log.warning("relink_without_lease", consent=consent.id)
            return
        await asyncio.sleep(POLL_SECONDS)


async def _keep(house: House, consent_id: str, answer: Answer) -> None:
    """The answer is committed first and alone."""
    sealed = seal_answer(house.vault, consent_id, answer)
    async with house.db.write() as session:
        await store.move_consent(
            session, consent_id, ("exchanging",), "exchanging", answer=sealed, verifier=None
        )


async def _exchange_failed(house: House, consent: Consent, error: PlatformError | HttpError) -> None:
    judgement = judge(error)
    log.info("consent_failed", consent=consent.id, outcome=judgement.outcome, code=judgement.code)
    result = {
        Outcome.APP: Result.APP_FAULT,
        Outcome.UNCLEAR: Result.NO_ANSWER,
        Outcome.TRY_LATER: Result.NO_ANSWER,
    }.get(judgement.outcome, Result.CODE_REFUSED)
    now = house.clock.now()
    async with house.db.write() as session:
        await fail(session, consent.id, result, now, reason=judgement.reason)
        await linking.release_hold(session, consent)
        if result is Result.APP_FAULT:
            await linking.tell_app_fault(session, consent, judgement, now)
    house.wake.outbox.set()


async def _decide(house: House, consent_id: str, answer: Answer, found: Discovery) -> None:
    """Stores what needs no question, or asks. A grant that we know already takes its new tokens at once."""
    now = house.clock.now()
    async with house.db.write() as session:
        consent = await store.consent(session, consent_id)
        if consent is None or consent.state != "exchanging":
            return
        invitation = await store.get(session, consent.invitation_id)
        assert invitation is not None
        grant_id = await linking.renew_known_grant(session, house, consent, answer, now)
        finding = await consent_checks.examine(session, house, invitation, answer)
        values = {
            "accounts": [public_account(account) for account in found.accounts],
            "answer": seal_answer(house.vault, consent_id, answer),
            "grant_id": grant_id,
            "detail": finding.detail,
        }
        if finding.failed is not None:
            await fail(session, consent_id, finding.failed, now, **values | {"answer": None})
            await linking.release_hold(session, consent)
        elif finding.question is not None:
            values["detail"] = finding.detail | {"question": finding.question}
            await store.move_consent(session, consent_id, ("exchanging",), "choosing", **values)
        else:
            await store.move_consent(session, consent_id, ("exchanging",), "exchanging", **values)
            await linking.finish(session, house, consent_id, finding.accounts, now)
        if grant_id is not None:
            await linking.compare_others(session, house, consent, grant_id, answer, now)
            await linking.settle_known_grant(session, house, consent, grant_id, answer, now)
    house.wake.all()
    if grant_id is not None:
        await rechecking.others(house, grant_id, consent.platform)


async def recover(house: House) -> int:
    """Ends walks whose process died: with an answer on disk they go on, without one they have failed."""
    async with house.db.write() as session:
        lease_now = await house.db.lease_now(session)
        stuck = await store.stuck_exchanges(session, lease_now, lease_now + house.timings.lease_span)
    for consent in stuck:
        if consent.answer is None:
            await _lost(house, consent)
            continue
        answer = open_answer(house.vault, consent.id, consent.answer)
        try:
            platform = house.platforms[consent.platform]
            found = await _discover(house, platform, answer.tokens)
        except (PlatformError, HttpError) as error:
            await _exchange_failed(house, consent, error)
            continue
        await _decide(house, consent.id, answer.with_discovery(found), found)
    return len(stuck)


async def _lost(house: House, consent: Consent) -> None:
    async with house.db.write() as session:
        await fail(session, consent.id, Result.NO_ANSWER, house.clock.now())
        await linking.release_hold(session, consent)


async def fail(
    session: AsyncSession, consent_id: str, result: Result, now: datetime, **values: object
) -> None:
    """Ends a walk that led nowhere, with the reason where one is given; its tokens are forgotten."""
    reason = values.pop("reason", None)
    if reason is not None:
        values["detail"] = {"reason": str(reason)}
    values.setdefault("answer", None)
    await store.move_consent(
        session,
        consent_id,
        ("started", "exchanging", "choosing"),
        "failed",
        result=result,
        finished_at=now,
        verifier=None,
        **values,
    )
