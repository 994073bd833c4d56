"""The list of clients, and the modal that changes one or makes a new one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.messages import actions, blocks, modals
from bot.messages.message import Message

PAGE = 20
NEW = "new"
NAME, SLUG, ZONE = "client.name", "client.slug", "client.zone"
TEAM, SHARED = "client.team_channel", "client.client_channel"
MENTIONS, BACKUP = "client.mentions", "client.backup"


@dataclass(frozen=True, slots=True)
class Listed:
    """A client in the list."""

    id: str
    slug: str
    name: str
    team_channel: str | None
    client_channel: str | None


@dataclass(frozen=True, slots=True)
class ClientForm:
    """A client as the modal shows it; `id` empty for a new one. `mentions` and `backup` are user ids."""

    id: str = ""
    slug: str = ""
    name: str = ""
    zone: str = "UTC"
    team_channel: str | None = None
    client_channel: str | None = None
    mentions: tuple[str, ...] = ()
    backup: tuple[str, ...] = ()


def listing(clients: Sequence[Listed], page: int, may_create: bool) -> Message:
    """One page of the clients; `page` counts from 0."""
    pages = max(1, -(-len(clients) // PAGE))
    page = min(max(page, 0), pages - 1)
    parts: list[blocks.Part | None] = [blocks.header(blocks.count(len(clients), "client"))]
    for item in clients[page * PAGE : (page + 1) * PAGE]:
        change = blocks.button("Open", actions.OPEN_CLIENT, item.id, about=f"Open {item.slug}")
        parts.append(blocks.section(_line(item), change))
    if not clients:
        parts.append(blocks.section("`/connect instagram client-a` in a channel starts one there."))
    if page > 0:
        parts.append(blocks.row(blocks.button("Previous page", actions.CLIENTS_PAGE, str(page - 1))))
    if page + 1 < pages:
        parts.append(blocks.row(blocks.button("Next page", actions.CLIENTS_PAGE, str(page + 1))))
    if may_create:
        new = blocks.button("New client", actions.OPEN_CLIENT, NEW)
        parts.append(blocks.row(new))
    return blocks.message(parts)


def _line(item: Listed) -> str:
    places = []
    if item.team_channel:
        places.append(f"team in <#{item.team_channel}>")
    if item.client_channel:
        places.append(f"client in <#{item.client_channel}>")
    where = ", ".join(places) or "no channel yet: alerts go to the operations channel"
    return f"*{blocks.safe(item.name)}* (`{item.slug}`): {where}"


def client_modal(form: ClientForm) -> blocks.Block:
    """The modal for one client."""
    shown = [modals.field(NAME, "Name", modals.text_element(form.name, most=80))]
    if form.id:
        shown.append(blocks.context(f"Short name: `{form.slug}`. It stays: links and lists use it.").block)
    else:
        hint = "What people type, like client-a. It cannot be changed later."
        shown.append(modals.field(SLUG, "Short name", modals.text_element(form.slug, most=40), hint=hint))
    shown += [
        modals.field(ZONE, "Time zone", modals.text_element(form.zone, most=64), hint="Like Europe/Berlin."),
        modals.field(
            TEAM,
            "Team channel",
            modals.channel_element(form.team_channel),
            optional=True,
            hint="Alerts, failures and what was published. Without one, the operations channel hears them.",
        ),
        modals.field(
            SHARED,
            "Channel shared with the client",
            modals.channel_element(form.client_channel),
            optional=True,
            hint="Only invitations and requests to reconnect go there, in words for the client.",
        ),
        modals.field(
            MENTIONS,
            "Who is mentioned when something needs a person",
            modals.people_element(form.mentions),
            optional=True,
        ),
        modals.field(BACKUP, "Backup", modals.people_element(form.backup), optional=True),
    ]
    title = "Client" if form.id else "New client"
    return modals.modal(title, shown, callback_id=actions.CLIENT, submit="Save", metadata=form.id or NEW)


def client_saved(form: ClientForm) -> blocks.Block:
    """Everything is stored."""
    words = f"✅ Saved: *{blocks.safe(form.name)}* (`{form.slug}`)."
    channels = [f"<#{item}>" for item in (form.team_channel, form.client_channel) if item]
    if channels:
        words += f" Please make sure that I am in {blocks.listed(channels)}: `/invite` me there if I am not."
    return modals.modal("Client", [blocks.section(words).block], close="Done")
