from __future__ import annotations

import socket
from typing import Any

import pytest

from sandbox.platforms.testing import Twins, jpeg

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 100
ME = "17841400000000001"


@pytest.fixture
async def token(twins: Twins) -> str:
    return await twins.ig_link()


def error(answer: Any) -> tuple[int, int | None]:
    assert answer.status_code == 400, answer.text
    body = answer.json()["error"]
    return body["code"], body.get("error_subcode")


async def create(twins: Twins, token: str, **fields: str) -> Any:
    return await twins.ig("POST", "/me/media", token, **fields)


async def status(twins: Twins, token: str, id: str) -> Any:
    answer = await twins.ig("GET", f"/{id}", token, fields="status_code,status")
    return answer.json()["status_code"]


async def publish(twins: Twins, token: str, id: str) -> Any:
    return await twins.ig("POST", f"/{ME}/media_publish", token, creation_id=id)


async def live(twins: Twins, token: str, caption: str = "Bread") -> str:
    image = twins.put("/a.jpg", jpeg())
    id = (await create(twins, token, image_url=image, caption=caption)).json()["id"]
    await status(twins, token, id)
    return str((await publish(twins, token, id)).json()["id"])


async def test_an_image_is_made_ready_and_published(twins: Twins, token: str) -> None:
    image = twins.put("/a.jpg", jpeg())
    made = await create(twins, token, image_url=image, caption="Fresh #bread")
    assert '"instagram"' in made.headers["x-business-use-case-usage"]
    id = made.json()["id"]
    assert await status(twins, token, id) == "FINISHED"
    post = (await publish(twins, token, id)).json()["id"]
    fields = "permalink,media_type,media_product_type,timestamp"
    shown = (await twins.ig("GET", f"/{post}", token, fields=fields)).json()
    assert shown["permalink"].startswith("https://www.instagram.com/p/")
    assert (shown["media_type"], shown["media_product_type"]) == ("IMAGE", "FEED")
    assert shown["timestamp"].endswith("+0000")
    (entry,) = twins.world.ledger.posts("Fresh #bread", platform="instagram")
    assert entry.detail["media"] == [image]


async def test_publishing_before_finished_is_refused(twins: Twins, token: str) -> None:
    image = twins.put("/a.jpg", jpeg())
    id = (await create(twins, token, image_url=image)).json()["id"]
    assert error(await publish(twins, token, id)) == (9007, 2207027)
    assert not twins.world.ledger.posts()


async def test_a_container_is_published_once(twins: Twins, token: str) -> None:
    image = twins.put("/a.jpg", jpeg())
    id = (await create(twins, token, image_url=image)).json()["id"]
    await status(twins, token, id)
    await publish(twins, token, id)
    assert error(await publish(twins, token, id)) == (24, 2207008)
    assert await status(twins, token, id) == "PUBLISHED"
    assert len(twins.world.ledger.posts()) == 1


async def test_a_container_expires_after_a_day(twins: Twins, token: str) -> None:
    image = twins.put("/a.jpg", jpeg())
    id = (await create(twins, token, image_url=image)).json()["id"]
    await status(twins, token, id)
    twins.advance(hours=24)
    assert await status(twins, token, id) == "EXPIRED"
    assert error(await publish(twins, token, id)) == (24, 2207008)


async def test_a_reel_takes_polls(twins: Twins, token: str) -> None:
    video = twins.put("/a.mp4", MP4, "video/mp4")
    id = (await create(twins, token, media_type="REELS", video_url=video, caption="Reel")).json()["id"]
    states = [await status(twins, token, id) for _ in range(3)]
    assert states == ["IN_PROGRESS", "IN_PROGRESS", "FINISHED"]
    post = (await publish(twins, token, id)).json()["id"]
    shown = (await twins.ig("GET", f"/{post}", token, fields="permalink")).json()
    assert "/reel/" in shown["permalink"]


