"""What help shows: written from the commands' own descriptions."""

from __future__ import annotations

from collections.abc import Iterable

from bot.commands.requests import Command

__all__ = ["help_lines"]

WORDS = (
    ("/lamplighter setup", "sets up the operations channel, the admins and the time zone"),
    ("/lamplighter clients", "lists the clients, and changes them"),
    ("/lamplighter digest client-a on", "tells its team channel each Monday what is red or yellow"),
    ("/lamplighter many-posts 8", "sets which days are looked at the working day before"),
)
OUTSIDERS = ("/connect", "/health")


def help_lines(commands: Iterable[Command], outsider: bool = False) -> list[tuple[str, str]]:
    """How each command is typed, and what it does; outsiders see what they can use."""
    shown = [item for item in commands if not outsider or item.name in OUTSIDERS]
    lines = [(f"{item.name} {item.usage}".strip(), item.summary) for item in shown]
    return lines if outsider else [*lines, *WORDS]
