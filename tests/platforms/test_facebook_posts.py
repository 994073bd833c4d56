"""Facebook: what is refused beforehand, safe steps, the point of no return, films in processing, the look."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.http import HttpError, NoAnswer, Response
from bot.platforms.base import Call, Found, Handles, Ready, Tokens, Wait
from bot.platforms.content import Content
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.platforms.facebook import Facebook
from tests.platforms.meta_fakes import FILM, PAGE, PAGE_TARGET, PICTURE, REEL, TinyFacebook, refusal
from tests.platforms.platform_fakes import Sight, always, call_of, graph_error, reply

PLATFORM = Facebook("v26.0")
SINCE = datetime(2026, 11, 20, 10, 0, 0, 400_000, tzinfo=UTC)
TEXT = Content(text="Open late")
ALBUM = Content(
    text="Two", media=(PICTURE, replace(PICTURE, url="https://bot.example/media/9.png", alt=None))
)
FILM_POST = Content(text="A film", title="Lamps", media=(FILM,))
REEL_POST = Content(text="Upright", media=(REEL,))


def ready_video(**more: Any) -> dict[str, Any]:
    return {"id": "v1", "status": {"video_status": "ready"}} | more


async def prepared(call: Call, content: Content, handles: Handles | None = None) -> tuple[Ready, list[float]]:
    pauses: list[float] = []
    step: Ready | Wait = Wait(handles or {}, 0.0)
    while isinstance(step, Wait):
        assert len(pauses) < 20
        step = await PLATFORM.prepare(call, PAGE_TARGET, content, step.handles)
        if isinstance(step, Wait):
            pauses.append(step.seconds)
    return step, pauses


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (TEXT, {"message": "Open late"}),
        (Content("See", link="https://a.example"), {"message": "See", "link": "https://a.example"}),
        (Content(link="https://a.example"), {"link": "https://a.example"}),
    ],
)
async def test_a_text_needs_nothing_beforehand_and_is_one_create_call(
    content: Content, form: dict[str, str]
) -> None:
    twin = TinyFacebook()
    call, http = call_of(twin, not_after=5.0)
    ready, pauses = await prepared(call, content)
    assert (ready.handles, pauses, http.seen) == ({}, [], [])
    sent = await PLATFORM.send(call, PAGE_TARGET, content, ready.handles)
    assert (sent.external_id, sent.processing) == (f"{PAGE}_900", False)
    assert sent.permalink == f"https://www.facebook.com/{PAGE}_900"
    assert twin.made == [(f"/{PAGE}/feed", form)]
    create, permalink = http.seen
    assert create.not_after == 5.0
    assert permalink.deadline <= 5.0


async def test_photos_are_uploaded_unpublished_and_published_together() -> None:
    twin = TinyFacebook()
    call, http = call_of(twin)
    content = replace(ALBUM, link="https://a.example")
    ready, pauses = await prepared(call, content)
    assert (dict(ready.handles), pauses) == ({"photo0": "p1", "photo1": "p2"}, [0.0, 0.0])
    await PLATFORM.send(call, PAGE_TARGET, content, ready.handles)
    photos = f"/{PAGE}/photos"
    assert twin.made[:2] == [
        (photos, {"url": PICTURE.url, "published": "false", "alt_text_custom": "A lamp"}),
        (photos, {"url": "https://bot.example/media/9.png", "published": "false"}),
    ]
    path, form = twin.made[2]
    assert path == f"/{PAGE}/feed"
    assert json.loads(form["attached_media"]) == [{"media_fbid": "p1"}, {"media_fbid": "p2"}]
    assert form["message"] == "Two\nhttps://a.example" and "link" not in form
    assert not any("EAA" in str(sight.params) for sight in http.seen)


async def test_uploads_go_on_where_they_stopped() -> None:
    twin = TinyFacebook()
    call, _ = call_of(twin)
    ready, _ = await prepared(call, ALBUM, {"photo0": "p7"})
    assert ready.handles == {"photo0": "p7", "photo1": "p1"}
    assert len(twin.made) == 1


async def test_a_picture_that_cannot_be_fetched_is_tried_three_times_more() -> None:
    call, http = call_of(always(reply(400, graph_error(9004, 2207052))))
    verdict = await refusal(lambda: prepared(call, ALBUM))
    assert (verdict.kind, verdict.reason) == (Kind.CONTENT, Reason.MEDIA_UNREACHABLE)
    assert len(http.seen) == 4


async def test_a_page_that_is_not_found_is_believed_only_beside_a_living_token() -> None:
    gone = reply(400, graph_error(100, 33))
    dead = TinyFacebook(debug={"is_valid": False, "error": {"code": 190, "subcode": 460}})
    call, _ = call_of(lambda sight: gone if sight.method == "POST" else dead(sight))
    assert (await refusal(lambda: prepared(call, ALBUM))).reason is Reason.PASSWORD_CHANGED
    alive = TinyFacebook()
    call, _ = call_of(lambda sight: gone if sight.method == "POST" else alive(sight))
    assert (await refusal(lambda: prepared(call, ALBUM))).reason is Reason.ACCOUNT_GONE


async def test_an_ordinary_film_is_one_create_call_and_then_processing() -> None:
    twin = TinyFacebook(
        video=[
            {"status": {"video_status": "processing"}},
            ready_video(post_id="5", permalink_url="/lamps/videos/v1/"),
        ]
    )
    call, http = call_of(twin)
    ready, pauses = await prepared(call, FILM_POST)
    assert (ready.handles, pauses) == ({}, [])
    sent = await PLATFORM.send(call, PAGE_TARGET, FILM_POST, ready.handles)
    assert (sent.external_id, sent.processing) == ("v1", True)
    form = {"file_url": FILM.url, "description": "A film", "title": "Lamps"}
    assert twin.made == [(f"/{PAGE}/videos", form)]
    assert len(http.seen) == 1
    assert (await PLATFORM.progress(call, PAGE_TARGET, {}, "v1")).processing
    done = await PLATFORM.progress(call, PAGE_TARGET, {}, "v1")
    assert (done.external_id, done.processing) == (f"{PAGE}_5", False)
    assert done.permalink == "https://www.facebook.com/lamps/videos/v1/"


async def test_a_reel_is_started_filled_watched_and_finished_once() -> None:
    waiting: dict[str, Any] = {"status": {"video_status": "in_progress"}}
    twin = TinyFacebook(video=[waiting, {"status": {"video_status": "upload_complete"}}, ready_video()])
    call, http = call_of(twin)
    ready, pauses = await prepared(call, REEL_POST)
    assert pauses == [0.0, 0.0, 5.0]
    assert (ready.handles["video"], ready.handles["uploaded"]) == ("v1", "1")
    before = len(http.seen)
    sent = await PLATFORM.send(call, PAGE_TARGET, REEL_POST, ready.handles)
    assert (sent.external_id, sent.processing, len(http.seen)) == ("v1", True, before + 1)
    reels = f"/{PAGE}/video_reels"
    finish = {
        "upload_phase": "finish",
        "video_id": "v1",
        "video_state": "PUBLISHED",
        "description": "Upright",
    }
    assert twin.made == [
        (reels, {"upload_phase": "start"}),
        ("upload", {"file_url": REEL.url}),
        (reels, finish),
    ]
    done = await PLATFORM.progress(call, PAGE_TARGET, ready.handles, "v1")
    assert (done.external_id, done.permalink) == ("v1", "https://www.facebook.com/reel/v1")


@pytest.mark.parametrize(
    "change",
    [
        {"width": 1920, "height": 1080},
        {"duration": 91.0},
        {"duration": None},
        {"width": None},
        {"width": 360},
    ],
)
async def test_films_that_are_no_reels_are_ordinary_videos(change: dict[str, Any]) -> None:
    film = replace(REEL, **change)
    film = replace(film, height=640) if change.get("width") == 360 else film
    call, http = call_of(TinyFacebook())
    await prepared(call, Content(media=(film,)))
    assert http.seen == []


@pytest.mark.parametrize(
    "upload",
    [
        "https://evil.example/x",
        "http://rupload.facebook.com/x",
        "https://rupload.facebook.com@evil.example/",
        "",
        5,
    ],
)
async def test_a_reels_token_goes_to_no_other_host(upload: object) -> None:
    call, http = call_of(always(reply(200, {"video_id": "v1", "upload_url": upload})))
    assert (await refusal(lambda: prepared(call, REEL_POST))).kind is Kind.UNCLEAR
    assert [sight.host for sight in http.seen] == ["graph.facebook.com"]


def rupload(retriable: object) -> Response:
    failure = {"retriable": retriable, "type": "ProcessingFailedError", "message": "{}"}
    return reply(400, {"debug_info": failure})


@pytest.mark.parametrize(
    ("answer", "kind", "asked"),
    [
        (rupload(True), Kind.CONTENT, 4),
        (rupload(False), Kind.CONTENT, 1),
        (reply(400, graph_error(190, 460)), Kind.DEAD, 1),
        (reply(500, "<html>"), Kind.UNCLEAR, 1),
        (reply(200, "<html>"), Kind.UNCLEAR, 1),
    ],
)
async def test_an_upload_that_is_refused(answer: Response, kind: Kind, asked: int) -> None:
    twin = TinyFacebook(video=[{"status": {"video_status": "in_progress"}}])
    call, http = call_of(lambda sight: twin(sight) if sight.method == "GET" else answer)
    handles = {"video": "v1", "upload": "https://rupload.facebook.com/x"}
    assert (await refusal(lambda: prepared(call, REEL_POST, handles))).kind is kind
    assert [sight.method for sight in http.seen].count("POST") == asked


async def test_a_film_that_has_arrived_is_not_given_again() -> None:
    twin = TinyFacebook(video=[{"status": {"video_status": "upload_complete"}}])
    call, http = call_of(lambda sight: twin(sight) if sight.method == "GET" else rupload(False))
    handles = {"video": "v1", "upload": "https://rupload.facebook.com/x"}
    ready, _ = await prepared(call, REEL_POST, handles)
    assert ready.handles["uploaded"] == "1"
    assert [sight.method for sight in http.seen].count("POST") == 1


@pytest.mark.parametrize("answer", [reply(200, ""), reply(204, ""), reply(200, "true"), reply(502, "")])
async def test_a_film_that_has_arrived_may_be_acknowledged_in_any_way(answer: Response) -> None:
    twin = TinyFacebook(video=[{"status": {"video_status": "upload_complete"}}])
    call, http = call_of(lambda sight: twin(sight) if sight.method == "GET" else answer)
    handles = {"video": "v1", "upload": "https://rupload.facebook.com/x"}
    ready, _ = await prepared(call, REEL_POST, handles)
    assert ready.handles["uploaded"] == "1"
    assert [sight.method for sight in http.seen].count("POST") == 1


async def test_a_film_whose_upload_is_complete_is_finished_whatever_else_goes_on() -> None:
    status = {"video_status": "in_progress", "uploading_phase": {"status": "complete"}}
    call, _ = call_of(TinyFacebook(video=[{"status": status}]))
    handles = {"video": "v1", "upload": "https://rupload.facebook.com/x", "uploaded": "1"}
    ready, pauses = await prepared(call, REEL_POST, handles)
    assert (dict(ready.handles), pauses) == (handles, [])


async def test_a_film_that_never_arrives_is_told_within_the_hour() -> None:
    call, _ = call_of(TinyFacebook(video=[{"status": {"video_status": "in_progress"}}]))
    verdict, waited = await given_up(call, {"video": "v1", "upload": "x", "uploaded": "1"})
    assert (verdict.kind, verdict.reason) == (Kind.CONTENT, Reason.PLATFORM_DOWN)
    assert 1200 < waited < 3600


async def given_up(call: Call, handles: Handles) -> tuple[Verdict, float]:
    """Asks on until it is given up: why, and after how many seconds."""
    waited = 0.0
    while waited < 24 * 3600:
        try:
            step = await PLATFORM.prepare(call, PAGE_TARGET, REEL_POST, handles)
        except PlatformError as error:
            return error.verdict, waited
        assert isinstance(step, Wait)
        handles, waited = step.handles, waited + step.seconds
    raise AssertionError("never given up")


async def test_a_reel_that_failed_is_started_anew_then_given_up() -> None:
    twin = TinyFacebook(video=[{"status": {"video_status": "error"}}])
    call, _ = call_of(twin)
    verdict = await refusal(lambda: prepared(call, REEL_POST))
    assert (verdict.kind, verdict.reason, verdict.code) == (Kind.CONTENT, Reason.MEDIA_FORMAT, "video/error")
    assert sum(form.get("upload_phase") == "start" for _, form in twin.made) == 4


@pytest.mark.parametrize("status", ["error", "expired"])
async def test_a_film_that_was_refused_in_processing(status: str) -> None:
    call, _ = call_of(TinyFacebook(video=[{"status": {"video_status": status}}]))
    assert (await refusal(lambda: PLATFORM.progress(call, PAGE_TARGET, {}, "v1"))).kind is Kind.CONTENT


@pytest.mark.parametrize("status", ["processing", "upload_complete", "in_progress", "new", None])
async def test_a_film_in_processing_is_asked_for_again(status: object) -> None:
    call, _ = call_of(TinyFacebook(video=[{"status": {"video_status": status}}]))
    assert (await PLATFORM.progress(call, PAGE_TARGET, {}, "v1")).processing


@pytest.mark.parametrize("status", ["processing", "in_progress"])
async def test_a_film_that_has_its_posts_id_is_not_out_before_it_is_processed(status: str) -> None:
    film: dict[str, Any] = {"status": {"video_status": status}, "post_id": "5"}
    call, _ = call_of(TinyFacebook(video=[film]))
    assert (await PLATFORM.progress(call, PAGE_TARGET, {}, "v1")).processing
    film["status"]["publishing_phase"] = {"publish_status": "published"}
    assert not (await PLATFORM.progress(call, PAGE_TARGET, {}, "v1")).processing


@pytest.mark.parametrize("message", ["Tried accessing nonexisting field (post_id)", "Invalid parameter"])
async def test_a_question_about_a_film_that_is_refused_is_not_the_films_end(message: str) -> None:
    call, _ = call_of(always(reply(400, graph_error(100, None, message))))
    verdict = await refusal(lambda: PLATFORM.progress(call, PAGE_TARGET, {}, "v1"))
    assert verdict.kind is not Kind.CONTENT


async def test_progress_without_anything_to_ask_for() -> None:
    call, http = call_of(TinyFacebook())
    assert (await PLATFORM.progress(call, PAGE_TARGET, {}, None)).external_id is None
    assert http.seen == []


@pytest.mark.parametrize(
    ("content", "handles"),
    [(ALBUM, {"photo0": "p1"}), (REEL_POST, {"upload": "https://rupload.facebook.com/x"})],
)
async def test_sending_what_is_not_prepared_asks_nobody(content: Content, handles: dict[str, str]) -> None:
    call, http = call_of(TinyFacebook())
    assert (await refusal(lambda: PLATFORM.send(call, PAGE_TARGET, content, handles))).kind is Kind.NOT_READY
    assert http.seen == []


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (400, graph_error(190, 460), Kind.DEAD, Reason.PASSWORD_CHANGED),
        (
            400,
            graph_error(190, None, "granted before impersonating a user's page"),
            Kind.PERMISSION,
            Reason.ROLE_LOST,
        ),
        (403, graph_error(200), Kind.PERMISSION, Reason.PERMISSION_MISSING),
        (400, graph_error(506), Kind.DUPLICATE, Reason.DUPLICATE),
        (400, graph_error(368), Kind.ACCOUNT, Reason.SPAM),
        (400, graph_error(200, 1404078), Kind.ACCOUNT, Reason.SECURITY_HOLD),
        (400, graph_error(80001), Kind.TRY_LATER, Reason.RATE_LIMIT),
        (400, graph_error(100, 1404102), Kind.CONTENT, Reason.POLICY),
        (500, graph_error(1), Kind.UNCLEAR, Reason.PLATFORM_DOWN),
        (400, "<html>", Kind.UNCLEAR, Reason.UNREADABLE),
        (200, {"success": True}, Kind.UNCLEAR, Reason.UNREADABLE),
    ],
)
async def test_refused_publishing_is_one_request(
    status: int, body: object, kind: Kind, reason: Reason
) -> None:
    call, http = call_of(always(reply(status, body)))
    verdict = await refusal(lambda: PLATFORM.send(call, PAGE_TARGET, TEXT, {}))
    assert (verdict.kind, verdict.reason) == (kind, reason)
    assert http.paths() == [f"POST /v26.0/{PAGE}/feed"]
    assert verdict.permission == ("pages_manage_posts" if kind is Kind.PERMISSION else None)


async def test_a_reel_that_does_not_say_success_is_unclear() -> None:
    call, _ = call_of(always(reply(200, {"success": False})))
    verdict = await refusal(lambda: PLATFORM.send(call, PAGE_TARGET, REEL_POST, {"video": "v1"}))
    assert verdict.kind is Kind.UNCLEAR


@pytest.mark.parametrize("failure", [reply(500, ""), reply(400, graph_error(190)), NoAnswer("GET x")])
async def test_a_permalink_that_fails_changes_nothing(failure: Response | HttpError) -> None:
    twin = TinyFacebook()
    call, _ = call_of(lambda sight: twin(sight) if sight.method == "POST" else failure)
    sent = await PLATFORM.send(call, PAGE_TARGET, TEXT, {})
    assert (sent.external_id, sent.permalink) == (f"{PAGE}_900", None)


def entry(
    post_id: str, message: str | None = TEXT.text, at: str = "2026-11-20T10:00:00+0000"
) -> dict[str, Any]:
    item = {
        "id": f"{PAGE}_{post_id}",
        "created_time": at,
        "permalink_url": f"https://www.facebook.com/{post_id}",
    }
    return item if message is None else item | {"message": message}


async def look(feed: list[Any], content: Content = TEXT, taken: frozenset[str] = frozenset()) -> Any:
    call, _ = call_of(TinyFacebook(feed=feed))
    return await PLATFORM.look(call, PAGE_TARGET, content, {}, SINCE, taken)


async def test_the_one_fitting_post_since_the_marker_is_ours() -> None:
    old = entry("3", at="2026-11-20T09:59:59+0000")
    found = await look([entry("1", "other"), entry("2"), old, entry("4", None), "?", {}])
    assert (found.found, found.external_id) == (Found.THERE, f"{PAGE}_2")
    assert found.permalink == "https://www.facebook.com/2"


@pytest.mark.parametrize(
    ("feed", "content", "taken"),
    [
        ([], TEXT, frozenset()),
        ([entry("1"), entry("2")], TEXT, frozenset()),
        ([entry("9")], TEXT, frozenset({f"{PAGE}_9"})),
        ([entry("9")], TEXT, frozenset({"9"})),
        ([entry("1", at="?")], TEXT, frozenset()),
        ([entry("1", "")], Content(media=(FILM,)), frozenset()),
        ([entry("2"), *(entry(str(at), "other") for at in range(3, 27))], TEXT, frozenset()),
    ],
)
async def test_a_feed_proves_nothing_else(feed: list[Any], content: Content, taken: frozenset[str]) -> None:
    found = await look(feed, content, taken)
    assert (found.found, found.external_id) == (Found.UNKNOWN, None)


@pytest.mark.parametrize(
    "answer",
    [reply(500, ""), reply(400, graph_error(4)), reply(400, graph_error(190)), reply(403, graph_error(10))],
)
async def test_a_look_that_may_work_later_is_raised(answer: Response) -> None:
    call, _ = call_of(always(answer))
    with pytest.raises(PlatformError):
        await PLATFORM.look(call, PAGE_TARGET, TEXT, {}, SINCE, frozenset())


async def test_a_look_that_is_refused_for_good_knows_nothing() -> None:
    call, _ = call_of(always(reply(400, graph_error(100))))
    found = await PLATFORM.look(call, PAGE_TARGET, TEXT, {}, SINCE, frozenset())
    assert found.found is Found.UNKNOWN


@pytest.mark.parametrize(
    ("video", "found", "external_id"),
    [
        (ready_video(post_id="55"), Found.THERE, f"{PAGE}_55"),
        (ready_video(post_id=f"{PAGE}_55"), Found.THERE, f"{PAGE}_55"),
        (
            {"status": {"video_status": "ready", "publishing_phase": {"publish_status": "published"}}},
            Found.THERE,
            "v1",
        ),
        (ready_video(), Found.UNKNOWN, None),
        ({"status": {"video_status": "upload_complete"}}, Found.UNKNOWN, None),
        ({"status": {"video_status": "error"}}, Found.UNKNOWN, None),
        ({}, Found.UNKNOWN, None),
    ],
)
async def test_a_reels_own_film_answers_first(
    video: dict[str, Any], found: Found, external_id: str | None
) -> None:
    call, _ = call_of(TinyFacebook(video=[video]))
    seen = await PLATFORM.look(call, PAGE_TARGET, REEL_POST, {"video": "v1"}, SINCE, frozenset())
    assert (seen.found, seen.external_id) == (found, external_id)


async def test_a_reel_that_cannot_be_found_is_looked_for_in_the_feed() -> None:
    twin = TinyFacebook(feed=[entry("1", REEL_POST.text)])

    def answer(sight: Sight) -> Response:
        return reply(400, graph_error(100, 33)) if sight.path.endswith("/v1") else twin(sight)

    call, _ = call_of(answer)
    seen = await PLATFORM.look(call, PAGE_TARGET, REEL_POST, {"video": "v1"}, SINCE, frozenset())
    assert (seen.found, seen.external_id) == (Found.THERE, f"{PAGE}_1")


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        (Content(), "text", Reason.TEXT_REFUSED),
        (Content(text="  "), "text", Reason.TEXT_REFUSED),
        (Content(text="x" * 63_207), "text", Reason.TEXT_TOO_LONG),
        (Content(media=(PICTURE,) * 11), "media", Reason.MEDIA_FORMAT),
        (Content(media=(PICTURE, FILM)), "media", Reason.MEDIA_FORMAT),
        (Content(media=(FILM, FILM)), "media", Reason.MEDIA_FORMAT),
        (Content(media=(replace(PICTURE, mime="image/gif"),)), "media", Reason.MEDIA_FORMAT),
        (Content(media=(replace(PICTURE, size=10_000_000),)), "media", Reason.MEDIA_SIZE),
        (Content(media=(replace(FILM, mime="video/webm"),)), "media", Reason.MEDIA_FORMAT),
        (Content(media=(replace(FILM, size=1_000_000_001),)), "media", Reason.MEDIA_SIZE),
        (Content(media=(replace(FILM, duration=1200.5),)), "media", Reason.MEDIA_DURATION),
    ],
)
def test_what_facebook_would_refuse(content: Content, field: str, reason: Reason) -> None:
    problems = PLATFORM.check(content)
    assert [(problem.field, problem.reason) for problem in problems] == [(field, reason)]
    assert problems[0].text.endswith(".")


@pytest.mark.parametrize("content", [TEXT, ALBUM, FILM_POST, REEL_POST, Content(link="https://a.example")])
def test_what_facebook_takes(content: Content) -> None:
    assert PLATFORM.check(content) == ()


VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2)
NAMES = [
    "data",
    "error",
    "error_message",
    "access_token",
    "id",
    "name",
    "username",
    "tasks",
    "picture",
    "paging",
]
MORE = [
    "status",
    "video_status",
    "post_id",
    "permalink_url",
    "message",
    "created_time",
    "next",
    "is_valid",
    "scopes",
]
LAST = [
    "granular_scopes",
    "target_ids",
    "scope",
    "upload_url",
    "video_id",
    "success",
    "debug_info",
    "expires_in",
]
FIELDS = st.sampled_from([*NAMES, *MORE, *LAST, "instagram_business_account", "publishing_phase"])
OBJECTS = st.dictionaries(FIELDS, VALUES | st.dictionaries(FIELDS, VALUES))
BODIES = st.dictionaries(FIELDS, VALUES | OBJECTS | st.lists(OBJECTS, max_size=2))


@given(st.sampled_from([200, 400, 403, 429, 500]), BODIES | VALUES)
async def test_only_platform_errors_leave(status: int, body: object) -> None:
    call, _ = call_of(always(reply(status, body)))
    tokens, handles = (
        Tokens("EAA-long"),
        {"video": "v1", "upload": "https://rupload.facebook.com/x", "tries": "x"},
    )
    for action in (
        lambda: PLATFORM.exchange(call, "c", "r", None),
        lambda: PLATFORM.refresh(call, tokens),
        lambda: PLATFORM.revoke(call, tokens),
        lambda: PLATFORM.discover(call, tokens),
        lambda: PLATFORM.mint(call, tokens, PAGE),
        lambda: PLATFORM.probe(call, PAGE_TARGET),
        lambda: PLATFORM.prepare(call, PAGE_TARGET, ALBUM, {}),
        lambda: PLATFORM.prepare(call, PAGE_TARGET, REEL_POST, {}),
        lambda: PLATFORM.prepare(call, PAGE_TARGET, REEL_POST, handles),
        lambda: PLATFORM.prepare(call, PAGE_TARGET, REEL_POST, {**handles, "uploaded": "1"}),
        lambda: PLATFORM.send(call, PAGE_TARGET, TEXT, {}),
        lambda: PLATFORM.progress(call, PAGE_TARGET, handles, "v1"),
        lambda: PLATFORM.look(call, PAGE_TARGET, REEL_POST, handles, SINCE, frozenset()),
    ):
        try:
            await action()
        except PlatformError as error:
            assert error.verdict.kind in Kind
