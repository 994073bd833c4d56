"""Who may use each listener (design, section 8): one line a listener, held against what is registered.

The values that they are tried with are those of `tests.slack.foreign`, for rows of one's own workspace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from bot.commands.post import LIVE
from bot.domain.preferences import Right
from bot.messages import actions, composer_blocks, disconnect, queue_windows
from tests.slack.foreign import Rows, Values, named


class Who(Enum):
    """From the many to the few."""

    EVERYBODY = auto()  # outsiders too, for the clients whose channel they are in
    MEMBERS = auto()
    NAMED = auto()  # people named for the client or the workspace, admins; everyone who was given the right
    SETTERS = auto()  # admins, and Slack's own, who can always put the set-up right
    ADMINS = auto()


@dataclass(frozen=True)
class Need:
    """`right`: what a workspace can give to all its members."""

    who: Who
    right: Right | None = None


EVERYBODY, MEMBERS = Need(Who.EVERYBODY), Need(Who.MEMBERS)
NAMED, SETTERS, ADMINS = Need(Who.NAMED), Need(Who.SETTERS), Need(Who.ADMINS)
DISCONNECT, SEND_AGAIN, PAUSE, CLIENTS = (Need(Who.NAMED, right) for right in Right)

BUTTONS: Mapping[str, Need] = {
    actions.OPEN_LINK: EVERYBODY,
    actions.RECONNECT_ACCOUNT: EVERYBODY,
    actions.ADD_ACCOUNT: EVERYBODY,
    actions.USE_NEAREST: EVERYBODY,
    actions.HEALTH_PAGE: EVERYBODY,
    actions.HEALTH_DETAIL: EVERYBODY,
    actions.BEFORE_PAGE: EVERYBODY,
    actions.RENEW: EVERYBODY,
    actions.RENEW_ALL: EVERYBODY,
    actions.CLIENTS_PAGE: EVERYBODY,
    actions.ASK_CLIENT: MEMBERS,
    actions.COPY_LINK: MEMBERS,
    actions.CHECK_NOW: MEMBERS,
    actions.CHECK_ACCOUNT: MEMBERS,
    actions.TAKE: MEMBERS,
    actions.SNOOZE: MEMBERS,
    actions.RETRY: MEMBERS,
    actions.IT_IS_LIVE: MEMBERS,
    actions.SEND_LATE: MEMBERS,
    actions.DROP: MEMBERS,
    actions.CREATE_CLIENT: MEMBERS,
    actions.LINK_LIVING: MEMBERS,
    actions.PICK_LIVING: MEMBERS,
    actions.HAND_OVER: MEMBERS,
    actions.LOGINS_PAGE: MEMBERS,
    actions.CLOSED_PAGE: MEMBERS,
    actions.OPEN_COMPOSER: MEMBERS,
    actions.OPEN_CONNECT: MEMBERS,
    composer_blocks.CLIENT: MEMBERS,
    named(LIVE): MEMBERS,
    actions.STAGGER: MEMBERS,
    actions.SPREAD: MEMBERS,
    actions.PREVIEW: MEMBERS,
    actions.EDIT_FAILED: MEMBERS,
    actions.MOVE_LATE: MEMBERS,
    actions.CHOOSE: MEMBERS,
    actions.CHOOSE_PAGE: MEMBERS,
    actions.IMPORT_PAGE: MEMBERS,
    actions.IMPORT_FAULTS: MEMBERS,
    actions.QUEUE_PAGE: MEMBERS,
    actions.QUEUE_EDIT: MEMBERS,
    actions.QUEUE_MOVE: MEMBERS,
    queue_windows.AT.day: MEMBERS,
    queue_windows.AT.time: MEMBERS,
    actions.QUEUE_NOW: MEMBERS,
    actions.QUEUE_CANCEL: MEMBERS,
    actions.QUEUE_RESTORE: MEMBERS,
    actions.UNDO_LINK: DISCONNECT,
    disconnect.PRESS: DISCONNECT,
    actions.POST_AGAIN: SEND_AGAIN,
    actions.PAUSE_CLIENT: PAUSE,
    actions.RESUME_CLIENT: PAUSE,
    actions.QUEUE_PAUSE: PAUSE,
    actions.QUEUE_RESUME: PAUSE,
    actions.OPEN_CLIENT: CLIENTS,
    actions.CLOSE_CLIENT: NAMED,
    actions.REOPEN_CLIENT: NAMED,
    actions.OPEN_SETUP: SETTERS,
    actions.OPEN_SETTINGS: SETTERS,
}

ALSO: Mapping[tuple[str, str], tuple[Values, Need]] = {
    (actions.OPEN_CLIENT, "a new one"): (lambda rows: ["new"], MEMBERS),
    (actions.QUEUE_PAUSE, "all"): (lambda rows: ["all,all:0"], ADMINS),
    (actions.QUEUE_RESUME, "all"): (lambda rows: ["all,all:0"], ADMINS),
}
"""Buttons that ask for more, or for less, with another value."""

MODALS: Mapping[str, Need] = {
    actions.CONNECT: EVERYBODY,
    actions.COMPOSER: MEMBERS,
    actions.QUEUE_EDITOR: MEMBERS,
    actions.QUEUE_MOVER: MEMBERS,
    actions.RELEASE: MEMBERS,
    actions.FAILED_EDITOR: MEMBERS,
    actions.CHOOSER: MEMBERS,
    actions.DROP_ASKED: MEMBERS,
    actions.IMPORT_FILE: MEMBERS,
    actions.IMPORT_QUEUE: MEMBERS,
    actions.CLIENT: CLIENTS,
    actions.CLOSING: NAMED,
    actions.SETTINGS: SETTERS,
    actions.SETUP: SETTERS,
}

MENUS: Mapping[str, Need] = {composer_blocks.CLIENT: MEMBERS}
SHORTCUTS: Mapping[str, Need] = {actions.MAKE_POST: MEMBERS}


def typed(rows: Rows) -> Mapping[tuple[str, str], Need]:
    """What is typed, by command and text. `/lamplighter` stands with each of its own words."""
    return {
        ("/connect", ""): EVERYBODY,
        ("/connect", f"{rows.platform} {rows.slug}"): EVERYBODY,
        ("/health", ""): EVERYBODY,
        ("/health", "all"): EVERYBODY,
        ("/health", f"{rows.slug} before 2030-01-01"): EVERYBODY,
        ("/health", "logins"): MEMBERS,
        ("/retry", ""): MEMBERS,
        ("/post", rows.slug): MEMBERS,
        ("/queue", "all"): MEMBERS,
        ("/queue", "import"): MEMBERS,
        ("/disconnect", rows.slug): DISCONNECT,
        ("/lamplighter", "help"): EVERYBODY,
        ("/lamplighter", "clients"): EVERYBODY,
        ("/lamplighter", "clients closed"): MEMBERS,
        ("/lamplighter", f"clients {rows.slug}"): CLIENTS,
        ("/lamplighter", f"digest {rows.slug} on"): NAMED,
        ("/lamplighter", "many-posts"): MEMBERS,
        ("/lamplighter", "many-posts 9"): ADMINS,
        ("/lamplighter", "setup"): SETTERS,
        ("/lamplighter", "settings"): SETTERS,
        ("/lamplighter", f"disconnect {rows.slug}"): DISCONNECT,
        ("/lamplighter", "queue"): MEMBERS,
    }
