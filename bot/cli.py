"""The front door: `lamplighter COMMAND`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import click

from bot import logs
from bot.app import CannotStart, assembled
from bot.manifest import manifest_text
from bot.settings import Settings, SettingsError, load_settings
from storage.crypto import new_key
from storage.database import Database
from storage.migrate import migrate as upgrade
from storage.onlyone import AlreadyRunning

ENV_FILE = Path(".env")
ENV_TEMPLATE = """\
# Lamplighter's settings. Lines without a value are still to be filled in.
# Where Slack and browsers reach this bot, as https://bot.example.com:
LAMPLIGHTER_PUBLIC_URL={public_url}
# Keep a copy of this key somewhere safe: without it the stored tokens are lost.
LAMPLIGHTER_ENCRYPTION_KEYS={key}
# From https://api.slack.com/apps (create the app from the manifest below, then install it):
SLACK_BOT_TOKEN=
SLACK_SIGNING_SECRET=
# The developer apps of the platforms that you use; a platform without them is off:
# INSTAGRAM_CLIENT_ID=
# INSTAGRAM_CLIENT_SECRET=
# X_CLIENT_ID=
# X_CLIENT_SECRET=
"""


@click.group()
@click.version_option(package_name="lamplighter")
def main() -> None:
    """Keeps your clients' social accounts connected and their posts going out."""


@main.command()
def run() -> None:
    """Runs the bot with the settings in the environment and in .env."""
    settings = _settings("run")
    logs.configure()
    _to_its_end(_serve(settings))


@main.command()
@click.option(
    "--port", default=3000, show_default=True, help="Where the bot listens; the page takes the next one."
)
def demo(port: int) -> None:
    """Runs the whole bot against a sandbox, with no credentials and no network."""
    from sandbox.demo import run_demo  # the sandbox is loaded only for this

    logs.configure("WARNING")
    _to_its_end(run_demo(port, click.echo))


@main.command()
def migrate() -> None:
    """Brings the database up to date. `run` does so by itself."""
    settings = _settings("none")

    async def work() -> None:
        database = Database(settings.database_url.get_secret_value())
        done = await upgrade(database)
        await database.close()
        click.echo("The database is up to date." if not done else "The database was brought up to date.")

    _to_its_end(work())


@main.group()
def keys() -> None:
    """Encryption keys."""


@keys.command("new")
def keys_new() -> None:
    """Prints a fresh key and nothing else."""
    click.echo(new_key())


@main.command("setup-env")
@click.option("--public-url", default="", help="Where Slack and browsers reach the bot (https).")
def setup_env(public_url: str) -> None:
    """Writes a .env with a fresh key and prints the Slack manifest."""
    if ENV_FILE.exists():
        raise click.ClickException(".env exists already; it is left as it is.")
    descriptor = os.open(ENV_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(ENV_TEMPLATE.format(public_url=public_url.rstrip("/"), key=new_key()))
    click.echo("Wrote .env. Create the Slack app from this manifest:\n", err=True)
    click.echo(manifest_text(public_url or "https://YOUR-PUBLIC-URL"))


@main.command()
def manifest() -> None:
    """Prints the Slack manifest with the public URL filled in."""
    settings = _settings("none")
    if not settings.public_url:
        raise click.ClickException("Set LAMPLIGHTER_PUBLIC_URL first: the manifest needs it.")
    click.echo(manifest_text(settings.public_url, socket_mode=settings.socket_mode))


async def _serve(settings: Settings) -> None:
    async with assembled(settings) as app:
        await app.serve()


def _settings(require: Any) -> Settings:
    """The settings, or every problem with them, each with how to put it right."""
    try:
        return load_settings(os.environ, ENV_FILE if ENV_FILE.exists() else None, require=require)
    except SettingsError as error:
        click.echo("Lamplighter cannot start like this:\n", err=True)
        for problem in error.problems:
            click.echo(f"- {problem}", err=True)
        click.echo("\n`lamplighter setup-env` writes a .env to begin with.", err=True)
        sys.exit(2)


def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except (CannotStart, AlreadyRunning) as error:
        raise click.ClickException(_in_words(error)) from None
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)


def _in_words(error: Exception) -> str:
    if isinstance(error, AlreadyRunning):
        return (
            f"Another bot runs on {error}. One bot per SQLite file: use PostgreSQL to run several "
            "(LAMPLIGHTER_DATABASE_URL)."
        )
    return str(error)
