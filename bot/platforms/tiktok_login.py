"""TikTok's consent, tokens and account: Login Kit v2, whose token endpoints answer flat.

Sources: developers.tiktok.com (Login Kit for web and desktop, managing user access tokens, user info).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from bot.http import Response
from bot.platforms import oauth, reading, tiktok_errors
from bot.platforms.base import Account, Call, Tokens
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.platforms.tiktok_media import API, HOSTS, PUBLISH
from bot.settings import AppCredentials

BASIC, PROFILE = "user.info.basic", "user.info.profile"
SCOPES = (BASIC, PROFILE, PUBLISH)
UNNAMED = "TikTok account"
LOOPBACK = frozenset({"localhost", "127.0.0.1"})


def authorization_url(app: AppCredentials, redirect_uri: str, state: str, challenge: str | None) -> str:
    """`disable_auto_auth` shows the consent page to people who have allowed the app before, too."""
    url = oauth.authorization_url(
        "https://www.tiktok.com/v2/auth/authorize/",
        app.client_id,
        redirect_uri,
        SCOPES,
        state,
        separator=",",
        challenge=_hex_challenge(challenge) if challenge and on_loopback(redirect_uri) else None,
        extra={"client_key": app.client_id, "disable_auto_auth": "1"},
    )
    return _without(url, "client_id")


async def tokens(call: Call, form: Mapping[str, str]) -> Tokens:
    """Success only if an access token is there: an OAuth error may come with a status of 200."""
    response = await _post_form(call, "/oauth/token/", form)
    body = oauth.read_object(response)
    refused = body is not None and "error" in body and "access_token" not in body
    if refused or not 200 <= response.status < 300:
        raise PlatformError(tiktok_errors.classify(response))
    return replace(oauth.parse_tokens(body), subject=oauth.word(body.get("open_id")) if body else None)


async def revoke(call: Call, access_token: str) -> bool:
    """Removes the app from the person's list."""
    response = await _post_form(call, "/oauth/revoke/", {"token": access_token})
    body = oauth.read_object(response)
    refused = oauth.error_name(body or {}) or reading.member(body, "error").get("code", "ok") != "ok"
    if 200 <= response.status < 300 and not refused and not reading.is_page(response):
        return True
    verdict = tiktok_errors.classify(response)
    if verdict.kind in (Kind.DEAD, Kind.TOKEN):  # nothing left to revoke
        return True
    raise PlatformError(verdict)


async def me(call: Call, token: str, *, with_profile: bool) -> Account:
    """Who the token speaks for. A field outside the granted scopes would refuse the whole call."""
    fields = "open_id,union_id,avatar_url,display_name" + (",username" if with_profile else "")
    response = await call.http.request(
        "GET",
        f"{API}/user/info/",
        hosts=HOSTS,
        deadline=call.deadline,
        not_after=call.not_after,
        headers={"Authorization": f"Bearer {token}"},
        params={"fields": fields},
    )
    try:
        user = reading.member(tiktok_errors.data_of(response, needs=BASIC), "user")
    except PlatformError as error:
        raise PlatformError(tiktok_errors.not_a_post(error.verdict)) from None
    account_id, handle = oauth.word(user.get("open_id")), oauth.word(user.get("username")) or ""
    if account_id is None:
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_open_id"))
    name = oauth.word(user.get("display_name")) or handle or UNNAMED
    return Account(account_id, handle, name, oauth.word(user.get("avatar_url")))


async def _post_form(call: Call, path: str, form: Mapping[str, str]) -> Response:
    secret = call.app.client_secret.get_secret_value()
    return await call.http.request(
        "POST",
        API + path,
        hosts=HOSTS,
        deadline=call.deadline,
        not_after=call.not_after,
        data={"client_key": call.app.client_id, "client_secret": secret, **form},
    )


def on_loopback(redirect_uri: str) -> bool:
    """Whether TikTok wants PKCE for this redirect address: on loopback only."""
    return (urlsplit(redirect_uri).hostname or "") in LOOPBACK


def _hex_challenge(challenge: str) -> str:
    """TikTok wants the verifier's hash in hex where the standard has base64url."""
    try:
        return base64.urlsafe_b64decode(challenge + "=" * (-len(challenge) % 4)).hex()
    except (binascii.Error, ValueError):
        return challenge


def _without(url: str, parameter: str) -> str:
    """The address without one parameter: TikTok names the app `client_key`."""
    base, _, query = url.partition("?")
    kept = [pair for pair in query.split("&") if not pair.startswith(f"{parameter}=")]
    return f"{base}?{'&'.join(kept)}"
