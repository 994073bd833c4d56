"""What TikTok's error replies and reasons of failure mean, as tables.

API calls answer `{"data": {}, "error": {"code", "message", "log_id"}}`, where "ok" is a code too; the token
endpoints answer OAuth's flat `error`, at times with a status of 200.
Sources: developers.tiktok.com (API v2 error handling, OAuth error handling, direct post, video status).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bot.http import Response
from bot.platforms import oauth, reading
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict

DAY = 86_400.0  # seconds: the caps on posts and drafts count over a day
MINUTE = 60.0  # seconds: rate limits count over a sliding minute, and no header says how much is left

Meaning = tuple[Kind, Reason, float | None]
"""Kind, reason, and the pause in seconds where the platform's pages name one."""

API_CODES: Mapping[str, Meaning] = {
    "access_token_invalid": (Kind.TOKEN, Reason.REFUSED, None),  # expired and revoked look alike
    "scope_not_authorized": (Kind.PERMISSION, Reason.PERMISSION_MISSING, None),  # the person declined it
    "scope_permission_missed": (Kind.APP, Reason.APP_SETTINGS, None),  # the app itself lacks it
    "invalid_params": (Kind.CONTENT, Reason.UNKNOWN, None),
    "invalid_param": (Kind.CONTENT, Reason.UNKNOWN, None),
    "invalid_file_upload": (Kind.CONTENT, Reason.MEDIA_FORMAT, None),
    "invalid_publish_id": (Kind.CONTENT, Reason.UNKNOWN, None),
    "spam_risk_too_many_posts": (Kind.TRY_LATER, Reason.DAILY_CAP, DAY),
    "spam_risk_too_many_pending_share": (Kind.TRY_LATER, Reason.DAILY_CAP, DAY),
    "spam_risk_user_banned_from_posting": (Kind.ACCOUNT, Reason.RESTRICTED, None),
    "reached_active_user_cap": (Kind.APP, Reason.APP_QUOTA, None),
    "unaudited_client_can_only_post_to_private_accounts": (Kind.APP, Reason.APP_NOT_REVIEWED, None),
    "privacy_level_option_mismatch": (Kind.NOT_READY, Reason.UNKNOWN, None),  # the options are asked for anew
    "url_ownership_unverified": (Kind.APP, Reason.APP_SETTINGS, None),
    "rate_limit_exceeded": (Kind.TRY_LATER, Reason.RATE_LIMIT, MINUTE),
    "internal_error": (Kind.UNCLEAR, Reason.PLATFORM_DOWN, None),
}

FAIL_REASONS: Mapping[str, Meaning] = {
    "file_format_check_failed": (Kind.CONTENT, Reason.MEDIA_FORMAT, None),
    "duration_check_failed": (Kind.CONTENT, Reason.MEDIA_DURATION, None),
    "frame_rate_check_failed": (Kind.CONTENT, Reason.MEDIA_FORMAT, None),
    "picture_size_check_failed": (Kind.CONTENT, Reason.MEDIA_SIZE, None),
    "internal": (Kind.TRY_LATER, Reason.PLATFORM_DOWN, None),
    "video_pull_failed": (Kind.CONTENT, Reason.MEDIA_UNREACHABLE, None),
    "photo_pull_failed": (Kind.CONTENT, Reason.MEDIA_UNREACHABLE, None),
    "publish_cancelled": (Kind.CONTENT, Reason.REFUSED, None),
    "auth_removed": (Kind.DEAD, Reason.REVOKED, None),
    "spam_risk": (Kind.ACCOUNT, Reason.SPAM, None),
    "spam_risk_text": (Kind.CONTENT, Reason.TEXT_REFUSED, None),
    "spam_risk_too_many_posts": (Kind.TRY_LATER, Reason.DAILY_CAP, DAY),
    "spam_risk_user_banned_from_posting": (Kind.ACCOUNT, Reason.RESTRICTED, None),
}

TOKEN_ERRORS: Mapping[str, tuple[Kind, Reason]] = {"access_denied": (Kind.DEAD, Reason.REVOKED)}


def data_of(response: Response, *, needs: str) -> oauth.Body:
    """The `data` of a reply whose error code is "ok"; PlatformError for any other."""
    body = oauth.read_object(response) or {}
    fine = reading.member(body, "error").get("code", "ok") == "ok" and "data" in body
    if 200 <= response.status < 300 and fine:
        return reading.member(body, "data")
    raise PlatformError(classify(response, needs=needs))


def classify(response: Response, *, needs: str | None = None) -> Verdict:
    """What an unsuccessful reply of the API or of a token endpoint means, whatever its status.

    `needs`: the scope the call rests on.
    """
    body = oauth.read_object(response)
    if body is None:
        verdict = oauth.unreadable(response.status)
    elif oauth.error_name(body):
        verdict = _classify_flat(response.status, body)
    else:
        verdict = _judge(response.status, _safe(reading.member(body, "error").get("code")))
    if verdict.kind is Kind.TRY_LATER:
        return replace(verdict, retry_after=oauth.retry_after(response.headers) or verdict.retry_after)
    return replace(verdict, permission=needs) if verdict.kind is Kind.PERMISSION else verdict


def _judge(status: int, code: str) -> Verdict:
    if status < 500 and code in API_CODES:
        return _verdict(API_CODES[code], code)
    if status == 401:  # under whatever name
        return Verdict(Kind.TOKEN, Reason.REFUSED, code or "401")
    return oauth.by_status(status, code or str(status))


def _classify_flat(status: int, body: oauth.Body) -> Verdict:
    name = oauth.error_name(body) or ""
    status = 400 if status < 400 else status
    if name in TOKEN_ERRORS and status < 500:
        kind, reason = TOKEN_ERRORS[name]
        return Verdict(kind, reason, name)
    return oauth.error_verdict(status, body)


def failure(reason: object) -> Verdict:
    """Why a post ended in FAILED; a reason that is in no table refuses the post."""
    name = _safe(reason)
    return _verdict(FAIL_REASONS.get(name, (Kind.CONTENT, Reason.UNKNOWN, None)), f"failed/{name}")


def not_a_post(verdict: Verdict) -> Verdict:
    """A bad parameter of a call that carries no post is for a person to look at, not refused content."""
    return replace(verdict, kind=Kind.UNKNOWN) if verdict.kind is Kind.CONTENT else verdict


def _verdict(meaning: Meaning, code: str) -> Verdict:
    kind, reason, pause = meaning
    return Verdict(kind, reason, code, pause)


def _safe(value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[a-z0-9_]{1,60}", value, re.ASCII) else ""
