from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from sandbox.platforms.linkedin_text import rendered
from sandbox.platforms.model import Account, App
from sandbox.platforms.testing import CHALLENGE, Twins, jpeg

BACK = "https://bot.example/oauth/linkedin/callback"
MEMBER = "openid profile w_member_social"
PAGES = f"{MEMBER} w_organization_social r_organization_social rw_organization_admin"
AUTHORIZE = "/www.linkedin.com/oauth/v2/authorization"
TOKEN = "/www.linkedin.com/oauth/v2/accessToken"
PERSON, ORG = "urn:li:person:anna1", "urn:li:organization:5001"
CLIENT = {"client_id": "li-app", "client_secret": "li-secret-1"}
APP = App(
    platform="linkedin",
    client_id="li-app",
    secret="li-secret-1",
    redirect_uris=(BACK,),
    scopes=frozenset([*PAGES.split(), "email"]),
)
MP4 = b"\x00\x00\x00\x18ftypmp42"


@pytest.fixture(autouse=True)
def populated(twins: Twins) -> None:
    twins.world.register_app(APP)
    roles = {"5001": "ADMINISTRATOR", "5002": "DIRECT_SPONSORED_CONTENT_POSTER"}
    people: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("anna1", "anna", "Anna Baker", {"roles": roles}),
        ("ben2", "ben", "Ben Florist", {}),
    )
    for id, handle, name, extra in people:
        twins.world.add_account(Account(platform="linkedin", id=id, handle=handle, name=name, extra=extra))
    for id, handle in (("5001", "bakery"), ("5002", "mill")):
        twins.world.add_account(
            Account(platform="linkedin", id=id, handle=handle, name=handle.title(), login=False)
        )


def asked(**changes: str) -> dict[str, str]:
    query = {
        "response_type": "code",
        "client_id": "li-app",
        "redirect_uri": BACK,
        "state": "state-1",
        "scope": PAGES,
    }
    return {**query, **changes}


async def exchange(twins: Twins, code: str, /, **changes: str) -> httpx.Response:
    form = {**CLIENT, "grant_type": "authorization_code", "redirect_uri": BACK, "code": code}
    return await twins.http.post(TOKEN, data={**form, **changes})


async def link(twins: Twins, scope: str = PAGES, /, **form: Any) -> dict[str, Any]:
    back = await twins.consent(AUTHORIZE, asked(scope=scope), form or {"decision": "approve"})
    answer = await exchange(twins, back["code"])
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def refresh(twins: Twins, token: str) -> httpx.Response:
    form = {**CLIENT, "grant_type": "refresh_token", "refresh_token": token}
    return await twins.http.post(TOKEN, data=form)


async def introspect(twins: Twins, token: str, **changes: str) -> httpx.Response:
    path = "/www.linkedin.com/oauth/v2/introspectToken"
    return await twins.http.post(path, data={**CLIENT, "token": token, **changes})


def version(twins: Twins) -> str:
    return twins.world.now().strftime("%Y%m")


async def api(twins: Twins, method: str, path: str, token: str, **more: Any) -> httpx.Response:
    headers = {
        "authorization": f"Bearer {token}",
        "linkedin-version": version(twins),
        "x-restli-protocol-version": "2.0.0",
        **more.pop("headers", {}),
    }
    return await twins.http.request(method, f"/api.linkedin.com{path}", headers=headers, **more)


def words(text: str = "Fresh bread", **changes: Any) -> dict[str, Any]:
    body = {
        "author": PERSON,
        "commentary": text,
        "visibility": "PUBLIC",
        "distribution": {
            "feedDistribution": "MAIN_FEED",
            "targetEntities": [],
            "thirdPartyDistributionChannels": [],
        },
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


async def post(twins: Twins, token: str, body: dict[str, Any]) -> httpx.Response:
    return await api(twins, "POST", "/rest/posts", token, json=body)


def why(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    return answer.status_code, body.get("code") or body.get("error")


# Consent and tokens


async def test_consent_is_all_or_nothing_and_can_be_cancelled(twins: Twins) -> None:
    page = (await twins.http.get(AUTHORIZE, params=asked())).text
    assert 'data-testid="partial"' not in page
    assert 'data-testid="as-bakery"' not in page  # organisations do not log in
    back = await twins.consent(AUTHORIZE, asked(), {"decision": "deny"})
    assert (back["error"], back["state"]) == ("user_cancelled_authorize", "state-1")
    twins.world.modes["linkedin.denial"] = "user_cancelled_login"
    back = await twins.consent(AUTHORIZE, asked(), {"decision": "deny"})
    assert back["error"] == "user_cancelled_login"
    assert "error_description" in back


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "other"},
        {"redirect_uri": BACK + "/"},
        {"redirect_uri": BACK + "#x"},
        {"response_type": "token"},
        {"state": ""},
        {"scope": ""},
        {"code_challenge": CHALLENGE, "code_challenge_method": "S256"},
    ],
    ids=str,
)
async def test_a_wrong_request_gets_a_page(twins: Twins, wrong: dict[str, str]) -> None:
    answer = await twins.http.get(AUTHORIZE, params=asked(**wrong))
    assert answer.status_code == 400
    assert 'data-testid="reason"' in answer.text


