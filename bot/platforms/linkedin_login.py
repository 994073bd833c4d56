"""LinkedIn's token endpoints, and who a token speaks for.

Sources: learn.microsoft.com/linkedin (authorization code flow, token introspection, sign in with LinkedIn
using OpenID Connect, profile API).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from bot.http import Response
from bot.platforms import linkedin_errors, oauth
from bot.platforms.base import Account, Call
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.platforms.linkedin_media import HOSTS

OAUTH = "https://www.linkedin.com/oauth/v2"
API = "https://api.linkedin.com/v2"


async def person(call: Call, token: str, with_openid: bool, pause: float) -> Account:
    """Who consented. Asked once more after `pause` seconds where a token that was just issued is called
    revoked."""
    ask = _userinfo if with_openid else _basic_profile
    try:
        return await ask(call, token)
    except PlatformError as error:
        if error.verdict.reason is not Reason.REVOKED:
            raise
    await asyncio.sleep(pause)
    return await ask(call, token)


async def post_form(call: Call, path: str, form: Mapping[str, str]) -> Response:
    """One call to a token endpoint, with our app's credentials in the body."""
    return await call.http.request(
        "POST",
        OAUTH + path,
        hosts=HOSTS,
        deadline=call.deadline,
        not_after=call.not_after,
        data={
            "client_id": call.app.client_id,
            "client_secret": call.app.client_secret.get_secret_value(),
            **form,
        },
    )


async def oauth_call(call: Call, path: str, form: Mapping[str, str]) -> oauth.Body:
    """The same; the reply's object, or PlatformError."""
    response = await post_form(call, path, form)
    body = oauth.read_object(response)
    if body is None or oauth.refuses(response, body):
        raise PlatformError(linkedin_errors.classify(response))
    return body


def standing(body: oauth.Body) -> Verdict | None:
    """What introspection says against a token; None: it is active."""
    active, status = body.get("active"), body.get("status")
    if active is True and status in ("active", None):
        return None
    if status == "revoked":
        return Verdict(Kind.DEAD, Reason.REVOKED, "introspect/revoked")
    if status == "expired":
        return Verdict(Kind.DEAD, Reason.EXPIRED, "introspect/expired")
    if active is False:
        return Verdict(Kind.TOKEN, Reason.REFUSED, "introspect/inactive")
    return Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "introspect")


def lacking(body: oauth.Body, required: frozenset[str]) -> Verdict | None:
    """The permission that introspection does not name any more; None where all are there, or none is said."""
    granted = oauth.scope_set(body.get("scope"))
    missing = sorted(required - granted) if granted is not None else []
    if not missing:
        return None
    found = (Kind.PERMISSION, Reason.PERMISSION_MISSING, "introspect/scope")
    return Verdict(*found, permission=missing[-1])


async def _get_v2(call: Call, path: str, token: str, needs: str) -> oauth.Body:
    response = await call.http.request(
        "GET",
        API + path,
        hosts=HOSTS,
        deadline=call.deadline,
        not_after=call.not_after,
        headers={"Authorization": f"Bearer {token}"},
    )
    body = oauth.read_object(response)
    if body is None or not 200 <= response.status < 300:
        raise PlatformError(linkedin_errors.classify(response, needs=needs))
    return body


async def _userinfo(call: Call, token: str) -> Account:
    body = await _get_v2(call, "/userinfo", token, "profile")
    return _named(body.get("sub"), (body.get("name"),), body.get("picture"))


async def _basic_profile(call: Call, token: str) -> Account:
    body = await _get_v2(call, "/me", token, "r_basicprofile")
    return _named(body.get("id"), (body.get("localizedFirstName"), body.get("localizedLastName")), None)


def _named(member_id: object, names: Iterable[object], picture: object) -> Account:
    """A member; LinkedIn names no handle, so the name is all there is to show."""
    person = oauth.word(member_id)
    if person is None:
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_member_id"))
    name = " ".join(filter(None, map(oauth.word, names)))
    return Account(person, "", name or "LinkedIn member", oauth.word(picture))
