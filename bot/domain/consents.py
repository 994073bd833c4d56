"""What a consent is made of: its results, its questions, and what came back, sealed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from bot.platforms.base import Account, Discovery, Tokens
from bot.platforms.errors import Reason
from storage.crypto import Place, Vault


class Result(StrEnum):
    """How a consent ended."""

    LINKED = "linked"
    RELINKED = "relinked"
    HANDED_OVER = "handed_over"  # another person's login took accounts over; `left` names the others
    SAME_LOGIN = "same_login"  # a hand over came back as the login that it was to replace
    DENIED = "denied"  # the person said no
    CODE_REFUSED = "code_refused"  # the platform did not take its own code: open the link again
    NO_ANSWER = "no_answer"
    APP_FAULT = "app_fault"
    NO_ACCOUNT = "no_account"  # nothing there that can be linked; `reason` says why
    MISSING_SCOPES = "missing_scopes"
    USED = "used"  # the invitation was used, replaced or closed meanwhile
    EXPIRED = "expired"
    DECLINED = "declined"  # "that is not the right account"


class Question(StrEnum):
    """What a person is asked before anything is stored."""

    PICK = "pick"  # several accounts: which?
    OTHER_ACCOUNT = "other_account"  # a relink came back as somebody else
    UNEXPECTED = "unexpected"  # not the handle that was expected
    ELSEWHERE = "elsewhere"  # another client of the workspace has this account
    CONFIRM = "confirm"  # the platform shows no account choice: is this the one?


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from the platform, kept sealed until the end of the walk."""

    tokens: Tokens
    discovery: Discovery | None = None
    own_tokens: dict[str, str] = field(default_factory=dict, repr=False)

    def with_discovery(self, found: Discovery) -> Answer:
        own = {account.id: account.own_token for account in found.accounts if account.own_token}
        return Answer(self.tokens, found, own)


def lease_owner(consent_id: str) -> str:
    """As whom a walk holds its grant's lease."""
    return f"consent:{consent_id}"


def seal_answer(vault: Vault, consent_id: str, answer: Answer) -> str:
    tokens = asdict(answer.tokens)
    if answer.tokens.scopes is not None:
        tokens["scopes"] = sorted(answer.tokens.scopes)
    found = answer.discovery
    body: dict[str, Any] = {"tokens": tokens, "own": answer.own_tokens}
    if found is not None:
        accounts = [public_account(account) for account in found.accounts]
        body["found"] = {
            "subject": found.subject,
            "name": found.subject_name,
            "accounts": accounts,
            "known_as": found.known_as,
        }
    return vault.seal(json.dumps(body), answer_place(consent_id))


def open_answer(vault: Vault, consent_id: str, sealed: str) -> Answer:
    body = json.loads(vault.open(sealed, answer_place(consent_id)))
    fields = body["tokens"]
    if fields["scopes"] is not None:
        fields["scopes"] = frozenset(fields["scopes"])
    found = body.get("found")
    discovery = None
    if found is not None:
        accounts = tuple(account_from(item, body["own"]) for item in found["accounts"])
        discovery = Discovery(found["subject"], found["name"], accounts, found.get("known_as"))
    return Answer(Tokens(**fields), discovery, body["own"])


def public_account(account: Account) -> dict[str, Any]:
    """An account without its token: what pages may show and rows may keep."""
    return {
        "id": account.id,
        "handle": account.handle,
        "name": account.name,
        "picture_url": account.picture_url,
        "usable": account.usable,
        "problem": account.problem,
        "platform": account.platform,
    }


def account_from(item: dict[str, Any], own: dict[str, str]) -> Account:
    problem = Reason(item["problem"]) if item["problem"] else None
    return Account(
        item["id"],
        item["handle"],
        item["name"],
        item["picture_url"],
        own.get(item["id"]),
        item["usable"],
        problem,
        item.get("platform"),
    )


def same_handle(one: str | None, other: str | None) -> bool:
    """Handles as people type them: with or without @, in any case."""
    return bool(one and other) and _plain(one) == _plain(other)


def answer_place(consent_id: str) -> Place:
    return Place("consents", consent_id, "answer")


def verifier_place(consent_id: str) -> Place:
    return Place("consents", consent_id, "verifier")


def _plain(handle: str | None) -> str:
    return (handle or "").strip().lstrip("@").casefold()
