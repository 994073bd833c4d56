"""Late and failed posts in Slack: choose some, move them, drop them after a question, correct what failed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain import holding
from bot.messages import actions, queue_windows
from bot.messages import choosing as messages
from sandbox.agency import wall
from sandbox.slack.delivery import deliver
from sandbox.slack.models import Message
from sandbox.slack.payloads import view_submission
from storage.models import AuditEvent, Delivery, Post
from tests.commands.scene import Scene, buttons


async def late(scene: Scene, number: int) -> tuple[list[str], Message]:
    """So many late posts of one client, and the message that asks about them."""
    account = await scene.account(await scene.client(), "x", "acme")
    ids = []
    for index in range(number):
        row_id = await scene.delivery(account, "scheduled")
        planned = datetime.now(UTC) - timedelta(hours=3) + timedelta(minutes=index)
        await scene.set(Delivery, row_id, due_at=planned, planned_at=planned)
        row = await scene.get(Delivery, row_id)
        await scene.set(Post, row.post_id, text=f"Bread {index}")
        ids.append(row_id)
    async with scene.house.db.write() as session:
        rows = [await session.get_one(Delivery, key) for key in ids]
        await holding.offer(session, rows, scene.house.clock.now())
    await scene.settle()
    return ids, asked(scene)


def asked(scene: Scene) -> Message:
    """The message as it stands now."""
    roots = [one for one in scene.ben.sees(scene.team.id) if one.ephemeral_to is None and not one.thread_ts]
    return next(one for one in roots if "waited past" in one.text)


async def window(scene: Scene, where: Message, action_id: str = actions.CHOOSE) -> Any:
    """Presses a button that opens a window."""
    await scene.ben.press(where, action_id)
    await scene.world.until(lambda: scene.ben.modal is not None)
    return scene.ben.modal


def shown(scene: Scene) -> Any:
    """The window that is open."""
    return scene.ben.modal


def ticked(view: Any, *numbers: int) -> dict[str, Any]:
    """The values of a submission with these boxes ticked."""
    found: dict[str, Any] = {}
    offered = [
        (block["block_id"], option)
        for block in view.body["blocks"]
        if str(block.get("block_id", "")).startswith(messages.TICKS)
        for option in block["element"]["options"]
    ]
    for number in numbers:
        block, option = offered[number]
        found.setdefault(block, []).append(option["value"])
    return found


async def states(scene: Scene, ids: list[str]) -> list[str]:
    return [(await scene.get(Delivery, key)).state for key in ids]


async def test_some_are_sent_and_the_message_shows_what_is_left(scene: Scene) -> None:
    ids, where = await late(scene, 3)
    assert set(buttons(where)) == {"Send all 3 now", "Choose", "Move all 3", "Drop all 3"}
    view = await window(scene, where)
    await scene.ben.submit(view, ticked(view, 0, 2) | {messages.WHAT: messages.SEND})
    assert await states(scene, ids) == ["scheduled", "blocked", "scheduled"]
    assert "2 posts for @acme on X: on its way" in str(shown(scene).body)
    await scene.settle()
    left = asked(scene)
    assert set(buttons(left)) == {"Send now", "Move", "Drop"} and "Bread 1" in left.text


async def test_many_have_pages_and_a_tick_counts_for_its_page(scene: Scene) -> None:
    ids, where = await late(scene, 23)
    view = await window(scene, where)
    assert "Page 1 of 2" in str(view.body)
    seen = await scene.ben.submit(view, {messages.WHAT: messages.SEND})
    assert "Tick at least one." in str(seen.errors), "of two lists either will do"
    await scene.ben.press(view, f"{actions.CHOOSE_PAGE}#2")
    await scene.calm()
    second = shown(scene)
    assert "Page 2 of 2" in str(second.body)
    seen = await scene.ben.submit(second, {messages.WHAT: messages.SEND})
    assert seen.errors, "the only list of this page has to have a tick"
    await scene.ben.submit(second, ticked(second, 2) | {messages.WHAT: messages.SEND})
    assert [index for index, state in enumerate(await states(scene, ids)) if state == "scheduled"] == [22]


async def test_dropping_some_asks_first_and_ten_submits_are_one(scene: Scene) -> None:
    ids, where = await late(scene, 3)
    view = await window(scene, where)
    await scene.ben.submit(view, ticked(view, 1) | {messages.WHAT: messages.DROP})
    assert await states(scene, ids) == ["blocked"] * 3
    question = shown(scene)
    assert "Bread 1" in str(question.body) and "cannot be undone" in str(question.body)
    payload = view_submission(scene.world, scene.ben.user, question, [])
    await asyncio.gather(*(deliver(scene.world, "interactive", payload) for _ in range(10)))
    assert await states(scene, ids) == ["blocked", "cancelled", "blocked"]
    assert len(await scene.all(AuditEvent, AuditEvent.action == "post.dropped")) == 1


async def test_all_are_moved_apart_from_the_message(scene: Scene) -> None:
    ids, where = await late(scene, 3)
    view = await window(scene, where, actions.MOVE_LATE)
    assert "3 posts for" in str(view.body)
    start = (datetime.now(UTC) + timedelta(days=1)).replace(second=0, microsecond=0)
    form = wall(start, window="queue") | {queue_windows.APART: "86400"}
    await scene.ben.submit(view, form)
    dues = [(await scene.get(Delivery, key)).due_at for key in ids]
    assert dues == [start + timedelta(days=number) for number in range(3)]
    assert "and after, the last" in str(shown(scene).body)
    await scene.settle()
    assert "Nothing is left to decide" in asked(scene).text and buttons(asked(scene)) == {}


async def test_what_was_chosen_is_moved(scene: Scene) -> None:
    ids, where = await late(scene, 3)
    view = await window(scene, where)
    await scene.ben.submit(view, ticked(view, 0, 2) | {messages.WHAT: messages.MOVE})
    start = (datetime.now(UTC) + timedelta(days=1)).replace(second=0, microsecond=0)
    await scene.ben.submit(shown(scene), wall(start, window="queue") | {queue_windows.APART: "3600"})
    assert await states(scene, ids) == ["scheduled", "blocked", "scheduled"]
    dues = [(await scene.get(Delivery, ids[number])).due_at for number in (0, 2)]
    assert dues == [start, start + timedelta(hours=1)]


async def test_what_somebody_else_decided_meanwhile_is_said(scene: Scene) -> None:
    ids, where = await late(scene, 2)
    view = await window(scene, where)
    await scene.press(scene.ada, where, actions.DROP)
    await scene.ben.submit(view, ticked(view, 0) | {messages.WHAT: messages.SEND})
    said = str(shown(scene).body)
    assert "Nothing was changed" in said and f"<@{scene.ada.user.id}> dropped it" in said
    assert await states(scene, ids) == ["cancelled"] * 2
    await scene.ben.press(where, actions.SEND_LATE, value=buttons(where)["Send all 2 now"]["value"])
    await scene.calm()
    assert f"<@{scene.ada.user.id}> dropped it" in scene.last(scene.ben).text


async def test_outsiders_choose_nothing(scene: Scene) -> None:
    ids, where = await late(scene, 2)
    for action_id in (actions.CHOOSE, actions.MOVE_LATE, actions.SEND_LATE, actions.DROP):
        await scene.guest.press(where, action_id)
        await scene.calm()
        assert scene.guest.modal is None and "Only members" in scene.last(scene.guest).text
    assert await states(scene, ids) == ["blocked"] * 2


async def failed(scene: Scene, reason: str) -> str:
    account = await scene.account(await scene.client(), "x", "acme")
    return await scene.delivery(account, "failed", reason=reason)


async def test_what_failed_for_its_words_is_corrected_and_sent_again(scene: Scene) -> None:
    row_id = await failed(scene, "text_refused")
    listed = await scene.answer(scene.ben, "/retry")
    assert {"Edit", "Drop"} == set(buttons(listed)) and "press *Edit*" in listed.text
    view = await window(scene, listed, actions.EDIT_FAILED)
    assert "failed" in str(view.body) and "Save and send" in str(view.body)
    seen = await scene.ben.submit(view, {queue_windows.TEXT: "Fresh bread"})
    assert "changed nothing" in seen.errors[queue_windows.TEXT]
    await scene.ben.submit(view, {queue_windows.TEXT: "Kind bread"})
    row = await scene.get(Delivery, row_id)
    assert (row.state, row.attempt) == ("scheduled", 2)
    assert (await scene.get(Post, row.post_id)).text == "Kind bread"
    await scene.ben.press(listed, actions.EDIT_FAILED)
    await scene.calm()
    assert "corrected it and retried" in scene.last(scene.ben).text


async def test_a_failure_for_another_reason_has_no_edit_and_a_dead_account_a_reconnect(scene: Scene) -> None:
    account = await scene.account(await scene.client(), "x", "acme", grant_state="dead")
    await scene.delivery(account, "failed", reason="expired")
    listed = await scene.answer(scene.ben, "/retry")
    assert {"Retry", "Reconnect @acme on X", "Drop"} == set(buttons(listed))


async def test_some_that_failed_are_sent_again(scene: Scene) -> None:
    account = await scene.account(await scene.client(), "x", "acme")
    ids = [await scene.delivery(account, "failed", reason="platform_down") for _ in range(3)]
    view = await window(scene, await scene.answer(scene.ben, "/retry"))
    assert messages.MOVE not in str(view.body)
    await scene.ben.submit(view, ticked(view, 1) | {messages.WHAT: messages.SEND})
    assert sorted(await states(scene, ids)) == ["failed", "failed", "scheduled"]


async def test_what_the_check_finds_is_asked_before_anything_goes_out(scene: Scene) -> None:
    client_id = await scene.client()
    one, two = [await scene.account(client_id, "x", handle) for handle in ("acme", "shop")]
    ids = [await scene.delivery(key, "failed", reason="platform_down") for key in (one, two)]
    listed = await scene.answer(scene.ben, "/retry")
    together = buttons(listed)["Retry all 2 that failed"]["value"]
    await scene.ben.press(listed, actions.RETRY, value=together)
    await scene.world.until(lambda: scene.ben.modal is not None)
    view = shown(scene)
    assert "get the same text in the same minute" in str(view.body)
    assert await states(scene, ids) == ["failed"] * 2, "nothing goes out before the second word"
    payload = view_submission(scene.world, scene.ben.user, view, [])
    await asyncio.gather(*(deliver(scene.world, "interactive", payload) for _ in range(10)))
    rows = [await scene.get(Delivery, key) for key in ids]
    assert [(row.state, row.attempt) for row in rows] == [("scheduled", 2)] * 2
    first, second = sorted(row.next_at for row in rows)
    assert second - first >= timedelta(minutes=4), "moved apart, unless all at once is chosen"


async def test_all_at_once_can_be_chosen_all_the_same(scene: Scene) -> None:
    account = await scene.account(await scene.client(), "x", "acme")
    await scene.delivery(account, "published")
    row_id = await scene.delivery(account, "failed", reason="platform_down")
    listed = await scene.answer(scene.ben, "/retry")
    await scene.ben.press(listed, actions.RETRY)
    await scene.world.until(lambda: scene.ben.modal is not None)
    view = shown(scene)
    assert "has the same text on" in str(view.body) and "within a week" in str(view.body)
    await scene.ben.submit(view)
    assert await states(scene, [row_id]) == ["scheduled"]
