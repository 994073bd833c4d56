"""The shared check with its facts: what platforms would refuse, and what is worth a word, before posts are
queued, released or sent again.

Refusals keep a post from being queued; warnings and costs are shown to whoever decides, and never forbid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.checking_posts import REPEAT, Cost, Planned, Proposed, Warned, apart, check_posts, costs
from bot.domain.content import content_of
from bot.domain.house import House
from bot.platforms.content import ContentProblem
from storage import queue as store
from storage.pictures import Item

__all__ = ["Findings", "Refusal", "examine", "refusals", "standing_ones"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What one platform would refuse, beside the field that it belongs to."""

    platform: str
    problem: ContentProblem


@dataclass(frozen=True, slots=True)
class Findings:
    """What the shared check found. `apart`: when each of the proposed posts would go out if those with the
    same text were moved apart, in their order; empty where nothing would be moved."""

    refused: tuple[Refusal, ...] = ()
    warned: tuple[Warned, ...] = ()
    costs: tuple[Cost, ...] = ()
    apart: tuple[datetime, ...] = ()

    @property
    def asked(self) -> frozenset[str]:
        """A short, stable key for each thing that a person has to say yes to: warnings, and links that a
        platform charges extra for. Who said yes to all of them is not asked again."""
        keys = [
            f"{item.worry}:{item.platform}:{','.join(sorted(item.connection_ids))}:{item.at or ''}"
            for item in self.warned
        ]
        keys += [f"cost:{item.platform}:{item.links}" for item in self.costs if item.links]
        return frozenset(hashlib.sha256(key.encode()).hexdigest()[:8] for key in keys)


async def examine(
    session: AsyncSession,
    house: House,
    proposed: Sequence[Proposed],
    *,
    leaving_out: Iterable[str] = (),
    beside: Iterable[Planned] = (),
) -> Findings:
    """Holds `proposed` against each other and against what stands on the accounts of their clients.

    `leaving_out`: deliveries that do not count as standing, because they are the ones that are proposed;
    `beside`: what counts as standing though no row says so (what a dry run would have queued)."""
    if not proposed:
        return Findings()
    new = [item.planned for item in proposed]
    since = min(item.due_at for item in new) - REPEAT
    until = max(item.due_at for item in new) + REPEAT
    platform_of = await store.siblings(session, [item.connection_id for item in new])
    copies = await store.copies(session, platform_of, since, until, leaving_out)
    standing = [
        Planned(one.connection_id, platform_of[one.connection_id], one.text, one.due_at) for one in copies
    ]
    standing += [item for item in beside if since <= item.due_at <= until]
    infos = {key: platform.info for key, platform in house.platforms.items()}
    moments = apart(new, standing)
    moved = any(at != item.due_at for at, item in zip(moments, new, strict=True))
    return Findings(
        refused=tuple(refusals(house, proposed)),
        warned=tuple(check_posts(new, standing, {key: info.limits.daily_cap for key, info in infos.items()})),
        costs=tuple(costs(proposed, {key: info.prices for key, info in infos.items()})),
        apart=tuple(moments) if moved else (),
    )


def standing_ones(house: House, items: Iterable[Item], due_at: datetime | None = None) -> list[Proposed]:
    """Deliveries that are to be released or sent again, as the check takes them; at their own moments, or all
    at `due_at`. Their ids belong into `leaving_out`."""
    return [
        Proposed(
            item.connection.id,
            item.connection.platform,
            content_of(house, item.post, item.delivery),
            due_at if due_at is not None else item.delivery.due_at,
        )
        for item in items
    ]


def refusals(house: House, proposed: Iterable[Proposed]) -> list[Refusal]:
    """What the platforms would refuse, each thing once a platform."""
    found: dict[Refusal, None] = {}
    for item in sorted(proposed, key=lambda one: one.platform):
        platform = house.platforms.get(item.platform)
        for problem in platform.check(item.content) if platform is not None else ():
            found[Refusal(item.platform, problem)] = None
    return list(found)
