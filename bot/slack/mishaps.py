"""When a request goes wrong: words for the person, an id for the log, and never the exception's text."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping
from typing import Any

import structlog
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse

from bot.messages.message import Message
from bot.slack.errors import Refusal, SlackProblem, TooSlow, Transient
from bot.slack.gateway import Gateway

__all__ = ["Mishaps", "refuse_stranger"]

log = structlog.get_logger(__name__)

TOO_SLOW = "That took too long on the way, so Slack closed the door. Please try once more."
SLACK_IS_SLOW = "Slack is not answering me right now. Please try again in a minute."
STRANGER = (
    "I am not installed in this workspace, so I cannot do that here. "
    "Please ask the people who run me to install me, or use me in a channel of theirs."
)


class Mishaps:
    """The error handler of the door. `telling` are messages that are still on their way to people."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.telling: set[asyncio.Task[None]] = set()

    async def handle(
        self, error: Exception, body: dict[str, Any], context: AsyncBoltContext
    ) -> BoltResponse | None:
        """Bolt's error handler: a response where none was given yet, otherwise a message of its own."""
        context["failed"] = True
        message = _words_for(error)
        acknowledged = context.ack.response is not None
        if acknowledged:
            context["acknowledged"] = context.ack.response
        if not acknowledged:
            if body.get("type") == "event_callback":
                return BoltResponse(status=500, body="")
            response = _answer(body, message)
            if response is not None:
                return response
        if body.get("type") not in {"event_callback", "block_suggestion"}:
            self._tell_later(body, context, message)
        return None if acknowledged else BoltResponse(status=200, body="")

    def _tell_later(self, body: dict[str, Any], context: AsyncBoltContext, message: Message) -> None:
        # Slack gets its answer first: telling may take as long as Slack is slow.
        task = asyncio.ensure_future(self._tell(body, context.get("workspace_id"), message))
        self.telling.add(task)
        task.add_done_callback(self.telling.discard)

    async def _tell(self, body: dict[str, Any], workspace_id: str | None, message: Message) -> None:
        user = _user_of(body)
        try:
            if body.get("response_url"):
                await self._gateway.respond(body["response_url"], message)
            elif workspace_id is not None and user is not None:
                await self._gateway.post(workspace_id, user, message)
        except (SlackProblem, ValueError) as problem:
            log.warning("person not told", problem=type(problem).__name__)


def _words_for(error: Exception) -> Message:
    """What the person reads. Unknown errors are logged under the number that he is given."""
    if isinstance(error, Refusal):
        return error.message
    error_id = uuid.uuid4().hex[:8]
    if isinstance(error, TooSlow | Transient):
        log.warning("slack request failed", error_id=error_id, word=error.word)
        return Message(TOO_SLOW if isinstance(error, TooSlow) else SLACK_IS_SLOW)
    log.error("slack request failed", error_id=error_id, exc_info=error)
    return Message(
        "That did not work, and it is my fault, not yours. Please try again in a moment; "
        f"if it happens again, tell whoever runs me the number {error_id}."
    )


def _answer(body: Mapping[str, Any], message: Message) -> BoltResponse | None:
    """The message as the response itself, where that is possible."""
    kind = body.get("type")
    if kind == "view_submission":
        return _json({"response_action": "push", "view": _modal(message)})
    if kind == "block_suggestion":
        return _json({"options": []})
    if "command" in body:
        said: dict[str, Any] = {"response_type": "ephemeral", "text": message.text}
        return _json(said | ({"blocks": list(message.blocks)} if message.blocks else {}))
    return None


def _modal(message: Message) -> dict[str, Any]:
    plain: list[Mapping[str, object]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": message.text[:3000]}}
    ]
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": "That did not work"},
        "close": {"type": "plain_text", "text": "Back"},
        "blocks": list(message.blocks) or plain,
    }


def _json(value: Mapping[str, Any]) -> BoltResponse:
    return BoltResponse(
        status=200, body=json.dumps(value), headers={"content-type": "application/json;charset=utf-8"}
    )


def _user_of(body: Mapping[str, Any]) -> str | None:
    user = body.get("user")
    found = user.get("id") if isinstance(user, Mapping) else body.get("user_id")
    return found if isinstance(found, str) and found else None


async def refuse_stranger(body: Mapping[str, Any], gateway: Gateway) -> BoltResponse:
    """The answer to a workspace that has not installed the bot: polite where somebody asked."""
    log.info("slack request of an unknown workspace", kind=str(body.get("type") or "command")[:64])
    response = _answer(body, Message(STRANGER))
    if response is not None:
        return response
    if isinstance(body.get("response_url"), str):
        try:
            async with asyncio.timeout(2.0):
                await gateway.respond(body["response_url"], Message(STRANGER))
        except (SlackProblem, ValueError, TimeoutError) as problem:
            log.info("stranger not told", problem=type(problem).__name__)
    return BoltResponse(status=200, body="")
