from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sandbox.platforms.model import Account, App
from sandbox.platforms.testing import Twins, jpeg

BACK = "https://bot.example/oauth/tiktok/callback"
LOCAL = "http://127.0.0.1:3000/oauth/tiktok/callback"
SCOPES = "user.info.basic,user.info.profile,video.publish"
AUTHORIZE = "/www.tiktok.com/v2/auth/authorize/"
TOKEN = "/open.tiktokapis.com/v2/oauth/token/"
VERIFIER = "v" * 64
CHALLENGE = hashlib.sha256(VERIFIER.encode()).hexdigest()
CLIENT = {"client_key": "tk-app", "client_secret": "tk-secret-1"}
APP = App(
    platform="tiktok",
    client_id="tk-app",
    secret="tk-secret-1",
    redirect_uris=(BACK, LOCAL, "http://localhost/cb"),
    scopes=frozenset([*SCOPES.split(","), "video.upload"]),
)
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 500


@pytest.fixture(autouse=True)
def populated(twins: Twins) -> None:
    twins.world.register_app(APP)
    for id, handle in (("-000bakery", "bakery"), ("-000florist", "florist")):
        twins.world.add_account(Account(platform="tiktok", id=id, handle=handle, name=handle.title()))


def asked(**changes: str) -> dict[str, str]:
    query = {
        "client_key": "tk-app",
        "scope": SCOPES,
        "redirect_uri": BACK,
        "state": "state-1",
        "response_type": "code",
    }
    return {**query, **changes}


async def exchange(twins: Twins, code: str, /, **changes: str) -> httpx.Response:
    form = {**CLIENT, "grant_type": "authorization_code", "redirect_uri": BACK, "code": code}
    return await twins.http.post(TOKEN, data={**form, **changes})


async def link(twins: Twins, **form: Any) -> dict[str, Any]:
    back = await twins.consent(AUTHORIZE, asked(), form or {"decision": "approve"})
    answer = await exchange(twins, back["code"])
    tokens: dict[str, Any] = answer.json()
    assert "access_token" in tokens, tokens
    return tokens


async def refresh(twins: Twins, token: str) -> httpx.Response:
    form = {**CLIENT, "grant_type": "refresh_token", "refresh_token": token}
    return await twins.http.post(TOKEN, data=form)


async def api(twins: Twins, path: str, token: str, body: object | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    return await twins.http.post(f"/open.tiktokapis.com{path}", headers=headers, json=body or {})


async def info(twins: Twins, token: str, fields: str = "open_id,username") -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    return await twins.http.get(
        "/open.tiktokapis.com/v2/user/info/", params={"fields": fields}, headers=headers
    )


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# Consent


async def test_approval_lists_what_was_allowed(twins: Twins) -> None:
    back = await twins.consent(AUTHORIZE, asked(), {"decision": "approve"})
    assert (back["scopes"], back["state"]) == (SCOPES, "state-1")
    assert "*" in back["code"]


async def test_scopes_can_be_unticked(twins: Twins) -> None:
    form = {"decision": "partial", "scope": ["user.info.basic"]}
    tokens = await link(twins, **form)
    assert tokens["scope"] == "user.info.basic"
    answer = await info(twins, tokens["access_token"])
    assert code_of(answer) == (401, "scope_not_authorized")


async def test_a_denial_says_so(twins: Twins) -> None:
    back = await twins.consent(AUTHORIZE, asked(), {"decision": "deny"})
    assert (back["error"], back["state"]) == ("access_denied", "state-1")
    assert "error_description" in back


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_key": "other"},
        {"redirect_uri": BACK + "/"},
        {"redirect_uri": "http://localhost/cb"},
        {"response_type": "token"},
        {"scope": "video.publish,everything"},
        {"scope": "user.info.basic video.publish"},
        {"state": ""},
        {"code_challenge": CHALLENGE, "code_challenge_method": "S256"},
    ],
    ids=str,
)
async def test_a_wrong_request_gets_a_page(twins: Twins, wrong: dict[str, str]) -> None:
    answer = await twins.http.get(AUTHORIZE, params=asked(**wrong))
    assert answer.status_code == 400
    assert "errCode=" in answer.text


