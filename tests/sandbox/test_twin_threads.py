from __future__ import annotations

from typing import Any

import pytest

from sandbox.platforms.testing import Twins, jpeg
from sandbox.platforms.testing_meta import OTHER, TH_BACK, THREADER, MetaWalks, populate, threads_query
from sandbox.platforms.threads_checks import text_length

AUTHORIZE = "/www.threads.com/oauth/authorize"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (800).to_bytes(4, "big") + (600).to_bytes(4, "big")
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 100


@pytest.fixture
def walks(twins: Twins) -> MetaWalks:
    populate(twins)
    return MetaWalks(twins)


@pytest.fixture
async def token(walks: MetaWalks) -> str:
    return await walks.th_link()


def error(answer: Any) -> tuple[int, int | None]:
    assert answer.status_code == 400, answer.text
    body = answer.json()["error"]
    return body["code"], body.get("error_subcode")


async def create(walks: MetaWalks, token: str, **fields: str) -> Any:
    return await walks.th("POST", "/me/threads", token, **fields)


async def status(walks: MetaWalks, token: str, id: str) -> str:
    answer = await walks.th("GET", f"/{id}", token, fields="id,status,error_message")
    return str(answer.json()["status"])


async def publish(walks: MetaWalks, token: str, id: str) -> Any:
    return await walks.th("POST", f"/{THREADER}/threads_publish", token, creation_id=id)


async def live(walks: MetaWalks, token: str, text: str = "Bread", **fields: str) -> str:
    id = (await create(walks, token, media_type="TEXT", text=text, **fields)).json()["id"]
    await status(walks, token, id)
    return str((await publish(walks, token, id)).json()["id"])


async def test_a_walk_and_who_am_i(walks: MetaWalks) -> None:
    answer = await walks.twins.http.post(AUTHORIZE, params=threads_query(), data={"as": OTHER})
    assert answer.headers["location"].startswith(f"{TH_BACK}?code=AQB")
    assert answer.headers["location"].endswith("&state=state-1#_")
    token = await walks.th_link(**{"as": OTHER})
    me = (await walks.th("GET", "/me", token, fields="id,username,name")).json()
    assert me == {"id": OTHER, "username": "florist", "name": "Florist"}


async def test_both_graph_hosts_and_bearer_and_versioned_tokens(walks: MetaWalks) -> None:
    code = (await walks.consent_th())["code"]
    query = {
        "client_id": "th-app",
        "client_secret": "th-secret-1",
        "grant_type": "authorization_code",
        "redirect_uri": TH_BACK,
        "code": code,
    }
    answer = await walks.twins.http.get("/graph.threads.com/v1.0/oauth/access_token", params=query)
    assert answer.json()["user_id"] == int(THREADER)
    headers = {"authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await walks.twins.http.get("/graph.threads.com/v1.0/me", headers=headers)).status_code == 200


async def test_denial_and_unknown_scopes(walks: MetaWalks) -> None:
    denied = await walks.consent_th(decision="deny")
    assert (denied["error"], denied["state"]) == ("access_denied", "state-1")
    query = threads_query(scope="threads_basic,threads_everything")
    location = (await walks.twins.http.get(AUTHORIZE, params=query)).headers["location"]
    assert "error_code=100&error_message=Invalid%20Scopes%3A%20threads_everything" in location


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"client_id": "fb-app"}, "4476002"),
        ({"redirect_uri": TH_BACK + "/"}, "Blocked redirect"),
        ({"response_type": "token"}, "response_type"),
        ({"scope": "threads_content_publish"}, "threads_basic"),
    ],
)
async def test_a_wrong_request_is_told_on_a_page(walks: MetaWalks, wrong: dict[str, str], said: str) -> None:
    answer = await walks.twins.http.get(AUTHORIZE, params=threads_query(**wrong))
    assert answer.status_code == 400
    assert said in answer.text


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"client_id": "fb-app"}, 101),
        ({"client_secret": "wrong-secret"}, 1),
        ({"grant_type": "refresh_token"}, 100),
        ({"redirect_uri": TH_BACK + "/"}, 100),
        ({"code": "AQBnothing"}, 100),
    ],
)
async def test_a_wrong_exchange_is_refused(walks: MetaWalks, wrong: dict[str, str], expected: int) -> None:
    answer = await walks.th_exchange((await walks.consent_th())["code"], **wrong)
    assert error(answer) == (expected, None)
    assert not walks.twins.world.ledger.find("token_issued")


async def test_a_code_is_used_once(walks: MetaWalks) -> None:
    code = (await walks.consent_th())["code"]
    assert (await walks.th_exchange(code)).status_code == 200
    assert "has been used" in (await walks.th_exchange(code)).json()["error"]["message"]


