from __future__ import annotations

import pytest

from sandbox.platforms.model import App
from sandbox.platforms.testing import CHALLENGE, Twins
from sandbox.platforms.testing_linkedin import (
    APP,
    AUTHORIZE,
    BACK,
    CLIENT,
    MEMBER,
    ORG,
    TOKEN,
    api,
    asked,
    exchange,
    introspect,
    link,
    populate,
    post,
    refresh,
    why,
    words,
)


@pytest.fixture(autouse=True)
def populated(twins: Twins) -> None:
    populate(twins)


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
    twins.advance(days=60)
    assert (await twins.http.get(AUTHORIZE, params=asked())).status_code == 200


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
