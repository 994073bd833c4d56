"""Socket Mode: a websocket on a loopback port of its own, over which the app gets what HTTP would bring."""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid

from aiohttp import WSMsgType, web

from sandbox.slack.models import JSON
from sandbox.slack.state import SlackWorld

TAKES_ANSWER = {"slash_commands", "interactive"}


class SocketConnection:
    """One websocket of the app's."""

    def __init__(self, ws: web.WebSocketResponse) -> None:
        self.ws = ws
        self._waiting: dict[str, asyncio.Future[str]] = {}

    async def request(self, kind: str, payload: JSON, retry: int, reason: str) -> str:
        """Sends an envelope and waits for its acknowledgement; the caller limits the time."""
        envelope: JSON = {
            "envelope_id": str(uuid.uuid4()),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind in TAKES_ANSWER,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry, "retry_reason": reason}
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = answer
        try:
            await self.ws.send_json(envelope)
            return await answer
        finally:
            del self._waiting[envelope["envelope_id"]]

    def acknowledged(self, text: str) -> None:
        """Takes an acknowledgement; one that is late or strange is dropped, as Slack does."""
        try:
            message = json.loads(text)
        except ValueError:
            return
        waiting = self._waiting.get(message.get("envelope_id", "")) if isinstance(message, dict) else None
        if waiting is not None and not waiting.done():
            payload = message.get("payload")
            waiting.set_result(json.dumps(payload) if payload else "")


class SocketGate:
    """Opens Socket Mode for a world while it runs: `apps.connections.open` then gives its address."""

    def __init__(self, world: SlackWorld) -> None:
        self.world = world
        self._tickets: set[str] = set()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listens on a free loopback port."""
        app = web.Application()
        app.router.add_get("/link", self._connect)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.world.socket_url = lambda: f"ws://{host}:{port}/link?ticket={self._new_ticket()}"

    async def stop(self) -> None:
        """Closes all connections."""
        self.world.socket_url = None
        for socket in list(self.world.sockets):
            if isinstance(socket, SocketConnection):
                await socket.ws.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def _new_ticket(self) -> str:
        ticket = secrets.token_urlsafe(12)
        self._tickets.add(ticket)
        return ticket

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=401)
        self._tickets.discard(ticket)
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        connection = SocketConnection(ws)
        self.world.sockets.append(connection)
        hello = {"type": "hello", "connection_info": {"app_id": self.world.app.app_id}}
        await ws.send_json({**hello, "num_connections": len(self.world.sockets)})
        self.world.bump()
        try:
            async for message in ws:
                if message.type is WSMsgType.TEXT:
                    connection.acknowledged(message.data)
        finally:
            self.world.sockets.remove(connection)
            self.world.bump()
        return ws
