"""The demo's workspace removes the bot and installs it again, as a person does."""

from __future__ import annotations

from sandbox.agency import OTHER_TEAM, TEAM
from sandbox.demo import add_to_slack
from sandbox.slack import Person, life
from tests.e2e.office import DAY, HOUR, Office


async def test_a_workspace_leaves_and_finds_everything_when_it_comes_back(office: Office) -> None:
    slack, demo = office.demo.sandbox.slack, office.demo
    await office.connect("x")
    await office.post("x", "Bread of tomorrow", later=HOUR)
    life.uninstall(slack, TEAM)
    await slack.drain()
    assert "not a valid command" in (await office.maria.command("/health", "", office.channel.id)).warning
    refreshed = len(demo.sandbox.platforms.ledger.find("token_issued", platform="x"))
    await demo.advanced(2 * DAY)
    assert len(demo.sandbox.platforms.ledger.find("token_issued", platform="x")) > refreshed
    assert demo.sandbox.platforms.ledger.find("post_created", platform="x") == []
    await add_to_slack(demo.app.house.public_url, TEAM, office.maria.user.id)
    await demo.settled()
    said = "\n".join(message.text for message in office.roots())
    assert "Bread of tomorrow" in said and "waited past its time" in said
    operations = office.maria.sees(demo.agency.operations.id)
    assert "I am back" in "\n".join(message.text for message in operations)
    assert "⛔" not in await office.health()


async def test_another_workspace_installs_the_bot_and_sees_nothing_of_the_first(office: Office) -> None:
    slack = office.demo.sandbox.slack
    nora = next(user for user in slack.users.values() if user.name == "nora.lind")
    await add_to_slack(office.demo.app.house.public_url, OTHER_TEAM, nora.id)
    person = Person(slack, nora.id)
    cafe = next(channel for channel in slack.channels.values() if channel.name == "harbour-cafe")
    person.invite_bot(cafe.id)
    await office.connect("x")
    await person.command("/health", "all", cafe.id)
    await office.demo.settled()
    said = "\n".join(message.text for message in person.sees(cafe.id))
    assert said and "bakery" not in said
