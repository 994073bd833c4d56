"""What each listener is sent to reach another workspace's rows: one case a listener, by its name.

A case gives what a payload carries: for buttons their values, for modals what they carry and hold, for
commands their text. A listener without a case fails `test_isolation`, so whoever adds one says here how
somebody would try to misuse it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.commands.post import LIVE
from bot.messages import (
    actions,
    choosing,
    composer_blocks,
    connect_window,
    disconnect,
    importing,
    queue_windows,
    settings,
    setup,
)
from bot.messages import clients as client_messages

JSON = dict[str, Any]


def named(listener: object) -> str:
    """What a listener listens for, as one reads it."""
    text = listener.pattern if isinstance(listener, re.Pattern) else str(listener)
    return re.sub(r"\\(.)", r"\1", text.removeprefix("^").removesuffix("(?:[#:.]\\d+)?$"))


IN_WINDOWS = ("composer.", *queue_windows.AT, actions.CHOOSE_PAGE, actions.IMPORT_PAGE, actions.CHECK_ACCOUNT)
"""Where the names begin of what stands in modals only."""

OUR_BOT = "the bot of whoever tries it"
"""Stands in events for the bot's user there."""

SENT_AS = {named(LIVE): "composer.accounts:1"}
"""The action id that is sent where the listener's name is none."""


@dataclass(frozen=True)
class Rows:
    """Ids of one workspace's rows, and its places in Slack."""

    workspace: str
    team_id: str
    client: str
    slug: str
    hidden: str  # a client whose channel nobody else is in
    connection: str
    well: str  # an account of the hidden client
    grant: str
    platform: str
    account: str
    incident: str  # of a login
    trouble: str  # an incident of one account
    invitation: str
    notice: str
    waiting: str  # a notice that is not said yet
    scheduled: str
    failed: str
    unconfirmed: str
    late: str
    channel: str
    operations: str
    shared: str
    upload: str  # a calendar that was looked at
    file: str  # at Slack
    user: str
    bot: str


Values = Callable[[Rows], Sequence[str]]


def choice(row_id: str) -> str:
    return actions.choices_value([(row_id, 1, 1)])


def numbered(row_id: str) -> Sequence[str]:
    return [f"{row_id}:{generation}" for generation in (0, 1, 2)]


def login(rows: Rows) -> Sequence[str]:
    return [actions.joined(rows.client, rows.grant, rows.platform, rows.account)]


def in_queue(rows: Rows) -> Sequence[str]:
    return [f"{choice(one)},{scope}:0" for one in (rows.scheduled, rows.late) for scope in ("all", rows.slug)]


def of_client(rows: Rows) -> Sequence[str]:
    return [rows.client, rows.hidden]


