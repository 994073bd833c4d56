"""TikTok's errors: every row of the documented and reported ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.errors import Kind, Reason
from bot.platforms.tiktok_errors import DAY, MINUTE, classify, failure
from tests.platforms.platform_fakes import reply

K, R = Kind, Reason


def envelope(code: str) -> dict[str, object]:
    return {"data": {}, "error": {"code": code, "message": "no", "log_id": "2026"}}


API_ROWS: list[tuple[int, str, Kind, Reason, float | None]] = [
    (401, "access_token_invalid", K.TOKEN, R.REFUSED, None),
    (401, "scope_not_authorized", K.PERMISSION, R.PERMISSION_MISSING, None),
    (401, "scope_permission_missed", K.APP, R.APP_SETTINGS, None),
    (400, "invalid_params", K.CONTENT, R.UNKNOWN, None),
    (400, "invalid_param", K.CONTENT, R.UNKNOWN, None),
    (400, "invalid_file_upload", K.CONTENT, R.MEDIA_FORMAT, None),
    (400, "invalid_publish_id", K.CONTENT, R.UNKNOWN, None),
    (403, "spam_risk_too_many_posts", K.TRY_LATER, R.DAILY_CAP, DAY),
    (403, "spam_risk_too_many_pending_share", K.TRY_LATER, R.DAILY_CAP, DAY),
    (403, "spam_risk_user_banned_from_posting", K.ACCOUNT, R.RESTRICTED, None),
    (403, "reached_active_user_cap", K.APP, R.APP_QUOTA, None),
    (403, "unaudited_client_can_only_post_to_private_accounts", K.APP, R.APP_NOT_REVIEWED, None),
    (403, "privacy_level_option_mismatch", K.NOT_READY, R.UNKNOWN, None),
    (403, "url_ownership_unverified", K.APP, R.APP_SETTINGS, None),
    (429, "rate_limit_exceeded", K.TRY_LATER, R.RATE_LIMIT, MINUTE),
    (500, "internal_error", K.UNCLEAR, R.PLATFORM_DOWN, None),
    (503, "internal_error", K.UNCLEAR, R.PLATFORM_DOWN, None),
    (503, "access_token_invalid", K.UNCLEAR, R.PLATFORM_DOWN, None),
    (403, "something_new", K.UNKNOWN, R.UNKNOWN, None),
    (401, "something_new", K.TOKEN, R.REFUSED, None),
    (200, "ok", K.UNCLEAR, R.UNREADABLE, None),
]


@pytest.mark.parametrize(("status", "code", "kind", "reason", "pause"), API_ROWS)
def test_api_row(status: int, code: str, kind: Kind, reason: Reason, pause: float | None) -> None:
    verdict = classify(reply(status, envelope(code)))
    assert (verdict.kind, verdict.reason, verdict.retry_after) == (kind, reason, pause)


def test_a_pause_that_the_answer_names_counts() -> None:
    assert classify(reply(429, envelope("rate_limit_exceeded"), Retry_After="300")).retry_after == 300.0


def test_an_error_named_under_200_is_an_error() -> None:
    assert classify(reply(200, envelope("access_token_invalid"))).kind is K.TOKEN


FLAT_ROWS: list[tuple[str, Kind, Reason]] = [
    ("access_denied", K.DEAD, R.REVOKED),
    ("invalid_client", K.APP, R.APP_SECRET),
    ("invalid_grant", K.DEAD, R.REFUSED),
    ("invalid_request", K.UNKNOWN, R.UNKNOWN),
    ("invalid_scope", K.APP, R.APP_SETTINGS),
    ("unauthorized_client", K.APP, R.APP_SECRET),
    ("unsupported_grant_type", K.APP, R.APP_SETTINGS),
    ("unsupported_response_type", K.APP, R.APP_SETTINGS),
]


@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize(("name", "kind", "reason"), FLAT_ROWS)
def test_oauth_row_whatever_its_status(status: int, name: str, kind: Kind, reason: Reason) -> None:
    body = {"error": name, "error_description": "Refresh token is invalid or expired.", "log_id": "2026"}
    verdict = classify(reply(status, body))
    assert (verdict.kind, verdict.reason) == (kind, reason)


def test_a_failing_server_is_no_verdict() -> None:
    assert classify(reply(503, {"error": "invalid_grant"})).kind is K.UNCLEAR


FAIL_ROWS: list[tuple[str, Kind, Reason]] = [
    ("file_format_check_failed", K.CONTENT, R.MEDIA_FORMAT),
    ("duration_check_failed", K.CONTENT, R.MEDIA_DURATION),
    ("frame_rate_check_failed", K.CONTENT, R.MEDIA_FORMAT),
    ("picture_size_check_failed", K.CONTENT, R.MEDIA_SIZE),
    ("internal", K.TRY_LATER, R.PLATFORM_DOWN),
    ("video_pull_failed", K.CONTENT, R.MEDIA_UNREACHABLE),
    ("photo_pull_failed", K.CONTENT, R.MEDIA_UNREACHABLE),
    ("publish_cancelled", K.CONTENT, R.REFUSED),
    ("auth_removed", K.DEAD, R.REVOKED),
    ("spam_risk", K.ACCOUNT, R.SPAM),
    ("spam_risk_text", K.CONTENT, R.TEXT_REFUSED),
    ("spam_risk_too_many_posts", K.TRY_LATER, R.DAILY_CAP),
    ("spam_risk_user_banned_from_posting", K.ACCOUNT, R.RESTRICTED),
    ("something_new", K.CONTENT, R.UNKNOWN),
]


@pytest.mark.parametrize(("name", "kind", "reason"), FAIL_ROWS)
def test_fail_reason(name: str, kind: Kind, reason: Reason) -> None:
    verdict = failure(name)
    assert (verdict.kind, verdict.reason) == (kind, reason)


def test_a_missing_permission_names_the_scope_of_the_call() -> None:
    verdict = classify(reply(401, envelope("scope_not_authorized")), needs="video.publish")
    assert verdict.permission == "video.publish"


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
@pytest.mark.parametrize("body", ["", "<html>401</html>", "[]", "null"])
def test_an_unreadable_answer_says_nothing_about_the_token(status: int, body: str) -> None:
    assert classify(reply(status, body)).kind is K.UNCLEAR


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.integers(100, 599), JSON | st.dictionaries(st.sampled_from(["data", "error", "code"]), JSON))
def test_any_answer_is_classified(status: int, body: object) -> None:
    verdict = classify(reply(status, body))
    assert verdict.kind in Kind
    assert len(verdict.code) < 80
    assert failure(body).kind in Kind
