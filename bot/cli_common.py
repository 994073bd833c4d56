"""What the commands share: settings, an opened database, and problems in words."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.errors import Refused
from bot.running import CannotStart, no_database
from bot.settings import Require, Settings, SettingsError, load_settings
from storage import clients
from storage.crypto import CryptoError, Vault, parse_key
from storage.database import Database
from storage.migrate import TooOld, check_age, is_current
from storage.models import Workspace
from storage.onlyone import AlreadyRunning

ENV_FILE = Path(".env")


def settings_or_exit(require: Require) -> Settings:
    """The settings, or every problem with them, each with how to put it right (exit code 2)."""
    try:
        return load_settings(os.environ, ENV_FILE if ENV_FILE.exists() else None, require=require)
    except SettingsError as error:
        click.echo("Lamplighter cannot start like this:\n", err=True)
        for problem in error.problems:
            click.echo(f"- {problem}", err=True)
        click.echo("\n`lamplighter setup-env` writes a .env to begin with.", err=True)
        sys.exit(2)


def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Runs a command's work; what a person has to put right is said in words (exit code 1)."""
    try:
        asyncio.run(work)
    except (CannotStart, AlreadyRunning, TooOld, Refused) as error:
        raise click.ClickException(_in_words(error)) from None
    except CryptoError as error:
        raise click.ClickException(f"LAMPLIGHTER_ENCRYPTION_KEYS: {error}.") from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("Stopped.", err=True)


def _in_words(error: Exception) -> str:
    if isinstance(error, AlreadyRunning):
        return (
            f"Another bot runs on {error}. One bot per SQLite file: use PostgreSQL to run several "
            "(LAMPLIGHTER_DATABASE_URL)."
        )
    return str(error)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database, if it is up to date. Raises CannotStart, TooOld."""
    try:
        database = Database(settings.database_url.get_secret_value())
    except OSError as error:
        raise no_database(error) from None
    try:
        await _demand_current(database)
        yield database
    finally:
        await database.close()


async def _demand_current(database: Database) -> None:
    try:
        await check_age(database)
        current = await is_current(database)
    except (DBAPIError, OSError) as error:
        raise no_database(error) from None
    if not current:
        raise CannotStart("The database is not up to date. Run `lamplighter migrate` first.")


def vault_of(settings: Settings) -> Vault:
    """The configured keys; the first seals."""
    return Vault([parse_key(key.get_secret_value()) for key in settings.encryption_keys])


async def the_workspace(session: AsyncSession, team_id: str | None) -> Workspace:
    """The workspace that is meant: by its team id, or the only one. Raises Refused."""
    if team_id is not None:
        found = await clients.workspace_of_team(session, team_id)
        if found is None:
            raise Refused(f"There is no workspace {team_id} here.")
        return found
    living = await clients.living(session)
    if len(living) == 1:
        return living[0]
    if not living:
        raise Refused("There is no workspace yet. Start the bot once: it finds its workspace by itself.")
    names = ", ".join(f"{row.team_id} ({row.name})" for row in living)
    raise Refused(f"Say which workspace, with --workspace: {names}.")


def instant(_: click.Context, __: click.Parameter, text: str | None) -> datetime | None:
    """An option's ISO 8601 moment, UTC-aware; without an offset it is UTC."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("write it like 2026-12-24 or 2026-12-24T08:00+01:00") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
