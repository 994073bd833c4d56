from __future__ import annotations

import asyncio

import pytest

from bot.domain.telling import show_view, team, touch_subject
from bot.slack.addressing import SHARED_ALERTS
from sandbox.slack import life
from sandbox.slack.delivery import deliver, emit
from storage.models import Client, Delivery, Incident, Notice, Workspace
from tests.commands.scene import Scene
from tests.commands.test_alert_buttons import alert, trouble


async def test_hello_when_the_bot_is_let_in(scene: Scene) -> None:
    fresh = scene.channel("fresh", scene.ben, bot=False)
    scene.ben.invite_bot(fresh.id)
    await scene.calm()
    assert "/connect instagram" in scene.last(scene.ben, fresh).text
    known = scene.channel("known", scene.ben, bot=False)
    await scene.client("bakery", known)
    scene.ben.invite_bot(known.id)
    await scene.calm()
    assert "`bakery`" in scene.last(scene.ben, known).text


async def test_hello_is_said_once_however_often_slack_tells_of_it_at_once(scene: Scene) -> None:
    joined = {"type": "member_joined_channel", "user": scene.bot_id, "channel": scene.team.id}
    told = {"type": "event_callback", "team_id": scene.team_id, "event_id": "Ev1", "event": joined}
    await asyncio.gather(*(deliver(scene.world, "events_api", told) for _ in range(3)))
    await scene.calm()
    assert len(scene.ben.sees(scene.team.id)) == 1


async def test_somebody_else_joining_says_nothing(scene: Scene) -> None:
    life.join(scene.world, scene.operations, scene.ben.user.id)
    await scene.calm()
    assert scene.ben.sees(scene.operations.id) == []


@pytest.mark.parametrize("kind", ["public", "private"])
async def test_alerts_of_a_lost_channel_go_to_operations(scene: Scene, kind: str) -> None:
    await scene.set_workspace(operations_channel=scene.operations.id)
    place = scene.channel("bakery", scene.ben, kind=kind)
    client_id = await scene.client("bakery", place)
    await trouble(scene, client_id)
    assert (await alert(scene)).channel == place.id
    life.archive(scene.world, place, scene.ben.user.id)
    await scene.settle()
    said = await alert(scene)
    assert said.channel == scene.operations.id and "archived" in said.text


async def test_a_channel_without_alerts_is_lost_quietly(scene: Scene) -> None:
    await scene.client()
    scene.ben.remove_bot(scene.team.id)
    await scene.settle()
    assert await scene.all(Notice) == []


async def test_a_new_channel_id_is_followed(scene: Scene) -> None:
    client_id = await scene.client(client_channel=scene.team.id)
    await scene.set_workspace(operations_channel=scene.team.id)
    event = {"type": "channel_id_changed", "old_channel_id": scene.team.id, "new_channel_id": "CNEW"}
    emit(scene.world, scene.team_id, event)
    await scene.calm()
    client = await scene.get(Client, client_id)
    assert (client.team_channel, client.client_channel) == ("CNEW", "CNEW")
    assert (await scene.get(Workspace, scene.workspace_id)).operations_channel == "CNEW"


async def test_every_subscribed_event_is_taken(scene: Scene) -> None:
    for name in sorted(scene.world.app.events):
        event = {"type": name, "channel": "C9", "user": scene.ben.user.id, "tab": "messages"}
        emit(scene.world, scene.team_id, event | {"old_channel_id": "C8", "new_channel_id": "C9"})
    await scene.calm()
    assert {item.status for item in scene.world.delivered} == {200}
    assert {item.retry for item in scene.world.delivered} == {0}


async def test_removal_marks_the_workspace(scene: Scene) -> None:
    life.uninstall(scene.world, scene.team_id)
    await scene.calm()
    assert (await scene.get(Workspace, scene.workspace_id)).uninstalled_at is not None


async def test_a_late_event_of_a_removal_is_not_believed(scene: Scene) -> None:
    emit(scene.world, scene.team_id, {"type": "app_uninstalled"})
    emit(scene.world, scene.team_id, {"type": "tokens_revoked", "tokens": {"oauth": ["U1"]}})
    await scene.calm()
    assert (await scene.get(Workspace, scene.workspace_id)).uninstalled_at is None


async def test_home_for_members_and_for_guests(scene: Scene) -> None:
    client_id = await scene.client("secret-client", scene.channel("secret", scene.ben))
    await scene.account(client_id, "x", "acme")
    for person in (scene.ben, scene.guest):
        person.open_home()
        await scene.calm()
    assert scene.ben.home is not None and "secret-client" in str(scene.ben.home.body)
    assert "/connect" in str(scene.ben.home.body) and "/lamplighter setup" in str(scene.ben.home.body)
    assert scene.guest.home is not None and "secret" not in str(scene.guest.home.body)
    scene.ben.open_home()
    scene.ben.open_home("messages")
    await scene.calm()
    assert scene.world.counts()["views.publish"] == 3


async def test_home_turns_its_own_pages(scene: Scene) -> None:
    for number in range(20):
        await scene.client(f"client-{number:02}")
    scene.ben.open_home()
    await scene.calm()
    assert scene.ben.home is not None and "Page 1 of 2" in str(scene.ben.home.body)
    await scene.ben.press(scene.ben.home, "health.page", value="all:1")
    await scene.calm()
    assert "Page 2 of 2" in str(scene.ben.home.body) and "/retry" in str(scene.ben.home.body)


