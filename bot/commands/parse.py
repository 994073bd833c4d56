"""What people type after a command, read tolerantly. Pure.

Quotes (straight or curly), line breaks, non-breaking spaces, `#client-a`, `@handle`, commas, several
platforms and their nicknames. Nothing here decides; what is left over is handed back.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["LONGEST", "TITLES", "Typed", "nearest", "parse", "words_of"]

LONGEST = 1000
"""Characters of a command's text that are read."""

NICKNAMES = {
    "fb": "facebook",
    "ig": "instagram",
    "insta": "instagram",
    "thread": "threads",
    "twitter": "x",
    "tweet": "x",
    "x.com": "x",
    "tt": "tiktok",
    "tik-tok": "tiktok",
    "yt": "youtube",
    "you-tube": "youtube",
    "li": "linkedin",
    "linked-in": "linkedin",
    "linkedin-page": "linkedin_pages",
    "linkedin-pages": "linkedin_pages",
    "linkedin-company": "linkedin_pages",
    "li-page": "linkedin_pages",
    "pin": "pinterest",
    "pins": "pinterest",
    "pinterst": "pinterest",
}
KEYS = (
    "facebook",
    "instagram",
    "threads",
    "x",
    "tiktok",
    "youtube",
    "linkedin",
    "linkedin_pages",
    "pinterest",
)
TITLES = {"tiktok": "TikTok", "youtube": "YouTube", "linkedin": "LinkedIn", "linkedin_pages": "LinkedIn Page"}
"""How those write themselves that are not simply capitalised."""

FILLERS = frozenset(
    {"and", "or", "for", "to", "the", "with", "as", "&", "+", "-", "\u2013", "\u2014", "\u2192"}
)

_QUOTED = re.compile(r"[\"“”„«»]([^\"“”„«»]*)[\"“”„«»]")
_SLACK = re.compile(r"<([@#])[A-Z0-9]+(?:\|([^>]*))?>")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_MARK = "\x00"
EDGES = "\"“”„«»'`*.!?\u2018\u2019"
"""What may cling to a word without belonging to it."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A command's text. `names` are words that are no platform: the client's name, or something misspelt.

    `named` is a client that was marked as one (`#client-a`, quotes). `too_long`: the text was cut off.
    """

    platforms: tuple[str, ...] = ()
    named: str | None = None
    names: tuple[str, ...] = ()
    handle: str | None = None
    too_long: bool = False

    @property
    def is_empty(self) -> bool:
        """Nothing was typed."""
        return not (self.platforms or self.named or self.names or self.handle or self.too_long)


def parse(text: str, platforms: Iterable[str] = ()) -> Typed:
    """Sorts what was typed. `platforms` are keys known besides the house's own eight."""
    known = {key: key for key in (*KEYS, *platforms)} | NICKNAMES
    found: list[str] = []
    names: list[str] = []
    pictures: list[str] = []
    named = handle = None
    for word, quoted in words_of(text):
        platform = None if quoted else known.get(word.casefold())
        if platform is not None:
            found.append(platform)
        elif quoted or word.startswith("#"):
            named = named or word.lstrip("#").strip() or None
        elif word.startswith("@"):
            handle = handle or word.lstrip("@") or None
        elif word.casefold() not in FILLERS and any(char.isalnum() for char in word):
            names.append(word)
        elif any(unicodedata.category(char) == "So" for char in word):
            pictures.append(word)  # of an emoji alone nothing else can be meant than a name
    too_long = len(text) > LONGEST
    return Typed(tuple(dict.fromkeys(found)), named, tuple(names or pictures), handle, too_long)


def words_of(text: str) -> list[tuple[str, bool]]:
    """The words of a text, each with whether it stood in quotes."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text[:LONGEST])).replace(_MARK, "")
    text = _SLACK.sub(lambda match: f" {match[1]}{match[2] or ''} ", text)
    quotes: list[str] = []

    def keep(match: re.Match[str]) -> str:
        quotes.append(" ".join(match[1].split()))
        return f" {_MARK}{len(quotes) - 1} "

    found: list[tuple[str, bool]] = []
    for word in re.split(r"[\s,;]+", _QUOTED.sub(keep, text)):
        if word.startswith(_MARK):
            found.append((quotes[int(word[1:])], True))
        else:
            found.append((word.strip(EDGES), False))
    return [(word, quoted) for word, quoted in found if word]


def nearest(word: str, among: Iterable[str]) -> str | None:
    """The platform a word was probably meant to be, only among those given."""
    wanted = set(among)
    spellings = {key: key for key in wanted}
    spellings |= {nick: key for nick, key in NICKNAMES.items() if key in wanted and len(nick) > 2}
    close = difflib.get_close_matches(word.casefold(), spellings, n=1, cutoff=0.7)
    return spellings[close[0]] if close else None
