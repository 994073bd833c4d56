from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from bot.messages import actions, queue_windows
from bot.messages import queue as messages
from sandbox.agency import wall
from sandbox.slack.delivery import deliver
from sandbox.slack.models import Message
from sandbox.slack.payloads import message_actions, view_submission
from storage.models import AuditEvent, Client, Delivery, Post, Workspace
from tests.commands.scene import Scene, buttons


def soon(**span: float) -> datetime:
    return (datetime.now(UTC) + timedelta(**span)).replace(microsecond=0)


async def queued(scene: Scene, account: str, due: datetime | None = None, **values: Any) -> str:
    """A delivery to come, on one account."""
    row_id = await scene.delivery(account, values.pop("state", "scheduled"), **values)
    due = due or soon(hours=5)
    row = await scene.get(Delivery, row_id)
    await scene.set(Delivery, row_id, due_at=due, planned_at=due, next_at=due)
    await scene.set(Post, row.post_id, due_at=due)
    return row_id


async def one(scene: Scene, **values: Any) -> tuple[str, str]:
    """A client with one post to come: the client's id and the delivery's."""
    client_id = await scene.client()
    account = await scene.account(client_id, "x", "acme")
    return client_id, await queued(scene, account, **values)


async def listed(scene: Scene, text: str = "") -> Message:
    return await scene.answer(scene.ben, "/queue", text)


async def window(scene: Scene, where: Message, action_id: str) -> Any:
    """Presses a button that opens a window."""
    await scene.ben.press(where, action_id)
    await scene.world.until(lambda: scene.ben.modal is not None)
    return scene.ben.modal


async def test_what_is_to_come_stands_by_day_in_the_clients_zone(scene: Scene) -> None:
    client_id = await scene.client()
    account = await scene.account(client_id, "x", "acme")
    first = datetime(2099, 5, 1, 22, 30, tzinfo=UTC)  # 00:30 on Saturday in Berlin, 18:30 on Friday for Ben
    await queued(scene, account, first)
    await queued(scene, account, first + timedelta(days=1))
    await queued(scene, account, first, state="published")
    answer = await listed(scene)
    assert "2 posts to come" in answer.text
    assert "Sat 2 May 2099" in answer.text and "Sun 3 May 2099" in answer.text
    assert "*00:30* (Fri 1 May 18:30 for you)" in answer.text
    assert "“Fresh bread” · @acme on X" in answer.text
    assert set(buttons(answer)) == {"Edit", "Move", "Publish now", "Cancel", "Pause client-a"}


async def test_an_empty_queue_says_how_to_fill_it(scene: Scene) -> None:
    await scene.client()
    assert "Nothing is queued for `client-a`. `/post`" in (await listed(scene)).text


async def test_long_queues_have_pages(scene: Scene) -> None:
    client_id = await scene.client()
    account = await scene.account(client_id, "x", "acme")
    for number in range(messages.PAGE_POSTS + 1):
        await queued(scene, account, soon(days=number + 1))
    answer = await listed(scene)
    assert "page 1 of 2" in answer.text and "Previous page" not in buttons(answer)
    second = await scene.press(scene.ben, answer, f"{actions.QUEUE_PAGE}#2")
    assert "page 2 of 2" in second.text and "Next page" not in buttons(second)
    last = await scene.press(scene.ben, second, actions.QUEUE_CANCEL)
    assert "page 2 of 2" in last.text and "cancelled; it can be restored" in last.text


async def test_outsiders_see_nothing_of_it(scene: Scene) -> None:
    _, delivery = await one(scene)
    answer = await scene.answer(scene.guest, "/queue")
    assert "Only members" in answer.text and "Fresh bread" not in answer.text
    mine = await listed(scene)
    forged = {**buttons(mine)["Cancel"], "block_id": "b", "action_ts": scene.world.next_ts()}
    await deliver(scene.world, "interactive", message_actions(scene.world, scene.guest.user, mine, forged))
    await scene.calm()
    assert "Only members" in scene.last(scene.guest).text
    assert (await scene.get(Delivery, delivery)).state == "scheduled"


