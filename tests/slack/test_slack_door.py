"""The door: signatures, events once, an answer for everything, and no exception's text for people."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from starlette.applications import Starlette

from bot.messages.message import Message
from bot.slack.door import Door, build_bolt
from bot.slack.errors import Refusal, TooSlow
from bot.slack.events import listen_for_returned
from bot.slack.inlet import MAX_BYTES, SocketMode, starlette_route
from bot.slack.installs import Installs, sealed_token, single_token
from sandbox.slack.client import Person
from sandbox.slack.socket import SocketGate
from storage.crypto import Place, Vault
from storage.models import Workspace
from tests.slack.slack_fakes import House

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Front:
    """The door behind its address, and the house behind the door."""

    house: House
    door: Door
    http: httpx.AsyncClient

    @property
    def team_id(self) -> str:
        return self.house.team.team_id

    async def send(
        self, body: bytes, *, kind: str = FORM, at: str | None = None, secret: str = SECRET
    ) -> httpx.Response:
        stamp = at if at is not None else str(int(time.time()))
        base = b"v0:" + stamp.encode() + b":" + body
        signature = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
        headers = {
            "content-type": kind,
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": signature,
        }
        return await self.http.post("/slack/events", content=body, headers=headers)

    async def command(self, name: str = "/health", **more: str) -> httpx.Response:
        fields = {"command": name, "text": "", "team_id": self.team_id, "user_id": "U1", **more}
        return await self.send(urlencode(fields).encode())

    async def interact(self, payload: dict[str, Any]) -> httpx.Response:
        return await self.send(urlencode({"payload": json.dumps(payload)}).encode())

    async def press(self, action_id: str, **more: Any) -> httpx.Response:
        payload = {
            "type": "block_actions",
            "team": {"id": self.team_id},
            "user": {"id": "U1", "team_id": self.team_id},
            "actions": [{"type": "button", "action_id": action_id, "block_id": "b", "value": "1"}],
        }
        return await self.interact(payload | more)

    async def submit(self, callback_id: str) -> httpx.Response:
        view = {"type": "modal", "callback_id": callback_id}
        return await self.interact({"type": "view_submission", "team": {"id": self.team_id}, "view": view})

    async def event(
        self, event: dict[str, Any], event_id: str = "Ev1", bot_team: str | None = None
    ) -> httpx.Response:
        body = {
            "type": "event_callback",
            "event_id": event_id,
            "api_app_id": "A1",
            "team_id": bot_team or self.team_id,
            "event": event,
        }
        return await self.send(json.dumps(body).encode(), kind="application/json")


@asynccontextmanager
async def front_of(house: House) -> AsyncIterator[Front]:
    installs = Installs(
        house.database, single_token(house.token, house.team.team_id), bot_id=house_bot_id(house)
    )
    door = build_bolt(
        gateway=house.gateway(),
        installs=installs,
        database=house.database,
        signing_secret=SECRET,
        wall=house.wall,
    )
    transport = httpx.ASGITransport(Starlette(routes=[starlette_route(door, SECRET)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as http:
        yield Front(house, door, http)
    await door.drain()


def house_bot_id(house: House) -> str:
    return next(iter(house.world.installs.values())).bot_id


@pytest.fixture
async def front(house: House) -> AsyncIterator[Front]:
    async with front_of(house) as found:
        yield found


@pytest.fixture(autouse=True)
def environment_that_bolt_must_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.setenv(name, "from-the-environment")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")


# -- signatures ------------------------------------------------------------------------------------


async def test_signed_command_arrives_with_its_workspace(front: Front) -> None:
    seen: list[tuple[str, str]] = []

    async def health(ack: Any, command: dict[str, Any], workspace_id: str) -> None:
        await ack("All green.")
        seen.append((command["command"], workspace_id))

    front.door.command("/health")(health)
    answer = await front.command()
    assert (answer.status_code, answer.text) == (200, "All green.")
    assert seen == [("/health", front.house.workspace_id)]
    assert front.door.oauth_flow is None


@pytest.mark.parametrize(
    ("at", "secret"),
    [
        (None, "another secret"),
        (-400, SECRET),
        (+400, SECRET),
        ("not-a-number", SECRET),
        ("1e9", SECRET),
        ("-5", SECRET),
        ("", SECRET),
        ("9" * 40, SECRET),
    ],
)
async def test_bad_stale_and_odd_signatures_are_refused(
    front: Front, at: str | int | None, secret: str
) -> None:
    if isinstance(at, int):  # seconds from now
        at = str(int(time.time()) + at)
    body = urlencode({"command": "/health", "team_id": front.team_id}).encode()
    answer = await front.send(body, at=at, secret=secret)
    assert answer.status_code == 401


async def test_unsigned_rubbish_and_large_bodies_are_refused(front: Front) -> None:
    assert (await front.http.post("/slack/events", content=b"\xff\xfe")).status_code == 401
    assert (await front.send(b"x" * (MAX_BYTES + 1))).status_code == 413
    assert (await front.send(b"{not json", kind="application/json")).status_code == 400
    assert (await front.send(b"[1, 2]", kind="application/json")).status_code == 400
    assert (await front.send(b"\xff\xfe")).status_code == 400
    assert (await front.http.get("/slack/events")).status_code == 405


async def test_a_look_at_the_certificate_needs_no_signature(front: Front) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = await front.http.post("/slack/events", content=b"token=t&ssl_check=1", headers=form)
    assert (answer.status_code, answer.content) == (200, b"")


async def test_no_route_without_a_secret(front: Front) -> None:
    with pytest.raises(ValueError, match="signing secret"):
        starlette_route(front.door, "")


async def test_url_verification_is_answered(front: Front) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
    answer = await front.send(body, kind="application/json")
    assert (answer.status_code, answer.json()) == (200, {"challenge": "abc"})


# -- what nobody listens to ------------------------------------------------------------------------


async def test_unknown_things_get_a_quiet_200(front: Front) -> None:
    assert (await front.command("/nothing")).status_code == 200
    assert (await front.press("no-such-action")).status_code == 200
    assert (await front.event({"type": "reaction_added", "user": "U1"})).status_code == 200
    assert (await front.submit("no-such-view")).status_code == 200


# -- events ----------------------------------------------------------------------------------------


async def test_event_runs_once_and_again_only_after_a_failure(front: Front) -> None:
    runs: list[str] = []

    async def renamed(event: dict[str, Any]) -> None:
        runs.append(event["channel"])
        if len(runs) == 1:
            raise RuntimeError("the database was away")

    front.door.event("channel_rename")(renamed)
    event = {"type": "channel_rename", "channel": "C1"}
    assert (await front.event(event)).status_code == 500
    assert (await front.event(event)).status_code == 200
    assert (await front.event(event)).status_code == 200
    assert runs == ["C1", "C1"]
    assert (await front.event(event, event_id="Ev2")).status_code == 200
    assert len(runs) == 3


async def test_own_events_are_ignored_but_the_lost_timestamp_comes_back(front: Front) -> None:
    house, outbox = front.house, front.house.outbox()
    bot = next(iter(house.world.installs.values()))
    heard: list[str] = []

    async def message(event: dict[str, Any]) -> None:
        heard.append(event["text"])

    front.door.event("message")(message)
    listen_for_returned(front.door, outbox)
    own = {"type": "message", "user": bot.bot_user_id, "bot_id": bot.bot_id, "text": "mine"}
    await front.event(own, "Ev10")
    await front.event({"type": "message", "user": "U1", "text": "yours"}, "Ev11")
    assert heard == ["yours"]

    notice_id = await house.notice()
    posted = {
        "type": "message_metadata_posted",
        "app_id": "A1",
        "bot_id": bot.bot_id,
        "user_id": bot.bot_user_id,
        "channel_id": house.team.id,
        "message_ts": "1795210662.000100",
        "metadata": {"event_type": "lamplighter_notice", "event_payload": {"notice_id": notice_id}},
    }
    stranger = posted | {"app_id": "A_OTHER", "bot_id": "B_OTHER", "user_id": "U9"}
    await front.event(stranger, "Ev12")
    assert (await house.read(notice_id)).ts is None
    await front.event(posted, "Ev13")
    assert (await house.read(notice_id)).ts == "1795210662.000100"


# -- whose workspace -------------------------------------------------------------------------------


async def test_strangers_are_refused_politely(front: Front) -> None:
    called: list[str] = []

    async def health(ack: Any) -> None:
        called.append("health")
        await ack()

    front.door.command("/health")(health)
    answer = await front.command(team_id="T_STRANGER")
    assert answer.status_code == 200
    assert "not installed in this workspace" in answer.json()["text"]
    assert (await front.event({"type": "channel_rename"}, bot_team="T_STRANGER")).status_code == 200
    assert called == []


async def test_a_press_belongs_to_the_workspace_that_stored_the_message(front: Front) -> None:
    pressed: list[str] = []

    async def go(ack: Any, workspace_id: str) -> None:
        await ack()
        pressed.append(workspace_id)

    front.door.action("go")(go)
    house = front.house
    notice_id = await house.notice()
    await house.outbox().deliver_once()
    ts = (await house.read(notice_id)).ts
    theirs = {"team": {"id": "T_CLIENT"}, "user": {"id": "U9", "team_id": "T_CLIENT"}}
    place = {"type": "message", "channel_id": house.team.id, "message_ts": ts}
    await front.press("go", **theirs, container=place)
    await front.press("go", **theirs, message={"team": front.team_id, "bot_id": "B1", "ts": "1.2"})
    assert pressed == [house.workspace_id] * 2

    view = {"type": "view_submission", **theirs, "view": {"type": "modal", "callback_id": "v"}}
    view["view"] |= {"app_installed_team_id": front.team_id}  # type: ignore[operator]

    async def submitted(ack: Any, workspace_id: str) -> None:
        await ack()
        pressed.append(workspace_id)

    front.door.view("v")(submitted)
    await front.interact(view)
    assert pressed == [house.workspace_id] * 3


# -- mishaps ---------------------------------------------------------------------------------------


def failing(error: Callable[[], Exception], ack_first: bool = False) -> Any:
    async def listener(ack: Any) -> None:
        if ack_first:
            await ack()
        raise error()

    return listener


def secret_error() -> Exception:
    return RuntimeError("xoxb-very-secret in an exception")


async def test_failing_command_answers_with_a_number_and_no_secret(
    front: Front, capsys: pytest.CaptureFixture[str]
) -> None:
    front.door.command("/health")(failing(secret_error))
    answer = await front.command()
    assert answer.status_code == 200
    said = answer.json()
    assert said["response_type"] == "ephemeral"
    assert "my fault" in said["text"] and "secret" not in said["text"]
    number = said["text"].rsplit(" ", 1)[1].rstrip(".")
    assert number in capsys.readouterr().out


async def test_refusal_is_shown_as_it_is(front: Front) -> None:
    front.door.command("/health")(failing(lambda: Refusal("Only members may do that.")))
    assert (await front.command()).json()["text"] == "Only members may do that."


async def test_refusal_in_a_modal_keeps_what_was_typed(front: Front) -> None:
    front.door.view("v")(failing(lambda: Refusal(Message("That time is past."))))
    said = (await front.submit("v")).json()
    assert said["response_action"] == "push"
    assert said["view"]["blocks"][0]["text"]["text"] == "That time is past."


@pytest.mark.parametrize("ack_first", [False, True])
async def test_failing_press_is_answered_at_once_and_told_quietly(front: Front, ack_first: bool) -> None:
    front.door.action("go")(failing(lambda: Refusal("Somebody was faster."), ack_first))
    house = front.house
    person = next(u for u in house.world.users.values() if u.name == "ada")
    url = house.world.new_response_url("actions", house.team, person.id)
    started = time.monotonic()
    answer = await front.press("go", response_url=url)
    assert answer.status_code == 200
    assert time.monotonic() - started < 1.5
    await front.door.drain()
    (said,) = house.said()
    assert (said.text, said.ephemeral_to) == ("Somebody was faster.", person.id)


async def test_without_a_response_url_the_person_is_told_directly(front: Front) -> None:
    house = front.house
    person = next(u for u in house.world.users.values() if u.name == "ada")
    front.door.action("go")(failing(lambda: TooSlow("expired_trigger_id"), True))
    await front.press("go", user={"id": person.id, "team_id": front.team_id})
    await front.door.drain()
    direct = house.world.direct_message(front.team_id, person.id)
    assert ["took too long" in text for text in house.texts(direct)] == [True]


async def test_drain_waits_for_listeners_that_go_on(front: Front) -> None:
    done: list[str] = []
    go_on = asyncio.Event()

    async def slow(ack: Any) -> None:
        await ack()
        await go_on.wait()
        done.append("done")

    front.door.action("go")(slow)
    await front.press("go")
    assert done == []
    go_on.set()
    await front.door.drain()
    assert done == ["done"]


# -- installs --------------------------------------------------------------------------------------


async def test_tokens_are_opened_only_for_their_workspace(house: House) -> None:
    vault = Vault([b"k" * 32])
    async with house.database.write() as session:
        row = await session.get(Workspace, house.workspace_id)
        assert row is not None
        row.bot_token = vault.seal("xoxb-sealed", Place("workspaces", row.id, "bot_token"))
    many = Installs(house.database, sealed_token(vault))
    assert await many.token_for(house.workspace_id) == "xoxb-sealed"
    other_team = Installs(house.database, single_token("xoxb-settings", "T_OTHER"))
    assert await other_team.by_team(house.team.team_id) is None
    install = await many.by_team(house.team.team_id)
    assert install is not None and "xoxb" not in repr(install)


async def test_uninstalled_workspace_is_found_no_more(house: House) -> None:
    installs = Installs(house.database, single_token(house.token, house.team.team_id))
    assert await installs.by_team(house.team.team_id) is not None
    async with house.database.write() as session:
        row = await session.get(Workspace, house.workspace_id)
        assert row is not None
        row.uninstalled_at = house.wall.now
    installs.forget()
    assert await installs.by_team(house.team.team_id) is None


async def test_socket_mode_closes_without_ever_having_connected(front: Front) -> None:
    await SocketMode(front.door, "xapp-1", front.house.gateway()).close()
    assert "apps.connections.open" not in {call.method for call in front.house.world.calls}


async def test_socket_mode_brings_what_http_would(front: Front) -> None:
    house, heard = front.house, []

    async def health(ack: Any, workspace_id: str) -> None:
        await ack()
        heard.append(workspace_id)

    front.door.command("/health")(health)
    person = Person(house.world, next(u.id for u in house.world.users.values() if u.name == "ada"))
    gate = SocketGate(house.world)
    await gate.start()
    socket = SocketMode(front.door, house.world.app.app_token, house.gateway())
    try:
        await socket.connect()
        await house.world.until(lambda: bool(house.world.sockets))
        await person.command("/health", "", house.team.id)
        assert heard == [house.workspace_id]
    finally:
        await socket.close()
        await gate.stop()
