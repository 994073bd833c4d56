from __future__ import annotations

import asyncio

import pytest

from bot.commands import who
from bot.commands.connect import reconnect
from bot.commands.requests import Press
from bot.commands.who import who_asks
from bot.domain.errors import Refused
from bot.messages import actions
from bot.messages import connect as messages
from sandbox.slack import Outage, Person
from storage.models import AuditEvent, Client, Connection, Invitation, Notice, Workspace
from tests.commands.scene import Scene, buttons, notices


async def invited(scene: Scene) -> list[Invitation]:
    return await scene.all(Invitation, Invitation.state == "open")


async def test_a_new_client_in_an_empty_channel(scene: Scene) -> None:
    answer = await scene.answer(scene.ben, "/connect", "insta client-a")
    assert "created" in answer.text and "`client-a`" in answer.text
    assert list(buttons(answer)) == ["Change it"]
    await scene.settle()
    said = scene.last(scene.guest)
    link = next(item for item in buttons(said).values() if item.get("url"))
    assert link["url"].startswith("http://127.0.0.1:3000/connect/")
    (client,) = await scene.all(Client)
    assert client.team_channel == scene.team.id and client.zone == "America/New_York"
    assert await scene.all(AuditEvent, AuditEvent.action == "client.created")


async def test_what_slack_escaped_on_the_way_is_read_as_it_was_typed(scene: Scene) -> None:
    answer = await scene.answer(scene.ben, "/connect", 'x "M&amp;M Bakery"')
    (client,) = await scene.all(Client)
    assert (client.slug, client.name) == ("m-m-bakery", "M&M Bakery")
    assert "*M&amp;M Bakery*" in answer.text, "escaped once, for Slack"


async def test_one_message_for_several_platforms(scene: Scene) -> None:
    await scene.client()
    answer = await scene.answer(scene.ben, "/connect", "instagram x client-a")
    assert "Instagram and X" in answer.text
    found = await invited(scene)
    assert sorted(item.platform for item in found) == ["instagram", "x"]
    assert len({item.batch_id for item in found}) == 1
    assert {item.created_by for item in found} == {scene.ben.user.id}


async def test_the_channels_own_client_needs_no_name(scene: Scene) -> None:
    await scene.client()
    await scene.answer(scene.ben, "/connect", "instagram @Brand")
    (found,) = await invited(scene)
    assert found.expected_handle == "Brand"


async def test_without_words_a_window_opens(scene: Scene) -> None:
    await scene.client("bakery")
    view = await scene.modal(scene.ben, "/connect", " \u00a0 ")
    assert "bakery" in str(view.body) and "Instagram" in str(view.body)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("instagrm client-a", "Did you mean *Instagram*?"),
        ("twiter client-a", "Did you mean *X*?"),
        ("snapchat client-a", "I do not know “snapchat” as a platform. I can connect Instagram and X"),
        ("client-a", "Which platform?"),
        ("<!channel> client-a", "&lt;!channel&gt;"),
        ("a" * 100_000, "more than I can read"),
    ],
)
async def test_what_cannot_be_read_is_asked_back(scene: Scene, text: str, said: str) -> None:
    await scene.client()
    answer = await scene.answer(scene.ben, "/connect", text)
    assert said in answer.text
    assert await invited(scene) == []


async def test_an_unknown_client_gets_the_nearest_and_the_list(scene: Scene) -> None:
    await scene.client()
    await scene.client("bakery", scene.channel("bakery", scene.ben))
    answer = await scene.answer(scene.ben, "/connect", "instagram client-b @brand")
    assert "no client `client-b`" in answer.text and "Did you mean `client-a`" in answer.text
    assert "`bakery` and `client-a`" in answer.text
    assert list(buttons(answer)) == ["Use client-a", "Create client-b for this channel"]
    assert "on its way" in (await scene.press(scene.ben, answer, actions.USE_NEAREST)).text
    (found,) = await invited(scene)
    assert found.expected_handle == "brand"
    assert len(await scene.all(Client)) == 2


async def test_the_unknown_client_can_be_created_once(scene: Scene) -> None:
    await scene.client()
    answer = await scene.answer(scene.ben, "/connect", "x bakery")
    await asyncio.gather(*(scene.ben.press(answer, actions.CREATE_CLIENT) for _ in range(5)))
    await scene.settle()
    assert sorted(item.slug for item in await scene.all(Client)) == ["bakery", "client-a"]
    assert len(await invited(scene)) == 1, "a newer one takes the older one's place"


