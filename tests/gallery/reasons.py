"""An alert for every reason that each platform can give, taken from the tables that judge its answers."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import ModuleType

import bot.platforms
from bot.domain import tokens
from bot.messages import incident
from bot.messages.people import Account, PlatformWords
from bot.messages.reasons import ENDING
from bot.platforms.base import Platform
from bot.platforms.errors import Kind, Reason
from bot.platforms.registry import build_platforms
from bot.settings import load_settings
from tests.gallery.case import Case, case
from tests.messages.message_facts import alert, group

PLATFORMS = build_platforms(load_settings({}, None, require="none"))
FAMILIES = {
    "facebook": ("meta", "facebook"),
    "instagram": ("meta", "instagram"),
    "instagram@facebook": ("meta", "instagram_facebook", "instagram_media"),
    "threads": ("meta", "threads"),
    "linkedin_pages": ("linkedin",),
    "linkedin_pages@linkedin": ("linkedin",),
}
"""Whose modules judge a platform's answers, where they are not only those that are named after it."""
OF_A_LOGIN = (Kind.DEAD, Kind.TOKEN)
OF_AN_ACCOUNT = (Kind.PERMISSION, Kind.ACCOUNT)

Told = tuple[str, Reason]
"""What an alert is about ("login", "account" or "app") and why."""


def _modules(key: str) -> Iterator[ModuleType]:
    names = FAMILIES.get(key, (key.partition("@")[0],))
    for item in pkgutil.iter_modules(bot.platforms.__path__, "bot.platforms."):
        name = item.name.rpartition(".")[2]
        if name == "oauth" or any(name == family or name.startswith(f"{family}_") for family in names):
            yield importlib.import_module(item.name)


def _told_in(value: object) -> Iterator[Told]:
    """Every pair of a kind and a reason in a table, however it is written, that opens an alert."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _told_in(item)
    elif isinstance(value, tuple):
        pair = value[:2]
        if len(pair) == 2 and isinstance(pair[0], Kind) and isinstance(pair[1], Reason):
            yield from _told(pair[0], pair[1])
        else:
            for item in value:
                yield from _told_in(item)
    else:
        kind, reason = getattr(value, "kind", None), getattr(value, "reason", None)
        if isinstance(kind, Kind) and isinstance(reason, Reason):
            yield from _told(kind, reason)


def _told(kind: Kind, reason: Reason) -> Iterator[Told]:
    if kind in OF_A_LOGIN:
        yield "login", reason
    elif kind in OF_AN_ACCOUNT:
        yield "account", reason
    elif kind is Kind.APP:
        yield "app", reason


def told_of(key: str) -> frozenset[Told]:
    """What alerts of a platform can be about."""
    found = {
        told
        for module in _modules(key)
        for name, value in vars(module).items()
        if name.isupper()
        for told in _told_in(value)
    }
    found.add(("login", Reason.EXPIRED))  # by the clock, whatever a platform says
    if tokens.can_be_spent(PLATFORMS[key].info):
        found.add(("login", Reason.LOST_ANSWER))
    return frozenset(found)


def words_of(platform: Platform) -> PlatformWords:
    """A platform in words, as alerts have it."""
    info = platform.info
    return PlatformWords(
        info.key,
        info.title,
        info.account_noun,
        info.post_noun,
        info.permission_page,
        info.company,
        info.login,
        info.provider,
    )


def _case(key: str, about: str, reason: Reason) -> Case:
    words = words_of(PLATFORMS[key])
    name = f"reason/{key}: {about}, {reason}"
    if about == "app":
        facts = alert(kind="app", reason=reason, platform=words, groups=(), called=("U0ADA",))
        return case(name, incident.incident, facts)
    kind = "grant" if about == "login" else "connection"
    touched = (group(account=Account(words, "acme", "Acme Shoes")),)
    facts = alert(kind=kind, reason=reason, platform=words, groups=touched, permission="posting")
    return case(name, incident.incident, facts)


def _ending(key: str, reason: Reason) -> Case:
    """The same while its token still works."""
    words = words_of(PLATFORMS[key])
    touched = (group(account=Account(words, "acme", "Acme Shoes")),)
    facts = alert(severity="warning", reason=reason, platform=words, groups=touched)
    return case(f"reason/{key}: login ends, {reason}", incident.incident, facts)


CASES: list[Case] = [_case(key, about, reason) for key in PLATFORMS for about, reason in sorted(told_of(key))]
CASES += [_ending("x", Reason(reason)) for reason in (*ENDING, Reason.LOST_ANSWER)]
