from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from sandbox.platforms.model import Account, App
from sandbox.platforms.testing import CHALLENGE, VERIFIER, Twins, jpeg

BACK = "https://bot.example/oauth/youtube/callback"
LOCAL = "http://127.0.0.1:3000/oauth/youtube/callback"
UPLOAD = "https://www.googleapis.com/auth/youtube.upload"
READ = "https://www.googleapis.com/auth/youtube.readonly"
FULL = "https://www.googleapis.com/auth/youtube"
AUTHORIZE = "/accounts.google.com/o/oauth2/v2/auth"
TOKEN = "/oauth2.googleapis.com/token"
VIDEOS = "/www.googleapis.com/youtube/v3/videos"
UPLOADS = "/www.googleapis.com/upload/youtube/v3/videos"
CLIENT = {"client_id": "yt-app", "client_secret": "yt-secret-1"}
APP = App(
    platform="youtube",
    client_id="yt-app",
    secret="yt-secret-1",
    redirect_uris=(BACK, LOCAL, "https://10.0.0.1/cb"),
    scopes=frozenset({UPLOAD, READ, FULL}),
)
UNIT = 262_144
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 500


@pytest.fixture(autouse=True)
def populated(twins: Twins) -> None:
    twins.world.register_app(APP)
    person = {"google": "anna"}
    for id, handle, extra in (
        ("UCbakery", "bakery", person),
        ("UCcakes", "cakes", person),
        ("UCother", "other", {}),
    ):
        twins.world.add_account(
            Account(platform="youtube", id=id, handle=handle, name=handle.title(), extra=extra)
        )


def asked(**changes: str) -> dict[str, str]:
    query = {
        "client_id": "yt-app",
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": f"{UPLOAD} {READ}",
        "access_type": "offline",
        "prompt": "consent select_account",
        "state": "state-1",
    }
    return {**query, **changes}


async def exchange(twins: Twins, code: str, /, **changes: str) -> httpx.Response:
    form = {**CLIENT, "grant_type": "authorization_code", "redirect_uri": BACK, "code": code}
    return await twins.http.post(TOKEN, data={**form, **changes})


async def link(twins: Twins, query: dict[str, str] | None = None, /, **form: Any) -> dict[str, Any]:
    back = await twins.consent(AUTHORIZE, query or asked(), form or {"decision": "approve"})
    answer = await exchange(twins, back["code"])
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def refresh(twins: Twins, token: str, **changes: str) -> httpx.Response:
    form = {**CLIENT, "grant_type": "refresh_token", "refresh_token": token}
    return await twins.http.post(TOKEN, data={**form, **changes})


async def get(twins: Twins, path: str, token: str, **query: str) -> httpx.Response:
    return await twins.http.get(path, params=query, headers={"authorization": f"Bearer {token}"})


async def delete(twins: Twins, token: str, id: str) -> httpx.Response:
    return await twins.http.delete(VIDEOS, params={"id": id}, headers={"authorization": f"Bearer {token}"})


async def channels(twins: Twins, token: str) -> httpx.Response:
    path = "/www.googleapis.com/youtube/v3/channels"
    return await get(twins, path, token, part="snippet,statistics", mine="true")


def why(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    return answer.status_code, error if isinstance(error, str) else error["errors"][0]["reason"]


# Consent and tokens


async def test_the_chooser_offers_each_channel_and_unticking(twins: Twins) -> None:
    page = (await twins.http.get(AUTHORIZE, params=asked())).text
    for mark in ("as-bakery", "as-cakes", "as-other", "partial", "deny"):
        assert f'data-testid="{mark}"' in page
    assert await twins.consent(AUTHORIZE, asked(), {"decision": "deny"}) == {
        "error": "access_denied",
        "state": "state-1",
    }


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"client_id": "other"}, "invalid_client"),
        ({"redirect_uri": BACK + "/"}, "redirect_uri_mismatch"),
        ({"redirect_uri": "https://10.0.0.1/cb"}, "redirect_uri_mismatch"),
        ({"response_type": "token"}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"prompt": "please"}, "invalid_request"),
        ({"access_type": "always"}, "invalid_request"),
    ],
    ids=str,
)
async def test_a_wrong_request_gets_googles_page(twins: Twins, wrong: dict[str, str], error: str) -> None:
    answer = await twins.http.get(AUTHORIZE, params=asked(**wrong))
    assert f": {error}" in answer.text
    assert answer.status_code in (400, 401)


