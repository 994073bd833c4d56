"""Who asks, and what he may do (design, section 8).

Outsiders are people of another team, guests of our own, and whoever Slack does not tell us about. They read,
link and relink the accounts of clients whose channel they are in. Members do the daily work. Named people
and admins undo and send again; admins set the workspace up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from bot.commands.desk import Desk
from bot.domain import preferences
from bot.domain.auditing import Actor
from bot.domain.errors import Refused
from bot.domain.preferences import Right
from bot.slack.errors import SlackProblem
from bot.slack.known import Person
from storage import clients
from storage.models import Client, Workspace

__all__ = ["Asker", "demand_admin", "demand_member", "demand_named", "who_asks"]

log = structlog.get_logger(__name__)

LOOKUP_SECONDS = 2.0
"""A submit waits for its answer at most three."""


@dataclass(frozen=True, slots=True)
class Asker:
    """A Slack user in a workspace of ours. `person` is None where Slack did not say who he is."""

    actor: Actor
    workspace: Workspace
    person: Person | None

    @property
    def user_id(self) -> str:
        """The Slack user id."""
        return self.actor.user_id or ""

    @property
    def is_admin(self) -> bool:
        """Named as an admin; before the set-up, Slack's own admins and whoever installed the bot."""
        if self.actor.outsider:
            return False
        if self.workspace.admins:
            return self.user_id in self.workspace.admins
        return self.is_slack_admin or self.user_id == self.workspace.installed_by

    @property
    def is_slack_admin(self) -> bool:
        """An admin or owner of the Slack workspace itself: he can always put the set-up right."""
        return self.person is not None and self.person.is_admin and not self.actor.outsider

    @property
    def zone(self) -> str | None:
        """His time zone as Slack knows it, an IANA name."""
        return self.person.zone if self.person else None


async def who_asks(
    desk: Desk, workspace_id: str, user_id: str, channel_id: str | None, team_id: str | None = None
) -> Asker:
    """Looks the user up. `team_id` is the user's own team where the payload names it: it has to be what Slack
    says of him, and counts alone where Slack names no team."""
    async with desk.house.db.read() as session:
        workspace = await clients.workspace(session, workspace_id)
    person = await _look_up(desk, workspace_id, user_id)
    teams = {person.team_id if person else "", team_id or ""} - {""}
    outsider = teams != {workspace.team_id} or person is None or person.is_guest or person.deleted
    return Asker(Actor(workspace_id, user_id, channel_id, outsider), workspace, person)


async def _look_up(desk: Desk, workspace_id: str, user_id: str) -> Person | None:
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            return await desk.gateway.user(workspace_id, user_id)
    except SlackProblem as problem:
        log.info("person unknown", word=problem.word)
    except TimeoutError:
        log.info("person unknown", word="slow")
    return None


def demand_member(asker: Asker, doing: str) -> None:
    """Lets members through. `doing` completes "…can", as in "queue posts". Raises Refused."""
    if not asker.actor.outsider:
        return
    if asker.person is None:
        raise Refused(
            "Slack did not tell me who you are just now, so I am careful. Please try again in a minute."
        )
    raise Refused(
        f"Only members of the team that runs me can {doing}. "
        "You can link and reconnect the accounts of this channel at any time."
    )


def demand_admin(asker: Asker, doing: str) -> None:
    """Lets admins through. Raises Refused, saying who they are."""
    demand_member(asker, doing)
    if not asker.is_admin:
        raise Refused(f"Only admins can {doing}. {_ask(asker.workspace.admins)}")


def demand_named(asker: Asker, client: Client, doing: str, right: Right | None = None) -> None:
    """Lets admins and the people named for the client or the workspace through; every member where nobody is
    named admin, or where the workspace gives him this `right`."""
    demand_member(asker, doing)
    chosen = preferences.of(asker.workspace)
    if not asker.workspace.admins or asker.is_admin or right in chosen.for_all:
        return
    named = [*client.mentions, *client.backup, *preferences.deputies(client), *chosen.deputies]
    if asker.user_id not in named:
        people = dict.fromkeys([*named, *asker.workspace.admins])
        raise Refused(f"Only admins and the people named for `{client.slug}` can {doing}. {_ask(people)}")


def _ask(people: Iterable[str]) -> str:
    users = [f"<@{user}>" for user in people if user.startswith(("U", "W"))]
    if not users:
        return "Ask an admin of this Slack workspace."
    return f"Ask {' or '.join(users[:3])}."
