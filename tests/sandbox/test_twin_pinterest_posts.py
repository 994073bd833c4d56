from __future__ import annotations

import base64
from typing import Any

import pytest

from sandbox.platforms.model import App
from sandbox.platforms.testing import Twins, jpeg
from sandbox.platforms.testing_pinterest import (
    APP,
    MP4,
    SCOPES,
    api,
    at,
    create,
    film,
    link,
    pin,
    populate,
    refresh,
    register,
    state,
    upload,
    why,
)


@pytest.fixture(autouse=True)
def populated(twins: Twins) -> None:
    populate(twins)


async def test_a_pin_lives_on_its_board(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    answer = await create(twins, token, pin(at(twins), board_section_id="77", link="https://a.example"))
    assert answer.status_code == 201
    made = answer.json()
    assert (made["board_id"], made["board_owner"]["username"], made["is_owner"]) == ("9001", "bakery", True)
    (entry,) = twins.world.ledger.posts("A loaf", platform="pinterest", account="61")
    assert (entry.detail["id"], entry.detail["board"]) == (made["id"], "9001")
    (listed,) = (await api(twins, "GET", "/boards/9001/pins", token)).json()["items"]
    assert listed["id"] == made["id"]
    other = (await link(twins, **{"as": "62"}))["access_token"]
    assert (await api(twins, "GET", f"/pins/{made['id']}", other)).json()["is_owner"] is False
    assert why(await api(twins, "DELETE", f"/pins/{made['id']}", other)) == (403, 29)
    assert (await api(twins, "DELETE", f"/pins/{made['id']}", token)).status_code == 204
    assert why(await api(twins, "GET", f"/pins/{made['id']}", token)) == (404, 50)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"board_id": "Bread"}, (400, 1)),
        ({"board_id": None}, (400, 1)),
        ({"board_id": "404"}, (404, 40)),
        ({"board_id": "9101"}, (403, 29)),
        ({"board_section_id": "1"}, (404, 2031)),
        ({"title": "x" * 101}, (400, 1)),
        ({"description": "x" * 801}, (400, 1)),
        ({"alt_text": "x" * 501}, (400, 1)),
        ({"link": "nonsense"}, (400, 1)),
        ({"title": 5}, (400, 1)),
        ({"colour": "red"}, (400, 1)),
        ({"media_source": None}, (400, 1)),
        ({"media_source": {"source_type": "smell"}}, (400, 1)),
        ({"media_source": {"source_type": "image_url", "url": "http://127.0.0.1:9/x.jpg"}}, (400, 1)),
        (
            {"media_source": {"source_type": "image_base64", "content_type": "image/gif", "data": ""}},
            (400, 1),
        ),
        ({"media_source": {"source_type": "multiple_image_urls", "items": []}}, (400, 1)),
        ({"media_source": {"source_type": "video_id", "media_id": "1"}}, (400, 1)),
    ],
    ids=str,
)
async def test_wrong_pins(twins: Twins, changes: dict[str, Any], expected: tuple[int, int]) -> None:
    token = (await link(twins))["access_token"]
    assert why(await create(twins, token, pin(at(twins), **changes))) == expected
    assert not twins.world.ledger.posts(platform="pinterest")


async def test_all_scopes_are_needed_to_pin(twins: Twins) -> None:
    token = (await link(twins, SCOPES.replace(",boards:write", "")))["access_token"]
    assert why(await create(twins, token, pin(at(twins)))) == (401, 3)


