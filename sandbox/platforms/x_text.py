"""How X counts and rewrites text: weighted length (280) and t.co links (x facts §1.5)."""

from __future__ import annotations

import re
import secrets
import string
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

LIMIT = 280
URL_WEIGHT = 23
LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
LABELS = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+"
ENDINGS = "com|org|net|io|co|dev|app|info|eu|uk|de|fr|es|it|nl|at|ch|me"
URL = re.compile(
    rf"(?<![@\w./-])(?:https?://{LABELS}[a-z]{{2,}}|{LABELS}(?:{ENDINGS}))"
    r"(?![\w-]|\.\w)(?::\d+)?(?:[/?#][^\s<>\"]*)?",
    re.IGNORECASE,
)
PICTURE = "[\u203c-\u3299\U0001f000-\U0001faff]"
EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"
    "|[0-9#*]\ufe0f?\u20e3"
    f"|{PICTURE}[\ufe0f\U0001f3fb-\U0001f3ff]*(?:\u200d{PICTURE}[\ufe0f\U0001f3fb-\U0001f3ff]*)*"
)
TRAILING = ".,:;!?)'\u2026"


@dataclass(frozen=True)
class Link:
    """A link in a text as X shows it; `start` and `end` count characters of the shown text."""

    start: int
    end: int
    url: str
    expanded: str


def find_links(text: str) -> list[tuple[int, int]]:
    """Where links stand in a text, closing punctuation left out."""
    spots = []
    for match in URL.finditer(text):
        link = match.group().rstrip(TRAILING)
        spots.append((match.start(), match.start() + len(link)))
    return spots


def weight(text: str) -> int:
    """The weighted length: most characters 1, CJK and whole emoji 2, every link 23."""
    text = unicodedata.normalize("NFC", text)
    total, at = 0, 0
    for start, end in find_links(text):
        total += _plain_weight(text[at:start]) + URL_WEIGHT
        at = end
    return total + _plain_weight(text[at:])


def _plain_weight(text: str) -> int:
    rest, emoji = EMOJI.subn("", text)
    return 2 * emoji + sum(1 if any(a <= ord(c) <= b for a, b in LIGHT) else 2 for c in rest)


def rewrite(text: str, shorten: Callable[[], str]) -> tuple[str, list[Link]]:
    """The text as X stores and shows it: links as t.co, `&`, `<`, `>` as entities."""
    parts: list[str] = []
    links: list[Link] = []
    at = length = 0
    for start, end in find_links(text):
        before, short = _escape(text[at:start]), shorten()
        length += len(before)
        original = text[start:end]
        expanded = original if "://" in original else f"http://{original}"
        links.append(Link(length, length + len(short), short, expanded))
        parts += [before, short]
        length += len(short)
        at = end
    return "".join([*parts, _escape(text[at:])]), links


def short_link() -> str:
    """A new t.co address: 23 characters."""
    return "https://t.co/" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(10))


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
