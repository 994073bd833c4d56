"""Facts to render: plain ones, and ones as ugly as people and platforms can make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.messages.deliveries import DeliveryShown, PostShown
from bot.messages.incident_facts import Group, Incident, Waiting
from bot.messages.invitation import Invitation, Line, Linked
from bot.messages.message import Message
from bot.messages.people import Account, ClientName, PlatformWords
from sandbox.slack.limits import check_blocks

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
CLIENT_ID = "c" * 32
ROW = "d" * 32
UGLY = "<!channel> & *Ömer* ‮evil\n\n😀👩‍👩‍👧‍👦 @here `code` |pipe> " + "שלום עולם " * 8
URL = "https://bot.test/connect/" + "t" * 43

INSTAGRAM = PlatformWords("instagram", "Instagram", permission_page="https://www.instagram.com/apps/?a=1&b=2")
X = PlatformWords("x", "X")
CLIENT = ClientName(CLIENT_ID, "client-a", "Client A", "Europe/Berlin")
UGLY_CLIENT = ClientName(CLIENT_ID, "client-a", UGLY, "No/Such_Zone")
ACME = Account(INSTAGRAM, "acme", "Acme Shoes", "https://cdn.test/acme.jpg")
UGLY_ACCOUNT = Account(INSTAGRAM, UGLY, UGLY, "javascript:alert(1)")


def group(client: ClientName = CLIENT, account: Account = ACME, **values: Any) -> Group:
    plain: dict[str, Any] = {
        "accounts": (account,),
        "waiting": Waiting(3, NOW + timedelta(hours=2), late=1, after_end=1),
        "url": URL,
        "can_ask": True,
        "mentions": ("U0ADA", "S0TEAM"),
    }
    return Group(client, **(plain | values))


def alert(**values: Any) -> Incident:
    plain: dict[str, Any] = {
        "id": "a" * 32,
        "kind": "grant",
        "severity": "dead",
        "reason": "revoked",
        "platform": INSTAGRAM,
        "groups": (group(),),
    }
    return Incident(**(plain | values))


def invited(*lines: Line, **values: Any) -> Invitation:
    plain: dict[str, Any] = {"client": CLIENT, "asked_by": "U0ADA"}
    return Invitation(lines=lines, **(plain | values))


def open_line(**values: Any) -> Line:
    plain: dict[str, Any] = {
        "platform": INSTAGRAM,
        "state": "open",
        "url": URL,
        "valid_until": NOW + timedelta(days=7),
    }
    return Line(**(plain | values))


def linked(account: Account = ACME, **values: Any) -> Linked:
    return replace(Linked(ROW, 1, account), **values)


def queued_post(text: str = "New shoes are in!", client: ClientName = CLIENT) -> PostShown:
    return PostShown("p" * 32, client, text, NOW, "U0ADA")


def delivery(
    state: str, account: Account = ACME, post: PostShown | None = None, **values: Any
) -> DeliveryShown:
    shown = DeliveryShown(ROW, 2, 1, account, state, post or queued_post())
    return replace(shown, **values)


def many(item: DeliveryShown, number: int) -> list[DeliveryShown]:
    return [replace(item, id=f"{index:032x}") for index in range(number)]


def check(message: Message) -> Message:
    """Slack takes it, whatever is in it: shape, limits, and nobody is called by accident."""
    blocks = [dict(block) for block in message.blocks]
    problems = check_blocks(blocks, "message")
    assert not problems, [problem.line() for problem in problems]
    assert 0 < len(message.text) <= 4_000
    for text in [message.text, *mrkdwn_in(blocks)]:
        assert "<!channel" not in text and "<!here" not in text
    return message


def mrkdwn_in(value: object) -> list[str]:
    """Every mrkdwn text in blocks."""
    if isinstance(value, dict):
        own = [str(value["text"])] if value.get("type") == "mrkdwn" else []
        return own + [text for entry in value.values() for text in mrkdwn_in(entry)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [text for entry in value for text in mrkdwn_in(entry)]
    return []


def buttons(message: Message) -> list[dict[str, Any]]:
    """Every button, in order."""
    found: list[dict[str, Any]] = []
    for block in message.blocks:
        accessory = block.get("accessory")
        elements = block.get("elements", [])
        assert isinstance(elements, list)
        for element in [accessory, *elements]:
            if isinstance(element, dict) and element.get("type") == "button":
                found.append(element)
    return found


def labels(message: Message) -> list[str]:
    return [button["text"]["text"] for button in buttons(message)]


def actions_of(message: Message) -> list[str]:
    return [button["action_id"] for button in buttons(message)]
