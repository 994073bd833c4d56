"""`/lamplighter settings`: what a workspace can choose, in one window."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.commands.client_form import beside_fields, entered, people_of, read_groups, text_of, tried, unpacked
from bot.commands.desk import Desk
from bot.commands.requests import Press, Request, in_words, listen_for_press
from bot.commands.setup import demand_setup
from bot.commands.who import Asker, who_asks
from bot.commands.zones import read_zone
from bot.domain import ahead, merging, workspace_changes
from bot.domain.errors import FieldProblems
from bot.domain.preferences import WARN_CHOICES, MentionFrom, Right
from bot.domain.workspace_changes import WorkspaceValues
from bot.messages import actions
from bot.messages import settings as messages


async def open_settings(desk: Desk, request: Request) -> None:
    """`/lamplighter settings`."""
    await _open(desk, request.asker, request.channel_id, request.trigger_id)


async def press_settings(desk: Desk, press: Press) -> None:
    """The button that leads there."""
    await _open(desk, press.asker, press.channel_id, press.trigger_id)


async def _open(desk: Desk, asker: Asker, channel_id: str | None, trigger_id: str) -> None:
    demand_setup(asker)
    values = workspace_changes.values_of(asker.workspace)
    carried = {"channel": channel_id, "seen": merging.marks(values.plain())}
    view = messages.settings(_form(values), WARN_CHOICES, json.dumps(carried))
    await desk.gateway.open_view(asker.workspace.id, trigger_id, view)


def _form(values: WorkspaceValues) -> messages.SettingsForm:
    groups = [item for item in values.operations_mentions if item.startswith("S")]
    return messages.SettingsForm(
        operations_channel=values.operations_channel,
        admins=values.admins,
        zone=values.zone,
        working_days=values.working_days,
        opens=values.working_hours[0],
        closes=values.working_hours[1],
        mention_from=values.mention_from,
        mentions=tuple(item for item in values.operations_mentions if item not in groups),
        groups=" ".join(groups),
        warning_days=values.warning_days,
        deputies=values.deputies,
        for_all=tuple(values.for_all),
        many_posts=values.many_posts,
        alerts_in_shared_channels=values.alerts_in_shared_channels,
    )


def read_form(view: Mapping[str, Any]) -> tuple[WorkspaceValues, dict[str, str]]:
    """What was filled in, and what is wrong with it, by block. Pure."""
    values = view["state"]["values"]
    errors: dict[str, str] = {}
    zone = tried(errors, messages.ZONE, read_zone, text_of(values, messages.ZONE))
    channel = entered(values, messages.OPERATIONS, "selected_conversation") or None
    admins = people_of(values, messages.ADMINS)
    days = _numbers(values, messages.DAYS)
    warn = _numbers(values, messages.WARN)
    opens, closes = _hour(values, messages.OPENS, 9), _hour(values, messages.CLOSES, 18)
    groups = read_groups(errors, messages.GROUPS, text_of(values, messages.GROUPS))
    typed = text_of(values, messages.MANY)
    many = int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 4 else 0
    wanted = (
        (channel, messages.OPERATIONS, "Choose a channel."),
        (admins, messages.ADMINS, "Choose at least one person."),
        (days, messages.DAYS, "Choose at least one day."),
        (warn, messages.WARN, "Choose at least one."),
        (1 <= many <= ahead.MOST, messages.MANY, f"Write a number from 1 to {ahead.MOST}."),
        (opens < closes, messages.CLOSES, "Work ends after it begins: choose a later hour."),
    )
    errors |= {block: words for fine, block, words in wanted if not fine}
    chosen = (entered(values, messages.FROM, "selected_option") or {}).get("value")
    rights = _options(values, messages.FOR_ALL)
    found = WorkspaceValues(
        operations_channel=channel,
        admins=admins,
        zone=zone,
        working_days=tuple(sorted(day for day in days if day in range(1, 8))),
        working_hours=(opens, closes),
        mention_from=MentionFrom.DEAD if chosen == MentionFrom.DEAD else MentionFrom.WARNING,
        operations_mentions=(*people_of(values, messages.MENTIONS), *groups),
        warning_days=tuple(sorted((day for day in warn if day in WARN_CHOICES), reverse=True)),
        deputies=people_of(values, messages.DEPUTIES),
        for_all=tuple(right for right in Right if right in rights),
        many_posts=many,
        alerts_in_shared_channels=messages.YES in _options(values, messages.SHARED),
    )
    return found, errors


def _options(values: Mapping[str, Any], block_id: str) -> list[str]:
    return [str(item["value"]) for item in entered(values, block_id, "selected_options") or ()]


def _numbers(values: Mapping[str, Any], block_id: str) -> list[int]:
    return [int(word) for word in _options(values, block_id) if word.isascii() and word.isdigit()]


def _hour(values: Mapping[str, Any], block_id: str, default: int) -> int:
    word = str((entered(values, block_id, "selected_option") or {}).get("value") or "")
    return int(word) if word.isascii() and word.isdigit() and int(word) < 24 else default


async def submit(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> None:
    """Stores what was filled in, or says beside each field what is wrong."""
    demand_setup(asker)
    values, errors = read_form(view)
    changes: Mapping[str, Any] = {}
    if not errors:
        seen = unpacked(view).seen or {}
        try:
            async with desk.house.db.write() as session:
                now = desk.house.clock.now()
                changes = await workspace_changes.change(session, asker.actor, seen, values, now)
        except FieldProblems as refused:
            errors = beside_fields(refused, view, "settings")
    if errors:
        await ack(response_action="errors", errors=errors)
        return
    desk.house.wake.all()
    await ack(response_action="update", view=dict(messages.saved(len(changes))))


def register(app: AsyncApp, desk: Desk) -> None:
    """The button and the window; the word is `/lamplighter`'s."""

    async def submitted(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], workspace_id: str) -> None:
        user = body["user"]
        with in_words():
            channel_id = unpacked(view).channel_id
            asker = await who_asks(desk, workspace_id, user["id"], channel_id, user.get("team_id"))
            await submit(desk, asker, ack, view)

    listen_for_press(app, desk, actions.OPEN_SETTINGS, press_settings)
    app.view(actions.SETTINGS)(submitted)
