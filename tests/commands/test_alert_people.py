"""*I'm on it*, *Pause* and *Resume*, pressed in Slack: by whom, twice, by two at once, after the cure."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.domain import incident_closing, incidents, taking
from bot.messages import actions
from sandbox.slack.models import Message
from storage.models import AuditEvent, Client, Connection, Grant, Incident, Workspace
from tests.commands.scene import Scene, buttons, notices
from tests.support import Killed, another

ROUND_THE_CLOCK = {"working_days": [1, 2, 3, 4, 5, 6, 7], "working_hours": [0, 23]}


async def died(scene: Scene, client_id: str, platform: str = "x") -> str:
    """A login is over: its alert stands in the team channel. The connection's id."""
    row_id = await scene.account(client_id, platform, "acme", grant_state="dead")
    connection = await scene.get(Connection, row_id)
    now = scene.house.clock.now()
    async with scene.house.db.write() as session:
        grant = await session.get_one(Grant, connection.grant_id)
        grant.reason, grant.reason_at = "revoked", now
        await session.flush()
        await incidents.dead(session, scene.house, grant, now)
    await scene.settle()
    return row_id


async def stands(scene: Scene, topic: str, which: int = 0) -> Message:
    """The message of a topic's notice, as it is in Slack now."""
    notice = (await notices(scene, topic))[which]
    return scene.world.channels[str(notice.channel_id)].messages[str(notice.ts)]


async def cured(scene: Scene, row_id: str) -> None:
    connection = await scene.get(Connection, row_id)
    await scene.set(Grant, connection.grant_id, state="live")
    async with scene.house.db.write() as session:
        now = scene.house.clock.now()
        await incident_closing.close_for_grant(session, connection.grant_id, "relinked", now)
    await scene.settle()


async def audited(scene: Scene, action: str) -> int:
    async with scene.house.db.read() as session:
        query = select(func.count()).where(AuditEvent.action == action)
        return int(await session.scalar(query) or 0)


# -- I'm on it -------------------------------------------------------------------------------------


async def test_a_member_takes_an_alert_and_everybody_sees_it(either: Scene) -> None:
    client_id = await either.client()
    await died(either, client_id)
    await either.press(either.ben, await stands(either, "incident"), actions.TAKE)
    await either.settle()
    shown = await stands(either, "incident")
    assert f"<@{either.ben.user.id}> is on it" in shown.text and "I'm on it" not in buttons(shown)
    (incident,) = await either.all(Incident)
    assert (incident.taken_by, incident.next_at) == (either.ben.user.id, None)


async def test_an_outsider_takes_nothing(either: Scene) -> None:
    client_id = await either.client()
    await died(either, client_id)
    answer = await either.press(either.guest, await stands(either, "incident"), actions.TAKE)
    assert "Only members" in answer.text and answer.ephemeral_to == either.guest.user.id
    (incident,) = await either.all(Incident)
    assert incident.taken_by is None and incident.next_at is not None


async def test_the_first_press_counts_and_the_second_is_told(either: Scene) -> None:
    client_id = await either.client()
    await died(either, client_id)
    alert = await stands(either, "incident")
    await either.press(either.ben, alert, actions.TAKE)
    before = len(either.ben.sees(either.team.id))
    await either.press(either.ben, alert, actions.TAKE)
    assert len(either.ben.sees(either.team.id)) == before
    answer = await either.press(either.ada, alert, actions.TAKE)
    assert f"<@{either.ben.user.id}> is on it already" in answer.text
    assert (await either.all(Incident))[0].taken_by == either.ben.user.id
    assert await audited(either, "incident.taken") == 1


async def test_of_two_at_once_one_has_it(either: Scene) -> None:
    client_id = await either.client()
    await died(either, client_id)
    alert = await stands(either, "incident")
    await asyncio.gather(either.ada.press(alert, actions.TAKE), either.ben.press(alert, actions.TAKE))
    await either.calm()
    (incident,) = await either.all(Incident)
    assert incident.taken_by in (either.ada.user.id, either.ben.user.id)
    loser = either.ben if incident.taken_by == either.ada.user.id else either.ada
    assert "is on it already" in either.last(loser).text
    assert await audited(either, "incident.taken") == 1


