"""`lamplighter audit`: who did what, and which app has access to which account."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import AsyncIterator
from datetime import datetime

import click

from bot.cli_common import instant, opened, settings_or_exit, the_workspace, to_its_end
from bot.settings import Settings
from storage import audit as store
from storage.audit import Row

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would calculate."""


@click.command()
@click.option("--workspace", "team", metavar="T…", help="Only this Slack team.")
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option("--since", callback=instant, help="From this moment on (ISO 8601).")
@click.option("--access", is_flag=True, help="Instead: which app has access to which account.")
def audit(team: str | None, kind: str, since: datetime | None, access: bool) -> None:
    """Prints the audit, or who has access to what, as CSV or JSON lines."""
    if access and since is not None:
        raise click.UsageError("--access shows what is: it takes no --since.")
    settings = settings_or_exit("none")
    to_its_end(_export(settings, team, kind, since, access))


async def _export(
    settings: Settings, team: str | None, kind: str, since: datetime | None, access: bool
) -> None:
    async with opened(settings) as database:
        if team is not None:
            async with database.read() as session:
                await the_workspace(session, team)
        rows = store.access(database, team) if access else store.events(database, team, since)
        fields = store.ACCESS_FIELDS if access else store.EVENT_FIELDS
        await (_csv(rows, fields) if kind == "csv" else _json_lines(rows))


async def _csv(rows: AsyncIterator[Row], fields: tuple[str, ...]) -> None:
    writer = csv.DictWriter(sys.stdout, fields, lineterminator="\n")
    writer.writeheader()
    async for row in rows:
        writer.writerow({name: _harmless(value) for name, value in row.items()})


def _harmless(text: str) -> str:
    """A name that a spreadsheet would run as a formula stays a name."""
    return f"'{text}" if text.startswith(FORMULA) else text


async def _json_lines(rows: AsyncIterator[Row]) -> None:
    async for row in rows:
        click.echo(json.dumps(row, ensure_ascii=False))