async def test_the_token_is_bound_to_the_chosen_channel(twins: Twins) -> None:
    tokens = await link(twins, **{"as": "UCcakes"})
    assert tokens["expires_in"] == 3599
    assert "refresh_token_expires_in" not in tokens
    body = (await channels(twins, tokens["access_token"])).json()
    (item,) = body["items"]
    assert (item["id"], item["snippet"]["customUrl"]) == ("UCcakes", "@cakes")


async def test_unticked_scopes_are_missing_and_refused(twins: Twins) -> None:
    tokens = await link(twins, decision="partial", scope=[UPLOAD])
    assert tokens["scope"] == UPLOAD
    answer = await channels(twins, tokens["access_token"])
    assert why(answer) == (403, "insufficientPermissions")
    assert answer.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


async def test_a_refresh_token_comes_only_at_first_or_with_consent(twins: Twins) -> None:
    await twins.http.get(AUTHORIZE, params=asked())
    plain = {name: value for name, value in asked().items() if name != "prompt"}
    assert "refresh_token" in await link(twins, plain)
    bounced = await twins.http.get(AUTHORIZE, params=plain)
    assert bounced.status_code == 302
    assert "refresh_token" not in await link(twins, plain)
    assert "refresh_token" in await link(twins)
    assert "refresh_token" not in await link(twins, {**asked(), "access_type": "online"})


async def test_refreshing_gives_no_refresh_token_and_can_be_repeated(twins: Twins) -> None:
    first = await link(twins)
    bodies = [(await refresh(twins, first["refresh_token"])).json() for _ in range(2)]
    for body in bodies:
        assert set(body) == {"access_token", "expires_in", "scope", "token_type"}
        assert (await channels(twins, body["access_token"])).status_code == 200
    assert (await channels(twins, first["access_token"])).status_code == 200


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"client_id": "other"}, (401, "invalid_client")),
        ({"client_secret": "wrong-secret"}, (401, "invalid_client")),
        ({"client_secret": ""}, (400, "invalid_request")),
        ({"grant_type": "magic"}, (400, "unsupported_grant_type")),
        ({"code": "unknown"}, (400, "invalid_grant")),
        ({"redirect_uri": LOCAL}, (400, "redirect_uri_mismatch")),
    ],
    ids=str,
)
async def test_wrong_exchanges(twins: Twins, change: dict[str, str], expected: tuple[int, str]) -> None:
    code = (await twins.consent(AUTHORIZE, asked(), {"decision": "approve"}))["code"]
    assert why(await exchange(twins, code, **change)) == expected


async def test_a_code_works_once_and_with_its_verifier(twins: Twins) -> None:
    query = asked(code_challenge=CHALLENGE, code_challenge_method="S256")
    code = (await twins.consent(AUTHORIZE, query, {"decision": "approve"}))["code"]
    assert why(await exchange(twins, code)) == (400, "invalid_grant")
    assert why(await exchange(twins, code, code_verifier="w" * 50)) == (400, "invalid_grant")
    assert (await exchange(twins, code, code_verifier=VERIFIER)).status_code == 200
    assert why(await exchange(twins, code, code_verifier=VERIFIER)) == (400, "invalid_grant")
    answer = await twins.http.post(TOKEN, json=CLIENT)
    assert why(answer) == (400, "invalid_request")


async def test_lifetimes(twins: Twins) -> None:
    tokens = await link(twins)
    twins.advance(seconds=3600)
    answer = await channels(twins, tokens["access_token"])
    assert (why(answer), answer.json()["error"]["status"]) == ((401, "authError"), "UNAUTHENTICATED")
    for _ in range(3):
        twins.advance(days=150)
        assert (await refresh(twins, tokens["refresh_token"])).status_code == 200
    twins.advance(days=184)
    dead = await refresh(twins, tokens["refresh_token"])
    assert why(dead) == (400, "invalid_grant")
    assert dead.json()["error_description"] == "Token has been expired or revoked."


async def test_an_app_in_testing_loses_its_refresh_token_after_a_week(twins: Twins) -> None:
    twins.world.register_app(App(**{**APP.__dict__, "extra": {"testing": True}}))
    tokens = await link(twins)
    assert tokens["refresh_token_expires_in"] == 604_799
    twins.advance(days=6)
    assert (await refresh(twins, tokens["refresh_token"])).status_code == 200
    twins.advance(days=1)
    assert why(await refresh(twins, tokens["refresh_token"])) == (400, "invalid_grant")


