"""The composer's blocks by name: what its answers are read from, and what a problem is said beside."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from bot.messages.wall_time import Names

CLIENT = "composer.client"
TEXT, LINK, MEDIA, ALT = "composer.text", "composer.link", "composer.media", "composer.alt"
WHEN = "composer.when"
AT = Names("composer.date", "composer.time", "composer.fold")
TITLE_FIELD = "composer.title"
ACCOUNTS, DIFFER, OWN = "composer.accounts", "composer.differ", "composer.own"  # each with more behind it
KEPT, FILES = "composer.kept", "composer.files"  # these too, see `named_after`
NOW, LATER = "now", "later"


@dataclass(frozen=True, slots=True)
class Attached:
    """A file in Slack that goes with the post: its id there, and its name."""

    id: str
    label: str


def named_after(block: str, kept: Sequence[Attached]) -> str:
    """Another block for each set of attached files: what was ticked or uploaded in the last one is in it now,
    and Slack would keep it in a block of the same name."""
    return _named(block, [item.id for item in kept])


def differ_block(own: Sequence[str]) -> str:
    """The block of platforms with a text of their own: another one for each set, for the same reason."""
    return _named(DIFFER, own)


def _named(block: str, ids: Sequence[str]) -> str:
    return f"{block}:{zlib.crc32(' '.join(ids).encode()):08x}"


def own_block(platform: str) -> str:
    """The block of a platform's own text."""
    return f"{OWN}:{platform}"


def accounts_block(client_id: str) -> str:
    """The block of the accounts: another one for each client, so that no tick survives a change."""
    return f"{ACCOUNTS}:{client_id}"
