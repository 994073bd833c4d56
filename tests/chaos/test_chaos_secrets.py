"""Promise 4: what the sandbox handed out is nowhere to be found afterwards."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import pytest

from sandbox.agency import Morning, links_in
from sandbox.slack import Person
from sandbox.slack.faults import Outage
from sandbox.visitor import Page, Visitor
from tests.chaos.process import eventually
from tests.chaos.stage import HOUR, Stage

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ACCOUNTS = {"x": "101", "instagram": "17841400000000001"}
HANDED_OUT = 12  # secrets, at the least, on a day like this one


@dataclass
class Day:
    """What people do on it, and every page that they were shown."""

    stage: Stage
    pages: list[Page] = field(default_factory=list)

    @property
    def maria(self) -> Person:
        return Person(self.stage.sandbox.slack, self.stage.agency.maria.id)

    @property
    def channel(self) -> str:
        return self.stage.agency.bakery.id

    async def command(self, command: str, text: str) -> None:
        await self.maria.command(command, text, self.channel)

    async def set_up(self) -> None:
        await self.morning().set_up(self.maria)

    def morning(self) -> Morning:
        return Morning(self.stage.sandbox, self.stage.agency, self.stage.advanced)

    async def link(self) -> str:
        """The newest invitation link in the channel."""
        maria, channel = self.maria, self.channel
        await self.stage.sandbox.slack.until(lambda: bool(links_in(maria, channel)), 20)
        return links_in(maria, channel)[0]

    async def connect(self, platform: str) -> None:
        """Denied first, then allowed; and both callbacks loaded once more by somebody else."""
        await self.command("/connect", f"{platform} bakery")
        link = await self.link()
        for press in ({"decision": "deny"}, {"as": ACCOUNTS[platform]}):
            async with Visitor() as browser:
                consent = await browser.press(await browser.open(link))
                self.pages.append(await browser.press(consent, press))
        await self.stage.swept()
        assert any("is connected" in page.text for page in self.pages), self.pages[-1].text
        await self.stage.told()

    async def forged(self) -> None:
        """Callbacks that nobody asked for, and the pages beside the walk."""
        public = self.stage.environment["LAMPLIGHTER_PUBLIC_URL"]
        code = next(iter(self.stage.sandbox.platforms.codes))
        async with Visitor() as stranger:
            for path in (f"/oauth/x/callback?code={code}&state={code}", "/connect/no-such-link", "/healthz"):
                self.pages.append(await stranger.open(public + path))

    async def metrics(self) -> str:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"{self.stage.environment['LAMPLIGHTER_PUBLIC_URL']}/metrics")
        assert answer.status_code == 200
        return answer.text


async def test_no_secret_is_anywhere_after_a_bad_day(stage: Stage) -> None:
    stage.environment["CHAOS_LOG"] = "DEBUG"
    day = Day(stage)
    first = await stage.child()
    await stage.swept()
    await day.set_up()
    for platform in ("x", "instagram"):
        await day.connect(platform)
    await day.forged()
    await day.morning().post(day.maria, stage.agency.bakery, "X", "Hello")
    await day.morning().post(day.maria, stage.agency.bakery, "Instagram", "Hello too", "bread.jpg")
    await went_out(stage)
    await a_bad_day(stage)
    await first.end()
    await stage.child()  # and it begins again with what is left
    await stage.swept()
    await day.command("/health", "")
    await day.command("/lamplighter", "help")
    await stage.told()
    assert stage.alerts(), "nothing went wrong: this was no bad day"

    secrets = sorted(stage.sandbox.platforms.secrets() | stage.sandbox.slack.secrets() | ours(stage))
    assert len(secrets) >= HANDED_OUT
    metrics = await day.metrics()
    places = {"metrics": metrics.encode(), **in_slack(stage), **on_pages(day), **on_disk(stage)}
    assert b"lamplighter-x" in b"".join(places.values()), "the search finds what is there"
    found = [(place, secret) for place, text in places.items() for secret in secrets if holds(text, secret)]
    assert not found, [f"{place}: {secret[:6]}…" for place, secret in found]


async def went_out(stage: Stage) -> None:
    async def both() -> bool:
        stage.advance(5)
        return bool(stage.posts("Hello")) and bool(stage.posts("Hello too"))

    await eventually(both, "both posts are out")


async def a_bad_day(stage: Stage) -> None:
    """Each fault in turn, with a refresh or a look in between."""
    platforms, slack = stage.sandbox.platforms, stage.sandbox.slack
    slack.faults.add(Outage.INTERNAL_ERROR, "chat.*", times=2)
    for kind in ("html_error", "secret_wrong", "rate_limited", "lost_before"):
        platforms.set_fault(kind, "x", group="refresh", count=1)
    await stage.advanced(1.65 * HOUR)
    await stage.advanced(0.05 * HOUR)
    platforms.set_fault("password_changed", "instagram", account=ACCOUNTS["instagram"])
    platforms.set_fault("revoked", "x", account=ACCOUNTS["x"])
    await stage.advanced(50 * 24 * HOUR)

    await stage.incident_told()


def ours(stage: Stage) -> set[str]:
    """The bot's own keys and tokens."""
    names = ("LAMPLIGHTER_ENCRYPTION_KEYS", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET")
    return {stage.environment[name] for name in names} | {
        value for name, value in stage.environment.items() if name.endswith("_CLIENT_SECRET")
    }


def in_slack(stage: Stage) -> dict[str, bytes]:
    said = stage.sandbox.slack.everything_said()
    return {f"slack {number}": text.encode() for number, text in enumerate(said)}


def on_pages(day: Day) -> dict[str, bytes]:
    """What the pages say, and their addresses, save those of callbacks, which are the platform's."""
    addresses = [page.url for page in day.pages if "/oauth/" not in page.url]
    texts = {f"page {number}": page.text.encode() for number, page in enumerate(day.pages)}
    return {"addresses": "\n".join(addresses).encode(), **texts}


def on_disk(stage: Stage) -> dict[str, bytes]:
    """The database with its log, the spool, and what the processes logged."""
    return {str(path.relative_to(stage.folder)): path.read_bytes() for path in files(stage.folder)}


def files(folder: Path) -> Iterator[Path]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    names = {path.name for path in found}
    assert {"test.db", "child-0.log", "child-1.log"} <= names, names
    return iter(found)


def holds(text: bytes, secret: str) -> bool:
    """Whether the secret is there, plain or in a form that is as good as plain."""
    forms = {secret, quote(secret, safe=""), quote_plus(secret), base64.b64encode(secret.encode()).decode()}
    return any(form.encode() in text for form in forms)
