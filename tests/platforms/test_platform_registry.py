"""The list of platforms."""

from __future__ import annotations

from bot.platforms.registry import SUPPORTED, build_platforms
from bot.settings import load_settings


def test_every_supported_platform_is_built_under_its_own_word() -> None:
    platforms = build_platforms(load_settings({"META_GRAPH_VERSION": "v27.0"}, None, require="none"))
    assert tuple(platforms) == SUPPORTED
    for key, platform in platforms.items():
        info = platform.info
        assert (info.key, info.provider) == (key, key)
        assert info.token_host in info.hosts
        assert info.permission_page.startswith("https://")
        assert info.required_scopes
    assert getattr(platforms["instagram"], "version") == "v27.0"  # noqa: B009
