from __future__ import annotations

import pytest

from bot.commands import disconnect
from bot.commands.requests import Press
from bot.commands.who import who_asks
from bot.domain.errors import Refused
from bot.messages import disconnect as messages
from sandbox.slack import Person
from storage.models import AuditEvent, Connection, Delivery, Departure
from tests.commands.scene import Scene, buttons, notices


async def said_in_team(scene: Scene) -> str:
    """What the one message in the team's channel shows now."""
    await scene.settle()
    (notice,) = await notices(scene, "disconnected")
    return str(scene.world.channels[str(notice.channel_id)].messages[str(notice.ts)].text)


async def test_the_list_has_a_button_with_a_question_for_each_account(scene: Scene) -> None:
    client_id = await scene.client()
    acme = await scene.account(client_id, "x", "acme")
    await scene.account(client_id, "instagram", "bakery")
    await scene.delivery(acme, "scheduled")
    await scene.delivery(acme, "blocked")
    await scene.delivery(acme, "sending")
    answer = await scene.answer(scene.ben, "/disconnect")
    assert answer.ephemeral_to == scene.ben.user.id
    assert "@acme on X" in answer.text and "@bakery on Instagram" in answer.text
    found = [
        block["accessory"]
        for block in answer.blocks
        if block.get("accessory", {}).get("action_id") == messages.PRESS
    ]
    assert len(found) == 2
    (asked,) = [item["confirm"]["text"]["text"] for item in found if item["value"].startswith(acme)]
    assert "@acme on X of Client-A" in asked and "2 queued posts are cancelled" in asked
    assert "1 post on the way still goes out" in asked
    assert (await scene.get(Connection, acme)).state == "live"


@pytest.mark.parametrize(
    ("text", "handles"),
    [
        ("x", {"acme", "second"}),
        ("instagram client-a", {"bakery"}),
        ("x client-a @Second", {"second"}),
        ("client-a", {"acme", "second", "bakery"}),
    ],
)
async def test_platform_client_and_handle_narrow_the_list(scene: Scene, text: str, handles: set[str]) -> None:
    client_id = await scene.client()
    for platform, handle in (("x", "acme"), ("x", "second"), ("instagram", "bakery")):
        await scene.account(client_id, platform, handle)
    answer = await scene.answer(scene.ben, "/disconnect", text)
    shown = {handle for handle in ("acme", "second", "bakery") if f"@{handle}" in answer.text}
    assert shown == handles


async def test_what_is_not_understood_is_named(scene: Scene) -> None:
    await scene.client()
    answer = await scene.answer(scene.ben, "/disconnect", "instagran client-a")
    assert "instagran" in answer.text and buttons(answer) == {}


async def test_nothing_connected_is_said(scene: Scene) -> None:
    await scene.client()
    assert "No account is connected" in (await scene.answer(scene.ben, "/disconnect")).text


async def test_a_press_cancels_what_waits_and_lists_it_in_one_message(scene: Scene) -> None:
    client_id = await scene.client()
    row_id = await scene.account(client_id, "x", "acme")
    waiting = await scene.delivery(row_id, "scheduled")
    sending = await scene.delivery(row_id, "sending")
    answer = await scene.answer(scene.ben, "/disconnect")
    done = await scene.press(scene.ben, answer, messages.PRESS)
    assert "@acme on X" in done.text and "1 queued post was cancelled" in done.text
    row = await scene.get(Connection, row_id)
    assert (row.state, row.generation) == ("disconnected", 2) and row.disconnected_at is not None
    assert (await scene.get(Delivery, waiting)).state == "cancelled"
    assert (await scene.get(Delivery, sending)).state == "sending"
    shown = await said_in_team(scene)
    assert f"<@{scene.ben.user.id}>" in shown and "Fresh bread" in shown and "1 queued post" in shown
    (event,) = await scene.all(AuditEvent, AuditEvent.action == "disconnected")
    assert (event.actor, event.connection_id) == (scene.ben.user.id, row_id)


