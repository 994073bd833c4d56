"""`/lamplighter`: the umbrella over everything else, and help."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from slack_bolt.async_app import AsyncApp

from bot.commands import clients, rhythm, settings, setup
from bot.commands.catalogue import help_lines
from bot.commands.desk import Desk
from bot.commands.requests import Command, Request, listen_for_command
from bot.messages.help import help_message
from bot.messages.message import Message

NAME = "/lamplighter"
HELP = frozenset({"", "help", "?", "hello", "hi"})
WORDS = (
    Command(f"{NAME} setup", "", "sets up the operations channel, the admins and the zone", setup.open_setup),
    Command(
        f"{NAME} settings",
        "",
        "changes who is told what and when, working hours, and who may do what",
        settings.open_settings,
    ),
    Command(
        f"{NAME} clients",
        "[client or closed]",
        "lists the clients; changes, renames, closes and reopens them",
        clients.list_clients,
    ),
    Command(
        f"{NAME} digest",
        "<client> <on or off>",
        "tells its team channel each Monday what is down or to watch",
        rhythm.switch_digest,
    ),
    Command(
        f"{NAME} many-posts",
        "[number]",
        "sets which days are looked at the working day before",
        rhythm.set_many_posts,
    ),
)
"""What only the umbrella leads to."""


def umbrella(commands: Sequence[Command]) -> Command:
    """`/lamplighter`, which leads to each of `commands`: where another app has their names, it is the way."""
    known = {item.word: item for item in commands}

    async def run(desk: Desk, request: Request) -> Message | None:
        first, *more = request.text.split(None, 1) or [""]
        word, rest = first.casefold().lstrip("/"), "".join(more)
        near = difflib.get_close_matches(word[:40], known, n=1, cutoff=0.8)
        found = known.get(word) or (known[near[0]] if near else None)
        if found is not None:
            return await found.run(desk, replace(request, text=rest))
        lines = help_lines(commands, request.asker.actor.outsider)
        return help_message(lines, "" if word in HELP else word)

    usage = ", ".join(["help", *known])
    return Command(NAME, f"[{usage}]", "help, and the way to everything", run)


def register(app: AsyncApp, desk: Desk, commands: Sequence[Command]) -> None:
    """The command itself."""
    listen_for_command(app, desk, umbrella(commands))
