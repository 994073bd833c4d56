"""Installing the bot through Slack's OAuth: the walk, its defences, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from sandbox.slack.faults import Outage
from storage.crypto import CryptoError, Place
from storage.models import InstallWalk, Workspace
from tests.slack.town import INSTALL, Town, a_town


@pytest.fixture
async def town(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Town]:
    async with a_town(migrated_sqlite, tmp_path) as made:
        yield made


async def rows(town: Town) -> list[Workspace]:
    async with town.app.house.db.read() as session:
        return list((await session.scalars(select(Workspace))).all())


def exchanges(town: Town) -> int:
    return town.world.counts()["oauth.v2.access"]


async def test_a_workspace_installs_the_bot(town: Town) -> None:
    team = town.team("acme")
    admin = town.people["acme.admin"]
    browser = await town.browser()
    front = await browser.get(INSTALL)
    assert front.status_code == 200 and "form-action 'self' http://127.0.0.1" in str(front.headers)
    assert (await rows(town), town.world.calls) == ([], [])
    page = await town.install(team, admin.user.id, browser)
    assert page.status_code == 200 and "Lamplighter is in Acme" in page.text
    (row,) = await rows(town)
    assert (row.name, row.installed_by, row.token_generation) == ("Acme", admin.user.id, 1)
    token = town.world.installs[team].token
    assert row.bot_token is not None and token not in row.bot_token
    vault = town.app.house.vault
    assert vault.open(row.bot_token, Place("workspaces", row.id, "bot_token", 1)) == token
    for other in (Place("workspaces", row.id, "bot_token", 2), Place("workspaces", "x" * 32, "bot_token", 1)):
        with pytest.raises(CryptoError):
            vault.open(row.bot_token, other)
    await town.calm()
    assert "/lamplighter setup" in admin.sees(town.world.direct_message(team, admin.user.id).id)[-1].text


async def test_a_reinstall_replaces_the_token_as_the_next_generation(town: Town) -> None:
    team = town.team("acme")
    await town.install(team, town.people["acme.admin"].user.id)
    first = town.world.installs[team].token
    page = await town.install(team, town.people["acme.member"].user.id)
    assert "again" in page.text
    (row,) = await rows(town)
    assert (row.token_generation, row.installed_by) == (2, town.people["acme.admin"].user.id)
    assert town.world.installs[team].token != first
    assert await town.app.outbox._gateway._token_for(row.id) == town.world.installs[team].token


async def test_an_answer_works_once_and_shows_its_result_again(town: Town) -> None:
    team, browser = town.team("acme"), await town.browser()
    back = await town.at_slack(await town.to_slack(browser), team)
    first, second = await browser.get(back), await browser.get(back)
    assert first.headers["location"] == second.headers["location"] and exchanges(town) == 1
    assert "Lamplighter is in Acme" in (await town.follow(browser, second)).text
    stranger = await town.browser()
    assert (await town.follow(stranger, second)).status_code == 403


async def test_an_answer_needs_the_browser_it_was_made_for(town: Town) -> None:
    team, browser, stranger = town.team("acme"), await town.browser(), await town.browser()
    back = await town.at_slack(await town.to_slack(browser), team)
    await stranger.get(INSTALL)
    page = await town.follow(stranger, await stranger.get(back))
    assert page.status_code == 400 and "another browser" in page.text
    assert (await rows(town), exchanges(town)) == ([], 0)
    assert "Lamplighter is in Acme" in (await town.follow(browser, await browser.get(back))).text


async def test_an_answer_is_too_late_after_ten_minutes(town: Town) -> None:
    team, browser = town.team("acme"), await town.browser()
    back = await town.at_slack(await town.to_slack(browser), team)
    town.offset[0] += 601
    page = await town.follow(browser, await browser.get(back))
    assert "took too long" in page.text and (await rows(town), exchanges(town)) == ([], 0)


async def test_a_made_up_answer_does_nothing(town: Town) -> None:
    browser = await town.browser()
    await browser.get(INSTALL)
    for query in ("", "?code=1&state=made-up", "?code=1&state=a&state=b"):
        page = await town.follow(browser, await browser.get(f"/slack/oauth_redirect{query}"))
        assert page.status_code == 400 and "does not fit" in page.text
    assert exchanges(town) == 0


async def test_the_button_needs_our_page(town: Town) -> None:
    browser = await town.browser()
    page = await browser.get(INSTALL)
    foreign = await browser.http.post(INSTALL, data={}, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    other = await town.browser()
    assert (await other.press(page)).status_code == 403
    async with town.app.house.db.read() as session:
        assert (await session.scalars(select(InstallWalk))).all() == []


async def test_pages_have_the_defences_of_the_others(town: Town) -> None:
    browser = await town.browser()
    for path in (INSTALL, f"{INSTALL}/refused/unknown", f"{INSTALL}/{'0' * 32}"):
        headers = (await browser.get(path)).headers
        assert headers["x-frame-options"] == "DENY" and headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store" and "frame-ancestors 'none'" in str(headers)
    assert (await browser.http.head("/slack/oauth_redirect?state=x&code=y")).status_code == 200


async def test_saying_no_installs_nothing(town: Town) -> None:
    town.team("acme")
    page = await town.install("")
    assert page.status_code == 200 and "You said no" in page.text
    assert (await rows(town), exchanges(town)) == ([], 0)


async def test_a_slack_that_does_not_answer_is_told(town: Town) -> None:
    team, browser = town.team("acme"), await town.browser()
    back = await town.at_slack(await town.to_slack(browser), team)
    town.world.faults.add(Outage.UNAVAILABLE)
    page = await town.follow(browser, await browser.get(back))
    assert "did not answer" in page.text and await rows(town) == []


async def test_token_rotation_is_refused_in_words_and_the_token_given_back(town: Town) -> None:
    team = town.team("acme")
    town.world.switches.token_rotation = True
    page = await town.install(team)
    assert page.status_code == 400 and "rotation" in page.text
    assert await rows(town) == [] and town.world.installs[team].revoked


async def test_an_organisation_is_refused_in_words_and_the_token_given_back(town: Town) -> None:
    town.team("acme")
    town.world.switches.organisation = "Acme Group"
    page = await town.install("E0ORGANISATION")
    assert page.status_code == 400 and "whole organisation" in page.text
    assert await rows(town) == [] and town.world.installs["E0ORGANISATION"].revoked


async def test_a_refused_reinstall_leaves_the_living_token_alone(town: Town) -> None:
    team = town.team("acme")
    await town.install(team)
    town.world.switches.token_rotation = True
    assert (await town.install(team)).status_code == 400
    assert town.world.counts()["auth.revoke"] == 0
    (row,) = await rows(town)
    assert row.uninstalled_at is None


async def test_teams_that_are_not_named_are_refused(migrated_sqlite: Path, tmp_path: Path) -> None:
    async with a_town(migrated_sqlite, tmp_path, SLACK_ALLOWED_TEAMS="T0000000001") as town:
        friends, strangers = town.team("friends"), town.team("strangers")
        assert friends == "T0000000001"
        browser = await town.browser()
        assert "named" in (await browser.get(INSTALL)).text
        page = await town.install(strangers)
        assert page.status_code == 400 and "not on the list" in page.text
        assert town.world.installs[strangers].revoked and await rows(town) == []
        assert (await town.install(friends)).status_code == 200


async def test_a_process_that_died_in_between_leaves_words(town: Town) -> None:
    browser = await town.browser()
    await town.to_slack(browser)
    async with town.app.house.db.write() as session:
        walk = (await session.scalars(select(InstallWalk))).one()
        walk.used_at = town.app.house.clock.now()
        walk_id = walk.id
    assert "One moment" in (await browser.get(f"{INSTALL}/{walk_id}")).text
    town.offset[0] += 61
    assert "did not answer" in (await browser.get(f"{INSTALL}/{walk_id}")).text


async def test_commands_cost_no_extra_call(town: Town) -> None:
    for domain in ("acme", "other"):
        team = town.team(domain)
        await town.install(team, town.people[f"{domain}.admin"].user.id)
    await town.calm()
    for domain in ("acme", "other"):
        member = town.people[f"{domain}.member"]
        team = member.user.team_id
        place = town.channel(team, domain, f"{domain}.member")
        before = town.world.counts()
        for _ in range(2):
            await member.command("/lamplighter", "help", place.id)
            await town.app.door.drain()
        assert "/connect" in member.sees(place.id)[-1].text
        assert town.world.counts() - before == {"users.info": 1, "response_url": 2}
        assert {call.team_id for call in town.world.calls[-3:]} == {team}
