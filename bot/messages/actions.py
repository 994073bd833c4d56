"""The names of buttons and modals, and what their values carry: ids, attempts and revisions, nothing else.

Whoever writes a button and whoever listens for it both use this page; values are read tolerantly and never
trusted (the workspace of the press decides what they can reach).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

OPEN_LINK = "link.open"  # URL buttons: acknowledged, nothing else
UNDO_LINK = "link.undo"  # value: connection:generation
ASK_CLIENT = "incident.ask_client"  # value: incident:client
COPY_LINK = "incident.copy_link"  # value: incident:client
CHECK_NOW = "incident.check_now"  # value: incident
TAKE = "incident.take"  # value: incident
SNOOZE = "incident.snooze"  # an option's value: incident:severity:span
PAUSE_CLIENT = "client.pause"  # value: client
RESUME_CLIENT = "client.resume"  # value: client
RETRY = "post.retry"  # value: choices
IT_IS_LIVE = "post.live"  # value: one choice
POST_AGAIN = "post.again"  # value: one choice
SEND_LATE = "late.send"  # value: choices
DROP = "late.drop"  # value: choices
RECONNECT_ACCOUNT = "connect.reconnect"  # value: connection
ADD_ACCOUNT = "connect.add"  # value: client:platform
CREATE_CLIENT = "connect.create"  # value: name:platform+platform, the name as it was typed, quoted
USE_NEAREST = "connect.nearest"  # value: slug:platform+platform
LINK_LIVING = "living.link"  # value: client:login:platform:account
PICK_LIVING = "living.pick"  # an option's value: the same
HAND_OVER = "logins.hand_over"  # value: login
LOGINS_PAGE = "logins.page"  # value: page
HEALTH_PAGE = "health.page"  # value: scope:page, and with filters scope:page:letters
HEALTH_DETAIL = "health.detail"  # an option's value: connection
CHECK_ACCOUNT = "account.check"  # value: connection; in its own window
BEFORE_PAGE = "before.page"  # value: scope:day:page
RENEW = "before.renew"  # value: connection:generation
RENEW_ALL = "before.renew_all"  # value: scope:day
OPEN_SETUP = "setup.open"
OPEN_CONNECT = "connect.open"
OPEN_SETTINGS = "settings.open"
OPEN_CLIENT = "clients.open"  # value: client, or "new"
OPEN_COMPOSER = "post.open"  # value: client
STAGGER = "composer.stagger"
SPREAD = "composer.spread"  # value: choices
PREVIEW = "composer.preview"

COMPOSER = "composer"
MAKE_POST = "make_post"  # the shortcut in a message's menu
SETUP = "setup"
SETTINGS = "settings"
CLIENT = "client"
CLOSING = "closing"
CONNECT = "connect"

VALUE_MAX = 2000
CHOICE = re.compile(r"([0-9a-f]{32}):(\d{1,9}):(\d{1,9})")

Numbers = tuple[str, int, int]
"""A delivery's id, attempt and revision."""


def choices_value(choices: Iterable[Numbers]) -> str:
    """Deliveries as a button carries them; what does not fit is left out (the list is paged before that)."""
    parts: list[str] = []
    for item in choices:
        part = ":".join(str(field) for field in item)
        if sum(len(one) + 1 for one in parts) + len(part) > VALUE_MAX:
            break
        parts.append(part)
    return ",".join(parts)


def read_choices(value: str) -> list[Numbers]:
    """The deliveries in a button's value; anything else in it is ignored."""
    found = []
    for part in value[:VALUE_MAX].split(","):
        match = CHOICE.fullmatch(part)
        if match:
            found.append((match[1], int(match[2]), int(match[3])))
    return found


def joined(*parts: str) -> str:
    return ":".join(parts)


def split(value: str, count: int) -> list[str] | None:
    """The parts of a value, or None where there are not exactly `count`."""
    parts = value.split(":", count - 1)
    return parts if len(parts) == count else None


CLIENTS_PAGE = "clients.page"  # value: page
CLOSED_PAGE = "clients.closed_page"  # value: page
CLOSE_CLIENT = "clients.close"  # value: client; asks first, in a window of its own
REOPEN_CLIENT = "clients.reopen"  # value: client

QUEUE_PAGE = "queue.page"  # value: scope:page
QUEUE_EDIT = "queue.edit"  # value: choices,scope:page (so have the next four)
QUEUE_MOVE = "queue.move"
QUEUE_NOW = "queue.now"
QUEUE_CANCEL = "queue.cancel"
QUEUE_RESTORE = "queue.restore"
QUEUE_PAUSE = "queue.pause"  # value: client or "all",scope:page
QUEUE_RESUME = "queue.resume"  # value: client or "all",scope:page
QUEUE_EDITOR = "queue_editor"
QUEUE_MOVER = "queue_mover"

EDIT_FAILED = "post.edit"  # value: choices
FAILED_EDITOR = "failed_editor"
MOVE_LATE = "late.move"  # value: choices
CHOOSE = "choose.open"  # value: of:id (an offer's notice, or a client whose posts failed)
CHOOSE_PAGE = "choose.page"  # value: page
CHOOSER = "chooser"
DROP_ASKED = "drop_asked"
RELEASE = "release"

IMPORT_FILE = "import_file"
IMPORT_QUEUE = "import_queue"
IMPORT_PAGE = "import.page"  # value: page
IMPORT_FAULTS = "import.faults"  # value: import:page
