"""From Slack's payloads to values, and from what a handler says back to Slack.

A handler is one async function: values in, an answer out. It is acknowledged before it starts. What a rule
refuses is shown to the person who asked, and to nobody else.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.commands.desk import Desk
from bot.commands.who import Asker, who_asks
from bot.domain.deciding import Choice
from bot.domain.errors import Refused
from bot.messages import actions
from bot.messages.message import Message
from bot.slack.errors import Refusal, SlackProblem

__all__ = [
    "Command",
    "Press",
    "Request",
    "answer_press",
    "in_words",
    "listen_for_command",
    "listen_for_press",
    "pattern",
    "read_choices",
    "read_press",
    "tell_person",
    "unescaped",
]

OLD_BUTTON = "This button is from an older message. Run the command again for a fresh one."


@dataclass(frozen=True, slots=True)
class Request:
    """A slash command as it was typed. `is_direct`: in a conversation between people, not a channel."""

    asker: Asker
    text: str
    channel_id: str
    trigger_id: str
    is_direct: bool


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed button or a chosen option. `value` is what the button carries; `view` is set in modals
    and in Home; `ts`: Slack's own moment of it, as text that sorts."""

    asker: Asker
    value: str
    channel_id: str | None
    trigger_id: str
    response_url: str | None
    is_ephemeral: bool
    view: Mapping[str, Any] | None
    ts: str = ""


CommandHandler = Callable[[Desk, Request], Awaitable[Message | None]]
PressHandler = Callable[[Desk, Press], Awaitable[Message | None]]


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command. `/lamplighter help` writes itself from `usage` and `summary`."""

    name: str
    usage: str
    summary: str
    run: CommandHandler
    is_for_outsiders: bool = False

    @property
    def word(self) -> str:
        """Its last word without the slash, as it is typed after `/lamplighter`."""
        return self.name.rpartition(" ")[2].removeprefix("/")


@contextmanager
def in_words() -> Iterator[None]:
    """What a rule refuses is told to the person who asked, by the door's error handler."""
    try:
        yield
    except Refused as refused:
        raise Refusal(refused.text) from None


def listen_for_command(app: AsyncApp, desk: Desk, known: Command) -> None:
    """Registers a slash command: acknowledged, carried out, answered to the person alone."""

    async def listener(ack: AsyncAck, command: dict[str, Any], workspace_id: str) -> None:
        await ack()
        with in_words():
            request = await read_request(desk, workspace_id, command)
            answer = await known.run(desk, request)
        if answer is not None and command.get("response_url"):
            await desk.gateway.respond(command["response_url"], answer)
        elif answer is not None:
            await desk.gateway.ephemeral(workspace_id, request.channel_id, request.asker.user_id, answer)

    app.command(known.name)(listener)


async def read_request(desk: Desk, workspace_id: str, command: Mapping[str, Any]) -> Request:
    """The values of a command's form."""
    channel_id = str(command["channel_id"])
    # People of other teams cannot run our commands: whoever does belongs to the team that is named.
    asker = await who_asks(desk, workspace_id, str(command["user_id"]), channel_id, command.get("team_id"))
    return Request(
        asker=asker,
        text=unescaped(str(command.get("text") or "")),
        channel_id=channel_id,
        trigger_id=str(command.get("trigger_id") or ""),
        is_direct=channel_id.startswith("D") or command.get("channel_name") == "directmessage",
    )


def listen_for_press(
    app: AsyncApp, desk: Desk, action_id: str, handler: PressHandler, *, replaces: bool = False
) -> None:
    """Registers a button. With `replaces` the answer takes the place of the ephemeral it was pressed in."""

    async def listener(
        ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], workspace_id: str
    ) -> None:
        await ack()
        press = await read_press(desk, workspace_id, body, action)
        with in_words():
            answer = await handler(desk, press)
        if answer is not None:
            await answer_press(desk, press, answer, replace=replaces and press.is_ephemeral)

    app.action(pattern(action_id))(listener)


def pattern(action_id: str) -> re.Pattern[str]:
    """An action id, also with a number behind it (`link.open#2`): ids must differ within one block."""
    return re.compile(rf"^{re.escape(action_id)}(?:[#:.]\d+)?$")


async def read_press(
    desk: Desk, workspace_id: str, body: Mapping[str, Any], action: Mapping[str, Any]
) -> Press:
    """The values of a press. Only ids that Slack itself vouches for are taken from the payload."""
    container = body.get("container") or {}
    channel_id = (body.get("channel") or {}).get("id") or container.get("channel_id")
    user = body["user"]
    chosen = action.get("selected_option") or {}
    return Press(
        asker=await who_asks(desk, workspace_id, str(user["id"]), channel_id, user.get("team_id")),
        value=str(action.get("value") or chosen.get("value") or ""),
        channel_id=channel_id,
        trigger_id=str(body.get("trigger_id") or ""),
        response_url=body.get("response_url"),
        is_ephemeral=bool(container.get("is_ephemeral")),
        view=body.get("view"),
        ts=str(action.get("action_ts") or ""),
    )


def read_choices(press: Press) -> list[Choice]:
    """The deliveries of a press as the person saw them. Raises Refused where there is none."""
    found = [Choice(*numbers) for numbers in actions.read_choices(press.value)]
    if not found:
        raise Refused(OLD_BUTTON)
    return found


def unescaped(text: str) -> str:
    """What people typed, where Slack made its three characters harmless on the way (facts: Slack, 1.3).

    Whether it does so in modals is unconfirmed; text that was not escaped stays as it is."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


async def answer_press(desk: Desk, press: Press, answer: Message, *, replace: bool = False) -> None:
    """Tells the person who pressed: beside the message, or directly where there is none."""
    if press.response_url:
        await desk.gateway.respond(press.response_url, answer, replace_original=replace)
    else:
        await desk.gateway.post(press.asker.actor.workspace_id, press.asker.user_id, answer)


async def tell_person(desk: Desk, asker: Asker, channel_id: str | None, said: Message) -> None:
    """Tells one person something after his modal is gone. Slack's own trouble ends the attempt."""
    workspace_id = asker.actor.workspace_id
    try:
        if channel_id is None:
            await desk.gateway.post(workspace_id, asker.user_id, said)
        else:
            await desk.gateway.ephemeral(workspace_id, channel_id, asker.user_id, said)
    except SlackProblem as problem:
        raise Refusal(said) from problem
