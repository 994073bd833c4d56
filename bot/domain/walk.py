"""What a person sees on the way from a link to a linked account. Reads only; holds no secret.

Whoever opens a page may be a stranger: no other client's name, and nothing of another walk, is ever in here.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import inviting
from bot.domain.consents import Question, Result, same_handle
from bot.domain.house import House
from bot.domain.labels import label_of, named
from bot.domain.pictures import parts
from bot.messages.times import zone_of
from bot.platforms.base import Scope
from bot.platforms.errors import Reason
from storage import connections
from storage import invitations as store
from storage.crypto import digest
from storage.models import Client, Connection, Consent, Grant, Invitation, Workspace


class Standing(StrEnum):
    """What has become of an invitation."""

    USABLE = "usable"
    USED = "used"
    REPLACED = "replaced"
    CLOSED = "closed"
    EXPIRED = "expired"
    OFF = "off"  # the platform is not set up here


@dataclass(frozen=True, slots=True)
class PlatformView:
    """A platform in words. `review_note`: what an app that was not reviewed cannot do; `door`: where people
    sign in for it."""

    key: str
    title: str
    account_noun: str
    scopes: tuple[Scope, ...]
    permission_page: str
    review_note: str | None
    door: str


@dataclass(frozen=True, slots=True)
class Parties:
    """Who asks and for whom. `workspace` is the agency's name in Slack, and may be empty."""

    workspace: str
    client: str


@dataclass(frozen=True, slots=True)
class Line:
    """Another line of the same invitation message that is still to be done."""

    title: str
    link: str


@dataclass(frozen=True, slots=True)
class InvitationView:
    """An invitation page. `expected` is a label ("@acme"); `can_refresh`: a fresh link may be asked for."""

    standing: Standing
    parties: Parties
    platform: PlatformView
    expected: str | None
    is_relink: bool
    others: tuple[Line, ...]

    @property
    def can_refresh(self) -> bool:
        return self.standing is Standing.EXPIRED


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account that was found, or linked. `elsewhere`: another client of the same workspace has it;
    `at`: the platform's title where it is not the one that was asked for."""

    id: str
    label: str
    name: str
    picture_url: str | None
    at: str | None = None
    usable: bool = True
    problem: Reason | None = None
    expected: bool = False
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class ConsentView:
    """A walk as its own browser sees it.

    `accounts`: those that the question is about, or that were linked. `missing`: permissions that were not
    given. `again_link`: the invitation, while it can still be used. `next_line`: what else was asked for.
    `holds_until`: where a person is needed again soon, when, in the client's zone.
    """

    state: str
    result: Result | None
    question: Question | None
    parties: Parties
    platform: PlatformView
    is_relink: bool
    accounts: tuple[AccountView, ...]
    expected: str | None
    found: tuple[str, ...]
    missing: tuple[Scope, ...]
    reason: Reason | None
    again_link: str | None
    next_line: Line | None
    holds_until: datetime | None = None


async def invitation_view(house: House, token: str) -> InvitationView | None:
    """The invitation that a link names, whatever its state; None where there is none."""
    async with house.db.read() as session:
        invitation = await inviting.find(session, token)
        if invitation is None or invitation.platform not in house.platforms:
            return None
        return InvitationView(
            standing=await _standing(session, house, invitation),
            parties=await _parties(session, invitation),
            platform=_platform(house, invitation.platform),
            expected=await _expected(session, invitation),
            is_relink=invitation.connection_id is not None,
            others=await _other_lines(session, house, invitation),
        )


async def consent_view(house: House, consent_id: str, browser: str | None) -> ConsentView | None:
    """A walk, for the browser that holds its cookie's secret; None for everybody else."""
    async with house.db.read() as session:
        consent = await store.consent(session, consent_id)
        if consent is None or not _is_own(consent, browser):
            return None
        invitation = await store.get(session, consent.invitation_id)
        if invitation is None or consent.platform not in house.platforms:
            return None
        question = Question(consent.detail["question"]) if consent.state == "choosing" else None
        others = await _other_lines(session, house, invitation)
        standing = await _standing(session, house, invitation)
        usable = standing is Standing.USABLE
        return ConsentView(
            state=consent.state,
            result=Result(consent.result) if consent.result else None,
            question=question,
            parties=await _parties(session, invitation),
            platform=_platform(house, consent.platform),
            is_relink=invitation.connection_id is not None,
            accounts=await _accounts(session, house, consent, invitation, question),
            expected=await _expected(session, invitation),
            found=tuple(str(label) for label in consent.detail.get("found", ())),
            missing=_missing(house, consent),
            reason=_reason(consent.detail.get("reason")),
            again_link=inviting.address(house, invitation) if usable else None,
            next_line=others[0] if others else None,
            holds_until=await _holds_until(session, house, consent, invitation),
        )


