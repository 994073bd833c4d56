from __future__ import annotations

from typing import Any

import pytest

from sandbox.platforms.testing import IG_BACK, Twins, instagram_query

AUTHORIZE = "/www.instagram.com/oauth/authorize"
BASIC = "instagram_business_basic"


def error(answer: Any) -> tuple[int, int, int | None]:
    body = answer.json()["error"]
    assert {"message", "type", "code", "fbtrace_id"} <= body.keys()
    return answer.status_code, body["code"], body.get("error_subcode")


async def test_approval_adds_what_is_not_part_of_the_code(twins: Twins) -> None:
    answer = await twins.http.post(AUTHORIZE, params=instagram_query(), data={"decision": "approve"})
    location = answer.headers["location"]
    assert location.startswith(f"{IG_BACK}?code=AQB")
    assert location.endswith("&state=state-1#_")


async def test_a_denial_gives_its_reason(twins: Twins) -> None:
    assert await twins.consent_instagram(decision="deny") == {
        "error": "access_denied",
        "error_reason": "user_denied",
        "error_description": "The user denied your request",
        "state": "state-1",
    }


async def test_scopes_can_be_unticked(twins: Twins) -> None:
    page = await twins.http.get(AUTHORIZE, params=instagram_query())
    assert f'data-testid="scope-{BASIC}"' in page.text
    code = (await twins.consent_instagram(decision="partial", scope=[BASIC]))["code"]
    assert (await twins.ig_exchange(code)).json()["permissions"] == [BASIC]


async def test_an_unknown_scope_comes_back_without_error_and_code(twins: Twins) -> None:
    answer = await twins.http.get(AUTHORIZE, params=instagram_query(scope="business_basic"))
    assert answer.status_code == 302
    assert "error_code=100&error_message=Invalid%20Scopes%3A%20business_basic" in answer.headers["location"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"client_id": "meta-app"}, "Invalid platform app"),
        ({"redirect_uri": IG_BACK + "/"}, "Invalid redirect_uri"),
        ({"response_type": "token"}, "Invalid response_type"),
    ],
)
async def test_a_wrong_request_is_told_flatly(twins: Twins, wrong: dict[str, str], message: str) -> None:
    answer = await twins.http.get(AUTHORIZE, params=instagram_query(**wrong))
    expected = {"error_type": "OAuthException", "code": 400, "error_message": message}
    assert (answer.status_code, answer.json()) == (400, expected)


async def test_the_other_host_has_the_same_page(twins: Twins) -> None:
    path = "/api.instagram.com/oauth/authorize"
    answer = await twins.http.get(path, params=instagram_query(enable_fb_login="0"))
    assert 'data-testid="approve"' in answer.text


async def test_a_personal_account_cannot_be_used(twins: Twins) -> None:
    form = {"as": "17841400000000003"}
    answer = await twins.http.post(AUTHORIZE, params=instagram_query(), data=form)
    assert answer.status_code == 403
    assert "professional account" in answer.text
    assert not twins.world.ledger.find("code_issued")


async def test_the_exchange_is_flat_or_wrapped(twins: Twins) -> None:
    flat = (await twins.ig_exchange((await twins.consent_instagram())["code"])).json()
    assert flat["user_id"] == 17841400000000001
    assert flat["permissions"] == [BASIC, "instagram_business_content_publish"]
    twins.world.modes["instagram.exchange"] = "wrapped"
    wrapped = (await twins.ig_exchange((await twins.consent_instagram())["code"])).json()
    (entry,) = wrapped["data"]
    assert (entry["user_id"], entry["permissions"].split(",")[0]) == ("17841400000000001", BASIC)


