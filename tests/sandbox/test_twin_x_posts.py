from __future__ import annotations

import re
from typing import Any

import pytest

from sandbox.platforms.testing import Twins, jpeg, x_query
from sandbox.platforms.x_text import find_links, rewrite, weight

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 100


@pytest.fixture
async def token(twins: Twins) -> str:
    return str((await twins.x_link())["access_token"])


async def post(twins: Twins, token: str, **body: Any) -> Any:
    return await twins.x_api("POST", "/2/tweets", token, json=body)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello", 5),
        ("é", 1),
        ("e\u0301", 1),
        ("日本", 4),
        ("😀", 2),
        ("👩‍👩‍👧‍👦", 2),
        ("🇩🇪", 2),
        ("1️⃣", 2),
        ("https://example.org/a/very/long/path/that/is/longer/than/23", 23),
        ("see example.com.", 4 + 23 + 1),
        ("mail me@example.com", 19),
        ("“quoted”", 8),
    ],
)
def test_weights(text: str, expected: int) -> None:
    assert weight(text) == expected


def test_links_are_found_without_their_closing_punctuation() -> None:
    text = "Go to https://shop.bakery.example/a?b=1, or (example.org/x)."
    found = [text[start:end] for start, end in find_links(text)]
    assert found == ["https://shop.bakery.example/a?b=1", "example.org/x"]


def test_rewriting_shortens_links_and_escapes() -> None:
    shown, links = rewrite("A & B <https://example.org>", lambda: "https://t.co/0123456789")
    assert shown == "A &amp; B &lt;https://t.co/0123456789&gt;"
    assert shown[links[0].start : links[0].end] == "https://t.co/0123456789"
    assert links[0].expanded == "https://example.org"


async def test_a_post_is_created_shown_and_priced(twins: Twins, token: str) -> None:
    answer = await post(twins, token, text="New bread: https://bakery.example/bread")
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert re.fullmatch(r"New bread: https://t\.co/\w{10}", data["text"])
    assert answer.headers["x-rate-limit-limit"] == "100"
    (entry,) = twins.world.ledger.posts("New bread: https://bakery.example/bread", account="1001")
    assert (entry.detail["id"], entry.detail["cost_usd"]) == (data["id"], 0.20)
    await post(twins, token, text="No link")
    assert twins.world.ledger.posts("No link")[0].detail["cost_usd"] == 0.015


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "  "},
        {"text": 5},
        {"text": "a", "status": "b"},
        {"text": "a", "reply_settings": "nobody"},
        {"text": "a" * 281},
        {"text": "日" * 141},
        {"text": "a", "media": {}},
        {"text": "a", "media": {"media_ids": []}},
        {"text": "a", "media": {"media_ids": [1]}},
        {"text": "a", "media": {"media_ids": ["12345"]}},
        {"text": "a", "reply": {}},
    ],
    ids=lambda body: str(body)[:40],
)
async def test_a_body_outside_the_schema_is_refused(twins: Twins, token: str, body: dict[str, Any]) -> None:
    answer = await post(twins, token, **body)
    assert answer.status_code == 400
    assert answer.json()["type"] == "https://api.x.com/2/problems/invalid-request"
    assert not twins.world.ledger.posts()


async def test_the_longest_text_fits(twins: Twins, token: str) -> None:
    link = "https://example.org/" + "x" * 200
    assert (await post(twins, token, text="a" * 256 + " " + link)).status_code == 201


async def test_a_form_is_no_json(twins: Twins, token: str) -> None:
    assert (await twins.x_api("POST", "/2/tweets", token, data={"text": "a"})).status_code == 400


async def test_a_refresh_token_or_none_is_unauthorized(twins: Twins) -> None:
    refresh = (await twins.x_link())["refresh_token"]
    assert (await post(twins, refresh, text="a")).status_code == 401
    assert (await twins.http.post("/api.x.com/2/tweets", json={"text": "a"})).status_code == 401


