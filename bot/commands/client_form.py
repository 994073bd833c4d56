"""The modal of a client: what it shows, what was filled in, and storing it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands import presence
from bot.commands.desk import Desk
from bot.commands.requests import unescaped
from bot.commands.who import Asker, demand_member, demand_named
from bot.commands.zones import read_zone
from bot.domain import client_changes, merging
from bot.domain.client_changes import ClientValues
from bot.domain.clients import slug_of
from bot.domain.errors import FieldProblems, Refused
from bot.domain.preferences import MentionFrom, Right
from bot.messages import blocks
from bot.messages import clients as messages
from bot.messages.clients import ClientForm
from storage import clients as client_rows
from storage.models import Client

CHANGING = "change clients"
GROUP = re.compile(r"(?:<!subteam\^)?(S[A-Z0-9]{2,30})(?:\|[^>]*)?>?")


@dataclass(frozen=True, slots=True)
class Carried:
    """What the window carries: the client (empty for a new one), where it was opened, what it showed."""

    client_id: str = ""
    channel_id: str | None = None
    seen: Mapping[str, str] | None = None

    def packed(self) -> str:
        """As `private_metadata`."""
        return json.dumps({"client": self.client_id, "channel": self.channel_id, "seen": self.seen or {}})


def unpacked(view: Mapping[str, Any]) -> Carried:
    """What a window carries; nothing where that cannot be read."""
    try:
        found = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        found = {}
    if not isinstance(found, dict) or not isinstance(found.get("seen", {}), dict):
        found = {}
    channel = found.get("channel")
    seen = {str(key): str(mark) for key, mark in found.get("seen", {}).items()}
    return Carried(str(found.get("client") or ""), channel if isinstance(channel, str) else None, seen)


def may_change(asker: Asker, client: Client) -> None:
    """Admins and named people; and whoever made the client, until somebody is named. Raises Refused."""
    demand_member(asker, CHANGING)
    if client.created_by == asker.user_id and not client.mentions:
        return
    demand_named(asker, client, CHANGING, Right.CLIENTS)


async def window(session: AsyncSession, client: Client, channel_id: str | None) -> blocks.Block:
    """The modal of a client as it stands now."""
    values = await client_changes.load(session, client)
    carried = Carried(client.id, channel_id, merging.marks(values.plain()))
    return messages.client_modal(_form(client.id, values), carried.packed())


def new_window(zone: str, team_channel: str | None) -> blocks.Block:
    """The modal of a client that does not exist yet."""
    carried = Carried(channel_id=team_channel)
    return messages.client_modal(ClientForm(zone=zone, team_channel=team_channel), carried.packed())


def _form(client_id: str, values: ClientValues) -> ClientForm:
    return ClientForm(
        id=client_id,
        slug=values.slug,
        name=values.name,
        zone=values.zone,
        team_channel=values.team_channel,
        client_channel=values.client_channel,
        mentions=_people(values.mentions),
        groups=" ".join(_groups(values.mentions)),
        backup=_people(values.backup),
        old_slugs=values.old_slugs,
        mention_from=values.mention_from or "",
        deputies=values.deputies,
        team_digest=values.team_digest,
    )


def _people(ids: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(item for item in ids if not item.startswith("S"))


def _groups(ids: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(item for item in ids if item.startswith("S"))


def read_form(view: Mapping[str, Any], is_new: bool) -> tuple[ClientValues, dict[str, str]]:
    """What was filled in, and what is wrong with it, by block. Pure. Groups in the backup have no field here:
    they are added by `submit`."""
    values = view["state"]["values"]
    errors: dict[str, str] = {}
    zone = tried(errors, messages.ZONE, read_zone, text_of(values, messages.ZONE))
    slug = tried(errors, messages.SLUG, slug_of, text_of(values, messages.SLUG))
    groups = read_groups(errors, messages.GROUPS, text_of(values, messages.GROUPS))
    name = " ".join(text_of(values, messages.NAME).split())[: client_changes.NAME_MAX]
    if not name:
        errors[messages.NAME] = "A client needs a name."
    chosen = (entered(values, messages.FROM, "selected_option") or {}).get("value")
    kept = entered(values, messages.OLD_SLUGS, "selected_options") or ()
    found = ClientValues(
        slug=slug,
        name=name,
        zone=zone,
        team_channel=entered(values, messages.TEAM, "selected_conversation") or None,
        client_channel=entered(values, messages.SHARED, "selected_conversation") or None,
        mentions=(*people_of(values, messages.MENTIONS), *groups),
        backup=people_of(values, messages.BACKUP),
        old_slugs=() if is_new else tuple(str(item["value"]) for item in kept),
        mention_from=MentionFrom(chosen) if chosen in list(MentionFrom) else None,
        deputies=people_of(values, messages.DEPUTIES),
        team_digest=bool(entered(values, messages.DIGEST, "selected_options")),
    )
    return found, errors


def entered(values: Mapping[str, Any], block_id: str, key: str) -> Any:
    """What an input holds; None where it is not there or empty."""
    return (values.get(block_id, {}).get(block_id) or {}).get(key)


def text_of(values: Mapping[str, Any], block_id: str) -> str:
    return unescaped(str(entered(values, block_id, "value") or "")).strip()


def people_of(values: Mapping[str, Any], block_id: str) -> tuple[str, ...]:
    return tuple(str(user) for user in entered(values, block_id, "selected_users") or ())


def read_groups(errors: dict[str, str], block_id: str, typed: str) -> tuple[str, ...]:
    """User groups as they were written, by id; what is none is said in `errors`."""
    found = []
    for word in re.split(r"[\s,;]+", typed):
        match = GROUP.fullmatch(word)
        if match is not None:
            found.append(match[1])
        elif word:
            errors[block_id] = f"“{word[:40]}” is no user group's id. They look like S0123ABCD."
    return tuple(dict.fromkeys(found))


def tried(errors: dict[str, str], block_id: str, read: Callable[[str], str], typed: str) -> str:
    """What `read` makes of what was typed; what it refuses is said in `errors`."""
    try:
        return read(typed)
    except Refused as refused:
        errors[block_id] = plain_words(refused.text)
        return ""


def plain_words(text: str) -> str:
    """Slack shows errors beside fields as they are, without any formatting."""
    return text.replace("`", "")


async def submit(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> None:
    """Stores what was filled in, or says beside each field what is wrong."""
    demand_member(asker, CHANGING)
    carried = unpacked(view)
    values, errors = read_form(view, is_new=not carried.client_id)
    renamed_from = ""
    if not errors:
        try:
            async with desk.house.db.write() as session:
                renamed_from = await _store(session, desk, asker, carried, values, str(view["id"]))
        except FieldProblems as refused:
            errors = beside_fields(refused, view, "client")
    if errors:
        await ack(response_action="errors", errors=errors)
        return
    desk.house.wake.outbox.set()
    form = _form("", values)
    await ack(response_action="update", view=dict(messages.client_saved(form, renamed_from)))
    chosen = [item for item in (form.team_channel, form.client_channel) if item]
    shown = partial(messages.client_saved, form, renamed_from)
    await presence.ask_in(desk, asker, str(view["id"]), chosen, shown)


def beside_fields(refused: FieldProblems, view: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """Each problem under its field; what has none stands under the first."""
    shown = list(view["state"]["values"])
    found: dict[str, list[str]] = {}
    for name, text in refused.problems.items():
        block_id = f"{prefix}.{name}"
        found.setdefault(block_id if block_id in shown else shown[0], []).append(plain_words(text))
    return {block_id: " ".join(dict.fromkeys(texts)) for block_id, texts in found.items()}


async def _store(
    session: AsyncSession, desk: Desk, asker: Asker, carried: Carried, values: ClientValues, view_id: str
) -> str:
    """The short name that it had, where the form has changed that."""
    now = desk.house.clock.now()
    if not carried.client_id:
        await client_changes.make(session, asker.actor, values, view_id, now)
        return ""
    client = await client_rows.locked(session, asker.actor.workspace_id, carried.client_id)
    if client is None:
        raise Refused(client_changes.GONE)
    may_change(asker, client)
    old = client.slug
    plain = values.plain() | {"backup": [*values.backup, *_groups(client.backup)]}
    form = ClientValues(**{name: _frozen(value) for name, value in plain.items()})
    changes = await client_changes.change(session, asker.actor, client, carried.seen or {}, form, now)
    return old if "slug" in changes else ""


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