async def test_the_exchange_takes_multipart(twins: Twins) -> None:
    fields = {
        "client_id": "ig-app",
        "client_secret": "ig-secret-1",
        "grant_type": "authorization_code",
        "redirect_uri": IG_BACK,
        "code": (await twins.consent_instagram())["code"],
    }
    files = {key: (None, value.encode()) for key, value in fields.items()}
    assert (await twins.http.post("/api.instagram.com/oauth/access_token", files=files)).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"client_id": "meta-app"}, "Invalid platform app"),
        ({"client_secret": "wrong-secret"}, "Error validating client secret."),
        ({"grant_type": "refresh_token"}, "Invalid grant_type"),
        ({"redirect_uri": IG_BACK + "/"}, "Error validating verification code."),
        ({"client_secret": ""}, "Missing required field client_secret"),
    ],
)
async def test_a_wrong_exchange_is_told_flatly(twins: Twins, wrong: dict[str, str], message: str) -> None:
    answer = await twins.ig_exchange((await twins.consent_instagram())["code"], **wrong)
    assert answer.status_code == 400
    assert answer.json()["error_type"] == "OAuthException"
    assert answer.json()["error_message"].startswith(message)


async def test_a_code_works_once(twins: Twins) -> None:
    code = (await twins.consent_instagram())["code"]
    await twins.ig_exchange(code)
    again = (await twins.ig_exchange(code)).json()
    assert again["error_message"] == "This authorization code has been used"
    unknown = (await twins.ig_exchange(code + "#_")).json()
    assert unknown["error_message"] == "Matching code was not found or was already used"


async def test_the_short_token_lives_an_hour_and_the_long_one_sixty_days(twins: Twins) -> None:
    short = (await twins.ig_exchange((await twins.consent_instagram())["code"])).json()["access_token"]
    long = (await twins.ig_lengthen(short)).json()
    assert (long["token_type"], long["expires_in"]) == ("bearer", 5_183_944)
    twins.advance(hours=1, seconds=1)
    assert error(await twins.ig_lengthen(short)) == (400, 190, 463)
    twins.advance(days=58)
    assert (await twins.ig("GET", "/me", long["access_token"])).status_code == 200
    twins.advance(days=1, hours=23)
    assert error(await twins.ig("GET", "/me", long["access_token"])) == (400, 190, 463)


async def test_lengthening_wants_the_secret_and_a_short_token(twins: Twins) -> None:
    short = (await twins.ig_exchange((await twins.consent_instagram())["code"])).json()["access_token"]
    wrong = await twins.ig_lengthen(short, secret="wrong-secret")
    assert wrong.json()["error"]["message"] == "Error validating client secret."
    long = (await twins.ig_lengthen(short)).json()["access_token"]
    assert error(await twins.ig_lengthen(long)) == (400, 190, None)


async def test_a_refresh_needs_a_day_and_gives_sixty(twins: Twins) -> None:
    old = await twins.ig_link()
    assert error(await twins.ig_refresh(old)) == (400, 100, None)
    twins.advance(days=40)
    new = (await twins.ig_refresh(old)).json()
    assert new["expires_in"] == 5_183_944
    assert new["access_token"] != old
    twins.advance(days=40)
    assert (await twins.ig("GET", "/me", new["access_token"])).status_code == 200
    assert error(await twins.ig_refresh(old)) == (400, 190, 463)


async def test_the_refreshed_token_can_die_at_once(twins: Twins) -> None:
    old = await twins.ig_link()
    twins.world.modes["instagram.old_token"] = "dead"
    twins.advance(days=2)
    await twins.ig_refresh(old)
    assert (await twins.ig("GET", "/me", old)).json()["error"]["code"] == 190


async def test_the_text_of_an_expiry_names_both_times(twins: Twins) -> None:
    token = await twins.ig_link()
    twins.advance(days=61)
    message = (await twins.ig_refresh(token)).json()["error"]["message"]
    assert message.startswith("Error validating access token: Session has expired on ")
    assert ". The current time is " in message


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("expired", (400, 190, 463)),
        ("revoked", (400, 190, 458)),
        ("password_changed", (400, 190, 460)),
        ("checkpoint", (400, 190, 459)),
        ("suspended", (400, 25, 2207050)),
        ("app_suspended", (400, 200, None)),
        ("rate_limited", (400, 80002, None)),
        ("unavailable", (503, 2, None)),
    ],
)
async def test_faults_of_a_probe(twins: Twins, kind: str, expected: tuple[int, int, int | None]) -> None:
    token = await twins.ig_link()
    twins.world.set_fault(kind, "instagram", "17841400000000001")
    assert error(await twins.ig("GET", "/me", token)) == expected
    twins.world.faults.clear()
    assert (await twins.ig("GET", "/me", token)).status_code == 200