async def test_a_scope_that_the_app_lacks_comes_back_as_an_error(twins: Twins) -> None:
    back = await twins.consent(AUTHORIZE, asked(scope="openid r_ads"), {"decision": "approve"})
    assert (back["error"], back["state"]) == ("unauthorized_scope_error", "state-1")


async def test_the_same_consent_again_needs_no_page(twins: Twins) -> None:
    await twins.http.get(AUTHORIZE, params=asked())
    await link(twins)
    assert (await twins.http.get(AUTHORIZE, params=asked())).status_code == 302
    assert (await twins.http.get(AUTHORIZE, params=asked(scope=MEMBER))).status_code == 200


async def test_a_self_serve_app_gets_no_refresh_token(twins: Twins) -> None:
    tokens = await link(twins, MEMBER)
    assert (tokens["expires_in"], tokens["token_type"]) == (5_183_999, "Bearer")
    assert tokens["scope"] == "openid,profile,w_member_social"
    assert len(tokens["access_token"]) >= 1000
    assert "refresh_token" not in tokens
    twins.world.modes["linkedin.scope_separator"] = "space"
    assert (await link(twins, MEMBER))["scope"] == MEMBER


async def test_a_partner_app_keeps_one_refresh_token_that_counts_down(twins: Twins) -> None:
    twins.world.register_app(App(**{**APP.__dict__, "extra": {"mdp": True}}))
    first = await link(twins)
    assert first["refresh_token_expires_in"] == 31_536_000
    twins.advance(days=59)
    second = (await refresh(twins, first["refresh_token"])).json()
    assert second["refresh_token"] == first["refresh_token"]
    assert second["refresh_token_expires_in"] // 86_400 in (305, 306)
    twins.advance(days=286)
    third = (await refresh(twins, first["refresh_token"])).json()
    assert third["expires_in"] <= 20 * 86_400
    twins.advance(days=21)
    dead = await refresh(twins, first["refresh_token"])
    assert why(dead) == (400, "invalid_request")
    assert "invalid, expired or revoked" in dead.json()["error_description"]
    twins.world.modes["linkedin.dead_refresh"] = "invalid_grant"
    assert why(await refresh(twins, first["refresh_token"])) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"client_id": "other"}, (401, "invalid_client")),
        ({"client_secret": "wrong-secret"}, (401, "invalid_client")),
        ({"code": ""}, (400, "invalid_request")),
        ({"grant_type": ""}, (400, "invalid_request")),
        ({"grant_type": "magic"}, (400, "unsupported_grant_type")),
        ({"code": "unknown"}, (401, "invalid_request")),
        ({"redirect_uri": BACK + "/"}, (400, "invalid_redirect_uri")),
        ({"code_verifier": "v" * 50}, (400, "invalid_redirect_uri")),
    ],
    ids=str,
)
async def test_wrong_exchanges(twins: Twins, change: dict[str, str], expected: tuple[int, str]) -> None:
    code = (await twins.consent(AUTHORIZE, asked(), {"decision": "approve"}))["code"]
    assert why(await exchange(twins, code, **change)) == expected


async def test_a_code_works_once_and_only_as_a_form(twins: Twins) -> None:
    code = (await twins.consent(AUTHORIZE, asked(), {"decision": "approve"}))["code"]
    assert why(await twins.http.post(TOKEN, json={**CLIENT, "code": code})) == (400, "invalid_request")
    assert (await exchange(twins, code)).status_code == 200
    again = await exchange(twins, code)
    assert (
        again.json()["error_description"] == "Unable to retrieve access token: authorization code not found"
    )


async def test_another_set_of_scopes_ends_the_earlier_consent(twins: Twins) -> None:
    pages, same = await link(twins), await link(twins)
    assert (await introspect(twins, pages["access_token"])).json()["active"] is True
    await link(twins, MEMBER)
    for tokens in (pages, same):
        body = (await introspect(twins, tokens["access_token"])).json()
        assert (body["active"], body["status"]) == (False, "revoked")
    twins.world.modes["linkedin.second_consent"] = "keeps"
    member = await link(twins, MEMBER)
    await link(twins)
    assert (await introspect(twins, member["access_token"])).json()["active"] is True


async def test_introspection(twins: Twins) -> None:
    token = (await link(twins, MEMBER))["access_token"]
    body = (await introspect(twins, token)).json()
    assert (body["status"], body["auth_type"], body["client_id"]) == ("active", "3L", "li-app")
    assert body["expires_at"] - body["created_at"] == 5_183_999
    assert set(body["scope"].split(",")) == set(MEMBER.split())
    assert (await introspect(twins, "AQXunknown")).json() == {"active": False}
    assert why(await introspect(twins, token, client_secret="wrong-secret")) == (401, "invalid_client")
    twins.advance(days=60)
    assert (await introspect(twins, token)).json()["status"] == "expired"