async def test_an_account_that_exists_is_asked_about(scene: Scene) -> None:
    client_id = await scene.client()
    row_id = await scene.account(client_id, "x", "acme", problem="suspended")
    answer = await scene.answer(scene.ben, "/connect", "x instagram client-a")
    assert "Reconnect" in buttons(answer) and "Add another X account" in buttons(answer)
    assert "needs a reconnect" in answer.text
    assert [item.platform for item in await invited(scene)] == ["instagram"], "the other one is new"
    said = await scene.press(scene.ben, answer, actions.RECONNECT_ACCOUNT)
    assert "The link for X" in said.text
    (relink,) = [item for item in await invited(scene) if item.platform == "x"]
    assert (relink.connection_id, relink.expected_handle, relink.expires_at) == (row_id, "acme", None)
    await scene.press(scene.ben, answer, actions.ADD_ACCOUNT)
    assert sorted(str(item.connection_id) for item in await invited(scene) if item.platform == "x") == sorted(
        [row_id, "None"]
    )


async def test_a_handle_says_which_account(scene: Scene) -> None:
    client_id = await scene.client()
    row_id = await scene.account(client_id, "x", "acme")
    await scene.answer(scene.ben, "/connect", "x client-a @ACME")
    await scene.answer(scene.ben, "/connect", "x client-a @other")
    assert [item.connection_id for item in await invited(scene)] == [row_id, None]


async def test_a_platform_that_is_off(scene: Scene) -> None:
    await scene.client()
    scene.house.apps.pop("x")  # type: ignore[attr-defined]
    told = await scene.answer(scene.ada, "/connect", "x instagram client-a")
    assert "`X_CLIENT_ID` and `X_CLIENT_SECRET` are not set" in told.text
    assert [item.platform for item in await invited(scene)] == ["instagram"]
    plain = await scene.answer(scene.ben, "/connect", "x client-a")
    assert "not switched on" in plain.text and "CLIENT_ID" not in plain.text
    never = await scene.answer(scene.ada, "/connect", "tiktok client-a")
    assert "TikTok is a platform that I cannot connect yet" in never.text and "CLIENT_ID" not in never.text


async def test_the_link_waits_until_the_bot_is_let_in(scene: Scene) -> None:
    place = scene.channel("new", scene.ben, bot=False, kind="private")
    answer = await scene.answer(scene.ben, "/connect", "instagram bakery", place)
    assert "/invite" in answer.text and f"<@{scene.bot_id}>" in answer.text
    await scene.settle()
    assert len(scene.ben.sees(place.id)) == 1, "nothing is said elsewhere meanwhile"
    assert [item.state for item in await notices(scene, "invitation")] == ["held"]
    scene.ben.invite_bot(place.id)
    await scene.settle()
    said = scene.last(scene.ben, place)
    assert any(item.get("url") for item in buttons(said).values())
    assert len(scene.ben.sees(place.id)) == 2, "no hello beside it"


async def test_not_in_a_direct_message(scene: Scene) -> None:
    direct = scene.world.direct_message(scene.team_id, scene.ben.user.id)
    answer = await scene.answer(scene.ben, "/connect", "instagram bakery", direct)
    assert "client's channel" in answer.text
    assert await scene.all(Client) == []


async def test_outsiders_link_and_see_only_their_channel(scene: Scene) -> None:
    await scene.client()
    secret = scene.channel("secret", scene.ben)
    await scene.client("secret-client", secret)
    await scene.client("secret-client-two", secret)
    for text in ("instagram secret-client", "instagram secret-clien", "x nobody", "secret-client"):
        answer = await scene.answer(scene.guest, "/connect", text)
        assert "secret-client-two" not in answer.text and "Create" not in str(answer.blocks)
        typed = text.rpartition(" ")[2]
        assert "secret" not in answer.text.replace(f"`{typed}`", "").replace(f"“{typed}”", "")
    nobody = await scene.answer(scene.guest, "/connect", "x nobody-at-all")
    secret_one = await scene.answer(scene.guest, "/connect", "x secret-client")
    assert secret_one.text.replace("secret-client", "nobody-at-all") == nobody.text
    await scene.answer(scene.guest, "/connect", "instagram client-a")
    (found,) = await invited(scene)
    assert found.created_by == scene.guest.user.id


async def test_a_shared_channel_never_shows_another_client(scene: Scene) -> None:
    shared = scene.channel("shared", scene.ben, scene.guest)
    await scene.client(client_channel=shared.id)
    await scene.client("other", scene.channel("other", scene.ben))
    answer = await scene.answer(scene.ben, "/connect", "x other", shared)
    assert "shared with another client" in answer.text
    assert await invited(scene) == []


