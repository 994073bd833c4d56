"""The shared check in the composer: what it reads, what it asks, and what an answer does."""

from __future__ import annotations

import asyncio
import copy
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.commands.media import fetch_all
from bot.domain import posting
from bot.domain.auditing import Actor
from bot.domain.checking_posts import Cost, Planned, Proposed, Warned, Worry
from bot.domain.content import content_of
from bot.domain.examining import Findings, examine, standing_ones
from bot.messages import actions, composer_blocks, queue_windows
from bot.platforms.content import Content
from sandbox.agency import wall
from sandbox.slack.delivery import deliver
from sandbox.slack.payloads import view_actions, view_submission
from storage import pictures
from storage.models import AuditEvent, Client, Delivery, Post
from tests.commands.scene import PICTURE, Scene


async def test_the_facts_of_the_check(scene: Scene) -> None:
    """Against what stands on all the client's accounts, without the deliveries that are asked about."""
    client_id = await scene.client()
    one, two = [await scene.account(client_id, "x", handle) for handle in ("one", "two")]
    other = await scene.account(await scene.client("bakery"), "x", "bread")
    now, house = scene.house.clock.now(), scene.house
    draft = posting.Draft("key", client_id, (one,), Content(text="Hello"), now + timedelta(hours=1))
    async with house.db.write() as session:
        await posting.queue(session, house, Actor(scene.workspace_id, "U1"), draft, now)
        (row,) = (await session.scalars(select(Delivery))).all()

    async def found(connection_id: str, *, text: str = "Hello", **more: Any) -> Findings:
        proposed = [Proposed(connection_id, "x", Content(text=text), draft.due_at)]
        async with house.db.read() as session:
            return await examine(session, house, proposed, **more)

    same = await found(two)
    assert same.warned == (Warned(Worry.SAME_MINUTE, "x", (two, one)),)
    assert same.apart == (draft.due_at + timedelta(minutes=5),)
    again = await found(one)
    assert [item.worry for item in again.warned] == [Worry.REPEATED]
    assert (await found(one, leaving_out=[row.id])).warned == ()
    async with house.db.read() as session:
        (item,) = await pictures.deliveries(session, scene.workspace_id, Delivery.id == row.id)
        (standing,) = standing_ones(house, [item], now)
    assert (standing.connection_id, standing.content.text, standing.due_at) == (one, "Hello", now)
    assert (await found(other)).warned == (), "another client's posts are no business of this one"
    beside = await found(other, beside=[Planned(other, "x", "Hello", draft.due_at - timedelta(days=1))])
    assert [item.worry for item in beside.warned] == [Worry.REPEATED]
    (refused,) = (await found(two, text="x" * 281)).refused
    assert (refused.platform, refused.problem.field) == ("x", "text")
    assert (await found(two, text="See bakery.com")).costs == (Cost("x", 1, 1, 200),)


async def opened(scene: Scene, *accounts: tuple[str, str]) -> tuple[Any, dict[str, Any]]:
    """The composer for a client with these accounts (platform, handle); all of them chosen."""
    client_id = await scene.client()
    ids = [await scene.account(client_id, platform, handle) for platform, handle in accounts]
    view = await scene.modal(scene.ben, "/post")
    return view, {composer_blocks.accounts_block(client_id): ids}


def shown(scene: Scene) -> str:
    assert scene.ben.modal is not None
    return str(scene.ben.modal.body)


def later(days: int = 3) -> tuple[datetime, dict[str, Any]]:
    """A moment to come, and the fields that name it."""
    due = (datetime.now(UTC) + timedelta(days=days)).replace(second=0, microsecond=0)
    return due, {composer_blocks.WHEN: composer_blocks.LATER, **wall(due)}


TWO = (("x", "one"), ("x", "two"))


