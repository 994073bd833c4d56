"""Which workspaces the bot is installed in, and the token for each.

Bolt's own authorisation asks `auth.test` on every request; this looks into the database, and believes it for
a moment: so an uninstall that any process heard of holds for all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.slack.api import Identity
from bot.slack.errors import WorkspaceGone
from storage.crypto import Place, Vault, digest
from storage.database import Database
from storage.models import Notice, Workspace

__all__ = [
    "Install",
    "Installs",
    "OpenToken",
    "known_identity",
    "remember_token",
    "sealed_token",
    "single_token",
]

OpenToken = Callable[[Workspace], str | None]
"""The bot token of a workspace, or None where this process has none for it."""

BELIEVED_SECONDS = 2.0
KNOWN_MOST = 10_000


@dataclass(frozen=True)
class Install:
    """The bot in one workspace. `workspace_id` is the row's id, `team_id` Slack's; `generation` the token's;
    `installed_at` Slack's time, in seconds."""

    workspace_id: str
    team_id: str
    bot_user_id: str
    bot_id: str = ""
    bot_token: str = field(default="", repr=False)
    generation: int = 0
    installed_at: float | None = None


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
        self._opened: dict[str, tuple[str, int, str]] = {}  # by row: what was sealed, and what was in it

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
        if len(self._known) > KNOWN_MOST:
            self._known.clear()
        self._known[key] = (self._clock() + BELIEVED_SECONDS, install)
        return install

    def _install(self, row: Workspace) -> Install | None:
        token = self._token(row)
        if token is None:
            return None
        installed_at = row.installed_at.timestamp() if row.installed_at else None
        return Install(
            row.id,
            row.team_id,
            row.bot_user_id,
            self._bot_id,
            token,
            row.token_generation,
            installed_at,
        )

    def _token(self, row: Workspace) -> str | None:
        """Opened once for each value that stands in the row."""
        sealed, generation = row.bot_token or "", row.token_generation
        known = self._opened.get(row.id)
        if known is not None and known[:2] == (sealed, generation):
            return known[2]
        token = self._open_token(row)
        if token is not None:
            if len(self._opened) > KNOWN_MOST:
                self._opened.clear()
            self._opened[row.id] = (sealed, generation, token)
        return token


def single_token(token: str, team_id: str) -> OpenToken:
    """One workspace: the settings' token, for the team that `auth.test` named and for no other."""
    return lambda workspace: token if workspace.team_id == team_id else None


def sealed_token(vault: Vault) -> OpenToken:
    """Many workspaces: each row's own sealed token."""

    def open_token(workspace: Workspace) -> str | None:
        if workspace.bot_token is None:
            return None
        place = Place("workspaces", workspace.id, "bot_token", workspace.token_generation)
        return vault.open(workspace.bot_token, place)

    return open_token


async def known_identity(database: Database, token: str) -> Identity | None:
    """Whom a bot token spoke for when it was last asked about, so that a start needs no answer of Slack."""
    async with database.read() as session:
        for row in (await session.scalars(select(Workspace))).all():
            if row.settings.get("token") == digest(token) and row.uninstalled_at is None:
                return Identity(row.team_id, row.name, row.bot_user_id, str(row.settings.get("bot_id", "")))
    return None


async def remember_token(session: AsyncSession, workspace: Workspace, identity: Identity, token: str) -> None:
    """Notes, as a digest, that the settings' token speaks for this workspace."""
    workspace.settings = {**workspace.settings, "token": digest(token), "bot_id": identity.bot_id}
    await session.flush()
