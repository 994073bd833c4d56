"""Which workspace a request belongs to, Slack Connect included (facts: Slack, 1.9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.slack.installs import Install, Installs

__all__ = ["install_of"]


async def install_of(body: Mapping[str, Any], installs: Installs) -> Install | None:
    """The install that a request is for, or None where the bot is in none of its workspaces.

    The team of whoever pressed may be another one than ours, and whether `team` is then theirs is
    unconfirmed: so the workspace that stored the message comes first, then what names the installation.
    """
    channel, ts = _message_place(body)
    if channel is not None and ts is not None:
        install = await installs.by_message(channel, ts)
        if install is not None:
            return install
    for team_id in _teams(body):
        install = await installs.by_team(team_id)
        if install is not None:
            return install
    return None


def _message_place(body: Mapping[str, Any]) -> tuple[str | None, str | None]:
    container = body.get("container")
    if not isinstance(container, Mapping) or container.get("type") != "message":
        return None, None
    channel, ts = container.get("channel_id"), container.get("message_ts")
    return (channel, ts) if isinstance(channel, str) and isinstance(ts, str) else (None, None)


def _teams(body: Mapping[str, Any]) -> Iterator[str]:
    """Slack team ids, the surest first."""
    view, message = _part(body, "view"), _part(body, "message")
    authorizations = body.get("authorizations")
    first = authorizations[0] if isinstance(authorizations, list) and authorizations else {}
    candidates = (
        view.get("app_installed_team_id"),
        first.get("team_id") if isinstance(first, Mapping) else None,
        message.get("team") if message.get("bot_id") else None,
        _part(body, "team").get("id"),
        body.get("team_id"),
        _part(body, "user").get("team_id") if body.get("team") is None else None,
    )
    yield from dict.fromkeys(each for each in candidates if isinstance(each, str) and each)


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, Mapping) else {}