async def test_revocation_may_not_exist(twins: Twins) -> None:
    token, path = (await link(twins))["access_token"], "/www.linkedin.com/oauth/v2/revoke"
    twins.world.modes["linkedin.revoke"] = "absent"
    assert (await twins.http.post(path, data={**CLIENT, "token": token})).status_code == 404
    twins.world.modes["linkedin.revoke"] = "present"
    assert (await twins.http.post(path, data={**CLIENT, "token": token})).status_code == 200
    assert why(await api(twins, "GET", "/v2/userinfo", token)) == (401, "REVOKED_ACCESS_TOKEN")


# Who, and for whom


async def test_userinfo_says_as_much_as_the_scopes_allow(twins: Twins) -> None:
    token = (await link(twins, MEMBER))["access_token"]
    answer = await twins.http.get(
        "/api.linkedin.com/v2/userinfo", headers={"authorization": f"Bearer {token}"}
    )
    assert (answer.json()["sub"], answer.json()["name"]) == ("anna1", "Anna Baker")
    assert "email" not in answer.json()
    assert {"x-li-uuid", "x-li-fabric", "x-li-request-id"} <= set(answer.headers)
    assert why(await api(twins, "GET", "/v2/me", token)) == (403, "ACCESS_DENIED")


async def test_a_member_has_another_id_at_another_app(twins: Twins) -> None:
    subs = {"li-app": "anna-at-li-app"}
    twins.world.change_account("linkedin", "anna1", extra={"subs": subs})
    token = (await link(twins, MEMBER))["access_token"]
    assert (await api(twins, "GET", "/v2/userinfo", token)).json()["sub"] == "anna-at-li-app"
    assert why(await post(twins, token, words())) == (403, "ACCESS_DENIED")
    answer = await post(twins, token, words(author="urn:li:person:anna-at-li-app"))
    assert answer.status_code == 201


async def test_roles_and_their_organisations(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    path = "/rest/organizationAcls?q=roleAssignee&state=APPROVED"
    body = (await api(twins, "GET", path, token)).json()
    assert {item["organization"]: item["role"] for item in body["elements"]} == {
        ORG: "ADMINISTRATOR",
        "urn:li:organization:5002": "DIRECT_SPONSORED_CONTENT_POSTER",
    }
    old = "/v2/organizationalEntityAcls?q=roleAssignee&role=ADMINISTRATOR"
    (only,) = (await api(twins, "GET", old, token)).json()["elements"]
    assert only["organizationalTarget"] == ORG
    name = (await api(twins, "GET", "/rest/organizations/5001", token)).json()["localizedName"]
    assert name == "Bakery"
    assert why(await api(twins, "GET", "/rest/organizationAcls", token)) == (400, "ILLEGAL_ARGUMENT")
    member = (await link(twins, MEMBER))["access_token"]
    assert why(await api(twins, "GET", path, member)) == (403, "ACCESS_DENIED")


@pytest.mark.parametrize("whose", ["anna1", "5001"])
async def test_a_lost_role_leaves_the_token_alive(twins: Twins, whose: str) -> None:
    token = (await link(twins))["access_token"]
    assert (await post(twins, token, words(author=ORG))).status_code == 201
    twins.world.set_fault("role_lost", "linkedin", whose)
    body = (await api(twins, "GET", "/rest/organizationAcls?q=roleAssignee", token)).json()
    assert ORG not in {item["organization"] for item in body["elements"]}
    assert why(await post(twins, token, words("More", author=ORG))) == (403, "ACCESS_DENIED")
    assert (await post(twins, token, words())).status_code == 201


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


# Media


async def begin(twins: Twins, token: str, kind: str, **wanted: Any) -> dict[str, Any]:
    body = {"initializeUploadRequest": {"owner": PERSON, **wanted}}
    answer = await api(twins, "POST", f"/rest/{kind}?action=initializeUpload", token, json=body)
    assert answer.status_code == 200, answer.text
    value: dict[str, Any] = answer.json()["value"]
    return value


async def put(twins: Twins, url: str, data: bytes, token: str = "") -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return await twins.http.put(url.replace("https://", "/"), content=data, headers=headers)


async def image(twins: Twins, token: str, **wanted: Any) -> str:
    value = await begin(twins, token, "images", **wanted)
    assert (await put(twins, value["uploadUrl"], jpeg(), token)).status_code == 201
    return str(value["image"])


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


async def finalize(twins: Twins, token: str, video: str, parts: list[str]) -> httpx.Response:
    body = {"finalizeUploadRequest": {"video": video, "uploadToken": "", "uploadedPartIds": parts}}
    return await api(twins, "POST", "/rest/videos?action=finalizeUpload", token, json=body)


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
