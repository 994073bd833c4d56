"""The settings contract: fixed names, read once at the start, everything wrong told in words."""

from __future__ import annotations

from bot.settings.loading import KNOWN_NAMES, Require, load_settings
from bot.settings.model import PLATFORMS, AppCredentials, Settings, SlackMode
from bot.settings.problems import Problem, SettingsError, how_to_get

__all__ = [
    "KNOWN_NAMES",
    "PLATFORMS",
    "AppCredentials",
    "Problem",
    "Require",
    "Settings",
    "SettingsError",
    "SlackMode",
    "how_to_get",
    "load_settings",
]
