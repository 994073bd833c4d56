"""What one person's window shows right now, as data for the templates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from sandbox.page.fields import field_name, local_time
from sandbox.page.mrkdwn import Rewrite, mrkdwn_html, plain_html
from sandbox.slack.client import Person
from sandbox.slack.inputs import all_options, entered
from sandbox.slack.models import JSON, Channel, Message, StoredFile, User, View
from sandbox.slack.render import replies_of
from sandbox.slack.state import SlackWorld

SHOWN = 200


@dataclass(frozen=True)
class Window:
    """One person's Slack window: who looks, at which channel (None: the app's Home) and thread."""

    world: SlackWorld
    person: Person
    channel: Channel | None
    thread: str
    rewrite: Rewrite
    said: str = ""

    # -- the frame ---------------------------------------------------------------------------------

    @property
    def me(self) -> User:
        """Who looks."""
        return self.person.user

    @property
    def team_name(self) -> str:
        """The workspace in which he looks."""
        return self.world.teams[self.me.team_id].name

    def people(self) -> list[User]:
        """Everybody one can act as."""
        return [user for user in self.world.users.values() if not user.is_bot and not user.deleted]

    def standing(self, user: User) -> str:
        """What kind of member somebody is, in words."""
        if user.team_id not in self.world.installs:
            return f"from {self.world.teams[user.team_id].name}"
        if user.is_restricted or user.is_ultra_restricted:
            return "guest"
        return "admin" if user.is_admin else "member"

    def channels(self, *kinds: str) -> list[Channel]:
        """The channels (or direct messages) he can open."""
        found = [c for c in self.world.channels.values() if c.kind in kinds]
        return [channel for channel in found if self.world.may_see(self.me.id, channel)]

    def title(self, channel: Channel) -> str:
        """A channel's name as the sidebar shows it."""
        if channel.kind != "im":
            return channel.name
        others = [self.world.users[member].real_name for member in channel.members if member != self.me.id]
        return ", ".join(others)

    def bot_is_in(self, channel: Channel) -> bool:
        """Whether the bot is a member."""
        return any(install.bot_user_id in channel.members for install in self.world.installs.values())

    # -- messages ----------------------------------------------------------------------------------

    def messages(self) -> list[Message]:
        """The open channel's last messages; deleted ones that have replies stay as a stub."""
        if self.channel is None:
            return []
        shown = self.person.sees(self.channel.id)
        stubs = [m for m in self.channel.messages.values() if m.deleted and self.replies(m)]
        return sorted(shown + stubs, key=lambda message: message.ts)[-SHOWN:]

    def in_thread(self) -> list[Message]:
        """The open thread, root first."""
        return self.person.sees(self.channel.id, self.thread) if self.channel and self.thread else []

    def replies(self, message: Message) -> list[Message]:
        """A message's replies."""
        return replies_of(self.world, message)

    def author(self, message: Message) -> User:
        """Who wrote it."""
        return self.world.users[message.user]

    def at(self, message: Message, form: str = "%H:%M") -> str:
        """When it was written, in the reader's zone."""
        return datetime.fromtimestamp(float(message.ts), ZoneInfo(self.me.tz)).strftime(form)

    def file(self, file_id: str) -> StoredFile:
        """A file of a message."""
        return self.world.files[file_id]

    # -- texts and elements ------------------------------------------------------------------------

    def html(self, text: JSON | str | None) -> Markup:
        """A text object (or a message's own text, which is mrkdwn) as HTML."""
        if isinstance(text, dict) and text["type"] == "plain_text":
            return plain_html(text["text"])
        words = text["text"] if isinstance(text, dict) else text or ""
        return mrkdwn_html(self.world, self.me, words, self.rewrite)

    def name(self, block: JSON, element: JSON) -> str:
        """An element's field name."""
        return field_name(block, element)

    def pressed(self, block: JSON, element: JSON, option: str | None = None) -> str:
        """What a button (or an overflow menu's option) sends."""
        sent = {"block_id": block["block_id"], "action_id": element["action_id"]}
        sent |= {"value": element["value"]} if element["type"] == "button" and "value" in element else {}
        return json.dumps(sent | ({"option": option} if option is not None else {}))

    def now(self, place: Message | View, block: JSON, element: JSON) -> Any:
        """What is entered or chosen in an element at present."""
        state = place.state.get(block["block_id"], {}).get(element["action_id"])
        if state is None:
            names = (
                "initial_value",
                "initial_option",
                "initial_options",
                "initial_date",
                "initial_date_time",
            )
            return next((element[name] for name in names if name in element), None)
        return entered(state)

    def chosen(self, place: Message | View, block: JSON, element: JSON) -> set[str]:
        """The values that are selected in a menu."""
        present = self.now(place, block, element)
        entries = present if isinstance(present, list) else [present] if present else []
        return {entry["value"] if isinstance(entry, dict) else str(entry) for entry in entries}

    def menu(self, element: JSON) -> list[tuple[str, str]]:
        """Value and label of a menu's options; people and channels for the menus that list them."""
        kind = element["type"].removeprefix("multi_")
        if kind == "users_select":
            return [(user.id, user.real_name) for user in self.people() if user.team_id == self.me.team_id]
        if kind in {"channels_select", "conversations_select"}:
            return [(channel.id, f"#{channel.name}") for channel in self.channels("public", "private")]
        return [(option["value"], option["text"]["text"]) for option in all_options(element)]

    def dumps(self, value: Any) -> str:
        """A value as JSON."""
        return json.dumps(value)

    def local(self, epoch: int | None) -> str:
        """Epoch seconds for a date-and-time field in the reader's zone."""
        return local_time(epoch, self.me.tz)


def open_window(world: SlackWorld, query: dict[str, str], rewrite: Rewrite) -> Window:
    """The window that an address asks for; what is wrong in it becomes the nearest sensible thing."""
    people = [user for user in world.users.values() if not user.is_bot]
    user = next((person for person in people if person.id == query.get("as")), people[0])
    person = Person(world, user.id)
    said = query.get("said", "")
    if query.get("channel") == "home":
        return Window(world, person, None, "", rewrite, said)
    seen = [c for c in world.channels.values() if world.may_see(user.id, c)]
    joined = sorted(seen, key=lambda c: (c.kind == "im", user.id not in c.members))
    channel = next((c for c in seen if c.id == query.get("channel")), joined[0] if joined else None)
    return Window(world, person, channel, query.get("thread", ""), rewrite, said)
