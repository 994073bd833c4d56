"""Promise 3: no alert is lost, none is repeated, save one twin when Slack's own answer was lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from bot.messages.message import Message
from bot.slack import delivery as delivery_module
from bot.slack.gateway import Gateway, Posted
from sandbox.slack.faults import Outage
from storage.database import Database
from storage.models import Client, Notice, Workspace
from tests.slack.slack_fakes import House


async def test_says_an_event_once_with_its_text_and_id(house: House) -> None:
    notice_id = await house.notice("Instagram of Client A is dead.")
    outbox = house.outbox()

    assert await outbox.deliver_once() == 1
    assert await outbox.deliver_once() == 0

    (said,) = house.said()
    assert said.text == "Instagram of Client A is dead."
    assert said.metadata == {"event_type": "lamplighter_notice", "event_payload": {"notice_id": notice_id}}
    row = await house.read(notice_id)
    assert (row.state, row.channel_id, row.ts) == ("posted", house.team.id, said.ts)
    assert (row.sent_version, row.next_at, row.lease_owner) == (1, None, None)
    call = next(call for call in house.world.calls if call.method == "chat.postMessage")
    assert call.args["unfurl_links"] is False and call.args["unfurl_media"] is False


async def test_idle_outbox_has_no_next_moment_and_writes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.database, "write", None)
    outbox = house.outbox()
    assert await outbox.deliver_once() == 0
    assert await outbox.next_moment() is None


async def test_next_moment_is_when_the_first_notice_is_due(house: House) -> None:
    later = house.wall.now + timedelta(minutes=5)
    await house.notice(next_at=later)
    assert await house.outbox().next_moment() == later


async def test_what_has_nothing_to_say_is_dropped(house: House) -> None:
    notice_id = await house.notice("")
    assert await house.outbox().deliver_once() == 0
    assert (await house.read(notice_id)).state == "dropped"
    assert house.said() == []


async def test_one_channel_keeps_the_order_of_creation(house: House) -> None:
    words = [f"News {number}." for number in range(20)]
    for each in words:
        await house.notice(each)
    assert await house.outbox().deliver_once() == 20
    assert house.texts() == words


# -- crashes ---------------------------------------------------------------------------------------


class Crashing:
    """A database whose commits fail from the moment `armed` is set: the process died there."""

    def __init__(self, database: Database) -> None:
        self.real, self.armed = database, False
        self.is_sqlite = database.is_sqlite
        self.read = database.read

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Any]:
        if self.armed:
            raise OperationalError("commit", {}, Exception("the process died"))
        async with self.real.write() as session:
            yield session


class Telling(Gateway):
    """A gateway that says when Slack has answered."""

    after: Any = None

    async def post(self, *args: Any, **options: Any) -> Posted:
        posted = await super().post(*args, **options)
        self.after()
        return posted


def dying_outbox(house: House) -> tuple[Any, Crashing]:
    """An outbox whose process dies between Slack's answer and the commit."""
    crashing = Crashing(house.database)
    gateway = house.gateway()
    gateway.__class__ = Telling
    assert isinstance(gateway, Telling)
    gateway.after = lambda: setattr(crashing, "armed", True)
    outbox = house.outbox("dying", gateway)
    outbox._database = crashing  # type: ignore[assignment]
    return outbox, crashing


@pytest.fixture(autouse=True)
def no_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_module, "COMMIT_TRIES", 1)


async def test_crash_after_posting_makes_exactly_one_twin_after_ninety_seconds(house: House) -> None:
    notice_id = await house.notice()
    dying, _ = dying_outbox(house)
    await dying.deliver_once()
    assert len(house.said()) == 1
    assert (await house.read(notice_id)).state == "posting"

    other = house.outbox("other")
    house.wall.forward(89)
    assert await other.deliver_once() == 0
    assert await other.next_moment() == house.wall.now + timedelta(seconds=1)
    house.wall.forward(1)
    assert await other.deliver_once() == 1
    house.wall.forward(600)
    assert await other.deliver_once() == 0
    assert house.texts() == ["Hello.", "Hello."]
    assert (await house.read(notice_id)).ts == house.said()[1].ts