async def test_one_text_in_one_minute_is_asked_and_then_posted_anyway(scene: Scene) -> None:
    view, form = await opened(scene, *TWO)
    due, at = later()
    await scene.ben.submit(view, form | at | {composer_blocks.TEXT: "Fresh bread"})
    assert "X may take it for spam: @one on X and @two on X get the same text" in shown(scene)
    assert "X charges about $0.03 for 2 posts." in shown(scene)
    assert await scene.all(Post) == [] and "Post anyway" in str(view.body["submit"])
    assert "Stagger" in shown(scene) and "primary" not in str(view.body), "one main button: the window's own"
    payload = view_submission(scene.world, scene.ben.user, view, [])
    answers = await asyncio.gather(*(deliver(scene.world, "interactive", payload) for _ in range(5)))
    assert len({answer.body for answer in answers}) == 1 and "Queued" in answers[0].body
    assert [row.due_at for row in await scene.all(Delivery)] == [due, due]
    assert len(await scene.all(AuditEvent, AuditEvent.action == "post.queued")) == 1


async def test_stagger_is_one_press_and_says_who_goes_when(scene: Scene) -> None:
    view, form = await opened(scene, *TWO)
    due, at = later()
    await scene.ben.submit(view, form | at | {composer_blocks.TEXT: "Fresh bread"})
    assert f"@one on X {wall(due)['composer.time']:%H:%M} and @two on X" in shown(scene)
    for _ in range(3):
        await scene.ben.press(view, actions.STAGGER)
        if scene.ben.modal is None or actions.STAGGER not in str(scene.ben.modal.body):
            break
    await scene.calm()
    moments = sorted(row.due_at for row in await scene.all(Delivery))
    assert moments == [due, due + timedelta(minutes=5)] and len(await scene.all(Post)) == 1
    assert "Queued for `client-a`: 2 accounts, spread: @one on X" in shown(scene)


async def test_what_is_new_is_asked_again_and_what_was_told_is_not(scene: Scene) -> None:
    view, form = await opened(scene, ("x", "one"), ("instagram", "two"))
    await scene.ben.submit(
        view, {next(iter(form)): form[next(iter(form))][:1], composer_blocks.TEXT: "Hello"}
    )
    assert "going out now" in shown(scene), "an ordinary post is not asked about"
    await scene.ben.close(view)
    again = await scene.modal(scene.ben, "/post")
    only = {key: ids[:1] for key, ids in form.items()}
    await scene.ben.submit(again, only | {composer_blocks.TEXT: "Hello"})
    assert "@one on X has the same text on" in shown(scene) and "within a week" in shown(scene)
    await scene.ben.submit(again, {composer_blocks.TEXT: "Hello, see bakery.com"})
    assert "X charges about $0.20 for 1 post, because it holds a link" in shown(scene)
    await scene.ben.submit(again)
    assert [row.text for row in await scene.all(Post)] == ["Hello", "Hello, see bakery.com"]


async def test_who_said_yes_to_one_copy_is_asked_about_another(scene: Scene) -> None:
    view, form = await opened(scene, ("x", "one"))
    (account,) = next(iter(form.values()))
    for text in ("Bread", "Rolls"):
        await scene.delivery(account, "published", text=text)
    await scene.ben.submit(view, form | {composer_blocks.TEXT: "Bread"})
    assert "has the same text" in shown(scene)
    await scene.ben.submit(view, {composer_blocks.TEXT: "Rolls"})
    assert "has the same text" in shown(scene) and len(await scene.all(Post)) == 2
    await scene.ben.submit(view)
    assert "going out now" in shown(scene) and len(await scene.all(Post)) == 3


async def test_a_platform_that_needs_its_own_text_gets_a_field_for_it(scene: Scene) -> None:
    view, form = await opened(scene, ("x", "one"), ("instagram", "two"))
    long = "Bread! " * 60
    _, at = later()
    await scene.ben.submit(view, form | at | {composer_blocks.TEXT: long, composer_blocks.MEDIA: PICTURE})
    assert "X has a field of its own now" in shown(scene) and "Text for X" in shown(scene)
    own = composer_blocks.own_block("x")
    seen = await scene.ben.submit(view)
    assert set(seen.errors) == {own} and "280" in seen.errors[own], "what is wrong stands at its own field"
    await scene.ben.submit(view, {own: "Bread!"})
    await scene.calm()
    (post,) = await scene.all(Post)
    rows = {row.connection_id: row for row in await scene.all(Delivery)}
    on_x, on_instagram = (rows[key] for key in form[next(iter(form))])
    assert (post.text, on_x.text, on_instagram.text) == (long.strip(), "Bread!", None)
    assert content_of(scene.house, post, on_x).text == "Bread!"
    assert content_of(scene.house, post, on_instagram).text == long.strip()
    listed = await scene.answer(scene.ben, "/queue")
    assert "one on X: “Bread!”" in listed.text


