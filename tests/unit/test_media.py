"""Media: known by their bytes, kept whole, signed for, held by posts, removed when nothing needs them."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import HouseClock
from bot.domain import content as contents
from bot.domain import media_use
from bot.domain.errors import Refused
from bot.domain.house import House
from bot.http import PlatformHttp
from bot.media import HouseMedia, Looks, MediaStore, Shelf, Signer, StoreTrouble, look_at, open_shelf, sniff
from bot.media.mp4 import Facts, read_facts
from bot.platforms.content import Media, MediaGone, MediaKind
from bot.settings import SettingsError, load_settings
from sandbox.platforms.testing import jpeg
from storage import media as rows
from storage.crypto import Vault, new_key, parse_key
from storage.database import Database
from storage.models import (
    Client,
    Connection,
    Delivery,
    Grant,
    MediaUse,
    Post,
    StoredMedia,
    Workspace,
    new_id,
)
from storage.spool import Spool
from tests.films import film

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
KEYS = [bytes([number]) * 32 for number in (1, 2, 3)]
PICTURE = Looks(MediaKind.IMAGE, "image/jpeg", 1080, 1080)


# -- what a film says of itself --------------------------------------------------------------------


@pytest.mark.parametrize("last", [False, True])
def test_a_film_says_how_long_and_large_it_is(tmp_path: Path, last: bool) -> None:
    path = tmp_path / "film"
    path.write_bytes(film(last=last))
    assert look_at(path) == Looks(MediaKind.VIDEO, "video/mp4", 1920, 1080, 12.5)


def test_a_turned_film_is_as_it_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(film(turned=True))
    seen = look_at(path)
    assert seen is not None and (seen.width, seen.height) == (1080, 1920)


@given(st.binary(max_size=300), st.integers(0, 400))
def test_a_damaged_film_is_no_trouble(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, cut: int
) -> None:
    path = tmp_path_factory.mktemp("films") / "film"
    path.write_bytes(film()[:cut] + junk)
    with path.open("rb") as file:
        assert isinstance(read_facts(file), Facts)
    sniff(junk)


@pytest.mark.parametrize(
    "body",
    [
        b"VP8X"
        + struct.pack("<I", 10)
        + bytes(4)
        + (639).to_bytes(3, "little")
        + (479).to_bytes(3, "little"),
        b"VP8L" + struct.pack("<I", 10) + b"\x2f" + (639 | 479 << 14).to_bytes(4, "little") + bytes(9),
        b"VP8 " + struct.pack("<I", 10) + bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 640, 480),
    ],
)
def test_a_webp_says_how_large_it_is(body: bytes) -> None:
    assert sniff(b"RIFF\x00\x00\x00\x00WEBP" + body) == Looks(MediaKind.IMAGE, "image/webp", 640, 480)


@pytest.mark.parametrize("data", [b"<!DOCTYPE html><html>", b"<svg xmlns=''>", b"GIF", b"%PDF-1.7", b""])
def test_nothing_that_could_run_is_taken(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file.jpg"
    path.write_bytes(data)
    assert look_at(path) is None


# -- addresses -------------------------------------------------------------------------------------


def test_an_address_is_good_until_its_end() -> None:
    signer, media_id = Signer(KEYS), new_id()
    signed = signer.sign(media_id, NOW + timedelta(hours=1))
    assert signed.isascii() and signer.read(f"{signed}.jpg", NOW) == media_id
    assert signer.read(signed, NOW + timedelta(minutes=59)) == media_id
    assert signer.read(signed, NOW + timedelta(hours=1)) is None


def test_an_address_outlives_a_rotation_but_not_its_key() -> None:
    media_id = new_id()
    signed = Signer(KEYS[:1]).sign(media_id, NOW + timedelta(hours=1))
    assert Signer([KEYS[1], KEYS[0]]).read(signed, NOW) == media_id
    assert Signer(KEYS[1:]).read(signed, NOW) is None


@given(st.integers(0, 49), st.sampled_from("ABCDEFwxyz0189-_"))
def test_a_changed_address_is_not_believed(at: int, sign: str) -> None:
    signer, media_id = Signer(KEYS), "ab" * 16
    signed = signer.sign(media_id, NOW + timedelta(hours=1))
    changed = signed[:at] + sign + signed[at + 1 :]
    assert signer.read(changed, NOW) in (None, media_id if changed == signed else None)


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    assert Signer(KEYS).read(text, NOW) is None


# -- the store -------------------------------------------------------------------------------------


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MediaStore:
    return MediaStore("memory:///" if request.param == "memory" else (tmp_path / "new" / "store").as_uri())


async def test_the_store_gives_back_what_it_got(store: MediaStore, tmp_path: Path) -> None:
    source, data = tmp_path / "source", bytes(range(256)) * 12_000
    source.write_bytes(data)
    await store.keep("a" * 32, source)
    assert await store.read("a" * 32, 1000, 10) == data[1000:1010]
    pieces = [piece async for piece in store.stream("a" * 32, 5, len(data))]
    assert b"".join(pieces) == data[5:]
    await store.drop(["a" * 32, "b" * 32])
    with pytest.raises(StoreTrouble):
        await store.read("a" * 32, 0, 1)


def test_the_settings_name_the_store(tmp_path: Path) -> None:
    open_shelf(None, tmp_path, KEYS)
    assert (tmp_path / "media").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be opened"):
        open_shelf((tmp_path / "file" / "media").as_uri(), tmp_path, KEYS)


# -- posts hold them -------------------------------------------------------------------------------


@dataclass
class Clock:
    now: datetime = NOW


@dataclass
class Scene:
    house: House
    clock: Clock
    folder: Path

    async def kept(self, data: bytes, workspace: str = "w1") -> Media:
        source = self.folder / new_id()
        source.write_bytes(data)
        return await media_use.keep(self.house, workspace, source, PICTURE)

    async def post(self, media: Media, state: str = "scheduled", due: datetime = NOW) -> Post:
        async with self.house.db.write() as session:
            post = Post(
                id=new_id(),
                workspace_id="w1",
                client_id="c1",
                request_key=new_id(),
                media=[contents.media_row(media)],
                due_at=due,
                created_at=NOW,
            )
            session.add(post)
            await session.flush()
            await media_use.hold(session, post, [media], self.clock.now)
            session.add(
                Delivery(
                    id=new_id(),
                    post_id=post.id,
                    workspace_id="w1",
                    client_id="c1",
                    connection_id="k1",
                    state=state,
                    due_at=due,
                    planned_at=due,
                    created_at=NOW,
                    changed_at=due,
                )
            )
        return post

    async def ids(self) -> set[str]:
        async with self.house.db.read() as session:
            found = {row.id for row in await rows.due(session, NOW + timedelta(days=9999), 100)}
        return found

    async def is_stored(self, media: Media) -> bool:
        try:
            return bool(await self.house.shelf.store.read(str(media.stored), 0, 1))
        except StoreTrouble:
            return False

    async def later(self, **span: float) -> int:
        """So much later a look is taken; how many files it removed."""
        self.clock.now += timedelta(**span)
        return await media_use.tidy(self.house)


async def settle_in(database: Database) -> None:
    async with database.write() as session:
        for name in ("w1", "w2"):
            session.add(Workspace(id=name, team_id=name, created_at=NOW))
        await session.flush()
        session.add(Client(id="c1", workspace_id="w1", slug="a", name="A", zone="UTC", created_at=NOW))
        grant = {"provider": "x", "app_id": "a", "subject": "s", "access_issued_at": NOW, "consented_at": NOW}
        session.add(Grant(id="g1", created_at=NOW, **grant))
        await session.flush()
        place = {"workspace_id": "w1", "client_id": "c1", "grant_id": "g1"}
        account = {"platform": "x", "account_id": "1", "linked_at": NOW, "created_at": NOW}
        session.add(Connection(id="k1", **place, **account))


@pytest.fixture
async def scene(database: Database, tmp_path: Path) -> AsyncIterator[Scene]:
    await settle_in(database)
    clock = Clock()
    async with PlatformHttp() as http:
        house = House(
            db=database,
            vault=Vault([parse_key(new_key())]),
            clock=HouseClock(real=lambda: clock.now),
            http=http,
            platforms={},
            apps={},
            spool=Spool(tmp_path / "spool"),
            owner="test",
            public_url="https://bot.example",
        )
        yield Scene(house, clock, tmp_path)


async def test_the_same_file_is_stored_once_a_workspace(scene: Scene) -> None:
    same = await asyncio.gather(*(scene.kept(jpeg()) for _ in range(5)))
    other, foreign = await scene.kept(jpeg(100, 100)), await scene.kept(jpeg(), "w2")
    assert len({media.stored for media in same}) == 1
    assert len({same[0].stored, other.stored, foreign.stored}) == 3
    assert same[0].size == len(jpeg()) and same[0].width == 1080


async def test_a_post_keeps_the_id_and_gets_a_fresh_address_each_time(scene: Scene) -> None:
    media = await scene.kept(jpeg())
    post = await scene.post(media)
    (kept,) = post.media
    assert kept["id"] == media.stored and kept["url"] is None
    (first,) = contents.content_of(scene.house, post).media
    scene.clock.now += timedelta(days=20)
    (second,) = contents.content_of(scene.house, post).media
    assert first.url != second.url and replace(first, url="") == replace(second, url="")
    signed = second.url.removeprefix("https://bot.example/media/")
    assert signed.endswith(".jpg")
    assert scene.house.shelf.signer.read(signed, scene.clock.now + timedelta(hours=23)) == media.stored


async def test_stored_media_are_read_from_the_store(scene: Scene) -> None:
    class Links:
        async def read(self, media: Media, start: int, length: int) -> bytes:
            return b"from the link"

    reader = HouseMedia(scene.house.shelf.store, Links())
    media, link = (
        await scene.kept(b"0123456789"),
        Media("https://a.example/", MediaKind.IMAGE, "image/png", 3),
    )
    assert await reader.read(media, 3, 4) == b"3456"
    assert await reader.read(media, 8, 99) == b"89" and await reader.read(media, 10, 5) == b""
    assert await reader.read(link, 0, 3) == b"from the link"
    await scene.house.shelf.store.drop([str(media.stored)])
    with pytest.raises(MediaGone):
        await reader.read(media, 0, 1)
    with pytest.raises(MediaGone):
        await HouseMedia(scene.house.shelf.store).read(link, 0, 1)


async def test_what_nobody_queued_goes_after_a_day(scene: Scene) -> None:
    media = await scene.kept(jpeg())
    assert await scene.later(hours=23) == 0 and await scene.is_stored(media)
    assert await scene.later(hours=2) == 1
    assert not await scene.is_stored(media) and await scene.ids() == set()


@pytest.mark.parametrize(
    ("state", "days"),
    [("published", 1), ("cancelled", 2), ("failed", 30)],
)
async def test_what_is_done_lets_go_of_its_files(scene: Scene, state: str, days: int) -> None:
    media = await scene.kept(jpeg())
    await scene.post(media, state)
    assert await scene.later(days=days - 0.1) == 0 and await scene.is_stored(media)
    assert await scene.later(days=0.2) == 1
    assert not await scene.is_stored(media)
    async with scene.house.db.read() as session:
        assert await session.get(MediaUse, (media.stored, "any")) is None


@pytest.mark.parametrize(
    "state", ["scheduled", "preparing", "sending", "processing", "blocked", "unconfirmed"]
)
async def test_what_waits_keeps_its_files(scene: Scene, state: str) -> None:
    media = await scene.kept(jpeg())
    await scene.post(media, state, NOW + timedelta(days=3))
    for _ in range(50):
        assert await scene.later(days=2) == 0
    assert await scene.is_stored(media)


async def test_a_file_serves_until_its_last_post_is_done(scene: Scene) -> None:
    media = await scene.kept(jpeg())
    await scene.post(media, "published")
    scene.clock.now += timedelta(hours=20)
    again = await scene.kept(jpeg())
    assert again.stored == media.stored
    await scene.post(again, "scheduled", NOW + timedelta(days=5))
    assert await scene.later(days=4) == 0 and await scene.is_stored(media)


async def test_a_file_of_another_workspace_or_none_is_refused(scene: Scene) -> None:
    foreign = await scene.kept(jpeg(), "w2")
    for media in (foreign, replace(foreign, stored=new_id())):
        with pytest.raises(Refused, match="not stored any more"):
            await scene.post(media)


async def test_what_died_while_storing_is_removed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    async def killed(key: str, source: Path) -> None:
        await MediaStore.keep(scene.house.shelf.store, key, source)
        raise Killed

    monkeypatch.setattr(scene.house.shelf.store, "keep", killed)
    with pytest.raises(Killed):
        await scene.kept(jpeg())
    (left,) = await scene.ids()
    monkeypatch.undo()
    again = await scene.kept(jpeg())
    assert again.stored != left, "a half is never given to anybody"
    assert await scene.later(hours=2) == 1 and await scene.ids() == {again.stored}


async def test_what_died_while_removing_is_found_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    media = await scene.kept(jpeg())

    async def stuck(keys: object) -> None:
        raise StoreTrouble("away")

    monkeypatch.setattr(scene.house.shelf.store, "drop", stuck)
    assert await scene.later(days=2) == 0 and await scene.ids() == {media.stored}
    async with scene.house.db.read() as session:
        assert await rows.find(session, str(media.stored)) is None, "nobody can use it any more"
    fresh = await scene.kept(jpeg())
    assert fresh.stored != media.stored
    monkeypatch.undo()
    assert await scene.later(minutes=11) == 1 and await scene.ids() == {fresh.stored}


async def test_a_store_that_is_away_is_said(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(key: str, source: Path) -> None:
        raise StoreTrouble("away")

    monkeypatch.setattr(scene.house.shelf.store, "keep", away)
    with pytest.raises(Refused, match="Try again"):
        await scene.kept(jpeg())


@pytest.fixture
def two_shelves(tmp_path: Path) -> Iterator[tuple[Shelf, Shelf]]:
    yield open_shelf(None, tmp_path, KEYS), open_shelf(None, tmp_path, KEYS)


async def test_two_processes_share_a_store(two_shelves: tuple[Shelf, Shelf], tmp_path: Path) -> None:
    one, two = two_shelves
    source = tmp_path / "source"
    source.write_bytes(b"shared")
    await one.store.keep("c" * 32, source)
    assert await two.store.read("c" * 32, 0, 6) == b"shared"
    assert two.signer.read(one.signer.sign("c" * 32, NOW + timedelta(hours=1)), NOW) == "c" * 32


async def test_an_idle_look_writes_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    media = await scene.kept(jpeg())
    await scene.post(media, due=NOW + timedelta(days=30))

    def never() -> None:
        raise AssertionError("an idle tick opened a writing transaction")

    monkeypatch.setattr(Database, "write", lambda _: never())
    assert await scene.later(days=20) == 0


async def test_the_row_tells_the_file(scene: Scene) -> None:
    media = await scene.kept(jpeg())
    async with scene.house.db.read() as session:
        row = await session.get_one(StoredMedia, str(media.stored))
    assert (row.kind, row.mime, row.size) == ("image", "image/jpeg", len(jpeg()))
    assert (row.width, row.height, row.digest is not None) == (1080, 1080, True)


@pytest.mark.parametrize("url", ["file:///srv/media", "s3://bucket/media", "gs://bucket", "az://container/a"])
def test_places_that_can_hold_media(url: str) -> None:
    assert load_settings({"LAMPLIGHTER_MEDIA_URL": url}, require="none").media_url == url


@pytest.mark.parametrize(
    "url", ["media", "file://host/a", "file:///", "s3://", "https://a.example", "s3://b?x=1"]
)
def test_places_that_cannot(url: str) -> None:
    with pytest.raises(SettingsError, match="LAMPLIGHTER_MEDIA_URL is not the address"):
        load_settings({"LAMPLIGHTER_MEDIA_URL": url}, require="none")
