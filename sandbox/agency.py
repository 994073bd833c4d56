"""A small agency and its clients' accounts, and the morning it has had before anybody looks.

Its history is not written into tables: people type and click it, at the twins, while house time passes.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox.platforms.model import Account, App
from sandbox.server import PICTURE_HOST, Sandbox
from sandbox.slack import Person
from sandbox.slack.models import Channel, User, View
from sandbox.visitor import Visitor

TEAM = "T0ACME0001"
OTHER_TEAM = "T0HARBOUR1"
APPS = {
    "facebook": "pages_show_list pages_read_engagement pages_manage_posts business_management "
    "instagram_basic instagram_content_publish",
    "instagram": "instagram_business_basic instagram_business_content_publish",
    "threads": "threads_basic threads_content_publish",
    "x": "tweet.read tweet.write users.read media.write offline.access",
    "tiktok": "user.info.basic user.info.profile video.publish video.upload",
    "youtube": "https://www.googleapis.com/auth/youtube.upload https://www.googleapis.com/auth/youtube.readonly",
    "linkedin": "openid profile email w_member_social w_organization_social r_organization_social "
    "rw_organization_admin",
    "pinterest": "user_accounts:read boards:read boards:write pins:read pins:write",
}
"""Our developer app at each platform, with the scopes that it was given there."""

HOUR = 3600.0
X_FLORIST = "102"
SHOPS = (("bakery", "Corner Bakery"), ("florist", "Wild Florist"), ("roastery", "Hill Roastery"))


@dataclass(frozen=True)
class Agency:
    """Who and where, by the ids that the sandbox gave them."""

    maria: User
    tom: User
    kim: User
    operations: Channel
    bakery: Channel
    florist: Channel
    roastery: Channel
    bot_token: str


def found(sandbox: Sandbox) -> Agency:
    """Opens the agency's workspace and the accounts at the platforms."""
    slack = sandbox.slack
    slack.add_team("acme-agency", "Acme Agency", TEAM)
    maria = slack.add_user(TEAM, "maria.lopez", is_admin=True, tz="Europe/Berlin")
    tom = slack.add_user(TEAM, "tom.becker", tz="Europe/London")
    kim = slack.add_user(TEAM, "kim.weber", is_restricted=True, tz="America/New_York")  # the bakery's guest
    install = slack.install(TEAM)
    people = (maria.id, tom.id)
    everybody = (*people, install.bot_user_id)
    operations, bakery, florist, roastery = (
        slack.add_channel(TEAM, name, *everybody) for name in ("operations", "bakery", "florist", "roastery")
    )
    bakery.members.add(kim.id)
    neighbours(sandbox)
    for number, (handle, name) in enumerate(SHOPS, 1):
        for account in accounts_of(number, handle, name):
            sandbox.platforms.add_account(account)
    return Agency(maria, tom, kim, operations, bakery, florist, roastery, install.token)


def neighbours(sandbox: Sandbox) -> None:
    """Another agency in the same Slack, which has not installed the bot yet."""
    slack = sandbox.slack
    slack.add_team("harbour-studio", "Harbour Studio", OTHER_TEAM)
    nora = slack.add_user(OTHER_TEAM, "nora.lind", is_admin=True, tz="Europe/Stockholm")
    slack.add_channel(OTHER_TEAM, "harbour-cafe", nora.id)


def accounts_of(number: int, handle: str, name: str) -> list[Account]:
    """A shop's accounts on all platforms: the logins, and the Pages and organisations that they run."""
    person, page = f"10000000000{number}", f"20000000000000{number}"
    instagram = f"1784140000000000{number}"
    board = {"id": f"900{number}", "name": "Shop window", "privacy": "PUBLIC", "sections": []}
    organisation = f"500{number}"

    def account(platform: str, id: str, *, login: bool = True, **extra: object) -> Account:
        return Account(platform=platform, id=id, handle=handle, name=name, login=login, extra=extra)

    return [
        account("facebook", person),
        account(
            "facebook",
            page,
            login=False,
            roles={person: ["CREATE_CONTENT", "MANAGE"]},
            instagram=instagram,
        ),
        account("instagram", instagram),
        account("threads", f"2600000000000000{number}"),
        account("x", f"10{number}"),
        account("tiktok", f"-000{handle}"),
        account("youtube", f"UC{handle}"),
        account("linkedin", f"member{number}", roles={organisation: "ADMINISTRATOR"}),
        account("linkedin", organisation, login=False),
        account("pinterest", f"6{number}", boards=[board], account_type="BUSINESS"),
    ]


def register_apps(sandbox: Sandbox) -> dict[str, str]:
    """Our developer apps at the platforms; returns them as the bot's settings."""
    settings = {}
    for platform, scopes in APPS.items():
        client_id, secret = f"lamplighter-{platform}", f"{platform}-secret-of-the-demo"
        words = ("linkedin", "linkedin_pages") if platform == "linkedin" else (platform,)
        sandbox.platforms.register_app(
            App(
                platform=platform,
                client_id=client_id,
                secret=secret,
                redirect_uris=tuple(f"{sandbox.bot_url}/oauth/{word}/callback" for word in words),
                scopes=frozenset(scopes.split()),
                extra={"verified_urls": [f"https://{PICTURE_HOST}/", f"{sandbox.bot_url}/"]},
            )
        )
        settings[f"{platform.upper()}_CLIENT_ID"] = client_id
        settings[f"{platform.upper()}_CLIENT_SECRET"] = secret
        if "linkedin_pages" in words:
            settings["LINKEDIN_REVIEWED"] = "true"
        settings[f"{platform.upper()}_REVIEWED"] = "true"
    return settings


