"""Whatever a person does in Slack is one line in the audit: who, from which channel, and with what.

Each step is pressed, typed or submitted as Slack would send it, on rows of its own. Every word that the code
writes into the audit has its step here, or stands among those that no person in Slack causes.
"""

from __future__ import annotations

import ast
import importlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.domain import client_changes, closing, merging, workspace_changes
from bot.messages import actions, disconnect, queue_windows
from bot.messages import settings as settings_words
from sandbox.slack import payloads
from sandbox.slack.models import JSON
from storage.models import AuditEvent, Client, Connection, Import, Workspace
from tests import rows
from tests.slack import foreign
from tests.slack.street import Street, furnished, press, submitted, tried
from tests.slack.town import a_town

ROOT = Path(__file__).parents[2]
CLIENT, ACCOUNT, POST, QUEUED, ALERT = "client", "account", "post", "queued post", "alert"
LOGIN, IMPORT, WORKSPACE = "login", "import", "workspace"

WRITERS = {"record", "record_on_alert", "_record", "_decide", "decided", "change"}
"""What writes a line; the word is one of its arguments."""

ELSEWHERE = {
    "linked": "a browser that holds a link",
    "relinked": "a browser that holds a link",
    "workspace.installed": "the install page",
    "workspace.reinstalled": "the install page",
    "workspace.left": "Slack itself",
    "revocation.noticed": "a platform",
    "import.done": "the engine, when the last line is queued",
    "client.imported": "lamplighter import-clients",
    "restored": "lamplighter restored",
}
"""Words that no person in Slack causes, with who does."""


@dataclass(frozen=True)
class Stage:
    """A workspace whose one admin may do everything, and new posts for whoever needs them."""

    street: Street

    async def post(self, state: str, **values: Any) -> str:
        """The choice of a delivery that nobody else uses."""
        house = self.street.town.app.house
        later = house.clock.now() + timedelta(days=2, minutes=len(self.street.town.world.calls))
        text = f"Bread number {len(self.street.town.world.calls)}"
        given = {"due_at": later, "text": text} | values
        row_id = await rows.delivery(house, self.street.theirs.well, state, **given)
        return foreign.choice(row_id)

    def press(self, name: str, value: str) -> JSON:
        return press(self.street, name, value, self.street.shared, ephemeral=False)

    def submit(self, name: str, carried: JSON, values: JSON) -> JSON:
        given = {"channel": self.street.shared.id} | carried
        view_id = f"V{len(self.street.town.world.calls)}"
        return submitted(self.street, name, foreign.Filled(json.dumps(given), values), view_id)

    def typed(self, command: str, text: str) -> JSON:
        return payloads.slash_command(
            self.street.town.world, self.street.who, self.street.shared, command, text
        )


Do = Callable[[Stage], Awaitable[JSON]]


@dataclass(frozen=True)
class Step:
    """`words`: what is written, in this order; `subject`: what the first of them has to name."""

    words: tuple[str, ...]
    subject: str
    do: Do
    has_channel: bool = True


def pressed(name: str, value: Callable[[foreign.Rows], str]) -> Do:
    async def do(stage: Stage) -> JSON:
        return stage.press(name, value(stage.street.theirs))

    return do


def on_a_post(name: str, state: str, **values: Any) -> Do:
    async def do(stage: Stage) -> JSON:
        return stage.press(name, await stage.post(state, **values))

    return do


def in_the_queue(name: str, state: str = "scheduled", **values: Any) -> Do:
    async def do(stage: Stage) -> JSON:
        return stage.press(name, f"{await stage.post(state, **values)},all:0")

    return do


def edited(name: str, state: str) -> Do:
    async def do(stage: Stage) -> JSON:
        values = foreign.typed_in(queue_windows.TEXT, "Other words")
        return stage.submit(name, {"choices": await stage.post(state)}, values)

    return do


async def handed_over(stage: Stage) -> JSON:
    own, house = stage.street.theirs, stage.street.town.app.house
    async with house.db.read() as session:
        row = await session.get_one(Connection, own.connection)
    return stage.press(actions.HAND_OVER, row.grant_id)


async def moved(stage: Stage) -> JSON:
    (filled, *_) = foreign.MODALS[actions.QUEUE_MOVER](stage.street.theirs)
    return stage.submit(actions.QUEUE_MOVER, {"choices": await stage.post("scheduled")}, filled.values)


async def spread(stage: Stage) -> JSON:
    return stage.press(actions.SPREAD, await stage.post("scheduled"))


async def released(stage: Stage) -> JSON:
    carried = {"choices": await stage.post("failed"), "words": {"kind": "retry"}}
    return stage.submit(actions.RELEASE, carried, {})


