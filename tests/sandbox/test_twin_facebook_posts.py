from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from sandbox.platforms.testing import Twins, jpeg
from sandbox.platforms.testing_meta import ANNA, BEN, OWNED, PAGE, MetaWalks, facebook_query, populate

MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 100
GRAPH = "/graph.facebook.com/v26.0"


@pytest.fixture
def walks(twins: Twins) -> MetaWalks:
    populate(twins)
    return MetaWalks(twins)


@pytest.fixture
async def page(walks: MetaWalks) -> str:
    return await walks.page_token()


def error(answer: Any) -> tuple[int, int | None]:
    assert answer.status_code in (400, 403), answer.text
    body = answer.json()["error"]
    return body["code"], body.get("error_subcode")


async def post(walks: MetaWalks, token: str, kind: str = "feed", **fields: Any) -> httpx.Response:
    return await walks.fb("POST", f"/{PAGE}/{kind}", token, **fields)


async def upload(walks: MetaWalks, address: str, token: str, data: bytes = b"", **headers: str) -> Any:
    path = "/" + address.removeprefix("https://")
    given = {"authorization": f"OAuth {token}", **headers}
    return await walks.twins.http.post(path, content=data, headers=given)


async def reel(walks: MetaWalks, token: str, kind: str = "video_reels") -> tuple[str, str]:
    body = (await post(walks, token, kind, upload_phase="start")).json()
    return body["video_id"], body["upload_url"]


async def status(walks: MetaWalks, token: str, video: str) -> str:
    answer = await walks.fb("GET", f"/{video}", token, fields="status,post_id")
    return str(answer.json()["status"]["video_status"])


async def test_a_text_and_a_link(walks: MetaWalks, page: str) -> None:
    fields = "id,permalink_url"
    made = (await post(walks, page, message="Fresh bread", fields=fields)).json()
    assert made["id"].startswith(f"{PAGE}_")
    assert made["permalink_url"].startswith("https://www.facebook.com/bakery/posts/")
    linked = (await post(walks, page, link="https://shop.example/")).json()
    listed = (await walks.fb("GET", f"/{PAGE}/feed", page, fields="id,message", limit="1")).json()
    assert listed["data"] == [{"id": linked["id"]}]
    shown = (await walks.fb("GET", f"/{made['id']}", page)).json()
    assert shown["message"] == "Fresh bread"
    assert shown["created_time"].endswith("+0000")


async def test_form_and_json_bodies_and_bearer(walks: MetaWalks, page: str) -> None:
    headers = {"authorization": f"Bearer {page}"}
    form = await walks.twins.http.post(f"{GRAPH}/me/feed", data={"message": "Form"}, headers=headers)
    body = await walks.twins.http.post(f"{GRAPH}/{PAGE}/feed", json={"message": "JSON"}, headers=headers)
    assert (form.status_code, body.status_code) == (200, 200)
    assert '"pages"' in body.headers["x-business-use-case-usage"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (100, None)),
        ({"message": "x" * 63_207}, (100, None)),
        ({"link": "shop"}, (100, 2061006)),
        ({"link": "https://www.facebook.com/other"}, (100, 1609008)),
        ({"attached_media": "[1]"}, (100, None)),
        ({"attached_media": '[{"media_fbid":"1"}]'}, (100, None)),
        ({"message": "Late", "published": "false", "scheduled_publish_time": "1"}, (100, None)),
    ],
    ids=["empty", "long", "no-link", "own-link", "no-media", "strange-media", "past"],
)
async def test_a_wrong_post_is_refused(
    walks: MetaWalks, page: str, fields: dict[str, str], expected: tuple[int, int | None]
) -> None:
    headers = {"authorization": f"Bearer {page}"}
    answer = await walks.twins.http.post(f"{GRAPH}/{PAGE}/feed", data=fields, headers=headers)
    assert error(answer) == expected
    assert not walks.twins.world.ledger.posts()


