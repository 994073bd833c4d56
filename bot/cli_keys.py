"""`lamplighter keys new` and `rotate-keys`."""

from __future__ import annotations

import click

from bot.cli_common import opened, settings_or_exit, to_its_end, vault_of
from bot.domain.rotating import Rotated, rotate
from bot.settings import Settings
from storage.crypto import new_key
from storage.spool import Spool


@click.group()
def keys() -> None:
    """Encryption keys."""


@keys.command("new")
def keys_new() -> None:
    """Prints a fresh key and nothing else."""
    click.echo(new_key())


@click.command("rotate-keys")
def rotate_keys() -> None:
    """Encrypts everything stored again with the first key. May be stopped and run again."""
    settings = settings_or_exit("keys")
    to_its_end(_rotate(settings))


async def _rotate(settings: Settings) -> None:
    async with opened(settings) as database:
        done = await rotate(database, vault_of(settings), Spool(settings.data_dir / "spool"))
    for name, count in done.resealed.items():
        if count:
            click.echo(f"{name}: {count} encrypted again")
    click.echo(_outcome(done))
    if done.left:
        raise click.ClickException(_still_needed(done))


def _outcome(done: Rotated) -> str:
    if not done.dropped:
        return (
            "Everything was encrypted with the first key already."
            if not any(done.resealed.values())
            else "Done."
        )
    return f"Done. No longer needed, and safe to take out of the list: {', '.join(done.dropped)}."


def _still_needed(done: Rotated) -> str:
    kept = ", ".join(f"{key} ({count})" for key, count in sorted(done.left.items()))
    why = " Some values cannot be opened with any key that is configured." if done.unreadable else ""
    return f"Still needed: {kept}.{why} Keep those keys in the list, and run this again in a while."
