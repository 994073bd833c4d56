"""The only thing that calls Slack.

Facts: Slack, 1.2 to 1.8. Every message carries its text, nothing unfurls, and nothing is sent twice: whoever
calls decides whether a failure may be repeated.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.messages.message import Message
from bot.outbound import Rewriter
from bot.slack.answers import POST_TEXT_LIMIT, Answers, cut
from bot.slack.api import Api, Identity, TokenFor
from bot.slack.errors import (
    ChannelUnreachable,
    OurFault,
    PersonUnreachable,
    Transient,
)
from bot.slack.files import SlackFile, download, read_file
from bot.slack.known import ChannelInfo, Kept, Person, read_channel, read_person
from bot.slack.pacing import Pacer

__all__ = ["NOTICE_EVENT", "Gateway", "OpenView", "Posted"]

log = structlog.get_logger(__name__)

NOTICE_EVENT = "lamplighter_notice"
UPDATE_TEXT_LIMIT = 4_000
PERSON_SECONDS = 86_400.0
CHANNEL_SECONDS = 300.0
AT_ONCE = 8
OWNER_PAGES = 25  # of 200 people: who owns a larger workspace is told at set-up


@dataclass(frozen=True)
class Posted:
    """Where a message now stands. `thread_ts` is the root it really hangs under.

    `orphaned`: a thread was asked for, but its root was deleted, and Slack put the message into the channel.
    """

    channel: str
    ts: str
    thread_ts: str | None = None
    orphaned: bool = False


@dataclass(frozen=True)
class OpenView:
    """A modal or Home tab as Slack stored it; `hash` guards the next update."""

    id: str
    hash: str


class Gateway:
    """Says things in Slack and looks things up there. `workspace` is always the workspace's row id.

    Every method raises a SlackProblem. `session` is shared and belongs to the caller.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        rewriter: Rewriter,
        token_for: TokenFor,
        *,
        base_url: str = "https://slack.com/api/",
        pacer: Pacer | None = None,
    ) -> None:
        self._answers = Answers(session, rewriter)
        self._session = session
        self._rewriter = rewriter
        self._token_for = token_for
        self._api = Api(session, rewriter, base_url, token_for)
        self.pacer = pacer or Pacer()
        self._lanes: dict[str, asyncio.Semaphore] = {}
        self._people: Kept[Person] = Kept(PERSON_SECONDS)
        self._channels: Kept[ChannelInfo] = Kept(CHANNEL_SECONDS)

    def web_client(self) -> AsyncWebClient:
        """A bare client for bolt and Socket Mode; nothing else uses it."""
        return self._api.web_client()

    async def identify(self, token: str) -> Identity:
        """Whom a bot token speaks for (`auth.test`)."""
        return await self._api.identify(token)

    # -- messages ----------------------------------------------------------------------------------

    async def post(
        self,
        workspace: str,
        channel: str,
        message: Message,
        thread_ts: str | None = None,
        broadcast: bool = False,
        notice_id: str | None = None,
        paced: bool = True,
    ) -> Posted:
        """Posts a message, once. `channel` may be a person's id: a direct message.

        `paced` False: the caller took the channel's turn already. A 429 pauses the channel's turns.
        """
        if paced:
            await self.pacer.turn(workspace, channel)
        arguments = {
            "channel": channel,
            "thread_ts": thread_ts,
            "reply_broadcast": True if broadcast and thread_ts else None,
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": _metadata(notice_id),
        }
        async with self._lane(workspace):
            try:
                answer = await self._say(workspace, "chat.postMessage", arguments, message, POST_TEXT_LIMIT)
            except Transient as problem:
                if problem.limited:
                    self.pacer.pause(workspace, channel, problem.retry_after or 1.0)
                raise
        return _posted(answer, thread_ts)

    async def update(
        self, workspace: str, channel: str, ts: str, message: Message, notice_id: str | None = None
    ) -> None:
        """Changes a message of ours. Raises CannotEdit where a new one is needed."""
        arguments = {"channel": channel, "ts": ts, "metadata": _metadata(notice_id)}
        async with self._lane(workspace):
            await self._say(workspace, "chat.update", arguments, message, UPDATE_TEXT_LIMIT)

    async def ephemeral(
        self, workspace: str, channel: str, user: str, message: Message, thread_ts: str | None = None
    ) -> None:
        """Tells one person in a channel; where that cannot be, in a direct message."""
        arguments = {"channel": channel, "user": user, "thread_ts": thread_ts}
        try:
            await self._say(workspace, "chat.postEphemeral", arguments, message, POST_TEXT_LIMIT)
        except (PersonUnreachable, ChannelUnreachable):
            await self.post(workspace, user, message)

    async def permalink(self, workspace: str, channel: str, ts: str) -> str:
        """The address of a message."""
        arguments = {"channel": channel, "message_ts": ts}
        link = (await self._api.get(workspace, "chat.getPermalink", arguments)).get("permalink")
        if not link:
            raise Transient("unreadable_answer", sent=False)
        return str(link)

    async def _say(
        self, workspace: str, method: str, arguments: Mapping[str, object], message: Message, limit: int
    ) -> dict[str, Any]:
        said = {**arguments, "text": cut(message.text, limit)}
        # An update that sends no blocks would leave the old ones standing, buttons and all.
        plain = {**said, "blocks": []} if method == "chat.update" else said
        if not message.blocks:
            return await self._api.post(workspace, method, plain)
        try:
            return await self._api.post(workspace, method, {**said, "blocks": list(message.blocks)})
        except OurFault as problem:
            log.error("slack refused blocks", method=method, word=problem.word, error_id=uuid.uuid4().hex[:8])
            return await self._api.post(workspace, method, plain)

    @asynccontextmanager
    async def _lane(self, workspace: str) -> AsyncIterator[None]:
        async with self._lanes.setdefault(workspace, asyncio.Semaphore(AT_ONCE)):
            yield

    # -- answers to interactions -------------------------------------------------------------------

    async def respond(
        self,
        response_url: str,
        message: Message | None,
        replace_original: bool = False,
        delete_original: bool = False,
        in_channel: bool = False,
        thread_ts: str | None = None,
    ) -> None:
        """Answers a command or a press through its response URL (five times within half an hour).

        Only the person sees it unless `in_channel`. Raises TooSlow for a used-up address and ValueError for
        one that is not Slack's. `message` may be None only with `delete_original`.
        """
        await self._answers.respond(
            response_url,
            message,
            replace_original=replace_original,
            delete_original=delete_original,
            in_channel=in_channel,
            thread_ts=thread_ts,
        )

    # -- views -------------------------------------------------------------------------------------

    async def open_view(self, workspace: str, trigger_id: str, view: Mapping[str, object]) -> OpenView:
        """Opens a modal. Raises TooSlow when the trigger is older than three seconds or used."""
        return await self._view(workspace, "views.open", {"trigger_id": trigger_id, "view": view})

    async def push_view(self, workspace: str, trigger_id: str, view: Mapping[str, object]) -> OpenView:
        """Lays a modal on the open one."""
        return await self._view(workspace, "views.push", {"trigger_id": trigger_id, "view": view})

    async def update_view(
        self, workspace: str, view_id: str, view: Mapping[str, object], view_hash: str | None = None
    ) -> OpenView:
        """Changes an open modal. Raises ViewConflict, and CannotEdit when it was closed."""
        arguments = {"view_id": view_id, "view": view, "hash": view_hash}
        return await self._view(workspace, "views.update", arguments)

    async def publish_view(
        self, workspace: str, user: str, view: Mapping[str, object], view_hash: str | None = None
    ) -> OpenView:
        """Shows a Home tab. Raises ViewConflict when `view_hash` is no longer the present one."""
        arguments = {"user_id": user, "view": view, "hash": view_hash}
        return await self._view(workspace, "views.publish", arguments)

    async def _view(self, workspace: str, method: str, arguments: Mapping[str, object]) -> OpenView:
        view = (await self._api.post(workspace, method, arguments)).get("view") or {}
        return OpenView(str(view.get("id") or ""), str(view.get("hash") or ""))

    # -- people and channels -----------------------------------------------------------------------

    async def user(self, workspace: str, user: str, *, fresh: bool = False) -> Person:
        """A person, believed for a day unless asked for `fresh`. Raises PersonUnreachable for one whom the
        bot cannot see."""
        known = self._people.get(workspace, user)
        if known is not None and not fresh:
            return known
        answer = await self._api.get(workspace, "users.info", {"user": user})
        return self._people.put(workspace, user, read_person(_shown(answer, "user")))

    async def owner(self, workspace: str) -> str | None:
        """Whoever owns the workspace, else its first admin; None where Slack shows neither."""
        admins: list[str] = []
        cursor = ""
        for _ in range(OWNER_PAGES):
            page = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
            answer = await self._api.get(workspace, "users.list", page)
            for member in answer.get("members") or []:
                if member.get("is_primary_owner"):
                    return str(member["id"])
                if member.get("is_admin") and not member.get("deleted"):
                    admins.append(str(member["id"]))
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return admins[0] if admins else None

    async def channel(self, workspace: str, channel: str) -> ChannelInfo:
        """A channel, believed for five minutes. Raises ChannelUnreachable for one that the bot cannot see."""
        known = self._channels.get(workspace, channel)
        if known is not None:
            return known
        answer = await self._api.get(workspace, "conversations.info", {"channel": channel})
        return self._channels.put(workspace, channel, read_channel(_shown(answer, "channel")))

    async def file(self, workspace: str, file_id: str) -> SlackFile:
        """A file that was given to the bot or lies in one of its channels. Raises FileForbidden."""
        answer = await self._api.get(workspace, "files.info", {"file": file_id})
        return read_file(answer.get("file") or {})

    async def download(
        self, workspace: str, file: SlackFile, target: Path, *, max_bytes: int, deadline: float
    ) -> int:
        """A file's bytes, streamed to disk; their number. Raises FileForbidden, FileTooLarge; OSError."""
        token = await self._token_for(workspace)
        return await download(
            self._session,
            self._rewriter,
            token,
            file.url,
            target,
            max_bytes=max_bytes,
            deadline=deadline,
        )

    def forget_channel(self, workspace: str, channel: str) -> None:
        """Looks again next time: an event said that the channel changed."""
        self._channels.forget(workspace, channel)


def _shown(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What a look-up is about. Raises Transient where the answer does not show it."""
    found = answer.get(name)
    if not isinstance(found, Mapping) or not found.get("id"):
        raise Transient("unreadable_answer", sent=False)
    return found


def _metadata(notice_id: str | None) -> dict[str, object] | None:
    if notice_id is None:
        return None
    return {"event_type": NOTICE_EVENT, "event_payload": {"notice_id": notice_id}}


def _posted(answer: Mapping[str, Any], thread_ts: str | None) -> Posted:
    channel, ts = answer.get("channel"), answer.get("ts")
    if not channel or not ts:
        raise Transient("unreadable_answer")
    message = answer.get("message")
    if not isinstance(message, Mapping):  # an answer that does not show the message says nothing of its root
        return Posted(str(channel), str(ts), thread_ts)
    hangs_under = message.get("thread_ts") if thread_ts else None
    return Posted(str(channel), str(ts), hangs_under, orphaned=hangs_under != thread_ts)
