"""`/queue import`: a calendar uploaded in Slack, looked at, queued once, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bot.commands.media import link_look
from bot.domain import calendar, importing
from bot.domain.calendar_file import COLUMNS
from bot.messages import actions
from bot.messages import importing as messages
from sandbox.slack import Person
from sandbox.slack.delivery import deliver
from sandbox.slack.payloads import view_submission
from storage.models import AuditEvent, Delivery, Import, Post
from tests.commands.scene import PICTURE, Scene, buttons
from tests.support import Killed, another

START = datetime(2099, 1, 1, 9, 0)


def line(**cells: str) -> dict[str, str]:
    return {"client": "client-a", "platforms": "x", "when": "2099-01-01T09:00", "text": "Bread"} | cells


def some(good: int, faulty: int = 0) -> list[dict[str, str]]:
    """So many lines of each, the faulty ones among the good."""
    rows = [
        line(when=(START + timedelta(hours=5 * number)).isoformat(), text=f"Bread, no. {number}")
        for number in range(good)
    ]
    for number in range(faulty):
        rows.insert(number * 3, line(client="cliemt-a", text=f"Wrong {number}"))
    return rows


def as_csv(rows: list[dict[str, str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(COLUMNS), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


async def window(scene: Scene, person: Person | None = None) -> Any:
    person = person or scene.ben
    if person.modal is not None:
        await person.close(person.modal)
    await person.command("/queue", "import", scene.team.id)
    await scene.world.until(lambda: person.modal is not None)
    return person.modal


async def uploaded(scene: Scene, data: bytes, person: Person | None = None) -> str:
    """Uploads a file; what the window shows then."""
    person = person or scene.ben
    view = await window(scene, person)
    await person.submit(view, {messages.FILE: [person.upload("plan.csv", data, "text/csv").id]})
    await scene.calm()
    return body(person)


def body(person: Person) -> str:
    assert person.modal is not None
    return str(person.modal.body)


async def press_queue(scene: Scene, person: Person | None = None) -> None:
    person = person or scene.ben
    assert person.modal is not None
    await person.submit(person.modal)
    await scene.calm()


async def worked(scene: Scene, owner: str = "test") -> None:
    """What the bot does by itself."""
    house = another(scene.house, owner)
    await importing.work_due(house, partial(link_look, house, scene.desk.files))
    await scene.settle()


def said_to(scene: Scene, person: Person) -> list[Any]:
    """What somebody was written to directly."""
    channels = scene.world.channels.values()
    direct = [one for one in channels if one.kind == "im" and person.user.id in one.members]
    return [message for channel in direct for message in person.sees(channel.id)]


@pytest.fixture
async def linked(scene: Scene) -> Scene:
    await scene.account(await scene.client(), "x", "acme")
    return scene


async def test_a_calendar_is_looked_at_queued_and_reported(linked: Scene) -> None:
    scene = linked
    shown = await uploaded(scene, as_csv([*some(12, faulty=3), line(media=PICTURE, when="2099-03-01T10:00")]))
    assert "13 posts would be queued and 3 lines have a fault" in shown
    assert "Bread, no. 0" in shown and "line 2: There is no client `cliemt-a`" in shown
    assert "Media links are looked at" in shown and "Queue 13 posts" in shown
    assert await scene.all(Post) == [], "nothing is queued before the second word"
    await press_queue(scene)
    assert "Queueing 13 posts" in body(scene.ben)
    await worked(scene)
    assert len(await scene.all(Post)) == len(await scene.all(Delivery)) == 13
    (answer,) = said_to(scene, scene.ben)
    assert "13 posts are queued and 3 lines have a fault" in answer.text and "cliemt-a" in answer.text
    (row,) = await scene.all(Import)
    assert (row.state, row.text, row.position) == ("done", "", 16)

    again = await uploaded(scene, as_csv(some(12, faulty=3)))
    assert "0 posts would be queued, 12 lines were imported before and 3 lines have a fault" in again
    assert "'submit'" not in again


async def test_what_is_worth_a_look_is_shown_before(linked: Scene) -> None:
    twice = [
        line(),
        line(when="2099-01-02T09:00"),
        line(text="With https://bread.example", when="2099-05-01T09:00"),
    ]
    shown = await uploaded(linked, as_csv(twice))
    assert "Worth a look" in shown and "line 3: @acme on X has the same text" in shown
    assert "X charges about" in shown


async def test_many_faults_have_pages_in_the_window_and_in_the_result(linked: Scene) -> None:
    scene = linked
    shown = await uploaded(scene, as_csv(some(30, faulty=45)))
    assert "45 lines with a fault" in shown and "(1 to 10)" in shown
    for number, words in ((2, "(1 to 20)"), (2, "(21 to 40)"), (2, "(41 to 45)")):
        view = scene.ben.modal
        assert view is not None
        await scene.ben.press(view, f"{actions.IMPORT_PAGE}#{number}")
        await scene.calm()
        assert words in body(scene.ben) and "Queue 30 posts" in body(scene.ben)
    await press_queue(scene)
    await worked(scene)
    (answer,) = said_to(scene, scene.ben)
    assert set(buttons(answer)) == {"All 45 faults"}
    await scene.ben.press(answer, actions.IMPORT_FAULTS)
    await scene.calm()
    assert "(1 to 20)" in body(scene.ben) and "Wrong" not in body(scene.ben)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("client,platforms,when,text\n".encode("utf-16"), "The file is UTF-16"),
        ("client,platforms,when\na,x,Käse".encode("latin-1"), "not UTF-8: line 2 has a character"),
        (b"PK\x03\x04 a workbook", "a workbook of a spreadsheet program"),
        (b"when,text\n", "The column client and the column platforms is missing"),
        (b"", "is missing"),
        (b"client,platforms,when\n", "Below its first line the file is empty"),
        (b"client,platforms,when\n" + b"a,x,y\n" * 2001, "2,001 lines. Split it"),
        (b"x" * (2 * 1024 * 1024 + 1), "plan.csv is larger than 2 MB"),
    ],
)
async def test_what_cannot_be_read_is_said_in_the_window(linked: Scene, data: bytes, said: str) -> None:
    shown = await uploaded(linked, data)
    assert said in shown and "Look at it" in shown, shown
    assert await linked.all(Import) == []


@pytest.mark.parametrize("start", ["\ufeff", ""])
@pytest.mark.parametrize("mark", [",", ";"])
async def test_marks_and_semicolons_are_read(linked: Scene, start: str, mark: str) -> None:
    text = "client,platforms,when,text\r\nclient-a,x,2099-01-01T09:00,Käse\r\n"
    shown = await uploaded(linked, (start + text.replace(",", mark)).encode())
    assert "1 post would be queued" in shown and "Käse" in shown


async def test_ten_submits_of_each_window_are_one_import(linked: Scene) -> None:
    scene = linked
    view = await window(scene)
    scene.ben.fill(view, {messages.FILE: [scene.ben.upload("plan.csv", as_csv(some(5)), "text/csv").id]})
    payload = view_submission(scene.world, scene.ben.user, view, [])
    await asyncio.gather(*(deliver(scene.world, "interactive", payload) for _ in range(10)))
    await scene.calm()
    assert len(await scene.all(Import)) == 1
    again = scene.ben.modal
    assert again is not None
    payload = view_submission(scene.world, scene.ben.user, again, [])
    await asyncio.gather(*(deliver(scene.world, "interactive", payload) for _ in range(10)))
    await asyncio.gather(*(worked(scene, f"process-{number}") for number in range(3)))
    assert len(await scene.all(Post)) == 5 and len(said_to(scene, scene.ben)) == 1
    assert len(await scene.all(AuditEvent, AuditEvent.action == "import.started")) == 1


async def test_two_people_import_one_file_at_once(linked: Scene) -> None:
    scene = linked
    for person in (scene.ben, scene.ada):
        await uploaded(scene, as_csv(some(8)), person)
        await press_queue(scene, person)
    await asyncio.gather(*(worked(scene, f"process-{number}") for number in range(2)))
    assert len(await scene.all(Post)) == 8
    rows = await scene.all(Import)
    assert sum(row.queued for row in rows) == sum(row.known for row in rows) == 8
    assert len(said_to(scene, scene.ben)) == len(said_to(scene, scene.ada)) == 1


async def test_a_process_that_dies_midway_loses_and_repeats_nothing(
    linked: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = linked
    await uploaded(scene, as_csv(some(6, faulty=1)))
    await press_queue(scene)
    real, lines = calendar.store_line, 0

    async def dying(*args: Any) -> Any:
        nonlocal lines
        lines += 1
        done = await real(*args)
        if lines == 4:
            raise Killed
        return done

    with monkeypatch.context() as patched:
        patched.setattr(calendar, "store_line", dying)
        with pytest.raises(Killed):
            await worked(scene, "doomed")
    (row,) = await scene.all(Import)
    assert (row.position, row.queued, len(await scene.all(Post))) == (3, 2, 2)
    await worked(scene, "second")
    assert len(await scene.all(Post)) == 2, "the dead one's lease still runs"
    await scene.set(Import, row.id, lease_until=datetime.now().astimezone() - timedelta(seconds=1))
    await worked(scene, "second")
    (row,) = await scene.all(Import)
    assert (row.state, row.queued, row.known, len(row.faults)) == ("done", 6, 0, 1)
    assert len(await scene.all(Post)) == 6 and len(said_to(scene, scene.ben)) == 1


async def test_outsiders_import_nothing(linked: Scene) -> None:
    scene = linked
    await scene.guest.command("/queue", "import", scene.team.id)
    await scene.calm()
    assert scene.guest.modal is None and "Only members" in scene.last(scene.guest).text


async def test_500_lines_with_40_faulty_ones(linked: Scene, long_run: bool) -> None:
    """A tenth of them where time is short."""
    scene = linked
    good, faulty = (460, 40) if long_run else (46, 4)
    data = as_csv(some(good, faulty))
    assert f"{good} posts would be queued and {faulty} lines have a fault" in await uploaded(scene, data)
    await press_queue(scene)
    await worked(scene)
    assert len(await scene.all(Post)) == good
    (row,) = await scene.all(Import)
    assert (row.queued, row.known, len(row.faults)) == (good, 0, faulty)
    assert f"{good} lines were imported before and {faulty} lines have" in await uploaded(scene, data)
    assert len(await scene.all(Post)) == good
