from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.domain import incidents, posting, replanning
from bot.domain.auditing import Actor
from bot.domain.deciding import Choice
from bot.domain.outcomes import Judgement, Outcome
from bot.domain.posting import Draft
from bot.messages import actions
from bot.platforms.base import Account
from bot.platforms.content import Content
from bot.platforms.errors import Reason
from bot.slack.gateway import Gateway
from sandbox.slack import Person
from sandbox.slack.models import Message
from storage.models import Client, Connection, Delivery, Grant, Incident, Invitation
from tests.commands.scene import Scene, buttons, notices


async def trouble(scene: Scene, client_id: str, handle: str = "acme") -> str:
    """One account is refused: its alert stands in the team channel. The connection's id."""
    row_id = await scene.account(client_id, "x", handle)
    connection = await scene.get(Connection, row_id)
    why = Judgement(Outcome.DEAD, Reason.SUSPENDED, "x")
    async with scene.house.db.write() as session:
        now = scene.house.clock.now()
        await incidents.connection_in_trouble(session, scene.house, connection, why, now)
    await scene.settle()
    return row_id


async def alert(scene: Scene) -> Message:
    (notice,) = await notices(scene, "incident")
    return scene.world.channels[str(notice.channel_id)].messages[str(notice.ts)]


async def test_ask_the_client_without_a_channel_says_how(scene: Scene) -> None:
    client_id = await scene.client(client_channel="CSHARED")
    await trouble(scene, client_id)
    await scene.set(Client, client_id, client_channel=None)
    answer = await scene.press(scene.ben, await alert(scene), actions.ASK_CLIENT)
    assert "no channel that you share" in answer.text and "Choose the channel" in buttons(answer)
    assert await notices(scene, "invitation.client") == []


async def test_ask_the_client_posts_once_in_his_channel(scene: Scene) -> None:
    shared = scene.channel("shared", scene.guest)
    client_id = await scene.client(client_channel=shared.id)
    await trouble(scene, client_id)
    for _ in range(3):
        await scene.press(scene.ben, await alert(scene), actions.ASK_CLIENT)
    await scene.settle()
    (said,) = scene.guest.sees(shared.id)
    assert any(item.get("url") for item in buttons(said).values())


async def test_copy_link_shows_the_link_to_one_member_alone(scene: Scene) -> None:
    client_id = await scene.client()
    await trouble(scene, client_id)
    answer = await scene.press(scene.ben, await alert(scene), actions.COPY_LINK)
    assert "http://127.0.0.1:3000/connect/" in answer.text
    assert answer.ephemeral_to == scene.ben.user.id
    refused = await scene.press(scene.guest, await alert(scene), actions.COPY_LINK)
    assert "Only members" in refused.text and "/connect/" not in refused.text


@pytest.mark.parametrize("action_id", [actions.ASK_CLIENT, actions.COPY_LINK, actions.CHECK_NOW])
async def test_buttons_of_a_closed_alert_change_nothing(scene: Scene, action_id: str) -> None:
    client_id = await scene.client(client_channel="CSHARED")
    await trouble(scene, client_id)
    message = await alert(scene)
    (incident,) = await scene.all(Incident)
    await scene.set(Incident, incident.id, state="closed", open_key=None)
    before = await scene.all(Invitation)
    answer = await scene.press(scene.ben, message, action_id)
    assert "closed already" in answer.text
    assert len(await scene.all(Invitation)) == len(before)


@pytest.mark.parametrize("action_id", [actions.ASK_CLIENT, actions.COPY_LINK, actions.CHECK_NOW])
async def test_another_workspaces_alert_cannot_be_reached(scene: Scene, action_id: str) -> None:
    mine = await scene.client(client_channel="CSHARED")
    await trouble(scene, mine)
    message = await alert(scene)
    theirs = await scene.other_workspace()
    foreign = await scene.client("foreign", workspace_id=theirs)
    row_id = await scene.account(foreign)
    connection = await scene.get(Connection, row_id)
    async with scene.house.db.write() as session:
        why = Judgement(Outcome.DEAD, Reason.SUSPENDED, "x")
        await incidents.connection_in_trouble(session, scene.house, connection, why, scene.house.clock.now())
    (incident,) = await scene.all(Incident, Incident.workspace_id == theirs)
    (own,) = await scene.all(Incident, Incident.workspace_id == scene.workspace_id)
    button = next(item for item in buttons(message).values() if item["action_id"] == action_id)
    values = [f"{incident.id}:{foreign}", f"{own.id}:{foreign}", f"{incident.id}:{mine}", "nonsense", ""]
    if action_id == actions.CHECK_NOW:
        values = [incident.id, "nonsense"]
    for value in values:
        button["value"] = value
        answer = await scene.press(scene.ben, message, action_id)
        assert "/connect/" not in answer.text
        assert "older message" in answer.text or "closed already" in answer.text


