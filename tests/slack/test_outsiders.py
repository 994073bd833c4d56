"""Guests, people of other teams, whoever Slack does not tell about or has deactivated: what each may, at
every listener.

They read, link and relink the accounts of clients whose channel they are in. Everything else is refused in
words, changes nothing, and names no other client. Each listener is tried by one of them in turn, under
`--long` by all of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from bot.messages import actions
from sandbox.slack.models import User
from tests.slack import rights
from tests.slack.asking import Request, Watched, requests, was_refused, watching
from tests.slack.rights import Who
from tests.slack.street import Street, dump, event, furnished, press, press_in_view, tried
from tests.slack.town import Town, a_town

HIDDEN = ("hidden", "secret", "zebra_gone")
"""What only stands in the names of a client whose channel no outsider is in."""

LINKING = {"notices", "invitations", "audit_events"}
"""The tables that asking for a link writes to."""

KINDS = ("guest", "single-channel guest", "other team", "unknown", "deactivated")


def outsider(town: Town, kind: str, zebra: str, street: Street) -> User:
    """Somebody in the shared channel who is no member of the team; the unknown one Slack does not know."""
    if kind == "other team":
        return town.people["acme.member"].user
    if kind == "unknown":
        return User("U0NOBODY", zebra, "nobody", "Nobody")
    guest = {"is_restricted": True, "is_ultra_restricted": kind != "guest"}
    flags = {"deleted": True, "is_admin": True} if kind == "deactivated" else guest
    user = town.world.add_user(zebra, kind.replace(" ", "."), **flags)
    street.shared.members.add(user.id)
    return user


@pytest.fixture
async def street(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Street]:
    async with a_town(migrated_sqlite, tmp_path) as town:
        await town.settled_in("acme")
        zebra = await town.settled_in("zebra")
        shared = town.channel(zebra, "together", "zebra.admin", "zebra.member", "acme.member")
        shared.connected_teams.add(zebra)
        shared.members.add(town.people["acme.member"].user.id)
        theirs = await furnished(town, "zebra", shared)
        nobody = User("U0", zebra, "nobody", "Nobody")
        yield Street(town, zebra, zebra, shared, shared, theirs, nobody, HIDDEN)


def in_turn(street: Street, people: list[User]) -> Iterator[Request]:
    """Every request, each by the next of these people. People of another team cannot type our commands."""
    typing = [one for one in people if one.team_id == street.zebra]
    asking, commands = requests(street, street.theirs), len(rights.typed(street.theirs))
    for number in count():
        turn = typing if number < commands else people
        street.who = turn[number % len(turn)] if turn else street.who
        request = next(asking, None)
        if request is None:
            return
        if turn:
            yield request


async def wrong_with(street: Street, people: list[User]) -> list[str]:
    """What these people were allowed, or not told, against the rule."""
    found = []
    with watching(street) as connection:
        watched = Watched(street, connection)
        await watched.changed()
        for request in in_turn(street, people):
            may = request.need.who is Who.EVERYBODY
            refused, answered = await was_refused(street, request)
            what = f"{request.what} by {street.who.name}"
            if refused is may:
                found.append(f"{what} was {'refused' if refused else 'not refused'}")
            if not answered and not request.what.startswith(actions.OPEN_LINK):
                found.append(f"{what} was answered with nothing")
            changed = await watched.changed() - (LINKING if may else set())
            if changed:
                found.append(f"{what} changed {sorted(changed)}")
    return found


async def test_what_an_outsider_may(street: Street, long_run: bool) -> None:
    people = [outsider(street.town, kind, street.zebra, street) for kind in KINDS]
    wrong = await wrong_with(street, people)
    for person in people if long_run else ():
        wrong += await wrong_with(street, [person])
    await street.town.calm()
    assert wrong == []
    assert street.found == []


async def test_each_of_them_is_an_outsider_and_sees_no_menu_and_an_empty_home(street: Street) -> None:
    """What the turns rest on: whichever kind he is of, he is an outsider."""
    for kind in KINDS:
        street.who = outsider(street.town, kind, street.zebra, street)
        taken = next(one for one in requests(street, street.theirs) if one.what.startswith(actions.TAKE))
        assert await was_refused(street, taken) == (True, True), kind
        for name in rights.MENUS:
            payload = press_in_view(street, name, "", "modal") | {"type": "block_suggestion"}
            payload |= {"action_id": name, "block_id": "b", "value": ""}
            said = "".join(await tried(street, f"{name} by {kind}", "interactive", payload))
            assert '"options": []' in said or '"options":[]' in said
        if "guest" not in kind:
            continue  # has no Home of ours
        opened = event(street, {"type": "app_home_opened", "tab": "home"}, kind)
        await tried(street, f"Home of {kind}", "events_api", opened)
    assert street.found == []


async def test_an_outsider_relinks_the_account_of_his_channel(street: Street) -> None:
    street = replace(street, who=outsider(street.town, "guest", street.zebra, street))
    before = await dump(street)
    payload = press(
        street, actions.RECONNECT_ACCOUNT, street.theirs.connection, street.shared, ephemeral=False
    )
    answers = await tried(street, "reconnect", "interactive", payload)
    assert any("Posted" in text or "link" in text for text in answers)
    assert len((await dump(street))["invitations"]) == len(before["invitations"]) + 1
    assert street.found == []