async def test_returned_timestamp_saves_the_twin(house: House) -> None:
    notice_id = await house.notice()
    reply_id = await house.notice("A reply.", root_id=notice_id)
    dying, _ = dying_outbox(house)
    await dying.deliver_once()
    (said,) = house.said()

    other = house.outbox("other")
    assert await other.returned(notice_id, house.workspace_id, house.team.id, said.ts)
    assert not await other.returned(notice_id, house.workspace_id, house.team.id, "1.000001")
    house.wall.forward(600)
    await other.deliver_once()

    assert house.texts() == ["Hello.", "A reply."]
    assert (await house.read(reply_id)).state == "posted"
    assert house.said()[1].thread_ts == said.ts
    row = await house.read(notice_id)
    assert (row.state, row.ts, row.next_at) == ("posted", said.ts, None)


async def test_another_workspace_cannot_return_a_timestamp(house: House) -> None:
    notice_id = await house.notice()
    assert not await house.outbox().returned(notice_id, "f" * 32, house.team.id, "1.000001")
    assert (await house.read(notice_id)).ts is None


async def test_returned_before_the_answer_is_written_changes_nothing(house: House) -> None:
    notice_id = await house.notice()
    gateway, outbox = house.gateway(), house.outbox()

    class Racing(Telling):
        async def post(self, *args: Any, **options: Any) -> Posted:
            posted = await Gateway.post(self, *args, **options)
            assert await outbox.returned(notice_id, house.workspace_id, posted.channel, posted.ts)
            return posted

    gateway.__class__ = Racing
    assert await house.outbox("racing", gateway).deliver_once() == 1
    house.wall.forward(600)
    assert await outbox.deliver_once() == 0
    row = await house.read(notice_id)
    assert (row.state, row.sent_version, row.next_at) == ("posted", 1, None)
    assert len(house.said()) == 1


async def test_crash_before_posting_says_it_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    notice_id = await house.notice()

    async def die(_notice: Notice) -> Message | None:
        raise OSError("the process died")

    monkeypatch.setattr(house.sayings, "news", die)
    await house.outbox("dying").deliver_once()
    assert (await house.read(notice_id)).state == "due"

    monkeypatch.undo()
    house.wall.forward(90)
    assert await house.outbox("other").deliver_once() == 1
    assert house.texts() == ["Hello."]


async def test_a_lost_answer_of_slack_makes_one_twin(house: House) -> None:
    await house.notice()
    house.world.faults.add(Outage.LOST_ANSWER, "chat.postMessage", times=1)
    outbox = house.outbox()
    await outbox.deliver_once()
    house.wall.forward(30)
    assert await outbox.deliver_once() == 0
    house.wall.forward(60)
    assert await outbox.deliver_once() == 1
    assert house.texts() == ["Hello.", "Hello."]


async def test_cancelling_between_answer_and_commit_loses_nothing(house: House) -> None:
    notice_id = await house.notice()
    gateway = house.gateway()
    answered, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Telling):
        async def post(self, *args: Any, **options: Any) -> Posted:
            posted = await Gateway.post(self, *args, **options)
            answered.set()
            await go_on.wait()
            return posted

    gateway.__class__ = Slow
    outbox = house.outbox("one", gateway)
    task = asyncio.create_task(outbox.deliver_once())
    await answered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await outbox.close()
    assert (await house.read(notice_id)).state == "posted"


# -- outages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("outage", [Outage.UNAVAILABLE, Outage.INTERNAL_ERROR, Outage.DOWN])
async def test_long_outage_loses_nothing_keeps_the_order_and_is_not_hammered(
    house: House, outage: Outage
) -> None:
    words = [f"News {number}." for number in range(6)]
    for each in words:
        await house.notice(each)
    fault = house.world.faults.add(outage, "chat.postMessage")
    outbox = house.outbox()
    over = house.wall.now + timedelta(hours=1)
    while house.wall.now < over:
        await outbox.deliver_once()
        house.wall.now = await outbox.next_moment() or over
    assert 5 < fault.struck <= 30
    house.world.faults.clear()
    while (moment := await outbox.next_moment()) is not None:
        house.wall.now = max(moment, house.wall.now)
        await outbox.deliver_once()
    assert house.texts() == words