async def test_check_now_asks_the_platform_and_closes_the_alert(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_id = await scene.client()
    row_id = await trouble(scene, client_id)
    row = await scene.get(Connection, row_id)
    asked: list[str] = []

    async def probe(_self: object, _call: object, target: object) -> Account:
        asked.append(str(target))
        return Account(row.account_id, "acme", "Acme")

    monkeypatch.setattr(type(scene.house.platforms["x"]), "probe", probe)
    monkeypatch.setattr("bot.domain.tokens.token_for", lambda *_: "token")
    await scene.set(Grant, row.grant_id, access_token="sealed")
    answer = await scene.press(scene.ben, await alert(scene), actions.CHECK_NOW)
    assert "*@acme on X* of `client-a` works again" in answer.text and len(asked) == 1
    (incident,) = await scene.all(Incident)
    assert incident.state == "closed"


async def test_a_look_at_an_account_that_was_relinked_meanwhile_closes_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_id = await scene.client()
    row_id = await trouble(scene, client_id)
    row = await scene.get(Connection, row_id)

    async def probe(_self: object, _call: object, _target: object) -> Account:
        await scene.set(Connection, row_id, generation=row.generation + 1, problem="suspended")
        return Account(row.account_id, "acme", "Acme")

    monkeypatch.setattr(type(scene.house.platforms["x"]), "probe", probe)
    monkeypatch.setattr("bot.domain.tokens.token_for", lambda *_: "token")
    await scene.set(Grant, row.grant_id, access_token="sealed")
    answer = await scene.press(scene.ben, await alert(scene), actions.CHECK_NOW)
    assert "relinked, disconnected or refused again meanwhile" in answer.text
    (incident,) = await scene.all(Incident)
    assert incident.state == "open"
    assert (await scene.get(Connection, row_id)).problem == "suspended"


def snooze_values(message: Message) -> list[str]:
    """What the alert's menu offers."""
    menus = [
        element
        for block in message.blocks
        for element in block.get("elements", [])
        if isinstance(element, dict) and element.get("action_id") == actions.SNOOZE
    ]
    return [option["value"] for menu in menus for option in menu["options"]]


async def snooze(scene: Scene, person: Person, message: Message, value: str) -> Message:
    """Chooses in the alert's menu; the newest thing that the person sees then."""
    await person.press(message, actions.SNOOZE, chosen=value)
    await scene.calm()
    return scene.last(person)


async def test_whoever_snoozes_an_alert_stands_in_it(scene: Scene) -> None:
    client_id = await scene.client()
    await trouble(scene, client_id)
    message = await alert(scene)
    day, week = snooze_values(message)
    assert day.endswith(":dead:day")
    for _ in range(2):
        await snooze(scene, scene.ben, message, week)
    await scene.settle()
    shown = await alert(scene)
    assert f"<@{scene.ben.user.id}> snoozed this until" in shown.text
    (incident,) = await scene.all(Incident)
    assert incident.snoozed_by == scene.ben.user.id and incident.remind_at == incident.snoozed_until
    assert snooze_values(shown)[:2] == [day, week], "another span can be chosen"
    end = snooze_values(shown)[2]
    await snooze(scene, scene.ben, shown, end)
    await scene.settle()
    awake = await alert(scene)
    assert "snoozed this" not in awake.text and snooze_values(awake) == [day, week]
    (incident,) = await scene.all(Incident)
    assert incident.snoozed_until is None and incident.snoozed_by is None and incident.remind_at is not None
    await scene.press(scene.ben, awake, actions.TAKE)
    await scene.settle()
    taken = await alert(scene)
    assert "is on it" in taken.text and "snoozed this" not in taken.text and not snooze_values(taken)


async def test_guests_do_not_snooze_nor_does_anybody_another_workspaces_alert(scene: Scene) -> None:
    await trouble(scene, await scene.client())
    message = await alert(scene)
    day, _ = snooze_values(message)
    assert "Only members" in (await snooze(scene, scene.guest, message, day)).text
    theirs = await scene.other_workspace()
    foreign = await scene.client("foreign", workspace_id=theirs)
    connection = await scene.get(Connection, await scene.account(foreign))
    async with scene.house.db.write() as session:
        why = Judgement(Outcome.DEAD, Reason.SUSPENDED, "x")
        await incidents.connection_in_trouble(session, scene.house, connection, why, scene.house.clock.now())
    (incident,) = await scene.all(Incident, Incident.workspace_id == theirs)
    menu = next(
        element
        for block in message.blocks
        for element in block.get("elements", [])
        if element.get("action_id") == actions.SNOOZE
    )
    for value in (f"{incident.id}:dead:day", f"{incident.id}:dead:year", "nonsense"):
        menu["options"][0]["value"] = value
        answer = await snooze(scene, scene.ben, message, value)
        assert "closed already" in answer.text or "older message" in answer.text
    assert not any(one.snoozed_until for one in await scene.all(Incident))


async def test_what_waits_is_edited_once_however_often_it_changes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_id = await scene.client()
    row_id = await trouble(scene, client_id)
    await scene.settle()
    assert "No posts are waiting" in (await alert(scene)).text
    edits: list[str] = []
    update = type(scene.desk.gateway).update

    async def counted(self: Gateway, *given: Any, **named: Any) -> None:
        edits.append(str(given[2]))
        await update(self, *given, **named)

    monkeypatch.setattr(type(scene.desk.gateway), "update", counted)
    now = scene.house.clock.now()
    for number in range(12):
        draft = Draft(
            f"key{number}", client_id, (row_id,), Content(f"Post {number}"), now + timedelta(days=1)
        )
        async with scene.house.db.write() as session:
            actor = Actor(scene.workspace_id, scene.ben.user.id, scene.team.id)
            await posting.queue(session, scene.house, actor, draft, now)
    await scene.settle()
    assert "12 posts wait" in (await alert(scene)).text and len(edits) == 1
    async with scene.house.db.write() as session:
        rows = (await session.execute(select(Delivery))).scalars().all()
        choices = [Choice(row.id, row.attempt, row.revision) for row in rows[:4]]
        await replanning.cancel(session, actor, choices, now)
    await scene.settle()
    assert "8 posts wait" in (await alert(scene)).text and len(edits) == 2


async def test_an_alert_leads_to_the_one_that_followed_it(scene: Scene) -> None:
    connection = await scene.get(Connection, await scene.account(await scene.client()))
    now, end = scene.house.clock.now(), scene.house.clock.now() + timedelta(days=13)
    async with scene.house.db.write() as session:
        grant = await session.get_one(Grant, connection.grant_id)
        await incidents.warn(session, scene.house, grant, scene.workspace_id, end, 14, now)
    await scene.settle()
    async with scene.house.db.write() as session:
        grant = await session.get_one(Grant, connection.grant_id)
        grant.state, grant.reason = "dead", "revoked"
        await session.flush()
        await incidents.dead(session, scene.house, grant, now + timedelta(days=8))
    await scene.settle()
    old, new = [
        scene.world.channels[str(notice.channel_id)].messages[str(notice.ts)]
        for notice in sorted(await notices(scene, "incident"), key=lambda notice: str(notice.ts))
    ]
    assert f"/p{new.ts.replace('.', '')}|its own alert>" in old.text and not buttons(old)
    assert f"/p{old.ts.replace('.', '')}|the warning>" in new.text and "Reconnect" in buttons(new)


async def linked(scene: Scene, **values: object) -> tuple[str, Message]:
    """A link that somebody followed: the message has its undo button."""
    client_id = await scene.client()
    await scene.answer(scene.ben, "/connect", "x client-a")
    row_id = await scene.account(client_id, "x", "acme", linked_by=scene.ben.user.id, **values)
    connection = await scene.get(Connection, row_id)
    (invitation,) = await scene.all(Invitation)
    await scene.settle()
    message = scene.last(scene.guest)
    block = {
        "type": "actions",
        "block_id": "undo",
        "elements": [
            {
                "type": "button",
                "action_id": actions.UNDO_LINK,
                "text": {"type": "plain_text", "text": "Undo"},
                "value": actions.joined(row_id, "1"),
            }
        ],
    }
    message.blocks.append(block)
    await scene.set(Invitation, invitation.id, state="used", used_at=connection.linked_at)
    return row_id, message


async def test_whoever_asked_takes_his_link_back_once(scene: Scene) -> None:
    row_id, message = await linked(scene)
    await scene.set_workspace(admins=[scene.ada.user.id])
    said = await scene.press(scene.ben, message, actions.UNDO_LINK)
    assert "no longer linked" in said.text
    assert (await scene.get(Connection, row_id)).state == "disconnected"
    (invitation,) = await scene.all(Invitation)
    assert invitation.state == "open"
    again = await scene.press(scene.ben, message, actions.UNDO_LINK)
    assert "Nothing was changed" in again.text


async def test_others_take_no_link_back(scene: Scene) -> None:
    row_id, message = await linked(scene)
    await scene.set_workspace(admins=[scene.ada.user.id])
    member = scene.world.add_user(scene.team_id, "cleo")
    cleo = Person(scene.world, member.id)
    assert "Only admins" in (await scene.press(cleo, message, actions.UNDO_LINK)).text
    assert "Only members" in (await scene.press(scene.guest, message, actions.UNDO_LINK)).text
    assert (await scene.get(Connection, row_id)).state == "live"
    assert "no longer linked" in (await scene.press(scene.ada, message, actions.UNDO_LINK)).text


async def test_an_old_link_is_not_undone(scene: Scene) -> None:
    row_id, message = await linked(scene)
    past = scene.house.clock.now() - timedelta(hours=25)
    await scene.set(Connection, row_id, linked_at=past)
    assert "can no longer be undone" in (await scene.press(scene.ben, message, actions.UNDO_LINK)).text


async def test_link_buttons_are_acknowledged(scene: Scene) -> None:
    await scene.client()
    await scene.answer(scene.ben, "/connect", "x client-a")
    await scene.settle()
    seen = await scene.guest.press(scene.last(scene.guest), actions.OPEN_LINK)
    assert seen.url is not None and seen.warning == ""
