"""A post before it is queued, as its readers will see it on each platform. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.messages import blocks, modals
from bot.messages.blocks import Block, listed, safe
from bot.messages.times import both_zones

TITLE = "Preview"
PIECES_MOST = 5  # of a text, 3,000 characters each: more than any field holds
ACCOUNTS_MOST = 8


@dataclass(frozen=True, slots=True)
class Seen:
    """A post on the accounts (their labels) of one platform: its text after the platform's rewriting, its
    title and link where they stand beside it. `problems`: what the platform would refuse."""

    accounts: tuple[str, ...]
    text: str
    title: str = ""
    link: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """A post on all its accounts. `media`: each file's name and its description; `due_at` is None where it
    goes out at once, or where no such time exists; `warnings`: what the shared check found."""

    seen: tuple[Seen, ...]
    media: tuple[tuple[str, str], ...]
    zone: str
    author_zone: str | None
    due_at: datetime | None = None
    now: bool = True
    warnings: tuple[str, ...] = ()


def preview(facts: Preview) -> Block:
    """The window on top of the composer; closing it leads back."""
    shown = [blocks.section(_when(facts)).block]
    if not facts.seen:
        shown.append(blocks.section("Choose at least one account to see the post there.").block)
    for one in facts.seen:
        shown += _on(one)
    shown += _media(facts.media)
    if facts.warnings:
        said = "\n".join(f"• {blocks.escape(words)}" for words in facts.warnings)
        shown.append(blocks.section(f"⚠️ *Worth a thought*\n{said}").block)
    return modals.modal(TITLE, shown, close="Back")


def _when(facts: Preview) -> str:
    if facts.now:
        return "*Goes out now.*"
    if facts.due_at is None:
        return "⚠️ *No time yet*: day and time name no moment, or two."
    return f"*Goes out {blocks.escape(both_zones(facts.due_at, facts.zone, facts.author_zone))}.*"


def _on(one: Seen) -> list[Block]:
    accounts = listed([safe(label) for label in one.accounts], ACCOUNTS_MOST)
    head = f"*{accounts}*"
    if one.title:
        head += f"\nTitle: {safe(one.title, 300)}"
    shown = [blocks.divider().block, blocks.section(head).block]
    # plain text: stars, underscores and addresses stand as the platform will show them
    shown += [_exact(piece) for piece in _pieces(one.text)]
    if one.link:
        shown.append(blocks.context(f"🔗 {safe(one.link, 300)}").block)
    return shown + [blocks.section(f"⛔ {blocks.escape(words)}").block for words in one.problems]


def _exact(text: str) -> Block:
    return {"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _pieces(text: str) -> Sequence[str]:
    if not text.strip():
        return ["(no text)"]
    each = [text[start : start + blocks.SECTION_MAX] for start in range(0, len(text), blocks.SECTION_MAX)]
    return [piece for piece in each[:PIECES_MOST] if piece.strip()]


def _media(media: Sequence[tuple[str, str]]) -> list[Block]:
    if not media:
        return []
    lines = [f"📎 {safe(name, 100)}{f': “{safe(alt, 200)}”' if alt else ''}" for name, alt in media]
    return [blocks.divider().block, blocks.section("\n".join(lines)).block]
