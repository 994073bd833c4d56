"""Which platforms there are. A new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.platforms.base import Platform
from bot.platforms.instagram import Instagram
from bot.platforms.x import X
from bot.settings import Settings

SUPPORTED = ("instagram", "x")
"""The platforms' words, in the order in which people see them."""


def build_platforms(settings: Settings) -> Mapping[str, Platform]:
    """Every supported platform by its word, in order; whether one is switched on is `settings.app_for`'s."""
    platforms: tuple[Platform, ...] = (Instagram(settings.meta_graph_version), X())
    return MappingProxyType({platform.info.key: platform for platform in platforms})
