"""The modal of `/lamplighter settings`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.messages import actions, blocks, modals
from bot.messages.clients import groups_field, severity_options
from bot.messages.setup import ADMINS_HINT, OPERATIONS_HINT

OPERATIONS, ADMINS, ZONE = "settings.operations_channel", "settings.admins", "settings.zone"
DAYS, OPENS, CLOSES = "settings.working_days", "settings.opens", "settings.closes"
FROM, MENTIONS, GROUPS = "settings.mention_from", "settings.operations_mentions", "settings.groups"
MANY = "settings.many_posts"
SHARED, YES = "settings.alerts_in_shared_channels", "yes"
WARN, DEPUTIES, FOR_ALL = "settings.warning_days", "settings.deputies", "settings.for_all"
TITLE = "Settings"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
RIGHTS = {
    "disconnect": "disconnect accounts and take links back",
    "send_again": "send a post again that may be live already",
    "pause": "pause and resume a client",
    "clients": "change clients",
}


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """A workspace's settings. `groups` are user groups as people write them; hours are full ones of `zone`;
    `mention_from` and `for_all` hold words of bot.domain.preferences."""

    operations_channel: str | None
    admins: tuple[str, ...]
    zone: str
    working_days: tuple[int, ...]
    opens: int
    closes: int
    mention_from: str
    mentions: tuple[str, ...]
    groups: str
    warning_days: tuple[int, ...]
    deputies: tuple[str, ...]
    for_all: tuple[str, ...]
    many_posts: int
    alerts_in_shared_channels: bool


def settings(form: SettingsForm, warn_choices: Sequence[int], metadata: str) -> blocks.Block:
    """The whole modal."""
    shown = [*_places(form), *_alerts(form, warn_choices), *_hours(form), *_rights(form)]
    return modals.modal(TITLE, shown, callback_id=actions.SETTINGS, submit="Save", metadata=metadata)


def _places(form: SettingsForm) -> list[blocks.Block]:
    channel = modals.channel_element(form.operations_channel)
    return [
        modals.field(OPERATIONS, "Operations channel", channel, hint=OPERATIONS_HINT),
        modals.field(
            MENTIONS,
            "Who is mentioned there",
            modals.people_element(form.mentions),
            optional=True,
            hint="When an alert in the operations channel needs somebody. Clients have their own people.",
        ),
        groups_field(GROUPS, form.groups),
        modals.field(
            SHARED,
            "Alerts in shared channels",
            modals.several_element(
                [modals.option("Also where another company reads them", YES)],
                [YES] if form.alerts_in_shared_channels else [],
            ),
            optional=True,
            hint="Not ticked: what is for your team goes to the operations channel when a client's team "
            "channel is shared with another company. Invitations stay where they are.",
        ),
    ]


def _alerts(form: SettingsForm, warn_choices: Sequence[int]) -> list[blocks.Block]:
    severity = modals.one_element(severity_options(), form.mention_from)
    days = [modals.option(blocks.count(day, "day"), str(day)) for day in warn_choices]
    warn = modals.several_element(days, [str(day) for day in form.warning_days])
    return [
        modals.field(FROM, "When people are mentioned", severity, hint="Each client can have it otherwise."),
        modals.field(
            WARN,
            "Warn before a sign-in ends",
            warn,
            hint="So many days before. The last warning is shown in the channel, too.",
        ),
        modals.field(
            MANY,
            "Posts that make a busy day",
            modals.text_element(str(form.many_posts), most=4),
            hint="A day with so many posts of one client is looked at on the working day before.",
        ),
    ]


def _hours(form: SettingsForm) -> list[blocks.Block]:
    days = [modals.option(name, str(number)) for number, name in enumerate(WEEKDAYS, 1)]
    hours = [modals.option(f"{hour:02}:00", str(hour)) for hour in range(24)]
    return [
        modals.field(
            ZONE,
            "Time zone",
            modals.text_element(form.zone, most=64),
            hint="Of the working hours and of new clients, like Europe/Berlin. Each client can have its own.",
        ),
        modals.field(
            DAYS,
            "Working days",
            modals.several_element(days, [str(day) for day in form.working_days]),
            hint="What falls on a day off is warned of on the last working day before.",
        ),
        modals.field(OPENS, "Work begins", modals.menu_of(hours[:-1], str(form.opens))),
        modals.field(
            CLOSES,
            "Work ends",
            modals.menu_of(hours[1:], str(form.closes)),
            hint="What nobody takes goes to the backup after four working hours, then to operations.",
        ),
    ]


def _rights(form: SettingsForm) -> list[blocks.Block]:
    rights = [modals.option(words, right) for right, words in RIGHTS.items()]
    return [
        modals.field(ADMINS, "Admins", modals.people_element(form.admins), hint=ADMINS_HINT),
        modals.field(
            DEPUTIES,
            "Who else may do that for every client",
            modals.people_element(form.deputies),
            optional=True,
            hint="Disconnect, send again, pause and close; settings stay with the admins. The people who are "
            "named for a client may do it for that client anyway.",
        ),
        modals.field(
            FOR_ALL,
            "Every member may",
            modals.several_element(rights, form.for_all),
            optional=True,
            hint="Nothing ticked: only admins and named people. Guests and other teams never may.",
        ),
    ]


def saved(changed: int) -> blocks.Block:
    """What was stored."""
    words = f"✅ Saved: {blocks.count(changed, 'setting')} changed." if changed else "Nothing was changed."
    return modals.modal(TITLE, [blocks.section(words).block], close="Done")
