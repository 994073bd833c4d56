"""The callback and the page behind it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.domain.inviting import Wanted
from bot.http import NoAnswer
from bot.platforms.base import Account
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from storage.models import Connection, Consent, Grant, Incident
from tests.web.web_fakes import PUBLIC, SECRET, Town, come_back, press, text_of, to_platform, walk

OTHER = Account("a2", "other", "Other")


async def test_the_whole_walk_links_the_account(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    state = await to_platform(browser, path)
    back = await come_back(browser, state)
    assert back.status_code == 303
    assert back.headers["location"].startswith(f"{PUBLIC}/consent/") and "?" not in back.headers["location"]
    result = await browser.get(back.headers["location"])
    assert result.status_code == 200
    assert "@acme is connected" in text_of(result) and "https://pics.example/a1.png" in result.text
    assert SECRET not in result.text
    [connection] = await town.rows(Connection)
    assert (connection.client_id, connection.account_id) == ("acme", "a1")
    assert await town.state_of(path) == "used"


async def test_a_short_life_is_told_on_the_page(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    back = await come_back(browser, await to_platform(browser, path))
    [grant] = await town.rows(Grant)
    for days, is_told in ((7, True), (60, False)):
        async with town.house.db.write() as session:
            row = await session.get_one(Grant, grant.id)
            row.data_access_expires_at = row.consented_at + timedelta(days=days)
        said = text_of(await browser.get(back.headers["location"]))
        assert ("somebody has to sign in again" in said) is is_told
        assert (f"{row.data_access_expires_at:%d %b %Y}" in said) is is_told


async def test_two_loads_of_one_callback_are_one_exchange(town: Town, browser: httpx.AsyncClient) -> None:
    lumen = town.platforms["lumen"]
    lumen.gate = asyncio.Event()
    [path] = await town.invite(Wanted("lumen"))
    state = await to_platform(browser, path)
    first = asyncio.create_task(come_back(browser, state))
    second = asyncio.create_task(come_back(browser, state))
    await asyncio.wait_for(lumen.arrived.wait(), 10)
    [consent] = await town.rows(Consent)
    busy = await browser.get(f"/consent/{consent.id}")
    assert "One moment" in text_of(busy) and 'http-equiv="refresh"' in busy.text
    lumen.gate.set()
    answers = await asyncio.gather(first, second)
    later = await come_back(browser, state)
    assert {answer.headers["location"] for answer in (*answers, later)} == {f"{PUBLIC}/consent/{consent.id}"}
    assert lumen.exchanged == ["code-1"]
    assert len(await town.rows(Connection)) == 1


async def refused_page(browser: httpx.AsyncClient, answer: httpx.Response) -> httpx.Response:
    """The page that a refused callback leads to, at an address that carries nothing of it."""
    location = answer.headers["location"]
    assert answer.status_code == 303 and location.startswith(f"{PUBLIC}/refused/") and "?" not in location
    return await browser.get(location)


async def test_a_state_that_nobody_gave_out_is_refused(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    state = await to_platform(browser, path)
    for wrong in (state + "x", "", "0"):
        answer = await come_back(browser, wrong)
        page = await refused_page(browser, answer)
        assert page.status_code == 400 and "Nothing was changed" in text_of(page)
    assert town.platforms["lumen"].exchanged == []
    assert (await come_back(browser, state)).status_code == 303


REFUSED_APP = {"error_code": "100", "error_message": "Invalid Scopes: pages_fly"}


async def test_a_refusal_of_our_app_without_a_state_ends_this_browsers_walk(
    town: Town, browser: httpx.AsyncClient
) -> None:
    [path] = await town.invite(Wanted("lumen"))
    await to_platform(browser, path)
    address = "/oauth/lumen/callback"
    async with town.browser() as another:
        await another.get(path)
        page = await refused_page(another, await another.get(address, params=REFUSED_APP))
        assert page.status_code == 400
    for others in ({"error": "access_denied"}, REFUSED_APP | {"code": "c"}, REFUSED_APP | {"state": "s"}):
        page = await refused_page(browser, await browser.get(address, params=others))
        assert page.status_code == 400
    assert await town.rows(Incident) == []
    answer = await browser.get(address, params=REFUSED_APP)
    assert "Our team was told" in text_of(await browser.get(answer.headers["location"]))
    (told,) = await town.rows(Incident)
    assert (told.kind, told.reason) == ("app", Reason.APP_SETTINGS)
    assert await town.rows(Connection) == [] and town.platforms["lumen"].exchanged == []
    page = await refused_page(browser, await browser.get(address, params=REFUSED_APP))
    assert page.status_code == 400  # that walk is over


async def test_another_browser_links_nothing_and_the_link_still_works(
    town: Town, browser: httpx.AsyncClient
) -> None:
    [path] = await town.invite(Wanted("lumen"))
    state = await to_platform(browser, path)
    async with town.browser() as app_that_took_over:
        bare = await come_back(app_that_took_over, state)
        await app_that_took_over.get(path)
        with_own_cookie = await come_back(app_that_took_over, state)
    for answer in (bare, with_own_cookie):
        page = await refused_page(browser, answer)
        assert page.status_code == 400 and "in your browser" in text_of(page)
    assert town.platforms["lumen"].exchanged == [] and await town.rows(Connection) == []
    assert (await come_back(browser, state)).status_code == 303
    assert len(await town.rows(Connection)) == 1


async def test_a_state_of_another_platform_is_refused(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    answer = await come_back(browser, await to_platform(browser, path), "mirror")
    assert (await refused_page(browser, answer)).status_code == 400
    assert not town.platforms["lumen"].exchanged and not town.platforms["mirror"].exchanged


async def test_platforms_that_are_unknown_or_off_have_no_callback(browser: httpx.AsyncClient) -> None:
    for platform in ("nowhere", "dark"):
        assert (await come_back(browser, "x", platform)).status_code == 404


@pytest.mark.parametrize(
    "query",
    ["code=c&code=d&state={s}", "code=c&state={s}&state={s}", "code[]=c&state={s}", "code=c&state[0]={s}"],
)
async def test_arrays_for_strings_are_refused(town: Town, browser: httpx.AsyncClient, query: str) -> None:
    [path] = await town.invite(Wanted("lumen"))
    state = await to_platform(browser, path)
    answer = await browser.get(f"/oauth/lumen/callback?{query.format(s=state)}")
    assert (await refused_page(browser, answer)).status_code == 400
    assert town.platforms["lumen"].exchanged == []
    [consent] = await town.rows(Consent)
    assert consent.state == "started"


async def test_a_head_request_works_nothing(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    state = await to_platform(browser, path)
    await browser.head("/oauth/lumen/callback", params={"state": state, "code": "code-1"})
    assert town.platforms["lumen"].exchanged == []


async def test_a_no_at_the_platform_changes_nothing(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    state = await to_platform(browser, path)
    back = await come_back(browser, state, error="access_denied", error_description="<b>raw words</b>")
    page = await browser.get(back.headers["location"])
    assert "You said no" in text_of(page) and "raw words" not in page.text
    assert f'href="{PUBLIC}{path}"' in page.text
    assert await town.state_of(path) == "open" and town.platforms["lumen"].exchanged == []


async def test_an_error_of_the_platform_is_not_repeated(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    state = await to_platform(browser, path)
    back = await come_back(browser, state, error="server_error", error_description="raw words")
    page = await browser.get(back.headers["location"])
    assert "Lumen did not confirm" in text_of(page) and "raw words" not in page.text


@pytest.mark.parametrize(
    ("failing", "said"),
    [
        (PlatformError(Verdict(Kind.DEAD, Reason.REFUSED, "invalid_grant")), "did not confirm"),
        (PlatformError(Verdict(Kind.APP, Reason.APP_SECRET, "invalid_client")), "Our team was told"),
        (NoAnswer("POST api.lumen.example/token"), "did not answer"),
    ],
)
async def test_a_failed_exchange_says_what_to_do(
    town: Town, browser: httpx.AsyncClient, failing: PlatformError | NoAnswer, said: str
) -> None:
    town.platforms["lumen"].failing = failing
    [path] = await town.invite(Wanted("lumen"))
    page = await browser.get(await walk(browser, path))
    assert said in text_of(page) and "invalid_" not in page.text
    assert await town.state_of(path) == "open" and await town.rows(Connection) == []


async def test_a_state_that_is_too_old_is_refused(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    state = await to_platform(browser, path)
    town.house.clock.set_offset(601)
    page = await browser.get((await come_back(browser, state)).headers["location"])
    assert "took too long" in text_of(page) and f"{PUBLIC}{path}" in page.text
    assert town.platforms["lumen"].exchanged == []


async def test_an_invitation_that_was_replaced_on_the_way_links_nothing(
    town: Town, browser: httpx.AsyncClient
) -> None:
    [path] = await town.invite(Wanted("lumen"))
    state = await to_platform(browser, path)
    await town.invite(Wanted("lumen"))
    page = await browser.get((await come_back(browser, state)).headers["location"])
    assert "Somebody was faster" in text_of(page)
    assert await town.rows(Connection) == [] and await town.rows(Grant) == []


async def test_only_its_own_browser_sees_a_result(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    there = await walk(browser, path)
    async with town.browser() as stranger:
        bare = await stranger.get(there)
        await stranger.get(path)
        seen = [bare, await stranger.get(there), await stranger.get("/consent/unknown")]
    assert {page.status_code for page in seen} == {403}
    assert len({page.text for page in seen}) == 1 and "acme" not in bare.text


async def test_missing_permissions_are_named(town: Town, browser: httpx.AsyncClient) -> None:
    town.platforms["lumen"].scopes = frozenset({"who"})
    [path] = await town.invite(Wanted("lumen"))
    page = await browser.get(await walk(browser, path))
    assert "A permission is missing" in text_of(page) and "Posting" in text_of(page)
    assert "https://www.lumen.example/apps" in page.text
    assert await town.rows(Connection) == [] and await town.state_of(path) == "open"


async def test_an_optional_permission_that_is_missing_is_named_beside_the_success(
    town: Town, browser: httpx.AsyncClient
) -> None:
    town.platforms["lumen"].scopes = frozenset({"who", "post"})
    [path] = await town.invite(Wanted("lumen"))
    said = text_of(await browser.get(await walk(browser, path)))
    assert "@acme is connected" in said and "Counting views" in said


async def test_an_account_that_cannot_be_linked_says_why(town: Town, browser: httpx.AsyncClient) -> None:
    suspended = Account("a1", "acme", "Acme", usable=False, problem=Reason.SUSPENDED)
    town.platforms["lumen"].accounts = (suspended,)
    [path] = await town.invite(Wanted("lumen"))
    said = text_of(await browser.get(await walk(browser, path)))
    assert "No account to connect" in said and "Lumen has suspended this account" in said


async def test_names_from_platforms_are_only_text(town: Town, browser: httpx.AsyncClient) -> None:
    nasty = Account("a1", "<script>x", '"><img src=x>', "javascript:alert(1)")
    town.platforms["lumen"].accounts = (nasty, Account("a2", "b", "B", "https://"))
    [path] = await town.invite(Wanted("lumen"))
    page = await browser.get(await walk(browser, path))
    assert page.status_code == 200
    for piece in ("<script", "<img", "javascript:"):
        assert piece not in page.text


async def test_a_relink_brings_the_same_account_back(town: Town, browser: httpx.AsyncClient) -> None:
    connection = await town.link()
    [path] = await town.invite(Wanted("lumen", connection_id=connection.id))
    page = await browser.get(path)
    assert "Connect @acme again" in text_of(page)
    result = await browser.get(await walk(browser, path))
    assert "@acme is connected again" in text_of(result) and "offered to the team" in text_of(result)
    assert len(await town.rows(Connection)) == 1


async def test_a_relink_as_somebody_else_changes_nothing(town: Town, browser: httpx.AsyncClient) -> None:
    connection = await town.link()
    town.platforms["lumen"].accounts, town.platforms["lumen"].subject = (OTHER,), "person-2"
    [path] = await town.invite(Wanted("lumen", connection_id=connection.id))
    there = await walk(browser, path)
    question = await browser.get(there)
    said = text_of(question)
    assert "This link is for @acme" in said and "came back as @other" in said
    assert 'value="link"' not in question.text

    for picks in (["a2"], ["a1"], ["a2", "a1"]):
        answer = await press(browser, question, action="link", pick=picks)
        assert answer.status_code == 422
    assert [(row.account_id, row.grant_id) for row in await town.rows(Connection)] == [
        ("a1", connection.grant_id)
    ]
    again = await press(browser, question, action="again")
    assert again.status_code == 303 and again.headers["location"] == f"{PUBLIC}{path}"
    assert await town.state_of(path) == "open"
    town.platforms["lumen"].accounts = (Account("a1", "acme", "Acme"),)
    assert "connected again" in text_of(await browser.get(await walk(browser, path)))


async def test_several_accounts_are_picked_by_hand(town: Town, browser: httpx.AsyncClient) -> None:
    unusable = Account("a3", "third", "Third", usable=False, problem=Reason.ACCOUNT_TYPE)
    town.platforms["lumen"].accounts = (Account("a1", "acme", "Acme"), OTHER, unusable)
    [path] = await town.invite(Wanted("lumen"))
    there = await walk(browser, path)
    question = await browser.get(there)
    assert question.text.count('type="checkbox"') == 3 and question.text.count("disabled") == 1
    for picks in ([], ["a3"], ["nobody"]):
        answer = await press(browser, question, action="link", pick=picks)
        assert answer.status_code == 422 and "at least one" in text_of(answer)
    assert await town.rows(Connection) == []
    assert (await press(browser, question, action="link", pick=["a1", "a2", "a3"])).status_code == 303
    assert {row.account_id for row in await town.rows(Connection)} == {"a1", "a2"}
    assert "@acme and @other are connected" in text_of(await browser.get(there))


@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
async def test_an_answer_from_elsewhere_links_nothing(
    town: Town, browser: httpx.AsyncClient, origin: str | None
) -> None:
    [path] = await town.invite(Wanted("mirror"))
    question = await browser.get(await walk(browser, path, "mirror"))
    refused = await press(browser, question, origin=origin, action="link", pick="a1")
    assert refused.status_code == 403 and await town.rows(Connection) == []


async def test_an_answer_of_another_browser_links_nothing(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("mirror"))
    question = await browser.get(await walk(browser, path, "mirror"))
    async with town.browser() as stranger:
        own_page = await stranger.get(path)
        refused = [
            await press(stranger, question, action="link", pick="a1"),
            await press(stranger, own_page, to=question.url.path, action="link", pick="a1"),
        ]
    assert [answer.status_code for answer in refused] == [403, 403]
    assert await town.rows(Connection) == []


async def test_a_platform_without_account_choice_asks_first(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("mirror"))
    there = await walk(browser, path, "mirror")
    question = await browser.get(there)
    for piece in ("@acme", "Acme Bakery", "Brightside"):
        assert piece in text_of(question)
    assert (await press(browser, question, action="what")).status_code == 303
    assert await town.rows(Connection) == []
    await press(browser, question, action="link", pick="a1")
    assert "@acme is connected" in text_of(await browser.get(there))
    second = await press(browser, question, action="decline")
    assert second.status_code == 303 and len(await town.rows(Connection)) == 1


async def test_a_no_to_the_question_links_nothing(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("mirror"))
    there = await walk(browser, path, "mirror")
    await press(browser, await browser.get(there), action="decline", pick="a1")
    page = await browser.get(there)
    assert "Nothing was connected" in text_of(page) and f"{PUBLIC}{path}" in page.text
    assert await town.rows(Connection) == [] and await town.state_of(path) == "open"


async def test_an_unexpected_handle_is_asked_about(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen", "@Somebody"))
    there = await walk(browser, path)
    question = await browser.get(there)
    assert "expect @Somebody" in text_of(question) and "Connect @acme anyway" in text_of(question)
    assert await town.rows(Connection) == []
    await press(browser, question, action="link", pick="a1")
    assert len(await town.rows(Connection)) == 1


async def test_an_account_of_another_client_is_asked_about_without_its_name(
    town: Town, browser: httpx.AsyncClient
) -> None:
    await town.link(client="rival")
    [path] = await town.invite(Wanted("lumen", "acme"))
    town.platforms["lumen"].accounts = (OTHER, Account("a1", "acme", "Acme"))
    question = await browser.get(await walk(browser, path))
    assert "already connected for another client of Brightside" in text_of(question)
    assert "Rival" not in question.text and "rival" not in question.text
    refused = await press(browser, question, action="link", pick="a2")
    assert refused.status_code == 422  # the question was about one account, not about what lay beside it
    await press(browser, question, action="link", pick="a1")
    assert {row.account_id for row in await town.rows(Connection, Connection.client_id == "acme")} == {"a1"}


async def test_a_consent_that_was_forgotten_says_so(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("mirror"))
    there = await walk(browser, path, "mirror")
    question = await browser.get(there)
    await town.change(Consent, state="failed", result="expired", answer=None)
    assert (await press(browser, question, action="link", pick="a1")).status_code == 303
    assert "took too long" in text_of(await browser.get(there))
    assert await town.rows(Connection) == []


async def test_an_unexpected_error_says_nothing_of_itself(
    town: Town, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    [path] = await town.invite(Wanted("lumen"))
    monkeypatch.setattr(type(town.house.clock), "now", _explode)
    with capture_logs() as lines:
        page = await browser.get(path)
    assert page.status_code == 500 and "inner words" not in page.text
    assert page.headers["x-frame-options"] == "DENY"
    failed, request = lines
    assert failed["event"] == "request_failed" and failed["exc_info"]
    assert (request["route"], request["status"]) == ("/connect/{token}", 500)
    assert path.rpartition("/")[2] not in str(lines)


def _explode(_: object) -> timedelta:
    raise RuntimeError("inner words")


WORDS = st.text(max_size=30)
NAMES = st.sampled_from(["state", "code", "error", "scope", "state[]"]) | WORDS
PARAMS = st.lists(st.tuples(NAMES, WORDS), max_size=6)


async def test_no_query_breaks_the_callback(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    queries: list[str] = []

    @settings(max_examples=100, deadline=None, database=None)
    @given(PARAMS, st.booleans(), st.binary(max_size=20))
    def collect(params: list[tuple[str, str]], known: bool, raw: bytes) -> None:
        state = "&state={state}" if known else ""
        queries.append(
            urlencode(params).replace("{", "%7B").replace("}", "%7D") + state + quote(raw, safe="&=;+")
        )

    collect()
    statuses = set()
    for query in queries:
        state = await to_platform(browser, path) if "{state}" in query else ""
        answer = await browser.get(f"/oauth/lumen/callback?{query.replace('{state}', state)}")
        statuses.add(answer.status_code)
        if await town.state_of(path) != "open":
            [path] = await town.invite(Wanted("lumen"))
    assert statuses == {303}
