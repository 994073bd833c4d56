"""The things a Slack workspace is made of, as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

JSON = dict[str, Any]
ChannelKind = Literal["public", "private", "im"]


@dataclass
class Team:
    """A workspace."""

    id: str
    domain: str
    name: str


@dataclass
class User:
    """A person or a bot user. `tz` is an IANA zone name; the guest flags are Slack's own."""

    id: str
    team_id: str
    name: str
    real_name: str
    tz: str = "UTC"
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    deleted: bool = False


@dataclass
class Message:
    """One message. `ephemeral_to` is the only person who sees it; `thread_ts` is the root it answers."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[JSON] = field(default_factory=list)
    team_id: str = ""
    bot_id: str | None = None
    thread_ts: str | None = None
    reply_broadcast: bool = False
    metadata: JSON | None = None
    ephemeral_to: str | None = None
    files: list[str] = field(default_factory=list)
    edited_ts: str | None = None
    deleted: bool = False
    state: dict[str, dict[str, JSON]] = field(default_factory=dict)


@dataclass
class Channel:
    """A conversation; `connected_teams` are the foreign workspaces of a Slack Connect channel."""

    id: str
    team_id: str
    name: str
    kind: ChannelKind = "public"
    members: set[str] = field(default_factory=set)
    connected_teams: set[str] = field(default_factory=set)
    is_archived: bool = False
    deleted: bool = False
    messages: dict[str, Message] = field(default_factory=dict)

    @property
    def is_ext_shared(self) -> bool:
        """Whether people of another workspace can be in it."""
        return bool(self.connected_teams)


@dataclass
class View:
    """A modal or a Home tab of one person; `body` is what the app sent, with ids filled in."""

    id: str
    user_id: str
    team_id: str
    body: JSON
    hash: str
    root_id: str
    previous_id: str | None = None
    state: dict[str, dict[str, JSON]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    notice: str = ""


@dataclass
class StoredFile:
    """An uploaded file; `channels` are where it was shared (empty for a modal's file input)."""

    id: str
    team_id: str
    user_id: str
    name: str
    mimetype: str
    content: bytes
    created: int
    channels: set[str] = field(default_factory=set)
    check_file_info: bool = False


@dataclass
class Install:
    """The app in one workspace. `revoked` turns every call into `error_when_revoked`."""

    team_id: str
    token: str
    bot_user_id: str
    bot_id: str
    scopes: set[str]
    revoked: bool = False
    error_when_revoked: str = "account_inactive"


@dataclass
class ResponseUrl:
    """A place to answer one interaction: five posts within 30 minutes."""

    secret: str
    team_id: str
    channel: str
    user_id: str
    created: float
    message_ts: str | None = None
    uses: int = 0


@dataclass
class Trigger:
    """Permission to open one view, soon, for the person who acted."""

    user_id: str
    team_id: str
    created: float
    from_view: str | None = None
    used: bool = False


@dataclass(frozen=True)
class Call:
    """One request the app made of Slack: arguments without the token, and what Slack answered."""

    method: str
    team_id: str
    args: JSON
    response: JSON
    status: int
    at: float


@dataclass(frozen=True)
class Delivered:
    """One request Slack made of the app.

    `status` is None when no answer came; `failure` is then `http_timeout` or `connection_failed`, and
    `http_error` for any answer but a 2xx.
    """

    kind: str
    payload: JSON
    status: int | None
    body: str
    seconds: float
    failure: str = ""
    retry: int = 0
    no_retry: bool = False