async def test_the_same_text_twice_in_a_row_is_refused(walks: MetaWalks, page: str) -> None:
    await post(walks, page, message="Bread")
    assert error(await post(walks, page, message="Bread")) == (506, None)
    await post(walks, page, message="Rolls")
    assert (await post(walks, page, message="Bread")).status_code == 200
    walks.twins.world.modes["facebook.duplicates"] = "allowed"
    assert (await post(walks, page, message="Bread")).status_code == 200


async def test_only_the_page_itself_posts_with_its_permissions(walks: MetaWalks) -> None:
    person = await walks.fb_link()
    assert error(await post(walks, person, message="a")) == (200, None)
    other = await walks.mint(person, OWNED)
    assert error(await post(walks, other, message="a")) == (100, 33)
    form: dict[str, Any] = {"as": BEN}
    analyst = await walks.mint(await walks.fb_link(**form))
    assert error(await post(walks, analyst, message="a")) == (200, None)
    scope = [name for name in facebook_query()["scope"].split(",") if name != "pages_manage_posts"]
    narrow = await walks.mint(await walks.fb_link(decision="partial", scope=scope, asset=[PAGE]))
    answer = await post(walks, narrow, message="a")
    assert (answer.status_code, error(answer)) == (403, (200, None))
    assert not walks.twins.world.ledger.posts()


async def test_a_scheduled_post_appears_in_time_and_an_unpublished_one_never(
    walks: MetaWalks, page: str
) -> None:
    at = str(int(walks.twins.world.now().timestamp()) + 3600)
    fields = {"published": "false", "scheduled_publish_time": at}
    id = (await post(walks, page, message="Soon", **fields)).json()["id"]
    await post(walks, page, message="Never", published="false")
    assert (await walks.fb("GET", f"/{PAGE}/feed", page)).json() == {"data": []}
    walks.twins.advance(hours=2)
    (entry,) = (await walks.fb("GET", f"/{PAGE}/feed", page)).json()["data"]
    assert entry["id"] == id


async def test_one_photo_by_address_or_as_a_file(walks: MetaWalks, page: str) -> None:
    image = walks.twins.put("/a.jpg", jpeg())
    made = (await post(walks, page, "photos", url=image, caption="One")).json()
    assert made["post_id"].startswith(f"{PAGE}_")
    assert made["id"] not in made["post_id"]
    assert walks.twins.world.ledger.posts("One")[0].detail["media"] == [image]
    files = {"source": ("b.jpg", jpeg(), "image/jpeg")}
    path, data = f"{GRAPH}/{PAGE}/photos", {"access_token": page, "caption": "Two"}
    answer = await walks.twins.http.post(path, data=data, files=files)
    assert answer.status_code == 200
    shown = (await walks.fb("GET", f"/{made['id']}", page, fields="link,page_story_id")).json()
    assert shown["page_story_id"] == made["post_id"]


async def test_several_photos_in_one_post(walks: MetaWalks, page: str) -> None:
    images = [walks.twins.put(f"/{n}.jpg", jpeg()) for n in range(3)]
    ids = []
    for image in images:
        answer = (await post(walks, page, "photos", url=image, published="false")).json()
        assert list(answer) == ["id"]
        ids.append(answer["id"])
    assert not walks.twins.world.ledger.posts()
    media = json.dumps([{"media_fbid": id} for id in ids[:2]])
    assert (await post(walks, page, message="Two", attached_media=media)).status_code == 200
    assert walks.twins.world.ledger.posts("Two")[0].detail["media"] == images[:2]
    assert error(await post(walks, page, message="Again", attached_media=media)) == (100, None)
    indexed = {"attached_media[0]": json.dumps({"media_fbid": ids[2]})}
    assert (await post(walks, page, message="Third", **indexed)).status_code == 200


