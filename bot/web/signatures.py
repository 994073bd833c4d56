"""Proving that a notice comes from the platform: signatures over raw bytes, compared in constant time.

Sources: developers.facebook.com (signed requests, webhooks), developers.tiktok.com (webhook verification).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

META = frozenset({"facebook", "instagram", "threads"})
TIKTOK = "tiktok"
"""The platforms that push notices to us, each signed with the secret of its own app."""

TIKTOK_AGE = timedelta(minutes=5)
"""How far a TikTok signature's own time may be from ours."""


def verify_token(secret: str) -> str:
    """What an operator enters as "verify token" beside a Meta webhook's address: derived from the app secret,
    so that there is no setting to forget and nothing to guess."""
    return hmac.new(secret.encode(), b"lamplighter webhook verify token", hashlib.sha256).hexdigest()[:32]


def signed_request(text: str, secret: str) -> dict[str, Any] | None:
    """The payload of Meta's `signed_request`, or None where its signature is not this app's.

    `SIGNATURE.PAYLOAD`, both base64url; the signature is an HMAC-SHA256 of the payload as received."""
    signature, dot, payload = text.partition(".")
    given = _decoded(signature)
    expected = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).digest()
    if not dot or given is None or not hmac.compare_digest(given, expected):
        return None
    body = _object(_decoded(payload) or b"")
    if body is None or str(body.get("algorithm", "HMAC-SHA256")).upper() != "HMAC-SHA256":
        return None
    return body


def hub_signature(header: str, raw: bytes, secret: str) -> bool:
    """Meta's `X-Hub-Signature-256: sha256=HEX` over the raw body."""
    scheme, _, given = header.partition("=")
    return scheme == "sha256" and _matches(given, raw, secret)


def tiktok_event(header: str, raw: bytes, secret: str, now: datetime) -> dict[str, Any] | None:
    """The event of a `TikTok-Signature: t=UNIX,s=HEX`, or None where it is not this app's or too old.

    The payload recipe is not confirmed: `t.body` is the documented habit, the body alone is tolerated."""
    parts = dict(part.strip().partition("=")[::2] for part in header.split(","))
    stamp, given = parts.get("t", ""), parts.get("s", "")
    at = instant(stamp)
    if at is None or abs(now - at) > TIKTOK_AGE:
        return None
    if not (_matches(given, stamp.encode() + b"." + raw, secret) or _matches(given, raw, secret)):
        return None
    return _object(raw)


def instant(seconds: object) -> datetime | None:
    """Unix seconds, as a number or in digits, as a UTC instant."""
    text = str(seconds)
    if isinstance(seconds, bool) or not (text.isascii() and text.isdecimal() and len(text) <= 11):
        return None
    return datetime.fromtimestamp(int(text), UTC)


def same(given: str, expected: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())


def _matches(given: str, message: bytes, secret: str) -> bool:
    expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return same(given.strip().lower(), expected)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
