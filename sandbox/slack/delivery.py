"""Slack's signed requests to the app: commands, interactions, events (facts: Slack, 1.1 and 1.10)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

import httpx

from sandbox.slack.models import JSON, Channel, Delivered
from sandbox.slack.state import SlackWorld

EVENTS_PATH = "/slack/events"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The `X-Slack-Signature` of a request body."""
    base = f"v0:{timestamp}:".encode() + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def encode(kind: str, payload: JSON) -> tuple[str, bytes]:
    """Content type and body of a delivery: events as JSON, commands as a form, interactions in `payload`."""
    if kind == "events_api":
        return "application/json", json.dumps(payload).encode()
    fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return "application/x-www-form-urlencoded", urlencode(fields).encode()


async def deliver(world: SlackWorld, kind: str, payload: JSON, retry: int = 0, reason: str = "") -> Delivered:
    """Sends one request and waits for its acknowledgement, at most `ack_seconds`.

    `kind` is `slash_commands`, `interactive` or `events_api`, as in Socket Mode's envelopes; with a socket
    open it goes there.
    """
    started = time.monotonic()
    status, body, failure, no_retry = None, "", "", False
    try:
        if world.faults.delivery_down:
            raise ConnectionError
        async with asyncio.timeout(world.switches.ack_seconds):
            if world.sockets:
                status, body = 200, await world.sockets[-1].request(kind, payload, retry, reason)
            else:
                status, body, no_retry = await _post(world, kind, payload, retry, reason)
        failure = "" if 200 <= status < 300 else "http_error"
    except TimeoutError:
        failure = "http_timeout"
    except (httpx.HTTPError, ConnectionError):
        failure = "connection_failed"
    seconds = time.monotonic() - started
    delivered = Delivered(kind, payload, status, body, seconds, failure, retry, no_retry)
    world.delivered.append(delivered)
    if failure and kind != "events_api":
        world.complaints.append(f"{kind} was not acknowledged: {failure} {status or ''}".strip())
    world.bump()
    return delivered


async def _post(
    world: SlackWorld, kind: str, payload: JSON, retry: int, reason: str
) -> tuple[int, str, bool]:
    content_type, body = encode(kind, payload)
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": content_type,
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": sign(world.app.signing_secret, timestamp, body),
    }
    if retry:
        headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason}
    async with httpx.AsyncClient(
        transport=world.transport, trust_env=False, verify=False, timeout=60
    ) as http:
        answer = await http.post(world.bot_url + EVENTS_PATH, content=body, headers=headers)
    return answer.status_code, answer.text, answer.headers.get("x-slack-no-retry") == "1"


async def verify_url(world: SlackWorld) -> bool:
    """Slack's check of a request URL: the app must answer the challenge."""
    challenge = world.new_id("challenge")
    payload = {"token": world.app.verification_token, "challenge": challenge, "type": "url_verification"}
    delivered = await deliver(world, "events_api", payload)
    return not delivered.failure and challenge in delivered.body


def emit(world: SlackWorld, team_id: str, event: JSON, channel: Channel | None = None) -> None:
    """Starts the delivery of an event to the app, where the app is installed and subscribed to it."""
    install = world.installs.get(team_id)
    if install is None or install.revoked or event["type"] not in world.app.events:
        return
    authorization = {
        "enterprise_id": None,
        "team_id": team_id,
        "user_id": install.bot_user_id,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    event.setdefault("event_ts", world.next_ts())
    payload = {
        "token": world.app.verification_token,
        "team_id": team_id,
        "context_team_id": team_id,
        "api_app_id": world.app.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": world.new_id("Ev"),
        "event_time": int(time.time()),
        "authorizations": [authorization],
        "is_ext_shared_channel": bool(channel and channel.is_ext_shared),
    }
    world.spawn(_attempts(world, payload))


async def _attempts(world: SlackWorld, payload: JSON) -> None:
    """One event, and up to three more times when the app does not take it."""
    delivered = await deliver(world, "events_api", payload)
    for number, delay in enumerate(world.switches.retry_delays, start=1):
        if not delivered.failure or delivered.no_retry:
            return
        await asyncio.sleep(delay)
        delivered = await deliver(world, "events_api", payload, number, delivered.failure)
    if delivered.failure:
        world.complaints.append(f"event {payload['event']['type']} was given up: {delivered.failure}")
