"""Two platforms on one login: Instagram accounts behind a Facebook consent, LinkedIn's members and Pages on
one app, and what a changed set of permissions does to what is linked already."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.app import _platforms
from bot.domain import second_look
from bot.domain.consenting import choose
from bot.domain.house import House
from bot.domain.walk import consent_view
from bot.settings import load_settings
from sandbox.platforms import testing_linkedin, testing_meta
from sandbox.platforms.model import App
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import Client, Connection, Consent, Grant, Incident, Notice
from tests.domain import logins
from tests.support import BROWSER, LINKEDIN, PUBLIC, a_client, an_invitation, grant_of, house_at, walk

FACEBOOK = {"FACEBOOK_CLIENT_ID": "our-facebook", "FACEBOOK_CLIENT_SECRET": "facebook-client-secret"}
SELF_SERVE = LINKEDIN | {"LINKEDIN_REVIEWED": "false"}
INSTAGRAMS = ("instagram_basic", "instagram_content_publish")


def as_set(house: House, settings: dict[str, str]) -> House:
    """The house with its platforms as these settings make them."""
    loaded = load_settings({"LAMPLIGHTER_PUBLIC_URL": PUBLIC} | settings, require="none")
    return replace(house, **_platforms(loaded))


def registered(twins: Twins, house: House, platform: str, scopes: str, *words: str) -> None:
    """Our app in the platform's console, with these scopes and the redirect addresses of these words."""
    twins.world.register_app(
        App(
            platform=platform,
            client_id=f"our-{platform}",
            secret=f"{platform}-client-secret",
            redirect_uris=tuple(house.redirect_uri(word) for word in words),
            scopes=frozenset(scopes.replace(",", " ").split()),
        )
    )


@asynccontextmanager
async def at_linkedin(
    twins: Twins, database: Database, folder: Path, settings: dict[str, str], scopes: str
) -> AsyncIterator[House]:
    testing_linkedin.populate(twins)
    async with house_at(twins, database, folder, platforms=()) as plain:
        house = as_set(plain, settings)
        registered(twins, house, "linkedin", scopes, "linkedin", "linkedin_pages")
        yield house


async def come(
    house: House, twins: Twins, client: Client, word: str, who: str, take: int = 9, **form: Any
) -> Consent:
    """A whole walk, in which the first `take` of what is offered are chosen."""
    consent_id = await walk(house, twins, await an_invitation(house, client, word), **{"as": who}, **form)
    async with house.db.read() as session:
        consent = await session.get_one(Consent, consent_id)
    if consent.state == "choosing":
        await choose(house, consent_id, BROWSER, consent.detail["offered"][:take])
    async with house.db.read() as session:
        return await session.get_one(Consent, consent_id, populate_existing=True)


async def works(house: House, connection: Connection) -> bool:
    grant = await grant_of(house, connection)
    return (await second_look.probe(house, grant, connection)).id == connection.account_id


async def every(house: House, model: Any, *where: Any) -> list[Any]:
    async with house.db.read() as session:
        return list((await session.scalars(select(model).where(*where))).all())


# -- LinkedIn ----------------------------------------------------------------------------------------


