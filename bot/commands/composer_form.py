"""A composer as it was filled in: from Slack's view to a value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.commands.requests import unescaped
from bot.commands.wall_time import NO_TIME, Wall, read_wall
from bot.messages import composer_blocks
from bot.messages.composer_blocks import Attached

TOLD_MOST = 100  # of what was asked already, in a modal's own memory of 3,000 characters
FILES = f"{composer_blocks.FILES}:"
FILM_ENDS = (".mp4", ".mov")


@dataclass(frozen=True, slots=True)
class Carried:
    """What the modal carries for us: ids and digests only. `told`: keys of what was asked already; `stored`:
    the ids of media that were fetched, by `bot.commands.media.key_of`; `zone`: that in which the window shows
    the time."""

    client_id: str | None = None
    channel_id: str | None = None
    zone: str | None = None
    told: frozenset[str] = frozenset()
    stored: Mapping[str, str] = field(default_factory=dict)

    @property
    def metadata(self) -> str:
        """The same as Slack keeps it."""
        told = sorted(self.told)[:TOLD_MOST]
        fields = {"client": self.client_id, "channel": self.channel_id, "zone": self.zone, "told": told}
        return json.dumps(fields | {"stored": dict(self.stored)}, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in. `at`: the client's wall time; `own`: the platforms that were ticked for a text of
    their own, `texts` what was written for them; `title` is None where no platform has one; `files`
    lie in Slack, `files_block` is where more were added; `view_hash`: the window's, as Slack marks it;
    `has_accounts`: there were some to choose from."""

    view_id: str
    carried: Carried
    account_ids: tuple[str, ...]
    text: str
    media_url: str
    when: str
    at: Wall = NO_TIME
    own: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    link: str = ""
    alts: str = ""
    files: tuple[Attached, ...] = ()
    files_block: str = composer_blocks.MEDIA
    title: str | None = None
    view_hash: str = ""
    has_accounts: bool = True

    @property
    def client_id(self) -> str:
        return self.carried.client_id or ""

    @property
    def channel_id(self) -> str | None:
        return self.carried.channel_id

    @property
    def has_media(self) -> bool:
        """Whether pictures or films have to be fetched first."""
        return bool(self.media_url or self.files)

    @property
    def is_now(self) -> bool:
        """Whether it goes out at once."""
        return self.when == composer_blocks.NOW

    @property
    def own_texts(self) -> dict[str, str]:
        """What is said on platforms with a text of their own; an empty one means the one text."""
        return {key: self.texts[key] for key in self.own if self.texts.get(key)}

    @property
    def names(self) -> list[str]:
        """The pictures and films as people know them, in their order."""
        return [item.label for item in self.files] + ([self.media_url] if self.media_url else [])

    @property
    def films(self) -> int:
        """How many of them seem to be films, from their names; what they are stands in their bytes."""
        return sum(name.partition("?")[0].casefold().endswith(FILM_ENDS) for name in self.names)


def carried_by(view: Mapping[str, Any]) -> Carried:
    """What a modal carries; nothing where that cannot be read."""
    try:
        found = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        found = {}
    if not isinstance(found, dict):
        return Carried()
    stored = found.get("stored")
    return Carried(
        found.get("client"),
        found.get("channel"),
        found.get("zone"),
        frozenset(str(key) for key in found.get("told") or ()),
        {str(key): str(value) for key, value in stored.items()} if isinstance(stored, dict) else {},
    )


def read_form(view: Mapping[str, Any]) -> Form:
    """What was filled in."""
    carried = carried_by(view)
    values = view["state"]["values"]
    chosen = (
        _entered(values, composer_blocks.accounts_block(carried.client_id or "")).get("selected_options")
        or []
    )
    when = _entered(values, composer_blocks.WHEN).get("selected_option") or {}
    differ = next((block for block in values if block.startswith(f"{composer_blocks.DIFFER}:")), "")
    ticked = _entered(values, differ).get("selected_options") or []
    return Form(
        view_id=str(view["id"]),
        carried=carried,
        account_ids=tuple(str(item["value"]) for item in chosen),
        text=_typed(values, composer_blocks.TEXT),
        media_url=_typed(values, composer_blocks.MEDIA),
        when=composer_blocks.LATER if when.get("value") == composer_blocks.LATER else composer_blocks.NOW,
        at=read_wall(values, composer_blocks.AT),
        own=tuple(str(item["value"]) for item in ticked),
        texts={
            block.partition(":")[2]: _typed(values, block)
            for block in values
            if block.startswith(f"{composer_blocks.OWN}:")
        },
        link=_typed(values, composer_blocks.LINK),
        alts=_typed(values, composer_blocks.ALT),
        files=tuple(_files(values)),
        files_block=next((block for block in values if block.startswith(FILES)), composer_blocks.MEDIA),
        title=_typed(values, composer_blocks.TITLE_FIELD) if composer_blocks.TITLE_FIELD in values else None,
        view_hash=str(view.get("hash") or ""),
        has_accounts=composer_blocks.accounts_block(carried.client_id or "") in values,
    )


def now_rounded(now: datetime) -> datetime:
    """The moment that is proposed: within the hour after next, at a round minute."""
    seconds = int(now.timestamp()) + 3600
    return datetime.fromtimestamp(seconds - seconds % 300, UTC)


def _typed(values: Mapping[str, Any], block_id: str) -> str:
    return unescaped(str(_entered(values, block_id).get("value") or "")).strip()


def _files(values: Mapping[str, Any]) -> Iterator[Attached]:
    """What is still ticked, then what was added; each file once."""
    found: dict[str, Attached] = {}
    for block in sorted(values, key=lambda name: not name.startswith(composer_blocks.KEPT)):
        if block.startswith((f"{composer_blocks.KEPT}:", f"{composer_blocks.FILES}:")):
            entered = _entered(values, block)
            for item in entered.get("selected_options") or []:
                found[str(item["value"])] = Attached(str(item["value"]), str(item["text"]["text"]))
            for item in entered.get("files") or []:
                found[str(item["id"])] = Attached(str(item["id"]), str(item.get("name") or "file"))
    yield from found.values()


def _entered(values: Mapping[str, Any], block_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = values.get(block_id, {}).get(block_id) or {}
    return found