async def test_too_many_refresh_tokens_drop_the_oldest(twins: Twins) -> None:
    twins.world.modes["youtube.token_cap"] = "2"
    held = [(await link(twins))["refresh_token"] for _ in range(3)]
    statuses = [(await refresh(twins, token)).status_code for token in held]
    assert statuses == [400, 200, 200]


async def test_what_a_token_is(twins: Twins) -> None:
    tokens = await link(twins)
    path = "/oauth2.googleapis.com/tokeninfo"
    facts = (await twins.http.get(path, params={"access_token": tokens["access_token"]})).json()
    assert (facts["aud"], facts["access_type"]) == ("yt-app", "offline")
    assert set(facts["scope"].split()) == {UPLOAD, READ}
    assert 3590 <= int(facts["expires_in"]) <= 3599
    bad = await twins.http.get(path, params={"access_token": tokens["refresh_token"]})
    assert (why(bad), bad.json()["error_description"]) == ((400, "invalid_token"), "Invalid Value")


async def test_revoking_one_channel_ends_all_of_that_person(twins: Twins) -> None:
    bakery, cakes = await link(twins, **{"as": "UCbakery"}), await link(twins, **{"as": "UCcakes"})
    other = await link(twins, **{"as": "UCother"})
    path = "/oauth2.googleapis.com/revoke"
    assert (await twins.http.post(path, data={"token": bakery["access_token"]})).status_code == 200
    assert why(await refresh(twins, cakes["refresh_token"])) == (400, "invalid_grant")
    assert (await refresh(twins, other["refresh_token"])).status_code == 200
    again = await twins.http.post(path, data={"token": bakery["refresh_token"]})
    assert why(again) == (400, "invalid_token")


async def test_a_person_who_removes_the_app_removes_it_everywhere(twins: Twins) -> None:
    cakes, other = await link(twins, **{"as": "UCcakes"}), await link(twins, **{"as": "UCother"})
    twins.world.set_fault("revoked", "youtube", "UCbakery")
    assert why(await channels(twins, cakes["access_token"])) == (401, "authError")
    assert (await channels(twins, other["access_token"])).status_code == 200


async def test_a_login_without_a_channel_and_a_blocked_one(twins: Twins) -> None:
    twins.world.change_account("youtube", "UCother", extra={"channel": False})
    token = (await link(twins, **{"as": "UCother"}))["access_token"]
    body = (await channels(twins, token)).json()
    assert "items" not in body
    assert body["pageInfo"]["totalResults"] == 0
    assert why(await begin(twins, token, 10)) == (401, "youtubeSignupRequired")
    twins.world.change_account("youtube", "UCother", extra={"admin_blocks": True})
    page = await twins.http.post(AUTHORIZE, params=asked(), data={"as": "UCother"})
    assert "admin_policy_enforced" in page.text


# Uploads


async def begin(twins: Twins, token: str, size: int, **changes: Any) -> httpx.Response:
    body = changes.pop("body", None) or {
        "snippet": {"title": "Bread", "description": "How to", "categoryId": "22"},
        "status": {"privacyStatus": "public"},
    }
    headers = {
        "authorization": f"Bearer {token}",
        "x-upload-content-type": "video/mp4",
        "x-upload-content-length": str(size),
        **changes.pop("headers", {}),
    }
    params = {"uploadType": "resumable", "part": "snippet,status", **changes}
    return await twins.http.post(UPLOADS, params=params, json=body, headers=headers)


async def session(twins: Twins, token: str, size: int, **changes: Any) -> str:
    answer = await begin(twins, token, size, **changes)
    assert (answer.status_code, answer.content) == (200, b""), answer.text
    location = urlsplit(answer.headers["location"])
    assert location.hostname == "www.googleapis.com"
    return f"/{location.hostname}{location.path}?{location.query}"


async def put(twins: Twins, address: str, data: bytes, span: str | None = None) -> httpx.Response:
    headers = {"content-range": span} if span else {}
    return await twins.http.put(address, content=data, headers=headers)


async def uploaded(twins: Twins, token: str, **changes: Any) -> dict[str, Any]:
    answer = await put(twins, await session(twins, token, len(MP4), **changes), MP4)
    assert answer.status_code == 200, answer.text
    video: dict[str, Any] = answer.json()
    return video


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


def described(**changes: Any) -> dict[str, Any]:
    snippet = {"title": "Bread", **changes.pop("snippet", {})}
    return {"snippet": snippet, "status": {"privacyStatus": "private", **changes}}


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
