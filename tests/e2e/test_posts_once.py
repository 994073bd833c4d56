"""Posts that go out once, end to end: a retry, a campaign over a death and a pause, an edit at the end."""

from __future__ import annotations

import asyncio
import copy
import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.domain.calendar_file import COLUMNS
from bot.messages import actions, queue_windows
from bot.messages import importing as import_words
from sandbox.agency import TEAM, Morning, links_in
from sandbox.server import PICTURE_HOST
from sandbox.slack import Person
from sandbox.slack.models import Message
from storage.models import Delivery, Notice, Post
from tests.e2e.office import DAY, HOUR, Office, login

FIVE = ("instagram", "threads", "x", "linkedin", "facebook")  # Facebook's login reaches Instagram too
TEXT = "Five shops, one bread"


async def deliveries(office: Office) -> list[Delivery]:
    async with office.demo.app.house.db.read() as session:
        return list((await session.scalars(select(Delivery).order_by(Delivery.due_at))).all())


async def compose(office: Office, text: str, picture: str = "") -> None:
    """A post for every account of the bakery, now."""
    maria = office.maria
    await maria.command("/post", "", office.channel.id)
    morning = Morning(office.demo.sandbox, office.demo.agency, office.demo.advanced)
    view = await morning._modal(maria, "composer.text")
    values: dict[str, Any] = {"composer.text": text}
    if picture:
        values["composer.media"] = f"https://{PICTURE_HOST}/{picture}"
    for block in view.body["blocks"]:
        if block.get("block_id", "").startswith("composer.accounts"):
            values[block["block_id"]] = [one["value"] for one in block["element"]["options"]]
    seen = await maria.submit(view, values)
    assert not seen.errors, seen.errors
    await maria.close(await morning._modal(maria, "Queued"))
    await office.demo.settled()


def root_with(office: Office, words: str) -> Message:
    found = [one for one in office.roots() if words in one.text]
    assert found, [one.text for one in office.roots()]
    return found[-1]


async def test_retry_touches_what_failed_and_ten_presses_are_one_send_each(office: Office) -> None:
    slack, world = office.demo.sandbox.slack, office.demo.sandbox.platforms
    for platform in FIVE:
        await office.connect(platform)
    world.set_fault("credits_depleted", "x")
    world.set_fault("container_error", "instagram")
    await compose(office, TEXT, "bread.jpg")
    for _ in range(4):
        await office.demo.advanced(120)
    before = {row.id: (row.state, row.attempt, row.external_id) for row in await deliveries(office)}
    assert sorted(state for state, _, _ in before.values()) == ["failed"] * 2 + ["published"] * 3
    alert = root_with(office, "failed on 2 of 5 accounts")
    yesterdays = copy.deepcopy(alert)
    world.faults.clear()

    third = slack.add_user(TEAM, "Ida", tz="Europe/Berlin")
    office.channel.members.add(third.id)
    people = [office.maria, Person(slack, office.demo.agency.tom.id), Person(slack, third.id)]
    await asyncio.gather(*(people[number % 3].press(alert, actions.RETRY) for number in range(10)))
    for _ in range(4):
        await office.demo.advanced(60)
    after = {row.id: (row.state, row.attempt, row.external_id) for row in await deliveries(office)}
    for key, (state, attempt, external_id) in before.items():
        if state == "published":
            assert after[key] == (state, attempt, external_id), "the other three stay as they were"
        else:
            assert after[key][:2] == ("published", 2)
    for platform in FIVE:
        assert len(office.published(TEXT, platform)) == 1, platform

    await office.demo.advanced(DAY)
    await _press_old(office, yesterdays)
    await office.demo.settled()
    said = [one.text for one in office.maria.sees(office.channel.id) if one.ephemeral_to]
    assert "Nothing was changed" in said[-1] and "is published already" in said[-1]
    assert sum(len(office.published(TEXT, platform)) for platform in FIVE) == 5


async def _press_old(office: Office, old: Message) -> None:
    """As if Slack still showed the message as it was: an old client, or one without a connection."""
    now = office.channel.messages[old.ts]
    shown, now.blocks = now.blocks, old.blocks
    try:
        await office.maria.press(now, actions.RETRY)
    finally:
        now.blocks = shown


