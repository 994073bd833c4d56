"""Meta's decision table: every row of the documented and reported errors."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms import meta
from bot.platforms.errors import Kind, Reason
from tests.platforms.platform_fakes import graph_error, reply

K, R = Kind, Reason

IMPERSONATING = "A permission must be granted before impersonating a user's page."
INVALIDATED = "Error validating access token: The session has been invalidated because the user changed it."

ROWS: list[tuple[int | None, int | None, str, Kind, Reason]] = [
    # tokens
    (190, None, "Invalid OAuth access token.", K.DEAD, R.REFUSED),
    (190, 458, "The user has not authorized application 1234.", K.DEAD, R.REVOKED),
    (190, 459, "", K.DEAD, R.CHECKPOINT),
    (
        10,
        None,
        "(#10) Data access for this user has expired. The user has to log in again.",
        K.DEAD,
        R.EXPIRED,
    ),
    (459, None, "", K.DEAD, R.CHECKPOINT),
    (190, 460, "", K.DEAD, R.PASSWORD_CHANGED),
    (190, 463, "", K.DEAD, R.EXPIRED),
    (190, 464, "", K.DEAD, R.CHECKPOINT),
    (190, 467, "", K.DEAD, R.REFUSED),
    (190, 490, "", K.DEAD, R.REVOKED),
    (190, 492, "", K.DEAD, R.REFUSED),
    (190, 0, "", K.DEAD, R.REFUSED),
    (102, None, "", K.DEAD, R.REFUSED),
    (102, 463, "", K.DEAD, R.EXPIRED),
    (190, None, "Error validating access token: Session has expired on Monday.", K.DEAD, R.EXPIRED),
    (190, None, "The user has not authorized application 1234.", K.DEAD, R.REVOKED),
    (190, None, INVALIDATED, K.DEAD, R.PASSWORD_CHANGED),
    (190, None, IMPERSONATING, K.PERMISSION, R.ROLE_LOST),
    (190, 460, IMPERSONATING, K.PERMISSION, R.ROLE_LOST),
    # our app, said in Graph's own shape
    (1, None, "Error validating client secret.", K.APP, R.APP_SECRET),
    # permissions
    (10, None, "(#10) Application does not have permission", K.PERMISSION, R.PERMISSION_MISSING),
    (10, 99, "", K.PERMISSION, R.PERMISSION_MISSING),
    (200, None, "Unpublished posts must be posted to a page", K.PERMISSION, R.PERMISSION_MISSING),
    (299, None, "", K.PERMISSION, R.PERMISSION_MISSING),
    (3, None, "", K.APP, R.APP_NOT_REVIEWED),
    (100, 33, "Unsupported get request.", K.ACCOUNT, R.ACCOUNT_GONE),
    (100, None, "Invalid parameter", K.CONTENT, R.UNKNOWN),
    (100, None, "(#100) No permission to publish the video", K.PERMISSION, R.PERMISSION_MISSING),
    (100, None, "Name parameter too long", K.CONTENT, R.TEXT_TOO_LONG),
    # transient
    (1, None, "", K.UNCLEAR, R.PLATFORM_DOWN),
    (2, None, "", K.UNCLEAR, R.PLATFORM_DOWN),
    (-1, None, "", K.UNCLEAR, R.PLATFORM_DOWN),
    (-2, None, "", K.UNCLEAR, R.PLATFORM_DOWN),
    (None, 1609010, "", K.UNCLEAR, R.PLATFORM_DOWN),
    (None, 1363047, "", K.UNCLEAR, R.PLATFORM_DOWN),
    (20, 1772107, "", K.UNCLEAR, R.UNREADABLE),
    # throttles
    *[(code, None, "", K.TRY_LATER, R.RATE_LIMIT) for code in (4, 17, 32, 341, 613, *range(80000, 80015))],
    (1, None, "Page request limit reached", K.TRY_LATER, R.RATE_LIMIT),
    (9, 2207042, "", K.TRY_LATER, R.DAILY_CAP),
    # the account
    (4, 2207051, "", K.ACCOUNT, R.SPAM),
    (200, 1390008, "", K.ACCOUNT, R.SPAM),
    (200, 1346003, "", K.ACCOUNT, R.SPAM),
    (368, None, "", K.ACCOUNT, R.SPAM),
    (25, 2207050, "", K.ACCOUNT, R.RESTRICTED),
    (25, None, "", K.ACCOUNT, R.RESTRICTED),
    (100, 4279013, "", K.ACCOUNT, R.RESTRICTED),
    (200, 1404112, "", K.ACCOUNT, R.RESTRICTED),
    (200, 1404006, "", K.ACCOUNT, R.CHECKPOINT),
    (200, 1404078, "", K.ACCOUNT, R.SECURITY_HOLD),
    (200, 4854002, "", K.ACCOUNT, R.SECURITY_HOLD),
    (190, None, "The user is not an Instagram Business", K.ACCOUNT, R.ACCOUNT_TYPE),
    (1, None, "Not enough permissions to post", K.PERMISSION, R.PERMISSION_MISSING),
    # duplicates
    (506, None, "", K.DUPLICATE, R.DUPLICATE),
    (100, 1366051, "", K.DUPLICATE, R.DUPLICATE),
    # content
    (1609005, None, "", K.CONTENT, R.LINK_REFUSED),
    (100, 2061006, "", K.CONTENT, R.LINK_REFUSED),
    (100, 1609008, "", K.CONTENT, R.LINK_REFUSED),
    (100, 1404102, "", K.CONTENT, R.POLICY),
    (100, 1349125, "", K.CONTENT, R.MEDIA_FORMAT),
    (100, 2207028, "", K.CONTENT, R.MEDIA_MISSING),
    (100, 2207023, "", K.CONTENT, R.MEDIA_FORMAT),
    *[(100, sub, "", K.CONTENT, R.TEXT_REFUSED) for sub in (2207035, 2207036, 2207037, 2207040)],
    (1, 2207057, "", K.CONTENT, R.MEDIA_DURATION),
    (36004, 2207010, "", K.CONTENT, R.TEXT_TOO_LONG),
    (36004, None, "", K.CONTENT, R.TEXT_TOO_LONG),
    (None, 2207081, "", K.CONTENT, R.MEDIA_FORMAT),
    # media
    (-2, 2207003, "", K.CONTENT, R.MEDIA_UNREACHABLE),
    (9004, 2207052, "Only photo or video can be accepted", K.CONTENT, R.MEDIA_UNREACHABLE),
    (9004, None, "", K.CONTENT, R.MEDIA_UNREACHABLE),
    *[(None, sub, "", K.CONTENT, R.MEDIA_UNREACHABLE) for sub in (2207076, 2207077, 2207082)],
    (352, 2207026, "", K.CONTENT, R.MEDIA_FORMAT),
    (352, None, "", K.CONTENT, R.MEDIA_FORMAT),
    (36000, 2207004, "The image size is too large.", K.CONTENT, R.MEDIA_SIZE),
    (36000, None, "", K.CONTENT, R.MEDIA_SIZE),
    (36001, 2207005, "", K.CONTENT, R.MEDIA_FORMAT),
    (36002, None, "", K.CONTENT, R.MEDIA_FORMAT),
    (36003, 2207009, "", K.CONTENT, R.MEDIA_RATIO),
    (36003, None, "", K.CONTENT, R.MEDIA_RATIO),
    (100, 1366046, "", K.CONTENT, R.MEDIA_SIZE),
    (100, 2069019, "", K.CONTENT, R.MEDIA_FORMAT),
    (100, 1363040, "", K.CONTENT, R.MEDIA_RATIO),
    (100, 1363127, "", K.CONTENT, R.MEDIA_SIZE),
    (100, 1363128, "", K.CONTENT, R.MEDIA_DURATION),
    (100, 1363129, "", K.CONTENT, R.MEDIA_FORMAT),
    (200, 1363131, "", K.CONTENT, R.MEDIA_FORMAT),  # of the same kind, and no permission that is missing
    # containers
    (-1, 2207001, "", K.UNCLEAR, R.PLATFORM_DOWN),
    (-1, 2207032, "", K.TRY_LATER, R.PLATFORM_DOWN),
    (-1, 2207053, "", K.TRY_LATER, R.PLATFORM_DOWN),
    (-2, 2207020, "", K.NOT_READY, R.UNKNOWN),
    (24, 2207006, "", K.NOT_READY, R.UNKNOWN),
    (24, 2207008, "", K.NOT_READY, R.UNKNOWN),
    (24, 4279009, "", K.NOT_READY, R.UNKNOWN),
    (24, None, "", K.NOT_READY, R.UNKNOWN),
    (9007, 2207027, "", K.NOT_READY, R.UNKNOWN),
    (9007, None, "", K.NOT_READY, R.UNKNOWN),
    # Threads
    (4476002, None, "", K.APP, R.APP_SECRET),
    (1, None, "The user has not accepted the invite to test the app", K.APP, R.APP_NOT_REVIEWED),
    (100, None, "Param text must be at most 500 characters long.", K.CONTENT, R.TEXT_TOO_LONG),
    (100, None, "The media could not be fetched from this URI", K.CONTENT, R.MEDIA_UNREACHABLE),
    (100, None, "Tried accessing nonexisting field (status)", K.DUPLICATE, R.DUPLICATE),
    # in no table
    (2500, None, "", K.UNKNOWN, R.UNKNOWN),
    (3001, None, "", K.UNKNOWN, R.UNKNOWN),
    (460, None, "190", K.UNKNOWN, R.UNKNOWN),
]


@pytest.mark.parametrize(("code", "subcode", "message", "kind", "reason"), ROWS)
@pytest.mark.parametrize("status", [400, 401, 403])
def test_row(
    status: int, code: int | None, subcode: int | None, message: str, kind: Kind, reason: Reason
) -> None:
    verdict = meta.classify(reply(status, graph_error(code, subcode, message)))
    assert (verdict.kind, verdict.reason) == (kind, reason)


FLAT = [
    ("Matching code was not found or was already used", K.DEAD, R.EXPIRED),
    ("This authorization code has been used", K.DEAD, R.EXPIRED),
    ("Invalid platform app", K.APP, R.APP_SECRET),
    ("Error validating client secret.", K.APP, R.APP_SECRET),
    (
        "Error validating verification code. Please make sure your redirect_uri is identical",
        K.APP,
        R.APP_SETTINGS,
    ),
    ("Something new", K.UNKNOWN, R.UNKNOWN),
]


@pytest.mark.parametrize(("message", "kind", "reason"), FLAT)
def test_flat_shape(message: str, kind: Kind, reason: Reason) -> None:
    body = {"error_type": "OAuthException", "code": 190, "error_message": message}
    verdict = meta.classify(reply(400, body))
    assert (verdict.kind, verdict.reason) == (kind, reason)


def test_an_error_that_is_a_word_is_read_as_oauth() -> None:
    verdict = meta.classify(reply(400, {"error": "invalid_client", "error_description": "x"}))
    assert (verdict.kind, verdict.reason) == (K.APP, R.APP_SECRET)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500, 502])
@pytest.mark.parametrize("body", ["", "<html>190 490</html>", "[190]", "null", '"190"'])
def test_an_unreadable_answer_says_nothing_about_the_token(status: int, body: str) -> None:
    assert meta.classify(reply(status, body)).kind is K.UNCLEAR


def test_an_unreadable_429_is_a_clear_not_now() -> None:
    assert meta.classify(reply(429, "<html>slow down</html>")).kind is K.TRY_LATER


@pytest.mark.parametrize(("status", "transient"), [(400, True), (500, False), (503, True)])
def test_transient_by_flag_or_status(status: int, transient: bool) -> None:
    verdict = meta.classify(reply(status, graph_error(777, is_transient=transient)))
    assert verdict.kind is K.UNCLEAR


def test_codes_come_as_strings_too_and_are_named_for_the_log() -> None:
    verdict = meta.classify(reply(400, {"error": {"code": "190", "error_subcode": "460", "message": None}}))
    assert (verdict.kind, verdict.code) == (K.DEAD, "190/460")


def test_a_missing_permission_names_the_scope_of_the_call() -> None:
    assert meta.classify(reply(403, graph_error(10)), needs="publish").permission == "publish"


def usage(minutes: object) -> str:
    return json.dumps({"1784": [{"type": "instagram", "estimated_time_to_regain_access": minutes}]})


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (usage(7), 420.0),
        (usage("7"), 420.0),
        (usage(0), 3600.0),
        (usage(None), 3600.0),
        ("", 3600.0),
        ("{", 3600.0),
        ("[1]", 3600.0),
        ('{"a": [1], "b": 2, "c": [{"estimated_time_to_regain_access": 1}]}', 60.0),
    ],
)
def test_a_throttle_pauses_for_the_minutes_of_the_header_or_an_hour(header: str, seconds: float) -> None:
    verdict = meta.classify(reply(400, graph_error(80002), X_Business_Use_Case_Usage=header))
    assert verdict.retry_after == seconds


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["message", "code", "error_subcode", "is_transient", "type"])


@given(
    st.integers(100, 599),
    JSON | st.fixed_dictionaries({"error": JSON | st.dictionaries(KEYS, JSON)}),
    st.text(max_size=40) | JSON.map(json.dumps),
)
def test_any_answer_is_classified(status: int, body: object, header: str) -> None:
    response = reply(status, body, X_Business_Use_Case_Usage=header.encode("ascii", "ignore").decode())
    verdict = meta.classify(response)
    assert verdict.kind in Kind
    assert len(verdict.code) < 60
