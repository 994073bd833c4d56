"""What an account manager does in the demo, as one line each."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from sandbox.agency import Morning, links_in
from sandbox.demo import Demo
from sandbox.platforms.ledger import Entry
from sandbox.slack import Person
from sandbox.slack.models import Channel, Message
from sandbox.visitor import Page, Visitor

HOUR = 3600.0
DAY = 24 * HOUR
LOGINS = {
    "facebook": "10000000000{}",
    "instagram": "1784140000000000{}",
    "threads": "2600000000000000{}",
    "x": "10{}",
    "tiktok": "-000{}",
    "youtube": "UC{}",
    "linkedin": "member{}",
    "linkedin_pages": "member{}",
    "pinterest": "6{}",
}
BY_NAME = ("tiktok", "youtube")  # their ids hold the handle, the others a number
NUMBERS = {"bakery": 1, "florist": 2, "roastery": 3}
LABEL = {"x": "X", "instagram": "Instagram"}


def login(platform: str, handle: str) -> str:
    """The id at the platform of the login that belongs to a shop."""
    return LOGINS[platform].format(handle if platform in BY_NAME else NUMBERS[handle])


@dataclass
class Office:
    """Maria in the bakery's channel."""

    demo: Demo

    @property
    def maria(self) -> Person:
        return Person(self.demo.sandbox.slack, self.demo.agency.maria.id)

    @property
    def channel(self) -> Channel:
        return self.demo.agency.bakery

    async def connect(self, platform: str, handle: str = "bakery", client: str = "bakery") -> Page:
        """`/connect`, and the walk as one of the accounts."""
        return await self.walk(await self.link(platform, client), platform, handle)

    async def link(self, platform: str, client: str = "bakery") -> str:
        await self.maria.command("/connect", f"{platform} {client}", self.channel.id)
        return (await self.links(1))[0]

    async def links(self, count: int) -> list[str]:
        """The links that can be opened now, once there are so many."""
        await self.demo.sandbox.slack.until(
            lambda: len(links_in(self.maria, self.channel.id)) == count, timeout=20
        )
        return links_in(self.maria, self.channel.id)

    async def walk(self, link: str, platform: str, handle: str) -> Page:
        async with Visitor() as browser:
            page = await browser.connect(link, account=login(platform, handle))
            if "is connected" not in page.text and page.forms and "Try again" not in page.text:
                page = await self._answer(browser, page)
        await self.demo.settled()
        return page

    async def _answer(self, browser: Visitor, page: Page) -> Page:
        """Picks what is offered first, or confirms."""
        boxes = re.findall(r'<input[^>]*name="pick"[^>]*value="([^"]+)"', page.text)
        picks: dict[str, str | list[str]] = {"pick": boxes[:1]} if boxes else {}
        return await browser.press(page, {"action": "link"} | picks)

    async def health(self) -> str:
        """What `/health` answers."""
        await self.maria.command("/health", "", self.channel.id)
        await self.demo.settled()
        answers = [one for one in self.maria.sees(self.channel.id) if one.ephemeral_to]
        return answers[-1].text

    async def post(self, platform: str, text: str, later: float = 0) -> None:
        picture = "bread.jpg" if platform == "instagram" else ""
        morning = Morning(self.demo.sandbox, self.demo.agency, self.demo.advanced)
        await morning.post(self.maria, self.channel, LABEL[platform], text, picture, later)
        await self.demo.settled()

    async def compose(
        self,
        on: Collection[str],
        text: str,
        *,
        files: Collection[tuple[str, bytes]] = (),
        title: str = "",
        link: str = "",
    ) -> None:
        """Fills in `/post` for the accounts on these platforms (their titles), for now. What the window asks
        about is posted anyway."""
        slack, maria = self.demo.sandbox.slack, self.maria
        await maria.command("/post", "", self.channel.id)
        await slack.until(lambda: "composer.text" in str(maria.modal and maria.modal.body))
        view = maria.modal
        assert view is not None
        values: dict[str, object] = {"composer.text": text, "composer.title": title, "composer.link": link}
        for block in view.body["blocks"]:
            name = str(block["block_id"])
            if name.startswith("composer.accounts"):
                options = block["element"]["options"]
                fitting = [one for one in options if one["text"]["text"].partition(" on ")[2] in on]
                values[name] = [one["value"] for one in fitting]
                assert len(fitting) == len(on), (on, options)
            elif name.startswith("composer.files"):
                values[name] = [maria.upload(file, data, "").id for file, data in files]
        seen = await maria.submit(view, values)
        if "Post anyway" in str(view.body.get("submit")):
            seen = await maria.submit(view)
        assert not seen.errors and not seen.warning, (on, seen.errors, seen.warning)
        try:
            await slack.until(lambda: "Queued" in str(view.body))
        except TimeoutError:
            raise AssertionError(str(view.body)) from None
        await maria.close(view)

    def permalinks(self) -> dict[tuple[str, str], str]:
        """What the day's thread says: the address of each post, by its words and its platform's title."""
        found = {}
        for root in self.roots():
            for said in self.thread(root):
                seen = re.search(r"on ([\w ]+): “(.+?)” · <(https://[^|>]+)\|See it on", said)
                if seen:
                    found[seen[2], seen[1]] = seen[3]
        return found

    def roots(self) -> list[Message]:
        """What stands in the channel for everybody."""
        seen = self.maria.sees(self.channel.id)
        return [one for one in seen if one.ephemeral_to is None and one.thread_ts is None]

    def alert(self) -> Message:
        """The newest message with a reconnect button."""
        with_button = [one for one in self.roots() if "Reconnect" in str(one.blocks)]
        assert with_button, [one.text for one in self.roots()]
        return with_button[-1]

    def thread(self, root: Message) -> list[str]:
        return [one.text for one in self.maria.sees(self.channel.id, root.ts)][1:]

    def published(self, text: str, platform: str) -> list[Entry]:
        return self.demo.sandbox.platforms.ledger.posts(text, platform=platform)
