"""Instagram: consent, upkeep, containers, publishing and the look for a lost answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.http import HttpError, NoAnswer, Response
from bot.platforms.base import Call, Handles, Ready, Tokens, Wait
from bot.platforms.content import Content
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.platforms.instagram import Instagram
from tests.platforms.platform_fakes import (
    APP,
    IG_FILM,
    IG_PICTURE,
    IG_POST,
    IG_TARGET,
    REDIRECT,
    Sight,
    TinyInstagram,
    always,
    call_of,
    graph_error,
    reply,
)

PLATFORM = Instagram("v26.0")
SINCE = datetime(2026, 11, 20, 10, 0, 0, 400_000, tzinfo=UTC)
BASIC = "instagram_business_basic"


async def refusal(action: Callable[[], Any]) -> Verdict:
    with pytest.raises(PlatformError) as raised:
        await action()
    return raised.value.verdict


async def prepared(call: Call, content: Content, handles: Handles | None = None) -> tuple[Ready, list[float]]:
    """Takes step after step, and the pauses that were asked for."""
    pauses: list[float] = []
    step: Ready | Wait = Wait(handles or {}, 0.0)
    while isinstance(step, Wait):
        assert len(pauses) < 40
        step = await PLATFORM.prepare(call, IG_TARGET, content, step.handles)
        if isinstance(step, Wait):
            pauses.append(step.seconds)
    return step, pauses


def test_authorization_url() -> None:
    parts = urlsplit(PLATFORM.authorization_url(APP, REDIRECT, "state", None))
    assert (parts.netloc, parts.path) == ("www.instagram.com", "/oauth/authorize")
    assert {key: values[0] for key, values in parse_qs(parts.query).items()} == {
        "response_type": "code",
        "client_id": "app-1",
        "redirect_uri": REDIRECT,
        "scope": "instagram_business_basic,instagram_business_content_publish",
        "state": "state",
        "force_reauth": "true",
    }


@pytest.mark.parametrize("wrapped", [False, True])
async def test_consent_ends_with_a_long_lived_token(wrapped: bool) -> None:
    call, http = call_of(TinyInstagram(wrapped=wrapped))
    tokens = await PLATFORM.exchange(call, "AQB#_", REDIRECT, None)
    assert (tokens.access_token, tokens.expires_in, tokens.refresh_token) == ("IGAA-1", 5183944.0, None)
    assert tokens.subject == "17841400000000001"
    assert tokens.scopes == PLATFORM.info.required_scopes
    assert http.paths() == ["POST /oauth/access_token", "GET /access_token"]
    found = await PLATFORM.discover(call, tokens)
    assert (found.subject, found.subject_name) == ("17841400000000001", "Lamp")
    assert found.accounts[0].usable


async def test_a_used_code_is_told_apart_from_a_dead_grant() -> None:
    call, _ = call_of(TinyInstagram(code="another"))
    verdict = await refusal(lambda: PLATFORM.exchange(call, "AQB", REDIRECT, None))
    assert (verdict.kind, verdict.reason) == (Kind.DEAD, Reason.EXPIRED)


async def test_a_refresh_returns_the_new_string() -> None:
    call, _ = call_of(TinyInstagram())
    tokens = await PLATFORM.refresh(call, Tokens("IGAA-1"))
    assert (tokens.access_token, tokens.refresh_token, tokens.scopes) == ("IGAA-1+", None, None)


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (graph_error(190, 463), Kind.DEAD, Reason.EXPIRED),
        (graph_error(190, 458), Kind.DEAD, Reason.REVOKED),
        (graph_error(100), Kind.UNKNOWN, Reason.UNKNOWN),
        (graph_error(10), Kind.PERMISSION, Reason.PERMISSION_MISSING),
        ("<html>", Kind.UNCLEAR, Reason.UNREADABLE),
    ],
)
async def test_refused_refreshes(body: object, kind: Kind, reason: Reason) -> None:
    call, _ = call_of(always(reply(400, body)))
    verdict = await refusal(lambda: PLATFORM.refresh(call, Tokens("IGAA-1")))
    assert (verdict.kind, verdict.reason) == (kind, reason)
    assert verdict.permission == (BASIC if kind is Kind.PERMISSION else None)


@pytest.mark.parametrize("kind", ["PERSONAL", "Personal"])
async def test_a_personal_account_is_not_usable(kind: str) -> None:
    call, _ = call_of(TinyInstagram(account_type=kind))
    account = (await PLATFORM.discover(call, Tokens("IGAA-1"))).accounts[0]
    assert (account.usable, account.problem) == (False, Reason.ACCOUNT_TYPE)


async def test_an_account_without_its_professional_id_is_unclear() -> None:
    call, _ = call_of(always(reply(200, {"id": "77", "username": "lamp"})))
    assert (await refusal(lambda: PLATFORM.probe(call, IG_TARGET))).kind is Kind.UNCLEAR


async def test_there_is_nothing_to_revoke_with() -> None:
    call, http = call_of(TinyInstagram())
    assert not await PLATFORM.revoke(call, Tokens("IGAA-1"))
    assert http.seen == []


async def test_a_picture_is_made_watched_and_published_once() -> None:
    twin = TinyInstagram(status=["IN_PROGRESS", "FINISHED"])
    call, http = call_of(twin, not_after=5.0)
    ready, pauses = await prepared(call, IG_POST)
    assert ready == Ready({"container": "17901"}, 23 * 3600)
    assert pauses == [0.0, 3.0]
    assert twin.made == [{"image_url": IG_PICTURE.url, "alt_text": "A lamp", "caption": "Open late #lamp"}]
    sent = await PLATFORM.send(call, IG_TARGET, IG_POST, ready.handles)
    assert (sent.external_id, sent.permalink) == ("18001", "https://www.instagram.com/p/abc/")
    assert twin.published == ["17901"]
    publish, permalink = http.seen[-2:]
    assert publish.not_after == 5.0
    assert permalink.deadline <= 5.0
    assert all("IGAA" not in str((sight.path, sight.params)) for sight in http.seen)


async def test_a_single_film_is_a_reel() -> None:
    twin = TinyInstagram(status=["IN_PROGRESS", "FINISHED"])
    call, _ = call_of(twin)
    _, pauses = await prepared(call, Content(media=(IG_FILM,)))
    assert twin.made == [{"media_type": "REELS", "video_url": IG_FILM.url}]
    assert pauses == [0.0, 15.0]


async def test_a_carousel_waits_for_each_of_its_children() -> None:
    twin = TinyInstagram(status=["IN_PROGRESS", "FINISHED", "FINISHED"])
    call, _ = call_of(twin)
    ready, _ = await prepared(call, Content(text="Two", media=(IG_PICTURE, IG_FILM)))
    assert twin.made == [
        {"is_carousel_item": "true", "image_url": IG_PICTURE.url, "alt_text": "A lamp"},
        {"is_carousel_item": "true", "media_type": "VIDEO", "video_url": IG_FILM.url},
        {"media_type": "CAROUSEL", "children": "17901,17902", "caption": "Two"},
    ]
    assert ready.handles["container"] == "17903"


async def test_a_film_of_a_carousel_that_failed_is_made_anew_alone() -> None:
    twin = TinyInstagram(status=["FINISHED", "ERROR:Error 2207082", "FINISHED"])
    call, _ = call_of(twin)
    ready, _ = await prepared(call, Content(media=(IG_PICTURE, IG_FILM)))
    assert [form.get("media_type", "IMAGE") for form in twin.made] == ["IMAGE", "VIDEO", "VIDEO", "CAROUSEL"]
    assert ready.handles["container"] == "17904"


async def test_an_expired_container_is_made_anew() -> None:
    twin = TinyInstagram(status=["EXPIRED", "FINISHED"])
    call, _ = call_of(twin)
    ready, _ = await prepared(call, IG_POST, {"container": "1"})
    assert ready.handles["container"] == "17901"


@pytest.mark.parametrize(
    "content", [IG_POST, Content(media=(IG_FILM,)), Content(media=(IG_PICTURE, IG_FILM))]
)
@pytest.mark.parametrize("status", ["IN_PROGRESS", "SOMETHING_NEW"])
async def test_what_never_gets_ready_is_told_within_the_hour(content: Content, status: str) -> None:
    call, http = call_of(TinyInstagram(status=[status]))
    handles: Handles = {}
    waited = 0.0
    with pytest.raises(PlatformError) as raised:
        while waited < 24 * 3600:
            step = await PLATFORM.prepare(call, IG_TARGET, content, handles)
            handles, waited = step.handles, waited + (step.seconds if isinstance(step, Wait) else 0)
    assert (raised.value.verdict.kind, raised.value.verdict.reason) == (Kind.CONTENT, Reason.PLATFORM_DOWN)
    assert 1200 < waited < 3600
    assert len(http.seen) < 60


async def test_a_container_that_is_always_expired_is_given_up() -> None:
    twin = TinyInstagram(status=["EXPIRED"])
    call, _ = call_of(twin)
    assert (await refusal(lambda: prepared(call, IG_POST))).kind is Kind.CONTENT
    assert len(twin.made) == 4


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        ("Error: Media upload has failed with error code 2207026", Reason.MEDIA_FORMAT),
        ("Error 2207009.", Reason.MEDIA_RATIO),
        ("something else", Reason.MEDIA_FORMAT),
        ("id 12207009", Reason.MEDIA_FORMAT),
        ("", Reason.MEDIA_FORMAT),
    ],
)
async def test_a_container_in_error_is_the_files_fault(detail: str, reason: Reason) -> None:
    call, _ = call_of(TinyInstagram(status=[f"ERROR:{detail}"]))
    verdict = await refusal(lambda: PLATFORM.prepare(call, IG_TARGET, IG_POST, {"container": "1"}))
    assert (verdict.kind, verdict.reason) == (Kind.CONTENT, reason)


@pytest.mark.parametrize("subcode", [2207003, 2207020, 2207053, 2207077, 2207082])
async def test_a_download_that_keeps_failing_is_tried_three_times_more(subcode: int) -> None:
    twin = TinyInstagram(status=[f"ERROR:Error {subcode}"])
    call, _ = call_of(twin)
    verdict = await refusal(lambda: prepared(call, IG_POST))
    assert (verdict.kind, verdict.reason) == (Kind.CONTENT, Reason.MEDIA_UNREACHABLE)
    assert len(twin.made) == 4


async def test_a_picture_that_cannot_be_fetched_is_tried_three_times_more() -> None:
    call, http = call_of(always(reply(400, graph_error(9004, 2207052))))
    verdict = await refusal(lambda: prepared(call, IG_POST))
    assert (verdict.kind, verdict.reason) == (Kind.CONTENT, Reason.MEDIA_UNREACHABLE)
    assert len(http.seen) == 4


@pytest.mark.parametrize(
    "missing", [graph_error(24, 2207008), graph_error(24, 2207006), graph_error(100, 33)]
)
async def test_a_container_that_cannot_be_found_is_asked_for_again_then_made_anew(missing: object) -> None:
    twin = TinyInstagram()

    def answer(sight: Sight) -> Response:
        return reply(400, missing) if sight.path == "/v26.0/lost" else twin(sight)

    call, http = call_of(answer)
    ready, pauses = await prepared(call, IG_POST, {"container": "lost"})
    assert http.paths().count("GET /v26.0/lost") == 3
    assert ready.handles["container"] == "17901"
    assert pauses[:3] == [30.0, 30.0, 30.0]


async def test_containers_that_are_never_found_are_given_up() -> None:
    twin = TinyInstagram()

    def answer(sight: Sight) -> Response:
        return twin(sight) if sight.method == "POST" else reply(400, graph_error(24, 2207008))

    call, _ = call_of(answer)
    assert (await refusal(lambda: prepared(call, IG_POST))).kind is Kind.NOT_READY
    assert len(twin.made) <= 3


async def test_containers_that_are_never_found_may_mean_that_the_token_is_dead() -> None:
    twin = TinyInstagram()

    def answer(sight: Sight) -> Response:
        if sight.path == "/v26.0/me":
            return reply(400, graph_error(190, 460))
        return twin(sight) if sight.method == "POST" else reply(400, graph_error(24, 2207006))

    call, _ = call_of(answer)
    verdict = await refusal(lambda: prepared(call, IG_POST))
    assert (verdict.kind, verdict.reason) == (Kind.DEAD, Reason.PASSWORD_CHANGED)


async def test_an_account_that_is_not_found_is_believed_only_beside_a_living_token() -> None:
    dead = graph_error(190, 460)

    def answer(sight: Sight) -> Response:
        return reply(400, dead if sight.path == "/v26.0/me" else graph_error(100, 33))

    call, http = call_of(answer)
    verdict = await refusal(lambda: PLATFORM.prepare(call, IG_TARGET, IG_POST, {}))
    assert (verdict.kind, verdict.reason) == (Kind.DEAD, Reason.PASSWORD_CHANGED)
    twin = TinyInstagram()
    call, http = call_of(lambda s: twin(s) if s.method == "GET" else reply(400, graph_error(100, 33)))
    verdict = await refusal(lambda: PLATFORM.prepare(call, IG_TARGET, IG_POST, {}))
    assert (verdict.kind, verdict.reason) == (Kind.ACCOUNT, Reason.ACCOUNT_GONE)
    assert http.paths()[-1] == "GET /v26.0/me"


async def test_a_container_that_somebody_published_is_never_published_again() -> None:
    twin = TinyInstagram(status=["PUBLISHED"])
    call, _ = call_of(twin)
    verdict = await refusal(lambda: PLATFORM.prepare(call, IG_TARGET, IG_POST, {"container": "1"}))
    assert (verdict.kind, verdict.twin) == (Kind.DUPLICATE, None)
    assert twin.made == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (graph_error(9, 2207042), Kind.TRY_LATER),
        (graph_error(4, 2207051), Kind.ACCOUNT),
        (graph_error(9007, 2207027), Kind.NOT_READY),
        (graph_error(24, 2207008), Kind.NOT_READY),
        (graph_error(100, 33), Kind.NOT_READY),
        (graph_error(10), Kind.PERMISSION),
        (graph_error(2), Kind.UNCLEAR),
        ("<html>", Kind.UNCLEAR),
    ],
)
async def test_refused_publishing_is_one_request(body: object, kind: Kind) -> None:
    call, http = call_of(always(reply(400, body)))
    verdict = await refusal(lambda: PLATFORM.send(call, IG_TARGET, IG_POST, {"container": "1"}))
    assert verdict.kind is kind
    assert http.paths() == [f"POST /v26.0/{IG_TARGET.account_id}/media_publish"]


async def test_publishing_without_an_id_in_the_answer_is_unclear() -> None:
    call, _ = call_of(always(reply(200, {"success": True})))
    verdict = await refusal(lambda: PLATFORM.send(call, IG_TARGET, IG_POST, {"container": "1"}))
    assert verdict.kind is Kind.UNCLEAR


async def test_publishing_without_a_container_asks_nobody() -> None:
    call, http = call_of(TinyInstagram())
    assert (await refusal(lambda: PLATFORM.send(call, IG_TARGET, IG_POST, {}))).kind is Kind.NOT_READY
    assert http.seen == []


@pytest.mark.parametrize("failure", [reply(500, ""), reply(400, graph_error(190)), NoAnswer("GET x")])
async def test_a_permalink_that_fails_changes_nothing(failure: Response | HttpError) -> None:
    twin = TinyInstagram()
    call, _ = call_of(lambda sight: failure if sight.path == "/v26.0/18001" else twin(sight))
    sent = await PLATFORM.send(call, IG_TARGET, IG_POST, {"container": "1"})
    assert (sent.external_id, sent.permalink) == ("18001", None)
    again, _ = call_of(TinyInstagram())
    assert (await PLATFORM.progress(again, IG_TARGET, {}, "18001")).permalink


VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2)
NAMES = ["data", "error", "error_type", "error_message", "access_token", "user_id", "permissions", "id"]
FIELDS = st.sampled_from([*NAMES, "username", "status_code", "status", "expires_in", "caption", "timestamp"])
OBJECTS = st.dictionaries(FIELDS, VALUES)
BODIES = st.dictionaries(FIELDS, VALUES | OBJECTS | st.lists(OBJECTS, max_size=2))
STATUS = st.sampled_from(["FINISHED", "ERROR", "EXPIRED", "PUBLISHED", "IN_PROGRESS"])


@given(
    st.sampled_from([200, 400, 401, 403, 429, 500]),
    BODIES | VALUES | st.fixed_dictionaries({"status_code": STATUS, "status": VALUES}),
)
async def test_only_platform_errors_leave(status: int, body: object) -> None:
    call, _ = call_of(always(reply(status, body)))
    tokens, handles = Tokens("IGAA-1"), {"container": "1", "tries": "x"}
    for action in (
        lambda: PLATFORM.exchange(call, "c", REDIRECT, None),
        lambda: PLATFORM.refresh(call, tokens),
        lambda: PLATFORM.discover(call, tokens),
        lambda: PLATFORM.prepare(call, IG_TARGET, IG_POST, {}),
        lambda: PLATFORM.prepare(call, IG_TARGET, IG_POST, handles),
        lambda: PLATFORM.send(call, IG_TARGET, IG_POST, handles),
        lambda: PLATFORM.look(call, IG_TARGET, IG_POST, handles, SINCE, frozenset()),
    ):
        try:
            await action()
        except PlatformError as error:
            assert error.verdict.kind in Kind