async def test_an_edit_is_stored_and_said(scene: Scene) -> None:
    _, delivery = await one(scene)
    view = await window(scene, await listed(scene), actions.QUEUE_EDIT)
    assert "Fresh bread" in str(view.body) and "@acme on X" in str(view.body)
    await scene.ben.submit(view, {queue_windows.TEXT: "Fresh &amp; <rolls>"})
    row = await scene.get(Delivery, delivery)
    post = await scene.get(Post, row.post_id)
    assert (post.text, post.revision, row.revision) == ("Fresh & <rolls>", 2, 2)
    assert scene.ben.modal is not None and "changed." in str(scene.ben.modal.body)
    (event,) = await scene.all(AuditEvent, AuditEvent.action == "post.edited")
    assert (event.actor, event.detail["delivery"]) == (scene.ben.user.id, delivery)


async def test_ten_submits_of_one_window_are_one_edit(scene: Scene) -> None:
    _, delivery = await one(scene)
    view = await window(scene, await listed(scene), actions.QUEUE_EDIT)
    scene.ben.fill(view, {queue_windows.TEXT: "Once"})
    payload = view_submission(scene.world, scene.ben.user, view, [])
    answers = await asyncio.gather(*(deliver(scene.world, "interactive", payload) for _ in range(10)))
    assert all("changed." in answer.body for answer in answers)
    assert (await scene.get(Delivery, delivery)).revision == 2
    assert len(await scene.all(AuditEvent, AuditEvent.action == "post.edited")) == 1


async def test_what_a_platform_would_refuse_is_said_beside_the_field(scene: Scene) -> None:
    _, delivery = await one(scene)
    view = await window(scene, await listed(scene), actions.QUEUE_EDIT)
    seen = await scene.ben.submit(view, {queue_windows.TEXT: "x" * 281})
    assert "280" in seen.errors[queue_windows.TEXT]
    assert (await scene.get(Delivery, delivery)).revision == 1


async def test_a_window_that_is_too_late_changes_nothing_and_says_what_happened(scene: Scene) -> None:
    _, delivery = await one(scene)
    mine = await window(scene, await listed(scene), actions.QUEUE_EDIT)
    await scene.set(Delivery, delivery, state="sending")
    seen = await scene.ben.submit(mine, {queue_windows.TEXT: "Too late"})
    assert "it is being sent already" in seen.errors[queue_windows.TEXT]
    row = await scene.get(Delivery, delivery)
    assert (await scene.get(Post, row.post_id)).text == "Fresh bread" and row.state == "sending"


async def test_a_stale_button_says_who_did_what(scene: Scene) -> None:
    _, delivery = await one(scene)
    old = await listed(scene)
    theirs = await scene.answer(scene.ada, "/queue")
    await scene.press(scene.ada, theirs, actions.QUEUE_NOW)
    for action_id in (actions.QUEUE_CANCEL, actions.QUEUE_NOW, actions.QUEUE_EDIT, actions.QUEUE_MOVE):
        where = await listed(scene)
        buttons(where)["Cancel"] |= {"action_id": action_id, "value": buttons(old)["Cancel"]["value"]}
        value = buttons(old)["Cancel"]["value"]
        await scene.ben.press(where, action_id, value=value)
        await scene.calm()
        said = scene.last(scene.ben)
        assert "Nothing was changed" in said.text
        assert f"<@{scene.ada.user.id}> sent it on its way" in said.text
    row = await scene.get(Delivery, delivery)
    assert (row.state, row.revision) == ("scheduled", 2) and scene.ben.modal is None
    assert scene.house.wake.engine.is_set()


