"""What every listener is handed: the rules' house, Slack, and the way to addresses that people give."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.house import House
from bot.http import OpenHttp
from bot.slack.gateway import Gateway
from bot.slack.installs import Installs
from bot.slack.outbox import Outbox

__all__ = ["Desk"]


@dataclass(frozen=True, slots=True)
class Desk:
    """Put together once, in `bot.app`. `files` fetches media links; nothing else leaves through it."""

    house: House
    gateway: Gateway
    outbox: Outbox
    installs: Installs
    files: OpenHttp

    @property
    def titles(self) -> dict[str, str]:
        """The names of the platforms that this build knows, by key."""
        return {key: platform.info.title for key, platform in self.house.platforms.items()}
