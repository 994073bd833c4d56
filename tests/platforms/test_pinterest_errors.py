"""Pinterest's errors: every row of the documented and reported ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import utc_now
from bot.platforms.errors import Kind, Reason
from bot.platforms.pinterest_errors import classify, classify_token
from tests.platforms.platform_fakes import reply

K, R = Kind, Reason
TRIAL = (
    "Apps with Trial access may not create Pins in production https://api.pinterest.com - use API Sandbox "
    "https://api-sandbox.pinterest.com instead."
)


def body(code: int, message: str = "no") -> dict[str, object]:
    return {"code": code, "message": message, "status": "failure"}


ROWS: list[tuple[int, object, Kind, Reason]] = [
    (401, body(2, "Authentication failed."), K.TOKEN, R.REFUSED),
    (401, body(3, "Your token does not have sufficient permissions"), K.PERMISSION, R.PERMISSION_MISSING),
    (401, body(283, "The authorization grant is invalid"), K.DEAD, R.REFUSED),
    (403, body(29, "You are not permitted to access that resource."), K.ACCOUNT, R.ROLE_LOST),
    (403, body(29, TRIAL), K.APP, R.APP_NOT_REVIEWED),
    (404, body(40, "Board not found."), K.ACCOUNT, R.TARGET_GONE),
    (404, body(2031, "Board section not found."), K.CONTENT, R.TARGET_GONE),
    (404, body(50, "Pin not found."), K.CONTENT, R.TARGET_GONE),
    (403, body(2625, "Account disapproved"), K.ACCOUNT, R.SUSPENDED),
    (403, body(2626, "Account under review"), K.ACCOUNT, R.RESTRICTED),
    (400, body(1, "Invalid request: 'board_id' does not match '^\\d+$'"), K.CONTENT, R.UNKNOWN),
    (
        400,
        body(1, "Whoops! It looks like you entered an invalid URL. Please try again."),
        K.CONTENT,
        R.LINK_REFUSED,
    ),
    (400, body(1, "Unable to reach the URL"), K.CONTENT, R.MEDIA_UNREACHABLE),
    (400, body(1, "cover_image_url is required"), K.CONTENT, R.MEDIA_MISSING),
    (429, body(8, "This request exceeded a rate limit."), K.TRY_LATER, R.RATE_LIMIT),
    (429, body(30, "This request exceeded a rate limit."), K.TRY_LATER, R.RATE_LIMIT),
    (403, body(8, "This request exceeded a rate limit."), K.TRY_LATER, R.RATE_LIMIT),
    (500, body(12), K.UNCLEAR, R.PLATFORM_DOWN),
    (503, body(283), K.UNCLEAR, R.PLATFORM_DOWN),
    (401, body(4711), K.TOKEN, R.REFUSED),
    (403, body(4711), K.UNKNOWN, R.UNKNOWN),
    (200, body(283), K.UNCLEAR, R.UNREADABLE),
]


@pytest.mark.parametrize(("status", "answer", "kind", "reason"), ROWS)
def test_api_row(status: int, answer: object, kind: Kind, reason: Reason) -> None:
    verdict = classify(reply(status, answer), needs="pins:write")
    assert (verdict.kind, verdict.reason) == (kind, reason)
    assert verdict.permission == ("pins:write" if kind is K.PERMISSION else None)


@pytest.mark.parametrize(
    ("status", "answer", "kind", "reason"),
    [
        (401, body(283, "The authorization grant is invalid"), K.DEAD, R.REFUSED),
        (401, body(2, "Authentication failed."), K.APP, R.APP_SECRET),
        (400, {"error": "invalid_grant"}, K.DEAD, R.REFUSED),
        (401, {"error": "invalid_client"}, K.APP, R.APP_SECRET),
        (503, body(2), K.UNCLEAR, R.PLATFORM_DOWN),
        (429, body(8), K.TRY_LATER, R.RATE_LIMIT),
    ],
)
def test_token_row(status: int, answer: object, kind: Kind, reason: Reason) -> None:
    verdict = classify_token(reply(status, answer))
    assert (verdict.kind, verdict.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("header", "pause"), [("30", 30.0), ("0", None), ("soon", None), ("1793181600", None), ("", None)]
)
def test_a_reset_is_believed_only_as_a_short_time(header: str, pause: float | None) -> None:
    assert classify(reply(429, body(8), x_ratelimit_reset=header)).retry_after == pause


def test_a_reset_may_name_the_moment_or_be_left_to_retry_after() -> None:
    soon = str(int(utc_now().timestamp()) + 600)
    assert 500 < (classify(reply(429, body(8), x_ratelimit_reset=soon)).retry_after or 0) <= 600
    assert classify(reply(429, body(8), Retry_After="90")).retry_after == 90.0


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
@pytest.mark.parametrize("answer", ["", "<html>401</html>", "[]", "null"])
def test_an_unreadable_answer_says_nothing_about_the_token(status: int, answer: str) -> None:
    assert classify(reply(status, answer)).kind is K.UNCLEAR
    assert classify_token(reply(status, answer)).kind is K.UNCLEAR


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.integers(100, 599), JSON | st.dictionaries(st.sampled_from(["code", "message", "error"]), JSON))
def test_any_answer_is_classified(status: int, answer: object) -> None:
    for verdict in (classify(reply(status, answer)), classify_token(reply(status, answer))):
        assert verdict.kind in Kind
        assert len(verdict.code) < 80
