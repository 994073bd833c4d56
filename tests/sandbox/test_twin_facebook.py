from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.platforms.testing import Twins
from sandbox.platforms.testing_meta import (
    ANNA,
    BEN,
    EMPTY,
    FB_BACK,
    LINKED,
    OWNED,
    PAGE,
    MetaWalks,
    facebook_query,
    populate,
)

DIALOG = "/www.facebook.com/v26.0/dialog/oauth"
GRAPH = "/graph.facebook.com/v26.0"


@pytest.fixture
def walks(twins: Twins) -> MetaWalks:
    populate(twins)
    return MetaWalks(twins)


def error(answer: Any) -> tuple[int, int | None]:
    assert answer.status_code in (400, 403), answer.text
    body = answer.json()["error"]
    return body["code"], body.get("error_subcode")


async def names(walks: MetaWalks, token: str) -> dict[str, bool]:
    """The Pages that are listed, each with whether it has a token."""
    answer = await walks.fb("GET", "/me/accounts", token)
    return {page["id"]: "access_token" in page for page in answer.json()["data"]}


async def test_the_dialog_shows_scopes_pages_and_linked_accounts(walks: MetaWalks) -> None:
    page = (await walks.twins.http.get(DIALOG, params=facebook_query())).text
    for mark in ("scope-pages_manage_posts", f'value="{PAGE}"', f'value="{OWNED}"', f'value="{LINKED}"'):
        assert mark in page
    assert f'value="{EMPTY}"' not in page


async def test_approval_and_denial(walks: MetaWalks) -> None:
    answer = await walks.twins.http.post(DIALOG, params=facebook_query(), data={"decision": "approve"})
    assert answer.headers["location"].startswith(f"{FB_BACK}?code=AQ")
    assert answer.headers["location"].endswith("&state=state-1#_=_")
    assert await walks.consent_fb(decision="deny") == {
        "error": "access_denied",
        "error_code": "200",
        "error_description": "Permissions error",
        "error_reason": "user_denied",
        "state": "state-1",
    }


async def test_an_unknown_scope_comes_back_without_error(walks: MetaWalks) -> None:
    answer = await walks.twins.http.get(DIALOG, params=facebook_query(scope="pages_fly"))
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (query["error_code"], query["error_message"]) == (["100"], ["Invalid Scopes: pages_fly"])
    assert "error" not in query


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"client_id": "th-app"}, "Invalid App ID"),
        ({"redirect_uri": FB_BACK + "/"}, "URL blocked"),
        ({"response_type": "token"}, "response_type"),
    ],
)
async def test_a_wrong_request_is_told_on_a_page(walks: MetaWalks, wrong: dict[str, str], said: str) -> None:
    answer = await walks.twins.http.get(DIALOG, params=facebook_query(**wrong))
    assert answer.status_code == 400
    assert said in answer.text


async def test_a_configuration_replaces_the_scopes(walks: MetaWalks) -> None:
    query = {key: value for key, value in facebook_query(config_id="77").items() if key != "scope"}
    assert "code" not in await walks.consent_fb(query)
    walks.twins.world.modes["facebook.config.77"] = "pages_show_list,pages_manage_posts"
    assert (await walks.debug(await walks.fb_link(query)))["scopes"] == [
        "pages_manage_posts",
        "pages_show_list",
        "public_profile",
    ]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"client_id": "th-app"}, 101),
        ({"client_secret": "wrong-secret"}, 1),
        ({"redirect_uri": FB_BACK + "/"}, 100),
        ({"redirect_uri": ""}, 100),
        ({"code": "AQnothing"}, 100),
        ({"grant_type": "refresh_token"}, 100),
    ],
)
async def test_a_wrong_exchange_is_refused(walks: MetaWalks, wrong: dict[str, str], expected: int) -> None:
    answer = await walks.fb_exchange((await walks.consent_fb())["code"], **wrong)
    assert error(answer) == (expected, None)
    assert not walks.twins.world.ledger.find("token_issued")


async def test_a_code_is_used_once_and_by_post_too(walks: MetaWalks) -> None:
    code = (await walks.consent_fb())["code"]
    form = {"client_id": "fb-app", "client_secret": "fb-secret-1", "redirect_uri": FB_BACK, "code": code}
    answer = await walks.twins.http.post(f"{GRAPH}/oauth/access_token", data=form)
    assert answer.json()["expires_in"] == 5183
    assert "has been used" in (await walks.fb_exchange(code)).json()["error"]["message"]


