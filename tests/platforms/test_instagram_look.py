"""Instagram: the look for a lost answer, and what is refused before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.http import HttpError, NoAnswer, Response
from bot.platforms.base import Found
from bot.platforms.content import Content
from bot.platforms.errors import PlatformError, Reason
from bot.platforms.instagram import Instagram
from tests.platforms.platform_fakes import (
    IG_FILM,
    IG_PICTURE,
    IG_POST,
    IG_TARGET,
    TinyInstagram,
    call_of,
    graph_error,
    reply,
)

PLATFORM = Instagram("v26.0")
SINCE = datetime(2026, 11, 20, 10, 0, 0, 400_000, tzinfo=UTC)


async def look(status: Response | HttpError, listed: Response | HttpError, taken: frozenset[str]) -> Any:
    call, _ = call_of(lambda sight: listed if sight.path.endswith("/media") else status)
    return await PLATFORM.look(call, IG_TARGET, IG_POST, {"container": "1"}, SINCE, taken)


PUBLISHED = reply(200, {"status_code": "PUBLISHED"})


def entry(
    media_id: str, caption: str | None = IG_POST.text, at: str = "2026-11-20T10:00:00+0000"
) -> dict[str, Any]:
    item = {"id": media_id, "timestamp": at, "permalink": f"https://www.instagram.com/p/{media_id}/"}
    return item if caption is None else item | {"caption": caption}


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (reply(200, {"status_code": "FINISHED"}), Found.ABSENT),
        (reply(200, {"status_code": "ERROR"}), Found.ABSENT),
        (reply(200, {"status_code": "EXPIRED"}), Found.ABSENT),
        (reply(200, {"status_code": "IN_PROGRESS"}), Found.UNKNOWN),
        (reply(200, {"status_code": "NEW"}), Found.UNKNOWN),
        (reply(200, {}), Found.UNKNOWN),
        (reply(400, graph_error(24, 2207008)), Found.UNKNOWN),
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
    call, _ = call_of(TinyInstagram())
    assert (await PLATFORM.look(call, IG_TARGET, IG_POST, {}, SINCE, frozenset())).found is Found.UNKNOWN


async def test_a_published_container_lends_its_id_from_the_list() -> None:
    listed = reply(
        200, {"data": [entry("1", "other"), entry("2"), entry("3", at="2026-11-20T09:00:00+0000")]}
    )
    found = await look(PUBLISHED, listed, frozenset())
    assert (found.found, found.external_id) == (Found.THERE, "2")
    assert found.permalink == "https://www.instagram.com/p/2/"


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
    ("content", "field", "reason"),
    [
        (Content(text="hi"), "media", Reason.MEDIA_MISSING),
        (replace(IG_POST, media=(IG_PICTURE,) * 11), "media", Reason.MEDIA_FORMAT),
        (replace(IG_POST, text="x" * 2201), "text", Reason.TEXT_TOO_LONG),
        (replace(IG_POST, text="#a " * 31), "text", Reason.TEXT_REFUSED),
        (replace(IG_POST, text="@a " * 21), "text", Reason.TEXT_REFUSED),
        (replace(IG_POST, media=(replace(IG_PICTURE, mime="image/png"),)), "media", Reason.MEDIA_FORMAT),
        (
            replace(IG_POST, media=(replace(IG_PICTURE, size=8 * 1024 * 1024 + 1),)),
            "media",
            Reason.MEDIA_SIZE,
        ),
        (replace(IG_POST, media=(replace(IG_PICTURE, width=500),)), "media", Reason.MEDIA_RATIO),
        (replace(IG_POST, media=(replace(IG_PICTURE, width=2200),)), "media", Reason.MEDIA_RATIO),
        (replace(IG_POST, media=(replace(IG_FILM, mime="video/webm"),)), "media", Reason.MEDIA_FORMAT),
        (replace(IG_POST, media=(replace(IG_FILM, size=300_000_001),)), "media", Reason.MEDIA_SIZE),
        (replace(IG_POST, media=(replace(IG_FILM, duration=2.0),)), "media", Reason.MEDIA_DURATION),
    ],
)
def test_what_instagram_would_refuse(content: Content, field: str, reason: Reason) -> None:
    problems = PLATFORM.check(content)
    assert [(problem.field, problem.reason) for problem in problems] == [(field, reason)]
    assert problems[0].text.endswith(".")


def test_what_instagram_takes() -> None:
    edges = [(1080, 1350), (1080, 566), (None, None), (1080, None)]
    for width, height in edges:
        assert (
            PLATFORM.check(replace(IG_POST, media=(replace(IG_PICTURE, width=width, height=height),))) == ()
        )
    assert PLATFORM.check(replace(IG_POST, media=(IG_PICTURE, IG_FILM))) == ()
