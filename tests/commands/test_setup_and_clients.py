from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import EVERY
from bot.commands.zones import read_zone
from bot.domain.clients import slug_of
from bot.domain.errors import Refused
from bot.messages import actions
from bot.messages import clients as client_words
from bot.messages import setup as setup_words
from bot.messages.blocks import escape
from sandbox.slack import Person
from sandbox.slack.delivery import deliver
from sandbox.slack.payloads import slash_command, view_submission
from storage.models import AuditEvent, Client, Invitation, Workspace
from tests.commands.scene import Scene, buttons


async def test_setup_from_start_to_end(scene: Scene) -> None:
    view = await scene.modal(scene.ada, "/lamplighter", "setup")
    assert "Europe/Berlin" in str(view.body), "proposed from whoever sets it up"
    form = {
        setup_words.OPERATIONS: scene.operations.id,
        setup_words.ADMINS: [scene.ada.user.id, scene.ben.user.id],
        setup_words.ZONE: " europe/paris ",
    }
    await scene.ada.submit(view, form)
    row = await scene.get(Workspace, scene.workspace_id)
    assert (row.operations_channel, row.zone) == (scene.operations.id, "Europe/Paris")
    assert row.admins == [scene.ada.user.id, scene.ben.user.id] and row.set_up_at is not None
    assert "Saved" in str(scene.ada.modal.body)  # type: ignore[union-attr]
    assert len(await scene.all(AuditEvent, AuditEvent.action == "workspace.set_up")) == 1
    again = await scene.modal(scene.ben, "/lamplighter", "setup")
    assert "Europe/Paris" in str(again.body) and scene.operations.id in str(again.body)


async def test_a_command_whose_payload_shows_less_is_answered_too(scene: Scene) -> None:
    person = await scene.desk.gateway.user(scene.workspace_id, scene.ada.user.id)
    scene.desk.gateway._people.put(scene.workspace_id, person.id, replace(person, team_id=""))
    typed = slash_command(scene.world, scene.ada.user, scene.team, "/queue", "")
    del typed["response_url"]
    await deliver(scene.world, "slash_commands", typed)
    await scene.calm()
    assert "Nothing is queued" in scene.last(scene.ada).text, "a member, by the team that the command names"


async def test_setup_says_what_is_wrong(scene: Scene) -> None:
    view = await scene.modal(scene.ada, "/lamplighter", "set-up")
    form = {setup_words.OPERATIONS: scene.operations.id, setup_words.ZONE: "Berlinn"}
    seen = await scene.ada.submit(view, form)
    assert "Europe/Berlin" in seen.errors[setup_words.ZONE]
    assert (await scene.get(Workspace, scene.workspace_id)).set_up_at is None


async def test_setup_is_for_admins(scene: Scene) -> None:
    refused = await scene.answer(scene.ben, "/lamplighter", "setup")
    assert "Only admins" in refused.text
    refused = await scene.answer(scene.guest, "/lamplighter", "setup")
    assert "Only members" in refused.text
    await scene.set_workspace(installed_by=scene.ben.user.id)
    assert await scene.modal(scene.ben, "/lamplighter", "setup")
    await scene.set_workspace(admins=[scene.ada.user.id], set_up_at=scene.house.clock.now())
    view = scene.ben.modal
    assert view is not None
    scene.ben.fill(view, {setup_words.OPERATIONS: scene.operations.id})
    answer = await deliver(scene.world, "interactive", view_submission(scene.world, scene.ben.user, view, []))
    assert "Only admins" in answer.body, "the rule counts at submit, not when the window opened"
    assert (await scene.get(Workspace, scene.workspace_id)).admins == [scene.ada.user.id]


async def test_help_writes_itself(scene: Scene) -> None:
    answer = await scene.answer(scene.ben, "/lamplighter")
    for known in EVERY:
        assert f"`{escape(f'{known.name} {known.usage}'.strip())}` {known.summary}" in answer.text
    assert {known.word for known in EVERY} >= {"disconnect", "queue", "settings", "clients", "setup"}
    unknown = await scene.answer(scene.ben, "/lamplighter", "dance <!here>")
    assert "I do not know `dance`" in unknown.text
    guests = await scene.answer(scene.guest, "/lamplighter", "help")
    assert "/health" in guests.text and "/retry" not in guests.text and "setup" not in guests.text


