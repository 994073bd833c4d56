from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.agency import Morning
from sandbox.demo import Demo, running
from tests.e2e.office import Office
from tests.support import unhurried


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    """The whole bot beside the sandbox, as `make demo` runs them, without a history."""
    async with running(0, tmp_path, history=False) as up:
        unhurried(up.sandbox.slack)
        yield up


@pytest.fixture
async def office(demo: Demo) -> Office:
    """Maria at her desk, the workspace set up."""
    office = Office(demo)
    await Morning(demo.sandbox, demo.agency, demo.advanced).set_up(office.maria)
    return office
