"""Facebook: which Pages and Instagram accounts a login reaches, each with its own token."""

from __future__ import annotations

from typing import Any

import pytest

from bot.http import Response
from bot.platforms.base import Tokens
from bot.platforms.errors import Kind, Reason
from bot.platforms.facebook import Facebook
from bot.platforms.facebook_pages import Pair
from tests.platforms.meta_fakes import IG, IG_SCOPES, TinyFacebook, page, proof, refusal
from tests.platforms.platform_fakes import Sight, call_of, graph_error, reply

PLATFORM = Facebook("v26.0")
LONG = Tokens("EAA-long", scopes=frozenset(IG_SCOPES))


async def test_each_page_comes_with_its_own_token() -> None:
    pages = [page("101"), page("102", "EAA-2") | {"username": "two"}]
    call, _ = call_of(TinyFacebook(lists={"/me/accounts": [pages]}))
    found = await PLATFORM.discover(call, LONG)
    assert (found.subject, found.subject_name) == ("77", "Ada")
    first, second = found.accounts
    assert (first.id, first.handle, first.name, first.own_token) == ("101", "", "Page 101", "EAA-page")
    assert (first.usable, first.platform, first.picture_url) == (True, None, "https://cdn.example/p.jpg")
    assert (second.handle, second.own_token) == ("two", "EAA-2")
    assert "EAA" not in repr(found)


async def test_lists_are_followed_to_their_end_on_our_own_host() -> None:
    lists = {"/me/accounts": [[page("1")], [page("2")], [page("3")]]}
    call, http = call_of(TinyFacebook(lists=lists))
    found = await PLATFORM.discover(call, LONG)
    assert [account.id for account in found.accounts] == ["1", "2", "3"]
    asked = [sight.params for sight in http.seen if sight.path.endswith("/me/accounts")]
    assert [params.get("after") for params in asked] == [None, "1", "2"]
    assert all("access_token" in params["fields"] and params["limit"] == "100" for params in asked)
    assert not any("access_token" in params for params in asked)


@pytest.mark.parametrize(
    ("paging", "asked"),
    [
        ({"next": "https://graph.facebook.com/x?page=2&access_token=T&fields=id"}, {"page": "2"}),
        ({"next": "https://graph.facebook.com/x?__paging_token=Q"}, {"__paging_token": "Q"}),
        ({"next": "https://graph.facebook.com/x", "cursors": {"after": "C"}}, {"after": "C"}),
        ({"next": "https://graph.facebook.com/x?limit=100", "cursors": {"after": 7}}, {"after": "7"}),
    ],
)
async def test_the_next_page_is_found_however_its_address_names_it(
    paging: dict[str, Any], asked: dict[str, str]
) -> None:
    first, twin = {"data": [page("1")], "paging": paging}, TinyFacebook()

    def answer(sight: Sight) -> Response:
        if not sight.path.endswith("/me/accounts"):
            return twin(sight)
        own = {"fields": sight.params["fields"], "limit": "100", "appsecret_proof": proof("EAA-long")}
        return reply(200, {"data": [page("2")]} if dict(sight.params) == own | asked else first)

    call, _ = call_of(answer)
    assert [account.id for account in (await PLATFORM.discover(call, LONG)).accounts] == ["1", "2"]


async def test_a_list_that_goes_in_circles_ends() -> None:
    circle = {"data": [page("1")], "paging": {"next": "https://graph.facebook.com/x?after=Q"}}
    twin = TinyFacebook()
    call, http = call_of(
        lambda sight: reply(200, circle) if sight.path.endswith("/accounts") else twin(sight)
    )
    assert len((await PLATFORM.discover(call, LONG)).accounts) == 1
    assert len(http.seen) == 3


async def test_a_page_that_was_not_ticked_is_shown_and_cannot_be_linked() -> None:
    lists = {"/me/accounts": [[page("1"), page("2", None, instagram=IG)]]}
    call, _ = call_of(TinyFacebook(lists=lists))
    _, unticked, behind = (await PLATFORM.discover(call, LONG)).accounts
    assert (unticked.usable, unticked.problem, unticked.own_token) == (False, Reason.PERMISSION_MISSING, None)
    assert (behind.usable, behind.problem, behind.own_token) == (False, Reason.PERMISSION_MISSING, None)


@pytest.mark.parametrize(
    ("tasks", "problem"),
    [
        (["ANALYZE", "ADVERTISE"], Reason.ROLE_LOST),
        (["MANAGE", "MODERATE"], Reason.ROLE_LOST),
        (["CREATE_CONTENT"], None),
        ([], None),
        (None, None),
        ([["odd"]], Reason.ROLE_LOST),
    ],
)
async def test_a_role_that_may_not_post_is_named(tasks: object, problem: Reason | None) -> None:
    call, _ = call_of(TinyFacebook(lists={"/me/accounts": [[page() | {"tasks": tasks}]]}))
    account = (await PLATFORM.discover(call, LONG)).accounts[0]
    assert (account.usable, account.problem) == (problem is None, problem)


