from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.parse import KEYS, LONGEST, Typed, nearest, parse, words_of
from bot.commands.wish import Wish, understand

SLUGS = ("client-a", "client-b")


@pytest.mark.parametrize(
    ("text", "platforms", "client", "handle"),
    [
        ("instagram client-a", ("instagram",), "client-a", None),
        ("  INSTA\u00a0\u2003client-a  ", ("instagram",), "client-a", None),
        ("ig fb tt client-a", ("instagram", "facebook", "tiktok"), "client-a", None),
        ("ig, twitter and yt for client-a", ("instagram", "x", "youtube"), "client-a", None),
        ("instagram #client-a @Brand", ("instagram",), "client-a", "Brand"),
        ("@brand instagram client-a", ("instagram",), "client-a", "brand"),
        ('instagram "Client A"', ("instagram",), "Client A", None),
        ("instagram \u201cClient A\u201d @brand", ("instagram",), "Client A", "brand"),
        ("instagram\nclient-a\n@brand", ("instagram",), "client-a", "brand"),
        ("x client a", ("x",), "client a", None),
        ("li <#C012345|client-a>", ("linkedin",), "client-a", None),
        ("pin client-a \U0001f680", ("pinterest",), "client-a", None),
        ("pin \U0001f680", ("pinterest",), "\U0001f680", None),
        ("instagram \u200bclient-a\u200b", ("instagram",), "client-a", None),
        ("client-a instagram instagram", ("instagram",), "client-a", None),
        ('instagram "x"', ("instagram",), "x", None),
        ("instagram client-new", ("instagram",), "client-new", None),
        ("instagram", ("instagram",), None, None),
    ],
)
def test_what_people_type(
    text: str, platforms: tuple[str, ...], client: str | None, handle: str | None
) -> None:
    wish = understand(parse(text), SLUGS)
    assert (wish.platforms, wish.client, wish.handle) == (platforms, client, handle)


@pytest.mark.parametrize(
    ("text", "strange"),
    [
        ("snapchat client-a", ("snapchat",)),
        ("instagrm client-new", ("instagrm",)),
        ("snapchat", ("snapchat",)),
        ("instagram snapchat client-a", ("snapchat",)),
        ("client-a snapchat instagram", ("snapchat",)),
        ('snapchat "Client A"', ("snapchat",)),
    ],
)
def test_words_that_are_no_platform(text: str, strange: tuple[str, ...]) -> None:
    assert understand(parse(text), SLUGS).strange == strange


def test_a_client_alone_is_no_strange_word() -> None:
    assert understand(parse("client-b"), SLUGS) == Wish((), "client-b", None)


@pytest.mark.parametrize(
    ("word", "meant"),
    [("instagrm", "instagram"), ("Instgram", "instagram"), ("twiter", "x"), ("snapchat", None), ("", None)],
)
def test_the_nearest_platform(word: str, meant: str | None) -> None:
    assert nearest(word, ("instagram", "x")) == meant


def test_only_platforms_that_there_are_come_near() -> None:
    assert nearest("facebok", KEYS) == "facebook"
    assert nearest("facebok", ("instagram",)) is None


def test_nothing_typed_is_nothing() -> None:
    assert parse(" \n\u00a0\t ").is_empty
    assert parse("").is_empty and not parse("x").is_empty


def test_a_hundred_kilobytes_are_cut_and_said() -> None:
    typed = parse("instagram client-a " + "a" * 100_000)
    assert typed.too_long and typed.platforms == ("instagram",)
    assert all(len(word) <= LONGEST for word in typed.names)


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    typed = parse(text)
    assert isinstance(typed, Typed)
    assert set(typed.platforms) <= set(KEYS)
    assert len(typed.platforms) == len(set(typed.platforms))
    wish = understand(typed, SLUGS)
    assert wish.client is None or wish.client.strip()
    assert all(word and not any(char.isspace() for char in word) for word in typed.names)


@given(st.lists(st.text("abc -", min_size=1).filter(str.strip), max_size=4))
def test_what_stands_in_quotes_stays_together(names: list[str]) -> None:
    text = " ".join(f'"{name}"' for name in names)
    assert words_of(text) == [(" ".join(name.split()), True) for name in names]