BUTTONS: dict[str, Values] = {
    actions.OPEN_LINK: lambda rows: [rows.invitation],
    actions.UNDO_LINK: lambda rows: numbered(rows.connection),
    actions.ASK_CLIENT: lambda rows: [actions.joined(rows.incident, one) for one in of_client(rows)],
    actions.COPY_LINK: lambda rows: [actions.joined(rows.incident, one) for one in of_client(rows)],
    actions.CHECK_NOW: lambda rows: [rows.incident, rows.trouble],
    actions.TAKE: lambda rows: [rows.incident],
    actions.SNOOZE: lambda rows: [f"{rows.incident}:dead:{span}" for span in ("day", "end", "24h", "1")],
    actions.PAUSE_CLIENT: of_client,
    actions.RESUME_CLIENT: of_client,
    actions.RETRY: lambda rows: [choice(rows.failed)],
    actions.IT_IS_LIVE: lambda rows: [choice(rows.unconfirmed)],
    actions.POST_AGAIN: lambda rows: [choice(rows.unconfirmed)],
    actions.SEND_LATE: lambda rows: [choice(rows.late)],
    actions.DROP: lambda rows: [choice(rows.late), choice(rows.failed)],
    actions.RECONNECT_ACCOUNT: lambda rows: [rows.connection],
    actions.ADD_ACCOUNT: lambda rows: [f"{one}:{rows.platform}" for one in of_client(rows)],
    actions.CREATE_CLIENT: lambda rows: [f"{rows.slug}-new:{rows.platform}"],
    actions.USE_NEAREST: lambda rows: [f"{rows.slug}:{rows.platform}"],
    actions.LINK_LIVING: login,
    actions.PICK_LIVING: login,
    actions.HAND_OVER: lambda rows: [rows.grant],
    actions.LOGINS_PAGE: lambda rows: ["0", "1"],
    actions.HEALTH_PAGE: lambda rows: ["all:0", f"{rows.slug}:0", "here:0"],
    actions.OPEN_SETUP: lambda rows: ["setup", rows.workspace],
    actions.OPEN_CLIENT: of_client,
    actions.OPEN_COMPOSER: of_client,
    composer_blocks.CLIENT: of_client,
    actions.OPEN_SETTINGS: lambda rows: ["settings", rows.workspace],
    actions.CLOSE_CLIENT: of_client,
    actions.REOPEN_CLIENT: of_client,
    actions.CLOSED_PAGE: lambda rows: ["0", "1"],
    actions.STAGGER: lambda rows: ["stagger"],
    actions.PREVIEW: lambda rows: ["preview"],
    actions.OPEN_CONNECT: lambda rows: ["home", rows.client],
    actions.HEALTH_DETAIL: lambda rows: [rows.connection],
    actions.CHECK_ACCOUNT: lambda rows: [rows.connection],
    actions.SPREAD: lambda rows: [choice(rows.scheduled)],
    actions.BEFORE_PAGE: lambda rows: [f"{scope}:2030-01-01:0" for scope in ("all", rows.slug)],
    actions.RENEW: lambda rows: numbered(rows.connection),
    actions.RENEW_ALL: lambda rows: [f"{scope}:2030-01-01" for scope in ("all", rows.slug)],
    actions.EDIT_FAILED: lambda rows: [choice(rows.failed)],
    actions.MOVE_LATE: lambda rows: [choice(rows.late)],
    actions.CHOOSE: lambda rows: [f"offer:{rows.notice}", f"failed:{rows.client}"],
    actions.CHOOSE_PAGE: lambda rows: ["0", "1"],
    actions.IMPORT_PAGE: lambda rows: ["0", "1"],
    actions.IMPORT_FAULTS: lambda rows: [f"{rows.upload}:0"],
    named(LIVE): lambda rows: [rows.connection],
    disconnect.PRESS: lambda rows: numbered(rows.connection),
    actions.CLIENTS_PAGE: lambda rows: ["0", "1"],
    actions.QUEUE_PAGE: lambda rows: ["all:0", f"{rows.slug}:0"],
    actions.QUEUE_EDIT: in_queue,
    actions.QUEUE_MOVE: in_queue,
    queue_windows.AT.day: lambda rows: ["2030-01-01"],
    queue_windows.AT.time: lambda rows: ["10:00"],
    actions.QUEUE_NOW: in_queue,
    actions.QUEUE_CANCEL: in_queue,
    actions.QUEUE_RESTORE: in_queue,
    actions.QUEUE_PAUSE: lambda rows: [f"{one},all:0" for one in of_client(rows)],
    actions.QUEUE_RESUME: lambda rows: [f"{one},all:0" for one in of_client(rows)],
}


@dataclass(frozen=True)
class Filled:
    """A modal as it is submitted: what it carries, and its inputs by block."""

    carried: str
    values: JSON


def typed_in(block: str, text: str) -> JSON:
    return {block: {block: {"type": "plain_text_input", "value": text}}}


def _composed(rows: Rows, client: str) -> Filled:
    accounts = composer_blocks.accounts_block(client)
    ticked = {"type": "checkboxes", "selected_options": [{"value": rows.connection}]}
    now = {"type": "radio_buttons", "selected_option": {"value": composer_blocks.NOW}}
    values = {accounts: {accounts: ticked}, composer_blocks.WHEN: {composer_blocks.WHEN: now}}
    carried = json.dumps({"client": client, "channel": rows.channel})
    return Filled(carried, values | typed_in(composer_blocks.TEXT, "Bread from next door"))