async def test_the_user_id_may_be_a_string(walks: MetaWalks) -> None:
    walks.twins.world.modes["threads.user_id"] = "string"
    answer = await walks.th_exchange((await walks.consent_th())["code"])
    assert answer.json()["user_id"] == THREADER


async def test_a_refresh_wants_a_day_and_a_living_token(walks: MetaWalks, token: str) -> None:
    assert error(await walks.th_refresh(token)) == (100, None)
    walks.twins.advance(hours=24)
    again = (await walks.th_refresh(token)).json()
    assert (again["expires_in"], again["token_type"]) == (5_183_944, "bearer")
    assert again["access_token"] != token
    walks.twins.advance(days=60)
    assert error(await walks.th_refresh(token)) == (190, 463)
    assert error(await walks.th_refresh(again["access_token"])) == (190, 463)


async def test_a_short_token_cannot_be_refreshed_and_dies_in_an_hour(walks: MetaWalks) -> None:
    short = (await walks.th_exchange((await walks.consent_th())["code"])).json()["access_token"]
    assert error(await walks.th_refresh(short)) == (190, None)
    walks.twins.advance(hours=1)
    assert error(await walks.th_lengthen(short)) == (190, 463)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("expired", (190, 463)),
        ("revoked", (190, 458)),
        ("password_changed", (190, 460)),
        ("logged_out", (190, 467)),
        ("checkpoint", (190, 459)),
        ("suspended", (25, 4279013)),
        ("rate_limited", (613, None)),
        ("app_suspended", (200, None)),
    ],
)
async def test_faults_of_a_profile(
    walks: MetaWalks, token: str, kind: str, expected: tuple[int, int | None]
) -> None:
    walks.twins.world.set_fault(kind, "threads", THREADER)
    answer = await walks.th("GET", "/me", token)
    assert error(answer) == expected
    assert kind != "rate_limited" or '"estimated_time_to_regain_access": 30' in str(answer.headers)


async def test_a_refused_refresh_is_cured_by_consent(walks: MetaWalks, token: str) -> None:
    walks.twins.world.set_fault("refresh_dead", "threads", THREADER)
    walks.twins.advance(hours=25)
    assert error(await walks.th_refresh(token)) == (190, 467)
    fresh = await walks.th_link()
    walks.twins.advance(hours=25)
    assert (await walks.th_refresh(fresh)).status_code == 200


async def test_a_text_is_published_after_its_poll(walks: MetaWalks, token: str) -> None:
    id = (await create(walks, token, media_type="TEXT", text="Bread", topic_tag="baking")).json()["id"]
    assert error(await publish(walks, token, id)) == (24, 4279009)
    assert await status(walks, token, id) == "FINISHED"
    post = (await publish(walks, token, id)).json()["id"]
    shown = (await walks.th("GET", f"/{post}", token, fields="permalink,media_type,shortcode")).json()
    assert shown["permalink"] == f"https://www.threads.com/@bakery/post/{shown['shortcode']}"
    assert shown["media_type"] == "TEXT_POST"
    assert await status(walks, token, id) == "PUBLISHED"
    assert error(await publish(walks, token, id)) == (24, 4279009)
    assert len(walks.twins.world.ledger.posts("Bread", platform="threads")) == 1


async def test_polling_a_post_as_a_container_is_refused(walks: MetaWalks, token: str) -> None:
    post = await live(walks, token)
    answer = await walks.th("GET", f"/{post}", token, fields="status")
    assert error(answer) == (100, None)
    assert answer.json()["error"]["type"] == "THApiException"


async def test_auto_publish_is_one_call(walks: MetaWalks, token: str) -> None:
    walks.twins.world.set_fault("unavailable", "threads", THREADER, group="publish", count=1)
    fields = {"media_type": "TEXT", "text": "At once", "auto_publish_text": "true"}
    assert (await create(walks, token, **fields)).status_code == 503
    id = (await create(walks, token, **fields)).json()["id"]
    assert walks.twins.world.ledger.posts("At once")[0].detail["id"] == id


async def test_publishing_under_me_is_a_mode(walks: MetaWalks, token: str) -> None:
    id = (await create(walks, token, media_type="TEXT", text="a")).json()["id"]
    await status(walks, token, id)
    path = "/me/threads_publish"
    assert error(await walks.th("POST", path, token, creation_id=id)) == (100, 33)
    walks.twins.world.modes["threads.me_publish"] = "served"
    assert (await walks.th("POST", path, token, creation_id=id)).status_code == 200


