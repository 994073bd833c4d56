"""What help shows: written from the commands' own descriptions."""

from __future__ import annotations

from collections.abc import Iterable

from bot.commands.requests import Command

__all__ = ["help_lines"]


def help_lines(commands: Iterable[Command], outsider: bool = False) -> list[tuple[str, str]]:
    """How each command is typed, and what it does; outsiders see what they can use."""
    shown = [item for item in commands if item.is_for_outsiders or not outsider]
    return [(f"{item.name} {item.usage}".strip(), item.summary) for item in shown]