@pytest.mark.parametrize(
    ("data", "expected"),
    [(MP4, 1366046), (jpeg(padding=10 * 1024 * 1024), 1366046), (b"", 2069019)],
    ids=["video", "big", "gone"],
)
async def test_a_bad_photo_is_refused(walks: MetaWalks, page: str, data: bytes, expected: int) -> None:
    image = walks.twins.put("/a.jpg", data, "image/jpeg" if data else "")
    assert error(await post(walks, page, "photos", url=image)) == (100, expected)


async def test_a_video_by_address_is_processed(walks: MetaWalks, page: str) -> None:
    file = walks.twins.put("/a.mp4", MP4, "video/mp4")
    made = (
        await post(walks, page, "videos", file_url=file, description="Film", fields="id,permalink_url")
    ).json()
    assert made["permalink_url"] == f"/reel/{made['id']}/"
    assert (await walks.fb("GET", f"/{PAGE}/feed", page)).json() == {"data": []}
    words = [await status(walks, page, made["id"]) for _ in range(3)]
    assert words == ["processing", "processing", "ready"]
    shown = (await walks.fb("GET", f"/{made['id']}", page, fields="post_id")).json()
    (entry,) = (await walks.fb("GET", f"/{PAGE}/feed", page)).json()["data"]
    assert (entry["id"], entry["message"]) == (shown["post_id"], "Film")


@pytest.mark.parametrize("data", [b"", b"no video"])
async def test_a_bad_video_fails_in_processing(walks: MetaWalks, page: str, data: bytes) -> None:
    file = walks.twins.put("/a.mp4", data, "video/mp4" if data else "")
    id = (await post(walks, page, "videos", file_url=file, description="Film")).json()["id"]
    assert [await status(walks, page, id) for _ in range(3)][-1] == "error"
    assert not walks.twins.world.ledger.posts()


async def test_a_video_in_chunks(walks: MetaWalks, page: str) -> None:
    data = MP4 + b"\x01" * (1024 * 1024 + 500)
    host = "/graph-video.facebook.com/v26.0"
    start = {"upload_phase": "start", "file_size": str(len(data)), "access_token": page}
    begun = (await walks.twins.http.post(f"{host}/{PAGE}/videos", data=start)).json()
    offsets, session = (begun["start_offset"], begun["end_offset"]), begun["upload_session_id"]
    assert offsets == ("0", str(1024 * 1024))
    early = {"upload_phase": "finish", "upload_session_id": session}
    assert error(await post(walks, page, "videos", **early)) == (100, None)
    walks.twins.world.set_fault("chunk_cut", "facebook", PAGE, count=1)
    starts = []
    while offsets[0] != offsets[1]:
        part = data[int(offsets[0]) : int(offsets[1])]
        form = {"upload_phase": "transfer", "upload_session_id": session, "start_offset": offsets[0]}
        answer = await walks.twins.http.post(
            f"{host}/{PAGE}/videos",
            data={**form, "access_token": page},
            files={"video_file_chunk": ("chunk", part, "application/octet-stream")},
        )
        offsets = (answer.json()["start_offset"], answer.json()["end_offset"])
        starts.append(int(form["start_offset"]))
    assert starts == [0, 512 * 1024]
    finish = await post(walks, page, "videos", **early, description="Long")
    assert finish.json() == {"success": True}
    assert len(walks.twins.world.ledger.posts("Long")) == 1
    assert error(await post(walks, page, "videos", **early)) == (100, None)
    assert [await status(walks, page, begun["video_id"]) for _ in range(3)][-1] == "ready"