async def test_values_of_another_workspace_reach_nothing(scene: Scene) -> None:
    theirs = await scene.other_workspace()
    foreign = await scene.client("foreign", workspace_id=theirs)
    row_id = await scene.account(foreign)
    mine = await scene.client()
    account = await scene.account(mine, "x", "acme")
    answer = await scene.answer(scene.ben, "/connect", "x client-a")
    for label, value in (
        ("Reconnect", row_id),
        ("Reconnect", "nonsense"),
        ("Add another X account", actions.joined(foreign, "x")),
        ("Add another X account", "nonsense"),
    ):
        button = buttons(answer)[label]
        button["value"] = value
        refused = await scene.press(scene.ben, answer, button["action_id"])
        assert "not connected any more" in refused.text or "older message" in refused.text
    assert await invited(scene) == [] and account


@pytest.mark.parametrize("slow", [True, False])
async def test_a_person_slack_does_not_name_is_an_outsider(
    scene: Scene, slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = scene.channel("secret", scene.ben)
    await scene.client("secret-client", secret)
    await scene.client()
    if slow:
        monkeypatch.setattr(who, "LOOKUP_SECONDS", 0.0)
    else:
        scene.world.faults.add(Outage.INTERNAL_ERROR, "users.info")
    await scene.modal(scene.ben, "/connect", "")
    assert "secret" not in str(scene.ben.modal.body)  # type: ignore[union-attr]
    refused = await scene.answer(scene.ben, "/retry", "")
    assert "did not tell me who you are" in refused.text


async def test_a_stranger_of_another_team_presses_in_a_shared_channel(scene: Scene) -> None:
    theirs = scene.world.add_team("customer")
    user = scene.world.add_user(theirs.id, "kim")
    shared = scene.world.add_channel(
        scene.team_id, "shared", scene.bot_id, user.id, scene.ben.user.id, connected_teams=(theirs.id,)
    )
    client_id = await scene.client(team=shared)
    await scene.account(client_id, "x", "acme")
    kim = Person(scene.world, user.id)
    async with scene.house.db.read() as session:
        workspace = await session.get_one(Workspace, scene.workspace_id)
        connection = (await scene.all(Connection))[0]
    desk = scene.desk
    asker = await who_asks(desk, workspace.id, kim.user.id, shared.id, theirs.id)
    assert asker.actor.outsider and not asker.is_admin
    press = Press(asker, connection.id, shared.id, "", None, False, None)
    assert "on its way" in (await reconnect(desk, press)).text
    elsewhere = await who_asks(desk, workspace.id, kim.user.id, scene.operations.id, theirs.id)
    with pytest.raises(Refused, match="not connected any more"):
        await reconnect(desk, Press(elsewhere, connection.id, scene.operations.id, "", None, False, None))


async def test_slacks_outage_says_so(scene: Scene) -> None:
    await scene.client()
    scene.world.faults.add(Outage.INTERNAL_ERROR, "conversations.info")
    answer = await scene.answer(scene.ben, "/connect", "x client-a")
    assert "try again" in answer.text
    assert await scene.all(Notice) == []


def test_every_platform_is_named_and_the_example_is_one_that_fits() -> None:
    titles = [f"Platform {number}" for number in range(9)]
    said = messages.which_platform(["snapchat"], None, titles, "acme").text
    assert "Platform 7 and Platform 8." in said and "more" not in said
    assert "`/connect PLATFORM acme`" in said and "in the place of PLATFORM" in said


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("instagrm client-a", "Like this: `/connect instagram client-a`"),
        ("x snapchat client-a", "Like this: `/connect x client-a`"),
        ("snapchat client-a", "`/connect PLATFORM client-a`"),
    ],
)
async def test_the_example_follows_what_was_typed(scene: Scene, text: str, example: str) -> None:
    await scene.client()
    assert example in (await scene.answer(scene.ben, "/connect", text)).text


async def test_a_name_that_was_written_out_survives_the_question(scene: Scene) -> None:
    await scene.client()
    answer = await scene.answer(scene.ben, "/connect", 'x "Café Zoë: 100% & Co" @zoe')
    await scene.press(scene.ben, answer, actions.CREATE_CLIENT)
    names = {item.slug: item.name for item in await scene.all(Client)}
    assert names["cafe-zoe-100-co"] == "Café Zoë: 100% & Co"
    (found,) = await invited(scene)
    assert found.expected_handle == "zoe"