async def queued(stage: Stage) -> JSON:
    own = stage.street.theirs
    (filled, *_) = foreign.MODALS[actions.COMPOSER](own)
    return stage.submit(actions.COMPOSER, {"client": own.client}, filled.values)


async def imported(stage: Stage) -> JSON:
    return stage.submit(actions.IMPORT_QUEUE, {"words": {"id": stage.street.theirs.upload}}, {})


async def changed_client(stage: Stage) -> JSON:
    own, house = stage.street.theirs, stage.street.town.app.house
    async with house.db.read() as session:
        client = await session.get_one(Client, own.client)
        seen = merging.marks((await client_changes.load(session, client)).plain())
    (filled, *_) = foreign.MODALS[actions.CLIENT](own)
    return stage.submit(actions.CLIENT, {"client": own.client, "seen": seen}, filled.values)


async def closed_client(stage: Stage) -> JSON:
    own, house = stage.street.theirs, stage.street.town.app.house
    async with house.db.read() as session:
        mark = (await closing.ask(session, house, await session.get_one(Client, own.hidden))).mark
    return stage.submit(actions.CLOSING, {"client": own.hidden, "seen": {"accounts": mark}}, {})


async def changed_settings(stage: Stage) -> JSON:
    own, house = stage.street.theirs, stage.street.town.app.house
    async with house.db.read() as session:
        workspace = await session.get_one(Workspace, own.workspace)
        seen = merging.marks(workspace_changes.values_of(workspace).plain())
    (filled, *_) = foreign.MODALS[actions.SETTINGS](own)
    nobody = {block: {block: {"selected_users": [stage.street.who.id]}} for block in (settings_words.ADMINS,)}
    return stage.submit(actions.SETTINGS, {"seen": seen}, filled.values | nobody)


async def set_up(stage: Stage) -> JSON:
    (filled, *_) = foreign.MODALS[actions.SETUP](stage.street.theirs)
    return stage.submit(actions.SETUP, {}, filled.values)


def typed(command: str, text: str) -> Do:
    async def do(stage: Stage) -> JSON:
        return stage.typed(command, text)

    return do


STEPS = (
    Step(("invited",), ACCOUNT, pressed(actions.RECONNECT_ACCOUNT, lambda own: own.connection)),
    Step(("invited",), CLIENT, pressed(actions.ADD_ACCOUNT, lambda own: f"{own.client}:x")),
    Step(("client.created", "invited"), CLIENT, pressed(actions.CREATE_CLIENT, lambda own: "next-one:x")),
    Step(("handover.asked",), LOGIN, handed_over),
    Step(("client.asked",), ACCOUNT, pressed(actions.ASK_CLIENT, lambda own: f"{own.incident}:{own.client}")),
    Step(("link.copied",), ACCOUNT, pressed(actions.COPY_LINK, lambda own: f"{own.incident}:{own.client}")),
    Step(("incident.snoozed",), ALERT, pressed(actions.SNOOZE, lambda own: f"{own.incident}:dead:day")),
    Step(("incident.woken",), ALERT, pressed(actions.SNOOZE, lambda own: f"{own.incident}:dead:end")),
    Step(("incident.taken",), ALERT, pressed(actions.TAKE, lambda own: own.incident)),
    Step(("post.queued",), QUEUED, queued),
    Step(("post.edited",), POST, edited(actions.QUEUE_EDITOR, "scheduled")),
    Step(("post.corrected",), POST, edited(actions.FAILED_EDITOR, "failed")),
    Step(("post.moved",), POST, moved),
    Step(("post.hurried",), POST, in_the_queue(actions.QUEUE_NOW)),
    Step(("post.cancelled",), POST, in_the_queue(actions.QUEUE_CANCEL)),
    Step(("post.restored",), POST, in_the_queue(actions.QUEUE_RESTORE, "cancelled", reason="cancelled")),
    Step(("post.staggered",), POST, spread),
    Step(("post.retried",), POST, on_a_post(actions.RETRY, "failed")),
    Step(("post.retried",), POST, released),
    Step(("post.sent_again",), POST, on_a_post(actions.POST_AGAIN, "unconfirmed")),
    Step(("post.confirmed",), POST, on_a_post(actions.IT_IS_LIVE, "unconfirmed")),
    Step(("post.late_sent",), POST, on_a_post(actions.SEND_LATE, "blocked", late=True, reason="late")),
    Step(("post.dropped",), POST, on_a_post(actions.DROP, "blocked", late=True, reason="late")),
    Step(("import.started",), IMPORT, imported),
    Step(("client.paused",), CLIENT, pressed(actions.PAUSE_CLIENT, lambda own: own.client)),
    Step(("client.resumed",), CLIENT, pressed(actions.RESUME_CLIENT, lambda own: own.client)),
    Step(("workspace.paused",), WORKSPACE, pressed(actions.QUEUE_PAUSE, lambda own: "all,all:0")),
    Step(("workspace.resumed",), WORKSPACE, pressed(actions.QUEUE_RESUME, lambda own: "all,all:0")),
    Step(("client.digest",), CLIENT, typed("/lamplighter", "digest next-door on")),
    Step(("workspace.many_posts",), WORKSPACE, typed("/lamplighter", "many-posts 9")),
    Step(("link.undone",), ACCOUNT, pressed(actions.UNDO_LINK, lambda own: f"{own.connection}:1")),
    Step(("disconnected",), ACCOUNT, pressed(disconnect.PRESS, lambda own: f"{own.well}:1")),
    Step(("client.closed",), CLIENT, closed_client),
    Step(("client.reopened",), CLIENT, pressed(actions.REOPEN_CLIENT, lambda own: own.hidden)),
    Step(("client.changed",), CLIENT, changed_client),
    Step(("workspace.changed",), WORKSPACE, changed_settings),
    Step(("workspace.set_up",), WORKSPACE, set_up, has_channel=False),  # Slack names no channel with a window
)