async def test_a_cured_alert_is_taken_by_nobody(either: Scene) -> None:
    client_id = await either.client()
    row_id = await died(either, client_id)
    alert = await stands(either, "incident")
    old = Message(**{**alert.__dict__, "blocks": list(alert.blocks)})
    await cured(either, row_id)
    alert.blocks = old.blocks  # still on somebody's screen
    answer = await either.press(either.ben, alert, actions.TAKE)
    assert "closed already" in answer.text
    assert (await either.all(Incident))[0].taken_by is None


# -- who else is asked -----------------------------------------------------------------------------


async def late_by(scene: Scene, **time: float) -> None:
    """So much time has passed since anybody was asked."""
    for incident in await scene.all(Incident, Incident.next_at.is_not(None)):
        await scene.set(Incident, incident.id, next_at=scene.house.clock.now() - timedelta(**time))


async def news(scene: Scene) -> list[str]:
    return sorted(str(row.facts["what"]) for row in await notices(scene, "incident.news"))


async def waiting_alert(scene: Scene) -> None:
    await scene.set_workspace(settings=ROUND_THE_CLOCK, operations_channel=scene.operations.id)
    await died(scene, await scene.client(backup=[scene.ada.user.id]))


async def test_two_processes_ask_the_backup_and_operations_once_each(either: Scene) -> None:
    await waiting_alert(either)
    other = another(either.house, "two")
    for told in (["backup"], ["backup", "untaken"], ["backup", "untaken"]):
        await late_by(either, minutes=1)
        await asyncio.gather(*(taking.ask_others(house) for house in (either.house, other) * 2))
        assert await news(either) == told
    await either.settle()
    backup = min(await notices(either, "incident.news"), key=lambda row: str(row.facts["what"]))
    asked = either.world.channels[str(backup.channel_id)].messages[str(backup.ts)]
    assert f"<@{either.ada.user.id}> " in asked.text and "nobody has taken it" in asked.text
    assert asked.thread_ts == (await stands(either, "incident")).ts
    said = either.ada.sees(either.operations.id)
    assert len(said) == 1 and "nobody has taken it" in said[0].text