async def test_loopback_demands_a_challenge_in_hex(twins: Twins) -> None:
    local = asked(redirect_uri=LOCAL)
    for challenge in ("", "v" * 43, CHALLENGE.upper()):
        query = {**local, "code_challenge": challenge, "code_challenge_method": "S256"}
        answer = await twins.http.get(AUTHORIZE, params=query)
        assert "errCode=10007&amp;error_type=code_challenge" in answer.text
    query = {**local, "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    code = (await twins.consent(AUTHORIZE, query, {"decision": "approve"}))["code"]
    wrong = await exchange(twins, code, redirect_uri=LOCAL, code_verifier="w" * 64)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_request")
    right = await exchange(twins, code, redirect_uri=LOCAL, code_verifier=VERIFIER)
    assert right.json()["open_id"] == "-000bakery"


async def test_who_allowed_it_before_is_not_asked_again_unless_wanted(twins: Twins) -> None:
    await twins.http.get(AUTHORIZE, params=asked())
    await link(twins)
    again = await twins.http.get(AUTHORIZE, params=asked())
    assert again.status_code == 302
    assert parse_qs(urlsplit(again.headers["location"]).query)["scopes"] == [SCOPES]
    assert (await twins.http.get(AUTHORIZE, params=asked(disable_auto_auth="1"))).status_code == 200
    twins.world.set_fault("revoked", "tiktok", "-000bakery")
    assert (await twins.http.get(AUTHORIZE, params=asked())).status_code == 200


# Tokens


async def test_the_pair_is_flat_and_names_both_lives(twins: Twins) -> None:
    tokens = await link(twins)
    assert tokens["open_id"] == "-000bakery"
    assert (tokens["expires_in"], tokens["refresh_expires_in"]) == (7200, 15552000)
    assert tokens["scope"] == SCOPES
    assert tokens["token_type"] == "Bearer"


async def test_a_code_works_once_and_only_with_its_redirect(twins: Twins) -> None:
    code = (await twins.consent(AUTHORIZE, asked(), {"decision": "approve"}))["code"]
    assert (await exchange(twins, code, redirect_uri=LOCAL)).json()["error"] == "invalid_grant"
    assert (await exchange(twins, code, code_verifier=VERIFIER)).json()["error"] == "invalid_request"
    assert "access_token" in (await exchange(twins, code)).json()
    assert (await exchange(twins, code)).json()["error"] == "invalid_grant"
    assert twins.world.codes[code].dies_at <= time.monotonic() + 600


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_secret": "wrong-secret"}, "invalid_client"),
        ({"client_key": "other"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"code": "unknown"}, "invalid_grant"),
    ],
    ids=str,
)
async def test_wrong_token_requests(twins: Twins, change: dict[str, str], error: str) -> None:
    answer = await exchange(twins, "whatever", **change)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert {"error_description", "log_id"} <= answer.json().keys()


async def test_json_basic_and_other_paths_are_not_taken(twins: Twins) -> None:
    assert (await twins.http.post(TOKEN, json=CLIENT)).json()["error"] == "invalid_request"
    form = {"grant_type": "refresh_token", "refresh_token": "r"}
    answer = await twins.http.post(TOKEN, data=form, auth=("tk-app", "tk-secret-1"))
    assert answer.json()["error"] == "invalid_request"
    assert (await twins.http.post(TOKEN.rstrip("/"), data=CLIENT)).status_code == 404
    assert (await twins.http.get(TOKEN)).status_code == 405