async def test_a_self_serve_app_asks_for_the_members_permissions_alone(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with at_linkedin(twins, database, tmp_path, SELF_SERVE, testing_linkedin.MEMBER) as house:
        assert "linkedin_pages" not in house.apps
        consent = await come(house, twins, await a_client(house), "linkedin", "anna1")
        assert consent.result == "linked"
        (member,) = await logins.living(house)
        assert await works(house, member)


async def test_permissions_that_the_app_has_not_got_are_the_operators_business(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    """`LINKEDIN_REVIEWED=true` too early: LinkedIn sends people back without asking them anything."""
    async with at_linkedin(twins, database, tmp_path, LINKEDIN, testing_linkedin.MEMBER) as house:
        consent = await come(house, twins, await a_client(house), "linkedin", "anna1")
        assert (consent.state, consent.result) == ("failed", "app_fault")
        (incident,) = await every(house, Incident)
        assert (incident.kind, incident.reason) == ("app", "app_settings")
        (root,) = await every(house, Notice, Notice.topic == "incident")
        assert root.audience == "operations"


async def test_an_approved_app_widens_what_is_asked_and_takes_nothing_away(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with at_linkedin(twins, database, tmp_path, SELF_SERVE, testing_linkedin.MEMBER) as house:
        client = await a_client(house)
        await come(house, twins, client, "linkedin", "anna1")
        (member,) = await logins.living(house)
        reviewed = as_set(house, LINKEDIN)
        registered(twins, house, "linkedin", testing_linkedin.PAGES, "linkedin", "linkedin_pages")
        assert await works(reviewed, member), "nobody has to sign in for the switch itself"
        assert (await come(reviewed, twins, client, "linkedin_pages", "anna1")).result == "linked"
        pages = await logins.living(reviewed, Connection.platform == "linkedin_pages")
        assert [row.grant_id for row in pages] == [member.grant_id] and pages[0].missing_scopes == []
        assert await works(reviewed, member) and await works(reviewed, pages[0])
        assert await every(reviewed, Incident) == []


async def test_a_switch_taken_back_is_told_when_the_next_consent_cuts_the_pages_off(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with at_linkedin(twins, database, tmp_path, LINKEDIN, testing_linkedin.PAGES) as house:
        client = await a_client(house)
        await come(house, twins, client, "linkedin", "anna1")
        await come(house, twins, client, "linkedin_pages", "anna1")
        member, page = await logins.living(house)
        member, page = (page, member) if page.platform == "linkedin" else (member, page)
        taken_back = as_set(house, SELF_SERVE)
        assert await works(taken_back, page), "what is linked goes on"
        other = await a_client(taken_back, "client-b", "C2")
        await come(taken_back, twins, other, "linkedin", "anna1")
        (cut,) = await every(taken_back, Connection, Connection.problem.is_not(None))
        assert (cut.id, cut.problem) == (page.id, "permission_missing")
        assert cut.problem_detail == "w_organization_social"
        (incident,) = await every(taken_back, Incident)
        assert (incident.connection_id, incident.state) == (page.id, "open")
        assert await works(taken_back, member)
        again = as_set(house, LINKEDIN)
        await come(again, twins, other, "linkedin_pages", "anna1")
        assert await every(again, Connection, Connection.problem.is_not(None)) == []
        assert await every(again, Incident, Incident.state == "open") == []


# -- Instagram behind Facebook -----------------------------------------------------------------------


@asynccontextmanager
async def at_facebook(twins: Twins, database: Database, folder: Path) -> AsyncIterator[House]:
    testing_meta.populate(twins)
    async with house_at(twins, database, folder, platforms=()) as plain:
        house = as_set(plain, FACEBOOK)
        registered(twins, house, "facebook", testing_meta.FB_SCOPES, "facebook", "instagram")
        yield house


async def test_a_facebook_consent_offers_the_instagram_accounts_behind_its_pages(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with at_facebook(twins, database, tmp_path) as house:
        consent = await come(house, twins, await a_client(house), "facebook", testing_meta.ANNA)
        assert consent.result == "linked"
        view = await consent_view(house, consent.id, BROWSER)
        assert view is not None and view.missing == ()
        assert [(item.label, item.at) for item in view.accounts] == [
            ("@bakery", None),
            ("@bakery", "Instagram"),
            ("@florist", None),
        ]
        rows = await logins.living(house)
        assert {row.platform for row in rows} == {"facebook", "instagram"}
        assert len({row.grant_id for row in rows}) == 1
        assert all(row.missing_scopes == [] for row in rows)
        for row in rows:
            assert await works(house, row)


async def test_an_account_of_another_client_is_known_whichever_consent_finds_it(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with at_facebook(twins, database, tmp_path) as house:
        first, second = await a_client(house), await a_client(house, "client-b", "C2")
        await come(house, twins, first, "instagram", testing_meta.ANNA)
        token = await an_invitation(house, second, "facebook")
        consent_id = await walk(house, twins, token, **{"as": testing_meta.ANNA})
        view = await consent_view(house, consent_id, BROWSER)
        assert view is not None
        assert [(item.label, item.at) for item in view.accounts if item.elsewhere] == [
            ("@bakery", "Instagram")
        ]


async def test_each_of_both_consents_leaves_what_the_other_gave(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with at_facebook(twins, database, tmp_path) as house:
        first, second = await a_client(house), await a_client(house, "client-b", "C2")
        await come(house, twins, first, "facebook", testing_meta.ANNA)
        await come(house, twins, second, "instagram", testing_meta.ANNA)
        assert await every(house, Connection, Connection.problem.is_not(None)) == []
        for row in await logins.living(house):
            assert await works(house, row)


async def test_instagram_left_out_of_a_second_consent_is_told_at_once(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with at_facebook(twins, database, tmp_path) as house:
        first, second = await a_client(house), await a_client(house, "client-b", "C2")
        await come(house, twins, first, "facebook", testing_meta.ANNA)
        scopes = [scope.name for scope in house.platforms["facebook"].info.scopes]
        form: dict[str, Any] = {
            "decision": "partial",
            "scope": [name for name in scopes if name not in INSTAGRAMS],
            "asset": [testing_meta.PAGE, testing_meta.OWNED],
        }
        consent = await come(house, twins, second, "facebook", testing_meta.ANNA, 1, **form)
        assert consent.result == "linked"
        view = await consent_view(house, consent.id, BROWSER)
        assert view is not None and [scope.name for scope in view.missing] == list(INSTAGRAMS)
        (cut,) = await every(house, Connection, Connection.problem.is_not(None))
        assert (cut.platform, cut.client_id, cut.problem) == ("instagram", first.id, "permission_missing")
        (incident,) = await every(house, Incident)
        assert incident.detail["permission"] == "instagram_basic"
        pages = await logins.living(house, Connection.platform == "facebook")
        assert all(row.missing_scopes == [] for row in pages), "the Pages lack nothing"
        (grant,) = await every(house, Grant)
        assert grant.state == "live"