async def test_faults_of_a_refresh(twins: Twins) -> None:
    token = await twins.ig_link()
    twins.advance(days=2)
    for kind, expected in (("refresh_dead", 467), ("revoked", 458)):
        twins.world.set_fault(kind, "instagram", "17841400000000001", count=1)
        assert error(await twins.ig_refresh(token)) == (400, 190, expected)
    twins.world.set_fault("scope_removed", "instagram", "17841400000000001", text=BASIC)
    assert error(await twins.ig_refresh(token)) == (400, 10, None)


async def test_a_reset_secret_is_told_in_the_shape_of_each_host(twins: Twins) -> None:
    code = (await twins.consent_instagram())["code"]
    twins.world.set_fault("secret_wrong", "instagram", count=1)
    flat = (await twins.ig_exchange(code)).json()
    assert flat["error_message"] == "Error validating client secret."
    short = (await twins.ig_exchange(code)).json()["access_token"]
    twins.world.set_fault("secret_wrong", "instagram", count=1)
    assert (await twins.ig_lengthen(short)).json()["error"]["message"] == "Error validating client secret."


async def test_the_app_id_stands_in_the_text_of_a_revocation(twins: Twins) -> None:
    token = await twins.ig_link()
    twins.world.set_fault("revoked", "instagram", "17841400000000001")
    message = (await twins.ig("GET", "/me", token)).json()["error"]["message"]
    assert message.endswith("The user has not authorized application ig-app.")


async def test_a_limit_tells_its_minutes_in_the_header(twins: Twins) -> None:
    token = await twins.ig_link()
    twins.world.set_fault("rate_limited", "instagram", "17841400000000001", value=12)
    answer = await twins.ig("GET", "/me", token)
    header = answer.headers["x-business-use-case-usage"]
    assert '"17841400000000001": [{"type": "instagram", "call_count": 100' in header
    assert '"estimated_time_to_regain_access": 12' in header


async def test_who_am_i_is_flat_or_wrapped(twins: Twins) -> None:
    token = await twins.ig_link()
    fields = "user_id,username,account_type"
    flat = (await twins.ig("GET", "/me", token, fields=fields)).json()
    assert (flat["user_id"], flat["username"], flat["account_type"]) == (
        "17841400000000001",
        "bakery",
        "BUSINESS",
    )
    assert flat["id"] != flat["user_id"]
    twins.world.modes["instagram.me"] = "wrapped"
    assert (await twins.ig("GET", "/me", token, fields=fields)).json() == {"data": [flat]}


async def test_the_token_may_come_as_bearer(twins: Twins) -> None:
    headers = {"authorization": f"Bearer {await twins.ig_link()}"}
    assert (await twins.http.get("/graph.instagram.com/v26.0/me", headers=headers)).status_code == 200


async def test_an_account_switched_to_personal_is_refused(twins: Twins) -> None:
    token = await twins.ig_link()
    twins.world.change_account("instagram", "17841400000000001", extra={"account_type": "PERSONAL"})
    answer = await twins.ig("GET", "/me", token)
    assert answer.json()["error"]["message"] == "The user is not an Instagram Business"


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v20.0/me", 2500),
        ("GET", "/me", 2500),
        ("GET", "/v26.0/refresh_access_token/x", 2500),
        ("POST", "/refresh_access_token", 100),
        ("DELETE", "/v26.0/me", 100),
    ],
)
async def test_unknown_paths_and_methods(twins: Twins, method: str, path: str, code: int) -> None:
    answer = await twins.http.request(method, f"/graph.instagram.com{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_a_token_from_nowhere_and_none(twins: Twins) -> None:
    assert error(await twins.ig("GET", "/me", "nonsense-token")) == (400, 190, None)
    assert error(await twins.http.get("/graph.instagram.com/v26.0/me")) == (400, 2500, None)
    x_token = (await twins.x_link())["access_token"]
    assert error(await twins.ig("GET", "/me", x_token)) == (400, 190, None)


async def test_a_field_that_is_not_there(twins: Twins) -> None:
    answer = await twins.ig("GET", "/me", await twins.ig_link(), fields="user_id,password")
    assert answer.json()["error"]["message"] == "(#100) Tried accessing nonexisting field (password)"