@pytest.mark.parametrize("by", ["address", "bytes", "resumed"])
async def test_a_reel(walks: MetaWalks, page: str, by: str) -> None:
    video, address = await reel(walks, page)
    finish = {"upload_phase": "finish", "video_id": video, "video_state": "PUBLISHED", "description": "Reel"}
    assert error(await post(walks, page, "video_reels", **finish)) == (100, None)
    size = str(len(MP4))
    if by == "address":
        file = walks.twins.put("/a.mp4", MP4, "video/mp4")
        assert (await upload(walks, address, page, file_url=file)).json() == {"success": True}
    elif by == "bytes":
        await upload(walks, address, page, MP4, offset="0", file_size=size)
    else:
        await upload(walks, address, page, MP4[:50], offset="0", file_size=size)
        assert await status(walks, page, video) == "processing"
        again = await upload(walks, address, page, MP4, offset="0", file_size=size)
        assert again.json()["debug_info"]["type"] == "OffsetInvalidError"
        await upload(walks, address, page, MP4[50:], offset="50", file_size=size)
    assert await status(walks, page, video) == "upload_complete"
    assert (await post(walks, page, "video_reels", **finish)).json() == {"success": True}
    assert len(walks.twins.world.ledger.posts("Reel")) == 1
    assert error(await post(walks, page, "video_reels", **finish)) == (100, None)
    assert [await status(walks, page, video) for _ in range(3)][-1] == "ready"


async def test_the_upload_host_has_its_own_errors(walks: MetaWalks, page: str) -> None:
    video, address = await reel(walks, page)
    bad = walks.twins.put("/gone.mp4", b"", "")
    path = "/" + address.removeprefix("https://")
    plain = await walks.twins.http.post(path, headers={"authorization": f"Bearer {page}"})
    answers = {
        "NotAuthorizedError": plain,
        "ProcessingFailedError": await upload(walks, address, page, file_url=bad),
        "PartialRequestError": await upload(walks, address, page, MP4),
        "OffsetInvalidError": await upload(walks, address, page, MP4, offset="9", file_size="500"),
        "NotFoundError": await upload(walks, address + "9", page, MP4, offset="0", file_size="116"),
    }
    for kind, answer in answers.items():
        assert (answer.status_code, answer.json()["debug_info"]["type"]) == (400, kind)
        assert json.loads(answer.json()["debug_info"]["message"])["error"]["type"] == kind
    assert await status(walks, page, video) == "processing"


async def test_reels_have_a_cap_and_may_name_their_post(walks: MetaWalks, page: str) -> None:
    walks.twins.world.modes["facebook.reel_post_id"] = "given"
    for n in range(31):
        video, address = await reel(walks, page)
        await upload(walks, address, page, MP4, offset="0", file_size=str(len(MP4)))
        finish = {"upload_phase": "finish", "video_id": video, "video_state": "PUBLISHED"}
        answer = await post(walks, page, "video_reels", **finish, description=str(n))
        if n < 30:
            assert answer.json()["post_id"].startswith(PAGE)
    assert error(answer) == (32, None)
    walks.twins.advance(days=1)
    assert (await post(walks, page, "video_reels", **finish)).status_code == 200


async def test_stories(walks: MetaWalks, page: str) -> None:
    image = walks.twins.put("/a.jpg", jpeg())
    photo = (await post(walks, page, "photos", url=image, published="false")).json()["id"]
    story = (await post(walks, page, "photo_stories", photo_id=photo)).json()
    assert story["success"] is True
    assert error(await post(walks, page, "photo_stories", photo_id=photo)) == (100, None)
    video, address = await reel(walks, page, "video_stories")
    await upload(walks, address, page, MP4, offset="0", file_size=str(len(MP4)))
    assert [await status(walks, page, video) for _ in range(2)] == ["upload_complete"] * 2
    film = await post(walks, page, "video_stories", upload_phase="finish", video_id=video)
    assert film.json()["post_id"].startswith(PAGE)
    assert (await walks.fb("GET", f"/{PAGE}/feed", page)).json() == {"data": []}
    assert error(await walks.fb("GET", f"/{story['post_id']}", page)) == (100, 33)
    assert len(walks.twins.world.ledger.posts(platform="facebook")) == 2


