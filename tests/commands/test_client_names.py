"""Renaming, old short names, two windows at once, closing and opening again."""

from __future__ import annotations

from typing import Any

import pytest

from bot.messages import actions
from bot.messages import clients as words
from sandbox.slack import Person
from storage.models import AuditEvent, Client, ClientAlias, Connection, Delivery, Departure, Invitation
from tests.commands.scene import Scene


async def opened(scene: Scene, person: Person, name: str) -> Any:
    """The window of a client, by any of its short names."""
    if person.modal is not None:
        await person.close(person.modal, everything=True)
    await person.command("/lamplighter", f"clients {name}", scene.team.id)
    await scene.calm()
    assert person.modal is not None
    return person.modal


async def rename(scene: Scene, old: str, new: str) -> None:
    view = await opened(scene, scene.ben, old)
    seen = await scene.ben.submit(view, {words.SLUG: new})
    assert seen.errors == {}
    assert f"`{old}` goes on working" in str(scene.ben.modal.body)  # type: ignore[union-attr]


async def test_the_old_short_name_leads_to_the_client_in_every_command(scene: Scene) -> None:
    client_id = await scene.client()
    await scene.account(client_id, "x", "acme")
    await rename(scene, "client-a", "acme-inc")
    assert "@acme" in (await scene.answer(scene.ben, "/health", "client-a")).text
    assert "@acme" in (await scene.answer(scene.ben, "/health", "#Acme-Inc")).text
    assert "@acme" in (await scene.answer(scene.ben, "/disconnect", "x client-a")).text
    assert "Nothing to retry" in (await scene.answer(scene.ben, "/retry", "client-a")).text
    assert "acme-inc" in (await scene.answer(scene.ben, "/queue", "client-a")).text
    await scene.answer(scene.ben, "/connect", "instagram client-a")
    (invitation,) = await scene.all(Invitation)
    assert invitation.client_id == client_id, "no second client came of the old name"
    await scene.modal(scene.ben, "/post", "client-a")
    assert "acme-inc" in str(scene.ben.modal.body)  # type: ignore[union-attr]
    event = (await scene.all(AuditEvent, AuditEvent.action == "client.changed"))[-1]
    assert event.detail["changed"]["slug"] == ["client-a", "acme-inc"]
    assert (event.actor, event.channel_id) == (scene.ben.user.id, scene.team.id)


async def test_guests_find_their_client_by_its_old_name_and_no_other(scene: Scene) -> None:
    mine = await scene.client()
    other = await scene.client("bakery", scene.channel("bakery", scene.ben))
    await scene.account(mine, "x", "acme")
    await scene.account(other, "x", "bread")
    await rename(scene, "client-a", "acme-inc")
    await rename(scene, "bakery", "bread-co")
    assert "@acme" in (await scene.answer(scene.guest, "/health", "client-a")).text
    refused = await scene.answer(scene.guest, "/health", "bakery")
    assert "bread" not in refused.text and "There is no client" in refused.text


async def test_an_old_name_is_nobody_elses_until_it_is_freed(scene: Scene) -> None:
    client_id = await scene.client()
    await rename(scene, "client-a", "acme")
    await rename(scene, "acme", "acme-inc")
    await scene.ada.command("/lamplighter", "clients", scene.team.id)
    await scene.calm()
    await scene.press(scene.ada, scene.last(scene.ada), actions.OPEN_CLIENT, words.NEW)
    new = scene.ada.modal
    assert new is not None
    form = {words.NAME: "Other", words.SLUG: "client-a", words.ZONE: "Europe/Rome", words.TEAM: None}
    seen = await scene.ada.submit(new, form)
    assert "old short name of acme-inc" in seen.errors[words.SLUG]
    view = await opened(scene, scene.ben, "acme-inc")
    kept = [item for item in await scene.all(ClientAlias) if item.slug == "acme"]
    assert kept and (await scene.ben.submit(view, {words.OLD_SLUGS: ["acme"]})).errors == {}
    assert {item.slug for item in await scene.all(ClientAlias)} == {"acme"}
    assert (await scene.ada.submit(new, form)).errors == {}
    assert len(await scene.all(Client, Client.slug == "client-a")) == 1 and client_id


async def test_a_client_takes_its_own_old_name_again(scene: Scene) -> None:
    client_id = await scene.client()
    await rename(scene, "client-a", "acme")
    await rename(scene, "acme", "client-a")
    assert (await scene.get(Client, client_id)).slug == "client-a"
    assert [item.slug for item in await scene.all(ClientAlias)] == ["acme"]


async def test_a_taken_name_is_said_beside_its_field(scene: Scene) -> None:
    await scene.client()
    await scene.client("bakery", scene.operations)
    view = await opened(scene, scene.ben, "client-a")
    seen = await scene.ben.submit(view, {words.SLUG: "bakery", words.GROUPS: "@team"})
    assert "no user group" in seen.errors[words.GROUPS]
    seen = await scene.ben.submit(view, {words.SLUG: "bakery", words.GROUPS: ""})
    assert "another client" in seen.errors[words.SLUG]
    assert not await scene.all(ClientAlias), "nothing is half done"


