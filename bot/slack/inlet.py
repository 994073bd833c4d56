"""How Slack's requests come in: `POST /slack/events`, or Socket Mode (facts: Slack, 1.10)."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import to_starlette_response
from slack_bolt.request.async_request import AsyncBoltRequest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.slack.door import Door
from bot.slack.gateway import Gateway

__all__ = ["SocketMode", "starlette_route"]

PATH = "/slack/events"
MAX_BYTES = 1_000_000
MAX_AGE_SECONDS = 300


def starlette_route(door: Door, signing_secret: str, clock: Callable[[], float] = time.time) -> Route:
    """The one address for commands, presses, events and options.

    `clock` gives real time in seconds. Raises ValueError without a signing secret: with an empty one
    anybody could sign.
    """
    if not signing_secret:
        raise ValueError("a signing secret is needed to take requests over HTTP")

    async def endpoint(request: Request) -> Response:
        try:
            body = await _read(request)
        except ClientDisconnect:
            return PlainTextResponse("", 400)
        if body is None:
            return PlainTextResponse("too large", 413)
        if b"ssl_check=1" in body.split(b"&"):  # a look at our certificate, perhaps not signed (unconfirmed)
            return PlainTextResponse("")
        if not _is_signed(request, body, signing_secret, clock()):
            return PlainTextResponse("invalid signature", 401)
        try:
            asked = AsyncBoltRequest(
                body=body.decode(), query=dict(request.query_params), headers=dict(request.headers)
            )
        except (ValueError, AttributeError, TypeError):
            return PlainTextResponse("unreadable", 400)
        return to_starlette_response(await door.async_dispatch(asked))

    return Route(PATH, endpoint, methods=["POST"])


async def _read(request: Request) -> bytes | None:
    """The body, or None when it is larger than Slack's ever are."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BYTES:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _is_signed(request: Request, body: bytes, secret: str, now: float) -> bool:
    """Checked before anything of the body is read; bolt checks again."""
    stamp = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12 and signature.isascii()):
        return False
    if abs(now - int(stamp)) > MAX_AGE_SECONDS:
        return False
    signed = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
    return hmac.compare_digest(f"v0={signed.hexdigest()}", signature)


class SocketMode:
    """Takes requests over a websocket that this side opens; needs no public address for Slack."""

    def __init__(self, door: Door, app_token: str, gateway: Gateway) -> None:
        handler = AsyncSocketModeHandler(door, app_token, web_client=gateway.web_client())
        self._client: Any = handler.client  # its methods are untyped
        handler.client.proxy = None  # the SDK takes one from the environment

    async def connect(self) -> None:
        """Opens the websocket and keeps it open, over Slack's own reconnects too."""
        await self._client.connect()

    async def close(self) -> None:
        """Closes it for good."""
        await self._client.close()
