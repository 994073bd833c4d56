"""`lamplighter doctor`: everything that can be checked without harm, a line each, with what to do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import click
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from bot import cli_common
from bot.cli_common import vault_of
from bot.cli_reach import Finding, public_address, slack, well, wrong
from bot.platforms.registry import build_platforms
from bot.settings import PLATFORMS, AppCredentials, Settings, SettingsError, load_settings
from bot.slack.api import new_session
from bot.slack.installs import sealed_token
from bot.web import signatures
from storage import clients, rotation
from storage.crypto import CryptoError
from storage.database import Database
from storage.migrate import TooOld, check_age, is_current
from storage.models import Process, Workspace


@click.command()
def doctor() -> None:
    """Checks settings, database, keys, Slack, the public address and the platforms."""
    try:
        env_file = cli_common.ENV_FILE if cli_common.ENV_FILE.exists() else None
        settings = load_settings(os.environ, env_file, require="run")
    except SettingsError as error:
        for problem in error.problems:
            _say(wrong("Settings", f"{problem.name} {problem.what}", f"{problem.how}"))
        raise click.exceptions.Exit(1) from None
    if asyncio.run(_examined(settings)):
        raise click.exceptions.Exit(1)


async def _examined(settings: Settings) -> int:
    """Says every finding as it comes; how many problems there are."""
    problems = 0
    async for finding in examine(settings):
        _say(finding)
        problems += not finding.ok
    click.echo(f"\n{problems} to put right." if problems else "\nAll is well.")
    return problems


def _say(finding: Finding) -> None:
    click.echo(f"{'ok  ' if finding.ok else '!!  '}{finding.about}: {finding.what}")
    if finding.advice:
        click.echo(f"      {finding.advice}")


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Every finding, in the order in which things are needed."""
    yield well("Settings", "complete")
    processes: list[Process] = []
    tokens: list[tuple[str, str]] = []
    async for finding in _database(settings, processes, tokens):
        yield finding
    async with new_session() as session:
        for finding in await slack(settings, session, tokens):
            yield finding
        yield await public_address(settings, session, [process.id for process in processes])
    for finding in platforms(settings):
        yield finding


async def _database(
    settings: Settings, processes: list[Process], tokens: list[tuple[str, str]]
) -> AsyncIterator[Finding]:
    url = settings.database_url.get_secret_value()
    path = make_url(url).database
    if make_url(url).get_backend_name() == "sqlite" and path and not os.path.lexists(path):
        yield _to_be_made(Path(path).absolute())
        return
    database = Database(url)
    try:
        await check_age(database)
        if not await is_current(database):
            yield wrong("Database", "is not up to date", "Run `lamplighter migrate`, or start the bot.")
            return
        yield well("Database", "answers and is up to date")
        async with database.read() as session:
            processes += await rotation.living(session, await database.lease_now(session))
            missing = await rotation.missing(session, vault_of(settings))
            rows = await clients.living(session) if settings.slack_mode == "many" else []
        yield _keys(settings, missing)
        tokens += _opened(settings, rows)
    except TooOld as error:
        yield wrong("Database", "is newer than this code", str(error))
    except CryptoError as error:
        yield wrong("Keys", str(error), "Compare LAMPLIGHTER_ENCRYPTION_KEYS with your copy of the keys.")
    except (SQLAlchemyError, OSError) as error:
        advice = "Is LAMPLIGHTER_DATABASE_URL right, and does the server run?"
        yield wrong("Database", f"does not answer ({type(error).__name__})", advice)
    finally:
        await database.close()


def _to_be_made(path: Path) -> Finding:
    """A database file that is not there yet."""
    folder = next(one for one in path.parents if os.path.lexists(one))
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return well("Database", "none yet; the first start makes it")
    what = f"cannot be made in {folder}, which is no folder that the bot may write to"
    return wrong("Database", what, "See LAMPLIGHTER_DATABASE_URL and LAMPLIGHTER_DATA_DIR.")


def _opened(settings: Settings, rows: Sequence[Workspace]) -> list[tuple[str, str]]:
    """Each workspace's name and token. Raises CryptoError."""
    opener = sealed_token(vault_of(settings))
    return [(row.name or row.team_id, token) for row in rows if (token := opener(row)) is not None]


def _keys(settings: Settings, missing: list[str]) -> Finding:
    if missing:
        advice = "Add it to LAMPLIGHTER_ENCRYPTION_KEYS again, after the others."
        return wrong("Keys", f"the key {', '.join(missing)} is missing", advice)
    vault = vault_of(settings)
    return well("Keys", f"{len(vault.key_ids)} configured; {vault.current} encrypts")


def platforms(settings: Settings) -> list[Finding]:
    """Which platforms are on, each with what its developer console wants to know, ready to paste."""
    words = {key: platform for key, platform in build_platforms(settings).items() if "@" not in key}
    found, off = [], []
    for key, platform in words.items():
        app = settings.app_for(key)
        if app is None and key == "instagram" and settings.facebook_instagram:
            app = settings.app_for("facebook")
        if app is None:
            off.append(platform.info.title)
            continue
        review = "" if app.reviewed else f" (not reviewed yet). {platform.info.unreviewed or ''}".rstrip()
        found.append(well(platform.info.title, f"on{review}", "\n      ".join(_pasted(settings, key, app))))
    if not found:
        names = f"{PLATFORMS[0].upper()}_CLIENT_ID and {PLATFORMS[0].upper()}_CLIENT_SECRET"
        found.append(wrong("Platforms", "none is on", f"Set {names}, say: docs/platforms leads through it."))
    if off:
        found.append(well("Platforms", f"off, without an app: {', '.join(off)}"))
    pages = words["linkedin_pages"].info
    if settings.app_for("linkedin") and not settings.app_for("linkedin_pages"):
        found.append(well(pages.title, f"off. {pages.needs_review}", LINKEDIN_PAGES))
    return found


LINKEDIN_PAGES = (
    "Set LINKEDIN_REVIEWED=true once the one app is approved, or LINKEDIN_PAGES_CLIENT_ID and "
    "LINKEDIN_PAGES_CLIENT_SECRET for a second one."
)


def _pasted(settings: Settings, key: str, app: AppCredentials) -> Iterator[str]:
    """The addresses that a platform's console asks for, and the word with which it tries them."""
    yield f"Redirect URL: {settings.public_url}/oauth/{key}/callback"
    if settings.app_for(key) != app:
        return  # on another platform's app, which has its own notices
    base = f"{settings.public_url}/webhooks/{key}"
    if key in signatures.META:
        yield f"Deauthorize callback URL: {base}/deauthorize"
        yield f"Data deletion request URL: {base}/deletion"
        verify = signatures.verify_token(app.client_secret.get_secret_value())
        yield f"Webhook callback URL, if the console wants one: {base}, verify token: {verify}"
    if key == signatures.TIKTOK:
        yield f"Webhook callback URL: {base}"