async def test_comments_and_deleting(walks: MetaWalks, page: str) -> None:
    id = (await post(walks, page, message="Bread")).json()["id"]
    comment = await walks.fb("POST", f"/{id}/comments", page, message="More")
    assert comment.json()["id"].startswith(id.partition("_")[2])
    walks.twins.world.modes["facebook.delete"] = "refused"
    assert error(await walks.fb("DELETE", f"/{id}", page)) == (10, None)
    walks.twins.world.modes.clear()
    assert (await walks.fb("DELETE", f"/{id}", page)).json() == {"success": True}
    assert error(await walks.fb("GET", f"/{id}", page)) == (100, 33)
    assert error(await walks.fb("DELETE", f"/{id}", page)) == (100, 33)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("suspended", (368, 1404112)),
        ("spam_block", (368, 1346003)),
        ("policy_block", (368, 1404102)),
        ("user_must_act", (200, 4854002)),
        ("duplicate", (506, None)),
        ("scope_removed", (200, None)),
    ],
)
async def test_faults_of_posting(
    walks: MetaWalks, page: str, kind: str, expected: tuple[int, int | None]
) -> None:
    walks.twins.world.set_fault(kind, "facebook", PAGE)
    assert error(await post(walks, page, message="a")) == expected
    assert (await walks.fb("GET", "/me", page)).status_code == 200
    walks.twins.world.faults.clear()
    assert (await post(walks, page, message="a")).status_code == 200


async def test_photos_posted_before_and_posting_too_fast(walks: MetaWalks, page: str) -> None:
    image = walks.twins.put("/a.jpg", jpeg())
    walks.twins.world.set_fault("duplicate", "facebook", PAGE, count=1)
    assert error(await post(walks, page, "photos", url=image)) == (100, 1366051)
    walks.twins.world.set_fault("spam_block", "facebook", PAGE, value=1390008)
    assert error(await post(walks, page, "photos", url=image)) == (368, 1390008)


async def test_an_app_in_development_posts_for_its_own_people(walks: MetaWalks, page: str) -> None:
    world = walks.twins.world
    await post(walks, page, message="Seen")
    world.register_app(replace(world.apps["facebook", "fb-app"], reviewed=False))
    await post(walks, page, message="Hidden")
    assert [entry.detail["roles_only"] for entry in world.ledger.posts()] == [False, True]
    world.set_fault("unreviewed", "facebook", BEN)
    answer = await walks.twins.http.post(
        "/www.facebook.com/v26.0/dialog/oauth", params=facebook_query(), data={"as": BEN}
    )
    assert answer.status_code == 400
    assert "development mode" in answer.text


async def test_a_lost_answer_leaves_the_post_and_preparing_is_another_group(
    walks: MetaWalks, page: str
) -> None:
    walks.twins.world.set_fault("lost_after", "facebook", PAGE, group="publish", count=1)
    image = walks.twins.put("/a.jpg", jpeg())
    assert (await post(walks, page, "photos", url=image, published="false")).status_code == 200
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await post(walks, page, message="Once")
    assert len(walks.twins.world.ledger.posts("Once")) == 1
    assert error(await post(walks, page, message="Once")) == (506, None)


async def test_a_persons_fault_meets_his_pages(walks: MetaWalks, page: str) -> None:
    walks.twins.world.set_fault("unavailable", "facebook", ANNA, count=1)
    assert (await post(walks, page, message="a")).status_code == 503
    assert (await post(walks, page, message="a")).status_code == 200


async def test_no_secret_is_in_the_ledger(walks: MetaWalks, page: str) -> None:
    await walks.debug(page)
    await post(walks, page, message="a")
    written = repr([entry.as_json() for entry in walks.twins.world.ledger.entries])
    assert {page, "fb-secret-1"} <= walks.twins.world.secrets()
    assert not [secret for secret in walks.twins.world.secrets() if secret in written]