async def test_images_png_too_and_a_carousel(walks: MetaWalks, token: str) -> None:
    twins = walks.twins
    images = [twins.put("/a.jpg", jpeg()), twins.put("/a.png", PNG, "image/png")]
    children = []
    for image in images:
        fields = {"media_type": "IMAGE", "image_url": image, "is_carousel_item": "true"}
        children.append((await create(walks, token, **fields)).json()["id"])
    parent = {"media_type": "CAROUSEL", "children": ",".join(children), "text": "Both"}
    assert error(await create(walks, token, **parent)) == (24, 4279009)
    for child in children:
        assert await status(walks, token, child) == "FINISHED"
    id = (await create(walks, token, **parent)).json()["id"]
    assert error(await publish(walks, token, id)) == (24, 4279009)
    await status(walks, token, id)
    assert (await publish(walks, token, id)).status_code == 200
    assert twins.world.ledger.posts("Both")[0].detail["media"] == images


@pytest.mark.parametrize(
    ("data", "said"), [(MP4, ""), (b"no video", "FAILED_PROCESSING_VIDEO"), (b"", "FAILED_DOWNLOADING_VIDEO")]
)
async def test_a_video_takes_polls_and_may_fail(walks: MetaWalks, token: str, data: bytes, said: str) -> None:
    video = walks.twins.put("/a.mp4", data, "video/mp4" if data else "")
    id = (await create(walks, token, media_type="VIDEO", video_url=video)).json()["id"]
    states = [await status(walks, token, id) for _ in range(3)]
    assert states == ["IN_PROGRESS", "IN_PROGRESS", "ERROR" if said else "FINISHED"]
    answer = (await walks.th("GET", f"/{id}", token, fields="error_message")).json()
    assert answer.get("error_message", "") == said


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"GIF89a", "UNKNOWN"), (jpeg(3000, 200), "INVALID_ASPEC_RATIO"), (jpeg(padding=2**23), "UNKNOWN")],
)
async def test_a_bad_image_fails_in_processing(walks: MetaWalks, token: str, data: bytes, said: str) -> None:
    image = walks.twins.put("/a.jpg", data)
    id = (await create(walks, token, media_type="IMAGE", image_url=image)).json()["id"]
    assert await status(walks, token, id) == "ERROR"
    answer = (await walks.th("GET", f"/{id}", token, fields="status,error_message")).json()
    assert answer["error_message"] == said


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 100),
        ({"media_type": "REELS"}, 100),
        ({"media_type": "TEXT"}, 100),
        ({"media_type": "TEXT", "text": "x" * 501}, 100),
        ({"media_type": "TEXT", "text": "🥖" * 126}, 100),
        ({"media_type": "IMAGE", "text": "no image"}, 100),
        ({"media_type": "IMAGE", "image_url": "https://elsewhere.example/a.jpg"}, 9004),
        ({"media_type": "CAROUSEL", "children": "1"}, 100),
        ({"media_type": "TEXT", "text": "a", "alt_text": "b"}, 100),
        ({"media_type": "TEXT", "text": "a", "reply_control": "nobody"}, 100),
        ({"media_type": "TEXT", "text": "a", "reply_to_id": "17900000000000000"}, 100),
    ],
)
async def test_a_wrong_container_is_refused(
    walks: MetaWalks, token: str, fields: dict[str, str], code: int
) -> None:
    assert error(await create(walks, token, **fields))[0] == code
    assert not walks.twins.world.ledger.find("container_created")


def test_emoji_count_in_bytes() -> None:
    assert text_length("äöü") == 3
    assert text_length("a🥖") == 5
    assert text_length("❤️") == 6


async def test_links_are_counted_only_by_mode(walks: MetaWalks, token: str) -> None:
    text = " ".join(f"https://a.example/{n}" for n in range(6))
    assert (await create(walks, token, media_type="TEXT", text=text)).status_code == 200
    walks.twins.world.modes["threads.links"] = "five"
    assert error(await create(walks, token, media_type="TEXT", text=text)) == (100, None)


async def test_replies_want_their_permission_and_have_their_quota(walks: MetaWalks, token: str) -> None:
    post = await live(walks, token, "Root")
    await live(walks, token, "Reply", reply_to_id=post)
    fields = "quota_usage,config,reply_quota_usage"
    answer = await walks.th("GET", f"/{THREADER}/threads_publishing_limit", token, fields=fields)
    config = {"quota_total": 250, "quota_duration": 86_400}
    assert answer.json() == {"data": [{"quota_usage": 1, "config": config, "reply_quota_usage": 1}]}
    scope = ["threads_basic", "threads_content_publish"]
    narrow = await walks.th_link(decision="partial", scope=scope)
    refused = await create(walks, narrow, media_type="TEXT", text="No", reply_to_id=post)
    assert error(refused) == (10, None)


