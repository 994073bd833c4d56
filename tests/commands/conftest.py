"""A scene on a real SQLite file, or on both databases."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database
from tests.commands.scene import Scene, playing


@pytest.fixture
async def scene(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Scene]:
    path = tmp_path / "scene.db"
    shutil.copy(migrated_sqlite, path)
    database = Database(f"sqlite+aiosqlite:///{path}")
    async with playing(database, tmp_path) as made:
        yield made
    await database.close()


@pytest.fixture
async def either(database: Database, tmp_path: Path) -> AsyncIterator[Scene]:
    """The same scene on each of the two databases."""
    async with playing(database, tmp_path) as made:
        yield made
