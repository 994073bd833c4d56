"""The question before posts are released or sent again, where the shared check found something. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.messages import actions as names
from bot.messages import modals
from bot.messages.blocks import Block, agree, count, escape, section
from bot.messages.checking import CostShown, Moved, WarningShown, cost_words, stagger_words, warning_words

APART = "release.apart"
TOGETHER, SPREAD = "together", "apart"
WARNINGS_MOST = 10


@dataclass(frozen=True, slots=True)
class Releasing:
    """What is about to go out. `moved`: who would go out when, if those with one text were moved apart
    (said in `zone`); empty where nothing would be moved."""

    posts: int
    slug: str
    warned: tuple[WarningShown, ...]
    costs: tuple[CostShown, ...]
    metadata: str
    moved: tuple[Moved, ...] = ()
    zone: str = "UTC"


def release_modal(facts: Releasing) -> Block:
    """The window: what was found, and the choice to send all the same."""
    said = [f"⚠️ {escape(warning_words(item))}" for item in facts.warned[:WARNINGS_MOST]]
    if len(facts.warned) > WARNINGS_MOST:
        said.append(f"… and {len(facts.warned) - WARNINGS_MOST} more like these.")
    said += [f"💰 {escape(cost_words(item))}" for item in facts.costs if item.links]
    goes = agree(facts.posts, "it goes", "they go")
    heading = f"*{count(facts.posts, 'post')}* for `{facts.slug}`: before {goes} out, please look."
    blocks: list[Block] = [section(heading).block, *(section(line).block for line in said)]
    if facts.moved:
        blocks.append(modals.field(APART, "How should they go out?", _how(facts.moved, facts.zone)))
    return modals.modal(
        "Send these?", blocks, callback_id=names.RELEASE, submit="Send", metadata=facts.metadata
    )


def _how(moved: Sequence[Moved], zone: str) -> Block:
    options = [
        modals.option("One after the other", SPREAD, stagger_words(moved[:2], zone)),
        modals.option("All at once", TOGETHER),
    ]
    return modals.one_element(options, SPREAD)