@pytest.fixture
async def stage(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Stage]:
    async with a_town(migrated_sqlite, tmp_path) as town:
        zebra = await town.settled_in("zebra")
        shared = town.channel(zebra, "together", "zebra.admin", "zebra.member")
        own = await furnished(town, "zebra", shared)
        async with town.app.house.db.write() as session:
            upload = await session.get_one(Import, own.upload)
            upload.found = {}
        yield Stage(Street(town, zebra, zebra, shared, shared, own, town.people["zebra.admin"].user, ()))


async def written(stage: Stage) -> dict[str, AuditEvent]:
    async with stage.street.town.app.house.db.read() as session:
        found = await session.scalars(select(AuditEvent).order_by(AuditEvent.at, AuditEvent.id))
        return {row.id: row for row in found}


def names(event: AuditEvent, subject: str) -> bool:
    """Whether a line says what it is about."""
    detail = event.detail
    told = {
        CLIENT: event.client_id,
        ACCOUNT: event.client_id and event.connection_id,
        POST: event.client_id and event.connection_id and detail.get("delivery"),
        QUEUED: event.client_id and detail.get("post"),
        ALERT: detail.get("incident") and detail.get("alert") and detail.get("platform"),
        LOGIN: event.client_id and detail.get("login"),
        IMPORT: detail.get("import"),
        WORKSPACE: event.client_id is None,
    }
    return bool(told[subject])


async def test_whatever_a_person_does_is_written_down_once(stage: Stage) -> None:
    wrong, before = [], await written(stage)
    for step in STEPS:
        payload = await step.do(stage)
        kind = "slash_commands" if "command" in payload else "interactive"
        answers = await tried(stage.street, step.words[0], kind, payload)
        now = await written(stage)
        fresh = [row for row_id, row in now.items() if row_id not in before]
        before = now
        if sorted(row.action for row in fresh) != sorted(step.words):
            wrong.append(f"{step.words} wrote {[row.action for row in fresh]}: {answers}")
            continue
        place = stage.street.shared.id if step.has_channel else None
        for row in fresh:
            if (row.actor, row.channel_id, row.workspace_id) != (
                stage.street.who.id,
                place,
                stage.street.theirs.workspace,
            ):
                wrong.append(f"{row.action} was written down as {row.actor}'s in {row.channel_id}")
        (first,) = [row for row in fresh if row.action == step.words[0]]
        if not names(first, step.subject):
            wrong.append(f"{first.action} does not name its {step.subject}: {first.detail}")
    assert not wrong, "\n".join(wrong)


def words_in(path: Path) -> set[str]:
    """The audit's words that a module writes: texts, or names of texts, among a writer's arguments."""
    tree = ast.parse(path.read_text())
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found = set()
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name not in WRITERS:
            continue
        for part in (leaf for argument in call.args for leaf in _leaves(argument)):
            value = part.value if isinstance(part, ast.Constant) else getattr(module, part.id, None)
            if isinstance(value, str) and value.replace(".", "").replace("_", "").isalpha():
                found.add(value)
    return found


def _leaves(argument: ast.expr) -> list[ast.Constant | ast.Name]:
    parts = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
    return [part for part in parts if isinstance(part, ast.Constant | ast.Name)]


def test_every_word_of_the_audit_has_its_step() -> None:
    paths = [*(ROOT / "bot" / "domain").glob("*.py"), *(ROOT / "bot" / "commands").glob("*.py")]
    known = {word for path in paths for word in words_in(path)}
    mine = {word for step in STEPS for word in step.words}
    assert mine | set(ELSEWHERE) <= known, "a step that nothing writes"
    assert known - mine - set(ELSEWHERE) == set()
