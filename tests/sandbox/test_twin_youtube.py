from __future__ import annotations

import pytest

from sandbox.platforms.model import App
from sandbox.platforms.testing import CHALLENGE, VERIFIER, Twins
from sandbox.platforms.testing_youtube import (
    APP,
    AUTHORIZE,
    BACK,
    CLIENT,
    LOCAL,
    READ,
    TOKEN,
    UPLOAD,
    asked,
    begin,
    channels,
    exchange,
    link,
    populate,
    refresh,
    why,
)


@pytest.fixture(autouse=True)
def populated(twins: Twins) -> None:
    populate(twins)


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
