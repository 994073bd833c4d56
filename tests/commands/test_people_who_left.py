"""People who left Slack, direct messages that cannot be said, digests where nobody else reads: with Slack's
twin and its outages."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain import absences, digests, routines
from bot.domain.absences import Standing
from bot.jobs.roll_call import RollCall
from bot.messages import actions
from bot.renderers import build_renderers
from sandbox.slack import Outage
from sandbox.slack.models import Message
from storage import routines as store
from storage.models import Absence, Client, Invitation, Notice, Routine
from tests.commands.scene import Scene, buttons, notices
from tests.messages.message_facts import check
from tests.support import Killed, another

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
AN_HOUR = timedelta(hours=1, minutes=5)  # more than a busy machine loses meanwhile


def go(scene: Scene, moment: datetime) -> None:
    scene.house.clock.set_offset((moment - datetime.now(UTC)).total_seconds())


async def begin(scene: Scene) -> RollCall:
    """A workspace with its operations channel; its first roll call is due."""
    await scene.set_workspace(operations_channel=scene.operations.id, admins=[scene.ada.user.id])
    go(scene, MONDAY - timedelta(days=2))
    await routines.ensure(scene.house)
    call = RollCall(scene.house, scene.desk.gateway)
    await call.tick()
    await routines.run_due(scene.house)
    assert scene.world.counts()["users.info"] == 0
    go(scene, MONDAY + timedelta(seconds=1))
    return call


async def next_day(scene: Scene, call: RollCall, days: int = 1) -> None:
    scene.house.clock.set_offset(scene.house.clock.offset + timedelta(days=days).total_seconds())
    await call.tick()
    await scene.settle()


async def due_at(scene: Scene) -> datetime:
    row: Routine
    (row,) = await scene.all(Routine, Routine.kind == store.PEOPLE)
    return row.next_at


def in_operations(scene: Scene) -> list[Message]:
    return scene.ada.sees(scene.operations.id)


# -- the roll call ---------------------------------------------------------------------------------


async def test_who_left_is_told_once_with_all_that_depends_on_him(either: Scene) -> None:
    call = await begin(either)
    ben = either.ben.user
    first = await either.client(mentions=[ben.id, "S0GROUP"], backup=[either.ada.user.id])
    await either.client("client-b", backup=[ben.id])
    await either.account(first, "x", "acme", linked_by=ben.id)
    ben.deleted = True
    await call.tick()
    await either.settle()
    assert either.world.counts()["users.info"] == 2  # ada and ben, however often they are named
    (told,) = in_operations(either)
    assert f"<@{ben.id}> was deactivated in Slack" in told.text and "1 login and 2 clients" in told.text
    assert "`client-a`: @acme on X" in told.text and "(`client-b`): the backup" in told.text
    shown = buttons(told)
    assert shown["Hand over"]["action_id"] == actions.HAND_OVER
    assert shown["Change"]["action_id"] == actions.OPEN_CLIENT
    for _ in range(2):
        await next_day(either, call)
    assert len(in_operations(either)) == 1 and either.world.counts()["users.info"] == 6
    before = len(await either.all(Invitation))
    await either.press(either.ada, told, actions.HAND_OVER)
    await either.settle()
    assert len(await either.all(Invitation)) == before + 1


async def test_who_is_back_and_leaves_again_is_told_again(scene: Scene) -> None:
    call = await begin(scene)
    ben = scene.ben.user
    client_id = await scene.client(mentions=[ben.id])
    told = []
    for ben.deleted in (True, False, True):
        await next_day(scene, call)
        told.append(len(await notices(scene, absences.TOPIC)))
    assert told == [1, 1, 2]
    await scene.set(Client, client_id, mentions=[])
    await next_day(scene, call)
    assert await scene.all(Absence) == []
    await scene.set(Client, client_id, mentions=[ben.id])  # somebody brought him in again
    await next_day(scene, call, 3)  # the working day after Friday
    assert len(await notices(scene, absences.TOPIC)) == 3


async def test_admins_unknown_and_foreign_people(scene: Scene) -> None:
    call = await begin(scene)
    foreign = scene.world.add_team("client-inc")
    stranger = scene.world.add_user(foreign.id, "eve")
    await scene.client(mentions=["U0TYPO", stranger.id])
    scene.ada.user.deleted = True
    await call.tick()
    await scene.settle()
    texts = [message.text for message in scene.world.channels[scene.operations.id].messages.values()]
    assert len(texts) == 2
    assert any("<@U0TYPO> is not known to Slack" in text and "mentioned" in text for text in texts)
    assert any("the set-up of this workspace" in text and "Choose other admins" in text for text in texts)
    assert {row.user_id for row in await scene.all(Absence)} == {"U0TYPO", scene.ada.user.id}


async def test_whom_operations_calls_is_looked_for_too(scene: Scene) -> None:
    call = await begin(scene)
    ben = scene.ben.user
    await scene.set_workspace(settings={"operations_mentions": [ben.id, "S0GROUP"]})
    ben.deleted = True
    await call.tick()
    await scene.settle()
    (told,) = in_operations(scene)
    assert f"<@{ben.id}> was deactivated in Slack" in told.text and "the alerts of this channel" in told.text
    assert buttons(told)["Change who is called here"]["action_id"] == actions.OPEN_SETTINGS
    await scene.set_workspace(settings={})
    await next_day(scene, call)
    assert await scene.all(Absence) == []


async def test_while_slack_is_down_the_look_waits_and_nothing_is_lost(scene: Scene) -> None:
    call = await begin(scene)
    ben = scene.ben.user
    await scene.client(mentions=[ben.id])
    ben.deleted = True
    scene.world.faults.add(Outage.UNAVAILABLE)
    await call.tick()
    assert await notices(scene, absences.TOPIC) == []
    wait = await due_at(scene) - scene.house.clock.now()
    assert timedelta(minutes=14) < wait < timedelta(minutes=16)
    await call.tick()
    assert sum(fault.struck for fault in scene.world.faults.active) == 1  # not at every tick
    scene.world.faults.clear()
    scene.world.faults.add(Outage.RATE_LIMITED, "users.info", times=1, retry_after=1)
    go(scene, MONDAY + timedelta(minutes=20))
    await call.tick()
    await scene.settle()
    assert len(in_operations(scene)) == 1
    assert await due_at(scene) == MONDAY + timedelta(days=1)


async def test_two_processes_and_one_killed_tell_it_once(
    either: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await begin(either)
    second = RollCall(another(either.house, "two"), either.desk.gateway)
    await either.client(mentions=[either.ben.user.id])
    either.ben.user.deleted = True
    with monkeypatch.context() as patched:

        async def dies(*_: object, **__: object) -> bool:
            raise Killed

        patched.setattr("bot.domain.absences.tell_event", dies)
        with pytest.raises(Killed):
            await first.tick()
    await second.tick()
    assert await notices(either, absences.TOPIC) == []  # the turn of the dead one is not over yet
    go(either, MONDAY + AN_HOUR)
    await asyncio.gather(first.tick(), second.tick(), first.tick(), second.tick())
    assert len(await notices(either, absences.TOPIC)) == 1
    async with either.house.db.write() as session:  # as if a second look had run at the same time
        seen = {either.ben.user.id: Standing.DEACTIVATED}
        assert await absences.note(session, either.workspace_id, seen, either.house.clock.now()) == 0


async def test_a_large_leave_stays_within_limits(scene: Scene) -> None:
    call = await begin(scene)
    for number in range(13):
        client_id = await scene.client(f"client-{number}", mentions=[scene.ben.user.id])
        await scene.account(client_id, "x", f"acme{number}", linked_by=scene.ben.user.id)
    scene.ben.user.deleted = True
    await call.tick()
    (notice,) = await notices(scene, absences.TOPIC)
    shown = await build_renderers(scene.house)[absences.TOPIC](notice)
    assert shown is not None
    assert "and 5 more logins" in check(shown).text and "and 3 more clients" in shown.text


# -- direct messages -------------------------------------------------------------------------------


async def monday(scene: Scene, **values: Any) -> str:
    """A client in trouble, and Monday's work done. The client's id."""
    await begin(scene)
    client_id = await scene.client(**values)
    row_id = await scene.account(client_id, "x", "acme", grant_state="dead")
    await scene.delivery(row_id, "blocked")
    await routines.run_due(scene.house)
    return client_id


async def test_each_person_gets_one_direct_message(either: Scene) -> None:
    await monday(either, mentions=[either.ben.user.id, either.ada.user.id])
    await either.settle()
    for person in (either.ben, either.ada):
        direct = either.world.direct_message(either.team_id, person.user.id)
        (said,) = person.sees(direct.id)
        assert "Your clients this week: 1 account down" in said.text and "1 post waiting" in said.text
    (totals,) = in_operations(either)
    assert "⛔ 1 down" in totals.text


async def test_who_cannot_be_reached_is_heard_in_operations_once(scene: Scene) -> None:
    scene.ben.user.deleted = True
    bot = scene.world.users[scene.bot_id]
    await monday(scene, mentions=[scene.ben.user.id, bot.id, "U0NOBODY"])
    for _ in range(3):
        await scene.settle()
    said = [message.text for message in in_operations(scene)]
    assert len(said) == 4 and sum("The week from" in text for text in said) == 1
    for person in (scene.ben.user.id, bot.id, "U0NOBODY"):
        assert (
            sum(f"This is for <@{person}>, to whom Slack does not let me write" in text for text in said) == 1
        )
    assert {row.state for row in await scene.all(Notice, Notice.topic == digests.PERSON)} == {"posted"}
    posts = scene.world.counts()["chat.postMessage"]
    await scene.settle()
    assert scene.world.counts()["chat.postMessage"] == posts


async def test_a_closed_messages_tab_falls_back_too(scene: Scene) -> None:
    scene.world.app.messages_tab = False
    await monday(scene, mentions=[scene.ben.user.id])
    await scene.settle()
    assert any(f"This is for <@{scene.ben.user.id}>" in message.text for message in in_operations(scene))


async def test_nobody_at_all_is_reached_and_nothing_loops(scene: Scene) -> None:
    await monday(scene, mentions=[scene.ben.user.id])
    await scene.set_workspace(operations_channel=None, admins=[scene.ben.user.id])
    scene.ben.user.deleted = True
    for _ in range(3):
        await scene.settle()
    assert {row.state for row in await scene.all(Notice)} == {"undeliverable"}
    assert scene.world.counts()["chat.postMessage"] == 2  # one try for each of the two


async def test_an_outage_on_monday_morning_delays_the_digest_only(scene: Scene) -> None:
    scene.world.faults.add(Outage.RATE_LIMITED, "chat.postMessage", times=2, retry_after=1)
    await monday(scene, mentions=[scene.ben.user.id])
    direct = scene.world.direct_message(scene.team_id, scene.ben.user.id)
    async with asyncio.timeout(60):
        while not (scene.ben.sees(direct.id) and in_operations(scene)):
            await scene.settle()
            await asyncio.sleep(0.05)
    assert len(scene.ben.sees(direct.id)) == len(in_operations(scene)) == 1


# -- in team channels ------------------------------------------------------------------------------


async def test_a_team_digest_is_never_said_where_others_read(scene: Scene) -> None:
    foreign = scene.world.add_team("client-inc")
    await monday(scene, mentions=[], team_digest=True)
    scene.team.connected_teams.add(foreign.id)
    await scene.settle()
    (notice,) = await notices(scene, digests.TEAM)
    assert (notice.state, notice.ts) == ("dropped", None)
    assert all("this week" not in message.text for message in scene.guest.sees(scene.team.id))
    assert len(in_operations(scene)) == 1  # the totals, and no digest in its place


async def test_a_team_digest_is_switched_by_a_command(scene: Scene) -> None:
    await begin(scene)
    client_id = await scene.client()
    await scene.account(client_id, "x", "acme", grant_state="dead")
    assert "Only members" in (await scene.answer(scene.guest, "/lamplighter", "digest client-a on")).text
    assert "Only admins" in (await scene.answer(scene.ben, "/lamplighter", "digest client-a on")).text
    for typed in ("digest", "digest client-a", "digest client-a maybe", "digest on"):
        assert "Type it like this" in (await scene.answer(scene.ada, "/lamplighter", typed)).text
    assert "On Mondays" in (await scene.answer(scene.ada, "/lamplighter", "digest client-a on")).text
    await routines.run_due(scene.house)
    await scene.settle()
    assert "Client-A this week: 1 account down" in scene.last(scene.ben).text
    assert "no digest" in (await scene.answer(scene.ada, "/lamplighter", "digest client-a off")).text
    scene.team.connected_teams.add(scene.world.add_team("client-inc").id)
    scene.desk.gateway.forget_channel(scene.workspace_id, scene.team.id)
    refused = await scene.answer(scene.ada, "/lamplighter", "digest client-a on")
    assert "shared with another workspace" in refused.text
    assert (await scene.get(Client, client_id)).team_digest is False


async def test_the_number_of_many_posts_is_set_by_a_command(scene: Scene) -> None:
    await begin(scene)
    assert "5 posts or more" in (await scene.answer(scene.ben, "/lamplighter", "many-posts")).text
    assert "Only admins" in (await scene.answer(scene.ben, "/lamplighter", "many-posts 8")).text
    for typed in ("many-posts 0", "many-posts many", "many-posts 10000", "many-posts -3"):
        assert "Type a number" in (await scene.answer(scene.ada, "/lamplighter", typed)).text
    assert "8 posts or more" in (await scene.answer(scene.ada, "/lamplighter", "many-posts 8")).text
    assert "8 posts or more" in (await scene.answer(scene.ben, "/lamplighter", "many-posts")).text