async def test_refreshing_rotates_and_the_old_one_dies_alone(twins: Twins) -> None:
    first = await link(twins)
    second = (await refresh(twins, first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    dead = await refresh(twins, first["refresh_token"])
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")
    assert (await info(twins, second["access_token"])).status_code == 200
    assert "access_token" in (await refresh(twins, second["refresh_token"])).json()
    assert len(twins.world.ledger.spent_refreshes("tiktok")) == 1


async def test_reuse_can_end_the_family_and_errors_can_come_as_200(twins: Twins) -> None:
    twins.world.modes.update({"tiktok.reuse": "ends_family", "tiktok.oauth_status": "200"})
    first = await link(twins)
    second = (await refresh(twins, first["refresh_token"])).json()
    dead = await refresh(twins, first["refresh_token"])
    assert (dead.status_code, dead.json()["error"]) == (200, "invalid_grant")
    assert code_of(await info(twins, second["access_token"])) == (401, "access_token_invalid")
    assert (await refresh(twins, second["refresh_token"])).json()["error"] == "invalid_grant"


async def test_lifetimes(twins: Twins) -> None:
    tokens = await link(twins)
    twins.advance(seconds=7201)
    assert code_of(await info(twins, tokens["access_token"])) == (401, "access_token_invalid")
    tokens = (await refresh(twins, tokens["refresh_token"])).json()
    twins.advance(days=180, seconds=1)
    assert (await refresh(twins, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    twins.world.modes.update({"tiktok.access_seconds": "86400", "tiktok.refresh_seconds": "31536000"})
    old = await link(twins)
    assert (old["expires_in"], old["refresh_expires_in"]) == (86400, 31536000)


async def test_who_am_i(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    body = (await info(twins, token, "open_id,union_id,display_name,username")).json()
    assert body["error"]["code"] == "ok"
    user = body["data"]["user"]
    assert (user["open_id"], user["username"]) == ("-000bakery", "bakery")
    assert user["union_id"] != user["open_id"]
    assert code_of(await info(twins, token, "")) == (400, "invalid_params")
    assert code_of(await info(twins, token, "nonsense")) == (400, "invalid_params")
    assert code_of(await info(twins, token, "follower_count")) == (401, "scope_not_authorized")
    assert code_of(await info(twins, "act.unknown")) == (401, "access_token_invalid")


# Revocation and its notice


@dataclass
class Inbox:
    """An address that takes notices; `answers` are the statuses that it gives, then 200."""

    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.got.append((headers, body))
        status = self.answers.pop(0) if self.answers else 200
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        if status == 200:
            self.arrived.set()


@asynccontextmanager
async def inbox(twins: Twins, *answers: int) -> AsyncIterator[Inbox]:
    box = Inbox(list(answers))
    server = await asyncio.start_server(box.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    twins.world.register_app(
        App(**{**APP.__dict__, "notify": f"http://127.0.0.1:{port}/webhooks/tiktok"}),
    )
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()


async def test_the_app_revokes_everything_of_that_user(twins: Twins) -> None:
    first, second = await link(twins), await link(twins)
    path = "/open.tiktokapis.com/v2/oauth/revoke/"
    answer = await twins.http.post(path, data={**CLIENT, "token": second["access_token"]})
    assert (answer.status_code, answer.json()) == (200, {})
    assert code_of(await info(twins, first["access_token"])) == (401, "access_token_invalid")
    assert (await refresh(twins, first["refresh_token"])).json()["error"] == "invalid_grant"
    assert twins.world.ledger.find("revoke", platform="tiktok", by="app")


@pytest.mark.parametrize("by", ["fault", "action"])
async def test_a_removed_app_is_told_with_a_signature(twins: Twins, by: str) -> None:
    async with inbox(twins, 500) as box:
        await link(twins)
        if by == "fault":
            twins.world.set_fault("revoked", "tiktok", "-000bakery")
        else:
            action = {"action": "revoke", "platform": "tiktok", "account": "-000bakery"}
            await twins.http.post("/_control/actions", json=action)
        await asyncio.wait_for(box.arrived.wait(), 5)
    assert len(box.got) == 2  # the first was answered with 500
    headers, body = box.got[-1]
    event = json.loads(body)
    assert (event["event"], event["client_key"]) == ("authorization.removed", "tk-app")
    assert event["user_openid"] == "-000bakery"
    assert json.loads(event["content"]) == {"reason": 1}
    stamp, signature = (part.partition("=")[2] for part in headers["tiktok-signature"].split(","))
    expected = hmac.new(b"tk-secret-1", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert signature == expected


async def test_notices_can_be_silent_or_come_twice(twins: Twins) -> None:
    async with inbox(twins) as box:
        await link(twins)
        twins.world.modes["tiktok.notices"] = "off"
        twins.world.set_fault("revoked", "tiktok", "-000bakery")
        twins.world.modes["tiktok.notices"] = "twice"
        twins.world.revoked("tiktok", "-000bakery", "user")
        async with asyncio.timeout(5):
            while len(twins.world.ledger.find("notice_sent")) < 2:
                await twins.http.get("/_control/faults")
    assert len(box.got) == 2
    assert box.got[0] == box.got[1]


# Publishing


def direct(**changes: Any) -> dict[str, Any]:
    return {"title": "Fresh bread", "privacy_level": "PUBLIC_TO_EVERYONE", **changes}


async def init(
    twins: Twins, token: str, source: dict[str, Any], post_info: dict[str, Any] | None = None
) -> httpx.Response:
    body = {"post_info": post_info or direct(), "source_info": source}
    return await api(twins, "/v2/post/publish/video/init/", token, body)


def file_of(size: int, chunk: int = 0, count: int = 1) -> dict[str, Any]:
    return {
        "source": "FILE_UPLOAD",
        "video_size": size,
        "chunk_size": chunk or size,
        "total_chunk_count": count,
    }


async def put(twins: Twins, url: str, data: bytes, start: int, total: int, **more: str) -> httpx.Response:
    headers = {
        "content-type": "video/mp4",
        "content-range": f"bytes {start}-{start + len(data) - 1}/{total}",
        **more,
    }
    return await twins.http.put(url.replace("https://", "/"), content=data, headers=headers)


async def status(twins: Twins, token: str, publish_id: str) -> dict[str, Any]:
    answer = await api(twins, "/v2/post/publish/status/fetch/", token, {"publish_id": publish_id})
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def settled(twins: Twins, token: str, publish_id: str) -> dict[str, Any]:
    for _ in range(10):
        data = await status(twins, token, publish_id)
        if not data["status"].startswith("PROCESSING"):
            return data
    raise AssertionError("still processing")


async def test_a_creator_says_what_may_be_chosen(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    path = "/v2/post/publish/creator_info/query/"
    data = (await api(twins, path, token)).json()["data"]
    assert data["privacy_level_options"] == ["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]
    assert (data["creator_username"], data["max_video_post_duration_sec"]) == ("bakery", 600)
    twins.world.change_account("tiktok", "-000bakery", extra={"private": True, "duet_disabled": True})
    data = (await api(twins, path, token)).json()["data"]
    assert data["privacy_level_options"][0] == "FOLLOWER_OF_CREATOR"
    assert data["duet_disabled"] is True
    twins.world.set_fault("unreviewed", "tiktok")
    data = (await api(twins, path, token)).json()["data"]
    assert data["privacy_level_options"] == ["SELF_ONLY"]


async def test_a_small_file_goes_whole_and_its_id_comes_late(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    begun = (await init(twins, token, file_of(len(MP4)))).json()["data"]
    assert begun["publish_id"].startswith("v_pub_file~v2-1.")
    assert (await status(twins, token, begun["publish_id"]))["status"] == "PROCESSING_UPLOAD"
    assert not twins.world.ledger.posts(platform="tiktok")
    answer = await put(twins, begun["upload_url"], MP4, 0, len(MP4))
    assert answer.status_code == 201
    (post,) = twins.world.ledger.posts("Fresh bread", platform="tiktok")
    done = await settled(twins, token, begun["publish_id"])
    assert (done["status"], done["publicaly_available_post_id"]) == ("PUBLISH_COMPLETE", [])
    done = await status(twins, token, begun["publish_id"])
    assert done["publicaly_available_post_id"] == [int(post.detail["id"])]
    live = twins.world.posts["tiktok", post.detail["id"]]
    assert live.permalink == f"https://www.tiktok.com/@bakery/video/{live.id}"
    assert (await put(twins, begun["upload_url"], MP4, 0, len(MP4))).status_code == 403


async def test_a_private_post_never_gets_a_public_id(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    begun = await init(twins, token, file_of(len(MP4)), direct(privacy_level="SELF_ONLY"))
    data = begun.json()["data"]
    await put(twins, data["upload_url"], MP4, 0, len(MP4))
    for _ in range(6):
        done = await settled(twins, token, data["publish_id"])
        assert done["publicaly_available_post_id"] == []


async def test_chunks_come_in_order_and_in_size(twins: Twins) -> None:
    token, chunk, total = (await link(twins))["access_token"], 5_000_000, 11_000_000
    data = MP4 + b"\x00" * (total - len(MP4))
    begun = (await init(twins, token, file_of(total, chunk, 2))).json()["data"]
    url = begun["upload_url"]
    assert (await put(twins, url, data[chunk:], chunk, total)).status_code == 416
    assert (await put(twins, url, data[: chunk - 1], 0, total)).status_code == 416
    assert (await put(twins, url, data[:chunk], 0, total + 1)).status_code == 416
    assert (await put(twins, url, data[:chunk], 0, total, **{"content-type": "text/x"})).status_code == 400
    first = await put(twins, url, data[:chunk], 0, total)
    assert (first.status_code, first.headers["content-range"]) == (206, f"bytes 0-{chunk - 1}/{total}")
    assert (await put(twins, url, data[:chunk], 0, total)).status_code == 416
    assert (await put(twins, url, data[chunk:], chunk, total)).status_code == 201
    assert len(twins.world.ledger.posts(platform="tiktok")) == 1


@pytest.mark.parametrize(
    "source",
    [
        file_of(4_000_000, 2_000_000, 2),
        file_of(11_000_000, 5_000_000, 3),
        file_of(11_000_000, 4_000_000, 2),
        file_of(100_000_000),
        file_of(0),
        {"source": "FILE_UPLOAD"},
        {"source": "SMOKE_SIGNALS"},
        {"source": "PULL_FROM_URL"},
        {"source": "PULL_FROM_URL", "video_url": "http://bot.example/a.mp4"},
        {"source": "FILE_UPLOAD", "video_size": "5", "chunk_size": 5, "total_chunk_count": 1},
    ],
    ids=str,
)
async def test_wrong_sources(twins: Twins, source: dict[str, Any]) -> None:
    token = (await link(twins))["access_token"]
    assert code_of(await init(twins, token, source)) == (400, "invalid_params")


@pytest.mark.parametrize(
    ("info", "code"),
    [
        (direct(title="x" * 2201), (400, "invalid_params")),
        (direct(title="🍞" * 1101), (400, "invalid_params")),
        ({"title": "no level"}, (400, "invalid_params")),
        (direct(colour="red"), (400, "invalid_params")),
        (direct(disable_duet="yes"), (400, "invalid_params")),
        (direct(privacy_level="FOLLOWER_OF_CREATOR"), (403, "privacy_level_option_mismatch")),
        (direct(privacy_level="SELF_ONLY", brand_content_toggle=True), (400, "invalid_params")),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_wrong_post_infos(twins: Twins, info: dict[str, Any], code: tuple[int, str]) -> None:
    token = (await link(twins))["access_token"]
    assert code_of(await init(twins, token, file_of(100), info)) == code


async def test_an_unaudited_app_posts_only_to_private_accounts(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    twins.world.register_app(App(**{**APP.__dict__, "reviewed": False}))
    private = direct(privacy_level="SELF_ONLY")
    code = (403, "unaudited_client_can_only_post_to_private_accounts")
    assert code_of(await init(twins, token, file_of(100), private)) == code
    twins.world.change_account("tiktok", "-000bakery", extra={"private": True})
    assert code_of(await init(twins, token, file_of(100))) == (403, "privacy_level_option_mismatch")
    assert (await init(twins, token, file_of(100), private)).status_code == 200


async def test_a_pulled_video_is_published_by_its_init(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    source = {"source": "PULL_FROM_URL", "video_url": twins.put("/a.mp4", MP4, "video/mp4")}
    begun = (await init(twins, token, source)).json()["data"]
    assert begun["publish_id"].startswith("v_pub_url~")
    assert "upload_url" not in begun
    assert len(twins.world.ledger.posts("Fresh bread")) == 1
    assert (await status(twins, token, begun["publish_id"]))["status"] == "PROCESSING_DOWNLOAD"
    assert (await settled(twins, token, begun["publish_id"]))["status"] == "PUBLISH_COMPLETE"


async def test_pulls_can_fail_and_need_a_verified_address(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    source = {"source": "PULL_FROM_URL", "video_url": twins.put("/a.mp4", MP4, "video/mp4") + "x"}
    begun = (await init(twins, token, source)).json()["data"]
    done = await settled(twins, token, begun["publish_id"])
    assert (done["status"], done["fail_reason"]) == ("FAILED", "video_pull_failed")
    twins.world.register_app(App(**{**APP.__dict__, "extra": {"verified_urls": ("https://bot.example/",)}}))
    assert code_of(await init(twins, token, source)) == (403, "url_ownership_unverified")
    assert not twins.world.ledger.posts(platform="tiktok")


async def photos(twins: Twins, token: str, images: list[str], **changes: Any) -> httpx.Response:
    body = {
        "media_type": "PHOTO",
        "post_mode": "DIRECT_POST",
        "post_info": {"title": "Bread", "description": "Two loaves", "privacy_level": "PUBLIC_TO_EVERYONE"},
        "source_info": {"source": "PULL_FROM_URL", "photo_images": images, "photo_cover_index": 0},
    }
    return await api(twins, "/v2/post/publish/content/init/", token, {**body, **changes})


async def test_photos(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    good, png = twins.put("/a.jpg", jpeg()), twins.put("/a.png", b"\x89PNG\r\n\x1a\n", "image/png")
    begun = (await photos(twins, token, [good, good])).json()["data"]
    done = await settled(twins, token, begun["publish_id"])
    assert done["status"] == "PUBLISH_COMPLETE"
    (post,) = twins.world.posts_of("tiktok", "-000bakery")
    assert (post.text, len(post.media)) == ("Two loaves", 2)
    assert "/photo/" in post.permalink
    begun = (await photos(twins, token, [png])).json()["data"]
    assert (await settled(twins, token, begun["publish_id"]))["fail_reason"] == "file_format_check_failed"
    assert code_of(await photos(twins, token, [good] * 36)) == (400, "invalid_params")
    assert code_of(await photos(twins, token, [good], post_mode="LATER")) == (400, "invalid_params")


async def test_drafts_go_to_the_inbox_five_a_day(twins: Twins) -> None:
    scopes = SCOPES + ",video.upload"
    back = await twins.consent(AUTHORIZE, asked(scope=scopes), {"decision": "approve"})
    token = (await exchange(twins, back["code"])).json()["access_token"]
    body, path = {"source_info": file_of(len(MP4))}, "/v2/post/publish/inbox/video/init/"
    begun = (await api(twins, path, token, body)).json()["data"]
    assert begun["publish_id"].startswith("v_inbox_file~")
    await put(twins, begun["upload_url"], MP4, 0, len(MP4))
    assert (await settled(twins, token, begun["publish_id"]))["status"] == "SEND_TO_USER_INBOX"
    assert not twins.world.ledger.posts(platform="tiktok")
    for _ in range(4):
        assert (await api(twins, path, token, body)).status_code == 200
    twins.advance(seconds=61)
    assert code_of(await api(twins, path, token, body)) == (403, "spam_risk_too_many_pending_share")
    twins.advance(hours=24)
    token = (await link(twins))["access_token"]
    assert code_of(await api(twins, path, token, body)) == (401, "scope_not_authorized")


async def test_limits_of_a_minute_and_of_a_day(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    answers = [code_of(await init(twins, token, file_of(100))) for _ in range(7)]
    assert answers == [(200, "ok")] * 6 + [(429, "rate_limit_exceeded")]
    twins.advance(seconds=61)
    for _ in range(9):
        twins.advance(seconds=20)
        await init(twins, token, file_of(100))
    twins.advance(seconds=61)
    assert code_of(await init(twins, token, file_of(100))) == (403, "spam_risk_too_many_posts")


async def test_an_upload_address_lives_an_hour(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    url = (await init(twins, token, file_of(len(MP4)))).json()["data"]["upload_url"]
    twins.advance(hours=1)
    assert (await put(twins, url, MP4, 0, len(MP4))).status_code == 403
    assert (await put(twins, url + "x", MP4, 0, len(MP4))).status_code == 404


# Faults


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("expired", (401, "access_token_invalid")),
        ("revoked", (401, "access_token_invalid")),
        ("password_changed", (401, "access_token_invalid")),
        ("scope_removed", (401, "scope_not_authorized")),
        ("suspended", (403, "spam_risk_user_banned_from_posting")),
        ("spam_block", (403, "spam_risk_too_many_posts")),
        ("quota_exhausted", (403, "reached_active_user_cap")),
        ("url_unverified", (403, "url_ownership_unverified")),
        ("rate_limited", (429, "rate_limit_exceeded")),
        ("unavailable", (503, "internal_error")),
    ],
)
async def test_faults_while_posting(twins: Twins, kind: str, code: tuple[int, str]) -> None:
    token = (await link(twins))["access_token"]
    twins.world.set_fault(kind, "tiktok", "-000bakery")
    assert code_of(await init(twins, token, file_of(100))) == code
    florist = (await link(twins, **{"as": "-000florist"}))["access_token"]
    assert (await init(twins, florist, file_of(100))).status_code == 200


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("refresh_dead", "invalid_grant"),
        ("revoked", "invalid_grant"),
        ("secret_wrong", "invalid_client"),
        ("app_suspended", "unauthorized_client"),
        ("rate_limited", "rate_limit_exceeded"),
    ],
)
async def test_faults_while_refreshing(twins: Twins, kind: str, error: str) -> None:
    tokens = await link(twins)
    twins.world.set_fault(kind, "tiktok", "-000bakery", group="refresh", count=1)
    assert (await refresh(twins, tokens["refresh_token"])).json()["error"] == error


async def test_a_lost_answer_to_the_last_chunk_has_posted(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    begun = (await init(twins, token, file_of(len(MP4)))).json()["data"]
    twins.world.set_fault("lost_after", "tiktok", "-000bakery", group="publish", count=1)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await put(twins, begun["upload_url"], MP4, 0, len(MP4))
    assert len(twins.world.ledger.posts("Fresh bread")) == 1
    assert (await settled(twins, token, begun["publish_id"]))["status"] == "PUBLISH_COMPLETE"


async def test_media_can_be_slow_fail_or_come_without_an_id(twins: Twins) -> None:
    token = (await link(twins))["access_token"]

    async def posted() -> str:
        begun = (await init(twins, token, file_of(len(MP4)))).json()["data"]
        await put(twins, begun["upload_url"], MP4, 0, len(MP4))
        return str(begun["publish_id"])

    twins.world.set_fault("container_error", "tiktok", "-000bakery", count=1, text="auth_removed")
    assert (await settled(twins, token, await posted()))["fail_reason"] == "auth_removed"
    twins.world.set_fault("container_slow", "tiktok", "-000bakery", count=1, value=3)
    slow = await posted()
    seen = [(await status(twins, token, slow))["status"] for _ in range(6)]
    assert seen == ["PROCESSING_UPLOAD"] * 5 + ["PUBLISH_COMPLETE"]
    twins.world.set_fault("id_late", "tiktok", "-000bakery", count=1, value=4)
    late = await posted()
    await settled(twins, token, late)
    ids = [bool((await status(twins, token, late))["publicaly_available_post_id"]) for _ in range(5)]
    assert ids == [False] * 4 + [True]


async def test_foreign_publish_ids_and_bodies(twins: Twins) -> None:
    mine, other = (await link(twins))["access_token"], (await link(twins, **{"as": "-000florist"}))
    begun = (await init(twins, mine, file_of(100))).json()["data"]
    path = "/v2/post/publish/status/fetch/"
    answer = await api(twins, path, other["access_token"], {"publish_id": begun["publish_id"]})
    assert code_of(answer) == (400, "invalid_publish_id")
    headers = {"authorization": f"Bearer {mine}", "content-type": "text/plain"}
    answer = await twins.http.post(f"/open.tiktokapis.com{path}", content="{}", headers=headers)
    assert code_of(answer) == (400, "invalid_params")