async def test_tokens_live_and_are_exchanged_while_they_do(walks: MetaWalks) -> None:
    short = await walks.fb_short()
    long = (await walks.fb_lengthen(short)).json()
    assert long["expires_in"] == 5_183_944
    walks.twins.advance(hours=2)
    assert error(await walks.fb("GET", "/me", short)) == (190, 463)
    walks.twins.advance(days=50)
    again = (await walks.fb_lengthen(long["access_token"])).json()["access_token"]
    walks.twins.advance(days=10)
    assert error(await walks.fb_lengthen(long["access_token"])) == (190, 463)
    assert (await walks.fb("GET", "/me", again)).json() == {"id": ANNA, "name": "Anna"}


async def test_modes_of_the_exchange(walks: MetaWalks) -> None:
    walks.twins.world.modes.update({"facebook.expires_in": "missing", "facebook.reexchange": "keeps"})
    long = await walks.fb_link()
    walks.twins.advance(days=50)
    answer = (await walks.fb_lengthen(long)).json()
    assert "expires_in" not in answer
    walks.twins.advance(days=11)
    assert error(await walks.fb("GET", "/me", answer["access_token"])) == (190, 463)


async def test_a_page_token_inherits_its_life(walks: MetaWalks) -> None:
    short = await walks.fb_short()
    dying = await walks.mint(short)
    lasting = await walks.mint((await walks.fb_lengthen(short)).json()["access_token"])
    walks.twins.advance(hours=2)
    assert error(await walks.fb("GET", "/me", dying)) == (190, 463)
    walks.twins.advance(days=300)
    assert (await walks.fb("GET", "/me", lasting)).json() == {"id": PAGE, "name": "Bakery"}


async def test_pages_in_a_portfolio_want_business_management(walks: MetaWalks) -> None:
    assert await names(walks, await walks.fb_link()) == {PAGE: True, OWNED: True}
    scope = ["pages_show_list", "pages_read_engagement"]
    narrow = await walks.fb_link(decision="partial", scope=scope, asset=[PAGE, OWNED])
    assert await names(walks, narrow) == {PAGE: True}
    assert error(await walks.fb("GET", "/me/businesses", narrow)) == (10, None)


async def test_an_unticked_page_is_listed_without_its_token(walks: MetaWalks) -> None:
    scopes = facebook_query()["scope"].split(",")
    token = await walks.fb_link(decision="partial", scope=scopes, asset=[PAGE])
    assert await names(walks, token) == {PAGE: True, OWNED: False}
    assert error(await walks.fb("GET", f"/{OWNED}", token, fields="access_token")) == (100, 33)
    owned = await walks.fb("GET", "/500000000000001/owned_pages", token, fields="id,access_token")
    assert owned.json()["data"] == [{"id": OWNED}]
    walks.twins.world.modes["facebook.unticked"] = "hidden"
    assert await names(walks, token) == {PAGE: True}


async def test_a_second_consent_takes_from_the_first(walks: MetaWalks) -> None:
    first = await walks.fb_link()
    page = await walks.mint(first, OWNED)
    scopes = facebook_query()["scope"].split(",")
    await walks.fb_link(decision="partial", scope=scopes, asset=[PAGE])
    answer = await walks.fb("GET", "/me", page)
    assert error(answer) == (190, None)
    assert "must be granted before impersonating a user's page" in answer.json()["error"]["message"]
    assert (await walks.fb("GET", "/me", await walks.mint(first))).status_code == 200


async def test_what_was_declined_is_asked_again_only_on_request(walks: MetaWalks) -> None:
    everything = facebook_query()["scope"].split(",")
    some = [scope for scope in everything if scope != "pages_manage_posts"]
    await walks.fb_link(decision="partial", scope=some, asset=[PAGE])
    token = await walks.fb_link()
    answer = (await walks.fb("GET", "/me/permissions", token)).json()["data"]
    assert {"permission": "pages_manage_posts", "status": "declined"} in answer
    token = await walks.fb_link(facebook_query(auth_type="rerequest"))
    answer = (await walks.fb("GET", "/me/permissions", token)).json()["data"]
    assert {"permission": "pages_manage_posts", "status": "granted"} in answer


