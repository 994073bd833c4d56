"""What is posted in the publishing tests: content of every kind that a platform takes, and who posts it.

Media that a platform fetches stand on the shelf under its loopback address; media that we upload are named by
an https address that our client finds at the same shelf (`https://shelf/PATH` is rewritten to it).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from bot.domain import posting
from bot.domain.auditing import Actor
from bot.domain.house import House
from bot.http import OpenHttp
from bot.jobs import sweep
from bot.outbound import Rewriter
from bot.platforms.content import Content, Media, MediaKind
from bot.platforms.media import UrlMedia
from bot.platforms.registry import INSTAGRAM_ON_FACEBOOK
from sandbox.platforms.testing import Twins, jpeg
from storage.models import Connection, Delivery, Notice
from tests.contract.cases import CASES
from tests.contract.conftest import Stage, stage_of

BY_WORD = {case.id: case for case in CASES}
LINK = "https://bakery.example/bread"
FILM_BYTES = 300_000
STEPS_MOST = 80  # of one delivery
LONG_FILM_BYTES = 11 * 1024 * 1024  # two chunks at TikTok


class NoEnd(AssertionError):
    """A delivery went on and on."""


@dataclass(frozen=True)
class Kind:
    """One kind of post on one platform."""

    word: str  # the platform's, or the key of a way to it
    name: str
    make: Callable[[Twins, str], Content]
    simple: bool = True  # its faults are tried at every run of the tests, those of the others at long ones

    def __str__(self) -> str:
        return f"{self.word}-{self.name}"


def words(_: Twins, text: str) -> Content:
    return Content(text=text)


def article(_: Twins, text: str) -> Content:
    return Content(text=text, title="How we bake", link=LINK)


def picture(twins: Twins, text: str) -> Content:
    return Content(text=text, media=(_picture(twins, "/one.jpg"),))


def pictures(twins: Twins, text: str) -> Content:
    return Content(text=text, media=tuple(_picture(twins, f"/{name}.jpg") for name in ("one", "two")))


def read_pictures(twins: Twins, text: str) -> Content:
    return _uploaded(pictures(twins, text))


def read_picture(twins: Twins, text: str) -> Content:
    return _uploaded(picture(twins, text))


def film(twins: Twins, text: str) -> Content:
    return Content(text=text, media=(_film(twins, 1920, 1080),))


def upright_film(twins: Twins, text: str) -> Content:
    return Content(text=text, media=(_film(twins, 1080, 1920),))


def read_film(twins: Twins, text: str) -> Content:
    return _uploaded(upright_film(twins, text))


def long_film(twins: Twins, text: str) -> Content:
    return _uploaded(Content(text=text, media=(_film(twins, 1080, 1920, LONG_FILM_BYTES),)))


KINDS = (
    Kind("facebook", "text", words),
    Kind("facebook", "photo", picture),
    Kind("facebook", "photos", pictures, simple=False),
    Kind("facebook", "video", film, simple=False),
    Kind("facebook", "reel", upright_film, simple=False),
    Kind("instagram", "image", picture),
    Kind("instagram", "carousel", pictures, simple=False),
    Kind("instagram", "reel", upright_film, simple=False),
    Kind(INSTAGRAM_ON_FACEBOOK, "image", picture),
    Kind("threads", "text", words),
    Kind("threads", "image", picture, simple=False),
    Kind("threads", "video", upright_film, simple=False),
    Kind("threads", "carousel", pictures, simple=False),
    Kind("x", "text", words),
    Kind("x", "pictures", read_pictures, simple=False),
    Kind("x", "video", read_film, simple=False),
    Kind("tiktok", "video", read_film),
    Kind("tiktok", "long_video", long_film, simple=False),
    Kind("tiktok", "photos", pictures),
    Kind("youtube", "video", read_film),
    Kind("linkedin", "text", words),
    Kind("linkedin", "image", read_picture),
    Kind("linkedin", "images", read_pictures, simple=False),
    Kind("linkedin", "video", read_film, simple=False),
    Kind("linkedin", "article", article, simple=False),
    Kind("linkedin_pages", "text", words),
    Kind("linkedin_pages", "image", read_picture, simple=False),
    Kind("pinterest", "image", picture),
    Kind("pinterest", "images", pictures, simple=False),
    Kind("pinterest", "video", read_film, simple=False),
)


def _picture(twins: Twins, path: str) -> Media:
    data = jpeg()
    return Media(twins.put(path, data), MediaKind.IMAGE, "image/jpeg", len(data), 1080, 1080)


def _film(twins: Twins, width: int, height: int, size: int = FILM_BYTES) -> Media:
    data = b"\x00\x00\x00\x18ftypmp42".ljust(size, b"\x00")
    url = twins.put(f"/film-{size}.mp4", data, "video/mp4")
    return Media(url, MediaKind.VIDEO, "video/mp4", size, width, height, 10.0)


def _uploaded(content: Content) -> Content:
    """The same post, its media named as our own client reads them."""
    named = [replace(item, url="https://shelf" + item.url.partition("/shelf")[2]) for item in content.media]
    return replace(content, media=tuple(named))


@dataclass(frozen=True)
class ShelfMedia:
    """Reads the shelf from memory: it serves no ranges, and a long film is read by them."""

    twins: Twins

    async def read(self, media: Media, start: int, length: int) -> bytes:
        data, _ = self.twins.shelf.files["/shelf" + media.url.removeprefix("https://shelf")]
        return data[start : start + length]


@asynccontextmanager
async def stage_for(
    word: str, twins: Twins, migrated: Path, folder: Path, *, fresh: str = ""
) -> AsyncIterator[Stage]:
    """A stage whose house reads media. `fresh` names its database's file."""
    path, rewriter = folder / f"publishing{fresh}.db", Rewriter(str(twins.http.base_url).rstrip("/"))
    async with stage_of(BY_WORD[word], twins, migrated, path) as stage, OpenHttp(rewriter) as files:
        yield replace(stage, house=replace(stage.house, media=UrlMedia(files)))


