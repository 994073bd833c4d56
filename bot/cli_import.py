"""`lamplighter import-clients`: many clients from a table."""

from __future__ import annotations

from pathlib import Path

import click

from bot.cli_common import opened, settings_or_exit, the_workspace, to_its_end
from bot.clock import HouseClock
from bot.domain.calendar_file import decoded
from bot.domain.client_import import Outcome, Told, bring_in
from bot.domain.errors import Refused
from bot.settings import Settings

BYTES_MOST = 5 * 1024 * 1024


@click.command("import-clients")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--workspace", "team", metavar="T…", help="The Slack team, where there are several.")
@click.option("--dry-run", is_flag=True, help="Only says what would happen.")
def import_clients(file: Path, team: str | None, dry_run: bool) -> None:
    """Makes clients from a CSV: client, name, zone, team_channel, client_channel, mention."""
    settings = settings_or_exit("none")
    to_its_end(_import(settings, file, team, dry_run))


async def _import(settings: Settings, file: Path, team: str | None, dry_run: bool) -> None:
    text = _text_of(file)
    async with opened(settings) as database, database.write() as session:
        workspace = await the_workspace(session, team)
        told = await bring_in(session, workspace, text, HouseClock(settings.clock_file).now())
        if dry_run:
            await session.rollback()
    _report(told, dry_run)


def _text_of(file: Path) -> str:
    if file.stat().st_size > BYTES_MOST:
        raise Refused("The file is too large: please split it.")
    return decoded(file.read_bytes())


def _report(told: list[Told], dry_run: bool) -> None:
    """A line each, then the sum. Faulty lines make it exit code 1."""
    for item in told:
        sign = {Outcome.MADE: "+", Outcome.STANDS: "=", Outcome.FAULTY: "!"}[item.outcome]
        click.echo(f"{sign} line {item.line}: {item.client}: {item.words}")
    counts = {outcome: sum(item.outcome is outcome for item in told) for outcome in Outcome}
    would = "would be made" if dry_run else "made"
    click.echo(
        f"{counts[Outcome.MADE]} {would}, {counts[Outcome.STANDS]} stood already, "
        f"{counts[Outcome.FAULTY]} faulty."
    )
    if counts[Outcome.FAULTY]:
        raise click.exceptions.Exit(1)
