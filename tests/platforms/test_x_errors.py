"""X's errors: every row of the documented and reported ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.errors import Kind, Reason
from bot.platforms.x_errors import LONGEST_WINDOW, classify, classify_token
from tests.platforms.platform_fakes import X_401, X_CODE, X_DEAD, reply

K, R = Kind, Reason
PROBLEMS = "https://api.x.com/2/problems/"
OLD_PROBLEMS = "https://api.twitter.com/2/problems/"


def forbidden(detail: str) -> dict[str, object]:
    return {"detail": detail, "type": "about:blank", "title": "Forbidden", "status": 403}


def invalid(message: str) -> dict[str, object]:
    return {
        "errors": [{"parameters": {"text": ["…"]}, "message": message}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": PROBLEMS + "invalid-request",
    }


CREDITS = {
    "account_id": 1,
    "title": "CreditsDepleted",
    "detail": "Your enrolled account [1] does not have any credits to fulfill this request.",
    "type": OLD_PROBLEMS + "credits",
}
CAP = {"title": "SpendCapReached", "reset_date": "2026-12-01", "type": PROBLEMS + "credits"}
TOO_MANY = {"title": "Too Many Requests", "detail": "Too Many Requests", "type": "about:blank", "status": 429}

API_ROWS: list[tuple[int, object, Kind, Reason]] = [
    (401, X_401, K.TOKEN, R.REFUSED),
    (
        403,
        forbidden("You are not allowed to create a Tweet with duplicate content."),
        K.DUPLICATE,
        R.DUPLICATE,
    ),
    (403, forbidden("You are not permitted to perform this action."), K.UNKNOWN, R.REFUSED),
    (
        403,
        forbidden("To protect our users, this account is temporarily locked. Please log in to unlock it."),
        K.ACCOUNT,
        R.RESTRICTED,
    ),
    (403, forbidden("Forbidden"), K.PERMISSION, R.PERMISSION_MISSING),
    (
        403,
        {"title": "x", "type": PROBLEMS + "not-authorized-for-resource"},
        K.PERMISSION,
        R.PERMISSION_MISSING,
    ),
    (
        403,
        {"title": "Unsupported Authentication", "type": PROBLEMS + "unsupported-authentication"},
        K.APP,
        R.APP_SETTINGS,
    ),
    (403, CAP, K.APP, R.CREDITS),
    (403, {"title": "SpendCapReached"}, K.APP, R.CREDITS),
    (402, CREDITS, K.APP, R.CREDITS),
    (402, {"title": "Payment Required"}, K.APP, R.CREDITS),
    (
        403,
        {"reason": "client-not-enrolled", "type": PROBLEMS + "client-forbidden", "title": "Client Forbidden"},
        K.APP,
        R.APP_SETTINGS,
    ),
    (429, TOO_MANY, K.TRY_LATER, R.RATE_LIMIT),
    (429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, K.TRY_LATER, R.RATE_LIMIT),
    (400, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, K.TRY_LATER, R.RATE_LIMIT),
    (403, {"type": PROBLEMS + "rate-limit-exceeded"}, K.TRY_LATER, R.RATE_LIMIT),
    (429, {"title": "UsageCapExceeded", "type": PROBLEMS + "usage-capped"}, K.APP, R.APP_QUOTA),
    (503, {"title": "Service Unavailable"}, K.UNCLEAR, R.PLATFORM_DOWN),
    (500, {"type": PROBLEMS + "internal-error"}, K.UNCLEAR, R.PLATFORM_DOWN),
    (400, {"type": PROBLEMS + "internal-error"}, K.UNCLEAR, R.PLATFORM_DOWN),
    (403, {"type": PROBLEMS + "user-suspended", "title": "Forbidden"}, K.ACCOUNT, R.SUSPENDED),
    (403, forbidden("user-suspended"), K.ACCOUNT, R.SUSPENDED),
    (
        403,
        forbidden("This user is not allowed to post a video longer than 2 minutes"),
        K.CONTENT,
        R.MEDIA_DURATION,
    ),
    (400, invalid("The Tweet contains an invalid URL."), K.CONTENT, R.LINK_REFUSED),
    (403, forbidden("Posts may have a maximum of one cashtag."), K.CONTENT, R.TEXT_REFUSED),
    (400, invalid("text is wrong"), K.CONTENT, R.TEXT_REFUSED),
    (404, {"type": PROBLEMS + "resource-not-found", "title": "Not Found"}, K.UNKNOWN, R.UNKNOWN),
    (403, {"type": PROBLEMS + "disallowed-resource"}, K.UNKNOWN, R.UNKNOWN),
    (418, {"errors": "?"}, K.UNKNOWN, R.UNKNOWN),
    (201, {"data": {}}, K.UNCLEAR, R.UNREADABLE),
]


@pytest.mark.parametrize(("status", "body", "kind", "reason"), API_ROWS)
def test_api_row(status: int, body: object, kind: Kind, reason: Reason) -> None:
    verdict = classify(reply(status, body))
    assert (verdict.kind, verdict.reason) == (kind, reason)


TOKEN_ROWS: list[tuple[int, object, Kind, Reason]] = [
    (400, X_DEAD, K.DEAD, R.REFUSED),
    (400, {"error": "invalid_grant"}, K.DEAD, R.REFUSED),
    (400, X_CODE, K.DEAD, R.EXPIRED),
    (
        401,
        {"error": "unauthorized_client", "error_description": "Missing valid authorization header"},
        K.APP,
        R.APP_SECRET,
    ),
    (401, X_401, K.APP, R.APP_SECRET),
    (
        400,
        {"error": "invalid_request", "error_description": "Missing required parameter"},
        K.UNKNOWN,
        R.UNKNOWN,
    ),
    (
        400,
        {"errors": [{"code": 415, "message": "Callback URL not approved for this client application."}]},
        K.APP,
        R.APP_SETTINGS,
    ),
    (402, CREDITS, K.APP, R.CREDITS),
    (429, TOO_MANY, K.TRY_LATER, R.RATE_LIMIT),
    (503, {"title": "Service Unavailable"}, K.UNCLEAR, R.PLATFORM_DOWN),
    (503, X_DEAD, K.UNCLEAR, R.PLATFORM_DOWN),
]


@pytest.mark.parametrize(("status", "body", "kind", "reason"), TOKEN_ROWS)
def test_token_row(status: int, body: object, kind: Kind, reason: Reason) -> None:
    verdict = classify_token(reply(status, body))
    assert (verdict.kind, verdict.reason) == (kind, reason)


def test_a_missing_permission_names_the_scope_of_the_call() -> None:
    assert classify(reply(403, forbidden("Forbidden")), needs="media.write").permission == "media.write"


@pytest.mark.parametrize("status", [200, 201, 400, 401, 403, 500, 503])
@pytest.mark.parametrize("body", ["", "<html>401</html>", "[]", "null"])
def test_an_unreadable_answer_says_nothing_about_the_token(status: int, body: str) -> None:
    assert classify(reply(status, body)).kind is K.UNCLEAR
    assert classify_token(reply(status, body)).kind is K.UNCLEAR


DATE = "Fri, 20 Nov 2026 10:00:00 GMT"
NOW = int(datetime(2026, 11, 20, 10, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x_rate_limit_reset": str(NOW + 300)}, 300.0),
        ({"x_rate_limit_reset": str(NOW - 5)}, 1.0),
        ({"x_rate_limit_reset": str(NOW + 10**8)}, LONGEST_WINDOW),
        ({"x_rate_limit_reset": "soon"}, None),
        ({"retry_after": "40"}, 40.0),
        ({}, None),
        (
            {
                "x_rate_limit_reset": str(NOW + 60),
                "x_rate_limit_remaining": "9",
                "x_user_limit_24hour_remaining": "0",
                "x_user_limit_24hour_reset": str(NOW + 7200),
            },
            7200.0,
        ),
    ],
)
def test_the_reset_becomes_seconds_by_their_clock(headers: dict[str, str], seconds: float | None) -> None:
    assert classify(reply(429, TOO_MANY, Date=DATE, **headers)).retry_after == seconds


def test_without_a_date_the_reset_is_counted_by_ours() -> None:
    reset = datetime.now(UTC).timestamp() + 600
    verdict = classify(reply(429, "", x_rate_limit_reset=str(int(reset))))
    assert verdict.retry_after is not None
    assert 500 < verdict.retry_after <= 600


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["title", "type", "detail", "status", "errors", "error", "error_description"])


@given(st.integers(100, 599), JSON | st.dictionaries(KEYS, JSON), JSON.map(json.dumps))
def test_any_answer_is_classified(status: int, body: object, header: str) -> None:
    response = reply(status, body, x_rate_limit_reset=header, Date=header)
    for verdict in (classify(response), classify_token(response)):
        assert verdict.kind in Kind
        assert len(verdict.code) < 80
