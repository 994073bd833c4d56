"""The OAuth 2.0 grammar that platforms share, without any input or output of its own.

oauthlib builds the addresses and the PKCE pair. Replies are read here, because its parser consults the
machine's clock and stops at deviations that are everyday ones with social platforms: lifetimes as strings,
scopes split by commas, errors named with a status of 200.
Sources: RFC 6749 (5.1, 5.2), RFC 6750 (3.1), RFC 7636.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from oauthlib.oauth2 import WebApplicationClient

from bot.clock import utc_now
from bot.http import Response, Unreadable
from bot.platforms.base import Tokens
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.settings import AppCredentials

Body = Mapping[str, object]
"""A parsed JSON object, nothing known about its members yet."""

VERIFIER_LENGTH = 64  # RFC 7636 allows 43 to 128
SECONDS_MOST = 100 * 366 * 86_400.0  # a century: more than that is no lifetime, and no date can hold it

ERRORS: Mapping[str, tuple[Kind, Reason]] = {
    "invalid_grant": (Kind.DEAD, Reason.REFUSED),
    "invalid_client": (Kind.APP, Reason.APP_SECRET),
    "unauthorized_client": (Kind.APP, Reason.APP_SECRET),
    "disabled_client": (Kind.APP, Reason.APP_SUSPENDED),  # Google's word for an app that it switched off
    "unsupported_grant_type": (Kind.APP, Reason.APP_SETTINGS),
    "unsupported_response_type": (Kind.APP, Reason.APP_SETTINGS),
    "invalid_scope": (Kind.APP, Reason.APP_SETTINGS),
    "unauthorized_scope_error": (Kind.APP, Reason.APP_SETTINGS),  # LinkedIn: the app lacks a product
    "redirect_uri_mismatch": (Kind.APP, Reason.APP_SETTINGS),
    "invalid_token": (Kind.TOKEN, Reason.REFUSED),
    "insufficient_scope": (Kind.PERMISSION, Reason.PERMISSION_MISSING),
    "slow_down": (Kind.TRY_LATER, Reason.RATE_LIMIT),
    "temporarily_unavailable": (Kind.TRY_LATER, Reason.PLATFORM_DOWN),
    "server_error": (Kind.UNCLEAR, Reason.PLATFORM_DOWN),
}
"""What the standard error names mean. What deviates stands in the platforms' own files, ahead of this."""


DENIALS = frozenset({"access_denied", "user_cancelled_login", "user_cancelled_authorize", "user_denied"})
"""The person said no at the platform's page."""


@dataclass(frozen=True, slots=True)
class PkcePair:
    """A verifier to keep secret and its S256 challenge to show."""

    verifier: str = field(repr=False)
    challenge: str


def pkce_pair() -> PkcePair:
    """A fresh verifier (64 unreserved characters) and base64url(sha256(verifier)) without padding."""
    client = WebApplicationClient("")
    verifier = client.create_code_verifier(VERIFIER_LENGTH)
    return PkcePair(verifier, client.create_code_challenge(verifier, "S256"))


def authorization_url(
    base: str,
    client_id: str,
    redirect_uri: str,
    scopes: Iterable[str],
    state: str,
    *,
    separator: str = " ",
    challenge: str | None = None,
    extra: Mapping[str, str] | None = None,
) -> str:
    """Where a browser goes to consent; spaces are written as %20, which every platform takes."""
    client = WebApplicationClient(client_id)
    url = client.prepare_request_uri(
        base,
        redirect_uri=redirect_uri,
        scope=separator.join(scopes),
        state=state,
        code_challenge=challenge,
        code_challenge_method="S256" if challenge else None,
        **(extra or {}),
    )
    return str(url).replace("+", "%20")  # a plus sign of a value is %2B already


def basic_auth(app: AppCredentials) -> str:
    """The value of an `Authorization` header that names our app (RFC 6749, 2.3.1)."""
    pair = f"{app.client_id}:{app.client_secret.get_secret_value()}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def read_object(response: Response) -> Body | None:
    """The reply's JSON object, or None where it holds none (HTML, empty, a list)."""
    try:
        parsed: object = response.json()
    except Unreadable:
        return None
    return parsed if isinstance(parsed, dict) else None


