from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.platforms.model import App
from sandbox.platforms.testing import Twins, jpeg
from sandbox.platforms.testing_youtube import (
    APP,
    FULL,
    MP4,
    READ,
    TOKEN,
    UNIT,
    VIDEOS,
    asked,
    begin,
    channels,
    described,
    get,
    link,
    populate,
    put,
    refresh,
    session,
    uploaded,
    why,
)


@pytest.fixture(autouse=True)
def populated(twins: Twins) -> None:
    populate(twins)


async def test_a_whole_file_in_one_go(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    video = await uploaded(twins, token)
    assert video["kind"] == "youtube#video"
    assert video["status"]["uploadStatus"] == "uploaded"
    assert video["status"]["privacyStatus"] == "public"
    (entry,) = twins.world.ledger.posts("Bread", platform="youtube", account="UCbakery")
    assert entry.detail["id"] == video["id"]
    assert twins.world.posts["youtube", video["id"]].permalink.endswith(f"watch?v={video['id']}")


async def test_chunks_probes_and_resumption(twins: Twins) -> None:
    token, total = (await link(twins))["access_token"], 2 * UNIT + 100
    data = MP4 + b"\x00" * (total - len(MP4))
    address = await session(twins, token, total)
    nothing = await put(twins, address, b"", f"bytes */{total}")
    assert (nothing.status_code, nothing.headers.get("range")) == (308, None)
    odd = await put(twins, address, data[:1000], f"bytes 0-999/{total}")
    assert odd.status_code == 400
    first = await put(twins, address, data[:UNIT], f"bytes 0-{UNIT - 1}/{total}")
    assert (first.status_code, first.headers["range"]) == (308, f"bytes=0-{UNIT - 1}")
    again = await put(twins, address, data[:UNIT], f"bytes 0-{UNIT - 1}/{total}")
    assert (again.status_code, again.headers["range"]) == (308, f"bytes=0-{UNIT - 1}")
    assert not twins.world.ledger.posts(platform="youtube")
    rest = await put(twins, address, data[UNIT:], f"bytes {UNIT}-{total - 1}/{total}")
    done = await put(twins, address, b"", f"bytes */{total}")
    assert rest.status_code == done.status_code == 200
    assert rest.json()["id"] == done.json()["id"]
    assert len(twins.world.ledger.posts(platform="youtube")) == 1


async def test_a_chunk_that_was_kept_in_part(twins: Twins) -> None:
    token, total = (await link(twins))["access_token"], 2 * UNIT
    address = await session(twins, token, total)
    twins.world.set_fault("chunk_cut", "youtube", "UCbakery", count=1)
    cut = await put(twins, address, MP4 + b"\x00" * (total - len(MP4)))
    assert (cut.status_code, cut.headers["range"]) == (308, f"bytes=0-{UNIT - 1}")
    rest = await put(twins, address, b"\x00" * UNIT, f"bytes {UNIT}-{total - 1}/{total}")
    assert rest.status_code == 200


async def test_a_lost_answer_to_the_last_byte_is_found_again(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    address = await session(twins, token, len(MP4))
    twins.world.set_fault("lost_after", "youtube", "UCbakery", group="publish", count=1)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await put(twins, address, MP4)
    found = await put(twins, address, b"", f"bytes */{len(MP4)}")
    assert found.status_code == 200
    (entry,) = twins.world.ledger.posts("Bread")
    assert entry.detail["id"] == found.json()["id"]


async def test_sessions_end(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    address = await session(twins, token, len(MP4))
    assert (await put(twins, address + "x", MP4)).status_code == 404
    twins.world.set_fault("upload_expired", "youtube", "UCbakery", value=410, count=1)
    assert (await put(twins, address, MP4)).status_code == 410
    twins.advance(days=7)
    assert (await put(twins, address, MP4)).status_code == 404


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (described(snippet={"title": ""}), (400, "invalidTitle")),
        (described(snippet={"title": "a < b"}), (400, "invalidTitle")),
        (described(snippet={"title": "x" * 101}), (400, "invalidTitle")),
        (described(snippet={"description": "ü" * 2501}), (400, "invalidDescription")),
        (described(snippet={"description": "<b>"}), (400, "invalidDescription")),
        (described(snippet={"tags": ["x" * 100] * 5}), (400, "invalidTags")),
        (described(snippet={"categoryId": "999"}), (400, "invalidCategoryId")),
        (described(snippet={"colour": "red"}), (400, "badRequest")),
        (described(publishAt="2020-01-01T00:00:00Z"), (400, "invalidPublishAt")),
        (described(publishAt="2090-01-01T00:00:00Z", privacyStatus="public"), (400, "invalidPublishAt")),
        (described(license="mine"), (403, "forbiddenLicenseSetting")),
        ({**described(), "recordingDetails": {}}, (400, "unexpectedPart")),
    ],
    ids=lambda value: str(value)[:70],
)
async def test_wrong_descriptions(twins: Twins, body: dict[str, Any], expected: tuple[int, str]) -> None:
    token = (await link(twins))["access_token"]
    assert why(await begin(twins, token, 10, body=body)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"uploadType": "media"}, (400, "badRequest")),
        ({"part": ""}, (400, "missingRequiredParameter")),
        ({"part": "snippet,smell"}, (400, "unknownPart")),
        ({"headers": {"x-upload-content-length": "0"}}, (400, "mediaBodyRequired")),
        ({"headers": {"x-upload-content-type": "image/png"}}, (400, "badContent")),
        ({"headers": {"content-type": "text/plain"}}, (400, "badContent")),
        ({"headers": {"authorization": "Bearer ya29.no"}}, (401, "authError")),
    ],
    ids=str,
)
async def test_wrong_beginnings(twins: Twins, changes: dict[str, Any], expected: tuple[int, str]) -> None:
    token = (await link(twins))["access_token"]
    assert why(await begin(twins, token, 10, **changes)) == expected