async def test_the_umbrella_leads_everywhere(scene: Scene) -> None:
    client_id = await scene.client()
    await scene.account(client_id, "x", "acme")
    assert "@acme" in (await scene.answer(scene.ben, "/lamplighter", "health client-a")).text
    assert "@acme" in (await scene.answer(scene.ben, "/lamplighter", "HEALHT\nclient-a")).text
    assert "Nothing to retry" in (await scene.answer(scene.ben, "/lamplighter", "retry all")).text
    assert "on its way" in (await scene.answer(scene.ben, "/lamplighter", "connect instagram client-a")).text
    assert await scene.modal(scene.ben, "/lamplighter", "post client-a")


async def test_the_list_pages_and_opens_a_client(scene: Scene) -> None:
    for number in range(45):
        await scene.client(f"shop-{number:02}", scene.operations)
    answer = await scene.answer(scene.ben, "/lamplighter", "clients")
    assert "45 clients" in answer.text and "shop-19" in answer.text and "shop-20" not in answer.text
    second = await scene.press(scene.ben, answer, actions.CLIENTS_PAGE)
    assert second.ts == answer.ts and "shop-20" in second.text
    await scene.press(scene.ben, second, actions.OPEN_CLIENT)
    assert scene.ben.modal is not None and "shop-20" in str(scene.ben.modal.body)


async def test_guests_list_only_their_client(scene: Scene) -> None:
    await scene.client()
    await scene.client("secret-client", scene.channel("secret", scene.ben))
    answer = await scene.answer(scene.guest, "/lamplighter", "clients")
    assert "client-a" in answer.text and "secret" not in answer.text and buttons(answer) == {}
    assert "operations" not in answer.text, "which channel hears the alerts is not theirs to know"


@pytest.mark.parametrize(
    ("typed", "slug"),
    [("Café Zoë", "cafe-zoe"), ("Röstérei & Söhne 2", "rosterei-sohne-2"), ("Łódź Ærø", "lodz-aero")],
)
def test_a_short_name_keeps_the_letters_under_their_marks(typed: str, slug: str) -> None:
    assert slug_of(typed) == slug


@pytest.mark.parametrize(
    ("typed", "name"), [('"Café Zoë & Co"', "Café Zoë & Co"), ("corner-bakery", "Corner Bakery")]
)
async def test_a_name_that_was_written_out_is_kept(scene: Scene, typed: str, name: str) -> None:
    await scene.answer(scene.ben, "/connect", f"x {typed}")
    (client,) = await scene.all(Client)
    assert client.name == name


async def test_a_client_that_is_named_by_an_emoji_alone_is_not_taken_for_the_channels(scene: Scene) -> None:
    await scene.client()
    answer = await scene.answer(scene.ben, "/connect", "x \U0001f338")
    assert "up to 40 letters" in answer.text
    assert await scene.all(Invitation) == []


async def open_client(scene: Scene, person: Person, label: str = "Open") -> None:
    answer = await scene.answer(person, "/lamplighter", "clients")
    button = buttons(answer)[label]
    await scene.press(person, answer, button["action_id"], button["value"])


async def test_a_client_is_changed(scene: Scene) -> None:
    shared = scene.channel("shared", scene.ben)
    client_id = await scene.client(mentions=["S0GROUP"])
    await open_client(scene, scene.ben)
    view = scene.ben.modal
    assert view is not None and "S0GROUP" in str(view.body)
    form = {
        client_words.NAME: "Bakery & <Sons>",
        client_words.ZONE: "tokyo",
        client_words.SHARED: shared.id,
        client_words.MENTIONS: [scene.ben.user.id],
    }
    seen = await scene.ben.submit(view, form)
    assert "Asia/Tokyo" in seen.errors[client_words.ZONE]
    await scene.ben.submit(view, {client_words.ZONE: "Asia/Tokyo"})
    row = await scene.get(Client, client_id)
    assert (row.name, row.slug, row.zone) == ("Bakery & <Sons>", "client-a", "Asia/Tokyo")
    assert (row.team_channel, row.client_channel) == (scene.team.id, shared.id)
    assert row.mentions == [scene.ben.user.id, "S0GROUP"]
    assert "&lt;Sons&gt;" in str(scene.ben.modal.body)  # type: ignore[union-attr]


