"""Addresses of stored media: whoever has one may fetch that file until it ends, and nothing else.

`{signed}` is the file's id, the end and a mark made with a key derived from the encryption keys, as url-safe
base64, and then the usual end of the file's name, which some fetchers want and which means nothing here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime

PURPOSE = b"lamplighter media address 1"
ID_BYTES, END_BYTES, MARK_BYTES = 16, 5, 16
LENGTH = 50  # of the base64 part


class Signer:
    """Signs with the first key, believes all: addresses outlive a rotation. Keys are 32 bytes each."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("at least one key is needed")
        self._keys = [hmac.digest(key, PURPOSE, hashlib.sha256) for key in keys]

    def sign(self, media_id: str, until: datetime) -> str:
        """The base64 part of the address of a file (32 hex characters), good until then (UTC-aware)."""
        said = bytes.fromhex(media_id) + int(until.timestamp()).to_bytes(END_BYTES, "big")
        return _text(said + _mark(self._keys[0], said))

    def read(self, signed: str, now: datetime) -> str | None:
        """The file's id; None for what was not signed here, or ended before `now`."""
        text = signed.partition(".")[0]
        if len(text) != LENGTH or not text.isascii():
            return None
        try:
            raw = base64.b64decode(text + "==", altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if _text(raw) != text:  # bits that mean nothing: one file has one address
            return None
        said, mark = raw[:-MARK_BYTES], raw[-MARK_BYTES:]
        if not any([hmac.compare_digest(_mark(key, said), mark) for key in self._keys]):
            return None
        until = datetime.fromtimestamp(int.from_bytes(said[ID_BYTES:], "big"), UTC)
        return said[:ID_BYTES].hex() if now < until else None


def _mark(key: bytes, said: bytes) -> bytes:
    return hmac.digest(key, said, hashlib.sha256)[:MARK_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
