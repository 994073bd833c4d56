"""Which workspaces the bot is installed in, and the token for each.

Bolt's own authorisation asks `auth.test` on every request; this looks into the database, and believes it
for five minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, select

from bot.slack.api import Identity
from bot.slack.errors import WorkspaceGone
from storage.crypto import Place, Vault, digest
from storage.database import Database
from storage.models import Notice, Workspace

__all__ = ["Install", "Installs", "OpenToken", "enroll", "sealed_token", "single_token"]

OpenToken = Callable[[Workspace], str | None]
"""The bot token of a workspace, or None where this process has none for it."""

BELIEVED_SECONDS = 300.0
BELIEVED_NONE_SECONDS = 10.0


@dataclass(frozen=True)
class Install:
    """The bot in one workspace. `workspace_id` is the row's id, `team_id` Slack's."""

    workspace_id: str
    team_id: str
    bot_user_id: str
    bot_id: str = ""
    bot_token: str = field(default="", repr=False)


class Installs:
    """Finds installs by Slack's team id or by row id. Safe to share between requests and jobs."""

    def __init__(
        self,
        database: Database,
        open_token: OpenToken,
        *,
        bot_id: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._open_token = open_token
        self._bot_id = bot_id
        self._clock = clock
        self._known: dict[str, tuple[float, Install | None]] = {}

    async def by_team(self, team_id: str) -> Install | None:
        """The install in a Slack team, or None where the bot is not (or no longer) installed."""
        return await self._find(f"team {team_id}", Workspace.team_id == team_id)

    async def by_workspace(self, workspace_id: str) -> Install | None:
        """The install of a workspace row, or None."""
        return await self._find(f"row {workspace_id}", Workspace.id == workspace_id)

    async def token_for(self, workspace_id: str) -> str:
        """The bot token of a workspace. Raises WorkspaceGone."""
        install = await self.by_workspace(workspace_id)
        if install is None:
            raise WorkspaceGone("not_installed")
        return install.bot_token

    async def by_message(self, channel_id: str, ts: str) -> Install | None:
        """The install that posted a message: a press belongs to the workspace that stored it."""
        async with self._database.read() as session:
            rows = select(Notice.workspace_id).where(Notice.channel_id == channel_id, Notice.ts == ts)
            found = (await session.scalars(rows.limit(1))).first()
        return await self.by_workspace(found) if found is not None else None

    def forget(self) -> None:
        """Looks again: something was installed or removed."""
        self._known.clear()

    async def _find(self, key: str, condition: ColumnElement[bool]) -> Install | None:
        until, install = self._known.get(key, (0.0, None))
        if until > self._clock():
            return install
        async with self._database.read() as session:
            row = (await session.scalars(select(Workspace).where(condition))).one_or_none()
        install = self._install(row) if row is not None and row.uninstalled_at is None else None
        seconds = BELIEVED_SECONDS if install is not None else BELIEVED_NONE_SECONDS
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[key] = (self._clock() + seconds, install)
        return install

    def _install(self, row: Workspace) -> Install | None:
        token = self._open_token(row)
        if token is None:
            return None
        return Install(row.id, row.team_id, row.bot_user_id, self._bot_id, token)


def single_token(token: str, team_id: str) -> OpenToken:
    """One workspace: the settings' token, for the team that `auth.test` named and for no other."""
    return lambda workspace: token if workspace.team_id == team_id else None


def sealed_token(vault: Vault) -> OpenToken:
    """Many workspaces: each row's own sealed token."""

    def open_token(workspace: Workspace) -> str | None:
        if workspace.bot_token is None:
            return None
        return vault.open(workspace.bot_token, Place("workspaces", workspace.id, "bot_token"))

    return open_token


async def known_identity(database: Database, token: str) -> Identity | None:
    """Whom a bot token spoke for when it was last asked about, so that a start needs no answer of Slack."""
    async with database.read() as session:
        for row in (await session.scalars(select(Workspace))).all():
            if row.settings.get("token") == digest(token) and row.uninstalled_at is None:
                return Identity(row.team_id, row.name, row.bot_user_id, str(row.settings.get("bot_id", "")))
    return None


async def enroll(database: Database, identity: Identity, now: datetime, token: str = "") -> str:
    """Makes sure that the team of `identity` has its row, alive; returns the row's id. House time.

    With `token`, remembers (as a digest) that this token speaks for it."""
    async with database.write() as session:
        query = select(Workspace).where(Workspace.team_id == identity.team_id).with_for_update()
        row = (await session.scalars(query)).one_or_none()
        if row is None:
            row = Workspace(team_id=identity.team_id, created_at=now)
            session.add(row)
        row.name = identity.team_name or row.name or ""
        row.bot_user_id = identity.bot_user_id
        row.uninstalled_at = None
        if token:
            row.settings = {**(row.settings or {}), "token": digest(token), "bot_id": identity.bot_id}
        await session.flush()
        return row.id
