"""`lamplighter restored`: after a restored backup, before the bot is started."""

from __future__ import annotations

from datetime import datetime

import click

from bot.cli_common import instant, opened, settings_or_exit, to_its_end
from bot.clock import HouseClock
from bot.domain.restoring import Restored
from bot.domain.restoring import restored as mark
from bot.settings import Settings
from storage.onlyone import only_one


@click.command()
@click.option(
    "--since", callback=instant, help="When the backup was made (ISO 8601); else its last sign of life."
)
def restored(since: datetime | None) -> None:
    """Looks up what may have gone out since the backup, before anything is sent again."""
    settings = settings_or_exit("none")
    to_its_end(_restored(settings, since))


async def _restored(settings: Settings, since: datetime | None) -> None:
    async with opened(settings) as database:
        with only_one(settings.database_url.get_secret_value()):
            done = await mark(database, since, HouseClock(settings.clock_file).now())
    click.echo(_outcome(done))


def _outcome(done: Restored) -> str:
    count = sum(done.doubted.values())
    later = (
        f" {done.asked} post(s) that are due later wait: each client's channel is asked once whether they "
        "are still as planned."
    )
    if not count:
        said = f"No post was due since {done.since:%Y-%m-%d %H:%M} UTC. Start the bot."
        return said + later if done.asked else said
    parts = ", ".join(f"{number} {state}" for state, number in sorted(done.doubted.items()))
    return (
        f"{count} post(s) may have gone out since {done.since:%Y-%m-%d %H:%M} UTC ({parts}). Start the bot: "
        "it looks for them and asks in the clients' channels where it cannot tell. Nothing is sent twice."
    ) + (later if done.asked else "")
