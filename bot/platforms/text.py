"""How platforms count and rewrite the text of a post.

X counts by weight after NFC: 280 units, most Latin code points one, CJK and emoji two, every link 23
(docs.x.com, counting characters; the ranges are those of the public twitter-text configuration, version 3).
"""

from __future__ import annotations

import re
import unicodedata

LINK_WEIGHT = 23

_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))  # code points that weigh one
_GENERIC = (
    "com|org|net|edu|gov|mil|int|info|biz|app|dev|xyz|shop|store|online|site|blog|news|agency|studio|design"
)
_COUNTRY = (
    "at|au|be|br|ca|ch|cl|cn|co|cz|de|dk|es|eu|fi|fr|gr|hu|ie|in|io|it|jp|kr|ly|me|mx|nl|no|nz|pl|pt|ru|se|"
    "sg|tv|ua|uk|us|za"
)
_TAIL = r"[\w\-./?%&=#:~+@!$'()*,;\[\]]"
_LINK = re.compile(
    rf"https?://(?:[^\W_]|[\-_])+(?:\.(?:[^\W_]|[\-_])+)+(?::\d+)?(?:[/?#]{_TAIL}*)?"
    rf"|(?<![\w@.$#/-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{_GENERIC}|{_COUNTRY})\b(?![@\w-])(?:/{_TAIL}*)?",
    re.IGNORECASE | re.ASCII,
)
_PICTURE = (
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2190-\u21ff\u2300-\u23ff\u25a0-\u25ff\u203c\u2049"
    "\u2122\u2139\u3030\u303d\u3297\u3299\u00a9\u00ae]"
)
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"  # flags
    "|[0-9#*]\ufe0f?\u20e3"  # keycaps
    f"|(?:[\U0001f000-\U0001faff]|{_PICTURE}\ufe0f)[\U0001f3fb-\U0001f3ff\ufe0f]*"
    f"(?:\u200d{_PICTURE}[\U0001f3fb-\U0001f3ff\ufe0f]*)*[\U000e0020-\U000e007f]*"
)


def with_link(text: str, link: str | None) -> str:
    """The text with the post's link below it, unless the text has it already."""
    if not link or link in text:
        return text
    return f"{text.rstrip()}\n{link}" if text.strip() else link


def links(text: str) -> list[tuple[int, int]]:
    """Where links stand, as (start, end); punctuation that only ends the sentence is left out."""
    return [(found.start(), found.start() + _trimmed(found.group())) for found in _LINK.finditer(text)]


def _trimmed(link: str) -> int:
    end = len(link)
    while end and (link[end - 1] in ".,;:!?'*[]" or (link[end - 1] == ")" and "(" not in link[:end])):
        end -= 1
    return end


def weighted_length(text: str) -> int:
    """How long X counts the text: 280 is the most an ordinary account may post."""
    text = unicodedata.normalize("NFC", text)
    total = 0
    at = 0
    for start, end in links(text):
        total += _weight(text[at:start]) + LINK_WEIGHT
        at = end
    return total + _weight(text[at:])


def _weight(text: str) -> int:
    plain, emoji = _EMOJI.subn("", text)
    light = sum(1 for sign in plain if any(low <= ord(sign) <= high for low, high in _LIGHT))
    return 2 * emoji + 2 * len(plain) - light


def hashtags(text: str) -> int:
    """How many hashtags the text holds (a number alone is none)."""
    return len(re.findall(r"(?<![\w&])#(?=\w*[^\W\d_])\w+", text))


def mentions(text: str) -> int:
    """How many accounts the text mentions; mail addresses are none."""
    return len(re.findall(r"(?<![\w@.])@\w[\w.]*", text))


def cashtags(text: str) -> int:
    """How many stock symbols ($ABC) the text holds."""
    return len(re.findall(r"(?<![\w$])\$[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?(?!\w)", text))


def same_caption(ours: str, theirs: str) -> bool:
    """Whether a caption is ours, line ends, composition and outer blanks aside."""
    return _plain(ours) == _plain(theirs)


def fits_after_shortening(ours: str, theirs: str) -> bool:
    """Whether a text read back from X is ours: links became t.co, & < > became entities.

    A link of ours matches exactly one t.co link, or itself where X left it alone; nothing may be added.
    """
    text = _plain(ours)
    pieces: list[str] = []
    at = 0
    for start, end in links(text):
        pieces.append(re.escape(text[at:start]))
        pieces.append(rf"(?:https?://t\.co/[A-Za-z0-9]+|{re.escape(text[start:end])})")
        at = end
    pieces.append(re.escape(text[at:]))
    expected = re.compile("".join(pieces))
    return any(expected.fullmatch(_plain(seen)) for seen in (theirs, _unescaped(theirs)))


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