async def test_the_instagram_account_behind_a_page_takes_the_right_to_manage_too() -> None:
    managed = page("1", instagram=IG) | {"tasks": ["MANAGE"]}
    call, _ = call_of(TinyFacebook(lists={"/me/accounts": [[managed]]}))
    behind = (await PLATFORM.discover(call, LONG)).accounts[1]
    assert (behind.id, behind.usable, behind.problem) == (IG, True, None)


async def test_pages_of_businesses_are_looked_for_where_the_person_has_none() -> None:
    lists: dict[str, list[list[dict[str, Any]]]] = {
        "/me/accounts": [[page("3", None)]],
        "/me/businesses": [[{"id": "b1"}], [{"id": "b2"}]],
        "/b1/owned_pages": [[page("1")]],
        "/b1/client_pages": [[page("1"), page("2", None)]],
        "/b2/owned_pages": [[]],
        "/b2/client_pages": [[page("3", "EAA-3")]],
    }
    call, _ = call_of(TinyFacebook(lists=lists))
    found = (await PLATFORM.discover(call, LONG)).accounts
    assert [(account.id, account.usable) for account in found] == [("3", True), ("1", True), ("2", False)]


async def test_businesses_are_not_asked_where_the_person_has_a_page() -> None:
    call, http = call_of(TinyFacebook(lists={"/me/accounts": [[page("1")]]}))
    await PLATFORM.discover(call, LONG)
    assert not any("businesses" in path for path in http.paths())


@pytest.mark.parametrize(
    ("refused", "kind"),
    [
        (reply(403, graph_error(200)), None),
        (reply(400, graph_error(100)), None),
        (reply(500, ""), Kind.UNCLEAR),
        (reply(400, graph_error(4)), Kind.TRY_LATER),
    ],
)
async def test_businesses_that_may_not_be_read_leave_an_empty_list(
    refused: Response, kind: Kind | None
) -> None:
    twin = TinyFacebook(lists={"/me/accounts": [[]]})

    def answer(sight: Sight) -> Response:
        return refused if sight.path.endswith("/me/businesses") else twin(sight)

    call, _ = call_of(answer)
    if kind is None:
        assert (await PLATFORM.discover(call, LONG)).accounts == ()
    else:
        assert (await refusal(lambda: PLATFORM.discover(call, LONG))).kind is kind


async def test_an_instagram_account_comes_back_with_its_page() -> None:
    call, _ = call_of(TinyFacebook(lists={"/me/accounts": [[page("101", instagram=IG)]]}))
    _, instagram = (await PLATFORM.discover(call, LONG)).accounts
    assert (instagram.platform, instagram.id, instagram.handle) == ("instagram", IG, "lamp")
    assert (instagram.own_token, instagram.usable) == ("EAA-page EAA-long", True)


async def test_instagram_is_not_asked_for_where_it_was_not_granted() -> None:
    call, http = call_of(TinyFacebook(lists={"/me/accounts": [[page("101")]]}))
    await PLATFORM.discover(call, Tokens("EAA-long", scopes=frozenset({"pages_show_list"})))
    asked = [sight.params["fields"] for sight in http.seen if sight.path.endswith("/me/accounts")]
    assert asked and not any("instagram" in fields for fields in asked)


def test_a_pair_is_read_back_and_a_page_token_alone_is_one() -> None:
    pair = Pair.read("EAA-page EAA-long")
    assert (pair.page, pair.person, str(pair)) == ("EAA-page", "EAA-long", "EAA-page EAA-long")
    assert Pair.read("EAA-page") == Pair("EAA-page", None)
    assert str(Pair("EAA-page")) == "EAA-page"
    assert "EAA" not in repr(pair)


async def test_a_page_token_is_minted_under_the_present_login() -> None:
    call, http = call_of(TinyFacebook())
    assert await PLATFORM.mint(call, LONG, "101") == "EAA-page-2"
    assert http.seen[0].headers["authorization"] == "Bearer EAA-long"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(200, {"id": "101"}), Kind.PERMISSION),
        (reply(400, graph_error(100, 33)), Kind.ACCOUNT),
        (reply(400, graph_error(190, 460)), Kind.DEAD),
        (reply(500, ""), Kind.UNCLEAR),
    ],
)
async def test_a_page_token_that_is_not_to_be_had(answer: Response, kind: Kind) -> None:
    call, _ = call_of(lambda _: answer)
    assert (await refusal(lambda: PLATFORM.mint(call, LONG, "101"))).kind is kind
