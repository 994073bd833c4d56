from __future__ import annotations

import asyncio
import csv
import io
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from bot.cli import main
from bot.domain import calendar, importing
from bot.domain.auditing import Actor
from bot.domain.calendar import Came, Report, import_lines
from bot.domain.calendar_file import COLUMNS, Line, decoded, read_lines, read_when
from bot.domain.checking_posts import Worry
from bot.domain.errors import Refused
from bot.domain.house import House
from bot.platforms.content import Media, MediaKind
from sandbox.platforms.testing import Twins
from storage.crypto import new_key
from storage.database import Database
from storage.models import Client, Connection, Delivery, Grant, Import, Post, Workspace, new_id
from tests.support import a_client, house_at

START = datetime(2099, 1, 1, 9, 0)
PICTURE = "https://media.example/bread.jpg"


async def account(house: House, client: Client, platform: str, handle: str) -> str:
    """A connected account; the connection's id."""
    now, key = house.clock.now(), new_id()
    async with house.db.write() as session:
        grant = Grant(
            id=new_id(),
            provider=platform,
            app_id=f"our-{platform}",
            subject=key,
            access_issued_at=now,
            consented_at=now,
            created_at=now,
        )
        session.add(grant)
        await session.flush()
        session.add(
            Connection(
                id=key,
                workspace_id=client.workspace_id,
                client_id=client.id,
                grant_id=grant.id,
                platform=platform,
                account_id=key,
                handle=handle,
                linked_at=now,
                created_at=now,
            )
        )
    return key


class Looker:
    """Stands for the fetching of links: one good picture, nothing else."""

    def __init__(self) -> None:
        self.looked: list[str] = []

    async def __call__(self, url: str) -> Media:
        self.looked.append(url)
        if url != PICTURE:
            raise Refused("That link leads to no file.")
        return Media(url, MediaKind.IMAGE, "image/jpeg", 1000, 1080, 1080)