async def test_refused_connection_is_surely_not_sent_and_due_again(house: House) -> None:
    first, second = await house.notice("One."), await house.notice("Two.")
    nobody = house.outbox("one", house.gateway(origin="http://127.0.0.1:9"))
    await nobody.deliver_once()
    row, other = await house.read(first), await house.read(second)
    assert (row.state, row.tries, row.lease_owner) == ("due", 1, None)
    assert row.next_at == other.next_at == house.wall.now + timedelta(seconds=5)
    house.wall.forward(5)
    assert await house.outbox("two").deliver_once() == 2
    assert house.texts() == ["One.", "Two."]


async def test_429_pauses_the_channel_and_only_it(house: House) -> None:
    first, second = await house.notice("One."), await house.notice("Two.")
    house.world.faults.add(Outage.RATE_LIMITED, "chat.postMessage", times=1, retry_after=40)
    elsewhere = await house.notice("Elsewhere.", audience="operations", audience_id=None)
    outbox = house.outbox()
    await outbox.deliver_once()
    until = house.wall.now + timedelta(seconds=40)
    limited = [await house.read(each) for each in (first, second, elsewhere)]
    paused = [row for row in limited if row.state == "due"]
    assert len(paused) in {1, 2} and all(row.next_at == until for row in paused)
    said = len(house.texts()) + len(house.texts(house.operations))
    assert said == 3 - len(paused)


async def test_broken_renderer_is_tried_again_and_holds_up_nobody(house: House) -> None:
    broken = await house.notice(topic="broken")
    unknown = await house.notice(topic="no-such-topic")
    await house.notice("Next.")
    assert await house.outbox().deliver_once() == 1
    assert house.texts() == ["Next."]
    for each in (broken, unknown):
        row = await house.read(each)
        assert (row.state, row.tries, row.next_at) == ("due", 1, house.wall.now + timedelta(seconds=5))


async def test_workspace_that_is_gone_waits_and_is_asked_rarely(house: House) -> None:
    await house.notice("One.")
    await house.notice("Two.")
    team = next(iter(house.world.installs))
    install = house.world.installs.pop(team)
    gateway = house.gateway()
    gateway._api._token_for = _token(install.token)
    outbox = house.outbox("one", gateway)
    for _ in range(60):
        await outbox.deliver_once()
        house.wall.forward(5)
    assert house.world.counts()["chat.postMessage"] <= 2
    house.world.installs[team] = install
    house.wall.forward(300)
    assert await outbox.deliver_once() == 2


def _token(token: str) -> Any:
    async def token_for(_workspace: str) -> str:
        return token

    return token_for


async def test_uninstalled_workspace_is_told_nothing(house: House) -> None:
    notice_id = await house.notice()
    async with house.database.write() as session:
        row = await session.get(Workspace, house.workspace_id)
        assert row is not None
        row.uninstalled_at = house.wall.now
    await house.outbox().deliver_once()
    found = await house.read(notice_id)
    assert (found.state, found.problem, found.next_at) == ("undeliverable", "uninstalled", None)
    assert house.world.counts()["chat.postMessage"] == 0


async def neighbour(house: House) -> str:
    """Another workspace of the same bot, which tells in the same channel; its row's id."""
    async with house.database.write() as session:
        row = Workspace(team_id="T_OTHER", operations_channel=house.team.id, created_at=house.wall.now)
        session.add(row)
        await session.flush()
        return row.id


class Stuck(Gateway):
    """A gateway whose posts for one workspace get no answer."""

    workspace = ""

    async def post(self, workspace: str, *args: Any, **options: Any) -> Posted:
        if workspace == self.workspace:
            await asyncio.Event().wait()
        return await super().post(workspace, *args, **options)