async def test_the_same_text_again_is_a_duplicate_until_it_is_old_or_deleted(
    twins: Twins, token: str
) -> None:
    first = await post(twins, token, text="Same")
    again = await post(twins, token, text="Same")
    assert again.status_code == 403
    assert again.json()["detail"] == "You are not allowed to create a Tweet with duplicate content."
    other = (await twins.x_link(**{"as": "1002"}))["access_token"]
    assert (await post(twins, other, text="Same")).status_code == 201
    await twins.x_api("DELETE", f"/2/tweets/{first.json()['data']['id']}", token)
    assert (await post(twins, token, text="Same")).status_code == 201


async def test_look_up_and_delete(twins: Twins, token: str) -> None:
    id = (await post(twins, token, text="Look")).json()["data"]["id"]
    query = {"tweet.fields": "created_at,author_id"}
    found = (await twins.x_api("GET", f"/2/tweets/{id}", token, params=query)).json()["data"]
    assert (found["text"], found["author_id"]) == ("Look", "1001")
    assert found["created_at"].endswith("Z")
    other = (await twins.x_link(**{"as": "1002"}))["access_token"]
    assert (await twins.x_api("DELETE", f"/2/tweets/{id}", other)).status_code == 403
    gone = await twins.x_api("DELETE", f"/2/tweets/{id}", token)
    assert gone.json() == {"data": {"deleted": True}}
    missing = await twins.x_api("GET", f"/2/tweets/{id}", token)
    assert missing.status_code == 200
    assert missing.json()["errors"][0]["type"] == "https://api.x.com/2/problems/resource-not-found"


async def test_the_timeline_is_newest_first_in_pages(twins: Twins, token: str) -> None:
    assert (await twins.x_api("GET", "/2/users/1001/tweets", token)).json() == {"meta": {"result_count": 0}}
    ids = [(await post(twins, token, text=f"Post {n}")).json()["data"]["id"] for n in range(7)]
    query = {"max_results": "5", "tweet.fields": "created_at"}
    page = (await twins.x_api("GET", "/2/users/1001/tweets", token, params=query)).json()
    assert [entry["id"] for entry in page["data"]] == ids[:1:-1]
    assert page["meta"]["newest_id"] == ids[-1]
    query["pagination_token"] = page["meta"]["next_token"]
    rest = (await twins.x_api("GET", "/2/users/1001/tweets", token, params=query)).json()
    assert [entry["id"] for entry in rest["data"]] == [ids[1], ids[0]]
    assert "next_token" not in rest["meta"]


async def test_the_timeline_starts_when_it_is_told(twins: Twins, token: str) -> None:
    await post(twins, token, text="Old")
    twins.advance(hours=1)
    start = twins.world.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    await post(twins, token, text="New")
    answer = await twins.x_api("GET", "/2/users/1001/tweets", token, params={"start_time": start})
    assert [entry["text"] for entry in answer.json()["data"]] == ["New"]


@pytest.mark.parametrize(
    "query",
    [
        {"max_results": "4"},
        {"max_results": "101"},
        {"max_results": "ten"},
        {"start_time": "yesterday"},
        {"tweet.fields": "nothing"},
        {"count": "5"},
    ],
    ids=str,
)
async def test_the_timeline_refuses_what_it_does_not_know(
    twins: Twins, token: str, query: dict[str, str]
) -> None:
    assert (await twins.x_api("GET", "/2/users/1001/tweets", token, params=query)).status_code == 400


async def start(twins: Twins, token: str, data: bytes, kind: str, category: str) -> str:
    body = {"media_type": kind, "total_bytes": len(data), "media_category": category}
    answer = await twins.x_api("POST", "/2/media/upload/initialize", token, json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["id"])


async def append(twins: Twins, token: str, id: str, index: int, data: bytes) -> Any:
    path = f"/2/media/upload/{id}/append"
    form, files = {"segment_index": str(index)}, {"media": ("blob", data)}
    return await twins.x_api("POST", path, token, data=form, files=files)


async def status(twins: Twins, token: str, id: str) -> Any:
    query = {"command": "STATUS", "media_id": id}
    answer = await twins.x_api("GET", "/2/media/upload", token, params=query)
    return answer.json()["data"]["processing_info"]["state"]


