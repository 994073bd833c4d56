"""A sealed value opens where it was sealed, with its key, as it was; nowhere else and never otherwise."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.crypto import (
    KEY_BYTES,
    Place,
    Tampered,
    UnknownKey,
    Vault,
    digest,
    key_id,
    new_key,
    parse_key,
    sealed_with,
)

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
HERE = Place("grants", "row-1", "access_token", 3)
VAULT = Vault([KEY])


@given(st.text())
def test_what_was_sealed_opens(text: str) -> None:
    sealed = VAULT.seal(text, HERE)
    assert VAULT.open(sealed, HERE) == text
    assert sealed != VAULT.seal(text, HERE)  # a nonce of its own each time


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(HERE, table="connections"),
        replace(HERE, row="row-2"),
        replace(HERE, column="refresh_token"),
        replace(HERE, generation=4),
        replace(HERE, table="grants\x1frow-1", row="access_token"),
    ],
    ids=["table", "row", "column", "generation", "separator"],
)
def test_it_opens_nowhere_else(elsewhere: Place) -> None:
    with pytest.raises(Tampered):
        VAULT.open(VAULT.seal("token", HERE), elsewhere)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_one_changed_byte_is_noticed(where: int, change: int) -> None:
    *head, body = VAULT.seal("a token", HERE).split(".")
    raw = bytearray(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    raw[where % len(raw)] ^= change
    with pytest.raises(Tampered):
        VAULT.open(".".join((*head, base64.urlsafe_b64encode(raw).decode().rstrip("="))), HERE)


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=80))
def test_anything_else_is_no_sealed_value(text: str) -> None:
    with pytest.raises((Tampered, UnknownKey)):
        VAULT.open(text, HERE)


def test_a_missing_key_is_named_and_the_value_is_not() -> None:
    sealed = Vault([OTHER]).seal("HUSH", HERE)
    with pytest.raises(UnknownKey) as caught:
        VAULT.open(sealed, HERE)
    assert caught.value.key_id == key_id(OTHER) == sealed_with(sealed)
    assert "HUSH" not in str(caught.value)


def test_the_first_key_seals_and_all_open() -> None:
    both = Vault([OTHER, KEY])
    assert both.open(VAULT.seal("old", HERE), HERE) == "old"
    assert sealed_with(both.seal("new", HERE)) == key_id(OTHER) == both.current
    with pytest.raises(ValueError, match="at least one"):
        Vault([])


def test_a_key_is_bound_into_what_it_seals() -> None:
    """Naming another key in a sealed value does not make it open with that one."""
    sealed = VAULT.seal("x", HERE).replace(key_id(KEY), key_id(OTHER))
    with pytest.raises(Tampered):
        Vault([KEY, OTHER]).open(sealed, HERE)


def test_keys_are_read_with_and_without_padding() -> None:
    text = new_key()
    assert len(parse_key(text)) == KEY_BYTES
    assert parse_key(text.rstrip("=")) == parse_key(f" {text} ")
    assert new_key() != text


@pytest.mark.parametrize("text", ["", "short", "ä" * 43, "!" * 44, "Zx81" * 10])
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_key(text)
    assert not text or text not in str(caught.value)


def test_a_digest_finds_without_keeping() -> None:
    assert digest("link") == digest("link") != digest("links")
    assert "link" not in digest("link")
