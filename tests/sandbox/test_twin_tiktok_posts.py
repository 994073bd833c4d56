from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.platforms.model import App
from sandbox.platforms.testing import Twins, jpeg
from sandbox.platforms.testing_tiktok import (
    APP,
    AUTHORIZE,
    MP4,
    SCOPES,
    api,
    asked,
    code_of,
    direct,
    exchange,
    file_of,
    init,
    link,
    photos,
    populate,
    put,
    refresh,
    settled,
    status,
)


@pytest.fixture(autouse=True)
def populated(twins: Twins) -> None:
    populate(twins)


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