async def test_an_unaudited_project_has_its_videos_forced_private(twins: Twins) -> None:
    twins.world.register_app(App(**{**APP.__dict__, "reviewed": False}))
    video = await uploaded(twins, (await link(twins))["access_token"])
    assert video["status"]["privacyStatus"] == "private"
    assert twins.world.ledger.posts("Bread")[0].detail["asked_privacy"] == "public"


async def test_processing_ends_well_or_badly(twins: Twins) -> None:
    token = (await link(twins))["access_token"]

    async def states(fault: str = "", text: str = "") -> list[tuple[str, str]]:
        if fault:
            twins.world.set_fault(fault, "youtube", "UCbakery", count=1, text=text)
        id, seen = (await uploaded(twins, token))["id"], []
        for _ in range(2):
            answer = await get(twins, VIDEOS, token, part="status,processingDetails", id=id)
            (item,) = answer.json()["items"]
            seen.append((item["status"]["uploadStatus"], item["processingDetails"]["processingStatus"]))
        return seen

    assert await states() == [("uploaded", "processing"), ("processed", "succeeded")]
    assert (await states("container_error", "copyright"))[1] == ("rejected", "failed")
    assert (await states("container_error"))[1] == ("failed", "failed")
    assert (await states("container_slow"))[1] == ("uploaded", "processing")


async def test_lists_hide_what_is_gone_or_private(twins: Twins) -> None:
    bakery = (await link(twins))["access_token"]
    other = (await link(twins, asked(scope=f"{FULL} {READ}"), **{"as": "UCother"}))["access_token"]
    secret = (await uploaded(twins, bakery, body=described()))["id"]
    assert (await get(twins, VIDEOS, other, part="status", id=secret)).json()["items"] == []
    mine = (await uploaded(twins, other))["id"]
    answer = await twins.http.delete(
        VIDEOS, params={"id": mine}, headers={"authorization": f"Bearer {bakery}"}
    )
    assert why(answer) == (403, "insufficientPermissions")
    answer = await twins.http.delete(
        VIDEOS, params={"id": mine}, headers={"authorization": f"Bearer {other}"}
    )
    assert answer.status_code == 204
    assert (await get(twins, VIDEOS, other, part="status", id=mine)).json()["items"] == []