def word(value: object) -> str | None:
    """A non-empty string that can be stored, also from a whole number: ids come as either."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "ignore").decode() or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**40 else None
    return None


def whole(value: object) -> int | None:
    """A whole number, also from a string of digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 10**18 else None
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    return None


def credential(value: object) -> str | None:
    """A token: visible ASCII, as headers need it."""
    return value if isinstance(value, str) and re.fullmatch(r"[\x21-\x7e]+", value) else None


def seconds(value: object) -> float | None:
    """A lifetime in seconds, also from a string, a century at most; None for what is no finite, positive
    number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return min(number, SECONDS_MOST) if math.isfinite(number) and number > 0 else None


def scope_set(value: object) -> frozenset[str] | None:
    """Granted scopes from a list or from a string split by commas or spaces; None where none are named."""
    if isinstance(value, str):
        names = re.split(r"[,\s]+", value)
    elif isinstance(value, list):
        names = [name for name in value if isinstance(name, str)]
    else:
        return None
    return frozenset(filter(None, names)) or None


def came_back_without_code(params: Mapping[str, str]) -> Verdict | None:
    """What a redirect without a code says: None where the person said no.

    Meta's dialog names strange permissions by `error_code=100` alone, without `error`; which of its fields
    name a refusal is not confirmed."""
    name = params.get("error", "")
    if name in DENIALS or params.get("error_reason") in DENIALS:
        return None
    if not name and params.get("error_code") == "100":
        name = "invalid_scope"
    kind, reason = ERRORS.get(name, (Kind.UNKNOWN, Reason.UNKNOWN))
    return Verdict(kind, reason, f"dialog/{name}" if name in ERRORS else "dialog")


def parse_tokens(body: Body | None) -> Tokens:
    """Tokens of a successful reply. Without an access token in it the reply is unclear, never a refusal."""
    access = credential(body.get("access_token")) if body else None
    if body is None or access is None:
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_access_token"))
    return Tokens(
        access_token=access,
        refresh_token=credential(body.get("refresh_token")),
        expires_in=seconds(body.get("expires_in")),
        refresh_expires_in=seconds(body.get("refresh_expires_in") or body.get("refresh_token_expires_in")),
        scopes=scope_set(body.get("scope")),
    )


def refuses(response: Response, body: Body | None) -> bool:
    """Whether a token endpoint's reply is a refusal: an error may come with 200, and an empty `error` beside
    tokens is none."""
    return not 200 <= response.status < 300 or bool(body and body.get("error"))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a `Retry-After` asks for, as a number or as a date; None where it is missing or odd."""
    named = headers.get("retry-after", "").strip()
    if named.isdecimal():
        return seconds(named)
    try:
        return seconds((parsedate_to_datetime(named) - utc_now()).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def error_name(body: Body) -> str | None:
    """The standard `error` member; None where it is absent or not a word (Graph puts an object there)."""
    name = body.get("error")
    return name if isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", name) else None


def error_verdict(status: int, body: Body | None) -> Verdict:
    """What an unsuccessful reply of a token endpoint means, by the standard's names."""
    if body is None:
        return unreadable(status)
    name = error_name(body) or ""
    if name in ERRORS and status < 500:  # a failing server's words are no verdict
        kind, reason = ERRORS[name]
        return Verdict(kind, reason, name)
    return by_status(status, name or str(status))


def unreadable(status: int) -> Verdict:
    """An answer without a JSON object: says nothing about a token, whatever its status."""
    if status == 429:
        return Verdict(Kind.TRY_LATER, Reason.RATE_LIMIT, "429")
    reason = Reason.PLATFORM_DOWN if status >= 500 else Reason.UNREADABLE
    return Verdict(Kind.UNCLEAR, reason, str(status))


def by_status(status: int, code: str) -> Verdict:
    """The little that a status says when the body is readable and in no table."""
    if status == 429:
        return Verdict(Kind.TRY_LATER, Reason.RATE_LIMIT, code)
    if status >= 500:
        return Verdict(Kind.UNCLEAR, Reason.PLATFORM_DOWN, code)
    if status < 400:
        return Verdict(Kind.UNCLEAR, Reason.UNREADABLE, code)
    return Verdict(Kind.UNKNOWN, Reason.UNKNOWN, code)
