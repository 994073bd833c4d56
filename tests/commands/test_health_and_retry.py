from __future__ import annotations

import asyncio

import pytest

from bot.messages import actions
from storage.models import AuditEvent, Client, Delivery
from tests.commands.scene import Scene, buttons


async def test_health_of_the_channel_one_client_and_all(scene: Scene) -> None:
    a = await scene.client()
    b = await scene.client("bakery", scene.channel("bakery", scene.ben))
    await scene.account(a, "x", "acme")
    await scene.account(b, "x", "bread", problem="suspended")
    here = await scene.answer(scene.ben, "/health")
    assert "@acme" in here.text and "@bread" not in here.text
    named = await scene.answer(scene.ben, "/health", " #Bakery ")
    assert "@bread" in named.text and "@acme" not in named.text
    everything = await scene.answer(scene.ben, "/health", "ALL")
    assert "@bread" in everything.text and "@acme" in everything.text
    unknown = await scene.answer(scene.ben, "/health", "bakry")
    assert "Did you mean `bakery`" in unknown.text and "`client-a`" in unknown.text


async def test_health_shows_outsiders_their_channel_alone(scene: Scene) -> None:
    a = await scene.client()
    b = await scene.client("bakery", scene.channel("bakery", scene.ben))
    await scene.account(a, "x", "acme")
    await scene.account(b, "x", "bread")
    for text in ("", "all", "bakery"):
        answer = await scene.answer(scene.guest, "/health", text)
        assert "bread" not in answer.text and "Bakery" not in answer.text
        assert "Set up" not in buttons(answer)
    assert "@acme" in (await scene.answer(scene.guest, "/health")).text


async def test_health_pages(scene: Scene) -> None:
    client_id = await scene.client()
    for number in range(25):
        await scene.account(client_id, "x", f"acme{number:02}")
    answer = await scene.answer(scene.ben, "/health", "all")
    assert "Page 1 of 3" in answer.text
    turned = await scene.press(scene.ben, answer, actions.HEALTH_PAGE)
    assert "Page 2 of 3" in turned.text and turned.ts == answer.ts, "in its place"


async def test_a_red_account_is_reconnected_from_health(scene: Scene) -> None:
    client_id = await scene.client()
    await scene.account(client_id, "x", "acme", problem="suspended")
    answer = await scene.answer(scene.guest, "/health")
    said = await scene.press(scene.guest, answer, actions.RECONNECT_ACCOUNT)
    assert "on its way" in said.text
    assert "@acme" in answer.text and answer.ts != said.ts, "the list stays"


async def test_retry_lists_and_sends_only_what_failed(scene: Scene) -> None:
    client_id = await scene.client()
    account = await scene.account(client_id, "x", "acme")
    failed = await scene.delivery(account, reason="platform_down")
    published = await scene.delivery(await scene.account(client_id, "instagram", "other"), "published")
    answer = await scene.answer(scene.ben, "/retry")
    await asyncio.gather(*(scene.ben.press(answer, actions.RETRY) for _ in range(10)))
    await scene.settle()
    row = await scene.get(Delivery, failed)
    assert (row.state, row.attempt) == ("scheduled", 2), "ten presses are one"
    assert (await scene.get(Delivery, published)).attempt == 1
    assert len(await scene.all(AuditEvent, AuditEvent.action == "post.retried")) == 1
    assert scene.house.wake.engine.is_set()
    texts = [message.text for message in scene.ben.sees(scene.team.id)]
    assert any("1 post: sent on its way again" in text for text in texts)
    assert any("Nothing was changed" in text for text in texts)