async def queued(
    stage: Stage, connection: Connection, content: Content, minutes: float = 0, *, key: str = ""
) -> str:
    """Queues the content on one account; the delivery's id. `key` tells it from another with its text."""
    now = stage.house.clock.now()
    due = now + timedelta(minutes=minutes)
    draft = posting.Draft(key or content.text, stage.client.id, (connection.id,), content, due)
    actor = Actor(stage.client.workspace_id, "U1", "C1")
    async with stage.house.db.write() as session:
        post = await posting.queue(session, stage.house, actor, draft, now)
        query = select(Delivery.id).where(Delivery.post_id == post.id)
        return (await session.execute(query)).scalar_one()


async def the(house: House, delivery_id: str) -> Delivery:
    async with house.db.read() as session:
        return await session.get_one(Delivery, delivery_id)


async def notices_of(house: House, subject_id: str) -> list[Notice]:
    async with house.db.read() as session:
        query = select(Notice).where(Notice.subject_id == subject_id)
        return list((await session.execute(query)).scalars())


async def pass_the_lease_clock(house: House) -> None:
    """What a dead process held is free, and nothing of it is on its way any more."""
    async with house.db.write() as session:
        past = await house.db.lease_now(session) - timedelta(seconds=1)
        await session.execute(
            update(Delivery)
            .where(Delivery.lease_owner.is_not(None) | Delivery.sending_over_at.is_not(None))
            .values(sending_over_at=past, lease_until=past)
        )


async def to_its_end(stage: Stage, house: House, delivery_id: str) -> Delivery:
    """Lets time pass from one due moment of the delivery to the next, until none is left. Raises NoEnd."""
    for _ in range(STEPS_MOST):
        delivery = await the(house, delivery_id)
        if delivery.next_at is None:
            return delivery
        if delivery.lease_owner is not None or delivery.sending_over_at is not None:
            await pass_the_lease_clock(house)
        wait = (delivery.next_at - house.clock.now()).total_seconds()
        stage.twins.advance(seconds=max(wait, 0) + 0.01)
        await sweep.publish_due(house)
    raise NoEnd(f"no end: {delivery.state} ({delivery.reason}, {delivery.code}), {delivery.steps} steps")


def posts_with(twins: Twins, text: str) -> list[str]:
    """The ids of the posts at the twins whose text is this one."""
    return [str(entry.detail["id"]) for entry in twins.world.ledger.posts() if entry.detail["text"] == text]
