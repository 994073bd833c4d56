"""How texts are counted and recognised after a platform's rewriting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms import text


@pytest.mark.parametrize(
    ("sample", "weight"),
    [
        ("", 0),
        ("hello", 5),
        ("café", 4),
        ("cafe\u0301", 4),
        ("界界", 4),
        ("Привет", 6),
        ("“quoted”", 8),
        ("😀", 2),
        ("👍🏽", 2),
        ("👨‍👩‍👧‍👦", 2),
        ("🇨🇭🇨🇭", 4),
        ("1️⃣", 2),
        ("❤️", 2),
        ("☀", 2),
        ("https://a.example/" + "x" * 100, 23),
        ("see https://a.example/x.", 4 + 23 + 1),
        ("(https://a.example/x)", 2 + 23),
        ("https://en.example/wiki/Tea_(drink)", 23),
        ("lamp.com", 23),
        ("lamp.com/menu?x=1 now", 23 + 4),
        ("me@lamp.com", 11),
        ("Node.js v2.5", 12),
        ("https://a.example https://b.example", 47),
        ("https://a.example/界", 23 + 2),
    ],
)
def test_weight(sample: str, weight: int) -> None:
    assert text.weighted_length(sample) == weight


@given(st.text(max_size=80))
def test_weight_of_any_text(sample: str) -> None:
    assert text.weighted_length(sample) >= 0
    assert text.weighted_length(sample + " a") == text.weighted_length(sample + " ") + 1


@pytest.mark.parametrize(
    ("ours", "theirs", "fits"),
    [
        ("plain", "plain", True),
        ("plain  \n", "plain", True),
        ("a & b", "a &amp; b", True),
        ("a &amp; b", "a &amp;amp; b", True),
        ("a < b > c", "a &lt; b &gt; c", True),
        ("see https://a.example/x", "see https://t.co/Ab1", True),
        ("see lamp.com", "see https://t.co/Ab1", True),
        ("see lamp.com", "see lamp.com", True),
        ("https://a.example, https://a.example", "https://t.co/1, https://t.co/1", True),
        ("cafe\u0301", "café", True),
        ("line\r\nbreak", "line\nbreak", True),
        ("plain", "plain!", False),
        ("plain", "plain https://t.co/x", False),
        ("see https://a.example/x", "see", False),
        ("see https://a.example/x", "see https://b.example/x", False),
        ("see https://a.example/x", "see https://t.co/Ab1 https://t.co/Ab2", False),
        ("a.c", "abc", False),
        ("Plain", "plain", False),
    ],
)
def test_fits_after_shortening(ours: str, theirs: str, fits: bool) -> None:
    assert text.fits_after_shortening(ours, theirs) is fits


@given(st.text(max_size=60))
def test_every_text_fits_itself(sample: str) -> None:
    assert text.fits_after_shortening(sample, sample)
    escaped = sample.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert text.fits_after_shortening(sample, escaped)
    assert text.same_caption(sample, sample + "\n")


@pytest.mark.parametrize(
    ("sample", "hashtags", "mentions", "cashtags"),
    [
        ("#tea #kaffee_1 #1 a#b", 2, 0, 0),
        ("@lamp, @b.c me@lamp.com", 0, 2, 0),
        ("$TEA $5 US$ $cake", 0, 0, 2),
        ("", 0, 0, 0),
    ],
)
def test_tags(sample: str, hashtags: int, mentions: int, cashtags: int) -> None:
    assert (text.hashtags(sample), text.mentions(sample), text.cashtags(sample)) == (
        hashtags,
        mentions,
        cashtags,
    )


@pytest.mark.parametrize(
    ("body", "link", "whole"),
    [
        ("hi", None, "hi"),
        ("hi ", "https://a.example", "hi\nhttps://a.example"),
        ("hi https://a.example", "https://a.example", "hi https://a.example"),
        ("", "https://a.example", "https://a.example"),
    ],
)
def test_with_link(body: str, link: str | None, whole: str) -> None:
    assert text.with_link(body, link) == whole
