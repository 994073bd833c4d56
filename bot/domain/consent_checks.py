"""What is checked before an account is stored: the account, its permissions, and whose it is already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.consents import Answer, Question, Result, same_handle
from bot.domain.house import House
from bot.domain.labels import label_of
from bot.platforms.base import Account, PlatformInfo, Scope
from bot.platforms.errors import Reason
from storage import connections, logins
from storage.models import Connection, Invitation


@dataclass(frozen=True, slots=True)
class Finding:
    """What a walk comes to: a failure, a question, or the accounts to store without asking."""

    failed: Result | None = None
    question: Question | None = None
    accounts: tuple[str, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)


async def examine(session: AsyncSession, house: House, invitation: Invitation, answer: Answer) -> Finding:
    """The first thing that stands in the way, in the order in which a person can put it right; with it,
    whatever else was asked for and not given."""
    info = house.platforms[invitation.platform].info
    refused = _missing(info.scopes, answer.tokens.scopes)
    if missing_scopes(info, answer.tokens.scopes, required_only=True):
        return Finding(failed=Result.MISSING_SCOPES, detail={"missing": refused})
    found = await _examined(session, info, invitation, answer)
    return replace(found, detail=found.detail | {"missing": refused}) if refused else found


async def _examined(
    session: AsyncSession, info: PlatformInfo, invitation: Invitation, answer: Answer
) -> Finding:
    assert answer.discovery is not None
    accounts = [account for account in answer.discovery.accounts if account.usable]
    if not accounts:
        problems = [account.problem for account in answer.discovery.accounts if account.problem]
        detail = {"reason": str(problems[0])} if problems else {}
        return Finding(failed=Result.NO_ACCOUNT, detail=detail)
    if invitation.hand_over_of is not None:
        return await _for_hand_over(session, invitation, info.key, answer.discovery.subject, accounts)
    if invitation.connection_id is not None:
        target = await session.get_one(Connection, invitation.connection_id)
        return _for_relink(target, accounts)
    return await _for_new(session, info, invitation, accounts)


def _for_relink(target: Connection, accounts: list[Account]) -> Finding:
    if any(account.id == target.account_id for account in accounts):
        return Finding(accounts=(target.account_id,))
    return Finding(
        question=Question.OTHER_ACCOUNT,
        detail={
            "expected": target.handle or target.name,
            "found": [label_of(account) for account in accounts],
        },
    )


async def _for_hand_over(
    session: AsyncSession, invitation: Invitation, word: str, subject: str, accounts: list[Account]
) -> Finding:
    """Compared by account, not by person: what another login reaches of the old one's accounts."""
    old = await logins.get(session, invitation.workspace_id, invitation.hand_over_of or "")
    if old is None:
        return Finding(failed=Result.USED)
    if old.subject == subject:
        return Finding(failed=Result.SAME_LOGIN)
    reached = {(account.platform or word, account.id) for account in accounts}
    rows = [item.connection for item in await logins.reach(session, invitation.workspace_id, [old.id])]
    mine = [row for row in rows if (row.platform, row.account_id) in reached]
    left = [label_of(row) for row in rows if row not in mine]
    if not mine:
        return Finding(failed=Result.NO_ACCOUNT, detail={"reason": str(Reason.ROLE_LOST), "left": left})
    ids = tuple(dict.fromkeys(row.account_id for row in mine))
    return Finding(accounts=ids, detail={"left": left})


def _offered(accounts: list[Account]) -> dict[str, Any]:
    """What a person may answer with (ids) and how it is called; for a relink nothing is offered."""
    return {
        "offered": [account.id for account in accounts],
        "found": [label_of(account) for account in accounts],
    }


async def _for_new(
    session: AsyncSession, info: PlatformInfo, invitation: Invitation, accounts: list[Account]
) -> Finding:
    expected = invitation.expected_handle
    if expected:
        matching = [account for account in accounts if same_handle(account.handle, expected)]
        if not matching:
            return Finding(question=Question.UNEXPECTED, detail={"expected": expected} | _offered(accounts))
        own = [account for account in matching if account.platform in (None, info.key)]
        accounts = (own or matching)[:1]
    named = [(account.platform or info.key, account.id) for account in accounts]
    taken = await connections.elsewhere(session, invitation.workspace_id, invitation.client_id, named)
    detail = {"elsewhere": [connection.account_id for connection, _ in taken]}
    if len(accounts) > 1:
        return Finding(question=Question.PICK, detail=detail | _offered(accounts))
    if taken:
        return Finding(question=Question.ELSEWHERE, detail=detail | _offered(accounts))
    if info.confirm_after_consent:
        return Finding(question=Question.CONFIRM, detail=_offered(accounts))
    return Finding(accounts=(accounts[0].id,))


def missing_scopes(
    info: PlatformInfo, granted: frozenset[str] | None, *, required_only: bool = False
) -> list[str]:
    """Scopes that were asked for and not given, and that accounts of this platform lack; empty where the
    platform does not say."""
    wanted = [scope for scope in info.scopes if scope.concerns is None]
    return _missing([scope for scope in wanted if scope.required or not required_only], granted)


def _missing(scopes: Iterable[Scope], granted: frozenset[str] | None) -> list[str]:
    return [scope.name for scope in scopes if granted is not None and scope.name not in granted]
