"""Small builders for Block Kit that keep Slack's limits (facts: Slack, sections 1.3 and 1.4).

Whatever people or platforms wrote goes through `safe` (mrkdwn) or `plain` (plain_text) first. Every builder
returns a `Part`: the block, and what the message's `text` says in its place.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.messages import actions as names
from bot.messages.message import Message

TEXT_MAX = 3_900  # chat.update takes 4,000 characters
SECTION_MAX = 3_000
HEADER_MAX = 150
BUTTON_MAX = 75
URL_MAX = 3_000
NAME_MAX = 80
OPTION_MAX = 75
OPTIONS_SAID = 10
CONFIRM_TITLE_MAX, CONFIRM_TEXT_MAX, CONFIRM_BUTTON_MAX = 100, 300, 30

Block = Mapping[str, object]

_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_APART = re.compile("\u2068[^\u2066-\u2069]*\u2069")
_UNFINISHED = re.compile(r"(?:&[a-z]{0,3}|<[^<>]*)\Z")
_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<https?:[^|>]*\|([^>]*)>")
_PERSON = re.compile(r"[UW][A-Z0-9]{2,30}")
_GROUP = re.compile(r"S[A-Z0-9]{2,30}")


@dataclass(frozen=True, slots=True)
class Part:
    """A block, and the same in words."""

    block: Block
    said: str = ""


@dataclass(frozen=True, slots=True)
class Confirm:
    """Slack's own question before a button does something. Plain text; name the client and the account."""

    title: str
    text: str
    yes: str
    danger: bool = False


def message(parts: Iterable[Part | None]) -> Message:
    """Parts from top to bottom as one message; None stands for nothing."""
    shown = [part for part in parts if part is not None]
    text = "\n".join(part.said for part in shown if part.said)
    if len(text) > TEXT_MAX:  # what Slack would write as a date or a link is shorter in words
        text = _LINK.sub(r"\1", dates_in_words(text))
    return Message(cut(text, TEXT_MAX), tuple(part.block for part in shown))


# -- words -----------------------------------------------------------------------------------------


def escape(text: str) -> str:
    """The three characters that mean something to Slack, made harmless."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str, most: int = NAME_MAX) -> str:
    """Foreign words on one line, at most `most` characters. For plain_text, which is never escaped.

    What is written from right to left keeps its direction to itself. Finished lines may come through here
    again: names in them that were set apart stay so.
    """
    line = " ".join(_unmarked(text).split())
    line = "".join(char for char in line if unicodedata.category(char) not in ("Cc", "Cs"))
    if any(unicodedata.bidirectional(char) in ("R", "AL") for char in _APART.sub("", line)):
        return f"\u2068{_shorter(line, most - 2)}\u2069"
    return _shorter(line, most)


def _unmarked(text: str) -> str:
    """Without marks of direction, save those around what `plain` has set apart."""
    found, at = [], 0
    for apart in _APART.finditer(text):
        found += [_BIDI.sub("", text[at : apart.start()]), f"\u2068{_BIDI.sub('', apart[0])}\u2069"]
        at = apart.end()
    return "".join([*found, _BIDI.sub("", text[at:])])


def safe(text: str, most: int = NAME_MAX) -> str:
    """Foreign words for mrkdwn and `text`: on one line, cut, escaped."""
    return escape(plain(text, most))


def cut(text: str, most: int) -> str:
    """Finished mrkdwn, at most `most` characters; an entity or link is never cut through."""
    if len(text) <= most:
        return text
    return f"{_UNFINISHED.sub('', text[: most - 1])}…"


def dates_in_words(text: str) -> str:
    """Finished mrkdwn with Slack's dates as their fallbacks."""
    return _DATE.sub(r"\1", text)


def count(number: int, noun: str, many: str | None = None) -> str:
    """A number with its noun: "1 post", "3 posts"."""
    return f"{number} {noun if number == 1 else many or noun + 's'}"


def agree(number: int, one: str, many: str) -> str:
    """The word that fits a number: "1 post waits", "3 posts wait"."""
    return one if number == 1 else many


def listed(items: Sequence[str], most: int = 5) -> str:
    """Items as a sentence lists them; what is too much is counted."""
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def link(label: str, url: str | None) -> str:
    """A link in mrkdwn, or only its label where the address is none that Slack takes."""
    if not is_web(url):
        return safe(label)
    address = str(url).replace("|", "%7C").replace("<", "%3C").replace(">", "%3E").replace("&", "&amp;")
    return f"<{address}|{safe(label)}>"


