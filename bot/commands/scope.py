"""Which clients a command is about: the one that was named, those of the channel, or all that may be seen."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.parse import LONGEST, words_of
from bot.domain import clients
from bot.domain.auditing import Actor
from bot.domain.errors import Refused
from storage.models import Client

__all__ = ["find_clients", "here", "scope_word"]

ALL = frozenset({"all", "everything", "everyone"})
HERE = frozenset({"", "here"})
LIST_MAX = 20


async def find_clients(session: AsyncSession, actor: Actor, text: str) -> list[Client]:
    """The clients that are meant. Raises Refused for an unknown name, with the nearest and a list of those
    that the asker may see."""
    if len(text) > LONGEST:
        raise Refused(f"That is more than I can read in a command ({LONGEST:,} characters).")
    seen = await clients.visible(session, actor)
    typed = " ".join(word.lstrip("#") for word, _ in words_of(text)).strip()
    if typed.casefold() in ALL:
        return list(seen)
    if typed.casefold() in HERE:
        return here(seen, actor.channel_id) or list(seen)
    slug = clients.slug_of(typed)
    known = await clients.names(session, actor.workspace_id, seen)
    if slug not in known:
        raise Refused(_unknown(slug, [client.slug for client in seen]))
    return [known[slug]]


def scope_word(text: str) -> str:
    """What was typed, as the buttons of further pages carry it: "here", "all" or a slug."""
    typed = " ".join(word.lstrip("#") for word, _ in words_of(text)).strip().casefold()
    if typed in HERE:
        return "here"
    return "all" if typed in ALL else clients.slug_of(typed)


def here(seen: Sequence[Client], channel_id: str | None) -> list[Client]:
    """Those whose team or client channel this is."""
    return [item for item in seen if channel_id and channel_id in (item.team_channel, item.client_channel)]


def _unknown(slug: str, known: Sequence[str]) -> str:
    said = f"There is no client `{slug}` here."
    near = difflib.get_close_matches(slug, known, n=1, cutoff=0.6)
    if near:
        said += f" Did you mean `{near[0]}`?"
    if known:
        more = f" and {len(known) - LIST_MAX} more" if len(known) > LIST_MAX else ""
        said += f" Clients here: {', '.join(f'`{item}`' for item in known[:LIST_MAX])}{more}."
    return said