async def _holds_until(
    session: AsyncSession, house: House, consent: Consent, invitation: Invitation
) -> datetime | None:
    """Until when what was linked holds, in the client's zone, where that is soon."""
    grant = (
        await session.get(Grant, consent.grant_id) if consent.grant_id and consent.connection_ids else None
    )
    if grant is None:
        return None
    workspace = await session.get_one(Workspace, consent.workspace_id)
    end = parts.holds_until(house, consent.platform, grant, workspace, house.clock.now())
    client = await session.get_one(Client, invitation.client_id)
    return end.astimezone(zone_of(client.zone)) if end is not None else None


def _is_own(consent: Consent, browser: str | None) -> bool:
    return browser is not None and hmac.compare_digest(digest(browser), consent.browser_hash)


async def _standing(session: AsyncSession, house: House, invitation: Invitation) -> Standing:
    if invitation.state != "open":
        return Standing(invitation.state)
    client = await session.get_one(Client, invitation.client_id)
    workspace = await session.get_one(Workspace, invitation.workspace_id)
    if client.closed_at is not None or workspace.uninstalled_at is not None:
        return Standing.CLOSED
    if not inviting.usable(invitation, house.clock.now()):
        return Standing.EXPIRED
    return Standing.USABLE if invitation.platform in house.apps else Standing.OFF


async def _parties(session: AsyncSession, invitation: Invitation) -> Parties:
    client = await session.get_one(Client, invitation.client_id)
    workspace = await session.get_one(Workspace, invitation.workspace_id)
    return Parties(workspace.name, client.name or client.slug)


def _platform(house: House, key: str) -> PlatformView:
    info = house.platforms[key].info
    app = house.apps.get(key)
    note = info.unreviewed if app is not None and not app.reviewed else None
    door = info.login or info.company or info.title
    return PlatformView(key, info.title, info.account_noun, info.scopes, info.permission_page, note, door)


async def _expected(session: AsyncSession, invitation: Invitation) -> str | None:
    """Whom the invitation is for: a relink's present handle, or the handle that was given with it."""
    if invitation.connection_id is not None:
        connection = await session.get(Connection, invitation.connection_id)
        if connection is not None:
            return label_of(connection)
    handle = (invitation.expected_handle or "").strip().lstrip("@")
    return f"@{handle}" if handle else None


async def _other_lines(session: AsyncSession, house: House, invitation: Invitation) -> tuple[Line, ...]:
    return tuple(
        [
            Line(house.platforms[other.platform].info.title, inviting.address(house, other))
            for other in await store.batch(session, invitation.batch_id)
            if other.id != invitation.id
            and other.platform in house.platforms
            and await _standing(session, house, other) is Standing.USABLE
        ]
    )


async def _accounts(
    session: AsyncSession, house: House, consent: Consent, invitation: Invitation, question: Question | None
) -> tuple[AccountView, ...]:
    asked = consent.platform
    if consent.state == "done":
        linked = [await connections.get(session, consent.workspace_id, row) for row in consent.connection_ids]
        return tuple(_linked(row, _at(house, row.platform, asked)) for row in linked if row is not None)
    if question is None or question is Question.OTHER_ACCOUNT:
        return ()
    wanted = [(account.get("platform") or asked, account["id"]) for account in consent.accounts]
    taken = await connections.elsewhere(session, invitation.workspace_id, invitation.client_id, wanted)
    elsewhere = {connection.account_id for connection, _ in taken}
    views = [
        _found(
            account,
            invitation.expected_handle,
            elsewhere,
            _at(house, account.get("platform") or asked, asked),
        )
        for account in consent.accounts
    ]
    return tuple(view for view in views if _is_asked_about(view, question, consent.detail))


def _at(house: House, word: str, asked: str) -> str | None:
    """The title of a platform that is not the one that was asked for."""
    return house.platforms[word].info.title if word != asked and word in house.platforms else None


def _is_asked_about(view: AccountView, question: Question, detail: dict[str, Any]) -> bool:
    """A question about one account is not a choice among all that were found beside it."""
    if question in (Question.PICK, Question.UNEXPECTED):
        return True
    return view.usable and view.label in detail.get("found", ())


def _found(account: dict[str, Any], expected: str | None, elsewhere: set[str], at: str | None) -> AccountView:
    return AccountView(
        id=account["id"],
        label=named(account["handle"], account["name"]),
        name=account["name"],
        picture_url=account["picture_url"],
        at=at,
        usable=account["usable"],
        problem=_reason(account["problem"]),
        expected=same_handle(account["handle"], expected),
        elsewhere=account["id"] in elsewhere,
    )


def _linked(connection: Connection, at: str | None) -> AccountView:
    label = label_of(connection)
    return AccountView(connection.account_id, label, connection.name, connection.picture_url, at)


def _missing(house: House, consent: Consent) -> tuple[Scope, ...]:
    """Permissions that were asked for and not given, whether that ended the walk or not."""
    names = frozenset(consent.detail.get("missing", ()))
    return tuple(scope for scope in house.platforms[consent.platform].info.scopes if scope.name in names)


def _reason(word: str | None) -> Reason | None:
    return Reason(word) if word else None
