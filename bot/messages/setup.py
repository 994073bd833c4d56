"""The modal of `/lamplighter setup`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.messages import actions, blocks, modals

OPERATIONS, ADMINS, ZONE = "setup.operations", "setup.admins", "setup.zone"
TITLE = "Set up Lamplighter"
OPERATIONS_HINT = (
    "Where I tell your team what no client should read: trouble with me or a platform, and whatever finds no "
    "other channel. Invite me there."
)
ADMINS_HINT = "They change settings, and may send a post again when nobody knows whether it went out."


@dataclass(frozen=True, slots=True)
class Setup:
    """What stands now. `zone` is an IANA name."""

    operations_channel: str | None
    admins: tuple[str, ...]
    zone: str
    is_set_up: bool


def setup(facts: Setup) -> blocks.Block:
    """Three questions."""
    intro = "Three things, and I can start. You can change them at any time with `/lamplighter setup`."
    shown = [] if facts.is_set_up else [blocks.section(intro).block]
    shown += [
        modals.field(
            OPERATIONS,
            "Operations channel",
            modals.channel_element(facts.operations_channel),
            hint=OPERATIONS_HINT,
        ),
        modals.field(
            ADMINS,
            "Admins",
            modals.people_element(facts.admins),
            hint=ADMINS_HINT,
        ),
        modals.field(
            ZONE,
            "Time zone",
            modals.text_element(facts.zone, most=64),
            hint="The zone of new clients, like Europe/Berlin. Each client can have its own.",
        ),
    ]
    return modals.modal(TITLE, shown, callback_id=actions.SETUP, submit="Save")


def saved(missing: Sequence[str] = ()) -> blocks.Block:
    """Everything is stored, and what comes next. `missing`: the channels that the bot is not in."""
    invite = "".join(f" I am not in <#{item}> yet: `/invite` me there." for item in missing)
    words = f"✅ Saved.{invite}\n\nNext, in a client's channel: `/connect instagram client-a`."
    return modals.modal(TITLE, [blocks.section(words).block], close="Done")