async def test_a_post_is_moved_and_said_in_both_zones(scene: Scene) -> None:
    _, delivery = await one(scene)
    view = await window(scene, await listed(scene), actions.QUEUE_MOVE)
    assert "the zone of client-a" in str(view.body) and "for you (" in str(view.body)
    past = await scene.ben.submit(view, wall(soon(hours=-2), window="queue"))
    assert "past" in past.errors[queue_windows.AT.time]
    due = soon(days=9).replace(second=0, microsecond=0)
    await scene.ben.submit(view, wall(due, window="queue"))
    row = await scene.get(Delivery, delivery)
    assert (row.due_at, row.next_at, row.planned_at, row.revision) == (due, due, due, 2)
    assert scene.ben.modal is not None
    assert "moved to" in str(scene.ben.modal.body) and "for you" in str(scene.ben.modal.body)


async def test_a_post_is_moved_over_a_change_of_the_clocks_in_the_clients_zone(scene: Scene) -> None:
    _, delivery = await one(scene)
    view = await window(scene, await listed(scene), actions.QUEUE_MOVE)
    skipped = await scene.ben.submit(
        view, {queue_windows.AT.day: date(2027, 3, 28), queue_windows.AT.time: time(2, 30)}
    )
    assert "02:30 does not exist on that day in Europe/Berlin" in skipped.errors[queue_windows.AT.time]
    scene.ben.fill(view, {queue_windows.AT.day: date(2027, 10, 31)})
    await scene.ben.press(view, queue_windows.AT.time, chosen=time(2, 30))
    await scene.calm()
    assert "comes twice" in str(view.body) and "for you (" in str(view.body)
    await scene.ben.submit(view, {queue_windows.AT.fold: "1"})
    assert (await scene.get(Delivery, delivery)).due_at == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)


async def test_a_move_is_not_made_in_another_zone_than_its_window_showed(scene: Scene) -> None:
    _, delivery = await one(scene)
    view = await window(scene, await listed(scene), actions.QUEUE_MOVE)
    row = await scene.get(Delivery, delivery)
    await scene.set(Client, row.client_id, zone="America/New_York")
    seen = await scene.ben.submit(view, wall(soon(days=9), window="queue"))
    assert "client-a is in America/New_York now" in seen.errors[queue_windows.AT.time]
    assert (await scene.get(Delivery, delivery)).due_at == row.due_at


async def test_cancelled_and_restored(scene: Scene) -> None:
    _, delivery = await one(scene)
    after = await scene.press(scene.ben, await listed(scene), actions.QUEUE_CANCEL)
    assert (await scene.get(Delivery, delivery)).state == "cancelled"
    assert "cancelled; it can be restored for a day" in after.text and set(buttons(after)) >= {"Restore"}
    again = await scene.press(scene.ben, after, actions.QUEUE_RESTORE)
    row = await scene.get(Delivery, delivery)
    assert row.state == "scheduled" and row.next_at == row.due_at and "back in the queue" in again.text
    await scene.press(scene.ben, again, actions.QUEUE_CANCEL)
    await scene.set(Delivery, delivery, changed_at=soon(hours=-25))
    assert "Nothing is queued" in (await listed(scene)).text


async def test_publish_now_asks_first_and_names_client_and_account(scene: Scene) -> None:
    _, delivery = await one(scene)
    answer = await listed(scene)
    asked = await scene.ben.press(answer, actions.QUEUE_NOW, accept=False)
    assert asked.confirm is not None
    assert all(word in str(asked.confirm) for word in ("Client-A", "@acme on X", "goes out at once"))
    await scene.press(scene.ben, answer, actions.QUEUE_NOW)
    row = await scene.get(Delivery, delivery)
    assert abs(row.due_at - datetime.now(UTC)) < timedelta(minutes=1) and row.next_at == row.due_at


async def test_publish_now_on_a_dead_account_says_that_it_waits(scene: Scene) -> None:
    client_id = await scene.client()
    account = await scene.account(client_id, "x", "acme", grant_state="dead")
    await queued(scene, account, state="blocked", reason="dead")
    said = await scene.press(scene.ben, await listed(scene), actions.QUEUE_NOW)
    assert "It waits until @acme on X works again." in said.text


