from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.commands.dates import read_day
from bot.commands.parse import words_of
from bot.domain.errors import Refused
from bot.messages import actions
from storage.models import Client, Connection, Delivery, Grant, Invitation, Workspace
from tests.commands.scene import Scene, buttons, notices

TODAY = date(2026, 11, 20)


def day_of(text: str) -> tuple[date, list[str]]:
    return read_day([word for word, _ in words_of(text)], TODAY)


@pytest.mark.parametrize(
    ("text", "day", "rest"),
    [
        ("2026-12-24", date(2026, 12, 24), []),
        ("2026-11-20", TODAY, []),
        ("24.12.", date(2026, 12, 24), []),
        ("24. 12. client-a", date(2026, 12, 24), ["client-a"]),
        ("1.2.2027 all", date(2027, 2, 1), ["all"]),
        ("19.11.", date(2027, 11, 19), []),
        ("24 Dec", date(2026, 12, 24), []),
        ("Dec 24, 2026", date(2026, 12, 24), []),
        ("december 24th", date(2026, 12, 24), []),
        ("3rd of", None, []),
        ("1 mar bakery", date(2027, 3, 1), ["bakery"]),
        ("29.2.", date(2028, 2, 29), []),
    ],
)
def test_days_as_people_type_them(text: str, day: date | None, rest: list[str]) -> None:
    if day is None:
        with pytest.raises(Refused, match="as a day"):
            day_of(text)
    else:
        assert day_of(text) == (day, rest)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Before which day"),
        ("2026-11-19", "Thu 19 Nov 2026 is over"),
        ("31.11.", "no such day"),
        ("2026-13-01", "no such day"),
        ("12/24", "as a day"),
        ("soon <!channel>", "as a day"),
        ("9999-12-31", "three years"),
        ("9" * 500, "as a day"),
    ],
)
def test_what_is_no_day_is_explained(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as caught:
        day_of(text)
    assert "<" not in caught.value.text


async def ends(scene: Scene, row_id: str, days: float) -> None:
    """Only a person can renew it, and then it ends."""
    row = await scene.get(Connection, row_id)
    end = scene.house.clock.now() + timedelta(days=days)
    await scene.set(Grant, row.grant_id, data_access_expires_at=end)


def in_days(scene: Scene, days: float) -> str:
    return (scene.house.clock.now() + timedelta(days=days)).date().isoformat()


async def office(scene: Scene) -> dict[str, str]:
    """A client with one account that ends in ten days, one that does not work and one that keeps itself."""
    client_id = await scene.client()
    accounts = {
        "ends": await scene.account(client_id, "instagram", "soon"),
        "down": await scene.account(client_id, "x", "lost", grant_state="dead"),
        "fine": await scene.account(client_id, "x", "fine"),
    }
    await ends(scene, accounts["ends"], 10)
    return accounts


async def test_what_will_not_hold_is_listed_with_the_posts_beyond_its_end(scene: Scene) -> None:
    accounts = await office(scene)
    now = scene.house.clock.now()
    for days in (9, 11, 12):
        row_id = await scene.delivery(accounts["ends"], "scheduled")
        await scene.set(Delivery, row_id, due_at=now + timedelta(days=days))
    answer = await scene.answer(scene.ben, "/health", f"before {in_days(scene, 20)}")
    assert "2 of 3 accounts will not hold" in answer.text
    assert "@soon" in answer.text and "2 posts are queued after that" in answer.text
    assert "@lost" in answer.text and "does not work now" in answer.text and "@fine" not in answer.text
    assert {"Renew", "Renew all"} <= set(buttons(answer))
    earlier = await scene.answer(scene.ben, "/health", f"client-a before {in_days(scene, 5)}")
    assert "1 of 3 accounts" in earlier.text and "@soon" not in earlier.text


async def test_when_all_holds_one_line_says_what_was_checked(scene: Scene) -> None:
    client_id = await scene.client()
    await scene.account(client_id, "x", "fine")
    await ends(scene, await scene.account(client_id, "instagram", "soon"), 30)
    answer = await scene.answer(scene.ben, "/health", f"before {in_days(scene, 20)}")
    assert "Everything holds until the end of" in answer.text and "2 accounts checked" in answer.text
    assert len(answer.blocks) == 1 and not buttons(answer)
    wrong = await scene.answer(scene.ben, "/health", "before christmas")
    assert "I do not know “christmas” as a day" in wrong.text
    past = await scene.answer(scene.ben, "/health", "before 2020-01-01")
    assert "is over" in past.text


async def test_a_day_ends_in_the_clients_zone(scene: Scene) -> None:
    row_id = await scene.account(await scene.client(), "instagram", "soon")
    row = await scene.get(Connection, row_id)
    day = scene.house.clock.now().date() + timedelta(days=5)
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
    asked = f"before {day.isoformat()}"
    await scene.set(Grant, row.grant_id, data_access_expires_at=midnight - timedelta(minutes=90))
    assert "will not hold" in (await scene.answer(scene.ben, "/health", asked)).text
    await scene.set(Grant, row.grant_id, data_access_expires_at=midnight - timedelta(minutes=30))
    assert "It holds" in (await scene.answer(scene.ben, "/health", asked)).text  # 23:00 UTC is midnight there


async def test_renew_all_posts_one_message_with_a_line_per_account_once(scene: Scene) -> None:
    accounts = await office(scene)
    answer = await scene.answer(scene.ben, "/health", f"before {in_days(scene, 20)}")
    await asyncio.gather(*(scene.ben.press(answer, actions.RENEW_ALL) for _ in range(4)))
    await scene.settle()
    rows = await scene.all(Invitation, Invitation.created_by == scene.ben.user.id)
    assert {row.connection_id for row in rows} == {accounts["ends"], accounts["down"]}
    assert len(rows) == 2 and len({row.batch_id for row in rows}) == 1
    assert len(await notices(scene, "invitation")) == 1
    said = [message.text for message in scene.ben.sees(scene.team.id)]
    assert any("is on its way into" in text for text in said)
    assert any("already" in text for text in said)


async def test_one_sign_in_renews_all_that_rests_on_the_login(scene: Scene) -> None:
    """A line for each login, however many accounts are on it; pressed again, it stands already."""
    accounts = await office(scene)
    first = await scene.get(Connection, accounts["ends"])
    second = await scene.account(first.client_id, "instagram", "beside")
    await scene.set(Connection, second, grant_id=first.grant_id)
    answer = await scene.answer(scene.ben, "/health", f"before {in_days(scene, 20)}")
    said = await scene.press(scene.ben, answer, actions.RENEW_ALL)
    rows = await scene.all(Invitation)
    assert len(rows) == 2 and sum(row.connection_id in (accounts["ends"], second) for row in rows) == 1
    assert "One message with the links for" in said.text and "@soon" in said.text and "@beside" in said.text
    await scene.settle()
    told = [message.text for message in scene.ben.sees(scene.team.id)]
    assert any(
        f"That renews @{name} on Instagram, too" in text for text in told for name in ("soon", "beside")
    )
    again = await scene.press(scene.ben, answer, actions.RENEW_ALL)
    assert "already" in again.text and len(await scene.all(Invitation)) == 2


async def test_a_pause_is_said_whatever_holds(scene: Scene) -> None:
    client_id = await scene.client()
    await scene.account(client_id, "x", "fine")
    asked = f"before {in_days(scene, 20)}"
    assert "paused" not in (await scene.answer(scene.ben, "/health", asked)).text
    await scene.set(Client, client_id, paused_at=scene.house.clock.now())
    held = await scene.answer(scene.ben, "/health", asked)
    assert "It holds until" in held.text and "Posting for Client-A is paused: nothing goes out" in held.text
    await scene.set(Workspace, scene.workspace_id, paused_at=scene.house.clock.now())
    assert "Posting for all clients is paused" in (await scene.answer(scene.ben, "/health", asked)).text


async def test_renew_takes_one_account_as_it_was_seen(scene: Scene) -> None:
    accounts = await office(scene)
    answer = await scene.answer(scene.guest, "/health", f"before {in_days(scene, 20)}")
    said = await scene.press(scene.guest, answer, actions.RENEW)  # relinking is for everybody in the channel
    assert "The link for @lost on X of Client-A is on its way" in said.text
    await scene.set(Connection, accounts["down"], generation=2)
    stale = await scene.press(scene.guest, answer, actions.RENEW)
    assert "Nothing was changed" in stale.text
    assert len(await scene.all(Invitation)) == 1


async def test_outsiders_hear_of_their_clients_alone(scene: Scene) -> None:
    await office(scene)
    other = await scene.client("bakery", scene.channel("bakery", scene.ben))
    await ends(scene, await scene.account(other, "instagram", "bread"), 3)
    asked = in_days(scene, 20)
    for text in (f"before {asked}", f"all before {asked}", f"before {asked} all", f"bakery before {asked}"):
        answer = await scene.answer(scene.guest, "/health", text)
        assert "bread" not in answer.text and "Bakery" not in answer.text
    answer = await scene.answer(scene.guest, "/health", f"before {asked}")
    button = buttons(answer)["Renew all"]
    button["value"] = f"bakery:{asked}"
    assert "no client `bakery`" in (await scene.press(scene.guest, answer, actions.RENEW_ALL)).text
    button["value"] = f"all:{asked}"
    await scene.press(scene.guest, answer, actions.RENEW_ALL)
    assert {row.client_id for row in await scene.all(Invitation)} == {
        row.client_id for row in await scene.all(Connection) if row.handle in ("soon", "lost")
    }


async def test_another_clients_links_go_into_its_own_channel(scene: Scene) -> None:
    await office(scene)
    bakery = scene.channel("bakery", scene.ben)
    await ends(scene, await scene.account(await scene.client("bakery", bakery), "instagram", "bread"), 3)
    answer = await scene.answer(scene.ben, "/health", f"all before {in_days(scene, 20)}")
    await scene.press(scene.ben, answer, actions.RENEW_ALL)
    await scene.settle()
    assert "@bread" in scene.ben.sees(bakery.id)[-1].text
    assert {item.channel_id for item in await notices(scene, "invitation")} == {bakery.id, scene.team.id}


async def test_one_client_without_a_channel_keeps_no_other_from_its_links(scene: Scene) -> None:
    await office(scene)
    bakery = await scene.client("bakery")
    await scene.set(Client, bakery, team_channel=None)
    await ends(scene, await scene.account(bakery, "instagram", "bread"), 3)
    answer = await scene.answer(scene.ben, "/health", f"all before {in_days(scene, 20)}")
    said = await scene.press(scene.ben, answer, actions.RENEW_ALL)
    assert "@soon" in said.text and "is on its way into" in said.text
    assert "`bakery` has no channel yet where a link could stand" in said.text
    assert {row.client_id for row in await scene.all(Invitation)} != {bakery}
    alone = await scene.answer(scene.ben, "/health", f"bakery before {in_days(scene, 20)}")
    refused = await scene.press(scene.ben, alone, actions.RENEW)
    assert "has no channel yet" in refused.text and len(await scene.all(Invitation)) == 2


async def test_long_answers_are_paged(scene: Scene) -> None:
    client_id = await scene.client()
    for number in range(12):
        await scene.account(client_id, "x", f"gone{number:02}", grant_state="dead")
    answer = await scene.answer(scene.ben, "/health", f"before {in_days(scene, 3)}")
    assert "Page 1 of 2" in answer.text and len(answer.blocks) <= 50
    turned = await scene.press(scene.ben, answer, actions.BEFORE_PAGE)
    assert "Page 2 of 2" in turned.text and turned.ts == answer.ts
    await scene.press(scene.ben, turned, actions.RENEW_ALL)
    rows = await scene.all(Invitation)
    assert len(rows) == 12 and len({row.batch_id for row in rows}) == 2  # eight lines fit into a message


@pytest.mark.parametrize("value", ["", "nonsense", "here:2026-99-99", "a:b:c:d", f"{'0' * 32}:1"])
async def test_forged_values_change_nothing(scene: Scene, value: str) -> None:
    await office(scene)
    theirs = await scene.other_workspace()
    foreign = await scene.account(await scene.client("foreign", workspace_id=theirs), grant_state="dead")
    answer = await scene.answer(scene.ben, "/health", f"before {in_days(scene, 20)}")
    shown: dict[str, dict[str, Any]] = buttons(answer)
    for label, action_id in (("Renew", actions.RENEW), ("Renew all", actions.RENEW_ALL)):
        for forged in (value, f"{foreign}:1"):
            for element in [shown[label]]:
                element["value"] = forged
            said = await scene.press(scene.ben, answer, action_id, value=forged)
            assert "on its way" not in said.text
    assert await scene.all(Invitation) == []