def as_csv(rows: Iterable[dict[str, str]], columns: Iterable[str] = COLUMNS) -> list[str]:
    """The lines of a file."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(columns), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().splitlines(keepends=True)


def row(**cells: str) -> dict[str, str]:
    return {"client": "client-a", "platforms": "x", "when": "2099-01-01T09:00", "text": "Bread"} | cells


async def imported(
    house: House, client: Client, rows: Iterable[dict[str, str]] | list[str], look: Any = None, **how: bool
) -> list[Report]:
    """What a file comes to."""
    lines = rows if isinstance(rows, list) and rows and isinstance(rows[0], str) else as_csv(rows)  # type: ignore[arg-type]
    actor = Actor(client.workspace_id)
    found = import_lines(house, actor, read_lines(lines), look or Looker(), **how)
    return [report async for report in found]


async def counts(house: House) -> tuple[int, int]:
    async with house.db.read() as session:
        posts = await session.scalar(select(func.count()).select_from(Post))
        deliveries = await session.scalar(select(func.count()).select_from(Delivery))
    return int(posts or 0), int(deliveries or 0)


FAULTS: tuple[tuple[dict[str, str], str], ...] = (
    ({"client": ""}, "client is missing"),
    ({"client": "cliemt-a"}, "Did you mean `client-a`"),
    ({"when": ""}, "time is missing"),
    ({"when": "tomorrow"}, "is not a time"),
    ({"when": "2099-02-30T10:00"}, "is not a time"),
    ({"when": "2099-01-01"}, "no time of day"),
    ({"when": "2020-01-01T10:00"}, "in the past"),
    ({"when": "2030-03-31T02:30"}, "does not exist"),
    ({"when": "2030-10-27T02:30"}, "comes twice"),
    ({"platforms": ""}, "platforms are missing"),
    ({"platforms": "instagran"}, "Did you mean instagram"),
    ({"platforms": "x:@nobody"}, "has no account @nobody on X. It has @acme, @other"),
    ({"text": "x" * 281}, "280"),
    ({"text": ""}, "neither a text nor a media link"),
    ({"platforms": "instagram"}, "needs a picture"),
    ({"media": "https://media.example/gone.jpg"}, "gone.jpg: That link leads to no file"),
)
ODD_FAULTS = (
    ({"when": "9999-12-31T10:00"}, "more than a hundred years"),
    ({"platforms": "x:"}, "“x:” names no account"),
    ({"platforms": "x:@"}, "“x:@” names no account"),
    ({"platforms": "facebook:@nobody"}, "It has Acme Bakery."),
    ({"link": "bread.example"}, "is no link"),
    ({"link": "https://bread.example and more"}, "is no link"),
    ({"link": f"https://bread.example/{'b' * 2000}"}, "link has 2,022 characters"),
    ({"title": "t" * 501}, "title has 501 characters"),
)


def calendar_of(good: int, faulty: int) -> list[dict[str, str]]:
    """Good and faulty lines, mixed; about twelve to a faulty one."""
    rows = []
    for number in range(good + faulty):
        when = (START + timedelta(hours=5 * number)).isoformat(sep=" " if number % 3 else "T")
        rows.append(row(when=when, text=f"Bread, no. {number},\n“fresh”", platforms="x:@acme"))
    for number in range(faulty):
        fault, _ = FAULTS[number % len(FAULTS)]
        rows[number * 12 + 5] |= fault
    return rows


async def test_460_of_500_lines_are_queued_and_40_explained_and_never_twice(
    twins: Twins, database: Database, tmp_path: Path, long_run: bool
) -> None:
    """Every kind of fault is among sixteen; the whole file on PostgreSQL, too, in a long run."""
    is_whole = long_run or database.is_sqlite
    good, faulty = (460, 40) if is_whole else (176, 16)
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        await account(house, client, "x", "acme")
        await account(house, client, "x", "other")
        await account(house, client, "instagram", "acme")
        rows = calendar_of(good, faulty)
        preview = await imported(house, client, rows[:80], dry_run=True)
        assert await counts(house) == (0, 0)
        reports = await imported(house, client, rows)
        came = [report.came for report in reports]
        assert (came.count(Came.QUEUED), came.count(Came.FAULTY)) == (good, faulty)
        assert [(one.number, one.came, one.problem) for one in preview] == [
            (one.number, one.came, one.problem) for one in reports[:80]
        ]
        for number in range(faulty):
            _, words = FAULTS[number % len(FAULTS)]
            assert words in reports[number * 12 + 5].problem, words
        assert await counts(house) == (good, good)
        again = [report.came for report in await imported(house, client, rows)]
        assert (again.count(Came.KNOWN), again.count(Came.FAULTY)) == (good, faulty)
        assert await counts(house) == (good, good)


async def test_odd_lines_are_explained_and_keep_nothing_from_the_others(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    """As the preview in Slack finds them, which keeps the file: also with characters that no text has."""
    async with house_at(twins, database, tmp_path, platforms=("x", "facebook")) as house:
        client = await a_client(house)
        await account(house, client, "x", "acme")
        page = await account(house, client, "facebook", "")
        async with house.db.write() as session:
            (await session.get_one(Connection, page)).name = "Acme Bakery"
        rows = [row(), *(row() | cells for cells, _ in ODD_FAULTS), row(text="Br\x00ead")]
        rows.append(row(text="", link="https://bread.example/", platforms="facebook"))
        data = "".join(as_csv(rows)).encode()
        found = await importing.preview(
            house, Actor(client.workspace_id, "U1", "C1"), "V1", "plan.csv", decoded(data)
        )
        assert found.queued == 2, "the first, and a link alone, as in the composer"
        said = [str(fault["said"]) for fault in found.faults]
        for words, (_, wanted) in zip(said, [*ODD_FAULTS, ({}, "no text")], strict=True):
            assert wanted in words


async def test_a_film_is_not_held_to_what_a_picture_may_be_before_it_is_seen(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    """A title that is too long for pictures on TikTok, and fits a film."""
    async with house_at(twins, database, tmp_path, platforms=("tiktok", "youtube")) as house:
        client = await a_client(house)
        for platform in ("tiktok", "youtube"):
            await account(house, client, platform, "acme")
        film = row(platforms="tiktok youtube", media="https://media.example/a.mp4", title="t" * 95)
        long = film | {"title": "t" * 101}
        actor = Actor(client.workspace_id)
        lines = read_lines(as_csv([film, long]))
        found = [one async for one in import_lines(house, actor, lines, None, dry_run=True)]
        assert [one.came for one in found] == [Came.QUEUED, Came.FAULTY]
        assert "YouTube takes at most 100" in found[1].problem and "TikTok" not in found[1].problem


async def test_an_import_stays_with_its_process_however_long_the_files_of_a_line_take(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    """Nearly the whole lease goes by with each of them; otherwise two processes take it from each other for
    ever, and neither ends the line."""
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        await account(house, client, "x", "acme")
        links = " ".join(f"https://media.example/{number}.jpg" for number in range(3))
        actor, data = Actor(client.workspace_id, "U1", "C1"), "".join(as_csv([row(media=links)]))
        shown = await importing.preview(house, actor, "V1", "plan.csv", data)
        async with house.db.write() as session:
            await importing.start(session, house, actor, shown.id)
        left: list[timedelta] = []

        async def slow(url: str) -> Media:
            async with house.db.write() as session:
                now, found = await house.db.lease_now(session), await session.get_one(Import, shown.id)
                assert found.lease_until is not None
                left.append(found.lease_until - now)
                found.lease_until = now + timedelta(seconds=1)
            return Media(url, MediaKind.IMAGE, "image/jpeg", 1000, 1080, 1080)

        await importing.work_due(house, lambda _: slow)
        assert len(left) == 3 and min(left) > timedelta(minutes=4)
        assert await counts(house) == (1, 1)


async def test_a_line_reaches_every_account_or_the_one_it_names(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        first, second = await account(house, client, "x", "acme"), await account(house, client, "x", "Other")
        picture = await account(house, client, "instagram", "acme")
        look = Looker()
        media = f"{PICTURE} {PICTURE}"
        rows = [
            row(platforms="X instagram", media=PICTURE, title="A title", link="https://a.example/"),
            row(platforms="x:@other", when="2099-01-02T09:00:30+02:00"),
            row(platforms="instagram", media=media, text="", when="2099-07-02 09:00"),
        ]
        reports = await imported(house, client, rows, look)
        assert [report.problem for report in reports] == ["", "", ""], reports
        assert [set(report.labels) for report in reports] == [{first, second, picture}, {second}, {picture}]
        berlin = [datetime(2099, 1, 1, 8), datetime(2099, 1, 2, 7, 0, 30), datetime(2099, 7, 2, 7)]
        assert [report.due_at for report in reports] == [at.replace(tzinfo=UTC) for at in berlin]
        assert look.looked == [PICTURE], "each address is fetched once"
        async with house.db.read() as session:
            posts = (await session.scalars(select(Post).order_by(Post.due_at))).all()
        assert (posts[0].title, posts[0].link, posts[0].author) == ("A title", "https://a.example/", None)
        assert [len(post.media) for post in posts] == [1, 0, 2]


async def test_the_same_line_is_the_same_post_however_it_is_written(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        await account(house, client, "x", "acme")
        await account(house, client, "instagram", "acme")
        first = row(platforms="x instagram", media=PICTURE, when="2099-01-01T09:00+00:00")
        same = row(platforms=" Instagram  X ", media=PICTURE, when="2099-01-01 10:00:00+01:00")
        reports = await imported(house, client, [first, same])
        assert [report.came for report in reports] == [Came.QUEUED, Came.KNOWN]
        await account(house, client, "x", "new")
        async with house.db.write() as session:
            (await session.get_one(Client, client.id)).zone = "Asia/Tokyo"
        assert [report.came for report in await imported(house, client, [first])] == [Came.KNOWN]
        assert await counts(house) == (1, 2)
        dry = await imported(house, client, [row(), row()], dry_run=True)
        assert [report.came for report in dry] == [Came.QUEUED, Came.KNOWN]
        ends = [row(text=f"one{end}two", platforms="x:acme") for end in ("\r\n", "\n", "\r")]
        reports = await imported(house, client, ends)
        assert [report.came for report in reports] == [Came.QUEUED, Came.KNOWN, Came.KNOWN]
        assert reports[0].text == "one\ntwo", "whichever program saved the file"


async def test_other_workspaces_and_closed_clients_are_unknown(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        await account(house, client, "x", "acme")
        async with house.db.write() as session:
            other = Workspace(id=new_id(), team_id="T2", created_at=house.clock.now())
            session.add(other)
            (await session.get_one(Client, client.id)).closed_at = house.clock.now()
        for workspace_id in (other.id, client.workspace_id):
            lines = read_lines(as_csv([row()]))
            found = [one async for one in import_lines(house, Actor(workspace_id), lines, Looker())]
            assert [one.problem for one in found] == ["There is no client `client-a`."]
        assert await counts(house) == (0, 0)


async def test_the_shared_check_speaks_in_preview_and_import(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        await account(house, client, "x", "acme")
        await account(house, client, "x", "other")
        later = row(when="2099-01-03T09:00", platforms="x:@acme")
        rows = [row(), later, row(text="Else", platforms="x:@acme")]
        for dry_run in (True, False):
            reports = await imported(house, client, rows, dry_run=dry_run)
            worries = [[item.worry for item in report.warned] for report in reports]
            assert worries == [[Worry.SAME_MINUTE], [Worry.REPEATED], []]


def lines_of(text: str) -> list[Line]:
    return list(read_lines(io.StringIO(text, newline="")))


def test_files_as_spreadsheets_write_them() -> None:
    heading, text = "\ufeffClient;Platforms;When;Text", '"one; two\r\nthree"'
    (line,) = lines_of(f"{heading}\r\na;x;2099-01-01T09:00;{text}\r\n;;;\r\n")
    assert line.cells["text"] == "one; two\nthree" and line.number == 2 and not line.problem
    (wide,) = lines_of("client,platforms,when,,\na,x,1,,\n")
    assert not wide.problem, "columns without a name in which nothing stands"
    many = lines_of('when,client,platforms\n\n1,a,x\n"2\n2",a,x\n3,a,x,\n4,a,x,more\n')
    assert [(item.number, item.cells["when"]) for item in many] == [(3, "1"), (4, "2\n2"), (6, "3"), (7, "4")]
    assert [bool(item.problem) for item in many] == [False, False, False, True]
    broken = lines_of('client,platforms,when\na,x,1\na,x,"2\na,x,3\n')
    assert [(item.number, bool(item.problem)) for item in broken] == [(2, False), (3, True)]


def test_lines_are_read_as_they_are_needed() -> None:
    def endless() -> Iterator[str]:
        yield "client,platforms,when\n"
        while True:
            yield "a,x,1\n"

    lines = read_lines(endless())
    assert [next(lines).number for _ in range(3)] == [2, 3, 4]


@pytest.mark.parametrize(
    ("heading", "said"),
    [
        ("", "column client and the column platforms"),
        ("client,platforms", "column when is missing"),
        ("client,platforms,when,tittle", "“tittle” is none of the columns"),
        ("client,platforms,when,when", "twice"),
        ("client,,platforms,when", "Column 2 has no name"),
    ],
)
def test_a_heading_that_cannot_be_used(heading: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        lines_of(f"{heading}\na,x,1\n")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2030-10-27T02:30+02:00", "2030-10-27T00:30:00+00:00"),
        ("2030-10-27T02:30+01:00", "2030-10-27T01:30:00+00:00"),
        ("2030-03-31T01:59:59", "2030-03-31T00:59:59+00:00"),
        ("2030-03-31T03:00", "2030-03-31T01:00:00+00:00"),
        ("2030-07-01T10:00Z", "2030-07-01T10:00:00+00:00"),
        ("2030-07-01 10:00:05.9", "2030-07-01T08:00:05+00:00"),
    ],
)
def test_times(text: str, instant: str) -> None:
    assert read_when(text, "Europe/Berlin").isoformat() == instant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2030-03-31T02:00", "does not exist"),
        ("2030-10-27T02:00", r"like 2030-10-27T02:00:00\+02:00"),
        ("0001-01-01T00:00+14:00", "cannot|can plan"),
        ("24.12.2030 18:00", "is not a time"),
        ("2030-12-24T18.30", "is not a time"),  # no guess: 18 o'clock and 0.3 seconds
        ("2030-12-24-18:00", "no time of day"),
        ("2030-12-24+02:00", "no time of day"),
    ],
)
def test_times_that_are_none(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        read_when(text, "Europe/Berlin")


def test_the_command_of_the_operator(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bot.db"
    shutil.copy(migrated_sqlite, path)
    asyncio.run(_agency(f"sqlite+aiosqlite:///{path}"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAMPLIGHTER_DATABASE_URL", f"sqlite:///{path}")
    monkeypatch.setenv("LAMPLIGHTER_ENCRYPTION_KEYS", new_key())
    good, bad = row(), row(media="http://media.example/a.jpg")
    (tmp_path / "posts.csv").write_text("".join(as_csv([good, bad])), encoding="utf-8")

    def run(*options: str) -> Any:
        return CliRunner().invoke(main, ["import", "posts.csv", *options])

    dry = run("--dry-run")
    assert "+ line 2: would be queued for Thu 1 Jan 2099 09:00 (Europe/Berlin): @acme on X" in dry.output
    assert "! line 3: http://media.example/a.jpg: This has to be an address" in dry.output
    first, second = run(), run("--workspace", "T1")
    assert first.output.splitlines()[-1] == "1 post queued, 0 imported before, 1 faulty."
    assert second.output.splitlines()[-1] == "0 posts queued, 1 imported before, 1 faulty."
    assert {dry.exit_code, first.exit_code, second.exit_code} == {1}
    assert "no workspace T9" in run("--workspace", "T9").output
    (tmp_path / "posts.csv").write_bytes(b"client,platforms,when\n\xff")
    assert "not UTF-8" in run().output
    (tmp_path / "posts.csv").write_text("".join(as_csv([good])))
    assert run().exit_code == 0


async def _agency(url: str) -> None:
    database, now = Database(url), datetime.now(UTC)
    async with database.write() as session:
        workspace = Workspace(id=new_id(), team_id="T1", name="Acme", created_at=now)
        session.add(workspace)
        await session.flush()
        client = Client(
            id=new_id(),
            workspace_id=workspace.id,
            slug="client-a",
            name="Client A",
            zone="Europe/Berlin",
            created_at=now,
        )
        session.add(client)
    house: Any = type("Shop", (), {"db": database, "clock": type("Clock", (), {"now": lambda _: now})()})()
    await account(house, client, "x", "acme")
    await database.close()


def test_the_key_holds_what_the_line_says() -> None:
    client: Any = type("Row", (), {"id": "c"})()
    base = calendar.line_key(client, Line(2, row()))
    others = {"text": "Rolls", "when": "2099-01-01T09:01", "platforms": "x:@a", "title": "T"}
    for name, value in others.items():
        assert calendar.line_key(client, Line(9, row(**{name: value}))) != base
    assert calendar.line_key(client, Line(9, row())) == base and len(base) < 255