async def test_a_client_is_paused_and_resumed(scene: Scene) -> None:
    client_id, delivery = await one(scene)
    paused = await scene.press(scene.ben, await listed(scene), actions.QUEUE_PAUSE)
    assert (await scene.get(Client, client_id)).paused_at is not None
    assert "Posting is paused for `client-a`" in paused.text and "Resume client-a" in buttons(paused)
    now = await scene.press(scene.ben, paused, actions.QUEUE_NOW)
    assert "nothing goes out until it is resumed" in now.text
    await scene.set(Delivery, delivery, state="blocked", reason="paused", next_at=None)
    back = await scene.press(scene.ben, await listed(scene), f"{actions.QUEUE_RESUME}#2")
    assert "resumed for `client-a`. 1 post is back in the queue." in back.text
    assert (await scene.get(Client, client_id)).paused_at is None
    assert (await scene.get(Delivery, delivery)).state == "scheduled"


async def test_only_named_people_and_admins_pause_a_client(scene: Scene) -> None:
    client_id, _ = await one(scene)
    await scene.set_workspace(admins=[scene.ada.user.id])
    refused = await scene.press(scene.ben, await listed(scene), actions.QUEUE_PAUSE)
    assert "Only admins and the people named for `client-a`" in refused.text
    assert (await scene.get(Client, client_id)).paused_at is None
    await scene.set(Client, client_id, mentions=[scene.ben.user.id])
    await scene.press(scene.ben, await listed(scene), actions.QUEUE_PAUSE)
    assert (await scene.get(Client, client_id)).paused_at is not None


async def test_only_admins_pause_everything(scene: Scene) -> None:
    await one(scene)
    await scene.set_workspace(admins=[scene.ada.user.id])
    mine = await listed(scene, "all")
    assert "Pause all" not in buttons(mine)
    theirs = await scene.answer(scene.ada, "/queue", "all")
    value = buttons(theirs)["Pause all"]["value"]
    buttons(mine)["Pause client-a"]["value"] = value
    refused = await scene.press(scene.ben, mine, actions.QUEUE_PAUSE)
    assert "Only admins" in refused.text
    assert (await scene.get(Workspace, scene.workspace_id)).paused_at is None
    paused = await scene.press(scene.ada, theirs, f"{actions.QUEUE_PAUSE}#2", value)
    assert "paused for all clients" in paused.text
    assert (await scene.get(Workspace, scene.workspace_id)).paused_at is not None
    await scene.press(scene.ada, paused, actions.QUEUE_RESUME, buttons(paused)["Resume all"]["value"])
    assert (await scene.get(Workspace, scene.workspace_id)).paused_at is None


async def test_another_workspace_is_out_of_reach(scene: Scene) -> None:
    theirs = await scene.other_workspace()
    client = await scene.client("foreign", workspace_id=theirs)
    foreign = await queued(scene, await scene.account(client, "x", "them"))
    await one(scene)
    answer = await listed(scene)
    assert "them" not in answer.text
    for name, value in (("Cancel", f"{foreign}:1:1,all:0"), ("Pause client-a", f"{client},all:0")):
        buttons(answer)[name]["value"] = value
        said = await scene.press(scene.ben, answer, buttons(answer)[name]["action_id"], value)
        assert "Nothing was changed" in said.text or "older message" in said.text
        answer = await listed(scene)
    assert (await scene.get(Delivery, foreign)).state == "scheduled"
    assert (await scene.get(Client, client)).paused_at is None


async def test_a_text_that_slacks_window_cannot_hold_is_never_cut(scene: Scene) -> None:
    _, delivery = await one(scene)
    row = await scene.get(Delivery, delivery)
    await scene.set(Post, row.post_id, text="x" * 3001)
    said = await scene.press(scene.ben, await listed(scene), actions.QUEUE_EDIT)
    assert "more than Slack's window can hold" in said.text and scene.ben.modal is None