async def test_another_text_can_be_wanted_though_one_would_fit(scene: Scene) -> None:
    view, form = await opened(scene, ("x", "one"), ("instagram", "two"))
    (accounts,) = form
    assert "Another text for" not in str(view.body)
    scene.ben.fill(view, {composer_blocks.TEXT: "For all"})
    await scene.ben.press(view, accounts, chosen=form[accounts])
    await scene.calm()
    differ = next(
        b["block_id"] for b in view.body["blocks"] if b["block_id"].startswith(composer_blocks.DIFFER)
    )
    assert "Post 2 now: client-a" in str(view.body["submit"])
    await scene.ben.press(view, differ, chosen=["x"])
    await scene.calm()
    assert view.state[composer_blocks.own_block("x")][composer_blocks.own_block("x")]["value"] == "For all"
    await scene.ben.submit(view, {composer_blocks.own_block("x"): "For X", composer_blocks.MEDIA: PICTURE})
    await scene.calm()
    assert sorted(str(row.text) for row in await scene.all(Delivery)) == ["For X", "None"]


async def test_the_preview_shows_each_platform_what_it_would_publish(scene: Scene) -> None:
    view, form = await opened(scene, ("x", "one"), ("instagram", "two"))
    _, at = later()
    link, film = "https://bakery.example/bread", "https://media.example/bread.mp4"
    text = {composer_blocks.TEXT: "Fresh *bread* <3", composer_blocks.LINK: link, composer_blocks.MEDIA: film}
    scene.ben.fill(view, form | at | text | {composer_blocks.ALT: "A loaf"})
    await scene.ben.press(view, actions.PREVIEW)
    await scene.calm()
    seen = shown(scene)
    assert seen.count(f"Fresh *bread* <3\\n{link}") == 2, "the link is below the text on both"
    assert "@one on X" in seen and "@two on Instagram" in seen and "(Europe/Berlin; " in seen
    assert "bread.mp4: “A loaf”" in seen and "$0.20" in seen
    assert scene.ben.modal is not None
    await scene.ben.close(scene.ben.modal)
    assert scene.ben.modal is view and await scene.all(Post) == []


async def test_the_preview_of_nothing_and_of_too_much_stays_within_slacks_limits(scene: Scene) -> None:
    view, form = await opened(scene, ("x", "one"), ("instagram", "x" * 60))
    await scene.ben.press(view, actions.PREVIEW)
    await scene.calm()
    assert "Choose at least one account" in shown(scene)
    await scene.ben.close(scene.ben.modal or view)
    scene.ben.fill(
        view,
        form | {composer_blocks.TEXT: "<&>" * 1000, composer_blocks.LINK: "https://a.example/" + "b" * 2000},
    )
    await scene.ben.press(view, actions.PREVIEW)
    await scene.calm()
    assert "as X counts them" in shown(scene) and "The caption has" in shown(scene)


async def test_a_time_that_a_clock_change_skips_is_refused_at_its_field(scene: Scene) -> None:
    view, form = await opened(scene, ("x", "one"))
    skipped = {
        composer_blocks.AT.day: date(2027, 3, 28),
        composer_blocks.AT.time: time(2, 30),
        composer_blocks.WHEN: composer_blocks.LATER,
    }
    seen = await scene.ben.submit(view, form | skipped | {composer_blocks.TEXT: "Hello"})
    assert "02:30 does not exist on that day in Europe/Berlin" in seen.errors[composer_blocks.AT.time]
    assert await scene.all(Post) == []


