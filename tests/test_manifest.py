"""The manifest against the code: what Slack may send has a listener, what the bot calls has its scope."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import yaml
from slack_bolt.async_app import AsyncApp

from bot.commands import COMMANDS, EVERY, Desk, register_all
from bot.commands.lamplighter import umbrella
from bot.messages import actions
from bot.slack.gateway import NOTICE_EVENT

ROOT = Path(__file__).parents[1]
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())

SCOPES = {
    "auth.revoke": set(),
    "auth.test": set(),
    "chat.postMessage": {"chat:write"},
    "chat.postEphemeral": {"chat:write"},
    "chat.update": {"chat:write"},
    "chat.getPermalink": set(),
    "conversations.info": {"channels:read", "groups:read"},
    "files.info": {"files:read"},
    "users.info": {"users:read"},
    "users.list": {"users:read"},
    "views.open": set(),
    "views.push": set(),
    "views.publish": set(),
    "views.update": set(),
}
EVENT_SCOPES = {
    "channel_": "channels:read",
    "group_": "groups:read",
    "message_metadata": "metadata.message:read",
}


class Recorder:
    """Stands for bolt: remembers what was registered, and what for."""

    def __init__(self) -> None:
        self.names: dict[str, list[Any]] = {}

    def __getattr__(self, kind: str) -> Any:
        def register(name: Any) -> Any:
            self.names.setdefault(kind, []).append(name)
            return lambda listener: listener

        return register


def registered() -> dict[str, list[Any]]:
    recorder = Recorder()
    register_all(cast(AsyncApp, recorder), cast(Desk, type("Empty", (), {"outbox": None})()))
    return recorder.names


def test_commands_are_those_of_the_manifest() -> None:
    commands = {item["command"]: item for item in MANIFEST["features"]["slash_commands"]}
    assert set(commands) == set(registered()["command"])
    for known in (*COMMANDS, umbrella(EVERY)):
        assert commands[known.name]["should_escape"] is False
        assert commands[known.name]["usage_hint"] == known.usage


def test_shortcuts_are_those_of_the_manifest() -> None:
    shortcuts = MANIFEST["features"]["shortcuts"]
    assert {item["type"] for item in shortcuts} == {"message"}
    assert [item["callback_id"] for item in shortcuts] == registered()["message_shortcut"]
    for item in shortcuts:
        assert len(item["name"]) <= 24 and len(item["description"]) <= 150


def test_events_are_those_of_the_manifest() -> None:
    events = MANIFEST["settings"]["event_subscriptions"]["bot_events"]
    assert sorted(events) == sorted(registered()["event"]), "each subscribed event has a listener"
    assert len(events) == len(set(events))
    (metadata,) = MANIFEST["settings"]["event_subscriptions"]["metadata_subscriptions"]
    assert metadata["event_type"] == NOTICE_EVENT


def test_every_button_and_modal_has_one_listener() -> None:
    names = registered()
    modals = {
        value
        for name, value in vars(actions).items()
        if name.isupper() and isinstance(value, str) and "." not in value and name != "MAKE_POST"
    }
    assert set(names["view"]) == modals and len(names["view"]) == len(modals)
    wanted = {
        value
        for name, value in vars(actions).items()
        if name.isupper() and isinstance(value, str) and "." in value
    }
    for action_id in wanted:
        hits = [item for item in names["action"] if item.search(action_id)]
        assert len(hits) == 1, action_id
        assert hits[0].search(f"{action_id}#2") and not hits[0].search(f"{action_id}.other")


def test_scopes_are_what_is_needed_and_no_more() -> None:
    source = "".join(path.read_text() for path in (ROOT / "bot" / "slack").glob("*.py"))
    called = set(re.findall(r'"((?:auth|chat|conversations|users|views|files|blocks)\.[a-zA-Z]+)"', source))
    assert called <= set(SCOPES), "a new method needs its scopes here and in the manifest"
    needed = {"commands"}.union(*(SCOPES[method] for method in called))
    for event in MANIFEST["settings"]["event_subscriptions"]["bot_events"]:
        needed |= {scope for start, scope in EVENT_SCOPES.items() if event.startswith(start)}
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == needed


def test_addresses_are_filled_in_later() -> None:
    text = (ROOT / "manifest.yml").read_text()
    addresses = re.findall(r"^\s*(?:- |\w*url: )(\S*://\S*|\$\S*)$", text, re.MULTILINE)
    assert addresses and all(item.startswith("${PUBLIC_URL}/slack/") for item in addresses)
    assert MANIFEST["settings"]["interactivity"]["is_enabled"] is True
    assert MANIFEST["features"]["app_home"]["messages_tab_enabled"] is True


def test_slacks_limits() -> None:
    info = MANIFEST["display_information"]
    assert len(info["name"]) <= 35 and len(info["description"]) <= 140
    for item in MANIFEST["features"]["slash_commands"]:
        assert len(item["command"]) <= 32 and len(item["usage_hint"]) <= 1000
