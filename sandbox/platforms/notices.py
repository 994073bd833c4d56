"""Push notices: what a platform posts to an app's own address, until it is answered with 200.

The mode `PLATFORM.notices` is `on` (also when unset), `off`, or `twice` (each is delivered twice, as
platforms that deliver at least once do).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from sandbox.platforms.fetch import loopback_only
from sandbox.world import PlatformWorld

PAUSES = (0.0, 0.2, 1.0, 5.0)  # real seconds before each try; the platforms go on for days
SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One request to `address`, which must be on this machine, about one account."""

    platform: str
    account: str
    address: str
    body: bytes
    headers: Mapping[str, str]


@dataclass
class Courier:
    """Delivers notices in the running loop, beside the calls that caused them."""

    world: PlatformWorld
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    def send(self, notice: Notice) -> None:
        """Deliver soon, if the mode lets it. Does nothing where no loop runs."""
        mode = self.world.modes.get(f"{notice.platform}.notices", "on")
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        for _ in range({"on": 1, "twice": 2}.get(mode, 0)):
            task = loop.create_task(self._deliver(notice))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _deliver(self, notice: Notice) -> None:
        address = loopback_only(notice.address)
        for pause in PAUSES:
            await asyncio.sleep(pause)
            status = await _post(notice, address) if address else 0
            self.world.ledger.write("notice_sent", notice.platform, notice.account, status=status)
            if status == 200 or not address:
                return


async def _post(notice: Notice, address: str) -> int:
    async with httpx.AsyncClient(timeout=SECONDS, trust_env=False, verify=False) as client:
        try:
            answer = await client.post(address, content=notice.body, headers=dict(notice.headers))
        except httpx.HTTPError:
            return 0
    return answer.status_code