async def test_a_time_that_comes_twice_is_asked(scene: Scene) -> None:
    view, form = await opened(scene, ("x", "one"))
    twice = {
        composer_blocks.AT.day: date(2027, 10, 31),
        composer_blocks.AT.time: time(2, 30),
        composer_blocks.WHEN: composer_blocks.LATER,
    }
    await scene.ben.submit(view, form | twice | {composer_blocks.TEXT: "Hello"})
    assert "this time comes twice" in shown(scene) and await scene.all(Post) == []
    unsaid = await scene.ben.submit(view)
    assert set(unsaid.errors) == {composer_blocks.AT.fold}
    await scene.ben.submit(view, {composer_blocks.AT.fold: "1"})
    (post,) = await scene.all(Post)
    assert post.due_at == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)


async def test_the_time_is_the_clients_with_the_authors_beside_it(scene: Scene) -> None:
    view, _ = await opened(scene, ("x", "one"))
    scene.ben.fill(view, {composer_blocks.AT.day: date(2027, 1, 4)})
    await scene.ben.press(view, composer_blocks.AT.time, chosen=time(3, 0))
    await scene.calm()
    assert "In Europe/Berlin, the zone of client-a." in shown(scene)
    assert "03:00 there is 21:00 Sun 3 Jan for you (America/New_York)." in shown(scene)


