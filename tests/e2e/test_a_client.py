"""A client's whole life in the demo: set-up, eight accounts from one command, a look at everything, another
name, one account less, closed, its channel archived; and the same looks by the client's own guest."""

from __future__ import annotations

from typing import Any

from bot.messages import actions
from bot.messages import clients as client_words
from sandbox.slack import Person
from sandbox.slack.life import archive
from tests.e2e.office import LOGINS, Office

PLATFORMS = [key for key in LOGINS if key != "linkedin_pages"]
WORD = {"linkedin_pages": "linkedin-page"}


async def answer(office: Office, person: Person, command: str, text: str = "") -> str:
    """What the person alone is told."""
    before = len(person.sees(office.channel.id))
    await person.command(command, text, office.channel.id)
    await office.demo.sandbox.slack.until(lambda: len(person.sees(office.channel.id)) > before)
    await office.demo.settled()
    return [one for one in person.sees(office.channel.id) if one.ephemeral_to][-1].text


async def put_away(person: Person) -> None:
    """Closes every window."""
    if person.modal is not None:
        await person.close(person.modal, everything=True)


async def window(office: Office, person: Person, text: str) -> Any:
    """The window that a word behind `/lamplighter` opens."""
    await put_away(person)
    await person.command("/lamplighter", text, office.channel.id)
    await office.demo.sandbox.slack.until(lambda: person.modal is not None)
    return person.modal


async def home(office: Office, person: Person) -> str:
    before = person.home.hash if person.home else ""
    person.open_home()
    await office.demo.sandbox.slack.until(
        lambda: bool(person.home and person.home.hash != before), timeout=20
    )
    await office.demo.settled()
    return str(person.home.body) if person.home else ""


async def detail(office: Office, person: Person) -> str:
    """The window of the first account that `/health` lists."""
    await put_away(person)
    await answer(office, person, "/health")
    message = [one for one in person.sees(office.channel.id) if one.ephemeral_to][-1]
    menus = [element for block in message.blocks for element in block.get("elements", [])]
    options = next(one["options"] for one in menus if one.get("action_id") == actions.HEALTH_DETAIL)
    await person.press(message, actions.HEALTH_DETAIL, chosen=options[0]["value"])
    await office.demo.sandbox.slack.until(lambda: person.modal is not None)
    shown = str(person.modal.body) if person.modal else ""
    await put_away(person)
    return shown


def closed(office: Office) -> str:
    """The one message to the channel that says so."""
    told = [one.text for one in office.roots() if "is closed" in one.text]
    assert len(told) <= 1
    return "".join(told)


async def test_a_clients_life_from_one_command_to_its_end(office: Office) -> None:
    maria, slack = office.maria, office.demo.sandbox.slack
    await maria.command("/lamplighter", f"connect {' '.join(PLATFORMS)} bakery", office.channel.id)
    for done, platform in enumerate(PLATFORMS):
        links = await office.links(len(PLATFORMS) - done)
        page = await office.walk(links[0], platform, "bakery")
        assert "is connected" in page.text, page.text
    assert f"{len(PLATFORMS)} fine" in await answer(office, maria, "/health")
    shown = await detail(office, maria)
    assert "What it may do" in shown and "On whose login" in shown and "connected" in shown
    assert f"{len(PLATFORMS)} fine" in await home(office, maria)
    settings = await window(office, maria, "settings")
    assert "Warn before a sign-in ends" in str(settings.body)

    await office.post("x", "Bread tomorrow", later=86_400)
    view = await window(office, maria, "clients bakery")
    assert (await maria.submit(view, {client_words.SLUG: "bakery-berlin"})).errors == {}
    assert "bakery-berlin" in await answer(office, maria, "/health", "bakery")
    said = await answer(office, maria, "/disconnect", "youtube bakery")
    assert "YouTube" in said
    message = [one for one in maria.sees(office.channel.id) if one.ephemeral_to][-1]
    seen = await maria.press(message, "account.disconnect")
    await office.demo.settled()
    assert seen.confirm is not None

    guest = Person(slack, office.demo.agency.kim.id)
    for text in (
        await answer(office, guest, "/health", "all"),
        await answer(office, guest, "/lamplighter", "clients"),
        await home(office, guest),
        await detail(office, guest),
        await answer(office, guest, "/lamplighter", "settings"),
    ):
        assert "florist" not in text.casefold() and "roastery" not in text.casefold(), text
    assert "Only members" in await answer(office, guest, "/disconnect")

    view = await window(office, maria, "clients bakery")
    await maria.press(view, actions.CLOSE_CLIENT)
    await slack.until(lambda: "Close it" in str(maria.modal.body if maria.modal else ""))
    closing = maria.modal
    assert closing is not None and "1 queued post will be cancelled" in str(closing.body)
    await maria.submit(closing, {})
    office.demo.app.leaving.set()  # or our access would be taken back within half a minute
    await slack.until(lambda: "remove our app" in closed(office), timeout=60)
    await slack.until(lambda: "Our access to" not in closed(office), timeout=60)
    assert "https://" in closed(office) and "Facebook" in closed(office)
    assert not office.published("Bread tomorrow", "x")

    archive(slack, office.channel, maria.user.id)
    await office.demo.settled()
    assert not slack.complaints
