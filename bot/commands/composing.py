"""The composer's rules: what it shows, what was filled in, and queueing it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.desk import Desk
from bot.commands.media import link_problem
from bot.commands.requests import unescaped
from bot.commands.who import Asker
from bot.domain import health, posting
from bot.domain.errors import Refused
from bot.domain.posting import PAST_TOLERANCE, Draft, DraftProblems
from bot.messages import composer as messages
from bot.messages.composer import Attached
from bot.platforms.base import Content, ContentProblem, Media, MediaKind, PlatformInfo
from storage import clients, connections
from storage.models import Client

CARE = {
    health.State.WAITING: "waiting for the platform to answer",
    health.State.ENDING: "needs a new sign-in soon",
    health.State.ENDS_SOON: "needs a new sign-in soon",
    health.State.DEAD: "disconnected: posts wait until it is reconnected",
    health.State.TROUBLE: "cannot post: posts wait until it is put right",
    health.State.PAUSED: "paused: posts wait",
    health.State.LIMITED: "a permission is missing",
}
FIELD_BLOCKS = {"text": messages.TEXT, "media": messages.MEDIA}
STAND_INS = (  # for files that nobody has looked at yet
    Media("https://media.invalid/", MediaKind.IMAGE, "image/jpeg", 1),
    Media("https://media.invalid/", MediaKind.VIDEO, "video/mp4", 1),
)
MENU_MOST = 100


@dataclass(frozen=True, slots=True)
class Form:
    """A composer as it was submitted. `at` is in seconds since 1970, None where no time was chosen; `title`
    is None where no platform has one; `files` lie in Slack."""

    view_id: str
    client_id: str
    channel_id: str | None
    account_ids: tuple[str, ...]
    text: str
    media_url: str
    when: str
    at: int | None
    files: tuple[Attached, ...] = ()
    title: str | None = None

    @property
    def has_media(self) -> bool:
        """Whether pictures or films have to be fetched first."""
        return bool(self.media_url or self.files)

    @property
    def is_now(self) -> bool:
        """Whether it goes out at once."""
        return self.when == messages.NOW


def metadata(client_id: str | None, channel_id: str | None) -> str:
    """What the modal carries: ids only."""
    return json.dumps({"client": client_id, "channel": channel_id})


def read_metadata(view: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The client and the channel that a modal carries."""
    try:
        carried = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        carried = {}
    if not isinstance(carried, dict):
        return None, None
    return carried.get("client"), carried.get("channel")


def read_form(view: Mapping[str, Any]) -> Form:
    """What was filled in."""
    client_id, channel_id = read_metadata(view)
    values = view["state"]["values"]
    accounts = messages.accounts_block(client_id or "")
    chosen = _entered(values, accounts).get("selected_options") or []
    when = _entered(values, messages.WHEN).get("selected_option") or {}
    return Form(
        view_id=str(view["id"]),
        client_id=client_id or "",
        channel_id=channel_id,
        account_ids=tuple(str(item["value"]) for item in chosen),
        text=_typed(values, messages.TEXT),
        media_url=_typed(values, messages.MEDIA),
        when=messages.LATER if when.get("value") == messages.LATER else messages.NOW,
        at=_entered(values, messages.AT).get("selected_date_time"),
        files=tuple(_files(values)),
        title=_typed(values, messages.TITLE_FIELD) if messages.TITLE_FIELD in values else None,
    )


def _typed(values: Mapping[str, Any], block_id: str) -> str:
    return unescaped(str(_entered(values, block_id).get("value") or "")).strip()


def _files(values: Mapping[str, Any]) -> Iterator[Attached]:
    """What is still ticked, then what was added; each file once."""
    found: dict[str, Attached] = {}
    for block in sorted(values, key=lambda name: not name.startswith(messages.KEPT)):
        if block.startswith((f"{messages.KEPT}:", f"{messages.FILES}:")):
            entered = _entered(values, block)
            for item in entered.get("selected_options") or []:
                found[str(item["value"])] = Attached(str(item["value"]), str(item["text"]["text"]))
            for item in entered.get("files") or []:
                found[str(item["id"])] = Attached(str(item["id"]), str(item.get("name") or "file"))
    yield from found.values()


def offered_files(view: Mapping[str, Any]) -> tuple[Attached, ...]:
    """What a composer shows as attached, ticked or not."""
    for block in view.get("blocks") or []:
        if str(block.get("block_id")).startswith(f"{messages.KEPT}:"):
            options = block["element"].get("options") or []
            return tuple(Attached(str(item["value"]), str(item["text"]["text"])) for item in options)
    return ()


