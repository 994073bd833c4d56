from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from sandbox.platforms.testing import CHALLENGE, X_BACK, Twins, x_query

DEAD = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
BAD_CODE = {
    "error": "invalid_request",
    "error_description": "Value passed for the authorization code was invalid.",
}
NO_CLIENT = {"error": "unauthorized_client", "error_description": "Missing valid authorization header"}
UNAUTHORIZED = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}
AUTHORIZE = "/x.com/i/oauth2/authorize"
TOKEN = "/api.x.com/2/oauth2/token"


async def test_the_page_shows_app_account_scopes_and_every_way_out(twins: Twins) -> None:
    page = (await twins.http.get(AUTHORIZE, params=x_query())).text
    for mark in ("approve", "deny", "as-bakery", "as-florist", "current"):
        assert f'data-testid="{mark}"' in page
    assert "tweet.write" in page
    assert 'data-testid="partial"' not in page


async def test_approval_gives_state_and_code(twins: Twins) -> None:
    answer = await twins.http.post(AUTHORIZE, params=x_query(), data={"decision": "approve"})
    assert answer.headers["location"].startswith(f"{X_BACK}?state=state-1&code=")


async def test_a_denial_says_so(twins: Twins) -> None:
    assert await twins.consent_x(decision="deny") == {"error": "access_denied", "state": "state-1"}
    assert not twins.world.ledger.find("code_issued")


async def test_another_account_comes_back_and_stays_logged_in(twins: Twins) -> None:
    await twins.http.get(AUTHORIZE, params=x_query())
    first = await twins.consent_x(**{"as": "1002"})
    me = (await twins.x_exchange(first["code"])).json()["access_token"]
    assert (await twins.x_api("GET", "/2/users/me", me)).json()["data"]["username"] == "florist"
    again = await twins.consent_x(decision="approve")
    tokens = (await twins.x_exchange(again["code"])).json()
    me = await twins.x_api("GET", "/2/users/me", tokens["access_token"])
    assert me.json()["data"]["id"] == "1002"


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "other"},
        {"response_type": "token"},
        {"code_challenge": ""},
        {"code_challenge": CHALLENGE + "="},
        {"code_challenge_method": ""},
        {"scope": "tweet.read everything"},
        {"scope": ""},
        {"state": "s" * 501},
    ],
    ids=str,
)
async def test_a_wrong_request_gets_a_page_and_no_redirect(twins: Twins, wrong: dict[str, str]) -> None:
    answer = await twins.http.get(AUTHORIZE, params=x_query(**wrong))
    assert answer.status_code == 400
    assert "give access to the App" in answer.text


async def test_a_foreign_callback_is_not_approved(twins: Twins) -> None:
    answer = await twins.http.get(AUTHORIZE, params=x_query(redirect_uri=X_BACK + "/"))
    assert answer.status_code == 400
    message = "Callback URL not approved for this client application."
    assert answer.json() == {"errors": [{"code": 415, "message": message}]}


async def test_the_exchange_gives_a_pair(twins: Twins) -> None:
    tokens = await twins.x_link()
    assert tokens["token_type"] == "bearer"
    assert tokens["expires_in"] == 7200
    assert set(tokens["scope"].split()) == set(x_query()["scope"].split())
    assert {"access_token", "refresh_token"} <= tokens.keys()


async def test_without_offline_access_there_is_no_refresh_token(twins: Twins) -> None:
    query = x_query(scope="tweet.read users.read")
    code = (await twins.consent(AUTHORIZE, query, {"decision": "approve"}))["code"]
    assert "refresh_token" not in (await twins.x_exchange(code)).json()


@pytest.mark.parametrize(
    "wrong",
    [{"code_verifier": "w" * 50}, {"code_verifier": "short"}, {"redirect_uri": X_BACK + "/"}],
    ids=str,
)
async def test_a_wrong_verifier_or_redirect_is_refused(twins: Twins, wrong: dict[str, str]) -> None:
    code = (await twins.consent_x())["code"]
    answer = await twins.x_exchange(code, **wrong)
    assert (answer.status_code, answer.json()) == (400, BAD_CODE)


async def test_a_code_works_once_and_for_thirty_seconds(twins: Twins) -> None:
    code = (await twins.consent_x())["code"]
    assert (await twins.x_exchange(code)).status_code == 200
    assert (await twins.x_exchange(code)).json() == BAD_CODE
    late = (await twins.consent_x())["code"]
    assert twins.world.codes[late].dies_at == pytest.approx(time.monotonic() + 30, abs=20)
    twins.world.codes[late] = replace(twins.world.codes[late], dies_at=time.monotonic())
    answer = await twins.x_exchange(late)
    assert (answer.status_code, answer.json()) == (400, BAD_CODE)


