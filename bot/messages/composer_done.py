"""After the Submit of a new post: while its files are looked at, and when it is queued. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.messages import actions, blocks, modals
from bot.messages.composer import TITLE
from bot.messages.times import both_zones

STAGGER_MINUTES = 5


@dataclass(frozen=True, slots=True)
class Queued:
    """A post that is queued. `moments`: the accounts' labels by when they go out (UTC-aware), the first
    first. `zone` is the client's, `author_zone` the author's, both IANA names; `together`: the deliveries
    that say one text in one minute and can still be moved apart."""

    moments: tuple[tuple[datetime, tuple[str, ...]], ...]
    slug: str
    zone: str
    author_zone: str | None
    now: bool
    together: tuple[actions.Numbers, ...] = ()


def checking() -> blocks.Block:
    """While the files are fetched: nothing is queued yet."""
    words = "⏳ Looking at your pictures and films. *Nothing is queued yet*: this window says when it is."
    return modals.modal(TITLE, [blocks.section(words).block], close="Close")


def done(queued: Queued) -> blocks.Block:
    """The post is queued."""
    shown = [blocks.section(f"✅ {queued_words(queued)}").block]
    if len(queued.together) > 1:
        words = (
            f"They say the same in the same minute. *Stagger* leaves {STAGGER_MINUTES} minutes between them."
        )
        press = blocks.row(blocks.button("Stagger", actions.SPREAD, actions.choices_value(queued.together)))
        shown += [blocks.context(words).block, *([press.block] if press is not None else [])]
    hint = "You hear of it here only if something needs you; what is published is listed once a day."
    return modals.modal(TITLE, [*shown, blocks.context(hint).block], close="Done")


def queued_words(queued: Queued) -> str:
    """How many accounts, and when, in the client's zone and the author's; who when, where that differs."""
    number = sum(len(labels) for _, labels in queued.moments)
    said = f"Queued for `{queued.slug}`: {blocks.count(number, 'account')}, "
    if len(queued.moments) == 1:
        if queued.now:
            return f"{said}going out now."
        return f"{said}{both_zones(queued.moments[0][0], queued.zone, queued.author_zone)}."
    each = [
        f"{blocks.listed([blocks.safe(label) for label in labels])} "
        f"{both_zones(at, queued.zone, queued.author_zone)}"
        for at, labels in queued.moments
    ]
    return f"{said}spread: {'; '.join(each)}."
