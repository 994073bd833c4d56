"""What windows share: what they carry, what was filled in, and who submitted it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.commands.desk import Desk
from bot.commands.requests import in_words, unescaped
from bot.commands.who import Asker, who_asks
from bot.domain.deciding import Choice
from bot.messages import actions
from bot.messages.blocks import Block


@dataclass(frozen=True, slots=True)
class Carried:
    """What a window carries: the deliveries as they were seen, the channel it was opened in, and short words
    of its own."""

    choices: tuple[Choice, ...] = ()
    channel_id: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)


Submitted = Callable[[Desk, Asker, AsyncAck, Mapping[str, Any]], Awaitable[None]]
"""What a window's Submit does: it answers the `ack`, after the commit."""


def metadata(choices: Iterable[Choice], channel_id: str | None, **words: str) -> str:
    """What `read_carried` reads."""
    value = actions.choices_value((one.delivery_id, one.attempt, one.revision) for one in choices)
    return json.dumps({"choices": value, "channel": channel_id} | ({"words": words} if words else {}))


def read_carried(view: Mapping[str, Any]) -> Carried:
    """What the window carries; nothing where that cannot be read."""
    try:
        carried = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        carried = {}
    if not isinstance(carried, dict):
        carried = {}
    choices = tuple(Choice(*item) for item in actions.read_choices(str(carried.get("choices") or "")))
    channel, words = carried.get("channel"), carried.get("words")
    kept = {str(key): str(value) for key, value in words.items()} if isinstance(words, dict) else {}
    return Carried(choices, channel if isinstance(channel, str) else None, kept)


def entered(view: Mapping[str, Any], block_id: str) -> Mapping[str, Any]:
    """What was filled in there; nothing where the window has no such field."""
    found: Mapping[str, Any] = view["state"]["values"].get(block_id, {}).get(block_id) or {}
    return found


def typed(view: Mapping[str, Any], block_id: str) -> str:
    """What was written there."""
    return unescaped(str(entered(view, block_id).get("value") or "")).strip()


async def answer_with(ack: AsyncAck, view: Block) -> None:
    """Shows another window in the place of the submitted one."""
    await ack(response_action="update", view=dict(view))


def listen_for_submit(app: AsyncApp, desk: Desk, callback_id: str, what: Submitted) -> None:
    """Registers a window's Submit."""

    async def submitted(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], workspace_id: str) -> None:
        user = body["user"]
        with in_words():
            channel_id = read_carried(view).channel_id
            asker = await who_asks(desk, workspace_id, user["id"], channel_id, user.get("team_id"))
            await what(desk, asker, ack, view)

    app.view(callback_id)(submitted)
