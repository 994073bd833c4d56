"""Every kind of post on every platform: composed in the window, published at the twin, linked in Slack."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.slack.pacing import Pacer
from sandbox.platforms.testing import jpeg
from tests.e2e.office import HOUR, LOGINS, Office
from tests.films import film

TITLES = {
    "facebook": "Facebook",
    "instagram": "Instagram",
    "threads": "Threads",
    "x": "X",
    "tiktok": "TikTok",
    "youtube": "YouTube",
    "linkedin": "LinkedIn",
    "linkedin_pages": "LinkedIn Page",
    "pinterest": "Pinterest",
}
WORDS = frozenset({"facebook", "threads", "x", "linkedin", "linkedin_pages"})
PICTURE, OTHER = ("bread.jpg", jpeg()), ("cake.jpg", jpeg())
LINK = "https://bakery.example/bread"


@dataclass(frozen=True)
class Kind:
    """One kind of content, and the platforms that take it."""

    text: str
    on: frozenset[str]
    files: tuple[tuple[str, bytes], ...] = ()
    title: str = ""
    link: str = ""

    @property
    def told(self) -> str:
        """What its message begins with."""
        return self.title or self.text


KINDS = (
    Kind("Nothing but words", WORDS),
    Kind("Words and a link", WORDS, link=LINK),
    Kind("A card with a title", WORDS - {"x"}, title="How we bake", link=LINK),
    Kind("One picture", frozenset(TITLES) - {"youtube"}, (PICTURE,)),
    Kind("Two pictures", frozenset(TITLES) - {"youtube"}, (PICTURE, OTHER), "Bread and cake"),
    Kind("A picture that leads somewhere", frozenset({"pinterest", "facebook"}), (PICTURE,), link=LINK),
    Kind("An upright film", frozenset(TITLES), (("reel.mp4", film(10, 1080, 1920)),), "From above"),
    Kind("A wide film", frozenset({"facebook", "youtube"}), (("film.mp4", film(10, 1920, 1080)),)),
)


async def at_once(*_: object) -> None:
    """Posts without a pause."""


async def test_every_kind_on_every_platform_is_composed_published_and_linked(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pacer, "turn", at_once)  # a message a second would take a minute
    # Facebook last: a living login there would be offered for Instagram's accounts, instead of a link.
    for platform in sorted(LOGINS, key=lambda name: name == "facebook"):
        word = platform.replace("_", "-").removesuffix("s")
        page = await office.walk(await office.link(word), platform, "bakery")
        assert "is connected" in page.text, page.text
    for kind in KINDS:
        titles = {TITLES[platform] for platform in kind.on}
        await office.compose(titles, kind.text, files=kind.files, title=kind.title, link=kind.link)
    await office.demo.advanced(HOUR)
    found = office.permalinks()
    wanted = {(kind.told, TITLES[platform]) for kind in KINDS for platform in kind.on}
    assert not wanted - found.keys(), (sorted(wanted - found.keys()), office.roots()[-1].text)
    assert len(set(found.values())) == len(wanted), "each has an address of its own"
    created = office.demo.sandbox.platforms.ledger.find("post_created")
    assert len(created) == len(wanted), "and each was published once"
    for (_, title), address in found.items():
        assert title.partition(" ")[0].casefold() in address, (title, address)