async def test_nested_fields_and_paging(walks: MetaWalks) -> None:
    fields = "id,name,tasks,picture{url},instagram_business_account{id,username}"
    token = await walks.fb_link()
    answer = (await walks.fb("GET", "/me/accounts", token, fields=fields, limit="1")).json()
    (page,) = answer["data"]
    assert page["instagram_business_account"] == {"id": LINKED, "username": "bakery"}
    assert list(page["picture"]["data"]) == ["url"]
    assert "CREATE_CONTENT" in page["tasks"]
    assert answer["paging"]["next"].startswith("https://graph.facebook.com/v26.0/me/accounts?")
    after = answer["paging"]["cursors"]["after"]
    rest = (await walks.fb("GET", "/me/accounts", token, fields="id", limit="1", after=after)).json()
    assert rest["data"] == [{"id": OWNED}]
    assert "next" not in rest["paging"]
    assert error(await walks.fb("GET", "/me/accounts", token, fields="id,secret")) == (100, None)


async def test_debug_token_of_every_kind(walks: MetaWalks) -> None:
    person = await walks.fb_link()
    page = await walks.mint(person)
    said = await walks.debug(page)
    assert (said["type"], said["profile_id"], said["user_id"]) == ("PAGE", PAGE, ANNA)
    assert (said["expires_at"], said["is_valid"]) == (0, True)
    assert {"scope": "pages_manage_posts", "target_ids": [PAGE, OWNED]} in said["granular_scopes"]
    assert {"scope": "instagram_basic", "target_ids": [LINKED]} in said["granular_scopes"]
    user = await walks.debug(person)
    assert user["expires_at"] - user["issued_at"] == 5_183_944
    assert user["data_access_expires_at"] - user["issued_at"] in range(90 * 86_400 - 5, 90 * 86_400 + 5)
    assert (await walks.debug("EAAnothing"))["is_valid"] is False
    assert error(await walks.fb("GET", "/debug_token", "fb-app|wrong", input_token=page)) == (190, None)


@pytest.mark.parametrize(
    ("kind", "sub"),
    [("revoked", 458), ("checkpoint", 459), ("password_changed", 460), ("logged_out", 467)],
)
async def test_what_kills_a_person_kills_his_pages(walks: MetaWalks, kind: str, sub: int) -> None:
    page = await walks.page_token()
    walks.twins.world.set_fault(kind, "facebook", ANNA)
    assert error(await walks.fb("GET", "/me", page)) == (190, sub)
    said = await walks.debug(page)
    assert (said["is_valid"], said["error"]["subcode"]) == (False, sub)
    walks.twins.world.faults.clear(kind="checkpoint")
    assert (await walks.fb("GET", "/me", await walks.page_token())).status_code == 200


async def test_an_expired_person_leaves_his_pages(walks: MetaWalks) -> None:
    person = await walks.fb_link()
    page = await walks.mint(person)
    walks.twins.world.set_fault("expired", "facebook", ANNA)
    assert error(await walks.fb("GET", "/me", person)) == (190, 463)
    assert (await walks.fb("GET", "/me", page)).status_code == 200
    walks.twins.world.set_fault("expired", "facebook", PAGE)
    assert error(await walks.fb("GET", "/me", page)) == (190, 463)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("impersonating", (190, None)), ("permission", (200, None)), ("missing", (100, 33))],
)
async def test_a_lost_role(walks: MetaWalks, mode: str, expected: tuple[int, int | None]) -> None:
    person = await walks.fb_link()
    page, other = await walks.mint(person), await walks.mint(person, OWNED)
    walks.twins.world.modes["facebook.role_lost"] = mode
    walks.twins.world.set_fault("role_lost", "facebook", PAGE)
    assert error(await walks.fb("GET", "/me", page)) == expected
    assert (await walks.debug(page))["is_valid"] is False
    assert await names(walks, person) == {OWNED: True}
    assert (await walks.fb("GET", "/me", other)).status_code == 200
    walks.twins.world.faults.clear()
    walks.twins.world.change_account("facebook", OWNED, extra={"roles": {}})
    assert error(await walks.fb("GET", "/me", other)) == expected


async def test_rate_limits_by_token(walks: MetaWalks) -> None:
    person = await walks.fb_link()
    page = await walks.mint(person)
    walks.twins.world.set_fault("rate_limited", "facebook", PAGE, value=12)
    answer = await walks.fb("GET", "/me", page)
    assert error(answer) == (80001, None)
    usage = json.loads(answer.headers["x-business-use-case-usage"])
    assert usage[PAGE][0]["estimated_time_to_regain_access"] == 12
    assert '"call_count": 1' in (await walks.fb("GET", "/me", person)).headers["x-app-usage"]
    walks.twins.world.set_fault("rate_limited", "facebook", ANNA)
    assert error(await walks.fb("GET", "/me", person)) == (17, None)
    walks.twins.world.set_fault("rate_limited", "facebook")
    assert error(await walks.fb_lengthen(person)) == (4, None)


