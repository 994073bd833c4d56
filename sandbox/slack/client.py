"""A person at Slack's window: what he can do, and what he then sees."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack import life, payloads
from sandbox.slack.blocks import find_element
from sandbox.slack.delivery import deliver
from sandbox.slack.errors import SlackError
from sandbox.slack.hooks import answer_interaction
from sandbox.slack.inputs import Impossible, all_options, to_state
from sandbox.slack.models import JSON, Channel, Delivered, Message, StoredFile, User, View
from sandbox.slack.state import SlackWorld
from sandbox.slack.submission import close_view, submit_view

WARNING_SIGN = "This app did not answer in time. Try again."


@dataclass(frozen=True)
class Seen:
    """What a person sees right after he did something; what the app does later is awaited with `world.until`.

    `message`: what the answer itself put on the screen; `warning`: Slack's own words about a failure;
    `url`: the address a link button opened; `confirm`: the question he was asked; `view`: his top modal now;
    `errors`: by block_id.
    """

    message: Message | None = None
    warning: str = ""
    url: str | None = None
    confirm: JSON | None = None
    view: View | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    delivered: Delivered | None = None


class Person:
    """One person in a world."""

    def __init__(self, world: SlackWorld, user_id: str) -> None:
        self.world = world
        self.user: User = world.users[user_id]

    # -- looking -----------------------------------------------------------------------------------

    def sees(self, channel_id: str, thread_ts: str | None = None) -> list[Message]:
        """The messages in a channel (or in one of its threads, the root first), oldest first.

        What only he sees is in the channel too when it answers something in a thread.
        """
        channel = self.world.channels[channel_id]
        if not self.world.may_see(self.user.id, channel):
            return []
        mine = [m for m in channel.messages.values() if m.ephemeral_to in (None, self.user.id)]
        alive = [message for message in mine if not message.deleted]
        if thread_ts:
            return [m for m in alive if thread_ts in (m.ts, m.thread_ts)]
        return [m for m in alive if m.thread_ts is None or m.reply_broadcast or m.ephemeral_to]

    @property
    def modal(self) -> View | None:
        """The modal on top."""
        stack = self.world.modals.get(self.user.id)
        return stack[-1] if stack else None

    @property
    def home(self) -> View | None:
        """The app's Home tab as published for him."""
        return self.world.homes.get(self.user.id)

    def find(self, where: Message | View | str) -> Message | View:
        """A message (by ts) or view (by id) on his screen. Raises Impossible."""
        key = where if isinstance(where, str) else where.ts if isinstance(where, Message) else where.id
        for view in (self.modal, self.home):
            if view is not None and view.id == key:
                return view
        for channel in self.world.channels.values():
            message = channel.messages.get(key)
            hidden = message is None or message.deleted or message.ephemeral_to not in (None, self.user.id)
            if message is not None and not hidden and self.world.may_see(self.user.id, channel):
                return message
        raise Impossible(f"{key} is not on the screen of {self.user.name}")

    # -- commands and shortcuts --------------------------------------------------------------------

    async def command(self, command: str, text: str, channel_id: str) -> Seen:
        """Types a slash command into a channel (never into a thread: Slack has no such thing)."""
        channel = self.world.channels[channel_id]
        if not self.world.may_see(self.user.id, channel) or channel.is_archived:
            raise Impossible(f"{self.user.name} cannot write in {channel.name}")
        if not self._command_is_known(command, channel):
            return self._slackbot(channel, f"`{command}` is not a valid command.")
        payload = payloads.slash_command(self.world, self.user, channel, command, text)
        delivered = await deliver(self.world, "slash_commands", payload)
        if delivered.failure:
            code = "operation_timeout" if delivered.failure == "http_timeout" else "dispatch_failed"
            return self._slackbot(channel, f'{command} failed with the error "{code}"', delivered)
        return self._command_answer(channel, payload, delivered)

    def _command_is_known(self, command: str, channel: Channel) -> bool:
        known = self.world.app.commands is None or command in self.world.app.commands
        guest_ok = self.world.switches.guests_may_command or not self.user.is_ultra_restricted
        install = self.world.installs.get(self.user.team_id)
        return known and guest_ok and install is not None and not install.revoked

    def _command_answer(self, channel: Channel, payload: JSON, delivered: Delivered) -> Seen:
        body = delivered.body.strip()
        if not body:
            return Seen(delivered=delivered, view=self.modal)
        try:
            answer = json.loads(body) if body.startswith("{") else {"text": body}
            secret = payload["response_url"].rpartition("/")[2]
            message = answer_interaction(self.world, self.world.response_urls[secret], answer)
        except (SlackError, ValueError) as error:
            self.world.complaints.append(f"answer to {payload['command']}: {error}")
            return self._slackbot(channel, f'{payload["command"]} failed with the error "invalid_response"')
        return Seen(message=message, delivered=delivered, view=self.modal)

    def _slackbot(self, channel: Channel, words: str, delivered: Delivered | None = None) -> Seen:
        slackbot = f"USLACKBOT{self.user.team_id}"
        message = self.world.post(channel, slackbot, words, ephemeral_to=self.user.id)
        return Seen(message=message, warning=words, delivered=delivered)

    async def shortcut(self, callback_id: str) -> Seen:
        """Uses a global shortcut."""
        payload = payloads.global_shortcut(self.world, self.user, callback_id)
        return self._after(await deliver(self.world, "interactive", payload))

    async def message_shortcut(self, callback_id: str, where: Message | str) -> Seen:
        """Uses a shortcut from a message's menu."""
        message = self.find(where)
        if not isinstance(message, Message):
            raise Impossible("not a message")
        payload = payloads.message_shortcut(self.world, self.user, message, callback_id)
        return self._after(await deliver(self.world, "interactive", payload))

    # -- buttons and menus -------------------------------------------------------------------------

    async def press(
        self,
        where: Message | View | str,
        action_id: str,
        *,
        value: str | None = None,
        block_id: str | None = None,
        chosen: Any = None,
        accept: bool = True,
    ) -> Seen:
        """Presses a button (`value` tells twins apart) or picks `chosen` in a menu or input.

        `accept` answers the confirm dialog, where there is one. Raises Impossible where it is not there.
        """
        place = self.find(where)
        blocks = place.body["blocks"] if isinstance(place, View) else place.blocks
        found = find_element(blocks, action_id, block_id, value)
        if found is None:
            raise Impossible(f"no {action_id} {value or ''} there")
        block, element = found
        confirm = element.get("confirm")
        if confirm is not None and not accept:
            return Seen(confirm=confirm, view=self.modal)
        action = self._act(place, block, element, chosen)
        if block["type"] == "input" and not block.get("dispatch_action"):
            return Seen(view=self.modal)
        url = element.get("url") or action.get("selected_option", {}).get("url")
        delivered = await deliver(self.world, "interactive", self._action_payload(place, action))
        return self._after(delivered, url=url, confirm=confirm)

    def _action_payload(self, place: Message | View, action: JSON) -> JSON:
        if isinstance(place, View):
            return payloads.view_actions(self.world, self.user, place, action)
        return payloads.message_actions(self.world, self.user, place, action)

    def _act(self, place: Message | View, block: JSON, element: JSON, chosen: Any) -> JSON:
        kept = ("type", "action_id", "text", "value", "style", "url")
        action: JSON = {key: element[key] for key in kept if key in element}
        action |= {"block_id": block["block_id"], "action_ts": self.world.next_ts()}
        if element["type"] == "overflow":
            options = [option for option in all_options(element) if option["value"] == chosen]
            if not options:
                raise Impossible(f"no option {chosen!r}")
            action["selected_option"] = options[0]
        elif element["type"] != "button":
            state = to_state(self.world, element, chosen)
            place.state.setdefault(block["block_id"], {})[element["action_id"]] = state
            action |= state
        return action

    async def suggest(self, where: Message | View | str, action_id: str, query: str = "") -> list[JSON]:
        """Types into an external select; the options that the app offers, groups flattened."""
        place = self.find(where)
        blocks = place.body["blocks"] if isinstance(place, View) else place.blocks
        found = find_element(blocks, action_id)
        if found is None or not found[1]["type"].endswith("external_select"):
            raise Impossible(f"no external select {action_id} there")
        if len(query) < found[1].get("min_query_length", 3):
            return []
        payload = payloads.block_suggestion(self.world, self.user, place, *found, query)
        delivered = await deliver(self.world, "interactive", payload)
        if delivered.failure:
            return []
        answer = json.loads(delivered.body or "{}")
        if not all_options(answer) and not ("options" in answer or "option_groups" in answer):
            self.world.complaints.append(f"answer to the options of {action_id}: no options")
        if len(all_options(answer)) > 100:
            self.world.complaints.append(f"answer to the options of {action_id}: more than 100 options")
        return all_options(answer)[:100]

    def _after(self, delivered: Delivered, url: str | None = None, confirm: JSON | None = None) -> Seen:
        warning = WARNING_SIGN if delivered.failure else ""
        return Seen(warning=warning, url=url, confirm=confirm, view=self.modal, delivered=delivered)

    # -- modals and Home ---------------------------------------------------------------------------

    def fill(self, view: View | str, values: Mapping[str, Any]) -> View:
        """Enters values into his top modal, by block_id (or by action_id). Raises Impossible."""
        place = self.find(view)
        if not isinstance(place, View):
            raise Impossible("not a modal")
        for key, value in values.items():
            pairs = [(b, b["element"]) for b in place.body["blocks"] if b["type"] == "input"]
            named = [pair for pair in pairs if key in (pair[0]["block_id"], pair[1]["action_id"])]
            if len(named) != 1:
                raise Impossible(f"no input {key}")
            block, element = named[0]
            place.state[block["block_id"]][element["action_id"]] = to_state(self.world, element, value)
        return place

    async def submit(self, view: View | str, values: Mapping[str, Any] | None = None) -> Seen:
        """Fills in and submits his top modal."""
        place = self.fill(view, values or {})
        delivered = await submit_view(self.world, self.user, place)
        return Seen(warning=place.notice, errors=place.errors, view=self.modal, delivered=delivered)

    async def close(self, view: View | str, everything: bool = False) -> Seen:
        """Closes his top modal, or all of them."""
        place = self.find(view)
        if isinstance(place, View):
            await close_view(self.world, self.user, place, everything)
        return Seen(view=self.modal)

    def open_home(self, tab: str = "home") -> None:
        """Opens the app's Home (or Messages) tab; what it then publishes is awaited."""
        life.open_home(self.world, self.user.id, self.user.team_id, tab)

    # -- messages, files, channels -----------------------------------------------------------------

    def say(
        self, channel_id: str, text: str, thread_ts: str | None = None, files: tuple[str, ...] = ()
    ) -> Message:
        """Posts a message, in Slack's wire form (`&`, `<`, `>` escaped); `files` are ids of uploads."""
        channel = self.world.channels[channel_id]
        if not self.world.may_see(self.user.id, channel) or channel.is_archived:
            raise Impossible(f"{self.user.name} cannot write in {channel.name}")
        for file_id in files:
            self.world.files[file_id].channels.add(channel_id)
        return self.world.post(channel, self.user.id, text, thread_ts=thread_ts, files=list(files))

    def upload(self, name: str, content: bytes, mimetype: str) -> StoredFile:
        """Uploads a file, for a modal's file input or for `say`."""
        file_id, created = self.world.new_id("F"), int(self.world.clock())
        file = StoredFile(file_id, self.user.team_id, self.user.id, name, mimetype, content, created)
        self.world.files[file_id] = file
        return file

    def invite_bot(self, channel_id: str) -> None:
        """`/invite @bot`"""
        channel = self.world.channels[channel_id]
        bot = self.world.installs[payloads.team_of(self.world, self.user, channel)].bot_user_id
        life.join(self.world, channel, bot, self.user.id)

    def remove_bot(self, channel_id: str) -> None:
        """Removes the bot from a channel."""
        channel = self.world.channels[channel_id]
        bot = self.world.installs[payloads.team_of(self.world, self.user, channel)].bot_user_id
        life.leave(self.world, channel, bot, self.user.id)

    def delete(self, where: Message | str) -> None:
        """Deletes a message."""
        message = self.find(where)
        if isinstance(message, Message):
            life.delete_message(self.world, message)