async def test_killed_between_the_claim_and_the_words_nothing_is_lost_or_said_twice(
    either: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await waiting_alert(either)
    await late_by(either, minutes=1)
    with monkeypatch.context() as patched:

        async def dies(*_: Any, **__: Any) -> None:
            raise Killed

        patched.setattr("bot.domain.taking.store.change", dies)
        with pytest.raises(Killed):
            await taking.ask_others(either.house)
    assert await news(either) == []
    await taking.ask_others(either.house)
    await taking.ask_others(another(either.house, "two"))
    assert await news(either) == ["backup"]


# -- Pause and Resume ------------------------------------------------------------------------------


async def bad_day(scene: Scene, **values: Any) -> tuple[str, Message]:
    """A client with two platforms down: its alert has *Pause*."""
    client_id = await scene.client(**values)
    await died(scene, client_id, "x")
    await died(scene, client_id, "instagram")
    (day,) = await scene.all(Incident, Incident.kind == "client")
    (root,) = [row for row in await notices(scene, "incident") if row.subject_id == day.id]
    return client_id, scene.world.channels[str(root.channel_id)].messages[str(root.ts)]


async def test_a_pause_is_seen_by_the_channel_and_ends_in_its_thread(either: Scene) -> None:
    client_id, alert = await bad_day(either)
    await either.delivery(await either.account(client_id, "x", "second"), "blocked")
    await either.press(either.ben, alert, actions.PAUSE_CLIENT)
    await either.settle()
    by = f"paused by <@{either.ben.user.id}>"
    told = await stands(either, "pause")
    assert told.channel == either.team.id and by in told.text and "1 post waits" in told.text
    assert by in alert.text and "Resume Client-A" in buttons(alert)
    health = await either.answer(either.ada, "/health")
    assert by in health.text
    await either.press(either.ada, told, actions.RESUME_CLIENT)
    await either.settle()
    assert (await either.get(Client, client_id)).paused_at is None
    assert "goes on" in told.text and buttons(told) == {} and "paused by" not in alert.text
    over = await stands(either, "pause.news")
    assert over.thread_ts == told.ts and f"<@{either.ada.user.id}> resumed posting" in over.text
    assert "1 post that waited is on time again" in over.text


async def test_ten_presses_are_one_pause_and_one_end(either: Scene) -> None:
    client_id, alert = await bad_day(either)
    both = (either.ada, either.ben)
    pressed = [person.press(alert, actions.PAUSE_CLIENT) for person in both * 2]
    await asyncio.gather(*pressed)
    await either.settle()
    client = await either.get(Client, client_id)
    assert client.paused_by in {person.user.id for person in both}
    assert len(await notices(either, "pause")) == 1 and await audited(either, "client.paused") == 1
    answer = await either.press(either.ben, await stands(either, "pause"), actions.RESUME_CLIENT)
    assert "goes on" in answer.text
    for person in both:
        await person.press(alert, actions.RESUME_CLIENT)
    await either.settle()
    assert len(await notices(either, "pause.news")) == 1 and await audited(either, "client.resumed") == 1
    await either.press(either.ben, alert, actions.PAUSE_CLIENT)
    assert len(await notices(either, "pause")) == 2  # another pause is another message


async def test_outsiders_and_unnamed_members_pause_and_resume_nothing(either: Scene) -> None:
    client_id, alert = await bad_day(either, mentions=["U0NAMED"])
    await either.set_workspace(admins=[either.ada.user.id])
    assert "Only members" in (await either.press(either.guest, alert, actions.PAUSE_CLIENT)).text
    assert "Only admins" in (await either.press(either.ben, alert, actions.PAUSE_CLIENT)).text
    assert (await either.get(Client, client_id)).paused_at is None
    await either.press(either.ada, alert, actions.PAUSE_CLIENT)
    await either.settle()
    told = await stands(either, "pause")
    assert "Only members" in (await either.press(either.guest, told, actions.RESUME_CLIENT)).text
    assert "Only admins" in (await either.press(either.ben, told, actions.RESUME_CLIENT)).text
    assert (await either.get(Client, client_id)).paused_at is not None


async def test_after_the_cure_a_client_is_paused_and_resumed_all_the_same(either: Scene) -> None:
    client_id, alert = await bad_day(either)
    old = list(alert.blocks)
    for connection in await either.all(Connection):
        await cured(either, connection.id)
    assert "connected again" in alert.text
    alert.blocks = old
    await either.press(either.ben, alert, actions.PAUSE_CLIENT)
    await either.settle()
    assert (await either.get(Client, client_id)).paused_by == either.ben.user.id
    await either.press(either.ben, await stands(either, "pause"), actions.RESUME_CLIENT)
    assert (await either.get(Client, client_id)).paused_at is None


async def test_another_workspaces_client_cannot_be_paused(either: Scene) -> None:
    _, alert = await bad_day(either)
    foreign = await either.client("foreign", workspace_id=await either.other_workspace())
    buttons(alert)["Pause Client-A"]["value"] = foreign
    answer = await either.press(either.ada, alert, actions.PAUSE_CLIENT)
    assert "older message" in answer.text
    assert (await either.get(Client, foreign)).paused_at is None


async def test_pausing_everybody_is_told_in_operations(either: Scene) -> None:
    await either.set_workspace(operations_channel=either.operations.id)
    await either.delivery(await either.account(await either.client()), "scheduled")
    listed = await either.answer(either.ada, "/queue", "all")
    await either.press(either.ada, listed, "queue.pause#2")
    await either.settle()
    assert (await either.get(Workspace, either.workspace_id)).paused_by == either.ada.user.id
    told = await stands(either, "pause")
    assert told.channel == either.operations.id
    assert f"all clients is paused by <@{either.ada.user.id}>" in told.text
    listed = await either.answer(either.ada, "/queue", "all")
    await either.press(either.ada, listed, actions.QUEUE_RESUME)
    await either.settle()
    assert "goes on" in told.text and len(await notices(either, "pause.news")) == 1
