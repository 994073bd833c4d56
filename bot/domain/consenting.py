"""One walk from the invitation's button to the stored account, as browsers take it.

`started → exchanging → choosing → done / failed`, each step one conditional update, so that a second load
of the same callback, a second browser or a second process never does a step twice. What follows from the
code is in `exchanging`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import linking
from bot.domain.consents import Result, verifier_place
from bot.domain.errors import Refused
from bot.domain.exchanging import POLL_SECONDS, fail, work
from bot.domain.house import House
from bot.domain.inviting import find, is_wanted, usable
from bot.domain.outcomes import judge_verdict
from bot.platforms.errors import Kind
from bot.platforms.oauth import came_back_without_code, pkce_pair
from storage import invitations as store
from storage.crypto import digest
from storage.models import Consent, new_id

STATE_LIVES = timedelta(minutes=10)
FORGET_AFTER = timedelta(hours=1)
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
        await house.tasks.finish(work(house, consent, arrived.params.get("code", "")))
    else:
        await _wait(house, consent.id)
    return consent.id


async def _own_consent(house: House, arrived: Callback) -> Consent:
    async with house.db.read() as session:
        consent = await store.consent_by_state(session, digest(arrived.params.get("state", "")))
        if consent is None and arrived.browser is not None and _refuses_our_app(arrived.params):
            browser, now = digest(arrived.browser), house.clock.now()
            consent = await store.begun_by(session, browser, arrived.platform, now)
    if consent is None:
        raise CallbackRefused("unknown")
    if consent.platform != arrived.platform:
        raise CallbackRefused("other_platform")
    if arrived.browser is None or digest(arrived.browser) != consent.browser_hash:
        raise CallbackRefused("other_browser")
    return consent


def _refuses_our_app(params: Mapping[str, str]) -> bool:
    """Meta's dialog refuses permissions that our app cannot ask for with `error_code` and `error_message`
    alone, at times without the state. It can end this browser's own walk and nothing else."""
    return "state" not in params and not params.get("code") and params.get("error_code") == "100"


async def _first(house: House, consent: Consent, arrived: Callback) -> bool:
    """Moves the walk on, for exactly one load. Refusals by person or platform end it here."""
    now = house.clock.now()
    async with house.db.write() as session:
        if now >= consent.expires_at:
            await fail(session, consent.id, Result.EXPIRED, now)
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
        await fail(session, consent.id, Result.DENIED, now)
    elif verdict.kind is Kind.APP:
        await fail(session, consent.id, Result.APP_FAULT, now, reason=verdict.reason)
        await linking.tell_app_fault(session, consent, judge_verdict(verdict), now)
    else:
        await fail(session, consent.id, Result.CODE_REFUSED, now)


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
            await fail(session, consent_id, Result.DECLINED, now)
            await linking.release_hold(session, consent)
        else:
            await linking.finish(session, house, consent_id, tuple(chosen), now)
    house.wake.all()


async def _wait(house: House, consent_id: str) -> None:
    """A second load of the same callback waits for the first and shows its result."""
    for _ in range(int(house.timings.lease / POLL_SECONDS)):
        async with house.db.read() as session:
            consent = await store.consent(session, consent_id)
        if consent is None or consent.state != "exchanging":
            return
        await asyncio.sleep(POLL_SECONDS)
