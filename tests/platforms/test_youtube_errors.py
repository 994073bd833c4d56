"""Google's errors: every row of the documented and reported ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.errors import Kind, Reason
from bot.platforms.youtube_errors import DAY, FAILED, classify, failed
from tests.platforms.platform_fakes import reply

K, R = Kind, Reason


def problem(
    status: int, reason: str, word: str = "", details: str = "", domain: str = "youtube"
) -> dict[str, object]:
    error: dict[str, object] = {"code": status, "message": "no"}
    if reason:
        error["errors"] = [{"message": "no", "domain": domain, "reason": reason}]
    if word:
        error["status"] = word
    if details:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": details}]
    return {"error": error}


ROWS: list[tuple[int, object, Kind, Reason]] = [
    (401, problem(401, "authError", "UNAUTHENTICATED"), K.TOKEN, R.REFUSED),
    (401, problem(401, "", "UNAUTHENTICATED"), K.TOKEN, R.REFUSED),
    (401, problem(401, "youtubeSignupRequired", "UNAUTHENTICATED"), K.ACCOUNT, R.ACCOUNT_GONE),
    (403, problem(403, "insufficientPermissions"), K.PERMISSION, R.PERMISSION_MISSING),
    (
        403,
        problem(403, "", "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        K.PERMISSION,
        R.PERMISSION_MISSING,
    ),
    (403, problem(403, "quotaExceeded", domain="youtube.quota"), K.APP, R.APP_QUOTA),
    (429, problem(429, "quotaExceeded", "RESOURCE_EXHAUSTED"), K.APP, R.APP_QUOTA),
    (403, problem(403, "rateLimitExceeded"), K.TRY_LATER, R.RATE_LIMIT),
    (429, problem(429, "userRateLimitExceeded"), K.TRY_LATER, R.RATE_LIMIT),
    (429, problem(429, "", "RESOURCE_EXHAUSTED"), K.TRY_LATER, R.RATE_LIMIT),
    (400, problem(400, "uploadLimitExceeded"), K.TRY_LATER, R.DAILY_CAP),
    (403, problem(403, "accessNotConfigured"), K.APP, R.APP_SETTINGS),
    (403, problem(403, "authenticatedUserAccountSuspended"), K.ACCOUNT, R.SUSPENDED),
    (403, problem(403, "channelSuspended"), K.ACCOUNT, R.SUSPENDED),
    (403, problem(403, "authenticatedUserAccountClosed"), K.ACCOUNT, R.ACCOUNT_GONE),
    (403, problem(403, "channelClosed"), K.ACCOUNT, R.ACCOUNT_GONE),
    (403, problem(403, "accountDelegationForbidden"), K.ACCOUNT, R.ROLE_LOST),
    (403, problem(403, "authenticatedUserNotChannel"), K.ACCOUNT, R.ROLE_LOST),
    (400, problem(400, "invalidTitle"), K.CONTENT, R.TEXT_REFUSED),
    (400, problem(400, "invalidDescription"), K.CONTENT, R.TEXT_REFUSED),
    (400, problem(400, "invalidTags"), K.CONTENT, R.TEXT_REFUSED),
    (400, problem(400, "invalidCategoryId"), K.CONTENT, R.UNKNOWN),
    (400, problem(400, "invalidPublishAt"), K.CONTENT, R.UNKNOWN),
    (400, problem(400, "invalidFilename"), K.CONTENT, R.UNKNOWN),
    (400, problem(400, "invalidVideoMetadata"), K.CONTENT, R.UNKNOWN),
    (400, problem(400, "invalidRecordingDetails"), K.CONTENT, R.UNKNOWN),
    (400, problem(400, "mediaBodyRequired"), K.CONTENT, R.MEDIA_MISSING),
    (400, problem(400, "defaultLanguageNotSet"), K.CONTENT, R.UNKNOWN),
    (403, problem(403, "forbiddenPrivacySetting"), K.CONTENT, R.POLICY),
    (403, problem(403, "forbiddenLicenseSetting"), K.CONTENT, R.POLICY),
    (400, problem(400, "imageFormatUnsupported"), K.CONTENT, R.MEDIA_FORMAT),
    (400, problem(400, "imageTooTall"), K.CONTENT, R.MEDIA_FORMAT),
    (400, problem(400, "imageTooWide"), K.CONTENT, R.MEDIA_FORMAT),
    (500, problem(500, "backendError"), K.UNCLEAR, R.PLATFORM_DOWN),
    (503, problem(503, "internalError"), K.UNCLEAR, R.PLATFORM_DOWN),
    (400, problem(400, "backendError"), K.UNCLEAR, R.PLATFORM_DOWN),
    (503, problem(503, "authError"), K.UNCLEAR, R.PLATFORM_DOWN),
    (403, problem(403, "forbidden", "PERMISSION_DENIED"), K.UNKNOWN, R.UNKNOWN),
    (400, {"error": {"errors": "?"}}, K.UNKNOWN, R.UNKNOWN),
    (401, problem(401, "unauthorized"), K.TOKEN, R.REFUSED),
    (200, {"items": []}, K.UNCLEAR, R.UNREADABLE),
]


@pytest.mark.parametrize(("status", "body", "kind", "reason"), ROWS)
def test_api_row(status: int, body: object, kind: Kind, reason: Reason) -> None:
    verdict = classify(reply(status, body), needs="scope-1")
    assert (verdict.kind, verdict.reason) == (kind, reason)
    assert verdict.permission == ("scope-1" if kind is K.PERMISSION else None)
    assert verdict.retry_after == (DAY if reason is R.DAILY_CAP else None)


TOKEN_ROWS: list[tuple[int, dict[str, str], Kind, Reason]] = [
    (
        400,
        {"error": "invalid_grant", "error_description": "Token has been expired or revoked."},
        K.DEAD,
        R.REFUSED,
    ),
    (400, {"error": "invalid_grant", "error_description": "Bad Request"}, K.DEAD, R.REFUSED),
    (400, {"error": "invalid_grant", "error_description": "Malformed auth code."}, K.DEAD, R.REFUSED),
    (400, {"error": "invalid_grant", "error_subtype": "invalid_rapt"}, K.DEAD, R.EXPIRED),
    (400, {"error": "redirect_uri_mismatch"}, K.APP, R.APP_SETTINGS),
    (
        401,
        {"error": "invalid_client", "error_description": "The OAuth client was not found."},
        K.APP,
        R.APP_SECRET,
    ),
    (400, {"error": "unauthorized_client"}, K.APP, R.APP_SECRET),
    (400, {"error": "invalid_token", "error_description": "Invalid Value"}, K.TOKEN, R.REFUSED),
    (400, {"error": "admin_policy_enforced"}, K.ACCOUNT, R.RESTRICTED),
    (503, {"error": "invalid_grant"}, K.UNCLEAR, R.PLATFORM_DOWN),
]


@pytest.mark.parametrize(("status", "body", "kind", "reason"), TOKEN_ROWS)
def test_token_row(status: int, body: dict[str, str], kind: Kind, reason: Reason) -> None:
    verdict = classify(reply(status, body))
    assert (verdict.kind, verdict.reason) == (kind, reason)


NAMES = {
    "codec",
    "conversion",
    "emptyFile",
    "invalidFile",
    "tooSmall",
    "uploadAborted",
    "claim",
    "copyright",
    "duplicate",
    "inappropriate",
    "length",
    "termsOfUse",
    "trademark",
    "uploaderAccountClosed",
    "uploaderAccountSuspended",
}


def test_a_pause_that_the_answer_names_counts() -> None:
    assert classify(reply(429, problem(429, "rateLimitExceeded"), Retry_After="300")).retry_after == 300.0


def test_every_reason_of_failure_refuses_the_post_with_its_reason() -> None:
    assert set(FAILED) == NAMES
    assert {failed(name).kind for name in NAMES} == {K.CONTENT}
    assert failed("copyright").reason is R.POLICY
    assert failed("length").reason is R.MEDIA_DURATION
    assert failed("something_new").reason is R.UNKNOWN


@pytest.mark.parametrize("status", [200, 308, 400, 401, 403, 404, 500])
@pytest.mark.parametrize("body", ["", "<html>401</html>", "[]", "null"])
def test_an_unreadable_answer_says_nothing_about_the_token(status: int, body: str) -> None:
    assert classify(reply(status, body)).kind is K.UNCLEAR


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["errors", "status", "details", "reason", "error_subtype"])


@given(st.integers(100, 599), JSON | st.fixed_dictionaries({"error": JSON | st.dictionaries(KEYS, JSON)}))
def test_any_answer_is_classified(status: int, body: object) -> None:
    verdict = classify(reply(status, body))
    assert verdict.kind in Kind
    assert len(verdict.code) < 80
    assert failed(body).kind is Kind.CONTENT