async def test_thumbnails(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    id = (await uploaded(twins, token))["id"]
    path = "/www.googleapis.com/upload/youtube/v3/thumbnails/set"

    async def thumbnail(data: bytes, kind: str = "image/jpeg", video: str = id) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}", "content-type": kind}
        query = {"videoId": video, "uploadType": "media"}
        return await twins.http.post(path, params=query, content=data, headers=headers)

    assert (await thumbnail(jpeg())).status_code == 200
    assert why(await thumbnail(jpeg(), video="unknown")) == (404, "videoNotFound")
    assert why(await thumbnail(b"GIF89a", "image/gif")) == (400, "imageFormatUnsupported")
    assert why(await thumbnail(b"")) == (400, "mediaBodyRequired")
    twins.world.change_account("youtube", "UCbakery", extra={"phone_verified": False})
    assert why(await thumbnail(jpeg())) == (403, "forbidden")


async def test_a_project_has_a_hundred_uploads_until_midnight_in_california(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    for _ in range(100):
        assert (await begin(twins, token, 10)).status_code == 200
    full = await begin(twins, token, 10)
    assert why(full) == (403, "quotaExceeded")
    assert full.json()["error"]["errors"][0]["domain"] == "youtube.quota"
    assert (await channels(twins, token)).status_code == 200
    twins.advance(days=1)
    fresh = (await link(twins))["access_token"]
    assert (await begin(twins, fresh, 10)).status_code == 200


# Faults


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("expired", (401, "authError")),
        ("revoked", (401, "authError")),
        ("scope_removed", (403, "insufficientPermissions")),
        ("suspended", (403, "authenticatedUserAccountSuspended")),
        ("role_lost", (403, "accountDelegationForbidden")),
        ("account_gone", (401, "youtubeSignupRequired")),
        ("quota_exhausted", (403, "quotaExceeded")),
        ("daily_cap", (400, "uploadLimitExceeded")),
        ("app_suspended", (403, "accessNotConfigured")),
        ("rate_limited", (403, "rateLimitExceeded")),
        ("unavailable", (503, "backendError")),
    ],
)
async def test_faults_while_posting(twins: Twins, kind: str, expected: tuple[int, str]) -> None:
    token = (await link(twins))["access_token"]
    other = (await link(twins, **{"as": "UCother"}))["access_token"]
    twins.world.set_fault(kind, "youtube", "UCbakery")
    assert why(await begin(twins, token, 10)) == expected
    assert (await begin(twins, other, 10)).status_code == 200


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("refresh_dead", (400, "invalid_grant")),
        ("checkpoint", (400, "invalid_grant")),
        ("secret_wrong", (401, "invalid_client")),
        ("app_suspended", (401, "disabled_client")),
        ("rate_limited", (429, "rate_limit_exceeded")),
        ("unavailable", (503, "internal_failure")),
    ],
)
async def test_faults_while_refreshing(twins: Twins, kind: str, expected: tuple[int, str]) -> None:
    tokens = await link(twins)
    twins.world.set_fault(kind, "youtube", "UCbakery", count=1, group="refresh")
    answer = await refresh(twins, tokens["refresh_token"])
    assert why(answer) == expected
    if kind == "checkpoint":
        assert answer.json()["error_subtype"] == "invalid_rapt"
    if kind not in ("refresh_dead",):
        assert (await refresh(twins, tokens["refresh_token"])).status_code == 200


async def test_other_paths_and_methods(twins: Twins) -> None:
    assert (await twins.http.get("/www.googleapis.com/youtube/v4/videos")).status_code == 404
    assert (await twins.http.get(TOKEN)).status_code == 405
