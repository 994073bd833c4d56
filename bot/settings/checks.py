"""What each variable may hold. Every check takes the text and returns the value, or raises ValueError.

The text of the error completes the sentence "<NAME> …" and never repeats the value.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import math
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from pydantic import SecretStr

__all__ = [
    "api_url",
    "channel_id",
    "database_url",
    "encryption_keys",
    "flag",
    "folder",
    "heartbeat_url",
    "host_of",
    "is_loopback",
    "matching",
    "media_url",
    "number",
    "outbound_url",
    "public_url",
    "team_ids",
    "token",
    "whole_number",
]

_KEY_BYTES = 32
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}


def is_loopback(host: str, *, named: bool = True) -> bool:
    """Whether a host is a literal loopback address or, where `named`, `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return named and host == "localhost"


def host_of(address: str) -> str:
    """The host of an address that was checked before."""
    return urlsplit(address).hostname or ""


def database_url(text: str) -> SecretStr:
    """The address with its asynchronous driver; `sslmode`, which that driver does not know, becomes `ssl`."""
    scheme, separator, rest = text.partition("://")
    driver = _DRIVERS.get(scheme.lower())
    if driver is None or not separator:
        raise ValueError("must begin with sqlite:// or postgresql://")
    if driver.startswith("sqlite"):
        path = rest.partition("?")[0]
        if not path.startswith("/") or path == "/" or ":memory:" in path:
            raise ValueError("must name a file, as sqlite:///data/lamplighter.db")
        return SecretStr(f"{driver}://{rest}")
    if not rest.partition("?")[0].partition("/")[2]:
        raise ValueError("must name a database, as postgresql://user:password@host/name")
    where, mark, query = rest.partition("?")
    pairs = [("ssl" if name == "sslmode" else name, value) for name, value in parse_qsl(query)]
    return SecretStr(f"{driver}://{where}{mark}{urlencode(pairs)}")


def encryption_keys(text: str) -> tuple[SecretStr, ...]:
    """Keys of 32 bytes, url-safe base64; the first encrypts, all decrypt."""
    keys = [key.strip() for key in text.split(",") if key.strip()]
    for position, key in enumerate(keys, 1):
        try:
            raw = base64.b64decode(key + "=" * (-len(key) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != _KEY_BYTES:
            raise ValueError(f"has a key (number {position}) that is not 32 bytes of url-safe base64")
    if len({key.rstrip("=") for key in keys}) != len(keys):
        raise ValueError("has the same key twice")
    if not keys:
        raise ValueError("holds no key")
    return tuple(SecretStr(key) for key in keys)


def public_url(text: str) -> str:
    """An origin without trailing slash: https, or http on this machine."""
    parts = _origin(text)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("must begin with https:// (http:// only on localhost)")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def outbound_url(text: str) -> str:
    """An origin without trailing slash whose host is a literal loopback address."""
    parts = _origin(text)
    if not is_loopback(parts.hostname or "", named=False):
        raise ValueError("must be a literal loopback address, as http://127.0.0.1:4000")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def api_url(text: str) -> str:
    """The base of Slack's Web API, with a trailing slash."""
    parts = _split(text)
    if parts.query or parts.fragment:
        raise ValueError("must have no query")
    return f"{_secure(parts).geturl().rstrip('/')}/"


def heartbeat_url(text: str) -> SecretStr:
    """An address to call; https, or http on this machine. Kept secret, for whoever knows it can call it."""
    return SecretStr(_secure(_split(text)).geturl())


def token(prefixes: tuple[str, ...]) -> Callable[[str], SecretStr]:
    """A secret that begins with one of `prefixes`."""

    def check(text: str) -> SecretStr:
        if not text.startswith(prefixes):
            raise ValueError(f"must begin with {prefixes[0]}")
        return SecretStr(text)

    return check


def matching(pattern: str, example: str) -> Callable[[str], str]:
    """Text of a certain shape."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must look like {example}")
        return text

    return check


channel_id = matching(r"[CG][A-Z0-9]+", "C0123ABCD (the id, not the name)")


def team_ids(text: str) -> frozenset[str]:
    """Team or enterprise ids, separated by commas or spaces."""
    ids = frozenset(text.replace(",", " ").split())
    if not ids or not all(re.fullmatch(r"[TE][A-Z0-9]+", one) for one in ids):
        raise ValueError("must be team ids, as T0123ABCD")
    return ids


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""

    def check(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return check


def number(low: float, high: float) -> Callable[[str], float]:
    """A number from `low` to `high`."""

    def check(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise ValueError(f"must be a number from {low:g} to {high:g}")
        return value

    return check


def flag(text: str) -> bool:
    """True or false, in the usual spellings."""
    word = text.lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ValueError("must be true or false")


def media_url(text: str) -> str:
    """Where uploaded media lie: a folder as file:///…, or an object store's bucket."""
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError("is not an address") from None
    if parts.scheme == "file" and not parts.netloc and len(parts.path) > 1:
        return text
    if parts.scheme in {"s3", "gs", "az"} and parts.hostname and not (parts.query or parts.username):
        return text
    raise ValueError("is not the address of a folder or bucket")


def folder(text: str) -> Path:
    """A folder; it need not exist yet."""
    path = Path(text).expanduser()
    if path.exists() and not path.is_dir():
        raise ValueError("is not a folder")
    return path


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not a web address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or re.search(r"[\s\\]", text):
        raise ValueError("is not a web address")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or a password")
    return parts


def _origin(text: str) -> SplitResult:
    parts = _split(text)
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError("must end after the host and port, without path or query")
    return parts


def _secure(parts: SplitResult) -> SplitResult:
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("must begin with https://")
    return parts
