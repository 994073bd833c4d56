"""The window in which some of several posts are chosen, a page at a time, and what happens to them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.messages import actions as names
from bot.messages import modals
from bot.messages.blocks import Block, button, context, count, listed, row, section
from bot.messages.deliveries import DeliveryShown, posts_in
from bot.messages.times import day, zone_of

PAGE = 20
SEND, MOVE, DROP = "send", "move", "drop"
WHAT = "choose.what"
TICKS = "choose.ticks"


@dataclass(frozen=True, slots=True)
class Choosing:
    """One page of what can be chosen, of `total`. `can_move`: late posts, not failed ones."""

    items: tuple[DeliveryShown, ...]
    total: int
    metadata: str
    page: int = 0
    can_move: bool = True

    @property
    def pages(self) -> int:
        return max(-(-self.total // PAGE), 1)


def chooser(shown: Choosing) -> Block:
    """The window. What is ticked counts for the page that is seen."""
    blocks: list[Block] = []
    if shown.pages > 1:
        words = f"Page {shown.page + 1} of {shown.pages}. Ticks count for the page that you see."
        blocks.append(context(words).block)
    for start in range(0, len(shown.items), modals.CHECKBOXES_MAX):
        options = [_option(item) for item in shown.items[start : start + modals.CHECKBOXES_MAX]]
        label = "Which ones?" if start == 0 else "And these?"
        # Another page is another field: Slack keeps what was ticked in a field that stays.
        block = f"{TICKS}:{shown.page}:{start}"
        several = modals.several_element(options)
        blocks.append(modals.field(block, label, several, optional=len(shown.items) > modals.CHECKBOXES_MAX))
    zones = listed(list(dict.fromkeys(item.post.client.zone for item in shown.items)))
    blocks.append(context(f"Times are the client's own ({zones}).").block)
    blocks.append(modals.field(WHAT, "What should happen to them?", _whats(shown)))
    turning = _turning(shown)
    return modals.modal(
        "Choose posts",
        [*blocks, *turning],
        callback_id=names.CHOOSER,
        submit="Go on",
        metadata=shown.metadata,
    )


def _turning(shown: Choosing) -> list[Block]:
    back, on = str(shown.page - 1), str(shown.page + 1)
    part = row(
        button("Previous page", names.CHOOSE_PAGE, back) if shown.page > 0 else None,
        button("Next page", f"{names.CHOOSE_PAGE}#2", on) if shown.page + 1 < shown.pages else None,
    )
    return [part.block] if part is not None else []


def _option(item: DeliveryShown) -> Block:
    local = (item.planned_at or item.post.due_at).astimezone(zone_of(item.post.client.zone))
    words = f"{day(local.date())} {local:%H:%M} · {item.account.bare}"
    return modals.option(words, names.choices_value([item.numbers]), item.post.bare)


def _whats(shown: Choosing) -> Block:
    restored = bool(shown.items) and all(item.is_restored for item in shown.items)
    options = [modals.option("Keep them as planned" if restored else "Send them now", SEND)]
    if shown.can_move:
        options.append(modals.option("Give them another time", MOVE))
    options.append(modals.option("Drop them", DROP))
    return modals.one_element(options, "")


def drop_asked(items: Sequence[DeliveryShown], metadata: str) -> Block:
    """The question before posts are given up."""
    posts = posts_in(items)
    what = f"*{count(posts, 'post')}* for `{items[0].post.client.slug}` will not be published:"
    lines = [section(f"• {item.post.excerpt} for {item.account.shown}").block for item in items]
    blocks = [section(what).block, *lines, context("This cannot be undone.").block]
    return modals.modal(
        "Drop for good?", blocks, callback_id=names.DROP_ASKED, submit="Drop", metadata=metadata
    )


def nothing_left() -> Block:
    """Somebody was faster."""
    said = "Nothing is left to choose from: all of it has been decided meanwhile."
    return modals.modal("Choose posts", [section(f"✅ {said}").block], close="Done")
