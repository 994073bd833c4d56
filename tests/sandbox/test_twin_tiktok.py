from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.platforms.testing import Twins
from sandbox.platforms.testing_tiktok import (
    AUTHORIZE,
    BACK,
    CHALLENGE,
    CLIENT,
    LOCAL,
    SCOPES,
    TOKEN,
    VERIFIER,
    asked,
    code_of,
    exchange,
    inbox,
    info,
    link,
    populate,
    refresh,
)


@pytest.fixture(autouse=True)
def populated(twins: Twins) -> None:
    populate(twins)


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
        async with asyncio.timeout(60):
            while len(twins.world.ledger.find("notice_sent")) < 2:
                await twins.http.get("/_control/faults")
    assert len(box.got) == 2
    assert box.got[0] == box.got[1]
