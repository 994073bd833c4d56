"""The invitation page and its button."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from bot.domain.inviting import Wanted
from storage.models import Client, Connection, Consent, Invitation, Notice, Workspace
from tests.web.web_fakes import PUBLIC, Town, press, text_of, token_in, walk

COOKIE = "__Host-lamplighter_walk"


async def test_the_page_says_who_asks_for_whom_and_what(town: Town, browser: httpx.AsyncClient) -> None:
    path, other = await town.invite(Wanted("lumen", "@acme"), Wanted("mirror"))
    page = await browser.get(path)
    said = text_of(page)
    for piece in ("Brightside", "Acme Bakery", "@acme", "Posting", "posts and history stay", "testers"):
        assert piece in said
    assert f"{PUBLIC}{other}" in page.text
    assert "Rival" not in page.text


async def test_looking_consumes_nothing(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    for _ in range(3):
        assert (await browser.head(path)).status_code == 200
        assert (await browser.get(path, headers={"User-Agent": "Slackbot-LinkExpanding"})).status_code == 200
    assert await town.state_of(path) == "open"
    assert await town.rows(Consent) == []


async def test_the_cookie_is_strict_and_stays_the_same(town: Town, browser: httpx.AsyncClient) -> None:
    first, second = await town.invite(Wanted("lumen"), Wanted("mirror"))
    set_cookie = (await browser.get(first)).headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=lax", "Secure", "Path=/", "Max-Age=3600"):
        assert part in set_cookie
    secret = browser.cookies[COOKIE]
    assert re.fullmatch(r"[\w-]{43}", secret)
    await browser.get(second)
    assert browser.cookies[COOKIE] == secret


async def test_a_cookie_that_is_not_ours_is_replaced(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    page = await browser.get(path, headers={"Cookie": f"{COOKIE}=short"})
    assert re.search(COOKIE + r"=[\w-]{43};", page.headers["set-cookie"])


async def test_the_button_leads_to_the_platform(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    answer = await press(browser, await browser.get(path))
    assert answer.status_code == 303
    there = urlsplit(answer.headers["location"])
    assert there.netloc == "www.lumen.example"
    assert parse_qs(there.query)["redirect_uri"] == [f"{PUBLIC}/oauth/lumen/callback"]
    assert await town.state_of(path) == "open"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", None, f"{PUBLIC}.evil.example", PUBLIC.upper()]
)
async def test_a_press_from_elsewhere_does_nothing(
    town: Town, browser: httpx.AsyncClient, origin: str | None
) -> None:
    [path] = await town.invite(Wanted("lumen"))
    answer = await press(browser, await browser.get(path), origin=origin)
    assert answer.status_code == 403
    assert await town.rows(Consent) == []


async def test_two_origins_are_none(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    token = token_in(await browser.get(path))
    headers = [("Origin", PUBLIC), ("Origin", PUBLIC)]
    answer = await browser.post(path, data={"form_token": token}, headers=headers)
    assert answer.status_code == 403


async def test_a_press_needs_this_pages_token_in_this_browser(town: Town, browser: httpx.AsyncClient) -> None:
    path, other = await town.invite(Wanted("lumen"), Wanted("mirror"))
    page = await browser.get(path)
    good, origin = token_in(page), {"Origin": PUBLIC}
    for data in ({"x": ""}, {"form_token": "0" * 64}, {"form_token": "é"}, {"form_token": [good, good]}):
        assert (await browser.post(path, data=data, headers=origin)).status_code == 403
    assert (await browser.post(other, data={"form_token": good}, headers=origin)).status_code == 403
    async with town.browser() as stranger:
        assert (await stranger.post(path, data={"form_token": good}, headers=origin)).status_code == 403
        await stranger.get(path)
        assert (await stranger.post(path, data={"form_token": good}, headers=origin)).status_code == 403
    json = await browser.post(path, json={"form_token": good}, headers=origin)
    assert json.status_code == 400
    assert await town.rows(Consent) == []


async def test_a_page_that_lost_its_cookie_offers_to_open_it_again(
    town: Town, browser: httpx.AsyncClient
) -> None:
    [path] = await town.invite(Wanted("lumen"))
    page = await browser.get(path)
    browser.cookies.clear()
    answer = await press(browser, page)
    assert answer.status_code == 403 and f'href="{path}"' in answer.text


async def test_a_forged_link_is_unknown(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    for forged in (f"{path[:-1]}!", "/connect/x", "/connect/%00", f"/connect/{'a' * 3000}"):
        answer = await browser.get(forged)
        assert answer.status_code == 404
        assert "set-cookie" not in answer.headers


async def test_an_expired_link_offers_a_fresh_one_once(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen", "@acme"))
    page = await browser.get(path)
    old = town.house.clock.now() - timedelta(days=8)
    await town.change(Invitation, created_at=old, expires_at=old + timedelta(days=7))
    assert (await press(browser, page)).status_code == 410
    assert await town.rows(Consent) == []

    gone = await browser.get(path)
    assert gone.status_code == 410 and "too old" in text_of(gone)
    fresh = f"{path}/fresh"
    assert (await press(browser, gone, to=fresh, origin="null")).status_code == 403
    assert (await press(browser, gone, to=fresh)).status_code == 200
    rows = await town.rows(Invitation)
    assert sorted(row.state for row in rows) == ["open", "replaced"]
    assert {(row.channel_id, row.expected_handle, row.created_by) for row in rows} == {("C1", "@acme", "U1")}
    assert town.house.wake.outbox.is_set()
    assert "newer link" in text_of(await browser.get(path))


async def test_a_second_fresh_link_at_once_is_not_sent(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    await town.change(Invitation, expires_at=town.house.clock.now() - timedelta(seconds=1))
    gone = await browser.get(path)
    told = await press(browser, gone, to=f"{path}/fresh")
    assert "sent just now" in text_of(told)
    assert len(await town.rows(Notice, Notice.topic == "invitation")) == 1


async def test_a_fresh_link_cannot_be_asked_for_while_the_old_one_works(
    town: Town, browser: httpx.AsyncClient
) -> None:
    [path] = await town.invite(Wanted("lumen"))
    usable, fresh = await browser.get(path), f"{path}/fresh"
    assert (await press(browser, usable, to=fresh)).status_code == 403  # the token is another form's
    await town.change(Invitation, expires_at=town.house.clock.now() - timedelta(seconds=1))
    gone = await browser.get(path)
    await town.change(Invitation, state="used")
    assert (await press(browser, gone, to=fresh)).status_code == 303
    assert len(await town.rows(Invitation)) == 1


async def test_a_used_a_replaced_and_a_closed_link_say_so(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    page = await browser.get(path)
    for state, said in (("used", "was used"), ("replaced", "newer link"), ("closed", "no longer needed")):
        await town.change(Invitation, state=state)
        gone = await browser.get(path)
        assert gone.status_code == 410 and said in text_of(gone) and "<form" not in gone.text
        assert (await press(browser, page)).status_code == 410
    assert await town.rows(Consent) == []


@pytest.mark.parametrize(("table", "column"), [(Client, "closed_at"), (Workspace, "uninstalled_at")])
async def test_a_client_that_was_closed_takes_nothing(
    town: Town, browser: httpx.AsyncClient, table: type[Client] | type[Workspace], column: str
) -> None:
    [path] = await town.invite(Wanted("lumen"))
    page = await browser.get(path)
    await town.change(table, **{column: town.house.clock.now()})
    assert (await browser.get(path)).status_code == 410
    assert (await press(browser, page)).status_code == 410
    assert await town.rows(Consent) == []


async def test_a_platform_that_is_off_says_so(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("dark"))
    page = await browser.get(path)
    assert page.status_code == 503 and "switched off" in text_of(page)


async def test_after_success_the_link_is_used_and_the_next_is_offered(
    town: Town, browser: httpx.AsyncClient
) -> None:
    path, other = await town.invite(Wanted("lumen"), Wanted("mirror"))
    result = await browser.get(await walk(browser, path))
    assert "@acme is connected" in text_of(result)
    assert f'href="{PUBLIC}{other}"' in result.text and "Next: connect Mirror" in text_of(result)
    gone = await browser.get(path)
    assert gone.status_code == 410 and f"{PUBLIC}{other}" in gone.text
    assert len(await town.rows(Connection)) == 1
