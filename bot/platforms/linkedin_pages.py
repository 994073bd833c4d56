"""The organisations for which a person may post on LinkedIn.

Sources: learn.microsoft.com/linkedin (organization access control by role, organization lookup).
"""

from __future__ import annotations

from dataclasses import replace

from bot.http import HttpError
from bot.platforms import oauth, reading
from bot.platforms.base import Account
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.platforms.linkedin_media import Desk

POSTING_ROLES = frozenset({"ADMINISTRATOR", "CONTENT_ADMINISTRATOR", "CONTENT_ADMIN"})
ACLS_PAGE, ACLS_PAGES = 100, 5
NAMED_MOST = 50  # organisations whose names are asked for; more show their numbers
NAME_DEADLINE = 5.0  # seconds: a name is not worth more


async def accounts(desk: Desk) -> tuple[Account, ...]:
    """Every organisation with a role, for the picker; those without the right to post are not usable."""
    roles = await _roles(desk)
    return tuple([await _page(desk, number, roles[number], at) for at, number in enumerate(roles)])


async def may_post(desk: Desk, number: str) -> bool:
    """Whether the person still holds a role that may post for this organisation."""
    return bool((await _roles(desk)).get(number, set()) & POSTING_ROLES)


async def _roles(desk: Desk) -> dict[str, set[str]]:
    """The organisations on which the person holds approved roles, by number."""
    roles: dict[str, set[str]] = {}
    for page in range(ACLS_PAGES):
        params = {"q": "roleAssignee", "state": "APPROVED", "count": str(ACLS_PAGE)}
        if page:
            params["start"] = str(page * ACLS_PAGE)
        body = oauth.read_object(await desk.ask("GET", "/organizationAcls", params=params))
        if body is None or not isinstance(body.get("elements"), list):
            raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "acls"))
        elements = reading.objects(body, "elements")
        for item in elements:
            urn = oauth.word(item.get("organization") or item.get("organizationalTarget")) or ""
            number, role = urn.rpartition(":")[2], oauth.word(item.get("role")) or ""
            if ":organization:" in urn and number and item.get("state", "APPROVED") == "APPROVED":
                roles.setdefault(number, set()).add(role)
        if len(elements) < ACLS_PAGE:
            break
    return roles


async def _page(desk: Desk, number: str, roles: set[str], index: int) -> Account:
    """One organisation for the picker. Its name is asked for kindly: without it, the number has to do."""
    brief = replace(desk, call=replace(desk.call, deadline=min(desk.call.deadline, NAME_DEADLINE)))
    body: oauth.Body = {}
    if index < NAMED_MOST:
        try:
            body = oauth.read_object(await brief.ask("GET", f"/organizations/{number}")) or {}
        except (PlatformError, HttpError):
            body = {}
    handle = oauth.word(body.get("vanityName")) or number
    name = oauth.word(body.get("localizedName")) or f"LinkedIn Page {number}"
    usable = bool(roles & POSTING_ROLES)
    return Account(number, handle, name, usable=usable, problem=None if usable else Reason.ROLE_LOST)