async def test_images_in_the_request_and_carousels(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    inline = {"content_type": "image/jpeg", "data": base64.b64encode(jpeg()).decode()}
    answer = await create(twins, token, pin({"source_type": "image_base64", **inline}))
    assert answer.status_code == 201
    several = {"source_type": "multiple_image_base64", "items": [inline, inline]}
    assert (await create(twins, token, pin(several))).status_code == 201
    items = [{"url": at(twins)["url"], "title": "One"}, {"url": at(twins, "/b.jpg")["url"]}]
    urls = {"source_type": "multiple_image_urls", "items": items, "index": 1}
    assert (await create(twins, token, pin(urls))).status_code == 201
    items[1]["url"] = at(twins, "/wide.jpg", jpeg(2000, 1000))["url"]
    answer = await create(twins, token, pin(urls))
    assert why(answer) == (400, 1)
    assert "same size" in answer.json()["message"]


async def test_an_image_that_cannot_be_reached(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    twins.world.set_fault("media_unfetchable", "pinterest", "61", count=1)
    answer = await create(twins, token, pin(at(twins)))
    assert answer.json() == {"code": 1, "message": "Unable to reach the URL."}
    assert (await create(twins, token, pin(at(twins)))).status_code == 201


async def test_trial_access(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    twins.world.register_app(App(**{**APP.__dict__, "reviewed": False}))
    answer = await create(twins, token, pin(at(twins)))
    assert why(answer) == (403, 29)
    assert "Trial access" in answer.json()["message"]
    headers = {"authorization": f"Bearer {token}"}
    path = "/api-sandbox.pinterest.com/v5/pins"
    assert (await twins.http.post(path, json=pin(at(twins)), headers=headers)).status_code == 201
    twins.world.modes["pinterest.trial"] = "hidden"
    made = (await create(twins, token, pin(at(twins)))).json()["id"]
    assert (await api(twins, "GET", f"/pins/{made}", token)).status_code == 200
    other = (await link(twins, **{"as": "62"}))["access_token"]
    assert why(await api(twins, "GET", f"/pins/{made}", other)) == (404, 50)


async def test_a_video_is_registered_posted_polled_and_pinned(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    media = await register(twins, token)
    assert media["upload_url"] == "https://pinterest-media-upload.s3-accelerate.amazonaws.com/"
    assert await state(twins, token, media) == "registered"
    assert (await upload(twins, media)).status_code == 204
    assert [await state(twins, token, media) for _ in range(2)] == ["processing", "succeeded"]
    bare = {"source_type": "video_id", "media_id": media["media_id"]}
    answer = await create(twins, token, pin(bare))
    assert "cover_image" in answer.json()["message"]
    answer = await create(twins, token, pin(film(twins, media)))
    assert (answer.status_code, answer.json()["media"]["media_type"]) == (201, "video")
    other = (await link(twins, **{"as": "62"}))["access_token"]
    foreign = await create(twins, other, pin(film(twins, media), board_id="9101"))
    assert foreign.status_code == 404


async def test_the_bucket_takes_only_what_was_signed(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    media = await register(twins, token)
    tampered = await upload(twins, media, date="20200101T000000Z")
    assert (tampered.status_code, "AccessDenied" in tampered.text) == (403, True)
    address = media["upload_url"].replace("https://", "/")
    assert (await twins.http.put(address, content=MP4)).status_code == 405
    assert (await twins.http.post(address, content=MP4)).status_code == 412
    files = {"movie": ("v.mp4", MP4)}
    assert (await twins.http.post(address, data=media["upload_parameters"], files=files)).status_code == 400
    assert await state(twins, token, media) == "registered"
    early = await create(twins, token, pin(film(twins, media)))
    assert "registered" in early.json()["message"]
    assert why(await api(twins, "POST", "/media", token, json={"media_type": "image"})) == (400, 1)


async def test_videos_can_be_slow_or_fail(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    twins.world.set_fault("container_slow", "pinterest", "61", count=1, value=2)
    slow = await register(twins, token)
    await upload(twins, slow)
    assert [await state(twins, token, slow) for _ in range(4)] == ["processing"] * 3 + ["succeeded"]
    broken = await register(twins, token)
    await upload(twins, broken, b"not a video")
    assert [await state(twins, token, broken) for _ in range(2)] == ["processing", "failed"]


# Faults


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("expired", (401, 2)),
        ("revoked", (401, 2)),
        ("password_changed", (401, 2)),
        ("scope_removed", (401, 3)),
        ("suspended", (403, 2625)),
        ("checkpoint", (403, 2626)),
        ("app_suspended", (403, 29)),
        ("unreviewed", (403, 29)),
        ("rate_limited", (429, 8)),
        ("unavailable", (503, 12)),
    ],
)
async def test_faults_while_pinning(twins: Twins, kind: str, expected: tuple[int, int]) -> None:
    token = (await link(twins))["access_token"]
    other = (await link(twins, **{"as": "62"}))["access_token"]
    twins.world.set_fault(kind, "pinterest", "61")
    assert why(await create(twins, token, pin(at(twins)))) == expected
    assert (await create(twins, other, pin(at(twins), board_id="9101"))).status_code == 201


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("refresh_dead", (401, 283)),
        ("revoked", (401, 283)),
        ("secret_wrong", (401, 2)),
        ("rate_limited", (429, 8)),
        ("unavailable", (503, 12)),
    ],
)
async def test_faults_while_refreshing(twins: Twins, kind: str, expected: tuple[int, int]) -> None:
    tokens = await link(twins)
    twins.world.set_fault(kind, "pinterest", "61", group="refresh", count=1)
    assert why(await refresh(twins, tokens["refresh_token"])) == expected


async def test_a_board_that_was_deleted_from_outside(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    action = {"action": "change", "platform": "pinterest", "account": "61", "extra": {"boards": []}}
    assert (await twins.http.post("/_control/actions", json=action)).status_code == 200
    assert why(await create(twins, token, pin(at(twins)))) == (404, 40)


async def test_other_paths_and_methods(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    assert (await api(twins, "GET", "/nothing", token)).status_code == 404
    assert (await api(twins, "PUT", "/pins", token)).status_code == 405
    answer = await api(twins, "POST", "/pins", token, content="{}")
    assert why(answer) == (400, 1)
