"""The small builders: escaping, cutting, links, dates, and Slack's limits."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import blocks, times
from bot.messages.missed import with_note
from tests.messages.message_facts import check

WORDS = st.text(max_size=400)
ENTITY = re.compile(r"&(?:amp|lt|gt);|<[^<>]*>|[^&<>]", re.DOTALL)


@given(WORDS)
def test_escaped_words_come_back_and_call_nobody(text: str) -> None:
    escaped = blocks.escape(text)
    assert "<" not in escaped and ">" not in escaped
    undone = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert undone == text


@given(WORDS, st.integers(10, 200))
def test_plain_words_fit_on_one_line(text: str, most: int) -> None:
    line = blocks.plain(text, most)
    assert len(line) <= most
    assert "\n" not in line
    assert not re.search("[\u202a-\u202e]", line)


@given(WORDS, WORDS, st.integers(2, 300))
def test_cutting_never_cuts_through_an_entity_or_a_link(text: str, label: str, most: int) -> None:
    whole = (
        f"{blocks.escape(text)} {blocks.link(label or 'x', 'https://a.test/?x=1&y=2')} {blocks.escape(label)}"
    )
    short = blocks.cut(whole, most)
    assert len(short) <= most
    assert ENTITY.sub("", short) == ""


@given(st.lists(WORDS, max_size=4), WORDS)
def test_any_words_make_a_message_that_slack_takes(texts: list[str], label: str) -> None:
    ask = blocks.Confirm(label, label, label)
    parts: list[blocks.Part | None] = [blocks.header(label)]
    parts += [blocks.section(blocks.escape(text), blocks.button(label, "a", "v")) for text in texts]
    parts.append(blocks.row(blocks.button(label, "a", "v" * 2000, confirm=ask, about=label)))
    parts.append(blocks.context(blocks.safe(label, 4000)))
    check(blocks.message(parts))


def test_right_to_left_names_keep_their_direction_to_themselves() -> None:
    assert blocks.plain("\u05e9\u05dc") == "\u2068\u05e9\u05dc\u2069"
    assert blocks.plain("\u202eabc") == "abc"
    name = blocks.plain("\u05e9\u05dc")
    title = blocks.header(f"Posts of {name} wait")  # a finished line comes through `plain` once more
    assert title.block["text"] == {"type": "plain_text", "text": f"Posts of {name} wait", "emoji": True}
    for most in range(12, 16):
        short = blocks.plain(f"Posts of {name} wait", most)
        assert short.count("\u2068") == short.count("\u2069") and len(short) <= most


@pytest.mark.parametrize(
    "address",
    [None, "", "javascript:alert(1)", "https://", "https://a.test/ b", "//a.test", "https://" + "a" * 3000],
)
def test_what_is_no_address_is_no_link(address: str | None) -> None:
    assert blocks.link("A & B", address) == "A &amp; B"
    assert blocks.picture(address, "x") is None


def test_a_link_keeps_its_address_whole() -> None:
    assert (
        blocks.link("See <it>", "https://a.test/?a=1&b=2|3")
        == "<https://a.test/?a=1&amp;b=2%7C3|See &lt;it&gt;>"
    )


def test_mentions_are_made_of_ids_only() -> None:
    assert (
        blocks.mention(["U0ADA", "S0TEAM", "U0ADA", "!channel", "C0NOPE", ""]) == "<@U0ADA> <!subteam^S0TEAM>"
    )


def test_numbers_and_lists_read_like_sentences() -> None:
    assert [blocks.count(1, "post"), blocks.count(2, "post"), blocks.count(0, "post")] == [
        "1 post",
        "2 posts",
        "0 posts",
    ]
    assert blocks.listed([]) == ""
    assert blocks.listed(["a"]) == "a"
    assert blocks.listed(["a", "b", "c"]) == "a, b and c"
    assert blocks.listed([str(number) for number in range(20)], 2) == "0, 1 and 18 more"


def test_dates_are_in_the_readers_zone_with_the_clients_as_fallback() -> None:
    at = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
    shown = times.moment(at, "Europe/Berlin")
    assert shown == "<!date^1795183200^{date_short_pretty} at {time}|Fri 20 Nov 2026 15:00 CET>"
    assert "14:00 UTC" in times.moment(at, "No/Such_Zone")
    assert times.day(at.date()) == "Fri 20 Nov"


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=5), "less than a minute"),
        (timedelta(minutes=20), "20 min"),
        (timedelta(hours=3, minutes=20), "3 h 20 min"),
        (timedelta(days=2, minutes=20), "2 d 20 min"),
    ],
)
def test_spans(length: timedelta, words: str) -> None:
    assert times.span(length) == words


def test_a_stand_in_says_where_it_belongs_and_why() -> None:
    plain = blocks.message([blocks.section("Trouble.")])
    shown = check(with_note(plain, "is_archived C0CLIENT"))
    assert "<#C0CLIENT>" in shown.text and "archived" in shown.text
    assert len(shown.blocks) == 2
    assert with_note(plain, "is_archived") is plain
    assert with_note(plain, None) is plain
    full = blocks.message([blocks.section("x" * 3000)] * 50)
    assert "<#C0CLIENT>" in check(with_note(full, "strange C0CLIENT")).text
