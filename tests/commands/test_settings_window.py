"""`/lamplighter settings`: what is stored, what is refused, and that each choice has its effect."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.domain import incidents, preferences, warnings, working_time
from bot.messages import settings as words
from bot.slack.addressing import SHARED_ALERTS
from sandbox.slack import Person
from storage import watching
from storage.models import AuditEvent, Client, Connection, Grant, Incident, Workspace
from tests.commands.scene import Scene


async def opened(scene: Scene, person: Person) -> Any:
    await person.command("/lamplighter", "settings", scene.team.id)
    await scene.calm()
    assert person.modal is not None
    return person.modal


def filled(scene: Scene, **more: Any) -> dict[str, Any]:
    return {words.OPERATIONS: scene.operations.id, words.ADMINS: [scene.ada.user.id]} | {
        getattr(words, name): value for name, value in more.items()
    }


async def test_everything_is_stored_and_written_down(scene: Scene) -> None:
    form = filled(
        scene,
        GROUPS="S0NIGHT",
        MENTIONS=[scene.ben.user.id],
        WARN=["30", "5"],
        FROM="dead",
        ZONE="europe/paris",
        DAYS=["1", "2"],
        OPENS="8",
        CLOSES="12",
        DEPUTIES=[scene.ben.user.id],
        FOR_ALL=["pause"],
    )
    assert (await scene.ada.submit(await opened(scene, scene.ada), form)).errors == {}
    row = await scene.get(Workspace, scene.workspace_id)
    assert (row.operations_channel, row.admins, row.zone) == (
        scene.operations.id,
        [scene.ada.user.id],
        "Europe/Paris",
    )
    chosen = preferences.of(row)
    assert chosen.operations_mentions == (scene.ben.user.id, "S0NIGHT")
    assert (chosen.warning_days, chosen.mention_from) == ((30, 5), "dead")
    assert (chosen.deputies, set(chosen.for_all)) == ((scene.ben.user.id,), {"pause"})
    hours = working_time.of(row)
    assert (hours.days, hours.opens, hours.closes) == (frozenset({1, 2}), 8, 12)
    (event,) = await scene.all(AuditEvent, AuditEvent.action == "workspace.changed")
    assert event.detail["changed"]["warning_days"] == [[14, 7, 3, 1], [30, 5]]
    assert (event.actor, event.channel_id) == (scene.ada.user.id, scene.team.id)
    again = await opened(scene, scene.ada)
    assert "S0NIGHT" in str(again.body) and "Europe/Paris" in str(again.body)


async def test_what_is_wrong_stands_beside_its_field(scene: Scene) -> None:
    view = await opened(scene, scene.ada)
    bad = {"ZONE": "Berlinn", "OPENS": "18", "CLOSES": "9", "GROUPS": "everybody"}
    seen = await scene.ada.submit(view, filled(scene, **bad))
    assert set(seen.errors) == {words.ZONE, words.CLOSES, words.GROUPS}
    assert "Europe/Berlin" in seen.errors[words.ZONE] and "later hour" in seen.errors[words.CLOSES]
    assert (await scene.get(Workspace, scene.workspace_id)).settings in ({}, None)


async def test_two_windows_do_not_undo_each_other(scene: Scene) -> None:
    await scene.set_workspace(admins=[scene.ada.user.id, scene.ben.user.id])
    one, two = await opened(scene, scene.ada), await opened(scene, scene.ben)
    both = filled(scene)[words.OPERATIONS]
    await scene.ada.submit(one, {words.OPERATIONS: both, words.WARN: ["10"]})
    seen = await scene.ben.submit(two, {words.OPERATIONS: both, words.OPENS: "7"})
    assert seen.errors == {}
    row = await scene.get(Workspace, scene.workspace_id)
    assert preferences.of(row).warning_days == (10,) and working_time.of(row).opens == 7
    third = await opened(scene, scene.ben)
    await scene.set_workspace(zone="Asia/Tokyo")
    seen = await scene.ben.submit(third, {words.ZONE: "Europe/Rome"})
    assert "Somebody else" in seen.errors[words.ZONE]


async def test_only_admins_see_it(scene: Scene) -> None:
    await scene.set_workspace(admins=[scene.ada.user.id])
    refused = await scene.answer(scene.ben, "/lamplighter", "settings")
    assert "Only admins" in refused.text and scene.ben.modal is None
    assert "Only members" in (await scene.answer(scene.guest, "/lamplighter", "settings")).text


async def account_that_ends(scene: Scene, days: float) -> tuple[str, str]:
    """A client with an account whose access ends and cannot be renewed, linked two months ago."""
    client_id = await scene.client(mentions=[scene.ben.user.id])
    row_id = await scene.account(client_id, "x", "acme")
    row = await scene.get(Connection, row_id)
    now = scene.house.clock.now()
    linked = {"consented_at": now - timedelta(days=60), "access_expires_at": now + timedelta(days=days)}
    await scene.set(Grant, row.grant_id, refresh_token=None, **linked)
    return client_id, row_id


async def review(scene: Scene, row_id: str) -> None:
    async with scene.house.db.write() as session:
        found = await watching.load(session, row_id)
        assert found is not None
        await warnings.review(session, scene.house, found, scene.house.clock.now())
    await scene.settle()


async def test_warnings_come_when_the_workspace_wants_them(scene: Scene) -> None:
    _, row_id = await account_that_ends(scene, 25)
    await review(scene, row_id)
    assert not await scene.all(Incident), "fourteen days are the default"
    assert "✅" in (await scene.answer(scene.ben, "/health")).text
    await scene.ada.submit(await opened(scene, scene.ada), filled(scene, WARN=["30"]))
    await review(scene, row_id)
    (incident,) = await scene.all(Incident)
    assert incident.detail["step"] == 30
    assert "⚠️" in (await scene.answer(scene.ben, "/health")).text


async def roots(scene: Scene) -> list[str]:
    return [one.text for one in scene.ben.sees(scene.team.id) if not one.ephemeral_to]


async def test_a_client_may_be_called_only_when_something_is_down(scene: Scene) -> None:
    client_id, row_id = await account_that_ends(scene, 5)
    await scene.set(Client, client_id, settings={"mention_from": "dead"})
    await review(scene, row_id)
    (root,) = await roots(scene)
    assert scene.ben.user.id not in root, "a warning calls nobody here"
    row = await scene.get(Connection, row_id)
    async with scene.house.db.write() as session:
        grant = await session.get_one(Grant, row.grant_id)
        grant.state, grant.reason = "dead", "revoked"
        await session.flush()
        await incidents.dead(session, scene.house, grant, scene.house.clock.now())
    await scene.settle()
    assert any(f"<@{scene.ben.user.id}>" in text for text in await roots(scene))


async def test_the_operations_channel_calls_its_own_people(scene: Scene) -> None:
    chosen = {"operations_mentions": ["S0NIGHT", scene.ada.user.id]}
    await scene.set_workspace(operations_channel=scene.operations.id, settings=chosen)
    a, b = await scene.client(), await scene.client("bakery", scene.operations)
    first = await scene.get(Connection, await scene.account(a, "x", "acme"))
    second = await scene.account(b, "x", "bread")
    await scene.set(Connection, second, grant_id=first.grant_id)
    async with scene.house.db.write() as session:
        grant = await session.get_one(Grant, first.grant_id)
        grant.state, grant.reason = "dead", "revoked"
        await session.flush()
        await incidents.dead(session, scene.house, grant, scene.house.clock.now())
    await scene.settle()
    texts = [one.text for one in scene.ada.sees(scene.operations.id)]
    called = [text for text in texts if "<!subteam^S0NIGHT>" in text]
    assert len(called) == 1 and "2 clients" in called[0]


async def test_rights_are_given_to_all_or_to_named_people(scene: Scene) -> None:
    await scene.set_workspace(admins=[scene.ada.user.id])
    client_id = await scene.client()
    await scene.account(client_id, "x", "acme")
    assert "Only admins" in (await scene.answer(scene.ben, "/disconnect", "x client-a")).text
    for settings in ({"for_all": ["disconnect"]}, {"deputies": [scene.ben.user.id]}):
        await scene.set_workspace(settings=settings)
        assert "@acme" in (await scene.answer(scene.ben, "/disconnect", "x client-a")).text
    await scene.set_workspace(settings={"for_all": ["pause"]})
    assert "Only admins" in (await scene.answer(scene.ben, "/disconnect", "x client-a")).text
    assert "Only members" in (await scene.answer(scene.guest, "/disconnect", "x client-a")).text


async def test_alerts_may_stand_in_shared_channels_where_that_is_ticked(scene: Scene) -> None:
    for ticked in (["yes"], []):
        await scene.ada.submit(await opened(scene, scene.ada), filled(scene, SHARED=ticked))
        row = await scene.get(Workspace, scene.workspace_id)
        assert preferences.of(row).alerts_in_shared_channels is bool(ticked)
        assert (row.settings or {}).get(SHARED_ALERTS, False) is bool(ticked)
        assert await scene.ada.close(await opened(scene, scene.ada))
