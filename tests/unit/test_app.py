from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import SettingsError, load_settings
from storage.crypto import new_key
from tests.slack.town import a_town

MANY = {
    "LAMPLIGHTER_ENCRYPTION_KEYS": new_key(),
    "LAMPLIGHTER_PUBLIC_URL": "http://127.0.0.1:3000",
    "SLACK_CLIENT_ID": "123.456",
    "SLACK_CLIENT_SECRET": "a" * 32,
    "SLACK_SIGNING_SECRET": "b" * 32,
}


async def test_many_workspaces_start_without_any(migrated_sqlite: Path, tmp_path: Path) -> None:
    async with a_town(migrated_sqlite, tmp_path) as town:
        assert town.world.calls == [], "nothing is asked of Slack before somebody installs the bot"


@pytest.mark.parametrize(
    ("given", "missing", "problem"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "", "SLACK_BOT_TOKEN"),
        ({"SLACK_OPERATIONS_CHANNEL": "C0001"}, "", "SLACK_OPERATIONS_CHANNEL"),
        ({}, "SLACK_SIGNING_SECRET", "SLACK_SIGNING_SECRET"),
        ({"SLACK_APP_TOKEN": "xapp-1"}, "SLACK_SIGNING_SECRET", "SLACK_SIGNING_SECRET"),
        ({}, "SLACK_CLIENT_SECRET", "SLACK_CLIENT_SECRET"),
    ],
)
def test_settings_of_many_workspaces(given: dict[str, str], missing: str, problem: str) -> None:
    settings = {name: value for name, value in (MANY | given).items() if name != missing}
    with pytest.raises(SettingsError) as refused:
        load_settings(settings)
    assert [one.name for one in refused.value.problems] == [problem]
