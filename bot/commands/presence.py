"""What a window says once it is stored, where the bot is missing from a channel that was chosen in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from bot.commands.connecting import bot_is_in
from bot.commands.desk import Desk
from bot.commands.submitting import OVERTAKEN_SECONDS
from bot.commands.who import Asker
from bot.messages.blocks import Block
from bot.slack.errors import SlackProblem


async def ask_in(
    desk: Desk, asker: Asker, view_id: str, channels: Iterable[str], shown: Callable[[Sequence[str]], Block]
) -> None:
    """After the acknowledgement: draws the window again with the channels that the bot is not in, if any.
    Nothing more is said where Slack does not answer, or where the window is closed by now."""
    workspace_id = asker.actor.workspace_id
    try:
        missing = [each for each in channels if not await bot_is_in(desk, workspace_id, each)]
        if missing:
            await asyncio.sleep(OVERTAKEN_SECONDS)
            await desk.gateway.update_view(workspace_id, view_id, shown(missing))
    except SlackProblem:
        return
