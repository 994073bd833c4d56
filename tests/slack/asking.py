"""One person's requests to every listener, and what each of them came to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import make_url

from sandbox.slack import payloads
from sandbox.slack.models import JSON
from tests.slack import foreign, rights
from tests.slack.foreign import Rows
from tests.slack.rights import Need, Who
from tests.slack.street import Street, dump, press, press_in_view, submitted, tried

REFUSALS = ("Only members of the team that runs me", "Only admins", "Slack did not tell me who you are")
"""How a role is refused; other refusals (of a button that is old, say) begin otherwise."""


@dataclass(frozen=True)
class Request:
    """One request, ready to be sent, and who may make it."""

    what: str
    kind: str
    payload: JSON
    need: Need


def requests(street: Street, rows: Rows, *needs: Who) -> Iterator[Request]:
    """Those to every listener with these rows, or those that only some may make. Each is built when it is
    asked for: what opens a window lives for seconds."""
    wanted = needs or tuple(Who)
    for (command, text), need in rights.typed(rows).items():
        if need.who in wanted:
            form = payloads.slash_command(street.town.world, street.who, street.shared, command, text)
            yield Request(f"{command} {text}", "slash_commands", form, need)
    for key, need in rights.BUTTONS.items():
        if need.who in wanted:
            for value in dict.fromkeys(foreign.BUTTONS[key](rows)):
                yield _pressed(street, foreign.SENT_AS.get(key, key), value, need)
    for (key, _), (values, need) in rights.ALSO.items():
        if need.who in wanted:
            for value in values(rows):
                yield _pressed(street, key, value, need)
    for key, need in rights.SHORTCUTS.items():
        if need.who in wanted:
            message = street.town.world.post(street.shared, rows.user, "Look at this")
            payload = payloads.message_shortcut(street.town.world, street.who, message, key)
            yield Request(key, "interactive", payload, need)
    for key, need in rights.MODALS.items():
        if need.who in wanted:
            forms = foreign.MODALS[key](rows)
            for number, filled in enumerate(one for at, one in enumerate(forms) if one not in forms[:at]):
                payload = submitted(street, key, filled, f"V{street.who.id}{key}{number}")
                yield Request(f"modal {key}", "interactive", _as_him(street, payload), need)


def _pressed(street: Street, name: str, value: str, need: Need) -> Request:
    if name.startswith(foreign.IN_WINDOWS):
        payload = press_in_view(street, name, value, "modal")
    else:
        payload = press(street, name, value, street.shared, ephemeral=False)
    return Request(f"{name} {value}", "interactive", _as_him(street, payload), need)


def _as_him(street: Street, payload: JSON) -> JSON:
    """Slack names the workspace of the message, and the person's own team beside his id."""
    payload["user"]["team_id"] = street.who.team_id
    return payload


@dataclass
class Watched:
    """The rows of a workspace as they were last seen; read again only where something was committed."""

    street: Street
    connection: sqlite3.Connection
    version: int = -1
    rows: dict[str, list[str]] = field(default_factory=dict)

    async def changed(self) -> set[str]:
        """The tables that were changed since the last look."""
        (version,) = self.connection.execute("PRAGMA data_version").fetchone()
        if version == self.version:
            return set()
        before, self.rows, self.version = self.rows, await dump(self.street), version
        return {table for table in self.rows if before and self.rows[table] != before.get(table)}


def watching(street: Street) -> closing[sqlite3.Connection]:
    """The town's own file, to see whether anything was committed."""
    path = Path(make_url(street.town.app.house.db.url).database or "")
    return closing(sqlite3.connect(path))


async def was_refused(street: Street, request: Request) -> tuple[bool, bool]:
    """Whether the request was refused for who asked, and whether it was answered at all."""
    answers = await tried(street, request.what, request.kind, request.payload)
    return any(words in text for text in answers for words in REFUSALS), bool(answers)
