"""Every payload of the gallery's registry, by the rules of others and by ours; nothing is missing in it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

import bot.messages
import bot.web
from bot.messages import actions, blocks
from bot.messages.message import Message
from sandbox.slack.limits import check_blocks, check_view, view_is_too_large
from tests.gallery.case import Case, Page, Payload
from tests.gallery.registry import CASES
from tests.gallery.rules import problems

KIT = ("bot.messages.blocks", "bot.messages.modals")
"""What windows and messages are made of; the rest of bot.messages makes whole ones."""
ANSWERS = ("bot.messages.composer.client_option",)
"""What a menu is answered with, outside any window."""
FRAMES = ("base.html", "parts.html")
"""Templates that others are put into, or take from."""
SIGNS = {
    "✅": "done, or well",
    "⚠": "needs a look",
    "⛔": "down, or failed",
    "⏳": "under way, or ends soon",
    "◽": "over, nothing left to do",
    "⏸": "paused",
    "▶": "goes on",
    "🔔": "said again",
    "🔕": "snoozed",
    "🙋": "somebody is on it",
    "🔁": "changed hands, or open again",
    "⏰": "a full day ahead",
    "👋": "somebody left",
    "💡": "a hint",
    "◂": "back",
    "☑": "a filter that is on",
    "☐": "a filter that is off",
    "💰": "what it costs",
    "📎": "a file",
    "🔗": "a link",
    "🌩": "a platform is silent",
    "🪔": "the bot itself",
}
"""The one set of symbols. Each is told from the others by its shape, and stands beside words."""
OPENS_A_WINDOW = (actions.CLOSE_CLIENT,)
"""Where a dangerous button asks in a window of its own, instead of Slack's short question."""


@dataclass
class Made:
    """All payloads, and what each builder returned while they were made."""

    payloads: dict[str, Payload] = field(default_factory=dict)
    returned: dict[CodeType, list[object]] = field(default_factory=dict)


def builders() -> dict[str, Callable[..., Any]]:
    """The public functions of bot.messages that make a message, a window or a view."""
    found: dict[str, Callable[..., Any]] = {}
    for item in pkgutil.iter_modules(bot.messages.__path__, "bot.messages."):
        module = importlib.import_module(item.name)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            own = function.__module__ == module.__name__ and not name.startswith("_")
            where = f"{module.__name__}.{name}"
            if own and module.__name__ not in KIT and where not in ANSWERS and _makes(function):
                found[where] = function
    return found


def _makes(function: Callable[..., Any]) -> str | None:
    said = str(inspect.signature(function).return_annotation).replace(" | None", "")
    return said.removeprefix("blocks.") if said in ("Message", "Block", "blocks.Block") else None


@pytest.fixture(scope="module")
def made() -> Made:
    """Makes every case, and watches what the builders return."""
    found = Made(returned={function.__code__: [] for function in builders().values()})

    def watch(frame: FrameType, event: str, value: object) -> None:
        if event == "return" and frame.f_code in found.returned:
            found.returned[frame.f_code].append(value)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        found.payloads = {case.name: case.make() for case in CASES}
    finally:
        sys.setprofile(before)
    return found


def asked(made: Made, *, plain: bool = False) -> Iterator[tuple[str, Message | Mapping[str, object]]]:
    """What goes to Slack; with `plain` only the cases whose words are all ours."""
    kinds = {case.name: case for case in CASES}
    for name, payload in made.payloads.items():
        if not isinstance(payload, Page) and not (plain and kinds[name].ugly):
            yield name, payload


# -- nothing is missing ----------------------------------------------------------------------------


def test_names_are_pictures_names() -> None:
    files = [re.sub(r"[^a-z0-9]+", "-", case.name.lower()).strip("-") for case in CASES]
    assert sorted(set(files)) == sorted(files)


def test_every_message_has_a_case(made: Made) -> None:
    """A message counts where what its builder returned *is* a case's payload, so that a message which only
    stands inside another one needs its own. Windows and their parts count where a case shows them."""
    shown = {id(payload) for payload in made.payloads.values()}
    missing = []
    for name, function in builders().items():
        came = made.returned[function.__code__]
        whole = _makes(function) == "Message"
        if not any(id(value) in shown for value in came) if whole else not came:
            missing.append(name)
    assert not missing, f"add a case in tests/gallery for {missing}"


def test_every_template_has_a_case(made: Made) -> None:
    folder = Path(bot.web.__path__[0]) / "templates"
    there = {path.name for path in folder.glob("*.html")} - set(FRAMES)
    shown = {payload.template for payload in made.payloads.values() if isinstance(payload, Page)}
    assert shown == there, "add a case in tests/gallery/pages.py"


