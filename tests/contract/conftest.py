from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain import consenting
from bot.domain.consenting import begin
from bot.domain.house import House
from bot.domain.walk import ConsentView, consent_view
from bot.platforms.base import PlatformInfo, RefreshKind, RefreshModel
from bot.platforms.registry import INSTAGRAM_ON_FACEBOOK, build_platforms
from sandbox.platforms.model import App
from sandbox.platforms.testing import Twins
from storage import invitations
from storage.database import Database
from storage.models import Client, Connection, Consent
from tests.contract.cases import CASES, Case
from tests.support import (
    AT_TWIN,
    BROWSER,
    SETTINGS,
    a_client,
    an_invitation,
    come_back,
    consent_at,
    house_at,
    our_app,
)

ANSWERED = ("pick", "confirm", "elsewhere")


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
        return self.case.key.partition("@")[2] or AT_TWIN.get(self.case.platform, self.case.platform)

    @property
    def model(self) -> RefreshModel:
        return self.house.platforms[self.case.platform].info.refresh

    @property
    def has_refresh_token(self) -> bool:
        return self.model.kind in (RefreshKind.ROTATING, RefreshKind.KEPT)

    @property
    def secret_is_shown(self) -> bool:
        """Whether a refresh carries the client's secret (Instagram's and Threads' do not)."""
        return self.case.id not in ("instagram", "threads")

    async def started(self, target: Connection | None = None, client: Client | None = None) -> str:
        """The address of the platform's page for a fresh invitation."""
        target_id = target.id if target else None
        token = await an_invitation(self.house, client or self.client, self.case.platform, target_id)
        url = await begin(self.house, token, BROWSER)
        assert url is not None
        return url

    async def walk(
        self, who: str | None, target: Connection | None = None, *, client: Client | None = None, **form: Any
    ) -> Consent:
        """A whole walk as the login `who` (None: the person says no); asked to pick or confirm, the first
        account is taken."""
        form |= {"as": who} if who is not None else {"decision": "deny"}
        arrived = await consent_at(self.twins, await self.started(target, client), **form)
        return await self.answered(await come_back(self.house, arrived))

    @property
    def info(self) -> PlatformInfo:
        return self.house.platforms[self.case.platform].info

    def all_but(self, *names: str) -> dict[str, Any]:
        """The form of a person who leaves these permissions out, and ticks whatever else there is to tick."""
        accounts = [account.id for account in self.twins.world.accounts_of(self.twin)]
        linked = [account.id for account in self.twins.world.accounts_of("instagram")]
        scopes = [scope.name for scope in self.info.scopes if scope.name not in names]
        return {"decision": "partial", "scope": scopes, "asset": accounts + linked}

    async def shown(self, consent: Consent) -> ConsentView:
        """What the person's browser shows at the end."""
        view = await consent_view(self.house, consent.id, BROWSER)
        assert view is not None
        return view

    async def answered(self, consent_id: str) -> Consent:
        consent = await self.consent(consent_id)
        if consent.state == "choosing" and consent.detail["question"] in ANSWERED:
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


@asynccontextmanager
async def stage_of(case: Case, twins: Twins, migrated: Path, path: Path) -> AsyncIterator[Stage]:
    """A case's twin with who is there, a house with its app on a fresh database at `path`, and a client."""
    if case.populate is not None:
        case.populate(twins)
    path.write_bytes(migrated.read_bytes())
    database = Database(f"sqlite+aiosqlite:///{path}")
    words = () if case.key else (case.platform,)
    try:
        async with house_at(twins, database, path.parent, platforms=words) as plain:
            house = on_facebook(twins, plain) if case.key == INSTAGRAM_ON_FACEBOOK else plain
            yield Stage(case, twins, house, await a_client(house))
    finally:
        await database.close()


def on_facebook(twins: Twins, house: House) -> House:
    """The word `instagram` on Facebook's app, as it is where Instagram has none of its own."""
    app, platform = our_app("facebook"), build_platforms(SETTINGS)[INSTAGRAM_ON_FACEBOOK]
    twins.world.register_app(
        App(
            platform="facebook",
            client_id=app.client_id,
            secret=app.client_secret.get_secret_value(),
            redirect_uris=(house.redirect_uri("instagram"),),
            scopes=frozenset(scope.name for scope in platform.info.scopes),
        )
    )
    return replace(house, platforms={"instagram": platform}, apps={"instagram": app})


@pytest.fixture(params=CASES, ids=str)
async def stage(
    request: pytest.FixtureRequest, twins: Twins, migrated_sqlite: Path, tmp_path: Path
) -> AsyncIterator[Stage]:
    async with stage_of(request.param, twins, migrated_sqlite, tmp_path / "contract.db") as made:
        yield made
