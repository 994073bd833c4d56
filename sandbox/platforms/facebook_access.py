"""Who calls Facebook, by which consent, for which Page (meta facts §0, §2.2 to §2.4).

What a person allowed is what he allowed last: a second consent that leaves a Page or a permission out takes
it from the tokens of the first one too. Pages are accounts without a login; their `extra` has `roles`
(person's id to tasks), `business` (the portfolio that owns them), `instagram` (the linked account's id).

Modes: `facebook.require_proof` = `yes` demands appsecret_proof; `facebook.role_lost` words a lost role as
`impersonating`, `permission` or `missing`; `facebook.data_access` = `all` ends the Pages' tokens too when
the 90 days are over.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.platforms.core import Call, Refused, bearer
from sandbox.platforms.facebook_manners import (
    AS_ITSELF,
    BAD_PROOF,
    DATA_ENDED,
    DENIED,
    IMPERSONATING,
    NO_TOKEN,
    NOT_ALLOWED,
    POST,
    READ,
    WANT_PROOF,
    app_usage,
)
from sandbox.platforms.meta import no_object, token_error, usage
from sandbox.platforms.model import Account, Grant, Token
from sandbox.world import PlatformWorld

DATA_ACCESS = timedelta(days=90)
LOST = ("facebook", "role_lost")


@dataclass(frozen=True)
class Caller:
    """Who calls: the token, the consent that it came from, the person's newest one, what that allows."""

    token: Token
    grant: Grant
    newest: Grant
    scopes: frozenset[str]

    @property
    def is_page(self) -> bool:
        """Whether a Page calls, not a person."""
        return self.token.kind == "page"

    def need(self, *scopes: str) -> None:
        """Refuse without these permissions."""
        if not set(scopes) <= self.scopes:
            raise DENIED.refused()


def newest_consent(world: PlatformWorld, grant: Grant) -> Grant:
    """The last standing consent of the same person to the same app; the grant itself if none stands."""
    same = [
        other
        for other in world.grants.values()
        if (other.platform, other.client_id, other.account)
        == (grant.platform, grant.client_id, grant.account)
        and not other.ended
    ]
    return max(same, key=lambda other: other.serial, default=grant)


def ticked(grant: Grant) -> frozenset[str]:
    """The Pages and Instagram accounts that the person ticked."""
    return frozenset(grant.extra.get("assets", ()))


def tasks_on(page: Account, person: str) -> list[str]:
    """What the person may do on the Page; empty without a role."""
    return list(page.extra.get("roles", {}).get(person, ()))


def pages_of(world: PlatformWorld, person: str) -> list[Account]:
    """Every Page on which the person has a role, none that a fault took from him."""
    lost = {fault.account for fault in world.faults.standing if (fault.platform, fault.kind) == LOST}
    if lost & {"", person}:
        return []
    return [p for p in world.accounts_of("facebook") if tasks_on(p, person) and p.id not in lost]


def data_access_end(grant: Grant) -> datetime:
    """When the person has to log in again for his data to be read."""
    return grant.at + DATA_ACCESS


async def authorized(call: Call, given: Mapping[str, str]) -> Caller:
    """Who calls. Raises Refused: 190 for a token that is dead or has lost its Page."""
    value = bearer(call.request) or given.get("access_token", "")
    if not value or "|" in value:
        call.world.see(value)
        raise NO_TOKEN.refused()
    presented = await call.present(value)
    if presented.state != "fresh" or presented.token is None or presented.grant is None:
        raise token_error(call, presented).refused()
    _check_proof(call, presented.grant, value, given.get("appsecret_proof", ""))
    newest = newest_consent(call.world, presented.grant)
    caller = Caller(presented.token, presented.grant, newest, call.scopes(newest) | {"public_profile"})
    if not caller.is_page:
        app_usage(call, 1)
        return caller
    usage(call, "pages", 1, 0)
    _check_page(call, caller)
    if call.world.modes.get("facebook.data_access") == "all":
        check_data_access(call, caller)
    return caller


def _check_proof(call: Call, grant: Grant, token: str, proof: str) -> None:
    if not proof:
        if call.world.modes.get("facebook.require_proof") == "yes":
            raise WANT_PROOF.refused()
        return
    secret = call.world.apps["facebook", grant.client_id].secret
    right = hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right.encode(), proof.encode()):
        raise BAD_PROOF.refused()


def _check_page(call: Call, caller: Caller) -> None:
    page = call.who()
    if call.fault("role_lost") or not tasks_on(page, caller.grant.account):
        raise _role_lost(call, page.id)
    if page.id not in ticked(caller.newest):
        raise IMPERSONATING.refused()


def _role_lost(call: Call, page: str) -> Refused:
    worded = call.world.modes.get("facebook.role_lost", "impersonating")
    if worded == "missing":
        return no_object(page, call.request.method.lower())
    return (NOT_ALLOWED if worded == "permission" else IMPERSONATING).refused()


def check_data_access(call: Call, caller: Caller) -> None:
    """Refuse when the person has not logged in for 90 days."""
    over = call.world.now() >= data_access_end(caller.newest)
    if over or call.fault("data_access_expired", serial=caller.newest.serial):
        raise DATA_ENDED.refused()


def page_for(call: Call, caller: Caller, id: str) -> Account:
    """The Page of this id, as far as the caller reaches it. Raises Refused."""
    if caller.is_page:
        if id not in ("me", call.account):
            raise no_object(id, call.request.method.lower())
        return call.who()
    page = call.world.accounts.get(("facebook", id))
    if page is None or not tasks_on(page, call.account) or id not in ticked(caller.newest):
        raise no_object(id, call.request.method.lower())
    check_data_access(call, caller)
    return page


def posting_page(call: Call, caller: Caller) -> Account:
    """The Page in the address, for a Page's own token that may post. Raises Refused."""
    page = page_for(call, caller, str(call.request.path_params["id"]))
    if not caller.is_page:
        raise AS_ITSELF.refused()
    if not {POST, READ} <= caller.scopes or "CREATE_CONTENT" not in tasks_on(page, caller.grant.account):
        raise NOT_ALLOWED.refused()
    return page


def page_token(call: Call, caller: Caller, page: Account) -> str:
    """A Page's token: without an end from a long-lived token, else with that token's own end."""
    left: float | None = None
    if caller.token.kind == "short" and caller.token.expires_at is not None:
        left = (caller.token.expires_at - call.world.now()).total_seconds()
    token = call.world.issue(caller.grant, "page", seconds=left, prefix="EAA", account=page.id)
    return token.value
