"""The settings, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BeforeValidator, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.settings import checks

__all__ = ["PLATFORMS", "AppCredentials", "Settings", "SlackMode"]

PLATFORMS = ("facebook", "instagram", "threads", "x", "tiktok", "youtube", "linkedin", "pinterest")

SlackMode = Literal["none", "single", "many"]


@dataclass(frozen=True)
class AppCredentials:
    """A developer app at a platform. `reviewed`: it passed the platform's review."""

    client_id: str
    client_secret: SecretStr
    reviewed: bool = False


_BotToken = Annotated[SecretStr, BeforeValidator(checks.token(("xoxb-", "xoxe.xoxb-")))]
_AppToken = Annotated[SecretStr, BeforeValidator(checks.token(("xapp-",)))]


class Settings(BaseSettings):
    """Everything that can be set. Made by `load_settings`; nothing is read from the environment here.

    A field is its variable's name in lower case without `lamplighter_`. `public_url` and
    `encryption_keys` are empty only where less than "run" was required. Addresses have no trailing
    slash, save `slack_api_url`. `apps` is by platform, as `app_for` reads it.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", validate_default=False)

    database_url: Annotated[SecretStr, BeforeValidator(checks.database_url)]
    data_dir: Annotated[Path, BeforeValidator(checks.folder)]
    encryption_keys: Annotated[tuple[SecretStr, ...], BeforeValidator(checks.encryption_keys)] = ()
    public_url: Annotated[str, BeforeValidator(checks.public_url)] = ""
    host: str = "127.0.0.1"
    port: Annotated[int, BeforeValidator(checks.whole_number(1, 65535))] = 3000
    tick_seconds: Annotated[float, BeforeValidator(checks.number(0.05, 3600))] = 15.0
    media_url: Annotated[str, BeforeValidator(checks.media_url)] | None = None
    late_minutes: Annotated[int, BeforeValidator(checks.whole_number(1, 10_080))] = 30
    outbound_url: Annotated[str, BeforeValidator(checks.outbound_url)] | None = None
    clock_file: Path | None = None
    metrics_token: SecretStr | None = None
    heartbeat_url: Annotated[SecretStr, BeforeValidator(checks.heartbeat_url)] | None = None

    slack_bot_token: _BotToken | None = None
    slack_signing_secret: SecretStr | None = None
    slack_app_token: _AppToken | None = None
    slack_client_id: str | None = None
    slack_client_secret: SecretStr | None = None
    slack_allowed_teams: Annotated[frozenset[str], BeforeValidator(checks.team_ids)] | None = None
    slack_operations_channel: Annotated[str, BeforeValidator(checks.channel_id)] | None = None
    slack_api_url: Annotated[str, BeforeValidator(checks.api_url)] = "https://slack.com/api/"

    meta_graph_version: Annotated[str, BeforeValidator(checks.matching(r"v\d+\.\d+", "v26.0"))] = "v26.0"
    linkedin_version: Annotated[str, BeforeValidator(checks.matching(r"20\d{4}", "202609"))] = "202609"

    facebook_instagram: Annotated[bool, BeforeValidator(checks.flag)] = True

    apps: Mapping[str, AppCredentials] = MappingProxyType({})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` hands in: it reads the sources itself, to name all that is wrong."""
        return (init_settings,)

    def app_for(self, platform: str) -> AppCredentials | None:
        """The developer app of a platform, None where it is off.

        `linkedin_pages` is the app for organisations: LinkedIn's member app where no other is set and that
        one passed the review. Before it, LinkedIn refuses such an app everything that Pages need.
        """
        if platform == "linkedin_pages" and self.linkedin_is_shared:
            return self.apps.get("linkedin")
        return self.apps.get(platform)

    @property
    def linkedin_is_shared(self) -> bool:
        """Whether organisations are linked through LinkedIn's member app."""
        app = self.apps.get("linkedin")
        return "linkedin_pages" not in self.apps and app is not None and app.reviewed

    @property
    def slack_mode(self) -> SlackMode:
        """Whether one workspace's token is set, or many workspaces install the app, or neither."""
        if self.slack_client_id:
            return "many"
        return "single" if self.slack_bot_token else "none"

    @property
    def socket_mode(self) -> bool:
        """Whether Slack is reached through Socket Mode."""
        return self.slack_app_token is not None
