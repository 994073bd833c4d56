"""`/lamplighter`: the umbrella over everything else, and help."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from slack_bolt.async_app import AsyncApp

from bot.commands import clients, rhythm, setup
from bot.commands.catalogue import help_lines
from bot.commands.desk import Desk
from bot.commands.requests import Command, CommandHandler, Request, listen_for_command
from bot.messages.help import help_message
from bot.messages.message import Message

HELP = frozenset({"", "help", "?", "hello", "hi"})


def umbrella(commands: Sequence[Command]) -> Command:
    """`/lamplighter`, which also leads to each of `commands`."""
    words: dict[str, CommandHandler] = {item.word: item.run for item in commands}
    words |= {"setup": setup.open_setup, "clients": clients.list_clients}
    words |= {"digest": rhythm.switch_digest, "many-posts": rhythm.set_many_posts}

    async def run(desk: Desk, request: Request) -> Message | None:
        first, *more = request.text.split(None, 1) or [""]
        word, rest = first.casefold().lstrip("/"), "".join(more)
        near = difflib.get_close_matches(word[:40], words, n=1, cutoff=0.8)
        handler = words.get(word) or (words[near[0]] if near else None)
        if handler is not None:
            return await handler(desk, replace(request, text=rest))
        lines = help_lines(commands, request.asker.actor.outsider)
        return help_message(lines, "" if word in HELP else word)

    return Command("/lamplighter", "[help, setup, clients, …]", "help, and the way to everything", run)


def register(app: AsyncApp, desk: Desk, commands: Sequence[Command]) -> None:
    """The command itself."""
    listen_for_command(app, desk, umbrella(commands))
