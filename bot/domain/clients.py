"""Clients: names people type, who may see which, and how they come into being."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.auditing import Actor, record
from bot.domain.errors import Refused
from storage import clients as store
from storage.models import Client, new_id
from storage.upsert import insert_new

SLUG_MAX = 40
AS_LATIN = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})
"""Letters that are not another one with a mark."""
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A client that was named, or meant by the channel; `created` when this request made it."""

    client: Client
    created: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """No such client. `nearest` and `known` hold only what the asker may see."""

    slug: str
    nearest: str | None
    known: tuple[str, ...]
    may_create: bool


def slug_of(text: str) -> str:
    """What a person typed, as a slug. Raises Refused where nothing usable is left."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(AS_LATIN))
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    slug = re.sub(r"[^a-z0-9]+", "-", bare).strip("-")
    if not SLUG.fullmatch(slug) or len(slug) > SLUG_MAX:
        raise Refused(
            f"A client's short name has up to {SLUG_MAX} letters from a to z, digits and dashes, "
            "like `client-a`."
        )
    return slug


async def visible(session: AsyncSession, actor: Actor) -> Sequence[Client]:
    """The clients whose names the actor may see: all, or for outsiders those of the channel they are in."""
    if not actor.outsider:
        return await store.all_open(session, actor.workspace_id)
    if actor.channel_id is None:
        return []
    return await store.in_channel(session, actor.workspace_id, actor.channel_id)


async def names(session: AsyncSession, workspace_id: str, seen: Sequence[Client]) -> Mapping[str, Client]:
    """Every short name that leads to one of these clients: today's first, then the old ones."""
    found = {client.slug: client for client in seen}
    by_id = {client.id: client for client in seen}
    for alias in await store.aliases(session, workspace_id):
        if alias.client_id in by_id:
            found.setdefault(alias.slug, by_id[alias.client_id])
    return found


async def resolve(
    session: AsyncSession, actor: Actor, typed: str | None, now: datetime, zone: str
) -> Resolved | Unknown:
    """The client a request means. An unknown name in a channel without any client, with no name near it,
    is created for that channel at once."""
    seen = await visible(session, actor)
    here = [client for client in seen if actor.channel_id in (client.team_channel, client.client_channel)]
    if typed is None:
        if len(here) == 1:
            return Resolved(here[0])
        return Unknown("", None, tuple(client.slug for client in (here or seen)), False)
    slug = slug_of(typed)
    known = await names(session, actor.workspace_id, seen)
    if slug in known:
        return Resolved(known[slug])
    near = difflib.get_close_matches(slug, known, n=1, cutoff=0.75)
    if not here and not near and not actor.outsider and actor.channel_id is not None:
        taken = await store.in_channel(session, actor.workspace_id, actor.channel_id)
        if not taken:
            made = await create(session, actor, slug, actor.channel_id, now, zone, name_of(typed))
            return Resolved(made, created=True)
    today = tuple(client.slug for client in seen)
    return Unknown(slug, known[near[0]].slug if near else None, today, not actor.outsider)


def name_of(typed: str) -> str | None:
    """The name as somebody wrote it out ("Café Zoë & Söhne"); None where he typed a short one."""
    written_out = typed != typed.casefold() and re.search(r"[^A-Za-z0-9_-]", typed)
    return " ".join(typed.split()) if written_out else None


async def create(
    session: AsyncSession,
    actor: Actor,
    slug: str,
    team_channel: str | None,
    now: datetime,
    zone: str,
    name: str | None = None,
) -> Client:
    """A new client; the one that stands already if somebody was faster. Raises Refused on a bad zone, and
    for a short name that is a closed client's or was another's."""
    check_zone(zone)
    await store.lock_names(session, actor.workspace_id)
    owner = await store.by_name(session, actor.workspace_id, slug_of(slug))
    if owner is not None and (problem := taken_words(owner, slug_of(slug))):
        raise Refused(problem)
    values: dict[str, Any] = {
        "id": new_id(),
        "workspace_id": actor.workspace_id,
        "slug": slug_of(slug),
        "name": (name or slug.replace("-", " ").title())[:80],
        "zone": zone,
        "team_channel": team_channel,
        "mentions": [],
        "backup": [],
        "settings": {},
        "created_by": actor.user_id,
        "created_at": now,
    }
    made = await insert_new(session, Client, values, "workspace_id", "slug")
    client = await store.by_slug(session, actor.workspace_id, slug_of(slug))
    assert client is not None
    if made:
        record(session, actor, "client.created", now, client_id=client.id)
    return client


async def shared_with_others(
    session: AsyncSession,
    workspace_id: str,
    team_channel: str | None,
    client_channel: str | None,
    client_id: str | None = None,
) -> dict[str, str]:
    """What is wrong with a client's channels, by field: one that a client reads never carries what is
    another's."""
    if team_channel is not None and team_channel == client_channel:
        words = "This has to be another channel than the team's: the client reads it."
        return {"client_channel": words}
    problems: dict[str, str] = {}
    for name, channel in (("team_channel", team_channel), ("client_channel", client_channel)):
        for other in await store.in_channel(session, workspace_id, channel) if channel else ():
            if other.id != client_id and (name == "client_channel" or other.client_channel == channel):
                problems[name] = f"{other.slug} uses this channel already, and a client would read both."
    return problems


def taken_words(owner: Client, slug: str) -> str:
    """Why nobody else can have this short name; empty where it is simply the open client's own."""
    if owner.closed_at is not None:
        return (
            f"`{slug}` is the short name of a client that was closed. Reopen it with "
            "`/lamplighter clients closed`, or choose another short name."
        )
    if owner.slug != slug:
        return (
            f"`{slug}` is an old short name of `{owner.slug}` and still leads there. Choose another one, or "
            f"free it first: `/lamplighter clients {owner.slug}`."
        )
    return ""


def check_zone(zone: str) -> None:
    if zone not in available_timezones():
        raise Refused(f"“{zone[:40]}” is not a time zone. Use a name like `Europe/Berlin`.")