def _queued(rows: Rows) -> Sequence[Filled]:
    at = {
        queue_windows.AT.day: {queue_windows.AT.day: {"type": "datepicker", "selected_date": "2033-05-18"}},
        queue_windows.AT.time: {queue_windows.AT.time: {"type": "timepicker", "selected_time": "10:00"}},
    }
    return [
        Filled(carried(rows, choice(one)), typed_in(queue_windows.TEXT, "Ours") | at)
        for one in (rows.scheduled, rows.late, rows.failed)
    ]


def _ticked(rows: Rows) -> Sequence[Filled]:
    block = f"{choosing.TICKS}:0:0"
    boxes = [{"value": choice(one)} for one in (rows.late, rows.failed)]
    return [
        Filled(
            carried(rows, choice(rows.late)),
            {
                block: {block: {"selected_options": boxes}},
                choosing.WHAT: {choosing.WHAT: {"selected_option": {"value": what}}},
            },
        )
        for what in (choosing.SEND, choosing.MOVE, choosing.DROP)
    ]


def _wanted(rows: Rows) -> Sequence[Filled]:
    """A link for a client that is not to be seen, in the channel that is shared."""
    return [
        Filled(
            rows.shared,
            {
                connect_window.PLATFORMS: {
                    connect_window.PLATFORMS: {"selected_options": [{"value": rows.platform}]}
                },
                composer_blocks.CLIENT: {composer_blocks.CLIENT: {"selected_option": {"value": client}}},
                connect_window.CHANNEL: {connect_window.CHANNEL: {"selected_conversation": place}},
            },
        )
        for client, place in ((rows.hidden, rows.shared), (rows.hidden, rows.channel))
    ]


def _uploaded(rows: Rows) -> Sequence[Filled]:
    file = {"files": [{"id": rows.file, "name": "calendar.csv"}]}
    return [Filled(carried(rows), {importing.FILE: {importing.FILE: file}})]


def carried(rows: Rows, choices: str = "") -> str:
    """What a window carries, all of it the other workspace's."""
    words = {"of": f"failed:{rows.client}", "id": rows.upload}
    return json.dumps(
        {"client": rows.client, "channel": rows.channel, "choices": choices, "words": words, "seen": {}}
    )


def _client_form(rows: Rows, carried: str) -> Filled:
    def select(block: str, kind: str, value: object) -> JSON:
        return {block: {block: {kind: value}}}

    values = (
        typed_in(client_messages.SLUG, f"{rows.slug}-ours")
        | typed_in(client_messages.NAME, "Ours now")
        | typed_in(client_messages.ZONE, "Europe/Berlin")
        | select(client_messages.TEAM, "selected_conversation", rows.channel)
        | select(client_messages.SHARED, "selected_conversation", None)
        | select(client_messages.MENTIONS, "selected_users", [rows.user])
        | select(client_messages.BACKUP, "selected_users", [])
    )
    return Filled(carried, values)


def _carried(rows: Rows, client: str) -> str:
    return json.dumps({"client": client, "channel": rows.channel, "seen": {}})


def _settings(rows: Rows) -> Filled:
    """Everything that can be chosen by an id is chosen from the other workspace."""
    days = {"selected_options": [{"value": "1"}]}
    values = {
        settings.OPERATIONS: {settings.OPERATIONS: {"selected_conversation": rows.channel}},
        settings.DAYS: {settings.DAYS: days},
        settings.WARN: {settings.WARN: days},
    } | {block: {block: {"selected_users": [rows.user]}} for block in (settings.ADMINS, settings.MENTIONS)}
    typed = typed_in(settings.ZONE, "Europe/Berlin") | typed_in(settings.MANY, "5")
    return Filled(json.dumps({"channel": rows.channel, "seen": {}}), values | typed)


def _set_up(rows: Rows) -> Filled:
    values = {
        setup.OPERATIONS: {setup.OPERATIONS: {"selected_conversation": rows.channel}},
        setup.ADMINS: {setup.ADMINS: {"selected_users": [rows.user]}},
    }
    return Filled(rows.workspace, values | typed_in(setup.ZONE, "Europe/Berlin"))