async def test_a_workspace_that_slack_does_not_answer_holds_up_no_other(house: House) -> None:
    other = await neighbour(house)
    for number in range(60):
        await house.notice(f"Stuck {number}.")
    gateway = house.gateway()
    gateway.__class__ = Stuck
    gateway.workspace = house.workspace_id  # type: ignore[attr-defined]
    outbox = house.outbox("one", gateway)
    theirs = {"workspace_id": other, "audience": "operations", "audience_id": None}
    for number in range(3):
        await house.notice(f"Theirs {number}.", **theirs)
        async with asyncio.timeout(20):
            while f"Theirs {number}." not in house.texts():
                await outbox.ring()
                await asyncio.sleep(0.01)
    assert house.texts() == ["Theirs 0.", "Theirs 1.", "Theirs 2."]
    assert outbox.is_busy
    for task in [*outbox._rounds.values(), *outbox._running]:
        task.cancel()


async def test_a_dead_or_limited_workspace_holds_up_no_other(house: House) -> None:
    other = await neighbour(house)
    for number in range(120):
        await house.notice(f"Limited {number}.")
    outbox = house.outbox()
    house.world.faults.add(Outage.RATE_LIMITED, "chat.postMessage", times=1, retry_after=300)
    await outbox.deliver_once()
    theirs = {"workspace_id": other, "audience": "operations", "audience_id": None}
    await house.notice("Theirs.", **theirs)
    assert await outbox.deliver_once() == 1
    assert house.texts() == ["Theirs."]


# -- many processes --------------------------------------------------------------------------------


async def test_eight_outboxes_say_each_notice_once(house: House) -> None:
    words = [f"News {number}." for number in range(60)]
    for number, each in enumerate(words):
        place = {"audience": "operations", "audience_id": None} if number % 3 == 0 else {}
        await house.notice(each, **place)
    boxes = [house.outbox(f"process-{number}") for number in range(8)]
    for _ in range(100):
        await asyncio.gather(*(box.deliver_once(limit=5) for box in boxes))
        if await boxes[0].next_moment() is None:
            break
        house.wall.forward(2)
    assert Counter(house.texts() + house.texts(house.operations)) == Counter(words)


async def test_one_outbox_called_twice_at_once_keeps_the_order(house: House) -> None:
    words = [f"News {number}." for number in range(12)]
    for each in words:
        await house.notice(each)
    outbox = house.outbox()
    for _ in range(20):
        await asyncio.gather(outbox.deliver_once(limit=4), outbox.deliver_once(limit=4))
        house.wall.forward(2)
    assert house.texts() == words


async def test_process_that_slept_before_posting_says_nothing_that_was_said_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.notice()
    render = house.sayings.news

    async def sleep_and_render(notice: Notice) -> Message | None:
        monkeypatch.undo()
        house.wall.forward(91)
        assert await house.outbox("other").deliver_once() == 1
        return await render(notice)

    monkeypatch.setattr(house.sayings, "news", sleep_and_render)
    assert await house.outbox("sleeper").deliver_once() == 0
    assert house.texts() == ["Hello."]


async def test_process_that_slept_after_posting_does_not_move_the_notice(house: House) -> None:
    notice_id = await house.notice()
    gateway = house.gateway()

    class Sleeper(Gateway):
        async def post(self, *args: Any, **options: Any) -> Posted:
            posted = await super().post(*args, **options)
            house.wall.forward(91)
            assert await house.outbox("other").deliver_once() == 1
            return posted

    gateway.__class__ = Sleeper
    await house.outbox("sleeper", gateway).deliver_once()
    _, twin = house.said()
    assert (await house.read(notice_id)).ts == twin.ts


# -- threads ---------------------------------------------------------------------------------------