async def test_basic_auth_is_demanded(twins: Twins) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "whatever", "client_id": "x-app"}
    assert (await twins.http.post(TOKEN, data=form)).json() == NO_CLIENT
    for auth in (("x-app", "wrong"), ("other", "x-secret-1")):
        answer = await twins.http.post(TOKEN, data=form, auth=auth)
        assert (answer.status_code, answer.json()) == (401, NO_CLIENT)


async def test_a_form_is_demanded(twins: Twins) -> None:
    body = {"grant_type": "refresh_token", "refresh_token": "whatever"}
    answer = await twins.http.post(TOKEN, json=body, auth=("x-app", "x-secret-1"))
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize("missing", ["code", "redirect_uri", "code_verifier", "grant_type"])
async def test_a_missing_parameter_is_named(twins: Twins, missing: str) -> None:
    code = (await twins.consent_x())["code"]
    answer = await twins.x_exchange(code, **{missing: ""})
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert missing in answer.json()["error_description"]


async def test_a_refresh_rotates(twins: Twins) -> None:
    first = await twins.x_link()
    second = (await twins.x_refresh(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert (await twins.x_refresh(second["refresh_token"])).status_code == 200
    assert twins.world.ledger.spent_refreshes() == []


async def test_a_spent_refresh_token_kills_the_whole_family(twins: Twins) -> None:
    first = await twins.x_link()
    second = (await twins.x_refresh(first["refresh_token"])).json()
    reuse = await twins.x_refresh(first["refresh_token"])
    assert (reuse.status_code, reuse.json()) == (400, DEAD)
    assert (await twins.x_refresh(second["refresh_token"])).json() == DEAD
    me = await twins.x_api("GET", "/2/users/me", second["access_token"])
    assert (me.status_code, me.json()) == (401, UNAUTHORIZED)
    assert len(twins.world.ledger.spent_refreshes("x")) == 1


async def test_another_family_survives(twins: Twins) -> None:
    first, other = await twins.x_link(), await twins.x_link(**{"as": "1002"})
    await twins.x_refresh(first["refresh_token"])
    await twins.x_refresh(first["refresh_token"])
    assert (await twins.x_refresh(other["refresh_token"])).status_code == 200


@pytest.mark.parametrize("token", ["nonsense-token", "access"])
async def test_a_foreign_refresh_token_is_dead(twins: Twins, token: str) -> None:
    tokens = await twins.x_link()
    answer = await twins.x_refresh(tokens["access_token"] if token == "access" else token)
    assert (answer.status_code, answer.json()) == (400, DEAD)


async def test_two_hours_end_the_access_token_and_a_refresh_cures(twins: Twins) -> None:
    tokens = await twins.x_link()
    twins.advance(seconds=7201)
    assert (await twins.x_api("GET", "/2/users/me", tokens["access_token"])).json() == UNAUTHORIZED
    fresh = (await twins.x_refresh(tokens["refresh_token"])).json()
    assert (await twins.x_api("GET", "/2/users/me", fresh["access_token"])).status_code == 200


async def test_half_a_year_ends_the_refresh_token(twins: Twins) -> None:
    tokens = await twins.x_link()
    twins.advance(days=184)
    assert (await twins.x_refresh(tokens["refresh_token"])).json() == DEAD


async def test_who_am_i_gives_the_fields_asked_for(twins: Twins) -> None:
    token = (await twins.x_link())["access_token"]
    plain = await twins.x_api("GET", "/2/users/me", token)
    assert plain.json() == {"data": {"id": "1001", "name": "Bakery", "username": "bakery"}}
    more = await twins.x_api(
        "GET", "/2/users/me", token, params={"user.fields": "profile_image_url,verified"}
    )
    assert more.json()["data"]["verified"] is False
    assert more.headers["x-rate-limit-limit"] == "75"
    assert more.headers["x-rate-limit-remaining"] == "73"


@pytest.mark.parametrize("query", [{"user.fields": "secrets"}, {"fields": "id"}], ids=str)
async def test_who_am_i_refuses_what_it_does_not_know(twins: Twins, query: dict[str, str]) -> None:
    token = (await twins.x_link())["access_token"]
    answer = await twins.x_api("GET", "/2/users/me", token, params=query)
    assert answer.status_code == 400
    assert answer.json()["title"] == "Invalid Request"


async def test_who_am_i_is_limited_per_quarter_hour(twins: Twins) -> None:
    token = (await twins.x_link())["access_token"]
    answers = [await twins.x_api("GET", "/2/users/me", token) for _ in range(76)]
    assert [answer.status_code for answer in answers[-2:]] == [200, 429]
    assert answers[-1].json()["title"] == "Too Many Requests"
    assert int(answers[-1].headers["x-rate-limit-reset"]) > twins.world.now().timestamp()
    twins.advance(seconds=901)
    assert (await twins.x_api("GET", "/2/users/me", token)).status_code == 200


async def test_a_missing_scope_is_forbidden(twins: Twins) -> None:
    query = x_query(scope="tweet.read")
    code = (await twins.consent(AUTHORIZE, query, {"decision": "approve"}))["code"]
    token = (await twins.x_exchange(code)).json()["access_token"]
    answer = await twins.x_api("GET", "/2/users/me", token)
    assert (answer.status_code, answer.json()["detail"]) == (403, "Forbidden")


async def test_revoking_ends_the_grant(twins: Twins) -> None:
    tokens = await twins.x_link()
    path, form = "/api.x.com/2/oauth2/revoke", {"token": tokens["refresh_token"]}
    assert (await twins.http.post(path, data=form)).json() == NO_CLIENT
    answer = await twins.http.post(path, data=form, auth=("x-app", "x-secret-1"))
    assert answer.json() == {"revoked": True}
    assert (await twins.x_api("GET", "/2/users/me", tokens["access_token"])).status_code == 401
    assert (await twins.x_refresh(tokens["refresh_token"])).json() == DEAD
    assert twins.world.ledger.find("revoke", by="app")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/2/nothing", 404),
        ("POST", "/1.1/statuses/update.json", 404),
        ("POST", "/2/users/me", 405),
        ("GET", "/2/oauth2/token", 405),
        ("PUT", "/2/tweets", 405),
    ],
)
async def test_unknown_paths_and_methods(twins: Twins, method: str, path: str, status: int) -> None:
    answer = await twins.http.request(method, f"/api.x.com{path}")
    assert (answer.status_code, answer.json()["status"]) == (status, status)


