"""The workspace itself, in memory: who is there, what was said, and what the app asked for."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Protocol

import httpx

from sandbox.slack.config import AppConfig, Switches
from sandbox.slack.faults import Faults
from sandbox.slack.models import (
    JSON,
    Call,
    Channel,
    ChannelKind,
    Delivered,
    Install,
    Message,
    ResponseUrl,
    StoredFile,
    Team,
    Trigger,
    User,
    View,
)


class AppSocket(Protocol):
    """An open Socket Mode connection to the app."""

    async def request(self, kind: str, payload: JSON, retry: int, reason: str) -> str:
        """Sends an envelope and gives the payload of its acknowledgement, "" for none."""


class SlackWorld:
    """Everything Slack knows.

    `bot_url` is where the app listens. `links_base` None gives addresses as in production
    (`https://hooks.slack.com/…`); otherwise they read `links_base/hooks.slack.com/…`. `clock` gives real
    time in seconds. `transport` replaces the network on the way to the app.
    """

    def __init__(
        self,
        bot_url: str = "http://127.0.0.1:3000",
        *,
        app: AppConfig | None = None,
        clock: Callable[[], float] = time.time,
        links_base: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.bot_url, self.links_base, self.clock, self.transport = bot_url, links_base, clock, transport
        self.app = app or AppConfig()
        self.switches, self.faults = Switches(), Faults()
        self.teams: dict[str, Team] = {}
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.installs: dict[str, Install] = {}
        self.files: dict[str, StoredFile] = {}
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.oauth_codes: dict[str, JSON] = {}
        self.calls: list[Call] = []
        self.delivered: list[Delivered] = []
        self.complaints: list[str] = []
        self.sockets: list[AppSocket] = []
        self.socket_url: Callable[[], str] | None = None
        self.version = 0
        self._last_ts = 0
        self._numbers: Counter[str] = Counter()
        self._waiters: set[asyncio.Event] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    # -- people and places -------------------------------------------------------------------------

    def add_team(self, domain: str, name: str | None = None, team_id: str | None = None) -> Team:
        """Opens a workspace."""
        team = Team(team_id or self.new_id("T"), domain, name or domain)
        self.teams[team.id] = team
        slackbot = User(f"USLACKBOT{team.id}", team.id, "slackbot", "Slackbot", is_bot=True)
        self.users[slackbot.id] = slackbot
        return team

    def add_user(self, team_id: str, name: str, **facts: Any) -> User:
        """Adds a person; `facts` are the other fields of User."""
        facts.setdefault("real_name", name.replace(".", " ").title())
        user = User(id=facts.pop("id", None) or self.new_id("U"), team_id=team_id, name=name, **facts)
        self.users[user.id] = user
        self.bump()
        return user

    def add_channel(
        self,
        team_id: str,
        name: str,
        *members: str,
        kind: ChannelKind = "public",
        connected_teams: tuple[str, ...] = (),
        channel_id: str | None = None,
    ) -> Channel:
        """Opens a channel with these members (user ids, the bot's included)."""
        prefix = {"public": "C", "private": "G", "im": "D"}[kind]
        channel = Channel(
            channel_id or self.new_id(prefix), team_id, name, kind, set(members), set(connected_teams)
        )
        self.channels[channel.id] = channel
        self.bump()
        return channel

    def install(
        self, team_id: str, token: str | None = None, scopes: frozenset[str] | None = None
    ) -> Install:
        """Installs the app in a workspace, or again: then the token is new and the bot user stays."""
        token = token or f"xoxb-{secrets.randbelow(10**12):012d}-{secrets.token_hex(12)}"
        granted = set(self.app.scopes if scopes is None else scopes)
        before = self.installs.get(team_id)
        if before is None:
            bot = self.add_user(team_id, self.app.bot_name, real_name="Lamplighter", is_bot=True)
            self.installs[team_id] = Install(team_id, token, bot.id, self.new_id("B"), granted)
        else:
            self.installs[team_id] = Install(team_id, token, before.bot_user_id, before.bot_id, granted)
        self.bump()
        return self.installs[team_id]

    def direct_message(self, team_id: str, user_id: str) -> Channel:
        """The conversation between the bot and a person, opened when needed."""
        members = {user_id, self.installs[team_id].bot_user_id}
        for channel in self.channels.values():
            if channel.kind == "im" and channel.team_id == team_id and channel.members == members:
                return channel
        return self.add_channel(team_id, self.users[user_id].name, *members, kind="im")

    def may_see(self, user_id: str, channel: Channel) -> bool:
        """Whether a person can open a channel: a member, or anybody of the workspace who is no guest."""
        user = self.users[user_id]
        if channel.deleted:
            return False
        guest = user.is_restricted or user.is_ultra_restricted or user.team_id != channel.team_id
        return user_id in channel.members or (channel.kind == "public" and not guest)

    # -- messages, triggers, addresses -------------------------------------------------------------

    def post(self, channel: Channel, user_id: str, text: str, **facts: Any) -> Message:
        """Puts a message into a channel; `facts` are the other fields of Message."""
        facts.setdefault("team_id", self.users[user_id].team_id)
        message = Message(channel.id, self.next_ts(), user_id, text, **facts)
        channel.messages[message.ts] = message
        self.bump()
        return message

    def next_ts(self) -> str:
        """A message timestamp: seconds with six digits, unique and rising."""
        self._last_ts = max(int(self.clock() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        """A readable id such as `C0000000001`."""
        self._numbers[prefix] += 1
        return f"{prefix}{self._numbers[prefix]:010d}"

    def new_trigger(self, user_id: str, team_id: str, from_view: str | None = None) -> str:
        """A trigger id for one `views.open` or `views.push`."""
        trigger_id = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
        self.triggers[trigger_id] = Trigger(user_id, team_id, self.clock(), from_view)
        return trigger_id

    def new_response_url(
        self,
        kind: str,
        channel: Channel,
        user_id: str,
        message_ts: str | None = None,
        team_id: str | None = None,
    ) -> str:
        """An address for answering an interaction; `kind` is `commands` or `actions`. `team_id`: whose app
        answers, the channel's owner's unless said otherwise."""
        secret, team_id = secrets.token_urlsafe(18), team_id or channel.team_id
        self.response_urls[secret] = ResponseUrl(
            secret, team_id, channel.id, user_id, self.clock(), message_ts
        )
        return self.address("hooks.slack.com", f"/{kind}/{team_id}/{secret}")

    def address(self, host: str, path: str) -> str:
        """The address of something at Slack, as the app is given it."""
        return f"https://{host}{path}" if self.links_base is None else f"{self.links_base}/{host}{path}"

    # -- watching ----------------------------------------------------------------------------------

    def bump(self) -> None:
        """Says that something visible changed."""
        self.version += 1
        for waiter in self._waiters:
            waiter.set()

    async def until(self, condition: Callable[[], bool], timeout: float = 30.0) -> None:
        """Waits until the condition holds, looking at every change. Raises TimeoutError after `timeout` s."""
        changed = asyncio.Event()
        self._waiters.add(changed)
        try:
            async with asyncio.timeout(timeout):
                while not condition():
                    changed.clear()
                    await changed.wait()
        finally:
            self._waiters.discard(changed)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs something in the background (event deliveries); `drain` waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Waits until no delivery is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Gives up all deliveries that are under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def counts(self) -> Counter[str]:
        """How often each method was called."""
        return Counter(call.method for call in self.calls)

    def everything_said(self) -> Iterator[str]:
        """Every text the app sent to Slack, refused or not: calls, response URL posts, answers."""
        for call in self.calls:
            yield json.dumps(call.args, ensure_ascii=False)
        for delivery in self.delivered:
            yield delivery.body

    def secrets(self) -> set[str]:
        """Every Slack token and secret there is; none may turn up in what people or logs see."""
        app = self.app
        known = {app.client_secret, app.signing_secret, app.app_token, app.verification_token}
        return known | {install.token for install in self.installs.values()}