def is_web(url: str | None) -> bool:
    """Whether an address can stand in a message."""
    if not url or len(url) > URL_MAX or any(char.isspace() for char in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def mention(ids: Iterable[str]) -> str:
    """People and groups by their Slack ids; anything else is left out."""
    found = []
    for item in dict.fromkeys(ids):
        if _PERSON.fullmatch(item):
            found.append(f"<@{item}>")
        elif _GROUP.fullmatch(item):
            found.append(f"<!subteam^{item}>")
    return " ".join(found)


# -- blocks ----------------------------------------------------------------------------------------


def header(text: str) -> Part:
    """A heading from words that are not escaped yet."""
    line = plain(text, HEADER_MAX)
    return Part({"type": "header", "text": _plain_text(line)}, f"*{escape(line)}*")


def section(text: str, accessory: Part | None = None) -> Part:
    """Finished mrkdwn, with a button or a picture beside it."""
    body = cut(text, SECTION_MAX)
    block: dict[str, object] = {"type": "section", "text": _mrkdwn(body)}
    if accessory is None:
        return Part(block, body)
    return Part(block | {"accessory": accessory.block}, f"{body} {accessory.said}".rstrip())


def context(text: str) -> Part:
    """Finished mrkdwn, small and grey."""
    body = cut(text, SECTION_MAX)
    return Part({"type": "context", "elements": [_mrkdwn(body)]}, body)


def row(*buttons: Part | None) -> Part | None:
    """Buttons side by side, or nothing where there is none."""
    shown = [item for item in buttons if item is not None]
    if not shown:
        return None
    block = {"type": "actions", "elements": [item.block for item in shown]}
    return Part(block, " ".join(item.said for item in shown))


def divider() -> Part:
    return Part({"type": "divider"})


def button(
    label: str,
    action: str,
    value: str,
    *,
    style: str | None = None,
    confirm: Confirm | None = None,
    about: str = "",
) -> Part:
    """A button. `about` tells screen readers what the label leaves to the eye (plain text)."""
    return _button(label, action, {"value": value}, style, confirm, about)


def link_button(label: str, url: str, *, style: str | None = None, about: str = "") -> Part:
    """A button that opens an address; the address stays out of the `text`."""
    return _button(label, names.OPEN_LINK, {"url": url}, style, None, about)


def menu(placeholder: str, action: str, options: Mapping[str, str]) -> Part:
    """A menu to choose one of: what each option carries, with its label. The first ten are said; the menu
    itself has them all."""
    labels = {value: plain(label, OPTION_MAX) for value, label in options.items()}
    shown = [{"text": _plain_text(label), "value": value} for value, label in labels.items()]
    block = {"type": "static_select", "action_id": action, "placeholder": _plain_text(placeholder)}
    words = " / ".join(escape(label) for label in list(labels.values())[:OPTIONS_SAID])
    more = f" / … {len(labels) - OPTIONS_SAID} more" if len(labels) > OPTIONS_SAID else ""
    return Part({**block, "options": shown}, f"[{escape(placeholder)}: {words}{more}]")


def picture(url: str | None, words: str) -> Part | None:
    """An image beside a section; None where the address is none that Slack takes."""
    if not is_web(url):
        return None
    return Part({"type": "image", "image_url": url, "alt_text": plain(words) or "…"})


def _button(
    label: str,
    action: str,
    target: Mapping[str, str],
    style: str | None,
    confirm: Confirm | None,
    about: str,
) -> Part:
    words = plain(label, BUTTON_MAX)
    block: dict[str, object] = {"type": "button", "text": _plain_text(words), "action_id": action, **target}
    if style is not None:
        block["style"] = style
    if confirm is not None:
        block["confirm"] = _confirm(confirm)
    if plain(about):
        block["accessibility_label"] = plain(about, BUTTON_MAX)
    return Part(block, f"[{escape(words)}]")


def _confirm(ask: Confirm) -> Block:
    return {
        "title": _plain_text(plain(ask.title, CONFIRM_TITLE_MAX)),
        "text": _plain_text(plain(ask.text, CONFIRM_TEXT_MAX)),
        "confirm": _plain_text(plain(ask.yes, CONFIRM_BUTTON_MAX)),
        "deny": _plain_text("Cancel"),
        "style": "danger" if ask.danger else "primary",
    }


def _plain_text(text: str) -> Block:
    return {"type": "plain_text", "text": text or "…", "emoji": True}


def _mrkdwn(text: str) -> Block:
    # verbatim: an account called @channel or a name like an address stays what it is
    return {"type": "mrkdwn", "text": text or "…", "verbatim": True}


def _shorter(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    short = text[: most - 1].rstrip()
    if short.count("\u2068") > short.count("\u2069"):  # cut within what is set apart
        return f"{short[: most - 2].rstrip()}…\u2069"
    return f"{short}…"
