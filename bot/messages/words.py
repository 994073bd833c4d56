"""What the tables of reasons say of one platform: finished sentences for an account, a post, the operator."""

from __future__ import annotations

from dataclasses import dataclass

from bot.messages.blocks import link
from bot.messages.people import PlatformWords
from bot.messages.reasons import (
    ACCOUNT,
    APP_REASONS,
    BY_PLATFORM,
    ENDING,
    NEEDS_MORE,
    OPERATOR,
    OURS,
    POST,
    Texts,
)

RECONNECT = "press *Reconnect*"
CHECK = "press *Check now*"
CHECK_IN_DETAILS = "press *Check now* in its details"


@dataclass(frozen=True, slots=True)
class Words:
    """What happened, and what to do about it: finished mrkdwn sentences."""

    what: str
    advice: str


def account_words(
    reason: str,
    platform: PlatformWords,
    *,
    cure: str = RECONNECT,
    permission: str | None = None,
    is_ending: bool = False,
) -> Words:
    """Why an account does not work, or (`is_ending`) works only for now. `permission`: what the missing one
    is for ("posting")."""
    if is_ending and reason in ENDING:
        return _filled(ENDING[reason], platform, cure, permission)
    found = _find(
        reason, platform, OURS if reason in APP_REASONS else ACCOUNT.get(reason, ACCOUNT["unknown"])
    )
    return _filled(found, platform, cure, permission)


def post_words(reason: str, platform: PlatformWords, *, cure: str = "press *Retry*") -> Words:
    """Why one post did not go out."""
    if reason in APP_REASONS:
        found = (OURS[0], f"The operator was told. When it works again, {cure}.")
    else:
        found = POST.get(reason) or ACCOUNT.get(reason) or POST["unknown"]
    return _filled(_find(reason, platform, found), platform, cure, None)


def retry_helps(reason: str, platform: PlatformWords) -> bool:
    """Whether the same post may pass when it is sent again; otherwise something has to be changed first."""
    if reason in APP_REASONS:
        return True
    found = POST.get(reason) or ACCOUNT.get(reason) or POST["unknown"]
    return "{cure}" in _find(reason, platform, found)[1]


def operator_words(reason: str, platform: PlatformWords) -> Words:
    """What is wrong with our own app. Anything else is told as it concerns accounts."""
    found = OPERATOR.get(reason)
    if found is None:
        return account_words(reason, platform, cure="look at the log and `lamplighter doctor`")
    return _filled(found, platform, "", None)


def cure_of(reason: str, *, can_check: bool) -> str:
    """What to press: *Check now* where a reconnect alone does not help and the alert has that button."""
    return CHECK if can_check and reason in NEEDS_MORE else RECONNECT


def _find(reason: str, platform: PlatformWords, found: Texts) -> Texts:
    return BY_PLATFORM.get((platform.key, reason), found)


def _filled(found: Texts, platform: PlatformWords, cure: str, permission: str | None) -> Words:
    fields = {
        "title": platform.site,
        "login": platform.door,
        "noun": platform.account_noun,
        "cure": cure,
        "permission": f" ({permission})" if permission else "",
        "page": link(f"your apps at {platform.door}", platform.permission_page),
        "ENV": (platform.app or platform.key).upper(),
    }
    return Words(found[0].format(**fields), found[1].format(**fields))