async def test_a_new_client_once(scene: Scene) -> None:
    await open_client(scene, scene.ben, "New client")
    view = scene.ben.modal
    assert view is not None and scene.team.id in str(view.body)
    form = {client_words.NAME: "Bakery", client_words.SLUG: "#The Bakery!", client_words.ZONE: "Europe/Rome"}
    scene.ben.fill(view, form)
    payload = view_submission(scene.world, scene.ben.user, view, [])
    answers = await asyncio.gather(*(deliver(scene.world, "interactive", payload) for _ in range(5)))
    assert {answer.status for answer in answers} == {200}
    assert all("Saved" in answer.body for answer in answers)
    (row,) = await scene.all(Client)
    assert (row.slug, row.name, row.created_by) == ("the-bakery", "Bakery", scene.ben.user.id)
    await open_client(scene, scene.ben, "New client")
    second = scene.ben.modal
    assert second is not None
    seen = await scene.ben.submit(second, form)
    assert "already" in seen.errors[client_words.SLUG]
    seen = await scene.ben.submit(second, {client_words.SLUG: "!!!"})
    assert "letters" in seen.errors[client_words.SLUG]


async def test_channels_of_two_clients_stay_apart(scene: Scene) -> None:
    shared = scene.channel("shared", scene.ben)
    await scene.client("bakery", scene.operations, client_channel=shared.id)
    client_id = await scene.client("zoo")
    await open_client(scene, scene.ben)
    await scene.press(scene.ben, scene.last(scene.ben), actions.OPEN_CLIENT, client_id)
    view = scene.ben.modal
    assert view is not None
    seen = await scene.ben.submit(view, {client_words.SHARED: scene.team.id})
    assert "another channel than the team's" in seen.errors[client_words.SHARED]
    seen = await scene.ben.submit(view, {client_words.SHARED: shared.id})
    assert "bakery uses this channel" in seen.errors[client_words.SHARED]
    seen = await scene.ben.submit(view, {client_words.TEAM: shared.id, client_words.SHARED: None})
    assert "bakery uses this channel" in seen.errors[client_words.TEAM]
    seen = await scene.ben.submit(view, {client_words.TEAM: scene.operations.id})
    assert seen.errors == {}, "two clients may share a team channel"


async def test_clients_are_changed_by_admins_named_people_and_their_maker(scene: Scene) -> None:
    await scene.set_workspace(admins=[scene.ada.user.id])
    client_id = await scene.client()
    answer = await scene.answer(scene.ben, "/lamplighter", "clients")
    refused = await scene.press(scene.ben, answer, actions.OPEN_CLIENT)
    assert "Only admins" in refused.text and scene.ben.modal is None
    await scene.set(Client, client_id, created_by=scene.ben.user.id)
    await scene.press(scene.ben, answer, actions.OPEN_CLIENT)
    assert scene.ben.modal is not None


async def test_a_client_of_another_workspace_does_not_open(scene: Scene) -> None:
    theirs = await scene.other_workspace()
    foreign = await scene.client("foreign", workspace_id=theirs)
    await scene.client()
    answer = await scene.answer(scene.ben, "/lamplighter", "clients")
    assert "foreign" not in answer.text
    buttons(answer)["Open"]["value"] = foreign
    refused = await scene.press(scene.ben, answer, actions.OPEN_CLIENT, foreign)
    assert "does not exist" in refused.text and scene.ben.modal is None


@pytest.mark.parametrize(
    ("typed", "zone"),
    [("Europe/Berlin", "Europe/Berlin"), (" america/new york ", "America/New_York"), ("utc", "UTC")],
)
def test_zones_are_read_tolerantly(typed: str, zone: str) -> None:
    assert read_zone(typed) == zone


@pytest.mark.parametrize(("typed", "near"), [("Berlin", "Europe/Berlin"), ("Europ/Pari", "Europe/Paris")])
def test_the_nearest_zone_is_named(typed: str, near: str) -> None:
    with pytest.raises(Refused, match=near):
        read_zone(typed)


@given(st.text(max_size=64))
def test_any_text_is_a_zone_or_refused_in_words(typed: str) -> None:
    try:
        assert read_zone(typed)
    except Refused as refused:
        assert refused.text.endswith(("?", "."))


async def test_an_invite_is_asked_for_only_where_the_bot_is_missing(scene: Scene) -> None:
    away = scene.channel("away", scene.ben, bot=False)
    await scene.client()
    await open_client(scene, scene.ben)
    view = scene.ben.modal
    assert view is not None
    await scene.ben.submit(view, {})
    await scene.calm()
    saved = str(scene.ben.modal.body)  # type: ignore[union-attr]
    assert "Saved" in saved and "/invite" not in saved
    await open_client(scene, scene.ben)
    view = scene.ben.modal
    assert view is not None
    await scene.ben.submit(view, {client_words.SHARED: away.id})
    await scene.world.until(lambda: "/invite" in str(scene.ben.modal.body))  # type: ignore[union-attr]
    saved = str(scene.ben.modal.body)  # type: ignore[union-attr]
    assert f"I am not in <#{away.id}> yet" in saved and scene.team.id not in saved
