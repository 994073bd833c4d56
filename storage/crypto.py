"""AES-256-GCM for everything secret at rest, each value bound to the very place where it stands.

A sealed value reads `1.KEYID.NONCE.CIPHERTEXT` (url-safe base64). Its associated data names table, row,
column, generation and key, so a value that is moved to another row or kept past its generation does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
VERSION = "1"


class CryptoError(Exception):
    """A sealed value cannot be opened."""


class UnknownKey(CryptoError):
    """The value was sealed with a key that is not configured."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"no configured key has the id {key_id}")
        self.key_id = key_id


class Tampered(CryptoError):
    """The value is damaged, or stands where it was not sealed for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value stands. `generation` is 0 where the row has none."""

    table: str
    row: str
    column: str
    generation: int = 0

    def bound_to(self, key_id: str) -> bytes:
        return "\x1f".join((self.table, self.row, self.column, str(self.generation), key_id)).encode()


def new_key() -> str:
    """A fresh key: 32 bytes, url-safe base64."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def parse_key(text: str) -> bytes:
    """The 32 bytes of a configured key. Raises ValueError, without the text, if it is none."""
    try:
        raw = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
    except (binascii.Error, ValueError):
        raise ValueError("not url-safe base64") from None
    if len(raw) != KEY_BYTES:
        raise ValueError(f"{len(raw)} bytes instead of {KEY_BYTES}")
    return raw


def key_id(key: bytes) -> str:
    """A short public name of a key."""
    return hashlib.sha256(b"lamplighter key id\x00" + key).hexdigest()[:8]


class Vault:
    """Seals with the first key, opens with all."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("at least one key is needed")
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self.current = key_id(keys[0])

    @property
    def key_ids(self) -> list[str]:
        return list(self._ciphers)

    def seal(self, text: str, place: Place) -> str:
        """Encrypts `text` for `place`."""
        nonce = os.urandom(NONCE_BYTES)
        body = self._ciphers[self.current].encrypt(nonce, text.encode(), place.bound_to(self.current))
        return ".".join((VERSION, self.current, _encode(nonce), _encode(body)))

    def open(self, sealed: str, place: Place) -> str:
        """Decrypts what was sealed for `place`. Raises UnknownKey or Tampered."""
        try:
            version, name, nonce, body = sealed.split(".")
            raw_nonce, raw_body = _decode(nonce), _decode(body)
        except (ValueError, binascii.Error):
            raise Tampered("not a sealed value") from None
        if version != VERSION:
            raise Tampered(f"sealed in format {version!r}")
        if name not in self._ciphers:
            raise UnknownKey(name)
        try:
            return self._ciphers[name].decrypt(raw_nonce, raw_body, place.bound_to(name)).decode()
        except InvalidTag:
            raise Tampered(f"does not belong to {place.table}.{place.column}") from None


def sealed_with(sealed: str) -> str:
    """The id of the key that a sealed value needs."""
    return sealed.split(".", 2)[1]


def digest(text: str) -> str:
    """SHA-256 in hex: how capabilities (link tokens, states, cookies) are found without being kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
