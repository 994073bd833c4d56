"""`/health logins`, *Hand over*, and what living logins offer to `/connect`, as people in Slack meet them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import tokens
from bot.domain.consents import public_account
from bot.messages import actions
from bot.platforms.base import Account, Tokens
from storage.models import AuditEvent, Connection, Consent, Grant, Invitation, new_id
from tests.commands.scene import Scene, buttons, notices
from tests.web.web_fakes import FakePlatform, info_of

FOUND = tuple(Account(f"p{number}", f"page{number}", f"Page {number}") for number in range(1, 4))


def put_up(scene: Scene, *accounts: Account) -> FakePlatform:
    """X as a platform whose logins reach several accounts."""
    fake = FakePlatform(replace(info_of("x"), title="X"), accounts=accounts or FOUND)
    scene.house.platforms["x"] = fake  # type: ignore[index]
    return fake


async def a_login(scene: Scene, client_id: str, holder: str, *linked: Account, **values: Any) -> str:
    """A login of the fake X that was asked for by Ada and found `FOUND`; `linked` rest on it."""
    now, grant_id, consent_id = scene.house.clock.now(), new_id(), new_id()
    info = scene.house.platforms["x"].info
    fresh = Tokens("access-token-1", "refresh-token-1", 30 * 86_400)
    sealed = tokens.sealed_values(scene.house.vault, grant_id, 1, fresh, info, now)
    grant = Grant(
        id=grant_id,
        provider="x",
        app_id="our-x",
        subject=new_id(),
        subject_name=holder,
        consented_at=now,
        created_at=now,
        opened_by={"workspace": scene.workspace_id, "consent": consent_id},
        **(sealed | {"scopes": ["who", "post", "numbers"]} | values),
    )
    async with scene.house.db.write() as session:
        session.add(grant)
        await session.flush()
        await _consent(session, scene, client_id, grant_id, consent_id)
        session.add_all(_connection(scene, client_id, grant_id, item) for item in linked)
    return grant_id


async def _consent(
    session: AsyncSession, scene: Scene, client_id: str, grant_id: str, consent_id: str
) -> None:
    """The walk that brought the login, and what it found."""
    now, invitation_id = scene.house.clock.now(), new_id()
    place = {"workspace_id": scene.workspace_id, "platform": "x", "created_at": now}
    asked = {"batch_id": new_id(), "token": "sealed", "token_hash": new_id(), "created_by": scene.ada.user.id}
    session.add(Invitation(id=invitation_id, client_id=client_id, state="used", **asked, **place))
    await session.flush()
    walked = {"state_hash": new_id(), "browser_hash": "b", "redirect_uri": "r"}
    session.add(
        Consent(
            id=consent_id,
            invitation_id=invitation_id,
            state="done",
            accounts=[public_account(item) for item in FOUND],
            grant_id=grant_id,
            expires_at=now,
            forget_at=now,
            **walked,
            **place,
        )
    )


def _connection(scene: Scene, client_id: str, grant_id: str, account: Account) -> Connection:
    now = scene.house.clock.now()
    return Connection(
        id=new_id(),
        workspace_id=scene.workspace_id,
        client_id=client_id,
        grant_id=grant_id,
        platform="x",
        account_id=account.id,
        handle=account.handle,
        name=account.name,
        linked_at=now,
        created_at=now,
    )


async def test_logins_by_person_with_their_clients_and_who_asked(scene: Scene) -> None:
    put_up(scene)
    a, b = await scene.client(), await scene.client("bakery", scene.channel("bakery", scene.ben))
    grant_id = await a_login(scene, a, "Zoe <!channel>", FOUND[0])
    async with scene.house.db.write() as session:
        session.add(_connection(scene, b, grant_id, FOUND[1]))
    await a_login(scene, a, "Anna", FOUND[2], state="dead", reason="revoked")
    said = await scene.answer(scene.ben, "/health", " Logins ")
    assert "*2 logins in use*" in said.text
    assert said.text.index("*Anna*") < said.text.index("*Zoe &lt;!channel&gt;*"), "by name"
    assert "⛔ *Anna* on X: disconnected" in said.text
    assert "`client-a`: @page1 on X" in said.text and "`bakery`: @page2 on X" in said.text
    assert f"<@{scene.ada.user.id}>" in said.text


async def test_outsiders_see_no_logins(scene: Scene) -> None:
    put_up(scene)
    client_id = await scene.client()
    await a_login(scene, client_id, "Zoe", FOUND[0])
    said = await scene.answer(scene.guest, "/health", "logins")
    assert "Zoe" not in said.text and "Only members" in said.text
    page = await scene.answer(scene.guest, "/connect", "x client-a @page2")
    assert "Zoe" not in page.text and "on its way" in page.text


async def test_pages_of_logins(scene: Scene) -> None:
    put_up(scene)
    client_id = await scene.client()
    for number in range(10):
        account = Account(f"q{number}", f"q{number}", f"Q {number}")
        await a_login(scene, client_id, f"Person {number}", account)
    said = await scene.answer(scene.ben, "/health", "logins")
    assert "Page 1 of 2" in said.text and "*Person 7*" in said.text and "*Person 8*" not in said.text
    turned = await scene.press(scene.ben, said, actions.LOGINS_PAGE)
    assert "Page 2 of 2" in turned.text and "*Person 9*" in turned.text and turned.ts == said.ts


async def test_hand_over_posts_a_link_for_another_login(scene: Scene) -> None:
    put_up(scene)
    client_id = await scene.client()
    grant_id = await a_login(scene, client_id, "Zoe", FOUND[0], FOUND[1])
    said = await scene.answer(scene.ben, "/health", "logins")
    told = await scene.press(scene.ben, said, actions.HAND_OVER)
    assert "2 accounts of Zoe" in told.text and f"<#{scene.team.id}>" in told.text
    (row,) = await scene.all(Invitation, Invitation.hand_over_of.is_not(None))
    assert (row.hand_over_of, row.client_id, row.platform) == (grant_id, client_id, "x")
    await scene.settle()
    shown = next(item for item in reversed(scene.ada.sees(scene.team.id)) if "another login" in item.text)
    assert "Connect X" in buttons(shown)
    await scene.press(scene.ben, said, actions.HAND_OVER)
    states = [item.state for item in await scene.all(Invitation, Invitation.hand_over_of == grant_id)]
    assert sorted(states) == ["open", "replaced"], "a second press replaces the first link"
    async with scene.house.db.write() as session:
        await session.execute(update(Connection).values(state="disconnected"))
    old = await scene.press(scene.ben, said, actions.HAND_OVER)
    assert "not in use any more" in old.text


async def test_connect_offers_what_a_living_login_reaches(scene: Scene) -> None:
    put_up(scene)
    a, b = await scene.client(), await scene.client("bakery", scene.channel("bakery", scene.ben))
    await a_login(scene, a, "Zoe", FOUND[0])
    said = await scene.answer(scene.ben, "/connect", "x bakery")
    assert "Link @page2 on X" in buttons(said) and "Link @page3 on X" in buttons(said)
    assert "Link @page1 on X" not in buttons(said) and "@page1 on X (client-a)" in said.text
    assert "login of Zoe" in said.text
    assert await scene.all(Invitation, Invitation.state == "open") == [], "asked before anything is posted"
    link = buttons(said)["Link @page2 on X"]
    assert "Zoe" in link["confirm"]["text"]["text"] and "bakery" in link["confirm"]["text"]["text"]
    told = await scene.press(scene.ben, said, actions.LINK_LIVING, value=link["value"])
    assert "@page2 on X* is linked for `bakery`, with the login of Zoe" in told.text
    (row,) = await scene.all(Connection, Connection.client_id == b)
    assert (row.account_id, row.linked_by, row.state) == ("p2", scene.ben.user.id, "live")
    assert await scene.all(AuditEvent, AuditEvent.action == "linked", AuditEvent.connection_id == row.id)
    undone = await scene.press(scene.ben, told, actions.UNDO_LINK)
    assert "no longer linked" in undone.text
    assert (await scene.get(Connection, row.id)).state == "disconnected"


async def test_a_login_that_needs_a_person_soon_says_so_when_an_account_is_linked_with_it(
    scene: Scene,
) -> None:
    put_up(scene)
    a = await scene.client()
    await scene.client("bakery", scene.channel("bakery", scene.ben))
    end = scene.house.clock.now() + timedelta(days=5)
    await a_login(scene, a, "Zoe", FOUND[0], refresh_token=None, access_expires_at=end)
    said = await scene.answer(scene.ben, "/connect", "x bakery")
    link = buttons(said)["Link @page2 on X"]
    told = await scene.press(scene.ben, said, actions.LINK_LIVING, value=link["value"])
    assert "is linked for `bakery`" in told.text and "It holds until" in told.text


async def test_a_link_can_be_sent_instead(scene: Scene) -> None:
    put_up(scene)
    a = await scene.client()
    await scene.client("bakery", scene.channel("bakery", scene.ben))
    await a_login(scene, a, "Zoe", FOUND[0])
    said = await scene.answer(scene.ben, "/connect", "x bakery")
    assert "Send a link for X instead" in buttons(said)
    told = await scene.press(scene.ben, said, actions.ADD_ACCOUNT)
    assert "on its way" in told.text
    assert len(await scene.all(Invitation, Invitation.state == "open")) == 1


async def test_what_others_have_is_offered_beside_the_link_and_asked_by_name(scene: Scene) -> None:
    put_up(scene)
    a = await scene.client()
    b = await scene.client("bakery", scene.channel("bakery", scene.ben))
    await a_login(scene, a, "Zoe", *FOUND)
    said = await scene.answer(scene.ben, "/connect", "x bakery")
    assert "on its way" in said.text, "the link goes out as ever"
    assert "Link @page1 on X" not in buttons(said) and "another client has too" in said.text
    menu = next(block["accessory"] for block in said.blocks if block.get("accessory", {}).get("options"))
    await scene.ben.press(said, actions.PICK_LIVING, chosen=menu["options"][0]["value"])
    await scene.calm()
    asked = scene.last(scene.ben)
    assert "Link *@page1 on X* for `bakery`, with the login of Zoe? `client-a` has it too" in asked.text
    told = await scene.press(scene.ben, asked, actions.LINK_LIVING)
    assert "is linked for `bakery`" in told.text
    assert [row.account_id for row in await scene.all(Connection, Connection.client_id == b)] == ["p1"]


async def test_a_handle_picks_the_offer(scene: Scene) -> None:
    put_up(scene)
    a = await scene.client()
    await scene.client("bakery", scene.channel("bakery", scene.ben))
    await a_login(scene, a, "Zoe", FOUND[0])
    said = await scene.answer(scene.ben, "/connect", "x bakery @Page3")
    assert "Link @page3 on X" in buttons(said) and "Link @page2 on X" not in buttons(said)
    other = await scene.answer(scene.ben, "/connect", "x bakery @somebody")
    assert "on its way" in other.text and "Zoe" not in other.text


async def test_an_offer_that_is_over_says_so(scene: Scene) -> None:
    fake = put_up(scene)
    a = await scene.client()
    b = await scene.client("bakery", scene.channel("bakery", scene.ben))
    await a_login(scene, a, "Zoe", FOUND[0])
    said = await scene.answer(scene.ben, "/connect", "x bakery")
    fake.accounts = FOUND[:1]
    told = await scene.press(
        scene.ben, said, actions.LINK_LIVING, value=buttons(said)["Link @page2 on X"]["value"]
    )
    assert "does not reach that account any more" in told.text
    assert await scene.all(Connection, Connection.client_id == b) == []


async def test_nobody_is_told_in_channel_what_only_the_asker_chose(scene: Scene) -> None:
    put_up(scene)
    a = await scene.client()
    await scene.client("bakery", scene.channel("bakery", scene.ben))
    await a_login(scene, a, "Zoe", FOUND[0])
    await scene.answer(scene.ben, "/connect", "x bakery")
    await scene.settle()
    assert await notices(scene, "invitation") == []
    assert all("Zoe" not in item.text for item in scene.guest.sees(scene.team.id))
