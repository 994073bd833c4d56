"""Promise 2 with real signals on every platform: a process killed, or stopped and woken late, at sending."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain import consenting, media_use, posting
from bot.domain.auditing import Actor
from bot.domain.house import House
from bot.media.looks import look_at
from bot.platforms.content import Content, Media, MediaKind
from sandbox.server import PICTURE_HOST, PICTURES
from storage import invitations
from storage.models import Connection, Delivery
from tests import support
from tests.chaos.stage import Stage
from tests.chaos.test_chaos_publish import (
    MARKED,
    PREPARED,
    STORED,
    TOOK_EFFECT,
    decided,
    keep_going_until_ended,
    keep_going_until_stopped,
    told,
    woken_and_done,
)
from tests.e2e.office import LOGINS, login

TEXT = "Fresh bread, every evening"
PICTURED = ("instagram", "pinterest", "tiktok")
FILM = b"\x00\x00\x00\x18ftypmp42".ljust(300_000, b"\x00")
STRIKES = (
    (PREPARED, "KILL"),
    (MARKED, "KILL"),
    (TOOK_EFFECT, "KILL"),
    (STORED, "KILL"),
    (MARKED, "STOP"),
    (TOOK_EFFECT, "STOP"),
)


async def linked(stage: Stage, house: House, platform: str) -> Connection:
    """The bakery's account, whatever is asked on the way."""
    client = await support.a_client(house, "bakery", stage.agency.bakery.id)
    token = await support.an_invitation(house, client, platform)
    consent_id = await support.walk(house, stage.twins, token, **{"as": login(platform, "bakery")})
    async with house.db.read() as session:
        consent = await invitations.consent(session, consent_id)
    assert consent is not None
    if consent.state == "choosing":
        await consenting.choose(house, consent_id, support.BROWSER, consent.detail["offered"][:1])
    (connection,) = await stage.rows(Connection)
    return connection


async def queue(house: House, connection: Connection, folder: Path) -> None:
    """One post of a kind that the platform takes, due in a minute."""
    content = Content(text=TEXT)
    if connection.platform in PICTURED:
        size = (PICTURES / "bread.jpg").stat().st_size
        url = f"https://{PICTURE_HOST}/bread.jpg"
        picture = Media(url, MediaKind.IMAGE, "image/jpeg", size, 1080, 1080)
        content = replace(content, media=(picture,))
    if connection.platform == "youtube":
        path = folder / "film.mp4"
        path.write_bytes(FILM)
        looks = look_at(path)
        assert looks is not None
        content = replace(content, media=(await media_use.keep(house, connection.workspace_id, path, looks),))
    now = house.clock.now()
    draft = posting.Draft("key", connection.client_id, (connection.id,), content, now + timedelta(minutes=1))
    async with house.db.write() as session:
        await posting.queue(session, house, Actor(connection.workspace_id, "U1", "C1"), draft, now)


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("point", "how"), STRIKES, ids=lambda value: value.rpartition(".")[2])
@pytest.mark.parametrize("platform", LOGINS)
async def test_a_signal_around_sending_leaves_one_post_or_a_question(
    stage: Stage,
    platform: str,
    point: str,
    how: str,
    long_run: bool,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    if not long_run:
        pytest.skip("X and Instagram stand for all; all are struck with --long")
    async with stage.house() as house:
        await queue(house, await linked(stage, house, platform), tmp_path)
    struck = await stage.child(point, how=how)
    await stage.at_work(1)  # time that passes while it starts would make the post late
    if how == "KILL":
        await keep_going_until_ended(stage, struck)
    else:
        await keep_going_until_stopped(stage, struck)
    await stage.child()
    await stage.pass_the_leases()
    await _past_processing(stage)
    delivery = await decided(stage)
    if how == "STOP":
        before = len(stage.posts(TEXT))
        await woken_and_done(stage, struck)
        assert len(stage.posts(TEXT)) == before, "a woken process sends nothing"
    await stage.advanced(3600)
    posts, delivery = len(stage.posts(TEXT)), await stage.delivery()
    record_property("faults", {delivery.state: 1})
    if delivery.state == "published":
        assert posts == 1 and len(await told(stage, "published")) == 1
        assert not await told(stage, "post.news")
    else:
        assert delivery.state == "unconfirmed" and posts <= 1
        (asked,) = await told(stage, "post.news")
        assert asked.facts["what"] == "unconfirmed" and not await told(stage, "published")


async def _past_processing(stage: Stage) -> None:
    """Some platforms take a film or picture for a while before it is public."""
    for _ in range(30):  # ten minutes of house time: what is late is asked about, and that is another test
        row: Delivery = await stage.delivery()
        if row.state not in ("scheduled", "preparing", "sending", "processing"):
            return
        await stage.advanced(20)
    raise AssertionError(f"neither out nor in doubt: {row.state}, {row.reason}")