async def test_a_time_is_asked_about_again_where_the_clients_zone_was_changed_meanwhile(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever read 02:30 in Berlin meant that moment, and neither another one nor now."""
    view, form = await opened(scene, ("x", "one"), ("instagram", "two"))
    account = next(iter(form))
    client_id = account.partition(":")[2]
    when = {
        composer_blocks.AT.day: date(2027, 3, 28),
        composer_blocks.AT.time: time(2, 30),
        composer_blocks.WHEN: composer_blocks.LATER,
    }
    await scene.set(Client, client_id, zone="UTC")
    await scene.ben.submit(view, form | when | {composer_blocks.TEXT: "Bread"})
    assert "is in UTC now" in shown(scene) and await scene.all(Post) == []

    real = fetch_all

    async def moving(*args: Any) -> Any:
        await scene.set(Client, client_id, zone="Europe/Berlin")  # where there is no 02:30 on that day
        return await real(*args)

    monkeypatch.setattr("bot.commands.submitting.fetch_all", moving)
    await scene.ben.submit(view, {composer_blocks.MEDIA: PICTURE})
    await scene.calm()
    assert "is in Europe/Berlin now" in shown(scene) and await scene.all(Post) == []


async def test_a_client_that_is_closed_while_files_are_fetched_is_said_and_nothing_is_lost(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, form = await opened(scene, ("x", "one"))
    client_id = next(iter(form)).partition(":")[2]

    async def closing(*args: Any) -> Any:
        await scene.set(Client, client_id, closed_at=scene.house.clock.now())
        return await fetch_all(*args)

    monkeypatch.setattr("bot.commands.submitting.fetch_all", closing)
    due, at = later()
    what = {composer_blocks.TEXT: "Bread", composer_blocks.MEDIA: PICTURE}
    await scene.ben.submit(view, form | at | what)
    await scene.calm()
    assert "That client does not exist any more" in shown(scene) and await scene.all(Post) == []
    await scene.account(await scene.client("bakery"), "x", "bread")
    (offered,) = await scene.ben.suggest(view, composer_blocks.CLIENT, "bak")
    await scene.ben.press(view, composer_blocks.CLIENT, chosen=offered)
    await scene.calm()
    assert "Queue 1 for bakery" in shown(scene)
    await scene.ben.submit(view)
    await scene.calm()
    (post,) = await scene.all(Post)
    assert (post.text, len(post.media), post.due_at) == ("Bread", 1, due)


async def test_a_second_submit_that_says_something_else_is_not_told_as_queued(scene: Scene) -> None:
    """The answer to the first was lost on the way, and its author went on writing."""
    view, form = await opened(scene, *TWO[:1])
    due, at = later()

    async def submitted(**other: object) -> str:
        scene.ben.fill(view, form | at | {composer_blocks.TEXT: "Bread"} | other)
        payload = view_submission(scene.world, scene.ben.user, view, [])
        return (await deliver(scene.world, "interactive", payload)).body

    assert "Queued for" in await submitted()
    for other in ({composer_blocks.TEXT: "Rolls"}, wall(due + timedelta(days=1))):
        answer = await submitted(**other)
        assert "was queued already, as it was sent first" in answer and "Queued for" not in answer
    assert "Queued for" in await submitted()
    (post,) = await scene.all(Post)
    assert (post.text, post.due_at) == ("Bread", due)


async def test_a_choice_that_arrives_behind_the_submit_does_not_bring_the_composer_back(scene: Scene) -> None:
    view, form = await opened(scene, *TWO[:1])
    _, at = later()
    scene.ben.fill(view, form | at | {composer_blocks.TEXT: "Bread"})
    action = {
        "type": "radio_buttons",
        "action_id": composer_blocks.WHEN,
        "block_id": composer_blocks.WHEN,
        "action_ts": scene.world.next_ts(),
    }
    chosen = view_actions(scene.world, scene.ben.user, view, action)
    await deliver(scene.world, "interactive", chosen)
    await scene.calm()
    chosen = copy.deepcopy(view_actions(scene.world, scene.ben.user, view, action))
    await scene.ben.submit(view)
    assert "Queued for" in shown(scene)
    await deliver(scene.world, "interactive", chosen)
    await scene.calm()
    assert "Queued for" in shown(scene) and "'submit'" not in shown(scene)


async def test_descriptions_go_with_their_pictures(scene: Scene) -> None:
    view, form = await opened(scene, ("instagram", "two"))
    alone = {
        composer_blocks.TEXT: "Bread",
        composer_blocks.MEDIA: PICTURE,
        composer_blocks.ALT: "A loaf\non a board",
    }
    seen = await scene.ben.submit(view, form | {composer_blocks.TEXT: "Bread", composer_blocks.ALT: "A loaf"})
    assert "There is one description for 0 pictures" in seen.errors[composer_blocks.ALT]
    await scene.ben.submit(view, form | alone)
    await scene.calm()
    (post,) = await scene.all(Post)
    assert [item["alt"] for item in post.media] == ["A loaf on a board"]


async def test_the_editor_in_the_queue_knows_texts_of_their_own(scene: Scene) -> None:
    view, form = await opened(scene, ("x", "one"), ("instagram", "two"))
    _, at = later()
    await scene.ben.submit(view, form | at | {composer_blocks.TEXT: "Bread", composer_blocks.MEDIA: PICTURE})
    await scene.calm()
    await scene.ben.close(view)
    listed = await scene.answer(scene.ben, "/queue")
    await scene.press(scene.ben, listed, actions.QUEUE_EDIT)
    editor, own = scene.ben.modal, queue_windows.own_block("x")
    assert editor is not None
    long = "Bread! " * 60
    await scene.ben.submit(editor, {queue_windows.TEXT: long})
    assert "280" in shown(scene) and "Text for X" in shown(scene)
    seen = await scene.ben.submit(editor)
    assert set(seen.errors) == {own}
    await scene.ben.submit(editor, {own: "Short"})
    assert "changed." in shown(scene)
    assert sorted(str(row.text) for row in await scene.all(Delivery)) == ["None", "Short"]
    await scene.ben.close(editor)
    listed = await scene.answer(scene.ben, "/queue")
    assert "one on X: “Short”" in listed.text
    await scene.press(scene.ben, listed, actions.QUEUE_EDIT)
    assert scene.ben.modal is not None
    await scene.ben.submit(scene.ben.modal, {queue_windows.TEXT: "For all", own: ""})
    (post,) = await scene.all(Post)
    assert [row.text for row in await scene.all(Delivery)] == [None, None] and post.text == "For all"


async def test_one_text_on_several_platforms_can_be_moved_apart_in_one_press(scene: Scene) -> None:
    view, form = await opened(scene, ("x", "one"), ("instagram", "two"))
    due, at = later()
    await scene.ben.submit(view, form | at | {composer_blocks.TEXT: "Bread", composer_blocks.MEDIA: PICTURE})
    await scene.calm()
    assert "They say the same in the same minute" in shown(scene)
    await scene.ben.press(view, actions.SPREAD)
    await scene.calm()
    assert "2 accounts, spread: @" in shown(scene) and actions.SPREAD not in shown(scene)
    moments = sorted(row.due_at for row in await scene.all(Delivery))
    assert moments == [due, due + timedelta(minutes=5)]