MODALS: dict[str, Callable[[Rows], Sequence[Filled]]] = {
    actions.COMPOSER: lambda rows: [_composed(rows, one) for one in of_client(rows)],
    actions.QUEUE_EDITOR: _queued,
    actions.QUEUE_MOVER: _queued,
    actions.CONNECT: _wanted,
    actions.RELEASE: _queued,
    actions.FAILED_EDITOR: _queued,
    actions.CHOOSER: _ticked,
    actions.DROP_ASKED: _ticked,
    actions.IMPORT_FILE: _uploaded,
    actions.IMPORT_QUEUE: lambda rows: [Filled(carried(rows), {})],
    actions.CLIENT: lambda rows: [_client_form(rows, _carried(rows, one)) for one in of_client(rows)],
    actions.CLOSING: lambda rows: [Filled(_carried(rows, one), {}) for one in of_client(rows)],
    actions.SETTINGS: lambda rows: [_settings(rows)],
    actions.SETUP: lambda rows: [_set_up(rows)],
}

COMMANDS: dict[str, Values] = {
    "/connect": lambda rows: [f"{rows.platform} {rows.slug}"],
    "/disconnect": lambda rows: ["", "all", f"{rows.platform} {rows.slug}"],
    "/health": lambda rows: ["", "all", rows.slug, "logins"],
    "/retry": lambda rows: ["", "all", rows.slug],
    "/post": lambda rows: ["", rows.slug, rows.client],
    "/queue": lambda rows: ["", "all", rows.slug],
    "/lamplighter": lambda rows: ["help", "clients", "setup", f"health {rows.slug}", "queue all", rows.slug],
}

MENUS: dict[str, Values] = {composer_blocks.CLIENT: lambda rows: ["", rows.slug[:3], rows.client]}

SHORTCUTS: dict[str, Values] = {actions.MAKE_POST: lambda rows: ["Look at this"]}


def _of_channel(name: str) -> Callable[[Rows], Sequence[JSON]]:
    return lambda rows: [{"type": name, "channel": one} for one in (rows.channel, rows.shared)]


def _renamed(name: str) -> Callable[[Rows], Sequence[JSON]]:
    return lambda rows: [{"type": name, "channel": {"id": rows.channel, "name": "ours"}}]


EVENTS: dict[str, Callable[[Rows], Sequence[JSON]]] = {
    "app_home_opened": lambda rows: [
        {"type": "app_home_opened", "tab": "home", "view": {"private_metadata": rows.client}}
    ],
    "app_uninstalled": lambda rows: [{"type": "app_uninstalled", "team_id": rows.team_id}],
    "tokens_revoked": lambda rows: [{"type": "tokens_revoked", "tokens": {"bot": [rows.bot]}}],
    "channel_id_changed": lambda rows: [
        {"type": "channel_id_changed", "old_channel_id": one, "new_channel_id": "C0STOLEN"}
        for one in (rows.channel, rows.shared, rows.operations)
    ],
    "member_joined_channel": lambda rows: [
        {"type": "member_joined_channel", "user": one, "channel": rows.channel} for one in (rows.bot, OUR_BOT)
    ],
    "message_metadata_posted": lambda rows: [
        {
            "type": "message_metadata_posted",
            "app_id": "A0LAMPLIGHT",
            "bot_id": "",
            "channel_id": rows.channel,
            "message_ts": "1.000001",
            "metadata": {"event_type": "lamplighter_notice", "event_payload": {"notice_id": one}},
        }
        for one in (rows.notice, rows.waiting)
    ],
    "channel_rename": _renamed("channel_rename"),
    "group_rename": _renamed("group_rename"),
} | {
    name: _of_channel(name)
    for name in (
        "channel_archive",
        "channel_deleted",
        "channel_left",
        "channel_shared",
        "channel_unarchive",
        "channel_unshared",
        "group_archive",
        "group_deleted",
        "group_left",
        "group_unarchive",
    )
}
