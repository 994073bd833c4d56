from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sandbox.platforms.testing import Twins, run_twins


@pytest.fixture
async def twins() -> AsyncIterator[Twins]:
    async with run_twins() as running:
        yield running
