"""What the app's manifest says, and the switches of a sandbox Slack."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

BOT_SCOPES = frozenset({"chat:write", "commands", "channels:read", "groups:read", "users:read", "files:read"})
BOT_EVENTS = frozenset(
    [
        "app_home_opened",
        "app_uninstalled",
        "tokens_revoked",
        "member_joined_channel",
        "channel_archive",
        "channel_unarchive",
        "channel_deleted",
        "channel_rename",
        "channel_left",
        "group_archive",
        "group_unarchive",
        "group_deleted",
        "group_rename",
        "group_left",
    ]
)


@dataclass(frozen=True)
class Shortcut:
    """A shortcut from the manifest; `on_message` ones stand in a message's menu."""

    name: str
    callback_id: str
    on_message: bool = True


@dataclass
class AppConfig:
    """What the app's manifest and settings page say. `commands` None: every command is the app's."""

    app_id: str = "A0LAMPLIGHT"
    client_id: str = "1000000000.2000000000"
    client_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    signing_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    app_token: str = field(default_factory=lambda: f"xapp-1-A0LAMPLIGHT-{secrets.token_hex(24)}")
    verification_token: str = field(default_factory=lambda: secrets.token_hex(12))
    scopes: frozenset[str] = BOT_SCOPES
    events: frozenset[str] = BOT_EVENTS
    commands: frozenset[str] | None = None
    shortcuts: tuple[Shortcut, ...] = ()
    bot_name: str = "lamplighter"
    messages_tab: bool = True
    home_tab: bool = True


@dataclass
class Switches:
    """Slack's clocks (seconds) and what the facts leave open.

    `metadata_events`: `message_metadata_posted` also for the app's own messages. `external_team_in_payload`:
    `team` in the interactions of Slack Connect people is theirs, not ours. `strict_pacing`: one
    chat.postMessage a second and channel. `tier_limits`: the published calls per minute. `token_rotation`:
    the app's bot tokens end after twelve hours. `organisation`: the name of an Enterprise organisation that
    all teams are in, and in which the app may be installed as a whole.
    """

    ack_seconds: float = 3.0
    trigger_seconds: float = 3.0
    response_url_seconds: float = 1800.0
    retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)
    metadata_events: bool = False
    external_team_in_payload: bool = False
    guests_may_command: bool = True
    token_rotation: bool = False
    organisation: str | None = None
    strict_pacing: bool = False
    tier_limits: bool = False
