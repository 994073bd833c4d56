from __future__ import annotations

import pytest

from sandbox.slack import life
from sandbox.slack.delivery import emit
from storage.models import Client, Notice, Workspace
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
    assert scene.ben.home is not None and "@acme" in str(scene.ben.home.body)
    assert "/connect" in str(scene.ben.home.body) and "/lamplighter setup" in str(scene.ben.home.body)
    assert scene.guest.home is not None and "secret" not in str(scene.guest.home.body)
    scene.ben.open_home()
    scene.ben.open_home("messages")
    await scene.calm()
    assert scene.world.counts()["views.publish"] == 3


async def test_home_turns_its_own_pages(scene: Scene) -> None:
    client_id = await scene.client()
    for number in range(15):
        await scene.account(client_id, "x", f"acme{number:02}")
    scene.ben.open_home()
    await scene.calm()
    assert scene.ben.home is not None and "Page 1 of 2" in str(scene.ben.home.body)
    await scene.ben.press(scene.ben.home, "health.page")
    await scene.calm()
    assert "Page 2 of 2" in str(scene.ben.home.body) and "/retry" in str(scene.ben.home.body)