async def test_two_windows_do_not_undo_each_other(scene: Scene) -> None:
    client_id = await scene.client()
    bens = await opened(scene, scene.ben, "client-a")
    adas = await opened(scene, scene.ada, "client-a")
    assert (await scene.ada.submit(adas, {words.NAME: "Acme"})).errors == {}
    assert (await scene.ben.submit(bens, {words.ZONE: "Asia/Tokyo"})).errors == {}
    row = await scene.get(Client, client_id)
    assert (row.name, row.zone) == ("Acme", "Asia/Tokyo"), "each stored what it had changed"
    bens = await opened(scene, scene.ben, "client-a")
    adas = await opened(scene, scene.ada, "client-a")
    await scene.ada.submit(adas, {words.GROUPS: "S0AGENCY <!subteam^S0NIGHT|@night>"})
    seen = await scene.ben.submit(bens, {words.GROUPS: "S0OTHER", words.NAME: "Acme & Sons"})
    assert "Somebody else" in " ".join(seen.errors.values())
    row = await scene.get(Client, client_id)
    assert row.mentions == ["S0AGENCY", "S0NIGHT"] and row.name == "Acme", "all of a form, or nothing"


async def closing(scene: Scene, person: Person, name: str = "client-a") -> Any:
    view = await opened(scene, person, name)
    await person.press(view, actions.CLOSE_CLIENT)
    await scene.calm()
    return person.modal


async def test_closing_asks_cancels_disconnects_and_tells(scene: Scene) -> None:
    client_id = await scene.client(created_by=scene.ben.user.id)
    account = await scene.account(client_id, "x", "acme")
    await scene.account(client_id, "instagram", "acme.photos")
    waiting, on_the_way = await scene.delivery(account, "scheduled"), await scene.delivery(account, "sending")
    await scene.answer(scene.ben, "/connect", "x client-a @other")
    view = await closing(scene, scene.ben)
    shown = str(view.body)
    assert "2 accounts will be disconnected" in shown and "@acme.photos" in shown
    assert "1 queued post will be cancelled" in shown and "1 post on the way still goes out" in shown
    await scene.ben.submit(view, {})
    await scene.settle()
    assert "is closed" in str(scene.ben.modal.body)  # type: ignore[union-attr]
    assert (await scene.get(Client, client_id)).closed_at is not None
    assert {row.state for row in await scene.all(Connection)} == {"disconnected"}
    assert (await scene.get(Delivery, waiting)).state == "cancelled"
    assert (await scene.get(Delivery, on_the_way)).state == "sending", "what is on its way runs out"
    assert {row.state for row in await scene.all(Invitation)} == {"closed"}
    assert len(await scene.all(Departure)) == 2, "a task for each login"
    told = [one for one in scene.ben.sees(scene.team.id) if "is closed" in one.text and not one.ephemeral_to]
    assert len(told) == 1 and "1 queued post was cancelled" in told[0].text
    actions_done = [event.action for event in await scene.all(AuditEvent)]
    assert actions_done.count("client.closed") == 1 and actions_done.count("disconnected") == 2
    gone = await scene.answer(scene.ben, "/health", "client-a")
    assert "There is no client" in gone.text


async def test_closing_asks_again_where_accounts_have_changed(scene: Scene) -> None:
    client_id = await scene.client(created_by=scene.ben.user.id)
    view = await closing(scene, scene.ben)
    await scene.account(client_id, "x", "acme")
    await scene.ben.submit(view, {})
    again = scene.ben.modal
    assert again is not None and "have changed" in str(again.body) and "@acme" in str(again.body)
    assert (await scene.get(Client, client_id)).closed_at is None
    await scene.ben.submit(again, {})
    assert (await scene.get(Client, client_id)).closed_at is not None


async def test_a_closed_client_comes_back_with_its_name(scene: Scene) -> None:
    client_id = await scene.client(created_by=scene.ben.user.id)
    await scene.ben.submit(await closing(scene, scene.ben), {})
    refused = await scene.answer(scene.ben, "/connect", "x client-a")
    assert "was closed" in refused.text and "clients closed" in refused.text
    answer = await scene.answer(scene.ben, "/lamplighter", "clients")
    closed = await scene.press(scene.ben, answer, actions.CLOSED_PAGE)
    assert "1 closed client" in closed.text
    said = await scene.press(scene.ben, closed, actions.REOPEN_CLIENT)
    assert "is open again" in said.text
    assert (await scene.get(Client, client_id)).closed_at is None
    assert "on its way" in (await scene.answer(scene.ben, "/connect", "x client-a")).text


async def test_only_named_people_and_admins_close(scene: Scene) -> None:
    await scene.set_workspace(admins=[scene.ada.user.id], settings={"for_all": ["clients"]})
    client_id = await scene.client()
    assert "Close it" not in str((await closing(scene, scene.ben)).body), "changing it is not closing it"
    await scene.set(Client, client_id, settings={"deputies": [scene.ben.user.id]})
    assert "Close it" in str((await closing(scene, scene.ben)).body)


@pytest.mark.parametrize("seen", ["{}", "[]", "nonsense", '{"client": 3, "seen": 4}'])
async def test_a_forged_window_stores_nothing(scene: Scene, seen: str) -> None:
    theirs = await scene.other_workspace()
    foreign = await scene.client("foreign", workspace_id=theirs)
    await scene.client()
    view = await opened(scene, scene.ben, "client-a")
    view.body["private_metadata"] = seen
    await scene.ben.submit(view, {words.SLUG: "client-b", words.NAME: "Forged"})
    assert [row.slug for row in await scene.all(Client, Client.name == "Forged")] in ([], ["client-b"])
    assert (await scene.get(Client, foreign)).name == "Foreign"