@pytest.mark.parametrize(
    ("kind", "group", "status", "part"),
    [
        ("secret_wrong", "refresh", 401, {"error": "unauthorized_client"}),
        ("refresh_dead", "any", 400, DEAD),
        ("revoked", "any", 400, DEAD),
        ("rate_limited", "refresh", 429, {"title": "Too Many Requests"}),
        ("unavailable", "refresh", 503, {"title": "Service Unavailable"}),
    ],
)
async def test_faults_of_a_refresh(
    twins: Twins, kind: str, group: str, status: int, part: dict[str, Any]
) -> None:
    tokens = await twins.x_link()
    twins.world.set_fault(kind, "x", "1001", group=group, count=1)
    answer = await twins.x_refresh(tokens["refresh_token"])
    assert answer.status_code == status
    assert part.items() <= answer.json().items()
    assert (await twins.x_refresh(tokens["refresh_token"])).status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "part"),
    [
        ("expired", 401, UNAUTHORIZED),
        ("revoked", 401, UNAUTHORIZED),
        ("credits_depleted", 402, {"title": "CreditsDepleted"}),
        ("app_suspended", 403, {"type": "https://api.x.com/2/problems/client-forbidden"}),
        ("suspended", 403, {"type": "https://api.x.com/2/problems/user-suspended"}),
        ("scope_removed", 403, {"detail": "You are not permitted to perform this action."}),
        ("spam_block", 403, {"detail": "You are not permitted to perform this action."}),
        ("duplicate", 403, {"detail": "You are not allowed to create a Tweet with duplicate content."}),
        ("daily_cap", 429, {"title": "Too Many Requests"}),
    ],
)
async def test_faults_of_a_post(twins: Twins, kind: str, status: int, part: dict[str, Any]) -> None:
    token = (await twins.x_link())["access_token"]
    twins.world.set_fault(kind, "x", "1001")
    answer = await twins.x_api("POST", "/2/tweets", token, json={"text": "Hello"})
    assert answer.status_code == status
    assert part.items() <= answer.json().items()
    assert not twins.world.ledger.posts()
    twins.world.faults.clear()
    assert (await twins.x_api("POST", "/2/tweets", token, json={"text": "Hello"})).status_code == 201


async def test_credits_do_not_touch_the_token_endpoint_and_hit_the_whole_platform(twins: Twins) -> None:
    tokens = await twins.x_link()
    twins.world.set_fault("credits_depleted", "x")
    assert (await twins.x_refresh(tokens["refresh_token"])).status_code == 200
    assert (await twins.x_api("GET", "/2/users/me", tokens["access_token"])).status_code == 402


async def test_a_new_consent_cures_a_revocation(twins: Twins) -> None:
    old = await twins.x_link()
    twins.world.set_fault("revoked", "x", "1001")
    assert (await twins.x_refresh(old["refresh_token"])).json() == DEAD
    new = await twins.x_link()
    assert (await twins.x_api("GET", "/2/users/me", new["access_token"])).status_code == 200


@pytest.mark.parametrize(("mode", "status"), [("", 200), ("ends_first", 400)])
async def test_a_second_consent_may_end_the_first(twins: Twins, mode: str, status: int) -> None:
    twins.world.modes["x.second_consent"] = mode
    first, second = await twins.x_link(), await twins.x_link()
    assert (await twins.x_refresh(first["refresh_token"])).status_code == status
    assert (await twins.x_refresh(second["refresh_token"])).status_code == 200
