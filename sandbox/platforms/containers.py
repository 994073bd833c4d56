"""Media on its way to Instagram and Threads: made, polled, published once (meta facts §3.6, §4.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sandbox.platforms.core import Call
from sandbox.platforms.faults import Fault
from sandbox.platforms.fetch import Fetcher

LIFE = timedelta(hours=24)
VIDEO_POLLS = 2  # how often a video is seen in progress
SLOW_POLLS = 5
UNSENT = 1_000_000  # polls until a container without its file is ready: more than anyone makes


@dataclass(frozen=True, kw_only=True)
class Container:
    """Media on its way. `error` is the text of a failure that shows once processing is over."""

    id: str
    account: str
    kind: str
    media: tuple[str, ...]
    caption: str
    made_at: datetime
    polls: int
    child: bool = False
    state: str = "IN_PROGRESS"
    error: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


class Containers:
    """All containers of one twin, and the fetcher that gets what they name."""

    def __init__(self, fetcher: Fetcher) -> None:
        self.fetcher = fetcher
        self._held: dict[str, Container] = {}

    def keep(self, container: Container) -> Container:
        """Put a container, or its next state, in its place."""
        self._held[container.id] = container
        return container

    def find(self, call: Call, id: str) -> Container | None:
        """The caller's own container, with EXPIRED already told."""
        container = self._held.get(id)
        if container is None or container.account != call.account:
            return None
        late = call.world.now() - container.made_at >= LIFE
        if late and container.state in ("IN_PROGRESS", "FINISHED"):
            return self.keep(replace(container, state="EXPIRED"))
        return container

    def holds(self, id: str) -> bool:
        """Whether there is such a container, whoever owns it."""
        return id in self._held

    def owner(self, id: str) -> str:
        """Whose container it is; "" when there is none."""
        container = self._held.get(id)
        return container.account if container else ""

    def waiting(self, id: str) -> Container | None:
        """A container that still waits for the bytes of its file."""
        container = self._held.get(id)
        return container if container is not None and container.polls >= UNSENT else None

    def begin(self, call: Call, container: Container) -> Container:
        """Keep a new container and enter it in the ledger; it may take long by a fault."""
        if slow := call.fault("container_slow"):
            container = replace(container, polls=container.polls + int(slow.value or SLOW_POLLS))
        call.world.ledger.write(
            "container_created", call.platform, call.account, id=container.id, kind=container.kind
        )
        return self.keep(container)

    def poll(self, call: Call, container: Container, broken: Callable[[Fault], str]) -> Container:
        """The container as this poll finds it: one step further. `broken` words a failure by a fault."""
        if container.state != "IN_PROGRESS" or container.polls >= UNSENT:
            return container
        if container.polls > 0:
            return self.keep(replace(container, polls=container.polls - 1))
        if fault := call.fault("container_error"):
            return self.keep(replace(container, state="ERROR", error=broken(fault)))
        return self.keep(replace(container, state="ERROR" if container.error else "FINISHED"))


def listed_ids(given: str) -> list[str]:
    """The ids of a `children` parameter: separated by commas, or a JSON list."""
    return [name.strip() for name in given.strip("[]").replace('"', "").split(",") if name.strip()]


def new_id(call: Call) -> str:
    """An id as Meta gives them to containers and media: 17 digits."""
    return str(17_900_000_000_000_000 + call.world.serial() * 1009)


def posted_in_a_day(call: Call, **extra: Any) -> int:
    """How much the account posted in the last 24 hours, deleted posts included, as far as `extra` fits."""
    now = call.world.now()
    return sum(
        timedelta() <= now - post.at < LIFE and all(post.extra.get(k) == v for k, v in extra.items())
        for post in call.world.all_posts_of(call.platform, call.account)
    )