async def test_reply_waits_for_its_root_and_follows_in_the_same_round(house: House) -> None:
    root = await house.notice("Root.", next_at=house.wall.now + timedelta(seconds=30))
    reply = await house.notice("Reply.", root_id=root, broadcast=True)
    outbox = house.outbox()
    assert await outbox.deliver_once() == 0
    assert (await house.read(reply)).state == "due"
    house.wall.forward(30)
    assert await outbox.deliver_once() == 2
    above, below = house.said()
    assert (below.text, below.thread_ts, below.reply_broadcast) == ("Reply.", above.ts, True)


async def test_reply_to_a_reply_goes_under_the_root(house: House) -> None:
    root = await house.notice("Root.")
    reply = await house.notice("Reply.", root_id=root)
    await house.notice("Reply to the reply.", root_id=reply)
    assert await house.outbox().deliver_once() == 3
    assert {message.thread_ts for message in house.said()[1:]} == {house.said()[0].ts}


async def test_reply_to_what_was_never_said_stands_alone(house: House) -> None:
    root = await house.notice("")
    await house.notice("Reply.", root_id=root)
    assert await house.outbox().deliver_once() == 1
    (said,) = house.said()
    assert (said.text, said.thread_ts) == ("Reply.", None)


async def test_deleted_root_passes_its_thread_on(house: House) -> None:
    root = await house.notice("Root.", kind="view", topic="view")
    outbox = house.outbox()
    await outbox.deliver_once()
    house.said()[0].deleted = True
    await house.notice("News after the deletion.", root_id=root)
    await house.notice("More news.", root_id=root)
    assert await outbox.deliver_once() == 2
    first, second = house.said()
    assert first.thread_ts is None and second.thread_ts == first.ts
    assert (await house.read(root)).ts == first.ts

    # The root's own next state must not overwrite the news that took its place.
    await house.change(root, "reconnected")
    for _ in range(2):
        await outbox.deliver_once()
    assert house.texts() == ["News after the deletion.", "More news.", "reconnected"]


# -- views -----------------------------------------------------------------------------------------


async def test_view_changes_in_place_and_shows_the_newest_state(house: House) -> None:
    view = await house.notice(kind="view", topic="view")
    outbox = house.outbox()
    await outbox.deliver_once()
    await house.change(view, "yellow")
    await house.change(view, "green")
    assert await outbox.deliver_once() == 1
    (said,) = house.said()
    assert (said.text, said.blocks[0]["text"]["text"]) == ("green", "green")
    assert house.world.counts()["chat.update"] == 1
    row = await house.read(view)
    assert (row.version, row.sent_version, row.next_at) == (3, 3, None)


async def test_view_that_changes_while_it_is_sent_is_due_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = await house.notice(kind="view", topic="view")
    render = house.sayings.view

    async def render_and_change(notice: Notice) -> Message | None:
        message = await render(notice)
        monkeypatch.undo()
        await house.change(view, "newer")
        return message

    monkeypatch.setattr(house.sayings, "view", render_and_change)
    outbox = house.outbox()
    await outbox.deliver_once()
    assert house.texts() == ["start"]
    assert (await house.read(view)).next_at == house.wall.now
    await house.outbox().deliver_once()
    assert house.texts() == ["newer"]


async def test_late_sender_does_not_leave_an_old_state_standing(house: House) -> None:
    view = await house.notice(kind="view", topic="view")
    outbox = house.outbox()
    await outbox.deliver_once()
    await house.change(view, "old")
    gateway = house.gateway()

    class Sleeper(Gateway):
        """Sleeps in the middle of its call for so long that another process takes over."""

        async def update(self, *args: Any, **options: Any) -> None:
            house.wall.forward(91)
            await house.change(view, "new")
            assert await outbox.deliver_once() == 1
            assert house.texts() == ["new"]
            await super().update(*args, **options)

    gateway.__class__ = Sleeper
    await house.outbox("sleeper", gateway).deliver_once()
    assert house.texts() == ["old"]
    await outbox.deliver_once()
    assert house.texts() == ["new"]


async def test_view_whose_message_was_deleted_is_posted_anew(house: House) -> None:
    view = await house.notice(kind="view", topic="view")
    outbox = house.outbox()
    await outbox.deliver_once()
    house.said()[0].deleted = True
    await house.change(view, "again")
    for _ in range(2):
        await outbox.deliver_once()
    (said,) = house.said()
    assert said.text == "again"
    assert (await house.read(view)).ts == said.ts


