"""What can go wrong with Slack, by what has to be done about it (facts: Slack, 1.7).

SlackProblem
├── WorkspaceGone       the bot was removed or its token is no longer good
├── ChannelUnreachable  nothing can be said in this channel
├── ThreadClosed        no replies in this thread; the channel itself may be open
├── PersonUnreachable   this person cannot be told (or looked up) here
├── CannotEdit          the message or view cannot be changed any more
├── ViewConflict        the view changed since it was read
├── TooSlow             the trigger or response address is used up or too old
├── Transient           try again later; says whether the call may have taken effect
└── OurFault            the bot asked for something that Slack does not take
Refusal                 a domain rule said no; its message is for the person who asked
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.messages.message import Message

__all__ = [
    "DEAD_TOKEN",
    "CannotEdit",
    "ChannelUnreachable",
    "OurFault",
    "PersonUnreachable",
    "Refusal",
    "SlackProblem",
    "ThreadClosed",
    "TooSlow",
    "Transient",
    "ViewConflict",
    "WorkspaceGone",
    "problem_for",
    "translate",
]

DEFAULT_RETRY_SECONDS = 30.0
MAX_RETRY_SECONDS = 3600.0


class SlackProblem(Exception):
    """A call to Slack failed. `word` is Slack's own error word, or a short one of ours."""

    words: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class WorkspaceGone(SlackProblem):
    """The bot was removed from the workspace, or its token is no longer good."""

    words = frozenset(
        {
            "access_denied",
            "account_inactive",
            "app_uninstalled",
            "invalid_auth",
            "not_authed",
            "org_login_required",
            "team_access_not_granted",
            "team_not_found",
            "token_expired",
            "token_revoked",
        }
    )


class ChannelUnreachable(SlackProblem):
    """The channel is gone, archived or closed to the bot; a person cannot be written to."""

    words = frozenset(
        {
            "cannot_dm_bot",
            "channel_is_archived",
            "channel_not_found",
            "channel_type_not_supported",
            "ekm_access_denied",
            "is_archived",
            "messages_tab_disabled",
            "no_permission",
            "not_in_channel",
            "restricted_action",
            "slack_connect_canvas_sharing_blocked",
            "user_disabled",
        }
    )


class ThreadClosed(SlackProblem):
    """The thread takes no replies; the channel itself may."""

    words = frozenset(
        {
            "cannot_reply_to_message",
            "invalid_thread_ts",
            "restricted_action_non_threadable_channel",
            "restricted_action_thread_locked",
            "thread_not_found",
        }
    )


class PersonUnreachable(SlackProblem):
    """The person is not in the channel, not known, or not visible to the bot."""

    words = frozenset({"user_not_found", "user_not_in_channel", "user_not_visible", "users_not_found"})


class CannotEdit(SlackProblem):
    """The message or view cannot be changed; a new one is needed."""

    words = frozenset(
        {
            "cant_update_message",
            "edit_window_closed",
            "is_inactive",
            "message_not_found",
            "not_found",
            "view_not_found",
        }
    )


class ViewConflict(SlackProblem):
    """The view changed since it was read; read again and try once more."""

    words = frozenset({"hash_conflict"})


class TooSlow(SlackProblem):
    """The trigger or the response address is used up or too old: the person has to press again."""

    words = frozenset(
        {
            "exchanged_trigger_id",
            "expired_trigger_id",
            "expired_url",
            "invalid_trigger_id",
            "trigger_exchanged",
            "trigger_expired",
            "used_url",
        }
    )


class Transient(SlackProblem):
    """Slack did not answer, or asked for patience.

    `retry_after`: seconds to wait, None where Slack did not say. `limited`: a rate limit. `sent`: False
    when the call surely had no effect, None when it may have had one.
    """

    words = frozenset(
        {
            "accesslimited",
            "fatal_error",
            "internal_error",
            "rate_limited",
            "ratelimited",
            "request_timeout",
            "service_unavailable",
            "team_added_to_org",
        }
    )

    def __init__(
        self, word: str, *, retry_after: float | None = None, sent: bool | None = None, limited: bool = False
    ) -> None:
        super().__init__(word)
        self.retry_after = retry_after
        self.sent = sent
        self.limited = limited


class OurFault(SlackProblem):
    """The bot asked for something that Slack does not take: a fault in its code or manifest."""


class Refusal(Exception):
    """A rule said no. The message is shown to the person who asked, and to nobody else."""

    def __init__(self, message: Message | str) -> None:
        self.message = Message(message) if isinstance(message, str) else message
        super().__init__(self.message.text)


DEAD_TOKEN = frozenset(
    {
        "account_inactive",
        "app_uninstalled",
        "invalid_auth",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
"""The words of WorkspaceGone that say the token itself is over; the others may pass."""

FAMILY: tuple[type[SlackProblem], ...] = (
    WorkspaceGone,
    ThreadClosed,
    ChannelUnreachable,
    PersonUnreachable,
    CannotEdit,
    ViewConflict,
    TooSlow,
)
# A thread or a channel with posting rules answers with one of many words that all begin so.
RESTRICTED = "restricted_action"


def problem_for(word: str) -> SlackProblem:
    """The problem that a Slack error word stands for; an unknown word is our fault."""
    if word in Transient.words:
        limited = word in {"rate_limited", "ratelimited"}
        return Transient(word, sent=False if limited else None, limited=limited)
    for kind in FAMILY:
        if word in kind.words:
            return kind(word)
    if word.startswith(RESTRICTED):
        return ChannelUnreachable(word)
    return OurFault(word)


def translate(error: Exception) -> SlackProblem:
    """The problem behind an exception of slack_sdk, aiohttp or asyncio. Never carries their text."""
    if isinstance(error, SlackProblem):
        return error
    if isinstance(error, SlackApiError):
        return _from_answer(error)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Transient("not_connected", sent=False)
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return Transient("timeout")
    if isinstance(error, aiohttp.ClientError | OSError):
        return Transient("connection_lost")
    return Transient(f"unreadable_{type(error).__name__}"[:48])


def _from_answer(error: SlackApiError) -> SlackProblem:
    response = error.response
    # An SDK response has `status_code`; an answer that is no JSON arrives as aiohttp's own, with `status`.
    status = int(getattr(response, "status_code", None) or getattr(response, "status", None) or 0)
    if status == 429:
        seconds = retry_seconds(response.headers.get("Retry-After"))
        return Transient("ratelimited", retry_after=seconds, sent=False, limited=True)
    if status >= 500:
        return Transient(f"http_{status}")
    data = getattr(response, "data", None)
    word = data.get("error") if isinstance(data, dict) else None
    if not isinstance(word, str) or not word:
        return Transient(f"http_{status}_unreadable")
    return problem_for(word[:64])


def retry_seconds(header: str | None) -> float:
    """`Retry-After` in seconds; a missing or odd one counts as half a minute."""
    try:
        seconds = float(header or "")
    except ValueError:
        return DEFAULT_RETRY_SECONDS
    return min(max(seconds, 1.0), MAX_RETRY_SECONDS) if seconds == seconds else DEFAULT_RETRY_SECONDS