def _entered(values: Mapping[str, Any], block_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = values.get(block_id, {}).get(block_id) or {}
    return found


def early_problems(form: Form, now: datetime) -> dict[str, str]:
    """What is wrong in itself, by block; asks neither database nor network."""
    found: dict[str, str] = {}
    if not form.account_ids:
        found[messages.accounts_block(form.client_id)] = "Choose at least one account."
    if not form.text and not form.has_media:
        found[messages.TEXT] = "Write something, or add a picture or film."
    bad_link = link_problem(form.media_url) if form.media_url else None
    if bad_link:
        found[messages.MEDIA] = bad_link
    if not form.is_now and form.at is None:
        found[messages.AT] = "Choose a time, or “Now” above."
    elif not form.is_now and due_at(form, now) < now - PAST_TOLERANCE:
        found[messages.AT] = "That time is in the past. Choose a later one, or “Now” above."
    return found


async def certain_problems(desk: Desk, asker: Asker, form: Form) -> dict[str, str]:
    """What would be refused whatever the files turn out to be, by block; asks the database only."""
    async with desk.house.db.read() as session:
        rows = await connections.of_client(session, form.client_id)
    wanted = set(form.account_ids)
    mine = [row for row in rows if row.workspace_id == asker.actor.workspace_id and row.id in wanted]
    keys = {row.platform for row in mine if row.platform in desk.house.platforms}
    count = len(form.files) + bool(form.media_url)
    found: list[list[ContentProblem]] = []
    for stand_in in STAND_INS:
        content = Content(text=form.text, media=(stand_in,) * count, title=form.title or None)
        found.append([one for key in sorted(keys) for one in desk.house.platforms[key].check(content)])
    certain = [item for item in found[0] if item in found[1] and item.field != "media"]
    return field_errors(DraftProblems(certain), form) if certain else {}


def due_at(form: Form, now: datetime) -> datetime:
    """When it goes out, in house time."""
    if form.is_now or form.at is None:
        return now
    return datetime.fromtimestamp(form.at, UTC)


async def facts(
    session: AsyncSession, desk: Desk, asker: Asker, client: Client | None, channel_id: str | None
) -> messages.Composer:
    """What the composer shows for a client, as things stand now."""
    now = desk.house.clock.now()
    at = int((now + timedelta(hours=1)).timestamp())
    carried = metadata(client.id if client else None, channel_id)
    empty = messages.Composer(None, (), at - at % 300, carried)
    if client is None:
        return empty
    accounts, platforms = [], []
    for row, grant in await connections.with_grants(session, asker.actor.workspace_id, [client.id]):
        if row.platform not in desk.house.platforms:
            continue
        info = desk.house.platforms[row.platform].info
        found = health.health_of(info, asker.workspace, client, row, grant, now)
        label = f"{'@' + row.handle.lstrip('@') if row.handle else row.name} on {info.title}"
        accounts.append(messages.Choosable(row.id, label, found.colour.value, CARE.get(found.state, "")))
        platforms.append(info)
    shown = messages.ComposerClient(client.id, client.slug, client.zone)
    unique = list({info.key: info for info in platforms}.values())
    limits = tuple(_limit(info) for info in unique)
    notes = tuple(info.unreviewed for info in unique if info.unreviewed and not _reviewed(desk, info))
    titled = tuple(info.title for info in unique if info.limits.title_max is not None)
    return replace(empty, client=shown, accounts=tuple(accounts), limits=limits, notes=notes, titled=titled)


def refilled(shown: messages.Composer, form: Form, problem: str) -> messages.Composer:
    """The composer again with what its author had filled in, and what was wrong."""
    return replace(
        shown,
        chosen=form.account_ids,
        text=form.text,
        media=form.media_url,
        when=form.when,
        at=form.at or shown.at,
        problem=problem,
        files=form.files,
        title=form.title or "",
    )


async def queue(desk: Desk, asker: Asker, form: Form, media: Sequence[Media]) -> messages.Queued:
    """Stores the post; a repeated submit is the same one. Raises DraftProblems or Refused."""
    now = desk.house.clock.now()
    due = due_at(form, now)
    draft = Draft(
        request_key=f"composer:{form.view_id}",
        client_id=form.client_id,
        connection_ids=form.account_ids,
        content=Content(text=form.text, media=tuple(media), title=form.title or None),
        due_at=due,
    )
    actor = replace(asker.actor, channel_id=form.channel_id)
    async with desk.house.db.write() as session:
        post = await posting.queue(session, desk.house, actor, draft, now)
        client = await clients.get(session, actor.workspace_id, post.client_id)
    desk.house.wake.engine.set()
    if client is None:
        raise Refused("That client does not exist any more.")
    accounts = len(form.account_ids)
    return messages.Queued(accounts, client.slug, post.due_at, client.zone, asker.zone, form.is_now)


def field_errors(error: Refused, form: Form) -> dict[str, str]:
    """What a rule refuses, beside the field that it belongs to."""
    accounts = messages.accounts_block(form.client_id)
    if not isinstance(error, DraftProblems):
        return {accounts: error.text}
    found: dict[str, list[str]] = {}
    fields = FIELD_BLOCKS | ({"title": messages.TITLE_FIELD} if form.title is not None else {})
    for problem in error.problems:
        found.setdefault(fields.get(problem.field, accounts), []).append(problem.text)
    return {block: messages.problems(texts) for block, texts in found.items()}


def _limit(info: PlatformInfo) -> str:
    limits = info.limits
    return messages.limits_hint(info.title, limits.text_max, limits.media_min > 0, limits.media_max > 0)


def _reviewed(desk: Desk, info: PlatformInfo) -> bool:
    app = desk.house.apps.get(info.key)
    return app is not None and app.reviewed
