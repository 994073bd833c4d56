"""X's pictures and films: uploaded to the twin over real HTTP, resumed from handles, limits in words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.http import PlatformHttp
from bot.outbound import Rewriter
from bot.platforms import x_media
from bot.platforms.base import Call, Found, Ready, Target, Wait
from bot.platforms.content import Content, Media, MediaKind
from bot.platforms.errors import Kind, PlatformError, Reason
from bot.platforms.x import X
from sandbox.platforms.testing import Twins, jpeg
from tests.platforms.platform_fakes import X_TARGET, reply
from tests.platforms.upload_fakes import File, film_of, picture, walk
from tests.platforms.upload_fakes import call_of as call_to
from tests.support import our_app

PLATFORM = X()
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 100
GIF = b"GIF89a" + (10).to_bytes(2, "little") * 2 + b"\x00" * 30
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
PROBLEMS = "https://api.x.com/2/problems/invalid-request"


def still(data: bytes = b"", mime: str = "image/jpeg", **more: Any) -> Media:
    return Media("https://bot.example/media/a", MediaKind.IMAGE, mime, len(data), **more)


@pytest.fixture
async def http(twins: Twins) -> AsyncIterator[PlatformHttp]:
    async with PlatformHttp(Rewriter(str(twins.http.base_url).rstrip("/"))) as made:
        yield made


@pytest.fixture
async def target(twins: Twins) -> Target:
    return Target("1001", "bakery", str((await twins.x_link())["access_token"]))


def call(http: PlatformHttp, data: bytes, most: int = 10**9) -> Call:
    return Call(http=http, app=our_app("x"), deadline=5.0, media=File(data, most=most))


async def published(twins: Twins, call: Call, target: Target, content: Content) -> list[str]:
    """Prepares and sends; the media ids of the post as the twin has it."""
    ready = await walk(PLATFORM, call, target, content)
    sent = await PLATFORM.send(call, target, content, ready.handles)
    (entry,) = twins.world.ledger.posts()
    assert entry.detail["id"] == sent.external_id
    return list(entry.detail["media"])


async def test_four_pictures_with_a_text(twins: Twins, http: PlatformHttp, target: Target) -> None:
    content = Content("Four loaves", (still(jpeg()),) * 4)
    ids = await published(twins, call(http, jpeg(), most=1000), target, content)
    assert len(set(ids)) == 4


async def test_a_picture_alone_needs_no_text(twins: Twins, http: PlatformHttp, target: Target) -> None:
    content = Content("", (still(jpeg()),))
    assert PLATFORM.check(content) == ()
    assert len(await published(twins, call(http, jpeg()), target, content)) == 1


async def test_what_a_picture_shows_is_told(http: PlatformHttp, target: Target) -> None:
    way = call(http, jpeg())
    ready = await walk(PLATFORM, way, target, Content("Bread", (still(jpeg(), alt="A loaf"),)))
    assert ready.handles["alt0"] == "1"


async def test_a_gif_alone_moves_and_one_of_several_does_not(
    twins: Twins, http: PlatformHttp, target: Target
) -> None:
    way = call(http, GIF)
    alone = await walk(PLATFORM, way, target, Content("Steam", (still(GIF, "image/gif"),)))
    among = await walk(PLATFORM, way, target, Content("Steam", (still(GIF, "image/gif"),) * 2))
    entries = twins.world.ledger.entries
    made = [entry.detail["kind"] for entry in entries if entry.event == "container_created"]
    assert made == ["tweet_gif", "tweet_image", "tweet_image"]
    assert "finalized" in alone.handles and set(among.handles) == {"media0", "media1"}


async def test_a_film_goes_up_in_pieces_and_is_waited_for(
    twins: Twins, http: PlatformHttp, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(x_media, "PIECE_BYTES", 50)
    content = Content("Watch", (film_of(MP4),))
    way, pauses = call(http, MP4), []
    kept: dict[str, str] = {}
    while not isinstance(made := await PLATFORM.prepare(way, target, content, kept), Ready):
        kept = dict(made.handles)
        pauses.append(made.seconds)
        assert made.fresh_for == x_media.FRESH_FOR
    assert pauses == [0.0, 0.0, 0.0, 0.0, 1.0, 1.0], "begin, three pieces, then X says when to look"
    sent = await PLATFORM.send(way, target, content, made.handles)
    assert sent.permalink == f"https://x.com/bakery/status/{sent.external_id}"
    assert [entry.detail["media"] for entry in twins.world.ledger.posts()] == [[kept["media"]]]


async def test_a_step_that_is_done_twice_does_no_harm(
    twins: Twins, http: PlatformHttp, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(x_media, "PIECE_BYTES", 50)
    content, way = Content("Watch", (film_of(MP4),)), call(http, MP4)
    kept: dict[str, str] = {}
    for _ in range(20):
        made = await PLATFORM.prepare(way, target, content, kept)
        if isinstance(made, Ready):
            break
        if kept:  # the answer was lost: the same step again, from the handles before it
            made = await PLATFORM.prepare(way, target, content, kept)
        kept = dict(made.handles)
    assert isinstance(made, Ready)
    assert (await PLATFORM.send(way, target, content, made.handles)).external_id


async def test_a_film_that_x_cannot_read_is_the_posts_fault(
    twins: Twins, http: PlatformHttp, target: Target
) -> None:
    twins.world.set_fault("container_error", "x", "1001", count=1)
    with pytest.raises(PlatformError) as refused:
        await walk(PLATFORM, call(http, MP4), target, Content("Watch", (film_of(MP4),)))
    verdict = refused.value.verdict
    assert (verdict.kind, verdict.reason) == (Kind.CONTENT, Reason.MEDIA_FORMAT)


async def test_a_file_that_is_not_what_it_claims_is_refused(http: PlatformHttp, target: Target) -> None:
    with pytest.raises(PlatformError) as refused:
        await walk(PLATFORM, call(http, b"no picture"), target, Content("", (still(b"no picture"),)))
    assert refused.value.verdict.reason is Reason.MEDIA_FORMAT


async def test_a_file_that_is_gone_is_said(http: PlatformHttp, target: Target) -> None:
    way = replace(call(http, b""), media=File(gone=True))
    with pytest.raises(PlatformError) as refused:
        await walk(PLATFORM, way, target, Content("", (still(jpeg()),)))
    assert refused.value.verdict.reason is Reason.MEDIA_UNREACHABLE


async def test_the_missing_permission_is_named() -> None:
    forbidden = {"title": "Forbidden", "detail": "Forbidden", "type": "about:blank", "status": 403}
    way, _ = call_to(lambda _: reply(403, forbidden), File(jpeg()))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.prepare(way, X_TARGET, Content("", (still(jpeg()),)), {})
    assert (refused.value.verdict.kind, refused.value.verdict.permission) == (Kind.PERMISSION, "media.write")


async def test_an_answer_without_an_id_is_not_believed() -> None:
    way, _ = call_to(lambda _: reply(200, {"data": {}}), File(jpeg()))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.prepare(way, X_TARGET, Content("", (still(jpeg()),)), {})
    assert refused.value.verdict.kind is Kind.UNCLEAR


async def test_a_film_that_never_gets_ready_is_given_up() -> None:
    busy = {"data": {"processing_info": {"state": "in_progress", "check_after_secs": 9999}}}
    way, _ = call_to(lambda _: reply(200, busy))
    handles = {"media": "1", "next": "1", "finalized": "1"}
    content = Content("", (film_of(MP4),))
    made = await PLATFORM.prepare(way, X_TARGET, content, handles)
    assert isinstance(made, Wait) and made.seconds == x_media.PAUSE_MOST
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.prepare(way, X_TARGET, content, {**handles, "looks": str(x_media.LOOKS_MOST)})
    assert refused.value.verdict.kind is Kind.NOT_READY


async def test_what_a_film_shows_is_told_once_x_has_it_whole() -> None:
    said = {"data": {"id": "5", "processing_info": {"state": "succeeded"}}}
    way, http = call_to(lambda _: reply(200, said), File(MP4))
    film = replace(film_of(MP4), alt="A loaf rises")
    await walk(PLATFORM, way, X_TARGET, Content("", (film,)))
    assert [seen.path.rpartition("/")[2] for seen in http.seen] == [
        "initialize",
        "append",
        "finalize",
        "metadata",
    ]


@pytest.mark.parametrize(
    "handles",
    [{"next": "0"}, {"next": "1"}, {"next": "1", "finalized": "1"}],
    ids=["append", "all", "look"],
)
@pytest.mark.parametrize("body", ["<html>Please wait</html>", {"errors": [{"title": "Invalid Request"}]}])
async def test_neither_a_page_nor_errors_count_as_done(handles: dict[str, str], body: object) -> None:
    way, _ = call_to(lambda _: reply(200, body), File(MP4))
    with pytest.raises(PlatformError) as unclear:
        await PLATFORM.prepare(way, X_TARGET, Content("", (film_of(MP4),)), {"media": "5", **handles})
    assert unclear.value.verdict.kind is Kind.UNCLEAR


@pytest.mark.parametrize("handles", [{}, {"finalized": "1"}])
async def test_an_empty_answer_says_nothing_about_the_processing(handles: dict[str, str]) -> None:
    way, _ = call_to(lambda _: reply(204, ""))
    made = await PLATFORM.prepare(
        way, X_TARGET, Content("", (film_of(MP4),)), {"media": "5", "next": "1", **handles}
    )
    assert isinstance(made, Wait) and made.handles["finalized"] == "1" and made.seconds == x_media.PAUSE


@pytest.mark.parametrize("number", ["0", "1"], ids=["append", "finalize"])
async def test_an_upload_that_is_refused_is_begun_anew_once(number: str) -> None:
    """Its id may have ended, or a call whose answer was lost has finalized it already."""
    way, _ = call_to(lambda _: reply(400, {"title": "Invalid Request", "type": PROBLEMS}), File(MP4))
    content, handles = Content("", (film_of(MP4),)), {"media": "5", "next": number}
    made = await PLATFORM.prepare(way, X_TARGET, content, handles)
    assert isinstance(made, Wait) and dict(made.handles) == {"tries": "1"}
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.prepare(way, X_TARGET, content, {**handles, "tries": "1"})
    assert refused.value.verdict.reason is Reason.MEDIA_FORMAT


async def test_a_plain_refusal_of_an_upload_is_the_permission() -> None:
    plain = {"title": "Forbidden", "detail": "You are not permitted to perform this action.", "status": 403}
    way, _ = call_to(lambda _: reply(403, {**plain, "type": "about:blank"}), File(jpeg()))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.prepare(way, X_TARGET, Content("", (still(jpeg()),)), {})
    assert (refused.value.verdict.kind, refused.value.verdict.permission) == (Kind.PERMISSION, "media.write")


async def test_send_is_one_request() -> None:
    way, http = call_to(lambda _: reply(201, {"data": {"id": "7"}}))
    await PLATFORM.send(way, X_TARGET, Content("Hi", (picture(),)), {"media0": "5"})
    (seen,) = http.seen
    assert (seen.call, seen.json) == ("POST /2/tweets", {"text": "Hi", "media": {"media_ids": ["5"]}})


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ("Bread", "Bread https://t.co/abc123", Found.THERE),
        ("Bread", "Bread and more https://t.co/abc123", Found.UNKNOWN),
        ("", "https://t.co/abc123", Found.UNKNOWN),
    ],
)
async def test_the_link_that_x_adds_for_media_is_no_difference(ours: str, theirs: str, found: Found) -> None:
    item = {"id": "7", "text": theirs, "created_at": "2026-11-20T10:00:05.000Z"}
    way, _ = call_to(lambda _: reply(200, {"data": [item], "meta": {}}))
    content = Content(ours, (picture(),))
    seen = await PLATFORM.look(way, X_TARGET, content, {}, NOW - timedelta(seconds=5), frozenset())
    assert seen.found is found


@pytest.mark.parametrize(
    ("media", "said"),
    [
        ((picture(),) * 5, "at most 4 pictures; here are 5"),
        ((film_of(MP4), picture()), "one film alone"),
        ((picture(size=6 * x_media.MB),), "at most 5 MB; this one has 6.0 MB"),
        ((picture(mime="image/tiff"),), "JPEG, PNG, WebP or GIF"),
        ((picture(mime="image/gif", size=16 * x_media.MB),), "at most 15 MB"),
        ((picture(mime="image/gif", width=1300, height=10),), "1280 pixels wide"),
        ((film_of(MP4, duration=141.0),), "140 seconds; this one 141.0"),
        ((film_of(MP4, duration=0.2),), "from 0.5"),
        ((film_of(MP4, width=400, height=100),), "1:3 to 3:1"),
        ((replace(film_of(MP4), mime="video/quicktime"),), "MP4 only"),
        ((replace(film_of(MP4), size=513 * x_media.MB),), "at most 512 MB"),
    ],
)
def test_limits_are_told_in_words(media: tuple[Media, ...], said: str) -> None:
    (problem,) = PLATFORM.check(Content("Hi", media))
    assert problem.field == "media" and said in problem.text and problem.text.endswith(".")


@pytest.mark.parametrize(
    "media",
    [
        (picture(),) * 4,
        (picture(mime="image/gif", size=14 * x_media.MB, width=1280, height=1080),),
        (film_of(MP4, duration=140.0, width=1080, height=1920),),
    ],
)
def test_what_x_takes(media: tuple[Media, ...]) -> None:
    assert PLATFORM.check(Content("", media)) == ()
