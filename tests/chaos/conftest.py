from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chaos.stage import Stage, staged


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest test starts first: left to the end, all others would wait for it."""
    items.sort(key=lambda item: item.name != "test_months_of_an_agency")


@pytest.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """The sandbox, a migrated database, and no bot yet."""
    async with staged(database_url, tmp_path) as there:
        yield there
