from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from sandbox.platforms.linkedin_text import rendered
from sandbox.platforms.model import App
from sandbox.platforms.testing import Twins, jpeg
from sandbox.platforms.testing_linkedin import (
    APP,
    MEMBER,
    MP4,
    ORG,
    PERSON,
    api,
    begin,
    finalize,
    image,
    introspect,
    link,
    populate,
    post,
    put,
    version,
    why,
    words,
)


@pytest.fixture(autouse=True)
def populated(twins: Twins) -> None:
    populate(twins)


# Versions


async def test_versions_live_twelve_months(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    now = version(twins)
    year_ago, older = f"{int(now[:4]) - 1}{now[4:]}", f"{int(now[:4]) - 2}{now[4:]}"

    async def with_version(value: str) -> tuple[int, str]:
        answer = await api(twins, "POST", "/rest/posts", token, json={}, headers={"linkedin-version": value})
        return why(answer)

    assert await with_version("") == (400, "VERSION_MISSING")
    assert await with_version(older) == (426, "NONEXISTENT_VERSION")
    assert await with_version("209912") == (426, "NONEXISTENT_VERSION")
    assert await with_version("latest") == (426, "NONEXISTENT_VERSION")
    assert await with_version(year_ago) == (400, "MISSING_FIELD")
    answer = await api(
        twins, "POST", "/rest/posts", token, json=words(), headers={"x-restli-protocol-version": "1.0.0"}
    )
    assert why(answer) == (400, "ILLEGAL_ARGUMENT")
    twins.advance(days=40)
    fresh = (await link(twins))["access_token"]
    answer = await api(twins, "POST", "/rest/posts", fresh, json={}, headers={"linkedin-version": year_ago})
    assert answer.json()["message"] == f"Requested version {year_ago}01 is not active"


# Posts


async def test_a_post_has_its_id_in_a_header(twins: Twins) -> None:
    token = (await link(twins, MEMBER))["access_token"]
    answer = await post(twins, token, words())
    assert (answer.status_code, answer.content) == (201, b"")
    urn = answer.headers["x-restli-id"]
    assert urn.startswith("urn:li:share:")
    (entry,) = twins.world.ledger.posts("Fresh bread", platform="linkedin", account="anna1")
    assert entry.detail["id"] == urn
    path = f"/rest/posts/{quote(urn, safe='')}"
    assert (await api(twins, "DELETE", path, token)).status_code == 204
    assert not twins.world.posts_of("linkedin", "anna1")


async def test_posts_for_an_organisation_belong_to_it(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    assert (await post(twins, token, words(author=ORG))).status_code == 201
    assert len(twins.world.posts_of("linkedin", "5001")) == 1
    assert why(await post(twins, token, words(author="urn:li:organization:5002"))) == (403, "ACCESS_DENIED")
    member = (await link(twins, MEMBER))["access_token"]
    assert why(await post(twins, member, words(author=ORG))) == (403, "ACCESS_DENIED")
    assert why(await post(twins, member, words(author="urn:li:person:ben2"))) == (403, "ACCESS_DENIED")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (words("x" * 3001), "FIELD_LENGTH_TOO_LONG"),
        (words("  "), "INVALID_VALUE_BLANK_FIELD"),
        (words(visibility="EVERYBODY"), "INVALID_VALUE_FOR_FIELD"),
        (words(lifecycleState="DRAFT"), "INVALID_VALUE_FOR_FIELD"),
        (words(distribution=None), "MISSING_FIELD"),
        (words(distribution={}), "MISSING_FIELD"),
        (words(author="anna1"), "INVALID_URN_TYPE"),
        (words(commentary=5), "INVALID_VALUE_FOR_FIELD"),
        (words(colour="red"), "ILLEGAL_ARGUMENT"),
        (words(content={"media": {"id": "urn:li:image:none"}}), "INVALID_URN_ID"),
        (words(content={"article": {"source": "https://a.example"}}), "MISSING_FIELD"),
        (words(content={"multiImage": {"images": []}}), "INVALID_VALUE_FOR_FIELD"),
        (words(content={"media": {}, "poll": {}}), "INVALID_VALUE_FOR_FIELD"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_wrong_posts(twins: Twins, body: dict[str, Any], code: str) -> None:
    token = (await link(twins, MEMBER))["access_token"]
    assert why(await post(twins, token, body)) == (400, code)


async def test_articles_and_polls(twins: Twins) -> None:
    token = (await link(twins, MEMBER))["access_token"]
    article = {"article": {"source": "https://a.example", "title": "Bread", "description": "All of it"}}
    assert (await post(twins, token, words(content=article))).status_code == 201
    poll = {
        "question": "Which?",
        "options": [{"text": "Rye"}, {"text": "Spelt"}],
        "settings": {"duration": "THREE_DAYS"},
    }
    answer = await post(twins, token, words(content={"poll": poll}))
    assert answer.headers["x-restli-id"].startswith("urn:li:ugcPost:")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("plain words", "plain words"),
        ("a \\(b\\) \\_c\\_", "a (b) _c_"),
        ("cut (here", "cut "),
        ("back\\\\slash", "back\\slash"),
        ("{hashtag|\\#|bread} now", "#bread now"),
        ("hello @[Anna](urn:li:person:anna1)!", "hello Anna!"),
        ("one #two", "one "),
    ],
)
def test_little_text(sent: str, shown: str) -> None:
    assert rendered(sent) == shown


async def test_an_unescaped_text_is_cut_off_without_a_word(twins: Twins) -> None:
    token = (await link(twins, MEMBER))["access_token"]
    assert (await post(twins, token, words("Bread (rye) today"))).status_code == 201
    (live,) = twins.world.posts_of("linkedin", "anna1")
    assert (live.text, live.shown) == ("Bread (rye) today", "Bread ")


async def test_a_duplicate_names_its_twin_for_ten_minutes(twins: Twins) -> None:
    token = (await link(twins, MEMBER))["access_token"]
    urn = (await post(twins, token, words())).headers["x-restli-id"]
    twin = await post(twins, token, words())
    assert twin.status_code == 422
    (wrong,) = twin.json()["errorDetails"]["inputErrors"]
    assert wrong["code"] == "DUPLICATE_POST"
    assert wrong["description"].endswith(f"Content is a duplicate of {urn}")
    twins.advance(seconds=601)
    assert (await post(twins, token, words())).status_code == 201


async def test_a_day_has_its_quota_and_says_nothing_of_it(twins: Twins) -> None:
    twins.world.register_app(App(**{**APP.__dict__, "reviewed": False}))
    token = (await link(twins, MEMBER))["access_token"]
    for _ in range(100):
        assert (await api(twins, "GET", "/v2/userinfo", token)).status_code == 200
    full = await api(twins, "GET", "/v2/userinfo", token)
    assert why(full) == (429, "TOO_MANY_REQUESTS")
    assert not [name for name in full.headers if "retry" in name or "limit" in name]
    assert (await introspect(twins, token)).status_code == 200
    twins.advance(days=1)
    assert (await api(twins, "GET", "/v2/userinfo", token)).status_code == 200


async def test_an_image_is_put_with_the_token_and_posted(twins: Twins) -> None:
    token = (await link(twins, MEMBER))["access_token"]
    value = await begin(twins, token, "images")
    content = {"media": {"id": value["image"], "altText": "A loaf"}}
    early = await post(twins, token, words(content=content))
    assert why(early) == (400, "MEDIA_ASSET_WAITING_UPLOAD")
    assert why(await put(twins, value["uploadUrl"], jpeg())) == (401, "EMPTY_ACCESS_TOKEN")
    assert (await put(twins, value["uploadUrl"], jpeg(), token)).status_code == 201
    assert (await post(twins, token, words(content=content))).status_code == 201
    two = [{"id": await image(twins, token)} for _ in range(2)]
    assert (await post(twins, token, words(content={"multiImage": {"images": two}}))).status_code == 201


async def test_images_belong_to_their_owner_and_can_be_broken(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    mine = await image(twins, token)
    foreign = await post(twins, token, words(author=ORG, content={"media": {"id": mine}}))
    assert why(foreign) == (403, "ACCESS_DENIED")
    assert "forbidden" in foreign.json()["message"]
    value = await begin(twins, token, "images")
    await put(twins, value["uploadUrl"], b"not an image", token)
    broken = await post(twins, token, words(content={"media": {"id": value["image"]}}))
    assert why(broken) == (400, "MEDIA_ASSET_PROCESSING_FAILED")
    body = {"initializeUploadRequest": {"owner": "urn:li:organization:5002"}}
    answer = await api(twins, "POST", "/rest/images?action=initializeUpload", token, json=body)
    assert why(answer) == (403, "ACCESS_DENIED")


async def test_members_cannot_look_at_images_unless_it_is_allowed(twins: Twins) -> None:
    token = (await link(twins, MEMBER))["access_token"]
    path = f"/rest/images/{quote(await image(twins, token), safe='')}"
    assert why(await api(twins, "GET", path, token)) == (403, "ACCESS_DENIED")
    twins.world.modes["linkedin.member_reads"] = "allowed"
    assert (await api(twins, "GET", path, token)).json()["status"] == "AVAILABLE"


async def test_a_document(twins: Twins) -> None:
    token = (await link(twins, MEMBER))["access_token"]
    value = await begin(twins, token, "documents")
    assert (await put(twins, value["uploadUrl"], b"%PDF-1.7", token)).status_code == 201
    content = {"media": {"id": value["document"], "title": "Menu"}}
    assert (await post(twins, token, words(content=content))).status_code == 201


async def test_a_video_in_slices(twins: Twins) -> None:
    token, size = (await link(twins, MEMBER))["access_token"], 4_194_304 + 100
    data = MP4 + b"\x00" * (size - len(MP4))
    value = await begin(
        twins, token, "videos", fileSizeBytes=size, uploadCaptions=False, uploadThumbnail=False
    )
    assert [(i["firstByte"], i["lastByte"]) for i in value["uploadInstructions"]] == [
        (0, 4_194_303),
        (4_194_304, size - 1),
    ]
    tags = []
    for part in value["uploadInstructions"]:
        answer = await put(twins, part["uploadUrl"], data[part["firstByte"] : part["lastByte"] + 1])
        assert answer.headers["etag"].startswith('"')
        tags.append(answer.headers["etag"].strip('"'))
    assert (await put(twins, value["uploadInstructions"][0]["uploadUrl"], b"short")).status_code == 400
    assert why(await finalize(twins, token, value["video"], tags[::-1])) == (400, "INVALID_VALUE_FOR_FIELD")
    assert (await finalize(twins, token, value["video"], tags)).status_code == 200
    path = f"/rest/videos/{quote(value['video'], safe='')}"
    states = [(await api(twins, "GET", path, token)).json()["status"] for _ in range(2)]
    assert states == ["PROCESSING", "AVAILABLE"]
    answer = await post(twins, token, words(content={"media": {"id": value["video"], "title": "Film"}}))
    assert answer.headers["x-restli-id"].startswith("urn:li:ugcPost:")


async def test_a_video_can_fail_and_sizes_have_bounds(twins: Twins) -> None:
    token, size = (await link(twins, MEMBER))["access_token"], 80_000
    value = await begin(twins, token, "videos", fileSizeBytes=size)
    (part,) = value["uploadInstructions"]
    answer = await put(twins, part["uploadUrl"], MP4 + b"\x00" * (size - len(MP4)))
    twins.world.set_fault("container_error", "linkedin", "anna1", count=1)
    await finalize(twins, token, value["video"], [answer.headers["etag"].strip('"')])
    path = f"/rest/videos/{quote(value['video'], safe='')}"
    last = [(await api(twins, "GET", path, token)).json() for _ in range(2)][-1]
    assert last["status"] == "PROCESSING_FAILED"
    assert last["processingFailureReason"]
    body = {"initializeUploadRequest": {"owner": PERSON, "fileSizeBytes": 10}}
    answer = await api(twins, "POST", "/rest/videos?action=initializeUpload", token, json=body)
    assert why(answer) == (400, "INVALID_VALUE_FOR_FIELD")


async def test_upload_addresses_end(twins: Twins) -> None:
    token = (await link(twins, MEMBER))["access_token"]
    value = await begin(twins, token, "images")
    assert (await put(twins, value["uploadUrl"] + "x", jpeg(), token)).status_code == 404
    twins.advance(hours=24)
    assert why(await put(twins, value["uploadUrl"], jpeg(), token)) == (400, "EXPIRED_UPLOAD_URL")


# Faults


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("expired", (401, "EXPIRED_ACCESS_TOKEN")),
        ("revoked", (401, "REVOKED_ACCESS_TOKEN")),
        ("password_changed", (401, "REVOKED_ACCESS_TOKEN")),
        ("scope_removed", (403, "ACCESS_DENIED")),
        ("suspended", (403, "ACCESS_DENIED")),
        ("app_suspended", (403, "ACCESS_DENIED")),
        ("rate_limited", (429, "TOO_MANY_REQUESTS")),
        ("write_conflict", (409, "CONFLICT")),
        ("unavailable", (503, "SERVICE_UNAVAILABLE")),
    ],
)
async def test_faults_while_posting(twins: Twins, kind: str, expected: tuple[int, str]) -> None:
    token = (await link(twins, MEMBER))["access_token"]
    ben = (await link(twins, MEMBER, **{"as": "ben2"}))["access_token"]
    twins.world.set_fault(kind, "linkedin", "anna1")
    assert why(await post(twins, token, words())) == expected
    assert (await post(twins, ben, words(author="urn:li:person:ben2"))).status_code == 201


