"""The Slack manifest, finished for one deployment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

PLACES = (
    Path(__file__).parent.parent / "manifest.yml",
    Path(sys.prefix) / "share" / "lamplighter" / "manifest.yml",
)
ADDRESSES = frozenset({"url", "request_url", "message_menu_options_url"})
REDIRECTS = frozenset({"redirect_urls"})


def template() -> str:
    """The manifest as it stands in the repository, with `${PUBLIC_URL}` in it."""
    for place in PLACES:
        if place.exists():
            return place.read_text(encoding="utf-8")
    raise FileNotFoundError("manifest.yml")


def bot_scopes() -> tuple[str, ...]:
    """What the bot asks for in every workspace."""
    return tuple(yaml.safe_load(template())["oauth_config"]["scopes"]["bot"])


def manifest_text(public_url: str, *, socket_mode: bool = False, installs: bool = False) -> str:
    """The manifest with its addresses filled in; for Socket Mode without those to which Slack would send.

    `installs`: workspaces install the app themselves, so Slack sends browsers back in Socket Mode too."""
    filled = template().replace("${PUBLIC_URL}", public_url.rstrip("/"))
    if not socket_mode:
        return filled
    names = ADDRESSES if installs else ADDRESSES | REDIRECTS
    body = _without(yaml.safe_load(filled), names)
    body["settings"]["socket_mode_enabled"] = True
    text: str = yaml.safe_dump(body, sort_keys=False, allow_unicode=True)
    return text


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, names) for key, item in value.items() if key not in names}
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    return value
