"""What is wrong with the settings, in words, and how to get what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Problem", "SettingsError", "how_to_get"]

_SLACK_APP = "at api.slack.com/apps, your app"
_HOW = {
    "LAMPLIGHTER_DATABASE_URL": "leave it out for a SQLite file, or give postgresql://user:password@host/name",
    "LAMPLIGHTER_DATA_DIR": "name a folder that the bot may write to, or leave it out",
    "LAMPLIGHTER_MEDIA_URL": "leave it out for a folder, or name a bucket such as s3://our-bucket/media",
    "LAMPLIGHTER_ENCRYPTION_KEYS": "make a key with: lamplighter keys new",
    "LAMPLIGHTER_PUBLIC_URL": "give the address at which browsers reach this bot, such as https://bot.example.com",
    "LAMPLIGHTER_HOST": "name the address to listen on, such as 127.0.0.1 or 0.0.0.0",
    "LAMPLIGHTER_PORT": "give the port to listen on, such as 3000",
    "LAMPLIGHTER_TICK_SECONDS": "give a number of seconds, such as 15",
    "LAMPLIGHTER_LATE_MINUTES": "give a number of minutes, such as 30",
    "LAMPLIGHTER_OUTBOUND_URL": "leave it out; it is only for rehearsals on one machine, as http://127.0.0.1:4000",
    "LAMPLIGHTER_CLOCK_FILE": "leave it out; it is only for rehearsals, beside LAMPLIGHTER_OUTBOUND_URL",
    "LAMPLIGHTER_METRICS_TOKEN": "make up a long random word, or leave it out",
    "LAMPLIGHTER_HEARTBEAT_URL": "copy the ping address from your monitoring service, or leave it out",
    "SLACK_BOT_TOKEN": f"{_SLACK_APP}, OAuth & Permissions, Bot User OAuth Token",
    "SLACK_SIGNING_SECRET": f"{_SLACK_APP}, Basic Information, App Credentials, Signing Secret",
    "SLACK_APP_TOKEN": f"{_SLACK_APP}, Basic Information, App-Level Tokens, with connections:write",
    "SLACK_CLIENT_ID": f"{_SLACK_APP}, Basic Information, App Credentials, Client ID",
    "SLACK_CLIENT_SECRET": f"{_SLACK_APP}, Basic Information, App Credentials, Client Secret",
    "SLACK_ALLOWED_TEAMS": "give team ids separated by commas, such as T0123ABCD",
    "SLACK_OPERATIONS_CHANNEL": "the channel's details in Slack end with its id, such as C0123ABCD",
    "SLACK_API_URL": "leave it out",
    "FACEBOOK_INSTAGRAM": "false for an app without the Instagram use case, otherwise leave it out",
    "META_GRAPH_VERSION": "leave it out, or give a version such as v26.0",
    "LINKEDIN_VERSION": "leave it out, or give a year and month such as 202609",
}


@dataclass(frozen=True)
class Problem:
    """One thing to put right: the variable's name, what is wrong with it, and how to put it right."""

    name: str
    what: str
    how: str

    def __str__(self) -> str:
        return f"{self.name} {self.what}: {self.how}."


class SettingsError(Exception):
    """The settings cannot be used; `problems` lists everything that is wrong, never a value of a secret."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def how_to_get(name: str) -> str:
    """Where the value of a variable comes from."""
    if name in _HOW:
        return _HOW[name]
    if name.endswith("_REVIEWED"):
        return "true once the platform has approved your app, otherwise leave it out"
    platform = name.removesuffix("_CLIENT_ID").removesuffix("_CLIENT_SECRET").removesuffix("_PAGES").title()
    return f"copy it from your app's page in the developer console of {platform}"
