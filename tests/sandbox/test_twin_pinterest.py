from __future__ import annotations

import pytest

from sandbox.platforms.testing import CHALLENGE, Twins
from sandbox.platforms.testing_pinterest import (
    AUTH,
    AUTHORIZE,
    BACK,
    DEAD,
    SCOPES,
    TOKEN,
    api,
    ask_token,
    asked,
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


async def test_consent_is_all_or_nothing(twins: Twins) -> None:
    page = (await twins.http.get(AUTHORIZE, params=asked())).text
    assert 'data-testid="partial"' not in page
    back = await twins.consent(AUTHORIZE, asked(), {"decision": "deny"})
    assert back == {"error": "access_denied", "state": "state-1"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "other"},
        {"redirect_uri": BACK + "/"},
        {"response_type": "token"},
        {"scope": "pins:read pins:write"},
        {"scope": ""},
        {"code_challenge": CHALLENGE},
    ],
    ids=str,
)
async def test_a_wrong_request_gets_a_page(twins: Twins, wrong: dict[str, str]) -> None:
    answer = await twins.http.get(AUTHORIZE, params=asked(**wrong))
    assert answer.status_code == 400
    assert 'data-testid="reason"' in answer.text


async def test_the_pair_names_lives_and_an_end(twins: Twins) -> None:
    tokens = await link(twins)
    assert tokens["access_token"].startswith("pina_")
    assert tokens["refresh_token"].startswith("pinr.")
    assert (tokens["expires_in"], tokens["refresh_token_expires_in"]) == (2_592_000, 5_184_000)
    assert tokens["response_type"] == "authorization_code"
    end = twins.world.now().timestamp() + 5_184_000
    assert tokens["refresh_token_expires_at"] == pytest.approx(end, abs=5)
    assert set(tokens["scope"].split()) == set(SCOPES.split(","))
    twins.world.modes["pinterest.scope_separator"] = "comma"
    assert set((await link(twins))["scope"].split(",")) == set(SCOPES.split(","))


async def test_basic_auth_and_a_form_are_demanded(twins: Twins) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "pinr.unknown"}
    for auth in (("1500001", "wrong-secret"), ("other", "pin-secret-1")):
        answer = await ask_token(twins, form, auth)
        assert (answer.status_code, answer.json()) == (401, {"code": 2, "message": "Authentication failed."})
    body = {**form, "client_id": "1500001", "client_secret": "pin-secret-1"}
    assert why(await twins.http.post(TOKEN, data=body)) == (401, 2)
    assert why(await twins.http.post(TOKEN, json=form, auth=AUTH)) == (400, 1)
    assert why(await ask_token(twins, {"grant_type": "magic"})) == (400, 1)
    assert why(await ask_token(twins, {"grant_type": "refresh_token"})) == (400, 1)
    assert why(await refresh(twins, "r", continuous_refresh="false")) == (400, 1)


async def test_a_code_works_once_and_with_its_redirect(twins: Twins) -> None:
    code = (await twins.consent(AUTHORIZE, asked(), {"decision": "approve"}))["code"]
    wrong = await exchange(twins, code, redirect_uri=BACK + "/")
    assert (wrong.status_code, wrong.json()) == (401, DEAD)
    assert (await exchange(twins, code, continuous_refresh="true")).status_code == 200
    assert (await exchange(twins, code)).json() == DEAD
    assert (await exchange(twins, "unknown")).json() == DEAD


async def test_every_refresh_gives_a_new_pair_and_ends_the_old_one(twins: Twins) -> None:
    first = await link(twins)
    second = (await refresh(twins, first["refresh_token"])).json()
    assert second["response_type"] == "refresh_token"
    assert second["refresh_token"] != first["refresh_token"]
    answer = await refresh(twins, first["refresh_token"])
    assert (answer.status_code, answer.json()) == (401, DEAD)
    assert len(twins.world.ledger.spent_refreshes("pinterest")) == 1
    assert why(await refresh(twins, second["refresh_token"], scope="ads:read")) == (400, 1)
    narrow = (await refresh(twins, second["refresh_token"], scope="pins:read")).json()
    assert narrow["scope"] == "pins:read"
    assert why(await api(twins, "GET", "/boards", narrow["access_token"])) == (401, 3)


async def test_what_is_not_confirmed_can_be_switched(twins: Twins) -> None:
    twins.world.modes.update({"pinterest.old_refresh": "lives", "pinterest.same_access": "on"})
    first = await link(twins)
    second = (await refresh(twins, first["refresh_token"])).json()
    assert second["access_token"] == first["access_token"]
    twins.advance(days=2)
    third = (await refresh(twins, first["refresh_token"])).json()
    assert third["access_token"] != first["access_token"]
    twins.world.modes["pinterest.limit_headers"] = "on"
    answer = await api(twins, "GET", "/user_account", third["access_token"])
    assert {"x-pinterest-rid", "x-ratelimit-limit"} <= set(answer.headers)


async def test_lifetimes_roll(twins: Twins) -> None:
    tokens = await link(twins)
    twins.advance(days=31)
    assert why(await api(twins, "GET", "/user_account", tokens["access_token"])) == (401, 2)
    for _ in range(3):
        tokens = (await refresh(twins, tokens["refresh_token"])).json()
        twins.advance(days=59)
    twins.advance(days=2)
    assert (await refresh(twins, tokens["refresh_token"])).json() == DEAD


async def test_ordinary_tokens_cannot_be_revoked_by_the_app(twins: Twins) -> None:
    tokens = await link(twins)
    form = {"token": tokens["access_token"]}
    assert why(await twins.http.post(f"{TOKEN}/revoke", data=form, auth=AUTH)) == (403, 29)
    assert why(await twins.http.post(f"{TOKEN}/revoke", data=form)) == (401, 2)
    assert (await api(twins, "GET", "/user_account", tokens["access_token"])).status_code == 200


# Who, and boards


async def test_who_am_i(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    answer = await api(twins, "GET", "/user_account", token)
    assert (answer.json()["id"], answer.json()["username"]) == ("61", "bakery")
    assert answer.json()["account_type"] == "BUSINESS"
    assert "x-pinterest-rid" in answer.headers
    assert why(await api(twins, "GET", "/user_account", "pina_unknown")) == (401, 2)
    narrow = (await link(twins, "boards:read"))["access_token"]
    assert why(await api(twins, "GET", "/user_account", narrow)) == (401, 3)


async def test_boards_come_in_pages_and_secret_ones_need_their_scope(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    body = (await api(twins, "GET", "/boards?page_size=250", token)).json()
    assert [board["id"] for board in body["items"]] == ["9001"]
    assert body["bookmark"] is None
    seer = (await link(twins, f"{SCOPES},boards:read_secret"))["access_token"]
    first = (await api(twins, "GET", "/boards?page_size=1", seer)).json()
    second = (await api(twins, "GET", f"/boards?page_size=1&bookmark={first['bookmark']}", seer)).json()
    assert [first["items"][0]["name"], second["items"][0]["name"]] == ["Bread", "Plans"]
    assert second["bookmark"] is None
    assert why(await api(twins, "GET", "/boards?page_size=251", token)) == (400, 1)
    assert (await api(twins, "GET", "/boards/9001", token)).json()["name"] == "Bread"
    assert why(await api(twins, "GET", "/boards/9101", token)) == (403, 29)
    assert why(await api(twins, "GET", "/boards/404", token)) == (404, 40)
