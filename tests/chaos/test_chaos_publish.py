"""Promise 2: no post is published twice by the bot; none is silently dropped."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.clock import utc_now
from bot.domain import deciding
from bot.domain.auditing import Actor
from storage.models import Connection, Delivery, Notice, Process
from tests.chaos.process import Child, eventually
from tests.chaos.stage import Stage, more_accounts

ONE_PROCESS = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SEVERAL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
POSTGRES = pytest.mark.xdist_group("postgres")
PLATFORMS = pytest.mark.parametrize("platform", ["x", "instagram"])

TEXT = "Fresh bread, every morning"
LOOKS = (6, 31, 121, 301, 61)  # seconds of house time: each brings the next look, all of them the question
MARKED = "bot.domain.sending._send_marked:before"
TOOK_EFFECT = "bot.domain.delivering.sent_off:before"
STORED = "bot.domain.sending._send_marked:after"
PREPARED = "bot.domain.sending.send:before"


async def queued(stage: Stage, platform: str) -> None:
    connection = await stage.linked(platform)
    async with stage.house() as house:
        await stage.queue(house, connection, TEXT)


def is_decided(delivery: Delivery) -> bool:
    """Published, or a person is asked."""
    return delivery.state == "published" or (delivery.state, delivery.next_at) == ("unconfirmed", None)


async def decided(stage: Stage) -> Delivery:
    """Lets the looks pass until the delivery is published or a person is asked."""
    for seconds in (*LOOKS, 0):
        delivery = await stage.delivery()
        if is_decided(delivery):
            return delivery
        await stage.advanced(seconds)
    delivery = await stage.delivery()
    raise AssertionError(f"undecided: {delivery.state}, {delivery.reason}, {delivery.next_at}")


async def told(stage: Stage, topic: str) -> list[Notice]:
    await stage.told()
    return [one for one in await stage.rows(Notice) if one.topic == topic]


async def one_post_told_once(stage: Stage) -> None:
    delivery = await stage.delivery()
    (post,) = stage.posts(TEXT)
    assert (delivery.state, delivery.external_id) == ("published", post.detail["id"])
    (said,) = await told(stage, "published")
    assert said.state == "posted" and not await told(stage, "post.news")


async def a_question_and_no_post(stage: Stage) -> None:
    delivery = await stage.delivery()
    assert (delivery.state, stage.posts(TEXT)) == ("unconfirmed", [])
    (asked,) = await told(stage, "post.news")
    assert (asked.facts["what"], asked.state) == ("unconfirmed", "posted")
    assert not await told(stage, "published")


@ONE_PROCESS
@PLATFORMS
@pytest.mark.parametrize("point", [PREPARED, MARKED, TOOK_EFFECT, STORED])
async def test_a_kill_around_the_point_of_no_return(stage: Stage, platform: str, point: str) -> None:
    await queued(stage, platform)
    doomed = await stage.child(point)
    await keep_going_until_ended(stage, doomed)

    await stage.child()
    await stage.pass_the_leases()
    await decided(stage)
    if (platform, point) == ("x", MARKED):  # X has no handle of our own that could prove it absent
        await a_question_and_no_post(stage)
    else:
        await one_post_told_once(stage)
    await stage.advanced(3600)
    assert len(stage.posts(TEXT)) <= 1


async def keep_going_until_ended(stage: Stage, doomed: Child) -> None:
    """A container takes some looks of house time before it can be published."""

    async def ended() -> bool:
        stage.advance(5)
        return doomed.process.returncode is not None

    await eventually(ended, "it comes to its point")
    await doomed.killed()


@ONE_PROCESS
@PLATFORMS
@pytest.mark.parametrize("fault", ["lost_after", "html_error"])
async def test_a_lost_answer_leaves_one_post_or_a_question(stage: Stage, platform: str, fault: str) -> None:
    await queued(stage, platform)
    stage.sandbox.platforms.set_fault(fault, platform, group="publish", count=1)
    await stage.child()
    await eventually_past_preparing(stage)
    await stage.pass_the_leases()
    delivery = await decided(stage)
    if fault == "lost_after" or delivery.state == "published":
        await one_post_told_once(stage)
    else:
        await a_question_and_no_post(stage)


async def eventually_past_preparing(stage: Stage) -> None:
    async def past() -> bool:
        stage.advance(2)
        return (await stage.delivery()).state in ("unconfirmed", "published")

    await eventually(past, "the send was tried")


@SEVERAL
@POSTGRES
@PLATFORMS
async def test_a_sender_frozen_at_the_marker_sends_nothing_after_the_takeover(
    stage: Stage, platform: str
) -> None:
    await queued(stage, platform)
    frozen = await stage.child(MARKED, how="STOP")
    await keep_going_until_stopped(stage, frozen)
    assert (await stage.delivery()).state == "sending" and not stage.posts(TEXT)

    await stage.child()
    await stage.pass_the_leases()
    await decided(stage)
    at_takeover = len(stage.posts(TEXT))
    await woken_and_done(stage, frozen)
    assert len(stage.posts(TEXT)) == at_takeover
    if platform == "instagram":
        await one_post_told_once(stage)
        return
    await a_question_and_no_post(stage)
    await somebody_posts_it_again(stage)
    await one_post_after_all(stage)


async def keep_going_until_stopped(stage: Stage, child: Child) -> None:
    async def marked() -> bool:
        stage.advance(5)
        return (await stage.delivery()).state == "sending"

    await eventually(marked, "the marker is set")
    await child.stopped()


async def woken_and_done(stage: Stage, frozen: Child) -> None:
    """Waits until the woken process has ended the sweep in which it was frozen."""
    owner = frozen.logged("started")[0]["owner"]
    woken = utc_now()
    frozen.wake()

    async def swept() -> datetime | None:
        seen = [row.seen_at for row in await stage.rows(Process) if row.id == owner]
        return next((at for at in seen if at > woken), None)

    await eventually(swept, "the woken process goes on")


async def somebody_posts_it_again(stage: Stage) -> None:
    delivery = await stage.delivery()
    actor = Actor(delivery.workspace_id, "U1", "C1")
    choice = deciding.Choice(delivery.id, delivery.attempt, delivery.revision)
    now = utc_now() + timedelta(seconds=stage.twins.offset[0])
    async with stage.database.write() as session:
        await deciding.post_again(session, actor, [choice], now)


async def one_post_after_all(stage: Stage) -> None:
    await stage.until_delivery("published")
    assert len(stage.posts(TEXT)) == 1
    assert len(await told(stage, "published")) == 1


@SEVERAL
@POSTGRES
async def test_a_sender_frozen_with_its_answer_is_not_repeated(stage: Stage) -> None:
    await queued(stage, "x")
    frozen = await stage.child(TOOK_EFFECT, how="STOP")
    await keep_going_until_stopped(stage, frozen)
    assert len(stage.posts(TEXT)) == 1

    await stage.child()
    await stage.pass_the_leases()
    await decided(stage)
    await woken_and_done(stage, frozen)
    await one_post_told_once(stage)


@SEVERAL
@POSTGRES
async def test_many_processes_and_a_kill_amid_many_posts(stage: Stage) -> None:
    """Six accounts, three posts each, three processes, one of which dies with an answer in its hands."""
    accounts = more_accounts(stage.sandbox, 6)
    async with stage.house() as house:
        await stage.link(house, "x", *accounts)
        for connection in await stage.rows(Connection):
            for number in range(3):
                await stage.queue(house, connection, f"{connection.account_id} number {number}", 5 + number)
    doomed = await stage.child(TOOK_EFFECT, nth=2)
    await stage.at_work(1)
    stage.advance(8 * 60)
    for _ in range(2):
        await stage.child()
    await doomed.killed()
    await stage.pass_the_leases()

    async def all_decided() -> bool:
        stage.advance(20)
        return all(is_decided(row) for row in await stage.rows(Delivery))

    await eventually(all_decided, "every post is decided", 40)
    texts = [post.detail["text"] for post in stage.posts("")]
    assert len(texts) == len(set(texts)), "a post went out twice"
    asked = {row.post_id for row in await stage.rows(Delivery) if row.state == "unconfirmed"}
    assert len(texts) + len(asked) >= 18, "a post was dropped without a word"
    said = await told(stage, "published")
    assert len({one.subject_id for one in said}) == len(said)
