"""The front door: `lamplighter COMMAND`."""

from __future__ import annotations

import os

import click
from sqlalchemy.exc import DBAPIError

from bot import logs
from bot.app import assembled
from bot.cli_audit import audit
from bot.cli_calendar import import_calendar
from bot.cli_common import ENV_FILE, settings_or_exit, to_its_end
from bot.cli_doctor import doctor
from bot.cli_import import import_clients
from bot.cli_keys import keys, rotate_keys
from bot.cli_restored import restored
from bot.manifest import manifest_text
from bot.running import end_on_signal, heed_signals, no_database
from bot.settings import Settings
from storage.crypto import new_key
from storage.database import Database
from storage.migrate import migrate as upgrade

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
    settings = settings_or_exit("run")
    logs.configure()
    to_its_end(_serve(settings))


@main.command()
@click.option(
    "--port", default=3000, show_default=True, help="Where the bot listens; the page takes the next one."
)
def demo(port: int) -> None:
    """Runs the whole bot against a sandbox, with no credentials and no network."""
    from sandbox.demo import run_demo  # the sandbox is loaded only for this

    logs.configure("WARNING")
    to_its_end(run_demo(port, click.echo))


@main.command()
def migrate() -> None:
    """Brings the database up to date. `run` does so by itself."""
    settings = settings_or_exit("none")

    async def work() -> None:
        try:
            database = Database(settings.database_url.get_secret_value())
            try:
                done = await upgrade(database)
            finally:
                await database.close()
        except (DBAPIError, OSError) as error:
            raise no_database(error) from None
        click.echo("The database is up to date." if not done else "The database was brought up to date.")

    to_its_end(work())


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
    settings = settings_or_exit("none")
    if not settings.public_url:
        raise click.ClickException("Set LAMPLIGHTER_PUBLIC_URL first: the manifest needs it.")
    many = settings.slack_mode == "many"
    click.echo(manifest_text(settings.public_url, socket_mode=settings.socket_mode, installs=many))


async def _serve(settings: Settings) -> None:
    end_on_signal()  # a start may wait long for Slack, and the first process of a container ignores signals
    async with assembled(settings) as app:
        heed_signals(app.stopping)
        await app.serve()


for command in (audit, doctor, import_clients, keys, restored, rotate_keys):
    main.add_command(command)
main.add_command(import_calendar)


if __name__ == "__main__":
    main()