async def test_a_second_press_changes_nothing(scene: Scene) -> None:
    client_id = await scene.client()
    row_id = await scene.account(client_id)
    first, second = [await scene.answer(scene.ben, "/disconnect") for _ in range(2)]
    await scene.press(scene.ben, first, messages.PRESS)
    await scene.press(scene.ben, second, messages.PRESS)
    assert "Nothing was changed" in scene.last(scene.ben).text
    assert len(await scene.all(Departure)) == 1
    assert (await scene.get(Connection, row_id)).generation == 2


async def crafted(scene: Scene, person: Person, value: str) -> Press:
    """A press whose value somebody wrote himself."""
    asker = await who_asks(scene.desk, scene.workspace_id, person.user.id, scene.team.id)
    return Press(asker, value, scene.team.id, "", None, True, None)


async def test_guests_are_refused_and_see_no_account(scene: Scene) -> None:
    client_id = await scene.client()
    row_id = await scene.account(client_id, "x", "acme")
    refused = await scene.answer(scene.guest, "/disconnect")
    assert "acme" not in refused.text and "Only members" in refused.text
    with pytest.raises(Refused, match="Only members"):
        await disconnect.press(scene.desk, await crafted(scene, scene.guest, f"{row_id}:1"))
    assert (await scene.get(Connection, row_id)).state == "live"


async def test_where_admins_are_named_only_they_and_the_clients_people_may(scene: Scene) -> None:
    await scene.set_workspace(admins=[scene.ada.user.id])
    client_id = await scene.client()
    row_id = await scene.account(client_id)
    refused = await scene.answer(scene.ben, "/disconnect", "client-a")
    assert "Only admins and the people named" in refused.text and buttons(refused) == {}
    with pytest.raises(Refused, match="people named"):
        await disconnect.press(scene.desk, await crafted(scene, scene.ben, f"{row_id}:1"))
    allowed = await scene.answer(scene.ada, "/disconnect")
    await scene.press(scene.ada, allowed, messages.PRESS)
    assert (await scene.get(Connection, row_id)).state == "disconnected"


@pytest.mark.parametrize("value", ["", "nonsense", "1:2:3", f"{'a' * 32}:{'9' * 30}", f"{'a' * 32}:1"])
async def test_a_crafted_value_is_refused_in_words(scene: Scene, value: str) -> None:
    with pytest.raises(Refused, match="older message"):
        await disconnect.press(scene.desk, await crafted(scene, scene.ada, value))


async def test_another_workspaces_account_is_out_of_reach(scene: Scene) -> None:
    client_id = await scene.client()
    await scene.account(client_id, "x", "ours")
    foreign = await scene.client("foreign", workspace_id=await scene.other_workspace())
    theirs = await scene.account(foreign, "x", "theirs")
    answer = await scene.answer(scene.ada, "/disconnect", "all")
    assert "theirs" not in answer.text
    with pytest.raises(Refused):
        await disconnect.press(scene.desk, await crafted(scene, scene.ada, f"{theirs}:1"))
    assert (await scene.get(Connection, theirs)).state == "live"
    assert await scene.all(Departure) == []


async def test_it_is_reached_through_the_umbrella(scene: Scene) -> None:
    client_id = await scene.client()
    await scene.account(client_id, "x", "acme")
    answer = await scene.answer(scene.ben, "/lamplighter", "disconnect x client-a")
    assert "@acme on X" in answer.text
    assert "/disconnect" in (await scene.answer(scene.ben, "/lamplighter", "help")).text


async def test_many_accounts_stay_within_slacks_limits(scene: Scene) -> None:
    client_id = await scene.client()
    for number in range(25):
        await scene.account(client_id, "x", f"{'a' * 70}{number}")
    answer = await scene.answer(scene.ben, "/disconnect")
    assert "5 more accounts" in answer.text and len(answer.blocks) <= 50