async def test_a_video_goes_through_its_states(twins: Twins, token: str) -> None:
    id = await start(twins, token, MP4, "video/mp4", "tweet_video")
    assert (await append(twins, token, id, 0, MP4[:50])).status_code == 200
    assert (await append(twins, token, id, 1, MP4[50:])).status_code == 200
    done = (await twins.x_api("POST", f"/2/media/upload/{id}/finalize", token)).json()["data"]
    assert done["processing_info"] == {"state": "pending", "check_after_secs": 1}
    early = await post(twins, token, text="v", media={"media_ids": [id]})
    assert early.status_code == 400
    assert [await status(twins, token, id), await status(twins, token, id)] == ["in_progress", "succeeded"]
    assert (await post(twins, token, media={"media_ids": [id]})).status_code == 201
    assert twins.world.ledger.posts()[0].detail["media"] == [id]


async def test_segments_must_add_up(twins: Twins, token: str) -> None:
    id = await start(twins, token, MP4, "video/mp4", "tweet_video")
    await append(twins, token, id, 1, MP4)
    assert (await twins.x_api("POST", f"/2/media/upload/{id}/finalize", token)).status_code == 400
    assert (await append(twins, token, id, 1000, b"x")).status_code == 400


@pytest.mark.parametrize("kind", ["container_error", "container_slow"])
async def test_processing_can_fail_or_take_long(twins: Twins, token: str, kind: str) -> None:
    twins.world.set_fault(kind, "x", "1001", value=2, count=1)
    id = await start(twins, token, MP4, "video/mp4", "tweet_video")
    await append(twins, token, id, 0, MP4)
    await twins.x_api("POST", f"/2/media/upload/{id}/finalize", token)
    states = [await status(twins, token, id) for _ in range(4)]
    expected = {
        "container_error": ["in_progress", "failed", "failed", "failed"],
        "container_slow": ["in_progress", "in_progress", "in_progress", "succeeded"],
    }
    assert states == expected[kind]


async def test_an_image_in_one_call(twins: Twins, token: str) -> None:
    form, files = {"media_category": "tweet_image"}, {"media": ("a.jpg", jpeg())}
    answer = await twins.x_api("POST", "/2/media/upload", token, data=form, files=files)
    data = answer.json()["data"]
    assert "processing_info" not in data
    alt = {"id": data["id"], "metadata": {"alt_text": {"text": "Bread"}}}
    assert (await twins.x_api("POST", "/2/media/metadata", token, json=alt)).status_code == 200
    assert (await post(twins, token, text="i", media={"media_ids": [data["id"]]})).status_code == 201


@pytest.mark.parametrize(
    ("category", "data"),
    [("tweet_image", MP4), ("tweet_gif", jpeg()), ("nothing", jpeg()), ("tweet_image", b"text")],
)
async def test_a_wrong_file_is_refused(twins: Twins, token: str, category: str, data: bytes) -> None:
    form, files = {"media_category": category}, {"media": ("a", data)}
    assert (await twins.x_api("POST", "/2/media/upload", token, data=form, files=files)).status_code == 400


async def test_media_is_the_owners_and_lives_a_day(twins: Twins) -> None:
    tokens = await twins.x_link()
    form, files = {"media_category": "tweet_image"}, {"media": ("a.png", PNG)}
    answer = await twins.x_api("POST", "/2/media/upload", tokens["access_token"], data=form, files=files)
    media = {"media_ids": [answer.json()["data"]["id"]]}
    other = (await twins.x_link(**{"as": "1002"}))["access_token"]
    assert (await post(twins, other, text="a", media=media)).status_code == 400
    twins.advance(days=1)
    fresh = (await twins.x_refresh(tokens["refresh_token"])).json()["access_token"]
    assert (await post(twins, fresh, text="a", media=media)).status_code == 400


async def test_media_needs_its_scope(twins: Twins) -> None:
    query = x_query(scope="tweet.read tweet.write users.read")
    code = (await twins.consent("/x.com/i/oauth2/authorize", query, {"decision": "approve"}))["code"]
    token = (await twins.x_exchange(code)).json()["access_token"]
    body = {"media_type": "image/png", "total_bytes": 5, "media_category": "tweet_image"}
    answer = await twins.x_api("POST", "/2/media/upload/initialize", token, json=body)
    assert (answer.status_code, answer.json()["detail"]) == (403, "Forbidden")
