from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.domain import consenting
from bot.domain.consenting import begin
from bot.domain.house import House
from bot.platforms.base import RefreshKind, RefreshModel
from sandbox.platforms.testing import Twins
from storage import invitations
from storage.database import Database
from storage.models import Client, Connection, Consent
from tests.contract.cases import CASES, Case
from tests.support import AT_TWIN, BROWSER, a_client, an_invitation, come_back, consent_at, house_at


@dataclass
class Stage:
    """One platform's twin, a house with its app, and a client."""

    case: Case
    twins: Twins
    house: House
    client: Client

    @property
    def twin(self) -> str:
        """The platform's name at its twin."""
        return AT_TWIN.get(self.case.platform, self.case.platform)

    @property
    def model(self) -> RefreshModel:
        return self.house.platforms[self.case.platform].info.refresh

    @property
    def has_refresh_token(self) -> bool:
        return self.model.kind in (RefreshKind.ROTATING, RefreshKind.KEPT)

    @property
    def secret_is_shown(self) -> bool:
        """Whether a refresh carries the client's secret (Instagram's and Threads' do not)."""
        return self.case.platform not in ("instagram", "threads")

    async def started(self, target: Connection | None = None) -> str:
        """The address of the platform's page for a fresh invitation."""
        token = await an_invitation(
            self.house, self.client, self.case.platform, target.id if target else None
        )
        url = await begin(self.house, token, BROWSER)
        assert url is not None
        return url

    async def walk(self, who: str | None, target: Connection | None = None) -> Consent:
        """A whole walk as the login `who` (None: the person says no); asked to pick or confirm, the first
        account is taken."""
        form = {"as": who} if who is not None else {"decision": "deny"}
        arrived = await consent_at(self.twins, await self.started(target), **form)
        return await self.answered(await come_back(self.house, arrived))

    async def answered(self, consent_id: str) -> Consent:
        consent = await self.consent(consent_id)
        if consent.state == "choosing" and consent.detail["question"] in ("pick", "confirm"):
            await consenting.choose(self.house, consent_id, BROWSER, consent.detail["offered"][:1])
        return await self.consent(consent_id)

    async def consent(self, consent_id: str) -> Consent:
        async with self.house.db.read() as session:
            found = await invitations.consent(session, consent_id)
        assert found is not None
        return found

    async def linked(self) -> Connection:
        consent = await self.walk(self.case.mine)
        assert consent.result == "linked", (consent.result, consent.detail)
        async with self.house.db.read() as session:
            return await session.get_one(Connection, consent.connection_ids[0])


@pytest.fixture(params=CASES, ids=lambda case: case.platform)
async def stage(
    request: pytest.FixtureRequest, twins: Twins, migrated_sqlite: Path, tmp_path: Path
) -> AsyncIterator[Stage]:
    case: Case = request.param
    if case.populate is not None:
        case.populate(twins)
    path = tmp_path / "contract.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    database = Database(f"sqlite+aiosqlite:///{path}")
    async with house_at(twins, database, tmp_path, platforms=(case.platform,)) as house:
        yield Stage(case, twins, house, await a_client(house))
    await database.close()
