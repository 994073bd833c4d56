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
ADDRESSES = frozenset({"url", "request_url", "message_menu_options_url", "redirect_urls"})


def template() -> str:
    """The manifest as it stands in the repository, with `${PUBLIC_URL}` in it."""
    for place in PLACES:
        if place.exists():
            return place.read_text(encoding="utf-8")
    raise FileNotFoundError("manifest.yml")


def manifest_text(public_url: str, *, socket_mode: bool = False) -> str:
    """The manifest with its addresses filled in; for Socket Mode without addresses."""
    filled = template().replace("${PUBLIC_URL}", public_url.rstrip("/"))
    if not socket_mode:
        return filled
    body = _without_addresses(yaml.safe_load(filled))
    body["settings"]["socket_mode_enabled"] = True
    text: str = yaml.safe_dump(body, sort_keys=False, allow_unicode=True)
    return text


def _without_addresses(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_addresses(item) for key, item in value.items() if key not in ADDRESSES}
    if isinstance(value, list):
        return [_without_addresses(item) for item in value]
    return value
