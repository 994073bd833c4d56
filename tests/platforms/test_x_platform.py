"""X: consent, upkeep, posting and the look for a lost answer, against a small strict stand-in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.http import HttpError, NoAnswer
from bot.platforms.base import Found, Ready, Tokens
from bot.platforms.content import Content, Media, MediaKind
from bot.platforms.errors import Kind, PlatformError, Reason
from bot.platforms.oauth import pkce_pair
from bot.platforms.x import X
from tests.platforms.platform_fakes import (
    APP,
    REDIRECT,
    X_401,
    X_TARGET,
    TinyX,
    always,
    call_of,
    reply,
)

SINCE = datetime(2026, 11, 20, 10, 0, 0, 400_000, tzinfo=UTC)
PLATFORM = X()


def test_authorization_url() -> None:
    url = PLATFORM.authorization_url(APP, REDIRECT, "st&te", "chal")
    parts = urlsplit(url)
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "x.com", "/i/oauth2/authorize")
    assert query == {
        "response_type": "code",
        "client_id": "app-1",
        "redirect_uri": REDIRECT,
        "scope": "tweet.read tweet.write users.read offline.access media.write",
        "state": "st&te",
        "code_challenge": "chal",
        "code_challenge_method": "S256",
    }
    assert "tweet.read%20tweet.write" in url and "+" not in url


async def test_consent_then_rotation_then_the_spent_token_is_dead() -> None:
    pair = pkce_pair()
    call, http = call_of(TinyX(challenge=pair.challenge), not_after=7.0)
    first = await PLATFORM.exchange(call, "code-1", REDIRECT, pair.verifier)
    assert (first.access_token, first.refresh_token, first.expires_in) == ("at-1", "rt-1", 7200)
    assert first.scopes is not None and first.scopes >= PLATFORM.info.required_scopes
    second = await PLATFORM.refresh(call, first)
    assert (second.access_token, second.refresh_token) == ("at-2", "rt-2")
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.refresh(call, first)
    assert (refused.value.verdict.kind, refused.value.verdict.reason) == (Kind.DEAD, Reason.REFUSED)
    assert {(sight.deadline, sight.not_after) for sight in http.seen} == {(20.0, 7.0)}


async def test_a_wrong_verifier_is_refused() -> None:
    call, _ = call_of(TinyX(challenge=pkce_pair().challenge))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.exchange(call, "code-1", REDIRECT, pkce_pair().verifier)
    assert refused.value.verdict.kind is Kind.DEAD


async def test_refreshing_without_a_refresh_token_asks_nobody() -> None:
    call, http = call_of(TinyX())
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.refresh(call, Tokens("at-1"))
    assert refused.value.verdict.permission == "offline.access"
    assert http.seen == []


async def test_an_oauth_error_with_status_200_is_an_error() -> None:
    call, _ = call_of(always(reply(200, {"error": "invalid_grant"})))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.refresh(call, Tokens("at", "rt"))
    assert refused.value.verdict.kind is Kind.DEAD


async def test_a_refresh_reply_without_tokens_is_unclear() -> None:
    call, _ = call_of(always(reply(200, {"token_type": "bearer"})))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.refresh(call, Tokens("at", "rt"))
    assert refused.value.verdict.kind is Kind.UNCLEAR


async def test_discovery_and_probe_name_the_account() -> None:
    twin = TinyX(alive=True, generation=1)
    call, _ = call_of(twin)
    found = await PLATFORM.discover(call, Tokens("at-1"))
    assert found.subject == "2244994945"
    assert [(account.id, account.handle) for account in found.accounts] == [("2244994945", "lamp")]
    assert (await PLATFORM.probe(call, X_TARGET)).handle == "lamp"
    twin.alive = False
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.probe(call, X_TARGET)
    assert refused.value.verdict.kind is Kind.TOKEN


async def test_revoking() -> None:
    twin = TinyX(alive=True, generation=1)
    call, http = call_of(twin)
    assert await PLATFORM.revoke(call, Tokens("at-1", "rt-1"))
    assert not twin.alive
    assert http.seen[0].form == {"token": "rt-1"}
    assert http.seen[0].headers["authorization"].startswith("Basic ")


async def test_revoking_what_is_gone_is_done_and_a_refusal_is_told() -> None:
    gone = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
    call, _ = call_of(always(reply(400, gone)))
    assert await PLATFORM.revoke(call, Tokens("at-1"))
    call, _ = call_of(always(reply(401, X_401)))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.revoke(call, Tokens("at-1"))
    assert refused.value.verdict.kind is Kind.APP


async def test_a_post_is_one_request() -> None:
    twin = TinyX(alive=True, generation=1)
    call, http = call_of(twin, not_after=5.0)
    content = Content(text="Open late", link="https://lamp.example/a")
    assert await PLATFORM.prepare(call, X_TARGET, content, {}) == Ready({})
    sent = await PLATFORM.send(call, X_TARGET, content, {})
    assert (sent.external_id, sent.permalink) == ("900", "https://x.com/lamp/status/900")
    assert http.paths() == ["POST /2/tweets"]
    assert http.seen[0].not_after == 5.0
    assert twin.posts[0]["text"] == "Open late\nhttps://lamp.example/a"


@pytest.mark.parametrize("body", ["", "<html>", {"data": {}}, {"data": []}, {"errors": [{"title": "?"}]}])
async def test_a_post_without_an_id_is_unclear(body: object) -> None:
    call, _ = call_of(always(reply(201, body)))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.send(call, X_TARGET, Content(text="hi"), {})
    assert refused.value.verdict.kind is Kind.UNCLEAR


def item(post_id: str, text: str, at: str = "2026-11-20T10:00:00.000Z") -> dict[str, str]:
    return {"id": post_id, "text": text, "created_at": at}


OURS = Content(text="Tea & cake <3 https://lamp.example/a?b=1 and https://lamp.example/c. ")
THEIRS = "Tea &amp; cake &lt;3 https://t.co/AbC123 and https://t.co/xyz."


async def look(body: object, status: int = 200, taken: frozenset[str] = frozenset()) -> Any:
    call, http = call_of(always(reply(status, body)))
    found = await PLATFORM.look(call, X_TARGET, OURS, {}, SINCE, taken)
    assert http.seen[0].params["start_time"] == "2026-11-20T10:00:00Z"
    return found


async def test_the_one_fitting_post_is_found() -> None:
    found = await look({"data": [item("1", "other"), item("2", THEIRS)], "meta": {"result_count": 2}})
    assert (found.found, found.external_id) == (Found.THERE, "2")
    assert found.permalink == "https://x.com/lamp/status/2"


@pytest.mark.parametrize(
    "body",
    [
        {"meta": {"result_count": 0}},
        {"data": [item("1", "other")]},
        {"data": [item("1", THEIRS), item("2", THEIRS)]},
        {"data": [item("1", THEIRS)], "meta": {"next_token": "more"}},
        {"data": [item("1", THEIRS, "2026-11-20T09:59:59.000Z")]},
        {"data": [item("1", THEIRS, "yesterday")]},
        {"data": [item("1", THEIRS, "2026-11-20T10:00:00")]},
        {"data": [item("1", THEIRS + " https://t.co/zzz")]},
        {"data": [{"text": THEIRS, "created_at": "2026-11-20T10:00:00Z"}]},
        {"data": "?"},
        "<html>",
    ],
)
async def test_anything_else_proves_nothing(body: object) -> None:
    assert (await look(body)).found is Found.UNKNOWN


async def test_a_post_of_another_delivery_is_never_adopted() -> None:
    body = {"data": [item("1", THEIRS), item("2", THEIRS)]}
    assert (await look(body, taken=frozenset({"1", "2"}))).found is Found.UNKNOWN
    assert (await look(body, taken=frozenset({"1"}))).external_id == "2"


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_a_refused_look_proves_nothing(status: int) -> None:
    assert (await look({"title": "?"}, status)).found is Found.UNKNOWN


@pytest.mark.parametrize("status", [401, 402, 429, 503])
async def test_a_look_that_may_work_later_is_raised(status: int) -> None:
    with pytest.raises(PlatformError):
        await look({"title": "?", "detail": "?"}, status)


async def test_a_lost_answer_leaves_as_it_is() -> None:
    call, _ = call_of(always(NoAnswer("POST api.x.com/2/tweets")))
    with pytest.raises(HttpError):
        await PLATFORM.send(call, X_TARGET, Content(text="hi"), {})


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        (Content(text="  "), "text", Reason.TEXT_REFUSED),
        (Content(text="x" * 281), "text", Reason.TEXT_TOO_LONG),
        (Content(text="界" * 141), "text", Reason.TEXT_TOO_LONG),
        (Content(text="$TEA and $CAKE"), "text", Reason.TEXT_REFUSED),
        (Content("hi", (Media("https://a.example/a.tif", MediaKind.IMAGE, "image/tiff", 9),)), "media", None),
    ],
)
def test_what_x_would_refuse(content: Content, field: str, reason: Reason | None) -> None:
    problems = PLATFORM.check(content)
    assert [problem.field for problem in problems] == [field]
    assert reason in (None, problems[0].reason)
    assert problems[0].text.endswith(".")


def test_what_x_takes() -> None:
    assert PLATFORM.check(Content(text="x" * 256, link="https://lamp.example/" + "y" * 200)) == ()


VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2)
OBJECTS = st.dictionaries(
    st.sampled_from(["id", "username", "access_token", "refresh_token", "expires_in", "scope", "text"]),
    VALUES,
)
BODIES = st.dictionaries(
    st.sampled_from(["data", "errors", "error", "title", "meta", "access_token", "expires_in", "scope"]),
    VALUES | OBJECTS | st.lists(OBJECTS, max_size=2),
)


@given(st.sampled_from([200, 201, 400, 401, 403, 429, 500]), BODIES | VALUES)
async def test_only_platform_errors_leave(status: int, body: object) -> None:
    call, _ = call_of(always(reply(status, body)))
    tokens, content = Tokens("at", "rt"), Content(text="hi")
    for action in (
        lambda: PLATFORM.exchange(call, "c", REDIRECT, "v"),
        lambda: PLATFORM.refresh(call, tokens),
        lambda: PLATFORM.discover(call, tokens),
        lambda: PLATFORM.revoke(call, tokens),
        lambda: PLATFORM.send(call, X_TARGET, content, {}),
        lambda: PLATFORM.look(call, X_TARGET, content, {}, SINCE - timedelta(days=1), frozenset()),
    ):
        try:
            await action()
        except PlatformError as error:
            assert error.verdict.kind in Kind