# -- Slack takes it --------------------------------------------------------------------------------


def test_others_rules_find_nothing_wrong(made: Made) -> None:
    """By slackblocks' registry and slack_sdk's models; how they are asked stands in `tests.gallery.rules`."""
    found = {name: problems(payload) for name, payload in asked(made)}
    assert not {name: said for name, said in found.items() if said}


def test_our_own_rules_find_nothing_wrong(made: Made) -> None:
    found = {name: _own_problems(payload) for name, payload in asked(made)}
    assert not {name: said for name, said in found.items() if said}


def _own_problems(payload: Message | Mapping[str, object]) -> list[str]:
    if isinstance(payload, Message):
        said = [problem.line() for problem in check_blocks([dict(one) for one in payload.blocks], "message")]
        return [*said, *(["the text is too long"] if len(payload.text) > blocks.TEXT_MAX else [])]
    said = [problem.line() for problem in check_view(dict(payload))]
    return [*said, *(["the view is too large"] if view_is_too_large(payload) else [])]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}, "150"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}, "3000"),
        ({"type": "image", "image_url": "https://cdn.test/a.jpg"}, "alt_text"),
        ({"type": "header", "text": {"type": "plain_text", "text": "x"}, "colour": "red"}, "colour"),
    ],
)
def test_the_rules_can_object(broken: dict[str, object], words: str) -> None:
    payload = Message("x", (broken,))
    sources = " ".join(line.partition(":")[0] for line in problems(payload))
    assert "slack_sdk" in sources or "slackblocks" in sources
    assert any(words in line for line in problems(payload)) and _own_problems(payload)


# -- people can read it ----------------------------------------------------------------------------


def test_the_text_says_what_the_blocks_say(made: Made) -> None:
    """For notifications and screen readers: every text and button, in the same order, and what menus offer.
    What is more than Slack takes as `text` ends in an ellipsis, and then it is the end that is missing."""
    found = {
        name: _unsaid(payload)
        for name, payload in asked(made)
        if isinstance(payload, Message) and payload.blocks
    }
    assert not {name: said for name, said in found.items() if said}


def _unsaid(message: Message) -> list[str]:
    text, at = _in_words(message.text), 0
    parts = [_in_words(part) for block in message.blocks for part in _words(block)]
    for index, part in enumerate(parts):
        place = text.find(part, at)
        if place >= 0:
            at = place + len(part)
        elif not _is_cut(message.text):
            return parts[index:]
    if _is_cut(message.text):
        return []
    heard = _bare_words(text)
    return [choice for choice in _choices(message) if not _bare_words(choice) <= heard]


def _in_words(text: str) -> str:
    """Dates and links as whoever cannot follow them reads them."""
    return re.sub(r"<https?:[^|>]*\|([^>]*)>", r"\1", blocks.dates_in_words(text))


def _choices(message: Message) -> list[str]:
    """What menus offer, as far as it is said."""
    menus = _elements(message, "static_select")
    return [option["text"]["text"] for menu in menus for option in menu["options"][: blocks.OPTIONS_SAID]]


def _bare_words(text: str) -> set[str]:
    """Without emphasis and symbols: what a menu offers may be said elsewhere, in a sentence."""
    return {word.strip(".,:;()*_[]“”\u2068\u2069") for word in text.split() if re.search(r"\w[^…]*$", word)}


def _is_cut(text: str) -> bool:
    return len(text) > blocks.TEXT_MAX - 350 and "…" in text[-350:]


def test_only_the_longest_lists_are_cut(made: Made) -> None:
    """Ordinary facts fit into `text` as a whole, up to fifty accounts or posts on one page."""
    cut = [
        name
        for name, payload in asked(made, plain=True)
        if isinstance(payload, Message) and payload.text.endswith("…") and "1000" not in name
    ]
    assert cut == []


