"""Facebook Login: a person's consent, tokens that extend themselves, and the end of a grant.

The long-lived token of the person is exchanged for a new one while it lives. What it reaches beyond that,
data access, ends 90 days after the person last used the dialog; only a new consent moves that.
Sources: developers.facebook.com (manual login flow, long-lived tokens, debug_token, user permissions).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from bot.clock import utc_now
from bot.http import HttpError
from bot.platforms import meta, oauth
from bot.platforms.base import Call, RefreshKind, RefreshModel, Scope, Tokens
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.platforms.facebook_graph import HOSTS, Graph, Inspection, inspect, not_a_post, proof
from bot.platforms.reading import objects
from bot.settings import AppCredentials

PERMISSION_PAGE = "https://www.facebook.com/settings?tab=business_tools"

REFRESH = RefreshModel(
    RefreshKind.SELF_EXTENDING,
    margin=timedelta(days=15),
    min_age=timedelta(hours=24),
    assumed_life=timedelta(days=59),  # replies may name none; about 60 days is what they name otherwise
)


def authorization_url(
    version: str, app: AppCredentials, redirect_uri: str, state: str, scopes: Iterable[Scope]
) -> str:
    """The dialog, with everything asked for again that was declined before."""
    return oauth.authorization_url(
        f"https://www.facebook.com/{version}/dialog/oauth",
        app.client_id,
        redirect_uri,
        [scope.name for scope in scopes],
        state,
        separator=",",
        extra={"auth_type": "rerequest"},
    )


async def exchange(graph: Graph, code: str, redirect_uri: str) -> Tokens:
    """Code to short-lived, short-lived to long-lived, then what was granted and until when."""
    params = _app(graph.call) | {"redirect_uri": redirect_uri, "code": code}
    short = oauth.parse_tokens(await graph.about_tokens("/oauth/access_token", params))
    long = await extend(graph, short.access_token)
    seen = await _inspected(graph, long)
    scopes = seen.scopes if seen and seen.scopes else await _granted(graph, long)
    return _completed(replace(long, scopes=scopes), seen)


async def extend(graph: Graph, token: str) -> Tokens:
    """A token that lives for a longer one; the string may be the same. Ended ones are refused."""
    params = _app(graph.call) | {"grant_type": "fb_exchange_token", "fb_exchange_token": token}
    return oauth.parse_tokens(await graph.about_tokens("/oauth/access_token", params))


async def check_app(graph: Graph) -> bool:
    """Asks for the app's own token, with its id and secret alone."""
    params = _app(graph.call) | {"grant_type": "client_credentials"}
    oauth.parse_tokens(await graph.about_tokens("/oauth/access_token", params))
    return True


async def revoke(graph: Graph, tokens: Tokens) -> bool:
    """Removes our app for this person, with every Page and account that was reached through it."""
    call, token = graph.call, tokens.access_token
    response = await call.http.request(
        "DELETE",
        graph.url("/me/permissions"),
        hosts=HOSTS,
        deadline=call.deadline,
        not_after=call.not_after,
        headers={"Authorization": f"Bearer {token}"},
        params={"appsecret_proof": proof(call.app, token)},
    )
    body = oauth.read_object(response)
    if 200 <= response.status < 300 and (response.text.strip() == "true" or (body or {}).get("success")):
        return True
    verdict = not_a_post(meta.classify(response))
    if verdict.kind is Kind.DEAD:  # nothing left to revoke
        return True
    raise PlatformError(verdict)


async def who(graph: Graph, token: str) -> tuple[str, str]:
    """The person's id, which is ours alone (app-scoped), and name."""
    body = await graph.get("/me", token, "public_profile", fields="id,name")
    subject = oauth.word(body.get("id"))
    if subject is None:
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_id"))
    return subject, oauth.word(body.get("name")) or subject


async def _inspected(graph: Graph, tokens: Tokens) -> Inspection | None:
    """What the new token is worth. A look that fails costs a date, not the consent."""
    try:
        return await inspect(graph, tokens.access_token)
    except PlatformError as error:
        if error.verdict.kind is Kind.DEAD:
            raise
        return None
    except HttpError:
        return None


async def _granted(graph: Graph, tokens: Tokens) -> frozenset[str]:
    """People may untick what was asked for, and the exchange does not say so."""
    body = await graph.get("/me/permissions", tokens.access_token, "public_profile")
    named = [item.get("permission") for item in objects(body, "data") if item.get("status") == "granted"]
    return frozenset(filter(None, map(oauth.word, named)))


def _completed(tokens: Tokens, seen: Inspection | None) -> Tokens:
    """Lifetimes from the platform's instants, reckoned by its own clock: an end less the life just named."""
    if seen is None:
        return tokens
    now = seen.issued_at or utc_now().timestamp()
    if tokens.expires_in and seen.expires_at:
        now = seen.expires_at - tokens.expires_in
    return replace(
        tokens,
        expires_in=tokens.expires_in or _left(seen.expires_at, now),
        data_access_expires_in=_left(seen.data_access_expires_at, now),
        subject=seen.user_id,
    )


def _left(end: float | None, now: float) -> float | None:
    return oauth.seconds(end - now) if end is not None else None


def _app(call: Call) -> dict[str, str]:
    return {
        "client_id": call.app.client_id,
        "client_secret": call.app.client_secret.get_secret_value(),
    }
