"""Answers to commands and presses, through the response URL that came with them (facts: Slack, 1.1, 1.2).

bolt's own `respond` makes a client of its own, which knows neither the deadline nor the rewriting.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
import structlog

from bot.messages.message import Message
from bot.outbound import Rewriter
from bot.slack.errors import OurFault, Transient, problem_for, retry_seconds, translate

__all__ = ["POST_TEXT_LIMIT", "Answers", "cut"]

log = structlog.get_logger(__name__)

RESPONSE_HOST = "hooks.slack.com"
POST_TEXT_LIMIT = 40_000


class Answers:
    """Posts to response URLs, and to nothing else."""

    def __init__(self, session: aiohttp.ClientSession, rewriter: Rewriter) -> None:
        self._session = session
        self._rewriter = rewriter

    async def respond(
        self,
        response_url: str,
        message: Message | None,
        *,
        replace_original: bool,
        delete_original: bool,
        in_channel: bool,
        thread_ts: str | None,
    ) -> None:
        """See `Gateway.respond`."""
        address = self._address(response_url)
        body: dict[str, object] = {
            "response_type": "in_channel" if in_channel else "ephemeral",
            "replace_original": replace_original,
            "delete_original": delete_original,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if thread_ts is not None:
            body["thread_ts"] = thread_ts
        if message is not None:
            body["text"] = cut(message.text, POST_TEXT_LIMIT)
        if message is None or not message.blocks:
            await self._post(address, body)
            return
        try:
            await self._post(address, {**body, "blocks": list(message.blocks)})
        except OurFault as problem:
            log.error("slack refused an answer", word=problem.word, error_id=uuid.uuid4().hex[:8])
            await self._post(address, body)

    def _address(self, response_url: str) -> str:
        # A Slack behind the rewriter may hand out addresses that are rewritten already.
        inside = self._rewriter.is_on and response_url.startswith(
            f"{self._rewriter.outbound}/{RESPONSE_HOST}/"
        )
        parts = urlsplit(response_url)
        if not inside and (parts.scheme != "https" or parts.netloc != RESPONSE_HOST):
            raise ValueError("not a response address of Slack")
        return self._rewriter.url(response_url)

    async def _post(self, address: str, body: Mapping[str, object]) -> None:
        try:
            async with self._session.post(address, json=body, allow_redirects=False) as answer:
                status, headers, text = answer.status, answer.headers, await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise translate(error) from None
        if status == 429:
            wait = retry_seconds(headers.get("Retry-After"))
            raise Transient("ratelimited", retry_after=wait, sent=False, limited=True)
        word = _word(text)
        if word == "ok" or (200 <= status < 300 and word is None):
            return
        if status >= 500 and word is None:
            raise Transient(f"http_{status}")
        raise problem_for(word or ("expired_url" if status in {404, 410} else f"http_{status}"))


def cut(text: str, limit: int) -> str:
    """The text, with an ellipsis where it is longer than `limit` characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _word(text: str) -> str | None:
    """The error word (or `ok`) of an answer that is plain text or JSON; None where there is none."""
    try:
        value = json.loads(text)
    except ValueError:
        word = text.strip()
        return word if word.replace("_", "").isalnum() and len(word) <= 64 else None
    if not isinstance(value, dict):
        return None
    return "ok" if value.get("ok") else str(value.get("error") or "") or None
