"""Where one notice goes right now: which channels, which thread, or that it has to wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.slack.channels import ResolveChannel
from storage.models import Notice, Workspace

__all__ = ["Address", "Nowhere", "Waits", "find_address", "lanes", "says_something_else"]

DEEPEST = 8
TEAMS = frozenset({"team", "operations"})
SHARED_ALERTS = "alerts_in_shared_channels"
"""The workspace's setting that lets team alerts stand where people of another company read them."""


@dataclass(frozen=True)
class Address:
    """Candidates, the best first. With `thread_ts` the first one is the root's channel.

    `inside`: what is said stays within the team, so no candidate may be shared with another company. Other
    notices may stand in the first one even so.
    """

    channels: tuple[str, ...]
    thread_ts: str | None = None
    root_id: str | None = None
    version: int = 0
    inside: bool = False


@dataclass(frozen=True)
class Waits:
    """The root has not been posted yet; `root_id` names it, `channels` where it will probably be."""

    root_id: str
    channels: tuple[str, ...]
    root_due: datetime | None


@dataclass(frozen=True)
class Nowhere:
    """Nobody can be told; `reason` is a short word."""

    reason: str


async def find_address(
    session: AsyncSession, notice: Notice, resolve: ResolveChannel
) -> Address | Waits | Nowhere:
    """Where `notice` goes, read afresh; the address carries the version that is wanted now."""
    standing = select(Workspace.uninstalled_at, Workspace.settings).where(Workspace.id == notice.workspace_id)
    uninstalled_at, settings = (await session.execute(standing)).one()
    if uninstalled_at is not None:
        return Nowhere("uninstalled")
    inside = notice.audience in TEAMS and (settings or {}).get(SHARED_ALERTS) is not True
    version = (await session.execute(select(Notice.version).where(Notice.id == notice.id))).scalar_one()
    own = await resolve(session, notice)
    if notice.ts is not None and notice.channel_id is not None:
        return Address((notice.channel_id,), version=version, inside=inside)
    root = await _root(session, notice)
    if root is not None and root.ts is not None and root.channel_id is not None:
        channels = tuple(dict.fromkeys([root.channel_id, *own]))
        return Address(channels, root.ts, root.id, version, inside)
    if root is not None and root.state not in {"undeliverable", "dropped"}:
        return Waits(root.id, tuple(await resolve(session, root)), root.next_at)
    # A root that was never said has no thread: its reply goes to the root's channel by itself.
    channels = tuple(dict.fromkeys([*await resolve(session, root), *own])) if root is not None else tuple(own)
    return Address(channels, version=version, inside=inside) if channels else Nowhere("no_channel")


async def says_something_else(session: AsyncSession, notice: Notice) -> bool:
    """Whether another notice stands at this one's place: a reply whose root had been deleted."""
    others = select(func.count()).where(
        Notice.channel_id == notice.channel_id, Notice.ts == notice.ts, Notice.id != notice.id
    )
    return bool((await session.execute(others)).scalar_one())


async def _root(session: AsyncSession, notice: Notice) -> Notice | None:
    """The top of the thread: Slack takes replies only under the first message."""
    root: Notice | None = None
    next_id = notice.root_id
    for _ in range(DEEPEST):
        above = await session.get(Notice, next_id) if next_id is not None else None
        if above is None:
            break
        root, next_id = above, above.root_id
    return root


def lanes(notices: list[Notice], channels: Mapping[str, str]) -> dict[tuple[str, str], list[Notice]]:
    """Notices by workspace and channel, each lane in the order of creation."""
    found: dict[tuple[str, str], list[Notice]] = {}
    for notice in sorted(notices, key=lambda each: (each.created_at, each.id)):
        found.setdefault((notice.workspace_id, channels[notice.id]), []).append(notice)
    return found