async def test_data_access_ends_after_90_days_without_a_login(walks: MetaWalks) -> None:
    person = await walks.fb_link()
    page = await walks.mint(person)
    for _ in range(2):
        walks.twins.advance(days=45)
        person = (await walks.fb_lengthen(person)).json()["access_token"]
    assert error(await walks.fb("GET", "/me/accounts", person)) == (10, None)
    assert (await walks.fb("GET", "/me", page)).status_code == 200
    walks.twins.world.modes["facebook.data_access"] = "all"
    assert error(await walks.fb("GET", "/me", page)) == (10, None)
    await walks.fb_link()
    assert (await walks.fb("GET", "/me", page)).status_code == 200
    walks.twins.world.set_fault("data_access_expired", "facebook", ANNA)
    assert error(await walks.fb("GET", "/me", page)) == (10, None)


async def test_appsecret_proof(walks: MetaWalks) -> None:
    token = await walks.fb_link()
    proof = hmac.new(b"fb-secret-1", token.encode(), hashlib.sha256).hexdigest()
    assert error(await walks.fb("GET", "/me", token, appsecret_proof="0" * 64)) == (100, None)
    walks.twins.world.modes["facebook.require_proof"] = "yes"
    assert error(await walks.fb("GET", "/me", token)) == (100, None)
    assert (await walks.fb("GET", "/me", token, appsecret_proof=proof)).status_code == 200


async def test_removing_the_app_kills_everything(walks: MetaWalks) -> None:
    person = await walks.fb_link()
    page = await walks.mint(person)
    assert error(await walks.fb("DELETE", "/me/permissions", page)) == (10, None)
    assert (await walks.fb("DELETE", "/me/permissions", person)).json() is True
    assert error(await walks.fb("GET", "/me", page)) == (190, 458)
    assert walks.twins.world.ledger.find("revoke", platform="facebook", by="app")
    person = await walks.fb_link()
    walks.twins.world.modes["facebook.revoke_answer"] = "success"
    answer = await walks.fb("DELETE", f"/{ANNA}/permissions", "fb-app|fb-secret-1")
    assert answer.json() == {"success": True}
    assert error(await walks.fb("GET", "/me", person)) == (190, 458)


async def test_removing_one_permission(walks: MetaWalks) -> None:
    person = await walks.fb_link()
    assert (await walks.fb("DELETE", "/me/permissions/pages_manage_posts", person)).status_code == 200
    assert "pages_manage_posts" not in (await walks.debug(person))["scopes"]


async def test_people_see_only_what_is_theirs(walks: MetaWalks) -> None:
    form: dict[str, Any] = {"as": BEN}
    ben = await walks.fb_link(**form)
    assert await names(walks, ben) == {PAGE: True, EMPTY: True}
    assert error(await walks.fb("GET", f"/{OWNED}", ben)) == (100, 33)
    page = await walks.mint(ben, EMPTY)
    assert error(await walks.fb("GET", f"/{PAGE}", page)) == (100, 33)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v20.0/me", 2500),
        ("GET", "/me", 2500),
        ("GET", "/v26.0/a/b/c", 2500),
        ("POST", "/v26.0/me", 100),
    ],
)
async def test_unknown_paths_and_versions(walks: MetaWalks, method: str, path: str, code: int) -> None:
    answer = await walks.twins.http.request(method, f"/graph.facebook.com{path}")
    assert error(answer)[0] == code


async def test_a_retired_version_may_be_served(walks: MetaWalks) -> None:
    token = await walks.fb_link()
    walks.twins.world.modes["facebook.old_version"] = "served"
    headers = {"authorization": f"Bearer {token}"}
    answer = await walks.twins.http.get("/graph.facebook.com/v20.0/me", headers=headers)
    assert answer.status_code == 200


async def test_no_token_and_a_foreign_one(walks: MetaWalks) -> None:
    assert error(await walks.twins.http.get(f"{GRAPH}/me")) == (2500, None)
    assert error(await walks.fb("GET", "/me", await walks.th_link())) == (190, None)
