"""The list of clients, and the modal that changes one or makes a new one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.messages import actions, blocks, modals
from bot.messages.message import Message

PAGE = 20
NEW = "new"
SLUG, NAME, ZONE = "client.slug", "client.name", "client.zone"
TEAM, SHARED = "client.team_channel", "client.client_channel"
MENTIONS, GROUPS, BACKUP = "client.mentions", "client.groups", "client.backup"
OLD_SLUGS, FROM, DEPUTIES = "client.old_slugs", "client.mention_from", "client.deputies"
DIGEST = "client.team_digest"
AS_WORKSPACE, ON = "workspace", "on"


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
    """A client as the modal shows it; `id` empty for a new one. `mentions`, `backup` and `deputies` are user
    ids, `groups` user groups as people write them; `mention_from` a word of bot.domain.preferences, empty:
    as in the workspace; `old_slugs`: short names that still lead to it."""

    id: str = ""
    slug: str = ""
    name: str = ""
    zone: str = "UTC"
    team_channel: str | None = None
    client_channel: str | None = None
    mentions: tuple[str, ...] = ()
    groups: str = ""
    backup: tuple[str, ...] = ()
    old_slugs: tuple[str, ...] = ()
    mention_from: str = ""
    deputies: tuple[str, ...] = ()
    team_digest: bool = False


def listing(clients: Sequence[Listed], page: int, may_change: bool, closed: int = 0) -> Message:
    """One page of the clients; `page` counts from 0; `closed`: how many closed ones there are beside them.
    Whoever may not change them sees their names alone."""
    pages = max(1, -(-len(clients) // PAGE))
    page = min(max(page, 0), pages - 1)
    parts: list[blocks.Part | None] = [
        blocks.header(blocks.count(len(clients), "client") if clients else "No clients yet")
    ]
    for item in clients[page * PAGE : (page + 1) * PAGE]:
        change = blocks.button("Open", actions.OPEN_CLIENT, item.id, about=f"Open {item.slug}")
        parts.append(blocks.section(_line(item), change) if may_change else blocks.section(_name(item)))
    if not clients:
        parts.append(blocks.section("`/connect instagram client-a` in a channel starts one there."))
    if page > 0:
        parts.append(blocks.row(blocks.button("Previous page", actions.CLIENTS_PAGE, str(page - 1))))
    if page + 1 < pages:
        parts.append(blocks.row(blocks.button("Next page", actions.CLIENTS_PAGE, str(page + 1))))
    if may_change:
        new = blocks.button("New client", actions.OPEN_CLIENT, NEW)
        old = (
            blocks.button(blocks.count(closed, "closed client"), actions.CLOSED_PAGE, "0") if closed else None
        )
        parts.append(blocks.row(new, old))
    return blocks.message(parts)


def _name(item: Listed) -> str:
    return f"*{blocks.safe(item.name)}* (`{item.slug}`)"


def _line(item: Listed) -> str:
    places = []
    if item.team_channel:
        places.append(f"team in <#{item.team_channel}>")
    if item.client_channel:
        places.append(f"client in <#{item.client_channel}>")
    where = ", ".join(places) or "no channel yet, so alerts go to the operations channel"
    return f"{_name(item)}: {where}"


def client_modal(form: ClientForm, metadata: str) -> blocks.Block:
    """The modal for one client."""
    shown = [modals.field(NAME, "Name", modals.text_element(form.name, most=80)), *_names(form)]
    shown += [
        modals.field(ZONE, "Time zone", modals.text_element(form.zone, most=64), hint="Like Europe/Berlin."),
        *_channels(form),
        *_people(form),
    ]
    if form.id:
        close = blocks.button("Close this client…", actions.CLOSE_CLIENT, form.id, style="danger")
        shown += [blocks.divider().block, *(part.block for part in [blocks.row(close)] if part)]
    title = "Client" if form.id else "New client"
    return modals.modal(title, shown, callback_id=actions.CLIENT, submit="Save", metadata=metadata)


def _names(form: ClientForm) -> list[blocks.Block]:
    hint = "What people type, like client-a."
    if form.id:
        hint += " When you change it, the old one goes on working."
    found = [modals.field(SLUG, "Short name", modals.text_element(form.slug, most=40), hint=hint)]
    if form.old_slugs:
        choices = [modals.option(slug, slug) for slug in form.old_slugs]
        element = modals.several_element(choices, form.old_slugs)
        hint = "Untick one to free it for another client. Then it leads here no more."
        found.append(modals.field(OLD_SLUGS, "Old short names", element, hint=hint, optional=True))
    return found


def _channels(form: ClientForm) -> list[blocks.Block]:
    return [
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
            DIGEST,
            "Digest",
            modals.several_element(
                [modals.option("Each Monday in the team channel: what is down or to watch", ON)],
                [ON] if form.team_digest else [],
            ),
            optional=True,
            hint="Never in a channel that is shared with another workspace.",
        ),
    ]


def _people(form: ClientForm) -> list[blocks.Block]:
    severity = modals.one_element(
        [modals.option("As the workspace's settings say", AS_WORKSPACE), *severity_options()],
        form.mention_from or AS_WORKSPACE,
    )
    return [
        modals.field(
            MENTIONS,
            "Who is mentioned when something needs a person",
            modals.people_element(form.mentions),
            optional=True,
        ),
        groups_field(GROUPS, form.groups),
        modals.field(FROM, "When they are mentioned", severity),
        modals.field(
            BACKUP,
            "Backup",
            modals.people_element(form.backup),
            optional=True,
            hint="Asked when nobody has taken an alert after four working hours.",
        ),
        modals.field(
            DEPUTIES,
            "Who else may disconnect, pause and change it",
            modals.people_element(form.deputies),
            optional=True,
            hint="Beside the people above and the admins. They are not mentioned.",
        ),
    ]


def severity_options() -> list[blocks.Block]:
    """From which severity on people are mentioned; the values are words of bot.domain.preferences."""
    return [
        modals.option("From the first warning on", "warning"),
        modals.option("Only when an account is down", "dead"),
    ]


def groups_field(block_id: str, initial: str) -> blocks.Block:
    """Slack has no menu of user groups: their ids are written, or pasted."""
    return modals.field(
        block_id,
        "User groups to mention",
        modals.text_element(initial, most=500),
        optional=True,
        hint="Ids like S0123ABCD: open the group in Slack, then ⋮, Copy group ID.",
    )


def client_saved(form: ClientForm, renamed_from: str = "", missing: Sequence[str] = ()) -> blocks.Block:
    """Everything is stored. `missing`: the channels that the bot is not in."""
    words = f"✅ Saved: *{blocks.safe(form.name)}* (`{form.slug}`)."
    if renamed_from:
        words += f" `{renamed_from}` goes on working: in commands, imports and lists."
    if missing:
        words += f" I am not in {blocks.listed([f'<#{item}>' for item in missing])} yet: `/invite` me there."
    return modals.modal("Client", [blocks.section(words).block], close="Done")