async def shared_with_others(scene: Scene) -> str:
    """The team's channel, with an alert in it, is shared with another company; the alert's client."""
    await scene.set_workspace(operations_channel=scene.operations.id)
    client_id = await scene.client()
    await trouble(scene, client_id)
    assert (await alert(scene)).channel == scene.team.id
    theirs = scene.world.add_team("theirs")
    life.share(scene.world, scene.team, theirs.id)
    await scene.settle()
    return client_id


async def test_alerts_leave_a_channel_that_is_shared_and_say_why(scene: Scene) -> None:
    await shared_with_others(scene)
    said = await alert(scene)
    assert said.channel == scene.operations.id
    assert "another company" in said.text and f"<#{scene.team.id}>" in said.text
    before = len(scene.ben.sees(scene.team.id))
    async with scene.house.db.write() as session:
        await touch_subject(session, "incident", str((await scene.all(Incident))[0].id))
    await scene.settle()
    assert len(scene.ben.sees(scene.team.id)) == before


async def test_a_sharing_that_nobody_told_of_is_seen_before_anything_is_said(scene: Scene) -> None:
    await scene.set_workspace(operations_channel=scene.operations.id)
    scene.team.connected_teams.add(scene.world.add_team("theirs").id)
    await trouble(scene, await scene.client())
    assert (await alert(scene)).channel == scene.operations.id
    assert scene.ben.sees(scene.team.id) == []


async def test_what_stands_in_a_channel_that_was_shared_goes_on_elsewhere(scene: Scene) -> None:
    """Also what no event moved: a post with a problem is not edited where others read."""
    await scene.set_workspace(operations_channel=scene.operations.id)
    connection = await scene.account(await scene.client())
    delivery = await scene.get(Delivery, await scene.delivery(connection))

    async def show() -> None:
        async with scene.house.db.write() as session:
            who = team(delivery.client_id)
            await show_view(session, scene.workspace_id, "post", "k", who, subject_id=delivery.post_id)
        await scene.settle()
        await scene.settle()  # a message that cannot be changed is said anew in the next round

    await show()
    (before,) = scene.ben.sees(scene.team.id)
    scene.team.connected_teams.add(scene.world.add_team("theirs").id)
    scene.desk.gateway.forget_channel(scene.workspace_id, scene.team.id)
    await show()
    (after,) = scene.ben.sees(scene.team.id)
    assert (after.ts, after.edited_ts) == (before.ts, None)
    assert "Fresh bread" in scene.last(scene.ada, scene.operations).text


async def test_a_workspace_may_want_its_alerts_in_shared_channels(scene: Scene) -> None:
    await scene.set_workspace(settings={SHARED_ALERTS: True})
    await shared_with_others(scene)
    assert (await alert(scene)).channel == scene.team.id
    assert scene.ada.sees(scene.operations.id) == []


async def test_an_operations_channel_that_is_shared_is_passed_over_too(scene: Scene) -> None:
    await scene.set_workspace(operations_channel=scene.operations.id, admins=[scene.ada.user.id])
    theirs = scene.world.add_team("theirs").id
    scene.team.connected_teams.add(theirs)
    scene.operations.connected_teams.add(theirs)
    await trouble(scene, await scene.client())
    direct = scene.world.direct_message(scene.team_id, scene.ada.user.id)
    assert (await alert(scene)).channel == direct.id


async def test_invitations_keep_working_in_a_shared_channel(scene: Scene) -> None:
    await shared_with_others(scene)
    before = len(scene.ben.sees(scene.team.id))
    await scene.answer(scene.ben, "/connect", "instagram client-a")
    await scene.settle()
    fresh = scene.ben.sees(scene.team.id)[before:]
    assert any("Instagram" in message.text and not message.ephemeral_to for message in fresh)


async def test_alerts_come_back_when_a_channel_is_no_longer_shared(scene: Scene) -> None:
    await scene.set_workspace(operations_channel=scene.operations.id)
    theirs = scene.world.add_team("theirs")
    life.share(scene.world, scene.team, theirs.id)
    await scene.settle()
    life.unshare(scene.world, scene.team, theirs.id)
    await scene.settle()
    await trouble(scene, await scene.client())
    assert (await alert(scene)).channel == scene.team.id


async def test_a_channel_that_became_private_keeps_its_alerts(scene: Scene) -> None:
    await scene.set_workspace(operations_channel=scene.operations.id)
    life.convert_to_private(scene.world, scene.team)
    await trouble(scene, await scene.client())
    assert (await alert(scene)).channel == scene.team.id


@pytest.mark.parametrize("how", ["left", "deleted", "private"])
async def test_alerts_of_a_channel_that_is_gone_say_where_they_belong(scene: Scene, how: str) -> None:
    await scene.set_workspace(operations_channel=scene.operations.id)
    place = scene.channel("bakery", scene.ben, bot=how != "private")
    client_id = await scene.client("bakery", place)
    if how == "left":
        scene.ben.remove_bot(place.id)
    elif how == "deleted":
        life.delete_channel(scene.world, place)
    else:
        life.convert_to_private(scene.world, place)
    await scene.settle()
    await trouble(scene, client_id)
    said = await alert(scene)
    assert said.channel == scene.operations.id and f"<#{place.id}>" in said.text
    assert ("/invite" in said.text) is (how == "left") or how == "private"


async def test_a_renamed_channel_is_the_same_one(scene: Scene) -> None:
    client_id = await scene.client()
    life.rename(scene.world, scene.team, "client-a-new")
    await scene.settle()
    await trouble(scene, client_id)
    assert (await alert(scene)).channel == scene.team.id