async def test_a_token_can_be_called_revoked_by_mistake(twins: Twins) -> None:
    token = (await link(twins, MEMBER))["access_token"]
    twins.world.set_fault("false_revoked", "linkedin", "anna1", count=1)
    assert why(await api(twins, "GET", "/v2/userinfo", token)) == (401, "REVOKED_ACCESS_TOKEN")
    assert (await api(twins, "GET", "/v2/userinfo", token)).status_code == 200
    assert why(await api(twins, "GET", "/v2/userinfo", "AQXnone")) == (401, "INVALID_ACCESS_TOKEN")
    answer = await twins.http.get("/api.linkedin.com/v2/userinfo")
    assert why(answer) == (401, "EMPTY_ACCESS_TOKEN")


async def test_a_504_that_happened_is_found_by_its_duplicate(twins: Twins) -> None:
    token = (await link(twins, MEMBER))["access_token"]
    twins.world.set_fault("late_success", "linkedin", "anna1", count=1)
    assert (await post(twins, token, words())).status_code == 504
    (entry,) = twins.world.ledger.posts("Fresh bread")
    again = await post(twins, token, words())
    assert entry.detail["id"] in again.json()["message"]


async def test_an_organisations_own_faults(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    twins.world.set_fault("rate_limited", "linkedin", "5001")
    assert why(await post(twins, token, words(author=ORG))) == (429, "TOO_MANY_REQUESTS")
    assert (await post(twins, token, words())).status_code == 201


async def test_other_paths_and_methods(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    assert (await api(twins, "GET", "/rest/nothing", token)).status_code == 404
    assert (await api(twins, "PUT", "/rest/posts", token)).status_code == 405
    answer = await api(
        twins, "POST", "/rest/posts", token, content="{}", headers={"content-type": "text/plain"}
    )
    assert answer.status_code == 415
