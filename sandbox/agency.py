"""A small agency and its clients' accounts, and the morning it has had before anybody looks.

Its history is not written into tables: people type and click it, at the twins, while house time passes.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from sandbox.platforms.model import Account, App
from sandbox.server import PICTURE_HOST, Sandbox
from sandbox.slack import Person, Seen
from sandbox.slack.models import Channel, User, View
from sandbox.visitor import Visitor

TEAM = "T0ACME0001"
SCOPES = {
    "x": "tweet.read tweet.write users.read media.write offline.access",
    "instagram": "instagram_business_basic instagram_business_content_publish",
}
SHOPS = (("bakery", "Corner Bakery"), ("florist", "Wild Florist"), ("roastery", "Hill Roastery"))


@dataclass(frozen=True)
class Agency:
    """Who and where, by the ids that the sandbox gave them."""

    maria: User
    tom: User
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
    install = slack.install(TEAM)
    people = (maria.id, tom.id)
    everybody = (*people, install.bot_user_id)
    operations, bakery, florist, roastery = (
        slack.add_channel(TEAM, name, *everybody) for name in ("operations", "bakery", "florist", "roastery")
    )
    for platform, prefix in (("x", "10"), ("instagram", "1784140000000000")):
        for number, (handle, name) in enumerate(SHOPS, 1):
            sandbox.platforms.add_account(
                Account(platform=platform, id=f"{prefix}{number}", handle=handle, name=name)
            )
    return Agency(maria, tom, operations, bakery, florist, roastery, install.token)


def register_apps(sandbox: Sandbox) -> dict[str, str]:
    """Our developer apps at the platforms; returns them as the bot's settings."""
    settings = {}
    for platform, scopes in SCOPES.items():
        client_id, secret = f"lamplighter-{platform}", f"{platform}-secret-of-the-demo"
        sandbox.platforms.register_app(
            App(
                platform=platform,
                client_id=client_id,
                secret=secret,
                redirect_uris=(f"{sandbox.bot_url}/oauth/{platform}/callback",),
                scopes=frozenset(scopes.split()),
            )
        )
        settings[f"{platform.upper()}_CLIENT_ID"] = client_id
        settings[f"{platform.upper()}_CLIENT_SECRET"] = secret
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
        await self._set_up(maria)
        await self._link(maria, self.agency.bakery, "bakery", "bakery", "instagram", "x")
        await self._link(maria, self.agency.florist, "florist", "florist", "instagram", "x")
        await self._post(maria, self.agency.bakery, "Fresh bread, every morning from six.", "bread.jpg")
        await self.advance(3600)
        await self._post(maria, self.agency.florist, "Tulips are here.", "flowers.jpg")
        await self.advance(2 * 86_400)

    async def _set_up(self, maria: Person) -> None:
        seen = await maria.command("/lamplighter", "setup", self.agency.operations.id)
        view = await self._modal(maria, seen)
        values = {"setup.operations": self.agency.operations.id, "setup.admins": [self.agency.maria.id]}
        await maria.submit(view, values | {"setup.zone": "Europe/Berlin"})

    async def _modal(self, person: Person, seen: Seen) -> View:
        await self.sandbox.slack.until(lambda: person.modal is not None)
        assert person.modal is not None, seen.warning
        return person.modal

    async def _link(
        self, maria: Person, channel: Channel, slug: str, handle: str, *platforms: str
    ) -> None:
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

    async def _post(self, maria: Person, channel: Channel, text: str, picture: str, later: float = 0) -> None:
        """Composes a post for all accounts of the channel's client; `later` in seconds of house time."""
        view = await self._modal(maria, await maria.command("/post", "", channel.id))
        values: dict[str, object] = {"composer.text": text}
        if picture:
            values["composer.media"] = f"https://{PICTURE_HOST}/{picture}"
        for block in view.body["blocks"]:
            if block["block_id"].startswith("composer.accounts"):
                options = block["element"]["options"]
                values[block["block_id"]] = [option["value"] for option in options]
        if later:
            due = self.sandbox.platforms.now() + timedelta(seconds=later)
            values |= {"composer.when": "later", "composer.at": due}
        await maria.submit(view, values)
        await self.sandbox.slack.until(lambda: maria.modal is None or "Queued" in str(maria.modal.body), 15)
        if maria.modal is not None:
            await maria.close(maria.modal)


def links_in(person: Person, channel_id: str) -> list[str]:
    """The invitation links in the newest message that has any."""
    for message in reversed(person.sees(channel_id)):
        found = re.findall(r"https?://[^\s\"'<>|]+/connect/[\w-]+", str(message.blocks))
        if found:
            return list(dict.fromkeys(found))
    return []
