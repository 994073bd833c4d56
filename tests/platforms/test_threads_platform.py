"""Threads: consent, upkeep, containers, publishing, and the look for a lost answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.http import HttpError, NoAnswer, Response
from bot.platforms.base import Call, Found, Handles, Ready, Tokens, Wait
from bot.platforms.content import Content
from bot.platforms.errors import Kind, PlatformError, Reason
from bot.platforms.threads import Threads
from bot.platforms.threads_limits import length
from bot.platforms.threads_media import BASIC, CONTAINER_ERRORS, PUBLISH
from tests.platforms.meta_fakes import FILM, PICTURE, TH_TARGET, TinyThreads, refusal
from tests.platforms.platform_fakes import APP, REDIRECT, Sight, always, call_of, graph_error, reply

PLATFORM = Threads()
SINCE = datetime(2026, 11, 20, 10, 0, 0, 400_000, tzinfo=UTC)
TEXT = Content(text="Open late")


async def prepared(call: Call, content: Content, handles: Handles | None = None) -> tuple[Ready, list[float]]:
    pauses: list[float] = []
    step: Ready | Wait = Wait(handles or {}, 0.0)
    while isinstance(step, Wait):
        assert len(pauses) < 40
        step = await PLATFORM.prepare(call, TH_TARGET, content, step.handles)
        if isinstance(step, Wait):
            pauses.append(step.seconds)
    return step, pauses


def test_authorization_url() -> None:
    parts = urlsplit(PLATFORM.authorization_url(APP, REDIRECT, "state", None))
    assert (parts.netloc, parts.path) == ("www.threads.com", "/oauth/authorize")
    assert {key: values[0] for key, values in parse_qs(parts.query).items()} == {
        "response_type": "code",
        "client_id": "app-1",
        "redirect_uri": REDIRECT,
        "scope": "threads_basic,threads_content_publish",
        "state": "state",
    }
    assert PLATFORM.info.confirm_after_consent  # nothing in this address asks which profile


async def test_consent_ends_with_a_long_lived_token() -> None:
    threads = TinyThreads()
    call, http = call_of(threads)
    tokens = await PLATFORM.exchange(call, "AQT#_", REDIRECT, None)
    assert (tokens.access_token, tokens.expires_in, tokens.refresh_token) == ("TH-1", 5183944.0, None)
    assert (tokens.subject, tokens.scopes) == ("17841400000000031", frozenset({BASIC, PUBLISH}))
    assert http.paths() == [
        "POST /oauth/access_token",
        "GET /access_token",
        "GET /v1.0/me",
        "POST /v1.0/me/threads",
    ]
    assert threads.tried == [{"media_type": "TEXT", "text": "Connected"}] and not threads.published
    found = await PLATFORM.discover(call, tokens)
    assert (found.subject, found.subject_name, found.accounts[0].handle) == ("31", "Lamp", "lamp")
    assert found.known_as == "17841400000000031"  # as the exchange named the person


@pytest.mark.parametrize(
    ("path", "error", "allowed"),
    [
        ("/me", graph_error(10), {PUBLISH}),
        ("/me/threads", graph_error(10), {BASIC}),
        ("/me/threads", graph_error(200), {BASIC}),
        ("/me", graph_error(2), None),
        ("/me/threads", graph_error(4, 2207051), None),
        ("/me/threads", "<html>", None),
    ],
)
async def test_what_a_person_left_out_is_found_by_trying(
    path: str, error: object, allowed: set[str] | None
) -> None:
    """No reply names the permissions; an error that says nothing about them accuses nobody."""
    call, _ = call_of(TinyThreads(refused={path: error}))
    assert (await PLATFORM.exchange(call, "AQT", REDIRECT, None)).scopes == allowed


async def test_a_refresh_is_one_call() -> None:
    call, http = call_of(TinyThreads())
    assert (await PLATFORM.refresh(call, Tokens("TH-1"))).access_token == "TH-2"
    assert len(http.seen) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (400, graph_error(190, 463), Kind.DEAD, Reason.EXPIRED),
        (401, graph_error(190, 458), Kind.DEAD, Reason.REVOKED),
        (400, graph_error(100), Kind.UNKNOWN, Reason.UNKNOWN),
        (400, graph_error(10), Kind.PERMISSION, Reason.PERMISSION_MISSING),
        (400, graph_error(4), Kind.TRY_LATER, Reason.RATE_LIMIT),
        (503, "<html>", Kind.UNCLEAR, Reason.PLATFORM_DOWN),
        (200, {}, Kind.UNCLEAR, Reason.UNREADABLE),
    ],
)
async def test_refused_refreshes(status: int, body: object, kind: Kind, reason: Reason) -> None:
    call, _ = call_of(always(reply(status, body)))
    verdict = await refusal(lambda: PLATFORM.refresh(call, Tokens("TH-1")))
    assert (verdict.kind, verdict.reason) == (kind, reason)


async def test_a_used_code_is_told_apart_from_a_dead_grant() -> None:
    call, _ = call_of(TinyThreads(code="another"))
    verdict = await refusal(lambda: PLATFORM.exchange(call, "AQT", REDIRECT, None))
    assert (verdict.kind, verdict.reason) == (Kind.DEAD, Reason.EXPIRED)


async def test_there_is_nothing_to_revoke_or_to_mint() -> None:
    call, http = call_of(TinyThreads())
    assert not await PLATFORM.revoke(call, Tokens("TH-1"))
    assert await PLATFORM.mint(call, Tokens("TH-1"), "31") is None
    assert http.seen == []


async def test_a_text_is_a_container_too_and_published_once() -> None:
    twin = TinyThreads(status=["IN_PROGRESS", "FINISHED"])
    call, http = call_of(twin, not_after=5.0)
    ready, pauses = await prepared(call, replace(TEXT, link="https://a.example"))
    assert ready == Ready({"container": "901"}, 23 * 3600)
    assert pauses == [0.0, 3.0]
    assert twin.made == [{"media_type": "TEXT", "text": "Open late", "link_attachment": "https://a.example"}]
    sent = await PLATFORM.send(call, TH_TARGET, TEXT, ready.handles)
    assert (sent.external_id, sent.permalink) == ("18001", "https://www.threads.com/@lamp/post/abc")
    assert twin.published == ["901"]
    publish, permalink = http.seen[-2:]
    assert publish.not_after == 5.0
    assert permalink.deadline <= 5.0


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (
            Content("Look", (PICTURE,), link="https://a.example"),
            {
                "media_type": "IMAGE",
                "image_url": PICTURE.url,
                "alt_text": "A lamp",
                "text": "Look\nhttps://a.example",
            },
        ),
        (Content(media=(FILM,)), {"media_type": "VIDEO", "video_url": FILM.url}),
        (
            Content(link="https://a.example"),
            {"media_type": "TEXT", "text": "https://a.example", "link_attachment": "https://a.example"},
        ),
    ],
)
async def test_single_posts(content: Content, form: dict[str, str]) -> None:
    twin = TinyThreads()
    call, _ = call_of(twin)
    await prepared(call, content)
    assert twin.made == [form]


async def test_a_carousel_waits_for_its_children_and_for_itself() -> None:
    said = ["IN_PROGRESS", "FINISHED", "IN_PROGRESS", "FINISHED", "IN_PROGRESS", "FINISHED"]
    twin = TinyThreads(status=said)
    call, _ = call_of(twin)
    ready, pauses = await prepared(call, Content(text="Two", media=(PICTURE, FILM)))
    assert twin.made == [
        {"is_carousel_item": "true", "media_type": "IMAGE", "image_url": PICTURE.url, "alt_text": "A lamp"},
        {"is_carousel_item": "true", "media_type": "VIDEO", "video_url": FILM.url},
        {"media_type": "CAROUSEL", "children": "901,902", "text": "Two"},
    ]
    assert ready.handles["container"] == "903"
    assert pauses == [0.0, 3.0, 0.0, 0.0, 15.0, 0.0, 0.0, 15.0]


@pytest.mark.parametrize(("word", "reason"), [*CONTAINER_ERRORS.items(), ("", Reason.MEDIA_FORMAT)])
async def test_a_container_in_error_says_why(word: str, reason: Reason) -> None:
    twin = TinyThreads(status=[f"ERROR:{word}"])
    call, _ = call_of(twin)
    verdict = await refusal(lambda: prepared(call, Content(media=(FILM,))))
    assert (verdict.kind, verdict.reason) == (Kind.CONTENT, reason)
    assert len(twin.made) == (4 if reason is Reason.MEDIA_UNREACHABLE else 1)


@pytest.mark.parametrize("word", ["UNKNOWN", ""])
async def test_a_text_in_error_is_not_blamed_on_a_file(word: str) -> None:
    call, _ = call_of(TinyThreads(status=[f"ERROR:{word}"]))
    verdict = await refusal(lambda: prepared(call, TEXT))
    assert (verdict.kind, verdict.reason) == (Kind.CONTENT, Reason.UNKNOWN)


def test_every_documented_container_error_has_its_reason() -> None:
    assert {word: str(reason) for word, reason in CONTAINER_ERRORS.items()} == {
        "FAILED_DOWNLOADING_VIDEO": "media_unreachable",
        "FAILED_PROCESSING_AUDIO": "media_format",
        "FAILED_PROCESSING_VIDEO": "media_format",
        "INVALID_ASPEC_RATIO": "media_ratio",
        "INVALID_ASPECT_RATIO": "media_ratio",
        "INVALID_BIT_RATE": "media_format",
        "INVALID_DURATION": "media_duration",
        "INVALID_FRAME_RATE": "media_format",
        "INVALID_AUDIO_CHANNELS": "media_format",
        "INVALID_AUDIO_CHANNEL_LAYOUT": "media_format",
        "UNKNOWN": "media_format",
    }


async def test_a_film_of_a_carousel_that_was_not_fetched_is_made_anew_alone() -> None:
    twin = TinyThreads(status=["FINISHED", "ERROR:FAILED_DOWNLOADING_VIDEO", "FINISHED"])
    call, _ = call_of(twin)
    ready, _ = await prepared(call, Content(media=(PICTURE, FILM)))
    assert [form["media_type"] for form in twin.made] == ["IMAGE", "VIDEO", "VIDEO", "CAROUSEL"]
    assert ready.handles["container"] == "904"


async def test_an_expired_container_is_made_anew() -> None:
    call, _ = call_of(TinyThreads(status=["EXPIRED", "FINISHED"]))
    ready, _ = await prepared(call, TEXT, {"container": "1"})
    assert ready.handles["container"] == "901"


async def test_what_never_gets_ready_is_told_within_the_hour() -> None:
    call, _ = call_of(TinyThreads(status=["IN_PROGRESS"]))
    handles: Handles = {}
    waited = 0.0
    with pytest.raises(PlatformError) as raised:
        while waited < 24 * 3600:
            step = await PLATFORM.prepare(call, TH_TARGET, TEXT, handles)
            handles, waited = step.handles, waited + (step.seconds if isinstance(step, Wait) else 0)
    assert (raised.value.verdict.kind, raised.value.verdict.reason) == (Kind.CONTENT, Reason.PLATFORM_DOWN)
    assert 1200 < waited < 3600


async def test_a_picture_that_cannot_be_fetched_is_tried_three_times_more() -> None:
    body = graph_error(100, None, "The media could not be fetched from this URI")
    call, http = call_of(always(reply(400, body)))
    verdict = await refusal(lambda: prepared(call, Content(media=(PICTURE,))))
    assert (verdict.kind, verdict.reason) == (Kind.CONTENT, Reason.MEDIA_UNREACHABLE)
    assert len(http.seen) == 4


@pytest.mark.parametrize("missing", [graph_error(24, 4279009), graph_error(100, 33)])
async def test_a_container_that_cannot_be_found_is_asked_for_again_then_made_anew(missing: object) -> None:
    twin = TinyThreads()
    call, http = call_of(lambda s: reply(400, missing) if s.path == "/v1.0/lost" else twin(s))
    ready, pauses = await prepared(call, TEXT, {"container": "lost"})
    assert http.paths().count("GET /v1.0/lost") == 3
    assert ready.handles["container"] == "901"
    assert pauses[:3] == [30.0, 30.0, 30.0]


async def test_containers_that_are_never_found_may_mean_a_dead_token() -> None:
    twin = TinyThreads()
    missing, dead = reply(400, graph_error(24, 4279009)), reply(400, graph_error(190, 463))

    def answer(sight: Sight) -> Response:
        if sight.method == "POST":
            return twin(sight)
        return dead if sight.path == "/v1.0/me" else missing

    call, _ = call_of(answer)
    verdict = await refusal(lambda: prepared(call, TEXT))
    assert (verdict.kind, verdict.reason) == (Kind.DEAD, Reason.EXPIRED)
    call, http = call_of(lambda s: twin(s) if s.method == "POST" or s.path == "/v1.0/me" else missing)
    assert (await refusal(lambda: prepared(call, TEXT))).kind is Kind.NOT_READY
    assert http.paths()[-1] == "GET /v1.0/me"


NONEXISTING = graph_error(100, None, "(#100) Tried accessing nonexisting field (status) on node type")


@pytest.mark.parametrize("status", [reply(200, {"status": "PUBLISHED"}), reply(400, NONEXISTING)])
async def test_a_container_that_somebody_published_is_never_published_again(status: Response) -> None:
    call, http = call_of(always(status))
    verdict = await refusal(lambda: PLATFORM.prepare(call, TH_TARGET, TEXT, {"container": "1"}))
    assert (verdict.kind, verdict.twin) == (Kind.DUPLICATE, None)
    assert http.paths() == ["GET /v1.0/1"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (graph_error(9, 2207042), Kind.TRY_LATER),
        (graph_error(4, 2207051), Kind.ACCOUNT),
        (graph_error(100, 4279013), Kind.ACCOUNT),
        (graph_error(24, 4279009), Kind.NOT_READY),
        (graph_error(100, 33), Kind.NOT_READY),
        (graph_error(10), Kind.PERMISSION),
        (graph_error(190), Kind.DEAD),
        (graph_error(2), Kind.UNCLEAR),
        ("<html>", Kind.UNCLEAR),
    ],
)
async def test_refused_publishing_is_one_request(body: object, kind: Kind) -> None:
    call, http = call_of(always(reply(400, body)))
    verdict = await refusal(lambda: PLATFORM.send(call, TH_TARGET, TEXT, {"container": "1"}))
    assert verdict.kind is kind
    assert http.paths() == ["POST /v1.0/31/threads_publish"]


async def test_publishing_without_an_id_in_the_answer_is_unclear() -> None:
    call, _ = call_of(always(reply(200, {"success": True})))
    verdict = await refusal(lambda: PLATFORM.send(call, TH_TARGET, TEXT, {"container": "1"}))
    assert verdict.kind is Kind.UNCLEAR


async def test_publishing_without_a_container_asks_nobody() -> None:
    call, http = call_of(TinyThreads())
    assert (await refusal(lambda: PLATFORM.send(call, TH_TARGET, TEXT, {}))).kind is Kind.NOT_READY
    assert http.seen == []


@pytest.mark.parametrize("failure", [reply(500, ""), reply(400, graph_error(190)), NoAnswer("GET x")])
async def test_a_permalink_that_fails_changes_nothing(failure: Response | HttpError) -> None:
    twin = TinyThreads()
    call, _ = call_of(lambda sight: failure if sight.path == "/v1.0/18001" else twin(sight))
    sent = await PLATFORM.send(call, TH_TARGET, TEXT, {"container": "1"})
    assert (sent.external_id, sent.permalink) == ("18001", None)
    again, _ = call_of(TinyThreads())
    assert (await PLATFORM.progress(again, TH_TARGET, {}, "18001")).permalink


def entry(
    post_id: str, words: str | None = TEXT.text, at: str = "2026-11-20T10:00:00+0000"
) -> dict[str, Any]:
    item = {"id": post_id, "timestamp": at, "permalink": f"https://www.threads.com/@lamp/post/{post_id}"}
    return item if words is None else item | {"text": words}


async def look(status: Response | HttpError, listed: Response | HttpError, taken: frozenset[str]) -> Any:
    call, _ = call_of(lambda sight: listed if sight.path.endswith("/threads") else status)
    return await PLATFORM.look(call, TH_TARGET, TEXT, {"container": "1"}, SINCE, taken)


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (reply(200, {"status": "FINISHED"}), Found.ABSENT),
        (reply(200, {"status": "ERROR"}), Found.ABSENT),
        (reply(200, {"status": "EXPIRED"}), Found.ABSENT),
        (reply(200, {"status": "IN_PROGRESS"}), Found.UNKNOWN),
        (reply(200, {"status": "PUBLISHED"}), Found.THERE),
        (reply(400, NONEXISTING), Found.THERE),
        (reply(200, {}), Found.UNKNOWN),
        (reply(400, graph_error(24, 4279009)), Found.UNKNOWN),
        (reply(400, graph_error(100, 33)), Found.UNKNOWN),
        (reply(400, graph_error(100)), Found.UNKNOWN),
    ],
)
async def test_the_container_answers_for_the_post(status: Response, found: Found) -> None:
    assert (await look(status, reply(200, {"data": []}), frozenset())).found is found


@pytest.mark.parametrize("status", [reply(400, graph_error(190)), reply(400, graph_error(4)), reply(500, "")])
async def test_a_look_that_may_work_later_is_raised(status: Response) -> None:
    with pytest.raises(PlatformError):
        await look(status, reply(200, {}), frozenset())


async def test_without_a_container_nobody_knows() -> None:
    call, _ = call_of(TinyThreads())
    assert (await PLATFORM.look(call, TH_TARGET, TEXT, {}, SINCE, frozenset())).found is Found.UNKNOWN


PUBLISHED = reply(200, {"status": "PUBLISHED"})


async def test_a_published_container_lends_its_id_from_the_list() -> None:
    old = entry("3", at="2026-11-20T09:00:00+0000")
    found = await look(PUBLISHED, reply(200, {"data": [entry("1", "other"), entry("2"), old]}), frozenset())
    assert (found.found, found.external_id) == (Found.THERE, "2")
    assert found.permalink == "https://www.threads.com/@lamp/post/2"


@pytest.mark.parametrize(
    "listed",
    [
        reply(200, {"data": [entry("1"), entry("2")]}),
        reply(200, {"data": [entry("9")]}),
        reply(200, {"data": [entry("1", None), "?", {}]}),
        reply(200, {"data": [entry("1", at="?")]}),
        reply(200, {"data": 5}),
        reply(500, ""),
        NoAnswer("GET x"),
    ],
)
async def test_a_published_container_is_there_even_without_an_id(listed: Response | HttpError) -> None:
    found = await look(PUBLISHED, listed, frozenset({"9"}))
    assert (found.found, found.external_id) == (Found.THERE, None)


@pytest.mark.parametrize(
    ("words", "counted"),
    [
        ("abc", 3),
        ("äöü", 3),
        ("漢字", 2),
        ("😀", 4),
        ("a😀b", 6),
        ("☕", 3),
        ("👩\u200d🚀", 11),
        ("\ud800", 1),
    ],
)
def test_letters_count_one_and_emoji_their_bytes(words: str, counted: int) -> None:
    assert length(words) == counted


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        (Content(), "text", Reason.TEXT_REFUSED),
        (Content(text="x" * 501), "text", Reason.TEXT_TOO_LONG),
        (Content(text="😀" * 126), "text", Reason.TEXT_TOO_LONG),
        (Content(media=(PICTURE,) * 21), "media", Reason.MEDIA_FORMAT),
        (Content(media=(replace(PICTURE, mime="image/gif"),)), "media", Reason.MEDIA_FORMAT),
        (Content(media=(replace(PICTURE, size=8 * 1024 * 1024 + 1),)), "media", Reason.MEDIA_SIZE),
        (Content(media=(replace(PICTURE, width=1000, height=99),)), "media", Reason.MEDIA_RATIO),
        (Content(media=(replace(PICTURE, width=99, height=1000),)), "media", Reason.MEDIA_RATIO),
        (Content(media=(replace(PICTURE, alt="x" * 1001),)), "media", Reason.TEXT_TOO_LONG),
        (Content(media=(replace(FILM, mime="video/webm"),)), "media", Reason.MEDIA_FORMAT),
        (Content(media=(replace(FILM, size=1_000_000_001),)), "media", Reason.MEDIA_SIZE),
        (Content(media=(replace(FILM, duration=300.5),)), "media", Reason.MEDIA_DURATION),
    ],
)
def test_what_threads_would_refuse(content: Content, field: str, reason: Reason) -> None:
    problems = PLATFORM.check(content)
    assert [(problem.field, problem.reason) for problem in problems] == [(field, reason)]
    assert problems[0].text.endswith(".")


def test_what_threads_takes() -> None:
    for content in (TEXT, Content(text="x" * 500, link="https://a.example"), Content(text="😀" * 125)):
        assert PLATFORM.check(content) == ()
    for shape in ((1000, 100), (100, 1000), (None, 5)):
        picture = replace(PICTURE, width=shape[0], height=shape[1])
        assert PLATFORM.check(Content(media=(picture, FILM))) == ()


VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2)
NAMES = ["data", "error", "error_type", "error_message", "access_token", "user_id", "permissions", "id"]
FIELDS = st.sampled_from([*NAMES, "username", "status", "expires_in", "text", "timestamp", "permalink"])
OBJECTS = st.dictionaries(FIELDS, VALUES)
BODIES = st.dictionaries(FIELDS, VALUES | OBJECTS | st.lists(OBJECTS, max_size=2))
STATUS = st.sampled_from(["FINISHED", "ERROR", "EXPIRED", "PUBLISHED", "IN_PROGRESS"])


@given(
    st.sampled_from([200, 400, 401, 403, 429, 500]),
    BODIES | VALUES | st.fixed_dictionaries({"status": STATUS, "error_message": VALUES}),
)
async def test_only_platform_errors_leave(status: int, body: object) -> None:
    call, _ = call_of(always(reply(status, body)))
    tokens, handles = Tokens("TH-1"), {"container": "1", "tries": "x"}
    for action in (
        lambda: PLATFORM.exchange(call, "c", REDIRECT, None),
        lambda: PLATFORM.refresh(call, tokens),
        lambda: PLATFORM.discover(call, tokens),
        lambda: PLATFORM.prepare(call, TH_TARGET, TEXT, {}),
        lambda: PLATFORM.prepare(call, TH_TARGET, TEXT, handles),
        lambda: PLATFORM.send(call, TH_TARGET, TEXT, handles),
        lambda: PLATFORM.look(call, TH_TARGET, TEXT, handles, SINCE, frozenset()),
    ):
        try:
            await action()
        except PlatformError as error:
            assert error.verdict.kind in Kind
