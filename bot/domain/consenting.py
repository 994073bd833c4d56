"""One walk from the invitation's button to the stored account.

`started → exchanging → choosing → done / failed`, each step one conditional update, so that a second load
of the same callback, a second browser or a second process never does a step twice. What came back is
committed, sealed, before anything is made of it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import consent_checks, linking, rechecking
from bot.domain.consents import Answer, Result, open_answer, public_account, seal_answer, verifier_place
from bot.domain.errors import Refused
from bot.domain.house import House
from bot.domain.inviting import find, is_wanted, usable
from bot.domain.outcomes import Outcome, judge, judge_verdict
from bot.http import HttpError
from bot.platforms.base import Discovery, Kind, Platform, PlatformError, Tokens
from bot.platforms.oauth import came_back_without_code, pkce_pair
from storage import grants
from storage import invitations as store
from storage.crypto import digest
from storage.models import Consent, new_id

log = structlog.get_logger(__name__)

STATE_LIVES = timedelta(minutes=10)
FORGET_AFTER = timedelta(hours=1)
POLL_SECONDS = 0.2


REFUSALS = {
    "unknown": "This page belongs to no link that we sent. Open the link in Slack again.",
    "other_platform": "This answer came from another platform. Open the link again.",
    "other_browser": "The app took over, or another browser did. Open the link from Slack in your browser "
    "and stay in that browser until you are back here. The link still works.",
}


class CallbackRefused(Refused):
    """A callback that belongs to no walk of this browser. Nothing was changed."""

    def __init__(self, why: str) -> None:
        super().__init__(REFUSALS[why])
        self.why = why  # a key of REFUSALS


@dataclass(frozen=True, slots=True)
class Callback:
    """What a browser brought back. `params` holds single strings only; `browser` is the cookie's secret."""

    platform: str
    params: Mapping[str, str]
    browser: str | None


async def begin(house: House, token: str, browser: str) -> str | None:
    """Starts OAuth for an invitation: the address to send the browser to; None if it is not usable."""
    now = house.clock.now()
    state = secrets.token_urlsafe(32)
    async with house.db.write() as session:
        invitation = await find(session, token)
        if invitation is None or not usable(invitation, now) or invitation.platform not in house.apps:
            return None
        if not await is_wanted(session, invitation):
            return None
        platform = house.platforms[invitation.platform]
        consent_id = new_id()
        pair = pkce_pair() if platform.info.pkce else None
        verifier, challenge = (pair.verifier, pair.challenge) if pair else (None, None)
        redirect_uri = house.redirect_uri(invitation.platform)
        session.add(
            Consent(
                id=consent_id,
                invitation_id=invitation.id,
                workspace_id=invitation.workspace_id,
                platform=invitation.platform,
                state_hash=digest(state),
                browser_hash=digest(browser),
                verifier=house.vault.seal(verifier, verifier_place(consent_id)) if verifier else None,
                redirect_uri=redirect_uri,
                created_at=now,
                expires_at=now + STATE_LIVES,
                forget_at=now + FORGET_AFTER,
            )
        )
    return platform.authorization_url(house.apps[invitation.platform], redirect_uri, state, challenge)


async def callback(house: House, arrived: Callback) -> str:
    """Works a callback to its end or to its question; returns the consent's id, for the page to show.

    Raises CallbackRefused where nothing may be done with it.
    """
    consent = await _own_consent(house, arrived)
    if consent.state == "started" and await _first(house, consent, arrived):
        await house.tasks.finish(_work(house, consent, arrived.params.get("code", "")))
    else:
        await _wait(house, consent.id)
    return consent.id


async def _own_consent(house: House, arrived: Callback) -> Consent:
    async with house.db.read() as session:
        consent = await store.consent_by_state(session, digest(arrived.params.get("state", "")))
    if consent is None:
        raise CallbackRefused("unknown")
    if consent.platform != arrived.platform:
        raise CallbackRefused("other_platform")
    if arrived.browser is None or digest(arrived.browser) != consent.browser_hash:
        raise CallbackRefused("other_browser")
    return consent


async def _first(house: House, consent: Consent, arrived: Callback) -> bool:
    """Moves the walk on, for exactly one load. Refusals by person or platform end it here."""
    now = house.clock.now()
    async with house.db.write() as session:
        if now >= consent.expires_at:
            await _fail(session, consent.id, Result.EXPIRED, now)
            return False
        if not arrived.params.get("code"):
            await _came_without_code(session, consent, arrived.params, now)
            house.wake.outbox.set()
            return False
        busy_until = await house.db.lease_now(session) + house.timings.lease_span
        return await store.move_consent(
            session, consent.id, ("started",), "exchanging", busy_until=busy_until
        )


async def _came_without_code(
    session: AsyncSession, consent: Consent, params: Mapping[str, str], now: datetime
) -> None:
    """The person said no, or the platform would not even ask: a fault of our app is the operator's."""
    verdict = came_back_without_code(params)
    if verdict is None:
        await _fail(session, consent.id, Result.DENIED, now)
    elif verdict.kind is Kind.APP:
        await _fail(session, consent.id, Result.APP_FAULT, now, reason=verdict.reason)
        await linking.tell_app_fault(session, consent, judge_verdict(verdict), now)
    else:
        await _fail(session, consent.id, Result.CODE_REFUSED, now)


async def _work(house: House, consent: Consent, code: str) -> None:
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
            if await grants.take_lease(session, grant_id, consent_owner(consent.id), lease_now, span):
                return
        if loop.time() >= give_up:
            log.warning("relink_without_lease", consent=consent.id)
            return
        await asyncio.sleep(POLL_SECONDS)


def consent_owner(consent_id: str) -> str:
    return f"consent:{consent_id}"


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
        await _fail(session, consent.id, result, now, reason=judgement.reason)
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
            await _fail(session, consent_id, finding.failed, now, **values | {"answer": None})
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


async def choose(house: House, consent_id: str, browser: str | None, picks: list[str]) -> None:
    """The person's answer to a question: link these accounts, or (none) "not the right account".

    Raises CallbackRefused for another browser; a walk that is over stays as it is.
    """
    now = house.clock.now()
    async with house.db.write() as session:
        consent = await store.consent(session, consent_id)
        if consent is None or browser is None or digest(browser) != consent.browser_hash:
            raise CallbackRefused("other_browser")
        if consent.state != "choosing" or consent.answer is None:
            return
        offered = consent.detail.get("offered", ())  # whatever else a crafted form carries
        chosen = [pick for pick in dict.fromkeys(picks) if pick in offered]
        if not chosen:
            await _fail(session, consent_id, Result.DECLINED, now)
            await linking.release_hold(session, consent)
        else:
            await linking.finish(session, house, consent_id, tuple(chosen), now)
    house.wake.all()


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
        await _fail(session, consent.id, Result.NO_ANSWER, house.clock.now())
        await linking.release_hold(session, consent)


async def _wait(house: House, consent_id: str) -> None:
    """A second load of the same callback waits for the first and shows its result."""
    for _ in range(int(house.timings.lease / POLL_SECONDS)):
        async with house.db.read() as session:
            consent = await store.consent(session, consent_id)
        if consent is None or consent.state != "exchanging":
            return
        await asyncio.sleep(POLL_SECONDS)


async def _fail(
    session: AsyncSession, consent_id: str, result: Result, now: datetime, **values: object
) -> None:
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
