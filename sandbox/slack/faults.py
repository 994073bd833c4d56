"""What can go wrong with Slack, switched on and off from outside."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response


class Outage(StrEnum):
    """How a call fails. Only `LOST_ANSWER` happens after the call took effect."""

    DOWN = "down"
    UNAVAILABLE = "503"
    INTERNAL_ERROR = "internal_error"
    RATE_LIMITED = "ratelimited"
    LOST_ANSWER = "lost_answer"


@dataclass
class Fault:
    """One fault: `method` is a pattern such as `chat.*`; `times` is how often it strikes, None for always."""

    outage: Outage
    method: str = "*"
    times: int | None = None
    retry_after: int = 1
    struck: int = 0

    def matches(self, method: str) -> bool:
        """Whether it strikes this method now."""
        return fnmatchcase(method, self.method) and (self.times is None or self.struck < self.times)


@dataclass
class Faults:
    """All faults of a world. `delivery_down` stops Slack's own requests to the app."""

    active: list[Fault] = field(default_factory=list)
    delivery_down: bool = False

    def add(self, outage: Outage, method: str = "*", times: int | None = None, retry_after: int = 1) -> Fault:
        """Switches a fault on."""
        fault = Fault(outage, method, times, retry_after)
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        """Switches everything off."""
        self.active.clear()
        self.delivery_down = False

    def strike(self, method: str) -> Fault | None:
        """The fault that this call meets, counted; None when the call goes through."""
        for fault in self.active:
            if fault.matches(method):
                fault.struck += 1
                return fault
        return None


async def drop_connection(request: Request) -> Response:
    """Closes the connection without an answer, as a dead load balancer does.

    Raises ClientDisconnect where there is no socket to close (an in-process transport).
    """
    cycle = getattr(request.receive, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if transport is None:
        raise ClientDisconnect
    transport.abort()
    while not getattr(cycle, "disconnected", True):
        await asyncio.sleep(0)
    return Response(status_code=499)


async def answer_fault(request: Request, fault: Fault) -> Response:
    """What the caller gets when a fault strikes before (or, for a lost answer, after) the effect."""
    if fault.outage is Outage.UNAVAILABLE:
        return PlainTextResponse("upstream connect error or disconnect/reset before headers", 503)
    if fault.outage is Outage.INTERNAL_ERROR:
        return JSONResponse({"ok": False, "error": "internal_error"}, 500)
    if fault.outage is Outage.RATE_LIMITED:
        headers = {"Retry-After": str(fault.retry_after)}
        return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers)
    return await drop_connection(request)
