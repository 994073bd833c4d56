"""Home, `/health` with its filters, one account's window, and `/connect` without words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from bot.commands.home import load_page
from bot.commands.who import who_asks
from bot.messages import actions
from bot.messages import connect_window as connect_words
from bot.messages.composer_blocks import CLIENT
from bot.messages.times import moment
from sandbox.slack import Person
from storage import homes
from storage.database import Database
from storage.models import (
    AuditEvent,
    Client,
    Connection,
    Delivery,
    Grant,
    HomeTab,
    Incident,
    Invitation,
    Notice,
    new_id,
)
from tests.commands.scene import Scene, buttons

SHOP = "Bäckerei „Zum goldenen Löwen & Söhne“ <Inh. Müller> 🥐 مخبز الأسد الذهبي ... lang"


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    found: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    engines = {database.reader.sync_engine, database.writer.sync_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield found
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


async def crowd(scene: Scene, accounts: int, per_client: int = 8, start: int = 0) -> None:
    """So many accounts of as many clients as that takes, with names that are hard to show."""
    now = scene.house.clock.now()
    clients, grants, rows = [], [], []
    for number in range(start, start + accounts):
        if (number - start) % per_client == 0:
            client = Client(
                id=new_id(), workspace_id=scene.workspace_id, slug=f"shop-{number:04}", created_at=now
            )
            client.name, client.zone, client.team_channel = SHOP[:80], "Europe/Berlin", scene.team.id
            clients.append(client)
        grant = Grant(id=new_id(), provider="x", app_id="our-x", subject=str(number), created_at=now)
        grant.access_issued_at = grant.consented_at = now
        grant.access_expires_at, grant.refresh_token = now + timedelta(days=50), "sealed"
        grant.state = "dead" if number % 3 == 0 else "live"
        grants.append(grant)
        row = Connection(id=new_id(), workspace_id=scene.workspace_id, client_id=client.id, created_at=now)
        row.grant_id, row.platform, row.account_id = grant.id, "x", str(number)
        row.handle, row.linked_at = "ж" * 75, now
        rows.append(row)
    async with scene.house.db.write() as session:
        for batch in (clients, grants, rows):
            session.add_all(batch)
            await session.flush()


async def opened_home(scene: Scene, person: Person) -> str:
    before = person.home.hash if person.home is not None else ""
    person.open_home()
    await scene.world.until(lambda: person.home is not None and person.home.hash != before)
    await scene.calm()
    assert person.home is not None
    return str(person.home.body)


@pytest.mark.parametrize("accounts", [0, 1, 50, 1000])
async def test_home_and_health_stay_within_slacks_limits(scene: Scene, accounts: int) -> None:
    await crowd(scene, accounts)
    text = await opened_home(scene, scene.ben)
    assert ("Nothing is connected yet" in text) is (accounts == 0)
    answer = await scene.answer(scene.ben, "/health", "all")
    assert not scene.world.complaints and len(answer.blocks) <= 50
    assert ("Next page" in text) is (accounts == 1000)
    assert ("Next page" in str(answer.blocks)) is (accounts >= 50)
    window = await scene.answer(scene.ben, "/lamplighter", "clients")
    assert not scene.world.complaints and window.blocks


async def test_home_asks_the_database_as_often_for_many_as_for_few(scene: Scene) -> None:
    asker = await who_asks(scene.desk, scene.workspace_id, scene.ben.user.id, None)
    needed = []
    for start, accounts in ((0, 10), (10, 990)):
        await crowd(scene, accounts, start=start)
        with counted(scene.house.db) as statements:
            found = await load_page(scene.desk, asker)
        assert found is not None and sum(found.health.totals.values()) == start + accounts
        needed.append(len(statements))
    assert needed[0] == needed[1] < 20, needed


async def test_home_by_client_with_filters_and_one_clients_accounts(scene: Scene) -> None:
    a = await scene.client(mentions=[scene.ben.user.id])
    b = await scene.client("bakery", scene.operations)
    await scene.account(a, "x", "acme")
    await scene.delivery(await scene.account(b, "x", "bread", problem="suspended"), "failed")
    text = await opened_home(scene, scene.ben)
    assert text.index("Bakery") < text.index("Client-A"), "the worst first"
    assert "1 post to look at" in text and "Settings" not in text
    home = scene.ben.home
    assert home is not None
    await scene.ben.press(home, f"{actions.HEALTH_PAGE}#1")
    await scene.calm()
    assert "Bakery" in str(scene.ben.home.body) and "Client-A" not in str(scene.ben.home.body)  # type: ignore[union-attr]
    await scene.ben.press(scene.ben.home, f"{actions.HEALTH_PAGE}#1")  # type: ignore[arg-type]
    await scene.calm()
    await scene.ben.press(scene.ben.home, f"{actions.HEALTH_PAGE}#2")  # type: ignore[arg-type]
    await scene.calm()
    mine = str(scene.ben.home.body)  # type: ignore[union-attr]
    assert "(`client-a`)" in mine and "(`bakery`)" not in mine
    await scene.ben.press(scene.ben.home, actions.HEALTH_PAGE, value="client-a:0")  # type: ignore[arg-type]
    await scene.calm()
    one = str(scene.ben.home.body)  # type: ignore[union-attr]
    assert "@acme" in one and "All clients" in one
    assert "Settings" in await opened_home(scene, scene.ada)


async def test_home_is_drawn_again_where_a_post_was_retried_in_it(scene: Scene) -> None:
    """On the page and with the filters that were seen; what the press did stands on top."""
    client_id = await scene.client(mentions=[scene.ben.user.id])
    account = await scene.account(client_id, "x", "acme")
    row_id = await scene.delivery(account, "failed")
    await opened_home(scene, scene.ben)
    await scene.ben.press(scene.ben.home, f"{actions.HEALTH_PAGE}#2")  # type: ignore[arg-type]
    await scene.calm()
    assert "1 post to look at" in str(scene.ben.home.body)  # type: ignore[union-attr]
    await scene.ben.press(scene.ben.home, actions.RETRY)  # type: ignore[arg-type]
    await scene.calm()
    shown = str(scene.ben.home.body)  # type: ignore[union-attr]
    assert "1 post: sent on its way again." in shown and "to look at" not in shown
    assert "☑ Only mine" in shown
    assert (await scene.get(Delivery, row_id)).state != "failed"
    assert "on its way again" not in await opened_home(scene, scene.ben)


async def test_home_is_drawn_again_behind_a_window_that_asked_first(scene: Scene) -> None:
    client_id = await scene.client()
    one, two = [await scene.account(client_id, "x", handle) for handle in ("acme", "shop")]
    failed = await scene.delivery(one, "failed", reason="platform_down")
    await scene.delivery(two, "scheduled")
    await opened_home(scene, scene.ben)
    await scene.ben.press(scene.ben.home, actions.RETRY)  # type: ignore[arg-type]
    await scene.world.until(lambda: scene.ben.modal is not None)
    assert "1 post to look at" in str(scene.ben.home.body), "nothing before the second word"  # type: ignore[union-attr]
    await scene.ben.submit(scene.ben.modal, {})  # type: ignore[arg-type]
    await scene.calm()
    assert (await scene.get(Delivery, failed)).attempt == 2
    shown = str(scene.ben.home.body)  # type: ignore[union-attr]
    assert "to look at" not in shown and "on its way" in shown


async def test_what_is_late_is_to_be_looked_at_and_no_next_post(scene: Scene) -> None:
    account = await scene.account(await scene.client(), "x", "acme")
    await scene.delivery(account, "blocked", late=True, reason="dead")
    text = await opened_home(scene, scene.ben)
    assert "1 post to look at" in text and "Next posts" not in text and "Send now" in text


async def test_home_says_which_next_posts_are_held_and_why(scene: Scene) -> None:
    client_id = await scene.client()
    due = scene.house.clock.now() + timedelta(hours=2)
    dead = await scene.account(client_id, "x", "dead", problem="suspended")
    await scene.delivery(dead, "blocked", reason="dead")
    await scene.delivery(dead, "scheduled", due_at=due)
    later = due + timedelta(hours=1)
    await scene.delivery(await scene.account(client_id, "x", "fine"), "scheduled", due_at=later)
    held, ahead, going = next_posts(await opened_home(scene, scene.ben))
    for line in (held, ahead):
        assert "⏸️ held, due" in line and "@dead on X. It waits until the account works again" in line
    assert "@fine on X" in going and "held" not in going
    await scene.set(Client, client_id, paused_at=scene.house.clock.now())
    assert "It waits: posting is paused" in next_posts(await opened_home(scene, scene.ben))[2]


def next_posts(home: str) -> list[str]:
    """The lines below that heading."""
    return [line for line in home.partition("*Next posts*")[2].split("'")[0].split("\\n") if line]


async def test_home_says_nothing_of_clients_to_outsiders(scene: Scene) -> None:
    client_id = await scene.client()
    await scene.account(client_id, "x", "acme")
    text = await opened_home(scene, scene.guest)
    assert "acme" not in text and "client-a" not in text and "Lamplighter" in text


async def test_a_late_picture_never_covers_a_newer_one(scene: Scene) -> None:
    assert await ask(scene, "1700000000.000200")
    assert not await ask(scene, "1700000000.000100"), "asked for before, so dropped"
    assert await ask(scene, "1700000000.000200"), "Slack says it twice"
    await scene.account(await scene.client(), "x", "acme")
    await opened_home(scene, scene.ben)
    home = scene.ben.home
    assert home is not None
    presses = [scene.ben.press(home, f"{actions.HEALTH_PAGE}#{number}") for number in (1, 2)]
    await asyncio.gather(*presses)
    await scene.calm()
    async with scene.house.db.read() as session:
        tab = await session.get_one(HomeTab, (scene.workspace_id, scene.ben.user.id))
    assert tab.asked_ts > "1700000000.000200"
    assert "☑ Only mine" in str(scene.ben.home.body), "the last press stands"  # type: ignore[union-attr]


async def ask(scene: Scene, ts: str) -> bool:
    async with scene.house.db.write() as session:
        return await homes.ask(session, scene.workspace_id, scene.ben.user.id, ts)


async def test_health_leaves_out_what_is_fine_and_what_is_not_mine(scene: Scene) -> None:
    a = await scene.client()
    await scene.account(a, "x", "acme", linked_by=scene.ben.user.id)
    await scene.account(a, "x", "bread", problem="suspended")
    answer = await scene.answer(scene.ben, "/health")
    bad = await scene.press(scene.ben, answer, f"{actions.HEALTH_PAGE}#1")
    assert bad.ts == answer.ts and "@bread" in bad.text and "@acme" not in bad.text
    everything = await scene.press(scene.ben, bad, f"{actions.HEALTH_PAGE}#1")
    mine = await scene.press(scene.ben, everything, f"{actions.HEALTH_PAGE}#2")
    assert "@acme" in mine.text and "@bread" not in mine.text and "1 account down" in mine.text
    both = await scene.press(scene.ben, mine, f"{actions.HEALTH_PAGE}#1")
    assert "None of these" in both.text


async def detail(scene: Scene, person: Person, row_id: str) -> str:
    answer = await scene.answer(person, "/health")
    await person.press(answer, actions.HEALTH_DETAIL, chosen=row_id)
    await scene.calm()
    assert person.modal is not None
    return str(person.modal.body)


async def test_one_accounts_window(scene: Scene) -> None:
    client_id = await scene.client()
    row_id = await scene.account(
        client_id, "x", "acme", linked_by=scene.ben.user.id, missing_scopes=["tweet.write"]
    )
    row = await scene.get(Connection, row_id)
    await scene.set(Grant, row.grant_id, subject_name="Maria Muster")
    other = await scene.account(client_id, "x", "second")
    await scene.set(Connection, other, grant_id=row.grant_id)
    await scene.delivery(row_id, "published")
    async with scene.house.db.write() as session:
        now = scene.house.clock.now()
        event_row = AuditEvent(
            workspace_id=scene.workspace_id, at=now, actor=scene.ben.user.id, action="relinked"
        )
        event_row.client_id, event_row.connection_id = client_id, row_id
        session.add(event_row)
        session.add(
            Incident(
                workspace_id=scene.workspace_id,
                kind="connection",
                connection_id=row_id,
                severity="dead",
                reason="revoked",
                opened_at=now,
            )
        )
    text = await detail(scene, scene.ben, row_id)
    for words in (
        "Maria Muster",
        "missing:",
        "tweet.write",
        "1 other account",
        "connected again",
        "a post went out",
    ):
        assert words in text, words
    assert "Access until" in text and "an alert was opened" in text and "Disconnect" in text
    shown = await detail(scene, scene.guest, row_id)
    for words in ("Maria Muster", "@second on the same", "Disconnect", "Check now", "Fresh bread"):
        assert words not in shown, words
    assert "connected again" in shown


async def test_an_account_that_cannot_post_says_when_it_last_worked(scene: Scene) -> None:
    row_id = await scene.account(await scene.client(), "x", "acme", problem="suspended")
    row, now = await scene.get(Connection, row_id), scene.house.clock.now()
    worked = now - timedelta(days=9)
    await scene.set(Connection, row_id, proved_at=worked)
    await scene.set(Grant, row.grant_id, proved_at=now)
    zone = (await scene.get(Client, row.client_id)).zone
    text = await detail(scene, scene.ben, row_id)
    assert "cannot post" in text and "Known to work since" not in text
    assert f"Last seen to work {moment(worked, zone)}." in text


async def test_an_account_is_disconnected_from_its_window(scene: Scene) -> None:
    row_id = await scene.account(await scene.client(), "x", "acme")
    await detail(scene, scene.ben, row_id)
    seen = await scene.ben.press(scene.ben.modal, "account.disconnect")  # type: ignore[arg-type]
    assert seen.confirm is not None and "@acme" in str(seen.confirm)
    await scene.calm()
    assert (await scene.get(Connection, row_id)).state == "disconnected"
    assert "is disconnected" in str(scene.ben.modal.body)  # type: ignore[union-attr]


async def test_the_window_of_an_account_elsewhere_does_not_open(scene: Scene) -> None:
    theirs = await scene.other_workspace()
    foreign = await scene.account(await scene.client("foreign", workspace_id=theirs), "x", "foreign")
    secret = await scene.account(await scene.client("secret", scene.operations), "x", "secret")
    mine = await scene.account(await scene.client(), "x", "acme")
    for person, row_id in ((scene.ben, foreign), (scene.guest, secret)):
        answer = await scene.answer(person, "/health")
        for block in answer.blocks:
            for element in block.get("elements", []):
                if element.get("action_id") == actions.HEALTH_DETAIL:
                    element["options"][0]["value"] = row_id
        await person.press(answer, actions.HEALTH_DETAIL, chosen=row_id)
        await scene.calm()
        assert person.modal is None and mine
        assert "not connected any more" in scene.last(person).text


async def connect_window(scene: Scene, person: Person) -> Any:
    await person.command("/connect", "", scene.team.id)
    await scene.calm()
    return person.modal


async def test_connect_without_words_asks_in_a_window(scene: Scene) -> None:
    client_id = await scene.client()
    view = await connect_window(scene, scene.ben)
    assert "client-a" in str(view.body), "the channel's client is chosen"
    seen = await scene.ben.submit(
        view, {connect_words.HANDLE: "@acme", connect_words.PLATFORMS: ["x", "instagram"]}
    )
    assert "only that one" in seen.errors[connect_words.HANDLE]
    await scene.ben.submit(view, {connect_words.HANDLE: "", connect_words.PLATFORMS: ["x", "instagram"]})
    await scene.settle()
    assert {row.platform for row in await scene.all(Invitation)} == {"x", "instagram"}
    assert {row.client_id for row in await scene.all(Invitation)} == {client_id}
    assert len(await scene.all(Notice, Notice.topic == "invitation")) == 1, "one message with a line for each"
    assert "on its way" in scene.last(scene.ben).text or "X" in scene.last(scene.ben).text


async def test_a_new_client_comes_from_the_window(scene: Scene) -> None:
    view = await connect_window(scene, scene.ben)
    form = {connect_words.NEW: "Bakery!", connect_words.PLATFORMS: ["x"]}
    await scene.ben.submit(view, form)
    await scene.settle()
    (client,) = await scene.all(Client)
    assert (client.slug, client.team_channel) == ("bakery", scene.team.id)


async def test_guests_are_offered_only_their_own_client(scene: Scene) -> None:
    await scene.client()
    await scene.client("secret", scene.operations)
    view = await connect_window(scene, scene.guest)
    assert "client-a" in str(view.body) and "secret" not in str(view.body)
    assert connect_words.NEW not in str(view.body)
    await scene.guest.submit(view, {connect_words.PLATFORMS: ["x"]})
    await scene.settle()
    assert len(await scene.all(Invitation)) == 1 and CLIENT
    away = scene.channel("away", scene.guest)
    refused = await scene.answer(scene.guest, "/connect", "", away)
    assert "no client in this channel" in refused.text and not buttons(refused)
