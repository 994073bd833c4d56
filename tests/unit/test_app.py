from __future__ import annotations

from pathlib import Path

import pytest

from bot.app import CannotStart, assembled
from bot.settings import load_settings
from storage.crypto import new_key


async def test_several_workspaces_are_refused_in_words(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "LAMPLIGHTER_DATA_DIR": str(tmp_path),
            "LAMPLIGHTER_ENCRYPTION_KEYS": new_key(),
            "LAMPLIGHTER_PUBLIC_URL": "http://127.0.0.1:3000",
            "SLACK_CLIENT_ID": "123.456",
            "SLACK_CLIENT_SECRET": "a" * 32,
            "SLACK_SIGNING_SECRET": "b" * 32,
        },
        require="run",
    )
    with pytest.raises(CannotStart, match="SLACK_BOT_TOKEN"):
        async with assembled(settings):
            pass
    assert not list(tmp_path.iterdir())
