"""Changing a client, or making one from a form: names, channels, people. All of a form, or nothing of it.

A renamed client keeps its old short names: they lead to it, and are nobody else's until somebody frees them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import clients, merging, preferences
from bot.domain.auditing import Actor, record
from bot.domain.errors import FieldProblems, Refused
from bot.domain.merging import Marks
from bot.domain.preferences import MentionFrom
from storage import clients as store
from storage.models import Client, ClientAlias

CHANGED = "client.changed"
GONE = "That client does not exist any more."
NAME_MAX = 80
OVERTAKEN = "Somebody else changed this meanwhile. Close this window and open the client again."
COLUMNS = ("name", "zone", "team_channel", "client_channel", "mentions", "backup", "team_digest")
NO_PLACE = "Choose a team channel for it, or untick it."


@dataclass(frozen=True, slots=True)
class ClientValues:
    """A client as a form shows it. `mentions` and `backup`: user and group ids; `old_slugs`: the old short
    names that still lead to it; `mention_from` None: as in the workspace; `deputies`: see preferences;
    `team_digest`: Monday's digest in the team channel, too."""

    slug: str
    name: str
    zone: str
    team_channel: str | None = None
    client_channel: str | None = None
    mentions: tuple[str, ...] = ()
    backup: tuple[str, ...] = ()
    old_slugs: tuple[str, ...] = ()
    mention_from: MentionFrom | None = None
    deputies: tuple[str, ...] = ()
    team_digest: bool = False

    def plain(self) -> dict[str, Any]:
        """As plain data by field."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


def values_of(client: Client, aliases: Iterable[ClientAlias]) -> ClientValues:
    """What stands now."""
    return ClientValues(
        slug=client.slug,
        name=client.name,
        zone=client.zone,
        team_channel=client.team_channel,
        client_channel=client.client_channel,
        mentions=tuple(client.mentions),
        backup=tuple(client.backup),
        old_slugs=tuple(item.slug for item in aliases),
        mention_from=preferences.own_mention_from(client),
        deputies=preferences.deputies(client),
        team_digest=client.team_digest,
    )


async def load(session: AsyncSession, client: Client) -> ClientValues:
    """What stands now."""
    return values_of(client, await store.aliases(session, client.workspace_id, [client.id]))


async def make(
    session: AsyncSession, actor: Actor, entered: ClientValues, view_id: str, now: datetime
) -> Client:
    """A new client; the one that this very window made before. Raises FieldProblems."""
    await store.lock_names(session, actor.workspace_id)
    owner = await store.by_name(session, actor.workspace_id, entered.slug)
    if owner is not None and not await store.made_by_view(session, owner, CHANGED, actor.user_id, view_id):
        words = clients.taken_words(owner, entered.slug) or "There is a client of that short name already."
        raise FieldProblems({"slug": words})
    await _demand_sound(session, actor, entered.plain(), owner.id if owner else None)
    client = await clients.create(
        session, actor, entered.slug, entered.team_channel, now, entered.zone, entered.name
    )
    changes = {name: value for name, value in entered.plain().items() if name not in ("slug", "old_slugs")}
    _set(client, changes)
    record(session, actor, CHANGED, now, client_id=client.id, detail={"view": view_id})
    return client


async def change(
    session: AsyncSession, actor: Actor, client: Client, seen: Marks, entered: ClientValues, now: datetime
) -> Mapping[str, Any]:
    """Stores what a form has changed, and returns it by field. `client` is locked (`clients.locked`).

    Raises FieldProblems, also where somebody else has changed the same field since the form was opened."""
    if client.closed_at is not None:
        raise Refused(GONE)
    await store.lock_names(session, actor.workspace_id)
    before = (await load(session, client)).plain()
    merged = merging.merge(seen, entered.plain(), before)
    if merged.conflicts:
        raise FieldProblems(dict.fromkeys(merged.conflicts, OVERTAKEN))
    changes = dict(merged.changes)
    if not changes:
        return changes
    await _demand_sound(session, actor, before | changes, client.id)
    await _rename(session, client, changes, before, now)
    _set(client, changes)
    detail = {name: [before[name], value] for name, value in changes.items()}
    record(session, actor, CHANGED, now, client_id=client.id, detail={"changed": detail})
    return changes


async def _rename(
    session: AsyncSession,
    client: Client,
    changes: Mapping[str, Any],
    before: Mapping[str, Any],
    now: datetime,
) -> None:
    """The new short name, the old one kept, and those freed that were given up."""
    if "old_slugs" in changes:
        await store.free_aliases(session, client, set(before["old_slugs"]) - set(changes["old_slugs"]))
    slug = changes.get("slug")
    if slug is None:
        return
    owner = await store.by_name(session, client.workspace_id, slug)
    if owner is not None and owner.id != client.id:
        words = clients.taken_words(owner, slug) or f"`{slug}` is another client's short name already."
        raise FieldProblems({"slug": words})
    await store.free_aliases(session, client, [slug])
    old, client.slug = client.slug, slug
    await session.flush()
    await store.add_alias(session, client, old, now)


def _set(client: Client, changes: Mapping[str, Any]) -> None:
    for name in COLUMNS:
        if name in changes:
            setattr(client, name, changes[name])
    own = {name: changes[name] for name in ("mention_from", "deputies") if name in changes}
    client.settings = {
        name: value for name, value in ((client.settings or {}) | own).items() if value not in (None, [])
    }


async def _demand_sound(
    session: AsyncSession, actor: Actor, values: Mapping[str, Any], client_id: str | None
) -> None:
    problems = await clients.shared_with_others(
        session, actor.workspace_id, values["team_channel"], values["client_channel"], client_id
    )
    if values["team_digest"] and values["team_channel"] is None:
        problems["team_digest"] = NO_PLACE
    if problems:
        raise FieldProblems(problems)