def _words(value: Any) -> Iterator[str]:
    """What a block says in words, in the order in which its builder says it."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _words(item)
    elif isinstance(value, Mapping) and value.get("type") == "mrkdwn":
        yield str(value["text"])
    elif isinstance(value, Mapping) and value.get("type") == "plain_text":
        yield blocks.escape(str(value["text"]))
    elif isinstance(value, Mapping):
        for key in ("text", "fields", "accessory", "elements", "placeholder"):
            yield from _words(value.get(key, ()))


def test_symbols_are_of_one_set_and_never_alone(made: Made) -> None:
    """No symbol stands for its colour alone (no coloured dots), and none without words beside it."""
    strange, alone = {}, {}
    for name, payload in asked(made, plain=True):
        texts = [payload.text] if isinstance(payload, Message) else []
        texts += _words(payload.blocks if isinstance(payload, Message) else payload["blocks"])
        for text in texts:
            found = {char for char in text if unicodedata.category(char) == "So"}
            if found - set(SIGNS):
                strange[name] = found - set(SIGNS)
            if found and not re.search(r"[^\W\d_]{2}", text):
                alone[name] = text
    assert (strange, alone) == ({}, {})


def test_every_symbol_of_the_set_is_used(made: Made) -> None:
    said = "".join(str(payload) for _, payload in asked(made, plain=True))
    assert [sign for sign in SIGNS if sign not in said] == []


def _elements(payload: Message | Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    found = []
    shown: Any = payload.blocks if isinstance(payload, Message) else payload["blocks"]
    for block in shown:
        inside: Any = [block.get("accessory"), *block.get("elements", ())]
        found += [one for one in inside if isinstance(one, Mapping) and one.get("type") == kind]
    return found


def test_what_is_dangerous_asks_first(made: Made) -> None:
    found = {
        name: [button["action_id"] for button in _elements(payload, "button") if _rash(button)]
        for name, payload in asked(made)
    }
    assert not {name: said for name, said in found.items() if said}


def _rash(button: Mapping[str, Any]) -> bool:
    return (
        button.get("style") == "danger"
        and "confirm" not in button
        and button["action_id"] not in OPENS_A_WINDOW
    )


def test_at_most_one_button_is_the_main_one(made: Made) -> None:
    many = [
        name
        for name, payload in asked(made)
        if sum(button.get("style") == "primary" for button in _elements(payload, "button")) > 1
    ]
    assert many == []


def test_buttons_of_one_name_are_told_apart(made: Made) -> None:
    """Whoever does not see beside which line a button stands hears it."""
    found = {}
    for name, payload in asked(made, plain=True):
        heard: dict[str, set[object]] = {}
        for button in _elements(payload, "button"):
            heard.setdefault(button["text"]["text"], set()).add(button.get("accessibility_label"))
        deaf = [label for label, labels in heard.items() if len(labels) > 1 and None in labels]
        count = [button["text"]["text"] for button in _elements(payload, "button")]
        deaf += [label for label in set(count) if count.count(label) > 1 and heard[label] == {None}]
        if deaf:
            found[name] = deaf
    assert found == {}


def test_nothing_is_left_unfilled(made: Made) -> None:
    unfilled = re.compile(r"None(?! of)|\{[a-z_]+\}|\bnull\b|  +\S")
    found = {}
    for name, payload in asked(made, plain=True):
        texts = [*_words(payload.blocks if isinstance(payload, Message) else payload["blocks"])]
        texts = [blocks.dates_in_words(text) for text in texts]
        if any(unfilled.search(text) for text in texts):
            found[name] = [text for text in texts if unfilled.search(text)]
    assert found == {}


# -- web pages -------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """What matters of a page to whoever hears it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[str] = []
        self.unlabelled: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        if tag == "input" and values.get("type") != "hidden" and "label" not in self.inside:
            self.unlabelled.append(str(values))
        if tag not in ("input", "img", "meta", "link", "path", "br"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.inside:
            del self.inside[len(self.inside) - 1 - self.inside[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        self.text += data


def _faults_of(page: Page) -> Iterator[str]:
    reader = Reader()
    reader.feed(page.html)
    names = [tag for tag, _ in reader.tags]
    if names.count("h1") != 1 or names.count("title") != 1 or names.count("main") != 1:
        yield "one heading, title and main part"
    if ("html", {"lang": "en"}) not in reader.tags:
        yield "a language"
    yield from (f"no alt: {values}" for tag, values in reader.tags if tag == "img" and "alt" not in values)
    yield from (f"no label: {values}" for values in reader.unlabelled)
    main = sum("primary" in str(values.get("class")).split() for _, values in reader.tags)
    if main > 1:
        yield "more than one main button"
    if re.search("[\u202a-\u202e]", page.html):
        yield "a name can turn the page's words about"
    if "script" in names or "<!channel> &" in page.html:
        yield "something is not escaped"
    if re.search(r"\bNone\b(?! of)|\{[a-z_]+\}|Undefined", reader.text):
        yield "something is not filled in"


def test_pages_can_be_read_by_everybody(made: Made) -> None:
    found = {
        name: list(_faults_of(payload))
        for name, payload in made.payloads.items()
        if isinstance(payload, Page)
    }
    assert not {name: said for name, said in found.items() if said}


def test_a_case_of_nothing_is_refused() -> None:
    with pytest.raises(AssertionError):
        Case("x/y", lambda: None).make()
    assert Case("x/y", lambda: "words").make() == Message("words")