async def test_deleting_lists_and_strangers(walks: MetaWalks, token: str) -> None:
    ids = [await live(walks, token, f"Post {n}") for n in range(3)]
    page = (await walks.th("GET", "/me/threads", token, fields="id,text", limit="2")).json()
    assert [entry["text"] for entry in page["data"]] == ["Post 2", "Post 1"]
    assert page["paging"]["next"].startswith("https://graph.threads.net/v1.0/me/threads?")
    other = await walks.th_link(**{"as": OTHER})
    assert error(await walks.th("GET", f"/{ids[0]}", other)) == (100, 33)
    assert error(await walks.th("DELETE", f"/{ids[0]}", other)) == (100, 33)
    gone = await walks.th("DELETE", f"/{ids[0]}", token)
    assert gone.json() == {"success": True, "deleted_id": ids[0]}
    assert error(await walks.th("GET", f"/{ids[0]}", token)) == (100, 33)


async def test_the_daily_quota_is_enforced_at_publish(walks: MetaWalks, token: str) -> None:
    for _ in range(250):
        walks.twins.world.add_post(
            walks.twins.world.accounts["threads", THREADER],
            str(walks.twins.world.serial()),
            "",
            shown="",
            media=(),
            permalink="",
            extra={"reply": False},
        )
    id = (await create(walks, token, media_type="TEXT", text="One more")).json()["id"]
    await status(walks, token, id)
    assert error(await publish(walks, token, id)) == (9, 2207042)
    walks.twins.advance(hours=23)
    assert error(await publish(walks, token, id)) == (9, 2207042)
    walks.twins.advance(seconds=3599)
    assert await status(walks, token, id) == "FINISHED"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("spam_block", (4, 2207051)),
        ("user_must_act", (10, 4279013)),
        ("policy_block", (368, None)),
        ("scope_removed", (10, None)),
    ],
)
async def test_faults_of_writing(
    walks: MetaWalks, token: str, kind: str, expected: tuple[int, int | None]
) -> None:
    walks.twins.world.set_fault(kind, "threads", THREADER)
    assert error(await create(walks, token, media_type="TEXT", text="a")) == expected
    assert (await walks.th("GET", "/me", token)).status_code == 200


async def test_not_found_for_a_while_after_finished(walks: MetaWalks, token: str) -> None:
    id = (await create(walks, token, media_type="TEXT", text="a")).json()["id"]
    await status(walks, token, id)
    walks.twins.world.set_fault("id_late", "threads", THREADER, group="publish", count=2)
    answers = [await publish(walks, token, id) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 200]


async def test_containers_may_fail_by_a_word_or_be_slow_or_expire(walks: MetaWalks, token: str) -> None:
    world = walks.twins.world
    world.set_fault("container_error", "threads", THREADER, text="INVALID_DURATION", count=1)
    id = (await create(walks, token, media_type="TEXT", text="a")).json()["id"]
    answer = (await walks.th("GET", f"/{id}", token, fields="status,error_message")).json()
    assert (answer["status"], answer["error_message"]) == ("ERROR", "INVALID_DURATION")
    world.set_fault("container_slow", "threads", THREADER, value=1, count=1)
    id = (await create(walks, token, media_type="TEXT", text="a")).json()["id"]
    assert [await status(walks, token, id) for _ in range(2)] == ["IN_PROGRESS", "FINISHED"]
    walks.twins.advance(hours=24)
    assert await status(walks, token, id) == "EXPIRED"
    assert error(await publish(walks, token, id)) == (24, 4279009)


async def test_debug_token_wants_a_tester(walks: MetaWalks, token: str) -> None:
    assert error(await walks.th("GET", "/debug_token", token, input_token=token)) == (10, None)
    walks.twins.world.change_account("threads", THREADER, extra={"tester": True})
    data = (await walks.th("GET", "/debug_token", token, input_token=token)).json()["data"]
    assert (data["is_valid"], data["user_id"]) == (True, THREADER)


async def test_app_tokens(walks: MetaWalks) -> None:
    query = {"client_id": "th-app", "client_secret": "th-secret-1", "grant_type": "client_credentials"}
    answer = (await walks.twins.http.get("/graph.threads.net/oauth/access_token", params=query)).json()
    assert answer["access_token"].startswith("TH|th-app|")
    assert error(await walks.th("GET", "/me", answer["access_token"])) == (190, None)


@pytest.mark.parametrize(("method", "path", "code"), [("GET", "/v2.0/me", 2500), ("POST", "/v1.0/me", 100)])
async def test_unknown_paths(walks: MetaWalks, method: str, path: str, code: int) -> None:
    answer = await walks.twins.http.request(method, f"/graph.threads.net{path}")
    assert error(answer)[0] == code


async def test_no_secret_is_in_the_ledger(walks: MetaWalks, token: str) -> None:
    await live(walks, token)
    written = repr([entry.as_json() for entry in walks.twins.world.ledger.entries])
    assert token in walks.twins.world.secrets()
    assert not [secret for secret in walks.twins.world.secrets() if secret in written]
