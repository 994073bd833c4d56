"""The shared OAuth grammar."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import utc_now
from bot.http import Response
from bot.platforms import linkedin, oauth
from bot.platforms.base import Call, Platform, Tokens
from bot.platforms.errors import Kind, PlatformError, Reason
from bot.platforms.tiktok import TikTok
from bot.platforms.x import X
from tests.platforms.platform_fakes import APP, FakeHttp, reply


def test_pkce_pair_is_fresh_and_s256() -> None:
    one, two = oauth.pkce_pair(), oauth.pkce_pair()
    digest = hashlib.sha256(one.verifier.encode()).digest()
    assert one.challenge == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert 43 <= len(one.verifier) <= 128
    assert one.verifier != two.verifier
    assert one.verifier not in repr(one)


@pytest.mark.parametrize(
    "params",
    [
        {"error": "access_denied", "error_reason": "user_denied"},
        {"error_code": "200", "error_reason": "user_denied", "error_description": "Permissions error"},
        {"error": "permissions_error", "error_reason": "user_denied"},
    ],
)
def test_a_person_who_said_no_is_believed_by_any_of_the_fields(params: dict[str, str]) -> None:
    assert oauth.came_back_without_code(params) is None


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        ({"error_code": "100", "error_message": "Invalid Scopes: x"}, Kind.APP),
        ({"error": "invalid_scope"}, Kind.APP),
        ({"error_code": "200"}, Kind.UNKNOWN),
        ({}, Kind.UNKNOWN),
    ],
)
def test_what_else_comes_back_without_a_code(params: dict[str, str], kind: Kind) -> None:
    verdict = oauth.came_back_without_code(params)
    assert verdict is not None and verdict.kind is kind


def test_basic_auth() -> None:
    assert oauth.basic_auth(APP) == "Basic " + base64.b64encode(b"app-1:app-secret").decode()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (7200, 7200.0),
        ("7200", 7200.0),
        (1.5, 1.5),
        (10**15, oauth.SECONDS_MOST),
        *[(no, None) for no in ("", "soon", None, True, 0, -5, "inf", "nan", [1], 10**400)],
    ],
)
def test_lifetimes(value: object, seconds: float | None) -> None:
    assert oauth.seconds(value) == seconds


def test_the_longest_lifetime_is_a_date() -> None:
    assert utc_now() + timedelta(seconds=oauth.SECONDS_MOST)


@pytest.mark.parametrize(
    ("named", "least", "most"),
    [("90", 90, 90), ("Fri, 20 Nov 2099 10:00:00 GMT", 10**8, oauth.SECONDS_MOST)],
)
def test_what_retry_after_asks_for(named: str, least: float, most: float) -> None:
    assert least <= (oauth.retry_after({"retry-after": named}) or 0) <= most


@pytest.mark.parametrize(
    "named", ["", "soon", "0", "-5", "Fri, 20 Nov 2020 10:00:00 GMT", "1 Jan 2020 0:0 -0000"]
)
def test_a_retry_after_that_asks_for_nothing(named: str) -> None:
    assert oauth.retry_after({"retry-after": named}) is None


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (200, {"access_token": "a"}, False),
        (200, {"access_token": "a", "error": None}, False),
        (200, {"error": "invalid_grant"}, True),
        (200, None, False),
        (400, {}, True),
        (302, None, True),
    ],
)
def test_a_refusal_is_told_from_tokens(status: int, body: oauth.Body | None, refused: bool) -> None:
    assert oauth.refuses(Response(status, {}, b""), body) is refused


@pytest.mark.parametrize(
    ("value", "scopes"),
    [
        ("a b", {"a", "b"}),
        ("a,b", {"a", "b"}),
        ("a, b  c,", {"a", "b", "c"}),
        (["a", "b", 3], {"a", "b"}),
        ("", None),
        ([], None),
        (None, None),
        (7, None),
    ],
)
def test_scopes(value: object, scopes: set[str] | None) -> None:
    assert oauth.scope_set(value) == (frozenset(scopes) if scopes else None)


def test_tokens_of_a_full_reply() -> None:
    tokens = oauth.parse_tokens(
        {
            "access_token": "at",
            "refresh_token": "rt",
            "expires_in": "60",
            "refresh_expires_in": 90,
            "scope": "a,b",
        }
    )
    assert (tokens.access_token, tokens.refresh_token) == ("at", "rt")
    assert (tokens.expires_in, tokens.refresh_expires_in, tokens.scopes) == (60.0, 90.0, frozenset("ab"))
    assert tokens.subject is None
    assert "'at'" not in repr(tokens) and "'rt'" not in repr(tokens)


@pytest.mark.parametrize(
    "body", [None, {}, {"access_token": ""}, {"access_token": 5}, {"access_token": "a\nb"}]
)
def test_no_access_token_is_unclear(body: oauth.Body | None) -> None:
    with pytest.raises(PlatformError) as raised:
        oauth.parse_tokens(body)
    assert raised.value.verdict.kind is Kind.UNCLEAR


@pytest.mark.parametrize(("name", "meaning"), list(oauth.ERRORS.items()))
def test_error_names(name: str, meaning: tuple[Kind, Reason]) -> None:
    for status in (200, 400, 401):
        verdict = oauth.error_verdict(status, {"error": name})
        assert (verdict.kind, verdict.reason) == meaning
        assert verdict.code == name


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "brand_new"}, Kind.UNKNOWN),
        (400, {"error": {"code": 190}}, Kind.UNKNOWN),
        (429, {"error": "brand_new"}, Kind.TRY_LATER),
        (500, {}, Kind.UNCLEAR),
        (400, None, Kind.UNCLEAR),
        (429, None, Kind.TRY_LATER),
    ],
)
def test_other_errors(status: int, body: oauth.Body | None, kind: Kind) -> None:
    assert oauth.error_verdict(status, body).kind is kind


@pytest.mark.parametrize("raw", ["", "<html>", "[1]", "null", "{", '{"a": NaN}', "[" * 5000])
def test_what_is_no_object(raw: str) -> None:
    assert oauth.read_object(reply(200, raw)) is None


ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=3)


@given(ANY)
def test_readers_never_fail_and_give_what_can_be_stored(value: object) -> None:
    word = oauth.word(value)
    assert word is None or (word.encode() and "\0" not in word)
    assert (oauth.seconds(value) or 1) > 0
    oauth.whole(value)
    oauth.scope_set(value)
    oauth.credential(value)


@pytest.mark.parametrize("platform", [X(), TikTok(), linkedin.members("202609", shared=False)])
@pytest.mark.parametrize("body", ["<html>Please wait</html>", {"error": "server_error"}])
async def test_neither_a_page_nor_an_error_with_200_has_revoked(platform: Platform, body: object) -> None:
    http = FakeHttp(lambda _: reply(200, body))
    with pytest.raises(PlatformError) as unclear:
        await platform.revoke(Call(http=http, app=APP), Tokens("at-1", "rt-1"))
    assert unclear.value.verdict.kind is Kind.UNCLEAR
