"""Recognising secrets: by the name of a value, and by the shape of a text.

It errs on the side of masking. Whatever is masked wrongly can be found again; a token in a log cannot be
taken back.
"""

from __future__ import annotations

import re

__all__ = ["MASK", "is_secret_name", "mask"]

MASK = "***"
_MAX_READ = 65_536
_MAX_SHOWN = 16_384

_SECRET_WORDS = frozenset(
    {
        "assertion",
        "authorization",
        "cookie",
        "cookies",
        "credential",
        "credentials",
        "passwd",
        "password",
        "secret",
    }
    | {"secrets", "signature", "token", "tokens", "verifier", "bearer"}
)
_SECRET_NAMES = frozenset(
    {
        "api_key",
        "apikey",
        "access_key",
        "private_key",
        "encryption_key",
        "encryption_keys",
        "client_key",
        "oauth_state",
    }
    | {
        "auth_code",
        "oauth_code",
        "authorization_code",
        "pkce",
        "response_url",
        "signed_request",
        "database_url",
    }
)
# What is about a secret and is not one: `token_expires_at`, `token_type`.
_HARMLESS_ENDS = frozenset({"at", "count", "seconds", "type", "kind", "days", "generation", "host"})
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_Q = r"(?:%22|\\*[\"'])?"
_NAMES = (
    r"(?:[a-z0-9]{1,40}[_-]){0,6}(?:token|tokens|secret|password|verifier|assertion|signature|signed_request|proof"
    r"|authorization|cookie|api_key|client_key|credential|ticket|sig)"
)
_VALUE = r"[^\s&\"'<>,;)}\]#\\]+"
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, flags), replacement)
    for pattern, replacement, flags in (
        # Slack, Meta, TikTok, Google, Pinterest, LinkedIn, JSON web tokens
        (r"\bxox[a-z](?:\.xox[a-z])?-[\w.%-]+", MASK, re.I),
        (r"\bxapp-[\w.%-]+", MASK, re.I),
        (r"\b(?:EAA|IGAA|IGQ|THAA|THQ)[\w.%-]{6,}", MASK, 0),
        (r"\b(?:act|rft|clt)\.[\w!*.~%-]{4,}", MASK, 0),
        (r"\bya29\.[\w.%-]+|\b1//[\w-]{6,}|\bGOCSPX-[\w-]+|\b4/[\w-]{20,}", MASK, 0),
        (r"\bpin[acr]_[\w.-]{6,}", MASK, 0),
        (r"\bAQ[\w-]{30,}", MASK, 0),
        (r"\beyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)?", MASK, 0),
        (r"\b(bearer|basic|oauth)(\s+|%20|\+)[\w.~+/=%-]{8,}", rf"\1 {MASK}", re.I),
        (r"\b(set-cookie|cookie)(\W{1,4})[^\r\n]+", rf"\1\2{MASK}", re.I),
        # name=value, "name": "value", name%3Dvalue
        (rf"(?<![a-z0-9])({_NAMES}){_Q}(\s*[=:]\s*|%3D|%3A)(?!\*\*\*){_Q}{_VALUE}", rf"\1\2{MASK}", re.I),
        (
            rf"((?:[?&#]|%3F|%26|^)(?:code|state|oauth_\w+))(=|%3D)(?!\*\*\*)(?:(?!%26){_VALUE[:-1]})+",
            rf"\1\2{MASK}",
            re.I,
        ),
        (rf"\b(code|state){_Q}(\s*[=:]\s*){_Q}[\w.~%+/=-]{{16,}}", rf"\1\2{MASK}", re.I),
        # capability links, response addresses, user parts
        (r"(/(?:connect|media|deletion)/)[\w.~%=-]{6,}", rf"\1{MASK}", re.I),
        (r"(hooks\.slack\.com/)[\w./%-]+", rf"\1{MASK}", re.I),
        (r"(://)[^\s/?#@\"']*:[^\s/?#\"']*@", rf"\1{MASK}@", 0),
        # whatever is long and looks random: keys, link tokens, opaque bearers
        (r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*\d)[\w-]{40,}={0,2}", MASK, re.A),
    )
)


def is_secret_name(name: str, value: object = "") -> bool:
    """Whether a value with this name must not be shown. A numeric `code` is an error code and may be."""
    words = [word.lower() for word in _WORDS.findall(name)]
    joined = "_".join(words)
    if joined == "code":
        return isinstance(value, str) and not re.fullmatch(r"[\d.]{1,9}|[a-z_]{1,40}", value)
    if joined in _SECRET_NAMES:
        return True
    return bool(words) and not _SECRET_WORDS.isdisjoint(words) and words[-1] not in _HARMLESS_ENDS


def mask(text: str) -> str:
    """The text with everything that looks like a secret replaced."""
    text = text[:_MAX_READ]
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
