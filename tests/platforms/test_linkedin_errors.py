"""LinkedIn's errors: every row of the documented and reported ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.errors import Kind, Reason
from bot.platforms.linkedin_errors import classify, until_midnight
from tests.platforms.platform_fakes import reply

K, R = Kind, Reason


def problem(status: int, code: str = "", number: int | None = None, message: str = "no") -> dict[str, object]:
    body: dict[str, object] = {"status": status, "message": message}
    if code:
        body["code"] = code
    if number is not None:
        body["serviceErrorCode"] = number
    return body


def inputs(code: str, description: str = "") -> dict[str, object]:
    errors = [{"code": code, "description": description, "input": {"inputPath": {"fieldPath": "x"}}}]
    return {"status": 422, "code": "UNPROCESSABLE_ENTITY", "errorDetails": {"inputErrors": errors}}


DUPLICATE = inputs("DUPLICATE_POST", "Content is a duplicate of urn:li:share:7100000000000000001")
THROTTLED = "Resource level throttle limit for calls to this resource is reached."

ROWS: list[tuple[int, object, Kind, Reason]] = [
    (401, problem(401, number=65600, message="Invalid access token"), K.DEAD, R.REFUSED),
    (401, problem(401, "INVALID_ACCESS_TOKEN"), K.DEAD, R.REFUSED),
    (401, problem(401, "REVOKED_ACCESS_TOKEN", 65601), K.DEAD, R.REVOKED),
    (401, problem(401, number=65601), K.DEAD, R.REVOKED),
    (401, problem(401, number=65602, message="Expired access token"), K.TOKEN, R.EXPIRED),
    (401, problem(401, "EXPIRED_ACCESS_TOKEN"), K.TOKEN, R.EXPIRED),
    (401, problem(401, "EMPTY_ACCESS_TOKEN", message="Empty oauth2_access_token"), K.UNKNOWN, R.UNKNOWN),
    (401, problem(401, "UNAUTHORIZED"), K.TOKEN, R.REFUSED),
    (
        403,
        problem(403, "ACCESS_DENIED", 100, "Not enough permissions to access: x"),
        K.PERMISSION,
        R.PERMISSION_MISSING,
    ),
    (403, problem(403, number=100), K.PERMISSION, R.PERMISSION_MISSING),
    (400, problem(400, "VERSION_MISSING"), K.APP, R.APP_SETTINGS),
    (
        426,
        problem(426, "NONEXISTENT_VERSION", message="Requested version 20250101 is not active"),
        K.APP,
        R.VERSION_RETIRED,
    ),
    (426, problem(426), K.APP, R.VERSION_RETIRED),
    (400, inputs("FIELD_LENGTH_TOO_LONG"), K.CONTENT, R.TEXT_TOO_LONG),
    (400, problem(400, "MISSING_FIELD"), K.CONTENT, R.UNKNOWN),
    (400, problem(400, "INVALID_VALUE_FOR_FIELD"), K.CONTENT, R.UNKNOWN),
    (400, problem(400, "INVALID_VALUE_BLANK_FIELD"), K.CONTENT, R.UNKNOWN),
    (400, problem(400, "INVALID_URN_TYPE"), K.CONTENT, R.UNKNOWN),
    (400, problem(400, "INVALID_URN_ID"), K.CONTENT, R.UNKNOWN),
    (400, problem(400, "INVALID_IMAGE_ID"), K.CONTENT, R.MEDIA_FORMAT),
    (400, problem(400, "ILLEGAL_ARGUMENT"), K.CONTENT, R.UNKNOWN),
    (400, problem(400, "MEDIA_ASSET_WAITING_UPLOAD"), K.NOT_READY, R.UNKNOWN),
    (400, problem(400, "MEDIA_ASSET_PROCESSING_FAILED"), K.CONTENT, R.MEDIA_FORMAT),
    (400, problem(400, "EXPIRED_UPLOAD_URL"), K.NOT_READY, R.MEDIA_UNREACHABLE),
    (422, DUPLICATE, K.DUPLICATE, R.DUPLICATE),
    (409, problem(409, "CONFLICT"), K.TRY_LATER, R.PLATFORM_DOWN),
    (409, problem(409), K.TRY_LATER, R.PLATFORM_DOWN),
    (429, problem(429, number=101, message=THROTTLED), K.TRY_LATER, R.RATE_LIMIT),
    (500, problem(500), K.UNCLEAR, R.PLATFORM_DOWN),
    (503, problem(503), K.UNCLEAR, R.PLATFORM_DOWN),
    (504, problem(504, "REVOKED_ACCESS_TOKEN"), K.UNCLEAR, R.PLATFORM_DOWN),
    (400, problem(400, message="Unable to obtain activity"), K.UNCLEAR, R.PLATFORM_DOWN),
    (403, problem(403, message="Accessing this image resource is forbidden"), K.NOT_READY, R.PLATFORM_DOWN),
    (500, problem(500, message="Accessing this image resource is forbidden"), K.UNCLEAR, R.PLATFORM_DOWN),
    (404, problem(404, "NOT_FOUND"), K.UNKNOWN, R.UNKNOWN),
    (400, {"errorDetails": "?", "serviceErrorCode": "?"}, K.UNKNOWN, R.UNKNOWN),
]


@pytest.mark.parametrize(("status", "body", "kind", "reason"), ROWS)
def test_api_row(status: int, body: object, kind: Kind, reason: Reason) -> None:
    verdict = classify(reply(status, body), needs="w_member_social")
    assert (verdict.kind, verdict.reason) == (kind, reason)
    assert verdict.permission == ("w_member_social" if kind is K.PERMISSION else None)


def test_a_duplicate_names_its_twin() -> None:
    assert classify(reply(422, DUPLICATE)).twin == "urn:li:share:7100000000000000001"
    words = "Content is a duplicate of urn:li:ugcPost:71"
    assert classify(reply(422, problem(422, "DUPLICATE_POST", message=words))).twin == "urn:li:ugcPost:71"
    assert classify(reply(422, inputs("DUPLICATE_POST"))).twin is None


def test_on_a_page_a_denial_speaks_of_the_role() -> None:
    verdict = classify(reply(403, problem(403, "ACCESS_DENIED")), denied=R.ROLE_LOST)
    assert (verdict.kind, verdict.reason) == (K.PERMISSION, R.ROLE_LOST)


@pytest.mark.parametrize(
    ("says", "kind", "reason"),
    [
        ("Application is not allowed to use this resource", K.APP, R.APP_SUSPENDED),
        ("Member is restricted", K.ACCOUNT, R.RESTRICTED),
    ],
)
def test_a_denial_that_names_our_app_or_the_member_is_no_missing_permission(
    says: str, kind: Kind, reason: Reason
) -> None:
    verdict = classify(reply(403, problem(403, "ACCESS_DENIED", 100, says)), needs="w", denied=R.ROLE_LOST)
    assert (verdict.kind, verdict.reason, verdict.permission) == (kind, reason, None)


def test_a_pause_that_the_answer_names_is_believed_before_midnight() -> None:
    assert classify(reply(429, problem(429), Retry_After="60")).retry_after == 60.0


def test_quotas_begin_anew_at_midnight_utc_by_their_clock() -> None:
    verdict = classify(reply(429, problem(429), Date="Fri, 20 Nov 2026 22:00:00 GMT"))
    assert verdict.retry_after == 7200.0
    for date in ("", "soon", "Fri, 31 Dec 9999 22:00:00 GMT"):
        assert 0 < until_midnight({"date": date}) <= 86_400


OAUTH: list[tuple[int, str, str, Kind, Reason]] = [
    (
        400,
        "invalid_request",
        "The provided authorization grant or refresh token is invalid, expired or revoked",
        K.DEAD,
        R.REFUSED,
    ),
    (400, "invalid_grant", "", K.DEAD, R.REFUSED),
    (
        401,
        "invalid_request",
        "Unable to retrieve access token: authorization code not found",
        K.DEAD,
        R.EXPIRED,
    ),
    (
        400,
        "invalid_redirect_uri",
        "Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization",
        K.DEAD,
        R.EXPIRED,
    ),
    (400, "invalid_request", 'A required parameter "code" is missing', K.UNKNOWN, R.UNKNOWN),
    (401, "invalid_client", "", K.APP, R.APP_SECRET),
    (503, "invalid_grant", "", K.UNCLEAR, R.PLATFORM_DOWN),
]


@pytest.mark.parametrize(("status", "name", "words", "kind", "reason"), OAUTH)
def test_token_row(status: int, name: str, words: str, kind: Kind, reason: Reason) -> None:
    verdict = classify(reply(status, {"error": name, "error_description": words}))
    assert (verdict.kind, verdict.reason) == (kind, reason)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 426, 500])
@pytest.mark.parametrize("body", ["", "<html>401</html>", "[]", "null"])
def test_an_unreadable_answer_says_nothing_about_the_token(status: int, body: str) -> None:
    assert classify(reply(status, body)).kind is K.UNCLEAR


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["code", "serviceErrorCode", "message", "errorDetails", "inputErrors", "error"])


@given(st.integers(100, 599), JSON | st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON)), st.text())
def test_any_answer_is_classified(status: int, body: object, date: str) -> None:
    verdict = classify(reply(status, body, Date=date if date.isascii() else ""))
    assert verdict.kind in Kind
    assert len(verdict.code) < 80