async def test_a_carousel_of_finished_children(twins: Twins, token: str) -> None:
    image = twins.put("/a.jpg", jpeg())
    answers = [await create(twins, token, image_url=image, is_carousel_item="true") for _ in range(2)]
    children = [answer.json()["id"] for answer in answers]
    fields = {"media_type": "CAROUSEL", "children": ",".join(children), "caption": "Both"}
    assert error(await create(twins, token, **fields)) == (9007, 2207027)
    for child in children:
        await status(twins, token, child)
    parent = (await create(twins, token, **fields)).json()["id"]
    assert error(await publish(twins, token, parent)) == (9007, 2207027)
    await status(twins, token, parent)
    assert (await publish(twins, token, parent)).status_code == 200
    assert twins.world.ledger.posts("Both")[0].detail["media"] == [image, image]
    assert error(await publish(twins, token, children[0])) == (24, 2207008)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (100, None)),
        ({"media_type": "REELS", "image_url": "IMAGE"}, (100, None)),
        ({"media_type": "VIDEO", "video_url": "IMAGE"}, (100, 2207023)),
        ({"media_type": "POSTCARD", "image_url": "IMAGE"}, (100, 2207023)),
        ({"media_type": "CAROUSEL", "children": "1"}, (100, 2207028)),
        ({"media_type": "CAROUSEL", "children": "1,2"}, (24, 2207008)),
        ({"image_url": "IMAGE", "caption": "x" * 2201}, (36004, 2207010)),
        ({"image_url": "IMAGE", "caption": "#a " * 31}, (36004, 2207010)),
        ({"image_url": "IMAGE", "caption": "@a " * 21}, (36004, 2207010)),
    ],
)
async def test_a_wrong_container_is_refused(
    twins: Twins, token: str, fields: dict[str, str], expected: tuple[int, int | None]
) -> None:
    image = twins.put("/a.jpg", jpeg())
    given = {key: image if value == "IMAGE" else value for key, value in fields.items()}
    assert error(await create(twins, token, **given)) == expected


@pytest.mark.parametrize(
    ("data", "kind", "expected"),
    [
        (PNG, "image/jpeg", (36001, 2207005)),
        (MP4, "image/jpeg", (36001, 2207005)),
        (jpeg(), "text/html", (9004, 2207052)),
        (jpeg(padding=8 * 1024 * 1024), "image/jpeg", (36000, 2207004)),
        (jpeg(1080, 1400), "image/jpeg", (36003, 2207009)),
        (jpeg(2000, 1000), "image/jpeg", (36003, 2207009)),
    ],
    ids=["png", "video", "html", "big", "tall", "wide"],
)
async def test_an_image_is_judged_by_its_bytes(
    twins: Twins, token: str, data: bytes, kind: str, expected: tuple[int, int]
) -> None:
    assert error(await create(twins, token, image_url=twins.put("/a.jpg", data, kind))) == expected


async def test_the_file_must_be_reachable_as_the_platform_wants_it(twins: Twins, token: str) -> None:
    image = twins.put("/a.jpg", jpeg())
    unfetchable = (9004, 2207052)
    assert error(await create(twins, token, image_url=image + "x")) == unfetchable
    assert error(await create(twins, token, image_url="https://elsewhere.example/a.jpg")) == unfetchable
    assert error(await create(twins, token, image_url=image + "?ü")) == unfetchable
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert error(await create(twins, token, image_url=f"http://127.0.0.1:{port}/a.jpg")) == unfetchable
    twins.shelf.robots = "User-agent: facebookexternalhit\nDisallow: /shelf/"
    assert error(await create(twins, token, image_url=image)) == unfetchable
    twins.shelf.robots = "User-agent: *\nDisallow: /\n\nUser-agent: facebookexternalhit\nAllow: /"
    assert (await create(twins, token, image_url=image)).status_code == 200
    twins.shelf.heads = False
    assert error(await create(twins, token, image_url=image)) == unfetchable


@pytest.mark.parametrize(("data", "subcode"), [(b"no video", "2207026"), (b"", "2207077")])
async def test_a_bad_video_fails_in_processing(twins: Twins, token: str, data: bytes, subcode: str) -> None:
    video = twins.put("/a.mp4", data, "video/mp4" if data else "")
    id = (await create(twins, token, media_type="REELS", video_url=video)).json()["id"]
    for _ in range(3):
        answer = await twins.ig("GET", f"/{id}", token, fields="status_code,status")
    assert answer.json()["status_code"] == "ERROR"
    assert subcode in answer.json()["status"]
    assert error(await publish(twins, token, id)) == (24, 2207008)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("media_unfetchable", (9004, 2207052)), ("spam_block", (4, 2207051)), ("scope_removed", (10, None))],
)
async def test_faults_of_a_container(
    twins: Twins, token: str, kind: str, expected: tuple[int, int | None]
) -> None:
    twins.world.set_fault(kind, "instagram", ME)
    assert error(await create(twins, token, image_url=twins.put("/a.jpg", jpeg()))) == expected
    assert (await twins.ig("GET", "/me", token)).status_code == 200


