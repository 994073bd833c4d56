"""What members, people named for a client or the workspace, Slack's admins and the named admins may, at
every listener, under each choice of "who may do what"."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.commands.lamplighter import WORDS
from bot.domain.preferences import Right
from sandbox.slack.models import User
from storage.models import Client, Workspace
from tests.slack import rights
from tests.slack.asking import Watched, requests, was_refused, watching
from tests.slack.foreign import Rows
from tests.slack.rights import Need, Who
from tests.slack.street import Street, furnished, names
from tests.slack.town import a_town
from tests.test_manifest import registered

MEMBER, MANAGER, DEPUTY, SLACK_ADMIN, ADMIN = ROLES = ("member", "manager", "deputy", "Slack admin", "admin")


@dataclass(frozen=True)
class Rule:
    """What a workspace has chosen: whether it has named admins, and what it gives to all members."""

    has_admins: bool
    for_all: Collection[Right] = ()

    def lets(self, role: str, need: Need, *, is_his: bool = True) -> bool:
        """`is_his`: whether the account manager asks for the client that he is named for."""
        slack_admin, admin = role == SLACK_ADMIN, role == ADMIN and self.has_admins
        first = slack_admin and not self.has_admins  # until somebody is named, Slack's admins are ours
        match need.who:
            case Who.NAMED:
                is_named = role == DEPUTY or (role == MANAGER and is_his)
                return not self.has_admins or admin or is_named or need.right in self.for_all
            case Who.SETTERS:
                return slack_admin or admin
            case Who.ADMINS:
                return admin or first
        return True


FRESH, NARROW = Rule(has_admins=False), Rule(has_admins=True)
GIVEN = [Rule(True, [right]) for right in Right]


@pytest.fixture
async def street(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Street]:
    async with a_town(migrated_sqlite, tmp_path) as town:
        zebra = await town.settled_in("zebra")
        shared = town.channel(zebra, "together", "zebra.admin", "zebra.member")
        rows = await furnished(town, "zebra", shared)
        nobody = User("U0", zebra, "nobody", "Nobody")
        yield Street(town, zebra, zebra, shared, shared, rows, nobody, ())


def people(street: Street) -> dict[str, User]:
    """By role. `zebra.member` is named for the client, and for no other."""
    known = {
        MANAGER: street.town.people["zebra.member"].user,
        SLACK_ADMIN: street.town.people["zebra.admin"].user,
    }
    for role in (MEMBER, DEPUTY, ADMIN):
        known[role] = street.town.world.add_user(street.zebra, f"zebra.{role}")
    street.shared.members |= {user.id for user in known.values()}
    return known


async def choose(street: Street, rule: Rule, known: dict[str, User]) -> None:
    """Writes the choice down, and who is named, whatever was changed meanwhile."""
    async with street.town.app.house.db.write() as session:
        workspace = await session.get_one(Workspace, street.theirs.workspace)
        workspace.admins = [known[ADMIN].id] if rule.has_admins else []
        workspace.operations_channel = street.theirs.operations
        workspace.settings = {"for_all": list(rule.for_all), "deputies": [known[DEPUTY].id]}
        for client_id, mentions in ((street.theirs.client, [known[MANAGER].id]), (street.theirs.hidden, [])):
            client = await session.get_one(Client, client_id)
            client.mentions, client.backup, client.closed_at = mentions, [], None


def of_his(rows: Rows) -> Rows:
    """All of them the client's for which the manager is named."""
    return replace(rows, hidden=rows.client)


def of_another(rows: Rows) -> Rows:
    """All of them a client's for which nobody is named."""
    return replace(
        rows, client=rows.hidden, slug="zebra-hidden", connection=rows.well, unconfirmed=rows.scheduled
    )


async def wrong_with(
    street: Street, rule: Rule, role: str, rows: Rows, asked: tuple[Who, ...], *, is_his: bool = True
) -> list[str]:
    """What somebody was allowed, or refused, against the rule; and what a refusal changed."""
    found = []
    with watching(street) as connection:
        watched = Watched(street, connection)
        await watched.changed()
        for request in requests(street, rows, *asked):
            refused, _ = await was_refused(street, request)
            what = f"{request.what} by {role} under {rule}"
            if refused is rule.lets(role, request.need, is_his=is_his):
                found.append(f"{what} was {'refused' if refused else 'not refused'}")
            changed = await watched.changed()
            if refused and changed:
                found.append(f"{what} was refused and changed {sorted(changed)}")
    return found


def test_every_listener_says_who_may_use_it() -> None:
    assert set(rights.BUTTONS) == names("action")
    assert set(rights.MODALS) == names("view")
    assert set(rights.MENUS) == names("options")
    assert set(rights.SHORTCUTS) == names("message_shortcut")
    rows = Rows(**dict.fromkeys(Rows.__dataclass_fields__, "x"))
    assert {command for command, _ in rights.typed(rows)} == set(registered()["command"])
    own = {command.word for command in WORDS}
    assert own <= {text.split()[0] for command, text in rights.typed(rows) if command == "/lamplighter"}


def rounds(rules: Sequence[Rule], every: bool) -> Iterator[tuple[Rule, str, tuple[Who, ...]]]:
    """Who asks for what under which choice. What needs no more than a member, and what is given to members
    but changes nothing for others, is tried once, or (`every`) each time."""
    for rule in rules:
        for role in ROLES:
            if every or (rule is NARROW and role == MEMBER):
                yield rule, role, tuple(Who)
            elif rule is NARROW or (rule is FRESH and role in (MEMBER, SLACK_ADMIN)):
                yield rule, role, (Who.NAMED, Who.SETTERS, Who.ADMINS)
            elif rule is not FRESH and role == MEMBER:
                yield rule, role, (Who.NAMED,)


@pytest.mark.parametrize("rules", [[NARROW], [FRESH, *GIVEN]], ids=["admins are named", "other choices"])
async def test_who_may_do_what(street: Street, rules: Sequence[Rule], long_run: bool) -> None:
    known, rows, wrong = people(street), of_his(street.theirs), []
    for rule, role, asked in rounds(rules, long_run):
        await choose(street, rule, known)
        street.who = known[role]
        wrong += await wrong_with(street, rule, role, rows, asked)
    assert wrong == []


async def test_who_is_named_for_one_client_is_nobody_for_another(street: Street) -> None:
    known = people(street)
    await choose(street, NARROW, known)
    street.who = known[MANAGER]
    rows = of_another(street.theirs)
    assert await wrong_with(street, NARROW, MANAGER, rows, (Who.NAMED,), is_his=False) == []
