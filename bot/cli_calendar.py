"""`lamplighter import`: a content calendar, queued line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from bot.app import opened_shelf
from bot.cli_common import opened, settings_or_exit, the_workspace, to_its_end, vault_of
from bot.clock import HouseClock
from bot.commands.media import link_look
from bot.domain import calendar, calendar_file
from bot.domain.auditing import Actor
from bot.domain.calendar import Came, Report
from bot.domain.checking_posts import Cost, Warned, summed
from bot.domain.house import House
from bot.domain.pictures import checking
from bot.http import OpenHttp, PlatformHttp
from bot.messages.blocks import count, listed
from bot.messages.checking import cost_words, warning_words
from bot.messages.times import day, zone_of
from bot.outbound import Rewriter
from bot.platforms.registry import build_platforms
from bot.settings import Settings
from storage.database import Database
from storage.spool import Spool


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--workspace", "team", metavar="T…", help="The Slack team, where there are several.")
@click.option("--dry-run", is_flag=True, help="Only says what would happen.")
def import_calendar(file: Path, team: str | None, dry_run: bool) -> None:
    """Queues posts from a CSV: client, platforms, when, text, media, title, link. Nothing is queued twice."""
    settings = settings_or_exit("keys")
    to_its_end(_import(settings, file, team, dry_run))


async def _import(settings: Settings, file: Path, team: str | None, dry_run: bool) -> None:
    lines = calendar_file.read_lines(calendar_file.as_lines(calendar_file.decoded(file.read_bytes())))
    rewriter = Rewriter(settings.outbound_url)
    async with opened(settings) as database, OpenHttp(rewriter) as files:
        async with database.read() as session:
            workspace = await the_workspace(session, team)

        came: Counter[Came] = Counter()
        charged: list[Cost] = []
        async with _house(settings, database, rewriter) as house:
            actor, look = Actor(workspace.id), link_look(house, files, workspace.id, keep=not dry_run)
            async for report in calendar.import_lines(house, actor, lines, look, dry_run=dry_run):
                came[report.came] += 1
                charged.extend(report.costs)
                click.echo(said(house, report, dry_run))
            for cost in summed(charged):
                click.echo(cost_words(checking.cost(house, cost)))
    _sum_up(came, dry_run)


@asynccontextmanager
async def _house(settings: Settings, database: Database, rewriter: Rewriter) -> AsyncIterator[House]:
    """As much of the bot as importing needs: it publishes nothing."""
    clock = HouseClock(settings.clock_file)
    clock.set_offset(clock.read_file())
    words = {key: platform for key, platform in build_platforms(settings).items() if "@" not in key}
    async with PlatformHttp(rewriter) as http:
        yield House(
            db=database,
            vault=vault_of(settings),
            clock=clock,
            http=http,
            platforms=words,
            apps=settings.apps,
            spool=Spool(settings.data_dir / "spool"),
            owner="import",
            shelf=opened_shelf(settings),
            public_url=settings.public_url,
        )


def said(house: House, report: Report, dry_run: bool) -> str:
    """One line of the file in words, and below it what is worth a word."""
    where = f"line {report.number}"
    if report.came is Came.FAULTY:
        return f"! {where}: {report.problem}"
    if report.came is Came.KNOWN or report.due_at is None:
        return f"= {where}: was imported before; nothing is queued again"
    local = report.due_at.astimezone(zone_of(report.zone))
    verb = "would be queued" if dry_run else "queued"
    when = f"{day(local.date())} {local:%Y %H:%M} ({report.zone})"
    first = f"+ {where}: {verb} for {when}: {listed(list(report.labels.values()))}"
    return "\n".join([first, *(f"  ? {_warning(house, report, item)}" for item in report.warned)])


def _warning(house: House, report: Report, item: Warned) -> str:
    return warning_words(checking.warning(house, item, report.labels, report.zone))


def _sum_up(came: Counter[Came], dry_run: bool) -> None:
    """The sum. Faulty lines make it exit code 1."""
    would = "would be queued" if dry_run else "queued"
    click.echo(
        f"{count(came[Came.QUEUED], 'post')} {would}, {came[Came.KNOWN]} imported before, "
        f"{came[Came.FAULTY]} faulty."
    )
    if came[Came.FAULTY]:
        raise click.exceptions.Exit(1)