async def test_processing_can_take_long_or_fail(twins: Twins, token: str) -> None:
    image = twins.put("/a.jpg", jpeg())
    twins.world.set_fault("container_slow", "instagram", ME, value=2, count=1)
    id = (await create(twins, token, image_url=image)).json()["id"]
    assert [await status(twins, token, id) for _ in range(3)] == ["IN_PROGRESS", "IN_PROGRESS", "FINISHED"]
    twins.world.set_fault("container_error", "instagram", ME, count=1)
    id = (await create(twins, token, image_url=image)).json()["id"]
    assert [await status(twins, token, id) for _ in range(2)] == ["ERROR", "ERROR"]


@pytest.mark.parametrize(("kind", "expected"), [("daily_cap", (9, 2207042)), ("duplicate", (506, None))])
async def test_faults_of_a_publish(
    twins: Twins, token: str, kind: str, expected: tuple[int, int | None]
) -> None:
    image = twins.put("/a.jpg", jpeg())
    id = (await create(twins, token, image_url=image)).json()["id"]
    await status(twins, token, id)
    twins.world.set_fault(kind, "instagram", ME, count=1)
    assert error(await publish(twins, token, id)) == expected
    assert (await publish(twins, token, id)).status_code == 200


async def test_the_quota_is_read_and_frees_after_a_day(twins: Twins, token: str) -> None:
    await live(twins, token)
    answer = await twins.ig("GET", f"/{ME}/content_publishing_limit", token, fields="config,quota_usage")
    config = {"quota_total": 100, "quota_duration": 86_400}
    assert answer.json() == {"data": [{"config": config, "quota_usage": 1}]}
    twins.advance(hours=24)
    answer = await twins.ig("GET", "/me/content_publishing_limit", token)
    assert answer.json() == {"data": [{"quota_usage": 0}]}


async def test_the_list_is_newest_first_in_pages(twins: Twins, token: str) -> None:
    ids = [await live(twins, token, f"Post {n}") for n in range(3)]
    page = (await twins.ig("GET", f"/{ME}/media", token, fields="id,caption,permalink", limit="2")).json()
    assert [(entry["id"], entry["caption"]) for entry in page["data"]] == [
        (ids[2], "Post 2"),
        (ids[1], "Post 1"),
    ]
    assert token not in page["paging"]["next"]
    after = page["paging"]["cursors"]["after"]
    rest = (await twins.ig("GET", f"/{ME}/media", token, fields="id", after=after)).json()
    assert [entry["id"] for entry in rest["data"]] == [ids[0]]
    assert "next" not in rest["paging"]


async def test_what_is_not_mine_is_not_there(twins: Twins, token: str) -> None:
    post = await live(twins, token)
    other = await twins.ig_link(**{"as": "17841400000000002"})
    assert error(await twins.ig("GET", f"/{post}", other)) == (100, 33)
    assert error(await twins.ig("GET", f"/{ME}/media", other)) == (100, 33)


async def test_a_published_id_is_no_container(twins: Twins, token: str) -> None:
    post = await live(twins, token)
    answer = await twins.ig("GET", f"/{post}", token, fields="status_code")
    assert answer.json()["error"]["message"] == "(#100) Tried accessing nonexisting field (status_code)"


async def test_publishing_needs_its_permission(twins: Twins) -> None:
    token = await twins.ig_link(decision="partial", scope=["instagram_business_basic"])
    assert error(await create(twins, token, image_url=twins.put("/a.jpg", jpeg()))) == (10, None)


async def test_parameters_come_as_query_form_or_json(twins: Twins, token: str) -> None:
    image = twins.put("/a.jpg", jpeg())
    path, headers = "/graph.instagram.com/v26.0/me/media", {"authorization": f"Bearer {token}"}
    body = {"image_url": image, "caption": "x"}
    assert (await twins.http.post(path, data=body, headers=headers)).status_code == 200
    assert (await twins.http.post(path, json=body, headers=headers)).status_code == 200
    headers["content-type"] = "application/json"
    assert error(await twins.http.post(path, content="[]", headers=headers)) == (100, None)
