"""What a person probably meant, from what he typed and the names he may see. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.commands.parse import Typed

__all__ = ["Wish", "understand"]


@dataclass(frozen=True, slots=True)
class Wish:
    """`strange` are words that are neither a platform nor, as it seems, a client."""

    platforms: tuple[str, ...]
    client: str | None
    handle: str | None
    strange: tuple[str, ...] = ()


def understand(typed: Typed, slugs: Collection[str]) -> Wish:
    """Tells clients from misspelt platforms. `slugs` are the clients that the asker may see."""
    if typed.named is not None:
        return Wish(typed.platforms, typed.named, typed.handle, typed.names)
    names = typed.names
    whole = " ".join(names)
    if _slug(whole) in slugs:
        return Wish(typed.platforms, whole, typed.handle)
    known = [name for name in names if _slug(name) in slugs]
    if known:
        others = tuple(name for name in names if name != known[0])
        return Wish(typed.platforms, known[0], typed.handle, others)
    return _guess(typed, names)


def _guess(typed: Typed, names: Sequence[str]) -> Wish:
    """No client of that name: with a platform the last word is a new client, without one a misspelling."""
    if not names:
        return Wish(typed.platforms, None, typed.handle)
    if typed.platforms:
        return Wish(typed.platforms, names[-1], typed.handle, tuple(names[:-1]))
    client = names[-1] if len(names) > 1 else None
    return Wish((), client, typed.handle, tuple(names[:-1]) if client else tuple(names))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")