async def imported(office: Office, rows: list[dict[str, str]]) -> None:
    """A calendar, uploaded and queued."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(COLUMNS), restval="")
    writer.writeheader()
    writer.writerows(rows)
    maria, morning = office.maria, Morning(office.demo.sandbox, office.demo.agency, office.demo.advanced)
    await maria.command("/queue", "import", office.channel.id)
    view = await morning._modal(maria, import_words.FILE)
    file = maria.upload("campaign.csv", out.getvalue().encode(), "text/csv")
    await maria.submit(view, {import_words.FILE: [file.id]})
    await maria.submit(await morning._modal(maria, f"Queue {len(rows)} posts"))

    async def done() -> bool:
        return len(await deliveries(office)) == len(rows)

    async with asyncio.timeout(60):
        while not await done():
            await asyncio.sleep(0.1)
    modal = maria.modal
    if modal is not None:
        await maria.close(modal)


@pytest.mark.timeout(600)
async def test_a_campaign_over_a_death_and_a_pause_goes_out_once_and_in_order(
    office: Office, long_run: bool
) -> None:
    number = 30 if long_run else 9
    await office.connect("x")
    start = office.demo.sandbox.platforms.now() + timedelta(hours=1)
    rows = [
        {
            "client": "bakery",
            "platforms": "x",
            "when": (start + timedelta(hours=at)).isoformat(timespec="seconds"),
            "text": f"Bread of the day, number {at:02}",
        }
        for at in range(number)
    ]
    await imported(office, rows)
    third = number // 3
    await office.demo.advanced(HOUR + (third - 1) * HOUR + 60)

    office.demo.sandbox.platforms.set_fault("revoked", "x", account=login("x", "bakery"))
    await office.demo.advanced(third * HOUR)
    await office.walk(links_in(office.maria, office.channel.id)[0], "x", "bakery")
    await office.demo.advanced(60)
    await _send_all_late(office)

    await _press_in_queue(office, actions.QUEUE_PAUSE)
    await office.demo.advanced((number - 2 * third) * HOUR)
    await _press_in_queue(office, actions.QUEUE_RESUME)
    await office.demo.settled()
    await _send_all_late(office)

    texts = [entry.detail["text"] for entry in office.demo.sandbox.platforms.ledger.posts("", platform="x")]
    assert sorted(texts) == [row["text"] for row in rows], "every post once"
    async with office.demo.app.house.db.read() as session:
        offers = (await session.scalars(select(Notice).where(Notice.topic == "late"))).all()
    assert len(offers) == 2, "one message after the death, one after the pause"
    asked = {row.post_id: row.offer_id for row in await deliveries(office)}
    async with office.demo.app.house.db.read() as session:
        said = {row.text: asked[row.id] for row in (await session.scalars(select(Post))).all()}
    for offer in (None, *(notice.id for notice in offers)):
        group = [text for text in texts if said[text] == offer]
        assert group and group == sorted(group), "in order"


async def _send_all_late(office: Office) -> None:
    asked = root_with(office, "waited past their time")
    labels = [
        element["text"]["text"]
        for block in asked.blocks
        for element in block.get("elements", [])
        if element.get("type") == "button"
    ]
    assert labels[1] == "Choose", labels
    await office.maria.press(asked, actions.SEND_LATE)
    for _ in range(20):
        await office.demo.advanced(15)


async def _press_in_queue(office: Office, action_id: str) -> None:
    listed = await _listed(office)
    numbered = f"{action_id}#2" if f"{action_id}#2" in str(listed.blocks) else action_id
    await office.maria.press(listed, numbered)
    await office.demo.settled()


@pytest.mark.parametrize(("seconds", "state"), [(-60, "scheduled"), (1, "preparing"), (900, "published")])
async def test_an_edit_at_the_last_minute_is_published_or_refused(
    office: Office, seconds: int, state: str
) -> None:
    """Before the due time, when the containers of the old text exist, and too late. Never the old text after
    an accepted edit."""
    old, new = "Old bread", "New bread"
    await office.connect("instagram")
    world = office.demo.sandbox.platforms
    world.set_fault("container_slow", "instagram", value=4)
    await office.post("instagram", old, later=HOUR)
    (row,) = await deliveries(office)
    listed = await _listed(office)
    await office.demo.advanced((row.due_at - world.now()).total_seconds() + seconds)
    (row,) = await deliveries(office)
    assert (row.state, row.handles is not None) == (state, state == "preparing")
    accepted = await _edited(office, listed, new)
    for _ in range(12):
        await office.demo.advanced(60)
    (row,) = await deliveries(office)
    assert row.state == "published"
    texts = [entry.detail["text"] for entry in world.ledger.posts("", platform="instagram")]
    assert texts == [new if accepted else old]
    assert accepted == (state != "published")


async def _listed(office: Office) -> Message:
    await office.maria.command("/queue", "bakery", office.channel.id)
    await office.demo.settled()
    return [one for one in office.maria.sees(office.channel.id) if one.ephemeral_to][-1]


async def _edited(office: Office, listed: Message, text: str) -> bool:
    """Whether a window took the new text; where none opens, it was refused in words."""
    await office.maria.press(listed, actions.QUEUE_EDIT)
    await office.demo.settled()
    view = office.maria.modal
    if view is None:
        said = [one.text for one in office.maria.sees(office.channel.id) if one.ephemeral_to]
        assert any("is published already" in one for one in said), said
        return False
    seen = await office.maria.submit(view, {queue_windows.TEXT: text})
    assert not seen.errors, seen.errors
    return True
