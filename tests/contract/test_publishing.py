"""Every kind of post on every platform: queued, published once, found again by its link."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.posting import DraftProblems
from bot.jobs import sweep
from bot.platforms import youtube_upload
from bot.platforms.content import Content
from bot.renderers import build_renderers
from sandbox.platforms.testing import Twins
from storage.models import Delivery
from tests.contract import posts
from tests.contract.posts import KINDS, Kind

TEXT = "Fresh bread this morning"


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_a_queued_post_is_published_once(
    kind: Kind, twins: Twins, migrated_sqlite: Path, tmp_path: Path
) -> None:
    async with posts.stage_for(kind.word, twins, migrated_sqlite, tmp_path) as stage:
        house = stage.house
        if kind.name == "long_video":
            house = replace(house, media=posts.ShelfMedia(twins))
        connection = await stage.linked()
        delivery_id = await posts.queued(stage, connection, kind.make(twins, TEXT), minutes=10)
        await sweep.publish_due(house)
        assert (await posts.the(house, delivery_id)).state == "scheduled"
        delivery = await posts.to_its_end(stage, house, delivery_id)
        assert delivery.state == "published", (delivery.state, delivery.reason, delivery.code)
        (post_id,) = posts.posts_with(twins, TEXT)
        assert delivery.visibility is None
        assert (bool(delivery.permalink), delivery.external_id) == (True, post_id)
        assert [notice.topic for notice in await posts.notices_of(house, delivery_id)] == ["published"]


@pytest.mark.parametrize("word", posts.BY_WORD)
async def test_a_text_that_is_too_long_is_refused_beside_its_field(
    word: str, twins: Twins, migrated_sqlite: Path, tmp_path: Path
) -> None:
    kind = next(kind for kind in KINDS if kind.word == word)
    async with posts.stage_for(word, twins, migrated_sqlite, tmp_path) as stage:
        connection = await stage.linked()
        content = replace(kind.make(twins, TEXT), text="x" * 64_000)
        with pytest.raises(DraftProblems) as refused:
            await posts.queued(stage, connection, content)
        assert "text" in {problem.field for problem in refused.value.problems}
        assert not posts.posts_with(twins, content.text)


async def test_a_text_alone_is_refused_where_media_are_needed(
    twins: Twins, migrated_sqlite: Path, tmp_path: Path
) -> None:
    async with posts.stage_for("youtube", twins, migrated_sqlite, tmp_path) as stage:
        connection = await stage.linked()
        with pytest.raises(DraftProblems) as refused:
            await posts.queued(stage, connection, Content(text=TEXT))
        assert [problem.field for problem in refused.value.problems] == ["media"]


async def test_a_video_that_was_made_private_says_so(
    twins: Twins, migrated_sqlite: Path, tmp_path: Path
) -> None:
    """YouTube makes every video of an app that it has not audited private."""
    kind = next(kind for kind in KINDS if kind.word == "youtube")
    async with posts.stage_for("youtube", twins, migrated_sqlite, tmp_path) as stage:
        connection = await stage.linked()
        twins.world.set_fault("unreviewed", "youtube")
        delivery_id = await posts.queued(stage, connection, kind.make(twins, TEXT))
        delivery = await posts.to_its_end(stage, stage.house, delivery_id)
        assert (delivery.state, delivery.visibility) == ("published", "private")


async def test_a_link_that_never_comes_is_not_waited_for_for_ever(
    twins: Twins, migrated_sqlite: Path, tmp_path: Path
) -> None:
    """TikTok's moderation may end late, or give no id at all: the post is told without it."""
    kind = next(kind for kind in KINDS if str(kind) == "tiktok-photos")
    async with posts.stage_for("tiktok", twins, migrated_sqlite, tmp_path) as stage:
        connection = await stage.linked()
        twins.world.set_fault("id_late", "tiktok", value=1000)
        started = stage.house.clock.now()
        delivery_id = await posts.queued(stage, connection, kind.make(twins, TEXT))
        delivery = await posts.to_its_end(stage, stage.house, delivery_id)
        assert (delivery.state, delivery.permalink) == ("published", None)
        assert stage.house.clock.now() - started < timedelta(hours=1)
        assert [item.topic for item in await posts.notices_of(stage.house, delivery_id)] == ["published"]


@pytest.mark.parametrize("known", [True, False])
async def test_a_copy_is_ours_unless_it_names_another_post_of_ours(
    twins: Twins, migrated_sqlite: Path, tmp_path: Path, known: bool
) -> None:
    kind = next(kind for kind in KINDS if str(kind) == "linkedin-text")
    async with posts.stage_for("linkedin", twins, migrated_sqlite, tmp_path) as stage:
        connection = await stage.linked()
        first = await posts.queued(stage, connection, kind.make(twins, TEXT))
        before = await posts.to_its_end(stage, stage.house, first)
        if not known:
            async with stage.house.db.write() as session:
                row = await session.get_one(Delivery, first)
                row.external_id = None
        again = await posts.queued(stage, connection, kind.make(twins, TEXT), key="again")
        second = await posts.to_its_end(stage, stage.house, again)
        assert len(posts.posts_with(twins, TEXT)) == 1
        if known:
            assert (second.state, second.reason) == ("failed", "duplicate")
        else:
            assert (second.state, second.permalink) == ("published", before.permalink)


@pytest.mark.parametrize("which", ["youtube-video", "tiktok-long_video"])
async def test_a_long_upload_shows_how_far_it_is_on_the_posts_message(
    which: str, twins: Twins, migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = next(kind for kind in KINDS if str(kind) == which)
    monkeypatch.setattr(youtube_upload, "CHUNK", 262_144)  # so that a short film has two
    async with posts.stage_for(kind.word, twins, migrated_sqlite, tmp_path) as stage:
        house = replace(stage.house, media=posts.ShelfMedia(twins))
        connection = await stage.linked()
        delivery_id = await posts.queued(stage, connection, kind.make(twins, TEXT), minutes=1)
        twins.advance(seconds=180)
        delivery = await posts.the(house, delivery_id)
        while delivery.state in ("scheduled", "preparing") and not delivery.progress:
            await sweep.publish_due(house)
            delivery = await posts.the(house, delivery_id)
        assert delivery.state == "preparing" and 0 < (delivery.progress or 0) < 100
        (root,) = await posts.notices_of(house, delivery.post_id)
        shown = await build_renderers(house)["post"](root)
        assert shown is not None and f"{delivery.progress} % of the film has arrived" in shown.text
        assert (await posts.to_its_end(stage, house, delivery_id)).state == "published"
        again = await build_renderers(house)["post"](root)
        assert again is not None and "is published" in again.text
