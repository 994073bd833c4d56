"""Facebook: consent, upkeep, what debug_token says, and the end of a grant."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.http import HttpError, NoAnswer, Response
from bot.platforms.base import Tokens
from bot.platforms.errors import Kind, Reason
from bot.platforms.facebook import Facebook
from tests.platforms.meta_fakes import FB_SCOPES, NOW, PAGE_TARGET, TinyFacebook, refusal
from tests.platforms.platform_fakes import APP, REDIRECT, Sight, always, call_of, graph_error, reply

PLATFORM = Facebook("v26.0")
LONG = Tokens("EAA-long")


def test_authorization_url() -> None:
    parts = urlsplit(PLATFORM.authorization_url(APP, REDIRECT, "state", None))
    assert (parts.netloc, parts.path) == ("www.facebook.com", "/v26.0/dialog/oauth")
    assert {key: values[0] for key, values in parse_qs(parts.query).items()} == {
        "response_type": "code",
        "client_id": "app-1",
        "redirect_uri": REDIRECT,
        "scope": "pages_show_list,pages_read_engagement,pages_manage_posts,business_management",
        "state": "state",
        "auth_type": "rerequest",
    }


async def test_consent_ends_with_a_long_lived_token_and_all_its_ends() -> None:
    call, http = call_of(TinyFacebook())
    tokens = await PLATFORM.exchange(call, "AQD", REDIRECT, None)
    assert (tokens.access_token, tokens.expires_in, tokens.refresh_token) == ("EAA-long", 5183944.0, None)
    assert tokens.data_access_expires_in == 90 * 86400
    assert (tokens.subject, tokens.scopes) == ("77", frozenset(FB_SCOPES))
    assert http.paths() == ["GET /v26.0/oauth/access_token"] * 2 + ["GET /v26.0/debug_token"]


async def test_an_exchange_that_names_no_life_takes_it_from_debug_token() -> None:
    call, _ = call_of(TinyFacebook(expires_in=None))
    tokens = await PLATFORM.exchange(call, "AQD", REDIRECT, None)
    assert tokens.expires_in == 5183944
    assert tokens.data_access_expires_in == 90 * 86400


async def test_the_same_string_issued_long_ago_does_not_stretch_data_access() -> None:
    seen = {"is_valid": True, "issued_at": NOW - 30 * 86400, "expires_at": NOW + 5183944, "scopes": ["a"]}
    call, _ = call_of(TinyFacebook(debug=seen | {"data_access_expires_at": NOW + 86400}))
    assert (await PLATFORM.exchange(call, "AQD", REDIRECT, None)).data_access_expires_in == 86400


async def test_a_token_without_an_end_has_none() -> None:
    seen = {"is_valid": True, "issued_at": NOW, "expires_at": 0, "data_access_expires_at": 0, "scopes": ["a"]}
    call, _ = call_of(TinyFacebook(expires_in=None, debug=seen))
    tokens = await PLATFORM.exchange(call, "AQD", REDIRECT, None)
    assert (tokens.expires_in, tokens.data_access_expires_in) == (None, None)


@pytest.mark.parametrize("failure", [NoAnswer("GET x"), reply(500, ""), reply(400, graph_error(190))])
async def test_a_failing_debug_token_costs_a_date_and_not_the_consent(failure: Response | HttpError) -> None:
    twin = TinyFacebook(granted=["pages_show_list"])
    call, _ = call_of(lambda sight: failure if sight.path.endswith("/debug_token") else twin(sight))
    tokens = await PLATFORM.exchange(call, "AQD", REDIRECT, None)
    assert tokens.scopes == frozenset({"pages_show_list"})
    assert (tokens.expires_in, tokens.data_access_expires_in) == (5183944.0, None)


async def test_nothing_granted_is_said_and_not_left_open() -> None:
    call, _ = call_of(TinyFacebook(granted=[]))
    assert (await PLATFORM.exchange(call, "AQD", REDIRECT, None)).scopes == frozenset()


async def test_a_used_code_is_told_apart_from_a_dead_grant() -> None:
    call, _ = call_of(TinyFacebook(code="another"))
    verdict = await refusal(lambda: PLATFORM.exchange(call, "AQD", REDIRECT, None))
    assert (verdict.kind, verdict.reason) == (Kind.DEAD, Reason.EXPIRED)


async def test_a_refresh_is_one_exchange_of_the_living_token() -> None:
    call, http = call_of(TinyFacebook())
    tokens = await PLATFORM.refresh(call, LONG)
    assert (tokens.access_token, tokens.expires_in) == ("EAA-long+", 5183944.0)
    assert (tokens.scopes, tokens.data_access_expires_in) == (None, None)
    assert len(http.seen) == 1


async def test_a_refresh_without_a_life_leaves_it_to_the_model() -> None:
    call, _ = call_of(TinyFacebook(expires_in=None))
    assert (await PLATFORM.refresh(call, LONG)).expires_in is None
    assert PLATFORM.info.refresh.assumed_life is not None


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (400, graph_error(190, 463), Kind.DEAD, Reason.EXPIRED),
        (401, graph_error(190, 460), Kind.DEAD, Reason.PASSWORD_CHANGED),
        (400, graph_error(190, 459), Kind.DEAD, Reason.CHECKPOINT),
        (400, graph_error(1, None, "Error validating client secret."), Kind.APP, Reason.APP_SECRET),
        (400, graph_error(100), Kind.UNKNOWN, Reason.UNKNOWN),
        (400, graph_error(4), Kind.TRY_LATER, Reason.RATE_LIMIT),
        (400, "<html>", Kind.UNCLEAR, Reason.UNREADABLE),
        (200, {}, Kind.UNCLEAR, Reason.UNREADABLE),
    ],
)
async def test_refused_refreshes(status: int, body: object, kind: Kind, reason: Reason) -> None:
    call, _ = call_of(always(reply(status, body)))
    verdict = await refusal(lambda: PLATFORM.refresh(call, LONG))
    assert (verdict.kind, verdict.reason) == (kind, reason)


@pytest.mark.parametrize("body", ["true", {"success": True}])
async def test_revoking_removes_the_app_for_the_person(body: object) -> None:
    call, http = call_of(always(reply(200, body)))
    assert await PLATFORM.revoke(call, LONG)
    assert http.paths() == ["DELETE /v26.0/me/permissions"]
    assert http.seen[0].headers["authorization"] == "Bearer EAA-long"


async def test_revoking_what_is_dead_is_done() -> None:
    call, _ = call_of(always(reply(400, graph_error(190, 458))))
    assert await PLATFORM.revoke(call, LONG)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(reply(500, ""), Kind.UNCLEAR), (reply(200, "false"), Kind.UNCLEAR), (reply(200, {}), Kind.UNCLEAR)],
)
async def test_revoking_without_an_answer_is_no_success(answer: Response, kind: Kind) -> None:
    call, _ = call_of(always(answer))
    assert (await refusal(lambda: PLATFORM.revoke(call, LONG))).kind is kind


async def test_a_living_page_token_is_proved_with_two_calls() -> None:
    call, http = call_of(TinyFacebook())
    account = await PLATFORM.probe(call, PAGE_TARGET)
    assert (account.id, account.handle, account.usable) == ("101", "lamps", True)
    assert http.paths() == ["GET /v26.0/debug_token", "GET /v26.0/me"]
    assert "authorization" not in http.seen[0].headers


@pytest.mark.parametrize(
    ("me", "kind", "reason"),
    [
        (
            reply(400, graph_error(190, None, "must be granted before impersonating a user's page")),
            Kind.PERMISSION,
            Reason.ROLE_LOST,
        ),
        (reply(400, graph_error(190, 492)), Kind.PERMISSION, Reason.ROLE_LOST),
        (reply(403, graph_error(200)), Kind.PERMISSION, Reason.PERMISSION_MISSING),
        (reply(400, graph_error(100, 33)), Kind.ACCOUNT, Reason.ACCOUNT_GONE),
        (reply(400, graph_error(190, 460)), Kind.DEAD, Reason.PASSWORD_CHANGED),
        (reply(200, {"id": "77", "name": "Ada"}), Kind.PERMISSION, Reason.PERMISSION_MISSING),
        (reply(502, "<html>"), Kind.UNCLEAR, Reason.PLATFORM_DOWN),
        (reply(400, graph_error(80001)), Kind.TRY_LATER, Reason.RATE_LIMIT),
    ],
)
async def test_what_only_a_call_by_the_token_shows(me: Response, kind: Kind, reason: Reason) -> None:
    call, _ = call_of(TinyFacebook(me=me))
    verdict = await refusal(lambda: PLATFORM.probe(call, PAGE_TARGET))
    assert (verdict.kind, verdict.reason) == (kind, reason)


@pytest.mark.parametrize(
    "me",
    [
        reply(400, graph_error(190, None, "Data access for this user has expired")),
        reply(400, graph_error(100, None, "Invalid parameter")),
        reply(200, {"name": "Lamps"}),
    ],
)
async def test_what_says_nothing_of_posting_is_no_verdict(me: Response) -> None:
    call, _ = call_of(TinyFacebook(me=me))
    assert (await PLATFORM.probe(call, PAGE_TARGET)).id == "101"


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        ({"code": 190, "subcode": 460, "message": "x"}, Kind.DEAD, Reason.PASSWORD_CHANGED),
        ({"code": 190, "subcode": 458}, Kind.DEAD, Reason.REVOKED),
        ({"code": 190, "error_subcode": 463}, Kind.DEAD, Reason.EXPIRED),
        ({"code": 190, "message": "must be granted before impersonating"}, Kind.PERMISSION, Reason.ROLE_LOST),
        ({"code": 190, "subcode": 492}, Kind.PERMISSION, Reason.ROLE_LOST),  # of this Page, not of the login
        ({"code": 100, "message": "?"}, Kind.UNKNOWN, Reason.UNKNOWN),
        ({}, Kind.DEAD, Reason.REFUSED),
        (None, Kind.DEAD, Reason.REFUSED),
    ],
)
async def test_a_dead_token_says_why_under_a_status_of_200(error: Any, kind: Kind, reason: Reason) -> None:
    call, _ = call_of(TinyFacebook(debug={"is_valid": False, "error": error}))
    verdict = await refusal(lambda: PLATFORM.probe(call, PAGE_TARGET))
    assert (verdict.kind, verdict.reason) == (kind, reason)


GOOD = {"is_valid": True, "type": "PAGE", "profile_id": "101", "scopes": FB_SCOPES}


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({}, False),
        ({"scopes": None}, False),
        ({"profile_id": None}, False),
        ({"granular_scopes": [{"scope": "pages_manage_posts"}]}, False),
        ({"granular_scopes": [{"scope": "pages_manage_posts", "target_ids": ["101", "5"]}]}, False),
        ({"granular_scopes": [{"scope": "pages_manage_posts", "target_ids": [101]}]}, False),
        ({"granular_scopes": [{"scope": "pages_manage_posts", "target_ids": ["5"]}]}, True),
        ({"data_access_expires_at": NOW - 86400}, False),
        ({"type": "USER"}, True),
        ({"profile_id": "5"}, True),
        ({"scopes": ["pages_show_list"]}, True),
    ],
)
async def test_what_a_living_token_may_lack(change: dict[str, Any], refused: bool) -> None:
    call, _ = call_of(TinyFacebook(debug=GOOD | change))
    if not refused:
        assert (await PLATFORM.probe(call, PAGE_TARGET)).id == "101"
        return
    verdict = await refusal(lambda: PLATFORM.probe(call, PAGE_TARGET))
    assert (verdict.kind, verdict.permission) == (Kind.PERMISSION, "pages_manage_posts")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(400, graph_error(190, None, "Invalid OAuth access token.")), Kind.APP),
        (reply(400, graph_error(190, 458)), Kind.APP),
        (reply(403, graph_error(10)), Kind.APP),
        (reply(400, graph_error(4)), Kind.TRY_LATER),
        (reply(500, ""), Kind.UNCLEAR),
        (reply(200, {"data": []}), Kind.UNCLEAR),
        (reply(200, {"data": {"is_valid": "yes"}}), Kind.UNCLEAR),
    ],
)
async def test_a_refused_question_says_nothing_about_the_token_asked_for(
    answer: Response, kind: Kind
) -> None:
    call, _ = call_of(always(answer))
    assert (await refusal(lambda: PLATFORM.probe(call, PAGE_TARGET))).kind is kind


async def test_no_token_travels_in_an_address_but_to_the_token_endpoints() -> None:
    call, http = call_of(TinyFacebook(granted=[], lists={"/me/accounts": [[]], "/me/businesses": [[]]}))
    await PLATFORM.discover(call, await PLATFORM.exchange(call, "AQD", REDIRECT, None))

    def open_about_it(sight: Sight) -> bool:
        return any("EAA" in value or "app-secret" in value for value in sight.params.values())

    about_tokens = {"/v26.0/oauth/access_token", "/v26.0/debug_token"}
    assert {sight.path for sight in http.seen if open_about_it(sight)} == about_tokens
