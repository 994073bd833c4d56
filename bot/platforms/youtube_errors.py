"""What Google's error replies mean, as a table by reason.

`{"error": {"code", "message", "errors": [{"domain", "reason"}], "status", "details": [{"reason"}]}}` from the
API, OAuth's flat `error` from the token endpoints. The same status can mean opposite things, so the reasons
decide and the status word comes last.
Sources: developers.google.com (YouTube Data API errors, OAuth 2.0 for web server applications).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.http import Response
from bot.platforms import oauth, reading
from bot.platforms.errors import Kind, Reason, Verdict

DAY = 86_400.0  # seconds; the channel's limit of uploads counts over a day
NO_CHANNEL = "youtubeSignupRequired"

Meaning = tuple[Kind, Reason]

_TEXT = (Kind.CONTENT, Reason.TEXT_REFUSED)
_OTHER = (Kind.CONTENT, Reason.UNKNOWN)
_PICTURE = (Kind.CONTENT, Reason.MEDIA_FORMAT)

REASONS: Mapping[str, Meaning] = {
    "authError": (Kind.TOKEN, Reason.REFUSED),
    NO_CHANNEL: (Kind.ACCOUNT, Reason.ACCOUNT_GONE),
    "insufficientPermissions": (Kind.PERMISSION, Reason.PERMISSION_MISSING),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": (Kind.PERMISSION, Reason.PERMISSION_MISSING),
    "quotaExceeded": (Kind.APP, Reason.APP_QUOTA),  # until midnight Pacific time
    "rateLimitExceeded": (Kind.TRY_LATER, Reason.RATE_LIMIT),
    "userRateLimitExceeded": (Kind.TRY_LATER, Reason.RATE_LIMIT),
    "uploadLimitExceeded": (Kind.TRY_LATER, Reason.DAILY_CAP),
    "accessNotConfigured": (Kind.APP, Reason.APP_SETTINGS),
    "authenticatedUserAccountSuspended": (Kind.ACCOUNT, Reason.SUSPENDED),
    "channelSuspended": (Kind.ACCOUNT, Reason.SUSPENDED),
    "authenticatedUserAccountClosed": (Kind.ACCOUNT, Reason.ACCOUNT_GONE),
    "channelClosed": (Kind.ACCOUNT, Reason.ACCOUNT_GONE),
    "accountDelegationForbidden": (Kind.ACCOUNT, Reason.ROLE_LOST),
    "authenticatedUserNotChannel": (Kind.ACCOUNT, Reason.ROLE_LOST),
    "invalidTitle": _TEXT,
    "invalidDescription": _TEXT,
    "invalidTags": _TEXT,
    "invalidCategoryId": _OTHER,
    "invalidPublishAt": _OTHER,
    "invalidFilename": _OTHER,
    "invalidVideoMetadata": _OTHER,
    "invalidRecordingDetails": _OTHER,
    "defaultLanguageNotSet": _OTHER,
    "mediaBodyRequired": (Kind.CONTENT, Reason.MEDIA_MISSING),
    "forbiddenPrivacySetting": (Kind.CONTENT, Reason.POLICY),
    "forbiddenLicenseSetting": (Kind.CONTENT, Reason.POLICY),
    "imageFormatUnsupported": _PICTURE,
    "imageTooTall": _PICTURE,
    "imageTooWide": _PICTURE,
    "backendError": (Kind.UNCLEAR, Reason.PLATFORM_DOWN),
    "internalError": (Kind.UNCLEAR, Reason.PLATFORM_DOWN),
}

STATUSES: Mapping[str, Meaning] = {
    "UNAUTHENTICATED": (Kind.TOKEN, Reason.REFUSED),
    "RESOURCE_EXHAUSTED": (Kind.TRY_LATER, Reason.RATE_LIMIT),
}

TOKEN_ERRORS: Mapping[str, Meaning] = {
    "admin_policy_enforced": (
        Kind.ACCOUNT,
        Reason.RESTRICTED,
    ),  # the Workspace's administrator blocks the app
}

FAILED: Mapping[str, Reason] = {
    "codec": Reason.MEDIA_FORMAT,
    "conversion": Reason.MEDIA_FORMAT,
    "emptyFile": Reason.MEDIA_SIZE,
    "invalidFile": Reason.MEDIA_FORMAT,
    "tooSmall": Reason.MEDIA_SIZE,
    "uploadAborted": Reason.MEDIA_UNREACHABLE,
    "claim": Reason.POLICY,
    "copyright": Reason.POLICY,
    "duplicate": Reason.DUPLICATE,
    "inappropriate": Reason.POLICY,
    "length": Reason.MEDIA_DURATION,
    "termsOfUse": Reason.POLICY,
    "trademark": Reason.POLICY,
    "uploaderAccountClosed": Reason.ACCOUNT_GONE,
    "uploaderAccountSuspended": Reason.SUSPENDED,
}
"""Why processing ended badly: `failureReason` and `rejectionReason`."""


def classify(response: Response, *, needs: str | None = None) -> Verdict:
    """What an unsuccessful reply means. `needs`: the scope the call rests on."""
    body = oauth.read_object(response)
    if body is None:
        verdict = oauth.unreadable(response.status)
    elif oauth.error_name(body):
        verdict = _classify_flat(response.status, body)
    else:
        verdict = _judge(response.status, reading.member(body, "error"))
    if verdict.kind is Kind.TRY_LATER:
        return replace(verdict, retry_after=oauth.retry_after(response.headers) or verdict.retry_after)
    return replace(verdict, permission=needs) if verdict.kind is Kind.PERMISSION else verdict


def _judge(status: int, error: oauth.Body) -> Verdict:
    known = [name for name in _reasons(error) if name in REASONS]
    status_word = _safe(error.get("status"))
    code = f"{status}/{known[0] if known else status_word}"
    if status >= 500 or status < 400:
        return oauth.by_status(status, code)
    meaning = REASONS[known[0]] if known else STATUSES.get(status_word)
    if meaning is None and status == 401:  # under whatever name
        meaning = STATUSES["UNAUTHENTICATED"]
    return _verdict(meaning, code) if meaning else oauth.by_status(status, code)


def _classify_flat(status: int, body: oauth.Body) -> Verdict:
    name = oauth.error_name(body) or ""
    if name in TOKEN_ERRORS and status < 500:
        return _verdict(TOKEN_ERRORS[name], name)
    verdict = oauth.error_verdict(status, body)
    # Workspace's session control ended the login; it is refused like any dead grant, with a reason beside it.
    if verdict.kind is Kind.DEAD and body.get("error_subtype") == "invalid_rapt":
        return replace(verdict, reason=Reason.EXPIRED)
    return verdict


def _verdict(meaning: Meaning, code: str) -> Verdict:
    kind, reason = meaning
    return Verdict(kind, reason, code, DAY if reason is Reason.DAILY_CAP else None)


def failed(reason: object) -> Verdict:
    """A video that YouTube took and could not or would not publish."""
    name = _safe(reason)
    return Verdict(Kind.CONTENT, FAILED.get(name, Reason.UNKNOWN), f"video/{name}")


def _reasons(error: oauth.Body) -> Iterator[str]:
    for item in (*reading.objects(error, "errors"), *reading.objects(error, "details")):
        yield _safe(item.get("reason"))


def _safe(value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z_]{1,60}", value, re.ASCII) else ""