async def test_view_in_an_archived_channel_stays_as_it_was(house: House) -> None:
    view = await house.notice(kind="view", topic="view")
    outbox = house.outbox()
    await outbox.deliver_once()
    house.team.is_archived = True
    await house.change(view, "later")
    await outbox.deliver_once()
    row = await house.read(view)
    assert (row.state, row.sent_version, row.next_at) == ("posted", 2, None)
    assert house.texts(house.operations) == []


async def test_update_during_an_outage_is_repeated(house: House) -> None:
    view = await house.notice(kind="view", topic="view")
    outbox = house.outbox()
    await outbox.deliver_once()
    house.world.faults.add(Outage.UNAVAILABLE, "chat.update", times=1)
    await house.change(view, "green")
    await outbox.deliver_once()
    house.wall.forward(5)
    assert await outbox.deliver_once() == 1
    assert house.texts() == ["green"]


# -- channels that are not there -------------------------------------------------------------------


async def test_archived_channel_falls_back_to_operations_and_says_why(house: House) -> None:
    house.team.is_archived = True
    notice_id = await house.notice("Alert.")
    assert await house.outbox().deliver_once() == 1
    assert house.texts(house.operations) == ["Alert."]
    row = await house.read(notice_id)
    assert row.problem == f"is_archived {house.team.id}"
    assert house.sayings.problems == [None, row.problem]


async def test_reply_falls_out_of_an_archived_channel_as_a_message_of_its_own(house: House) -> None:
    root = await house.notice("Root.")
    outbox = house.outbox()
    await outbox.deliver_once()
    house.team.is_archived = True
    await house.notice("Reply.", root_id=root)
    await outbox.deliver_once()
    (said,) = house.said(house.operations)
    assert (said.text, said.thread_ts) == ("Reply.", None)


async def test_without_any_channel_the_admin_is_told_directly(house: House) -> None:
    house.team.is_archived = house.operations.is_archived = True
    await house.notice("Alert.")
    assert await house.outbox().deliver_once() == 1
    (direct,) = [channel for channel in house.world.channels.values() if channel.kind == "im"]
    assert house.texts(direct) == ["Alert."]


async def test_nobody_left_is_undeliverable_and_its_reply_too(house: House) -> None:
    house.team.is_archived = house.operations.is_archived = True
    house.world.app.messages_tab = False
    root = await house.notice("Alert.")
    reply = await house.notice("Reply.", root_id=root)
    await house.outbox().deliver_once()
    await house.outbox().deliver_once()
    for each in (root, reply):
        row = await house.read(each)
        assert (row.state, row.next_at) == ("undeliverable", None)
        assert row.problem is not None and row.problem.startswith("is_archived")


async def test_a_client_of_another_workspace_is_no_address(house: House) -> None:
    async with house.database.write() as session:
        other = Workspace(team_id="T_OTHER", created_at=house.wall.now)
        session.add(other)
        await session.flush()
        client = Client(
            workspace_id=other.id,
            slug="b",
            name="B",
            zone="UTC",
            team_channel=house.team.id,
            created_at=house.wall.now,
        )
        session.add(client)
        await session.flush()
    await house.notice("Secret.", audience_id=client.id)
    await house.outbox().deliver_once()
    assert house.texts() == []
    assert house.texts(house.operations) == ["Secret."]


async def test_faulty_blocks_still_bring_the_text(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wrong(_notice: Notice) -> Message | None:
        return Message("In words.", ({"type": "no-such-block"},))

    monkeypatch.setattr(house.sayings, "news", wrong)
    notice_id = await house.notice()
    assert await house.outbox().deliver_once() == 1
    (said,) = house.said()
    assert (said.text, said.blocks) == ("In words.", [])
    assert said.metadata is not None and said.metadata["event_payload"] == {"notice_id": notice_id}