async def test_outsiders_cannot_retry_compose_or_decide(scene: Scene) -> None:
    client_id = await scene.client()
    account = await scene.account(client_id, "x", "acme")
    failed = await scene.delivery(account)
    refused = await scene.answer(scene.guest, "/retry")
    assert "Only members" in refused.text
    refused = await scene.answer(scene.guest, "/post")
    assert "Only members" in refused.text and scene.guest.modal is None
    answer = await scene.answer(scene.ben, "/retry")
    answer.ephemeral_to = scene.guest.user.id
    assert "Only members" in (await scene.press(scene.guest, answer, actions.RETRY)).text
    assert (await scene.get(Delivery, failed)).state == "failed"


async def unconfirmed(scene: Scene) -> tuple[str, str]:
    client_id = await scene.client()
    account = await scene.account(client_id, "x", "acme")
    return client_id, await scene.delivery(account, "unconfirmed", reason="lost_answer")


async def test_send_again_is_for_named_people_and_admins(scene: Scene) -> None:
    _, delivery = await unconfirmed(scene)
    await scene.set_workspace(admins=[scene.ada.user.id])
    answer = await scene.answer(scene.ben, "/retry")
    refused = await scene.press(scene.ben, answer, actions.POST_AGAIN)
    assert "Only admins" in refused.text and f"<@{scene.ada.user.id}>" in refused.text
    assert (await scene.get(Delivery, delivery)).state == "unconfirmed"
    theirs = await scene.answer(scene.ada, "/retry")
    await scene.ada.press(theirs, actions.POST_AGAIN)
    await scene.settle()
    assert (await scene.get(Delivery, delivery)).state == "scheduled"


async def test_people_named_for_the_client_may_send_again(scene: Scene) -> None:
    client_id, delivery = await unconfirmed(scene)
    await scene.set_workspace(admins=[scene.ada.user.id])
    await scene.set(Client, client_id, mentions=[scene.ben.user.id])
    answer = await scene.answer(scene.ben, "/retry")
    await scene.ben.press(answer, actions.POST_AGAIN)
    await scene.settle()
    assert (await scene.get(Delivery, delivery)).state == "scheduled"


async def test_it_is_live_settles_it(scene: Scene) -> None:
    _, delivery = await unconfirmed(scene)
    answer = await scene.answer(scene.ben, "/retry")
    await scene.ben.press(answer, actions.IT_IS_LIVE)
    await scene.settle()
    row = await scene.get(Delivery, delivery)
    assert (row.state, row.settled_by) == ("published", scene.ben.user.id)


async def test_late_posts_are_sent_or_dropped(scene: Scene) -> None:
    client_id = await scene.client()
    account = await scene.account(client_id, "x", "acme")
    first = await scene.delivery(account, "blocked", late=True, reason="late")
    answer = await scene.answer(scene.ben, "/retry")
    await scene.ben.press(answer, actions.SEND_LATE)
    await scene.settle()
    assert (await scene.get(Delivery, first)).state == "scheduled"
    second = await scene.delivery(account, "blocked", late=True, reason="late")
    answer = await scene.answer(scene.ben, "/retry")
    await scene.ben.press(answer, actions.DROP)
    await scene.settle()
    assert (await scene.get(Delivery, second)).state == "cancelled"


@pytest.mark.parametrize("value", ["", "nonsense", "0" * 32 + ":1:1", "a:b:c,d"])
async def test_forged_and_stale_numbers_change_nothing(scene: Scene, value: str) -> None:
    _, mine = await unconfirmed(scene)
    theirs = await scene.other_workspace()
    account = await scene.account(await scene.client("foreign", workspace_id=theirs))
    foreign = await scene.delivery(account, "unconfirmed")
    answer = await scene.answer(scene.ada, "/retry")
    for forged in (value, f"{foreign}:1:1", f"{mine}:2:1", f"{mine}:1:2"):
        for button in buttons(answer).values():
            button["value"] = forged
            said = await scene.press(scene.ada, answer, button["action_id"])
            assert "Nothing was changed" in said.text or "older message" in said.text
    assert (await scene.get(Delivery, foreign)).state == "unconfirmed"
    assert (await scene.get(Delivery, mine)).state == "unconfirmed"
