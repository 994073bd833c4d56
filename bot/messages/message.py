"""What is said: the one value that everything in this package makes and the gateway sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """A Slack message. `text` is a full sentence that says all that the blocks say.

    Notifications and screen readers see only `text`, so an empty one raises ValueError.
    """

    text: str
    blocks: tuple[Mapping[str, object], ...] = ()

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("a message needs text")
