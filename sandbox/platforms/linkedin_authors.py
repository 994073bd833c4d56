"""For whom a member may post or upload at LinkedIn (LinkedIn facts §4.4, §4.5)."""

from __future__ import annotations

import re

from sandbox.platforms.core import Call
from sandbox.platforms.linkedin_manners import bad_field, denied
from sandbox.platforms.model import Account, Grant

AUTHOR = re.compile(r"urn:li:(person|organization):([A-Za-z0-9_-]+)")
POSTING_ROLES = frozenset({"ADMINISTRATOR", "CONTENT_ADMINISTRATOR"})


def sub_of(account: Account, client_id: str) -> str:
    """The member's id at this app."""
    return str(account.extra.get("subs", {}).get(client_id, account.id))


def roles_of(call: Call) -> dict[str, str]:
    """The organisations in which the caller has a role now; a lost one is a fault of either of them."""
    if call.fault("role_lost"):
        return {}
    roles: dict[str, str] = call.who().extra.get("roles", {})
    board, group = call.world.faults, call.group
    return {id: r for id, r in roles.items() if not board.take({"role_lost"}, "linkedin", (id,), group)}


async def author_account(call: Call, grant: Grant, urn: object, where: str, what: str) -> Account:
    """The account that an author or owner URN names, if the caller may act for it. Raises Refused."""
    match = AUTHOR.fullmatch(urn) if isinstance(urn, str) else None
    if match is None:
        raise bad_field("INVALID_URN_TYPE", where, f"{where} must be a person or organization URN")
    kind, id = match.groups()
    scopes = call.scopes(grant)
    if kind == "person":
        if id != sub_of(call.who(), grant.client_id) or "w_member_social" not in scopes:
            raise denied(what)
        return call.who()
    await call.also(id)
    organization = call.world.accounts.get(("linkedin", id))
    allowed = roles_of(call).get(id) in POSTING_ROLES and "w_organization_social" in scopes
    if organization is None or organization.login or not allowed:
        raise denied(what)
    return organization