@dataclass
class Morning:
    """What the agency does before the first look. `advance` lets house time pass (seconds), all work done."""

    sandbox: Sandbox
    agency: Agency
    advance: Callable[[float], Awaitable[None]]

    async def pass_by(self) -> None:
        """Two clients linked on two platforms, posts published and queued, and one login that died."""
        maria = Person(self.sandbox.slack, self.agency.maria.id)
        await self.set_up(maria)
        await self._link(maria, self.agency.bakery, "bakery", "bakery", "instagram", "x")
        await self._link(maria, self.agency.florist, "florist", "florist", "instagram", "x")
        bakery, florist = self.agency.bakery, self.agency.florist
        await self.post(maria, bakery, "Instagram", "Fresh bread, every morning from six.", "bread.jpg")
        await self.post(maria, bakery, "X", "Sourdough day. Come early!")
        await self.advance(600)
        await self.post(maria, florist, "Instagram", "Tulips are here.", "flowers.jpg")
        await self.post(maria, florist, "X", "Free delivery in town this week.", later=2 * HOUR)
        await self.advance(3 * HOUR)
        await self.post(
            maria, bakery, "Instagram", "A new roast to go with it.", "coffee.jpg", later=30 * HOUR
        )
        await self.post(maria, florist, "X", "Open on Sunday, ten to two.", later=26 * HOUR)
        self.sandbox.platforms.set_fault("password_changed", "x", account=X_FLORIST)
        await self.advance(2 * HOUR)

    async def set_up(self, maria: Person) -> None:
        """`/lamplighter setup`, filled in."""
        await maria.command("/lamplighter", "setup", self.agency.operations.id)
        view = await self._modal(maria, "setup.zone")
        values = {"setup.operations": self.agency.operations.id, "setup.admins": [self.agency.maria.id]}
        await maria.submit(view, values | {"setup.zone": "Europe/Berlin"})

    async def _modal(self, person: Person, holds: str) -> View:
        """The modal on top, once it holds what is looked for (some open small and fill up)."""

        def is_there() -> bool:
            return person.modal is not None and holds in str(person.modal.body)

        try:
            await self.sandbox.slack.until(is_there, 15)
        except TimeoutError:
            shown = person.modal.body if person.modal is not None else None
            raise AssertionError(f"no modal with {holds!r}: {shown}") from None
        assert person.modal is not None
        return person.modal

    async def _link(self, maria: Person, channel: Channel, slug: str, handle: str, *platforms: str) -> None:
        await maria.command("/connect", f"{' '.join(platforms)} {slug}", channel.id)
        links: list[str] = []

        def arrived() -> bool:
            links[:] = links_in(maria, channel.id)
            return len(links) == len(platforms)

        await self.sandbox.slack.until(arrived, 15)
        ids = {(one.platform, one.handle): one.id for one in self.sandbox.platforms.accounts.values()}
        for platform, link in zip(platforms, list(links), strict=True):
            async with Visitor() as browser:
                await browser.connect(link, account=ids[platform, handle])

    async def post(
        self, maria: Person, channel: Channel, on: str, text: str, picture: str = "", later: float = 0
    ) -> None:
        """Composes a post for the client's account `on` a platform; `later` in seconds of house time."""
        await maria.command("/post", "", channel.id)
        view = await self._modal(maria, "composer.text")
        values: dict[str, object] = {"composer.text": text}
        if picture:
            values["composer.media"] = f"https://{PICTURE_HOST}/{picture}"
        for block in view.body["blocks"]:
            if block.get("block_id", "").startswith("composer.accounts"):
                options = block["element"]["options"]
                chosen = [option["value"] for option in options if on in option["text"]["text"]]
                values[block["block_id"]] = chosen
        if later:
            due = self.sandbox.platforms.now() + timedelta(seconds=later)
            values |= {"composer.when": "later"} | wall(due)
        seen = await maria.submit(view, values)
        assert not seen.errors, seen.errors
        await maria.close(await self._modal(maria, "Queued"))


def wall(due: datetime, zone: str = "Europe/Berlin", window: str = "composer") -> dict[str, object]:
    """A moment in the client's zone, as a window's day and time take it."""
    local = due.astimezone(ZoneInfo(zone))
    return {f"{window}.date": local.date(), f"{window}.time": local.time()}


def links_in(person: Person, channel_id: str) -> list[str]:
    """The invitation links in the newest message that has any."""
    for message in reversed(person.sees(channel_id)):
        found = re.findall(r"https?://[^\s\"'<>|]+/connect/[\w-]+", str(message.blocks))
        if found:
            return list(dict.fromkeys(found))
    return []
