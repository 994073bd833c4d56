"""Reasons in words: what happened and what helps, apart for an account, for a post and for the operator.

Keys are the words of `bot.platforms.base.Reason`. `{title}` is the platform, `{login}` where people sign in
for it, `{noun}` its word for an account, `{cure}` what to press here, `{page}` where our access is listed at
the platform, `{ENV}` its app's prefix in the settings. Nothing a platform wrote ever gets in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.messages.blocks import link
from bot.messages.people import PlatformWords

RECONNECT = "press *Reconnect*"
CHECK = "press *Check now*"

NEEDS_MORE = frozenset(
    {
        "checkpoint",
        "security_hold",
        "role_lost",
        "suspended",
        "restricted",
        "account_type",
        "account_gone",
        "target_gone",
        "spam",
    }
)
"""Reasons that a reconnect alone does not cure."""

APP_REASONS = frozenset(
    {
        "app_secret",
        "app_suspended",
        "app_not_reviewed",
        "app_settings",
        "version_retired",
        "credits",
        "app_quota",
    }
)
"""Our own app is at fault: the operator's business, never blamed on a client."""


@dataclass(frozen=True, slots=True)
class Words:
    """What happened, and what to do about it: finished mrkdwn sentences."""

    what: str
    advice: str


_OURS = (
    "Our own app has a problem at {login}. The {noun} is fine.",
    "Nobody has to reconnect: the operator was told.",
)

ACCOUNT: Mapping[str, tuple[str, str]] = {
    "expired": ("The permission that {login} gave us has run out.", "To renew it, {cure} and sign in."),
    "revoked": (
        "Somebody removed our access at {login}.",
        "If that was not on purpose, {cure} and sign in again. What may use the login is listed in {page}.",
    ),
    "password_changed": (
        "The password at {login} was changed, and that ends our access.",
        "Nothing is wrong: {cure} and sign in again.",
    ),
    "checkpoint": (
        "{login} wants somebody to log in there and confirm that it is really them.",
        "Log in at {login}, do what it asks, then {cure}.",
    ),
    "security_hold": (
        "{title} asks for a security check, such as a second factor or proof of identity.",
        "Log in at {title}, finish the check, then {cure}.",
    ),
    "permission_missing": (
        "A permission that we need at {login} is missing{permission}.",
        "To give it, {cure} and leave every box ticked. "
        "If that changes nothing, first remove our app in {page}.",
    ),
    "role_lost": (
        "The person who linked this {noun} may no longer post for it.",
        "Give that person the role back at {title}, or let somebody who has it sign in: then {cure}.",
    ),
    "suspended": (
        "{title} has suspended this {noun}.",
        "Log in at {title} to see why and to appeal. Once it is back, {cure}.",
    ),
    "restricted": (
        "{title} has restricted this {noun} for now.",
        "Log in at {title} to see why. Once that is lifted, {cure}.",
    ),
    "account_type": (
        "{title} lets us post only for professional accounts, and this {noun} is not one any more.",
        "Switch it back in its settings at {title}, then {cure}.",
    ),
    "account_gone": (
        "{title} says that this {noun} does not exist any more.",
        "If it was renamed or came back, {cure}. Otherwise link the one that takes its place.",
    ),
    "target_gone": (
        "What we post to at {title} was deleted there.",
        "Link the one that takes its place. If it came back, {cure}.",
    ),
    "lost_answer": (
        "An answer of {login} was lost in a restart or a dropped connection, and our access with it.",
        "Nobody did anything wrong: {cure} once, and it works again.",
    ),
    "refused": (
        "{login} has ended our access and does not say why.",
        "To open it again, {cure} and sign in.",
    ),
    "rate_limit": ("{title} asks us to slow down.", "Nothing to do: we try again by ourselves."),
    "daily_cap": ("{title} takes no more from this {noun} today.", "Nothing to do: we go on when it does."),
    "spam": (
        "{title} blocks posting from this {noun} for a while.",
        "Post less, or less alike, for some days. Once the block is lifted, {cure}.",
    ),
    "platform_down": ("{title} does not answer at the moment.", "Nothing to do: we go on when it does."),
    "unreadable": ("{title} answers with something that we cannot read.", "Nothing to do: we try again."),
    "unknown": (
        "{title} refuses us for a reason that we do not know yet.",
        "First {cure}. If that does not help, ask whoever runs this bot: the details are in its log.",
    ),
}
"""The account or its login."""

POST: Mapping[str, tuple[str, str]] = {
    "rate_limit": ("{title} told us to slow down for too long.", "Wait an hour, then {cure}."),
    "daily_cap": ("The daily limit of {title} for this {noun} is reached.", "Tomorrow, {cure}."),
    "spam": ("{title} takes this for spam and blocks the {noun} for a while.", "Wait a day, then {cure}."),
    "text_too_long": ("The text is too long for {title}.", "To shorten it, press *Edit*."),
    "text_refused": ("{title} does not accept this text.", "To change the wording, press *Edit*."),
    "link_refused": ("{title} does not accept the link.", "To change it or leave it out, press *Edit*."),
    "media_missing": ("{title} takes no post without a picture or film.", "Add one in a new post."),
    "media_format": (
        "{title} cannot use this kind of file.",
        "Use a JPEG picture or an MP4 film in a new post.",
    ),
    "media_size": ("The file is too large for {title}.", "Make it smaller and use it in a new post."),
    "media_ratio": ("The picture is too wide or too tall for {title}.", "Crop it and use it in a new post."),
    "media_duration": ("The film is too short or too long for {title}.", "Cut it and use it in a new post."),
    "media_unreachable": (
        "{title} could not fetch the picture or film.",
        "See that its link opens without a login, then {cure}.",
    ),
    "target_gone": (
        "Where it should appear at {title} does not exist any more.",
        "Choose another in a new post.",
    ),
    "policy": (
        "{title} says that this breaks its rules.",
        "To change the wording, press *Edit*; other pictures need a new post.",
    ),
    "duplicate": (
        "{title} refuses it as a copy of something that is there already.",
        "Look at the {noun} first: it may be live. Otherwise press *Edit* and change the wording.",
    ),
    "refused": (
        "{title} refused it and does not say why.",
        "Look at the {noun} at {title}: it may be limited there. Then {cure}, or change the post.",
    ),
    "platform_down": ("{title} did not answer, however often we tried.", "In a while, {cure}."),
    "unreadable": ("{title} answered with something that we cannot read.", "In a while, {cure}."),
    "lost_answer": ("The answer of {title} was lost in a restart.", "Look at the {noun} first, then {cure}."),
    "unknown": (
        "{title} refused it for a reason that we do not know yet.",
        "Try once more: {cure}. If that does not help, ask whoever runs this bot.",
    ),
}
"""One post on one account. What is not in here is the account's trouble."""

OPERATOR: Mapping[str, tuple[str, str]] = {
    "app_secret": (
        "{login} does not accept our client id or secret.",
        "Compare `{ENV}_CLIENT_ID` and `{ENV}_CLIENT_SECRET` with the developer console and restart. "
        "`lamplighter doctor` checks them.",
    ),
    "app_suspended": (
        "{login} has suspended or restricted our developer app.",
        "Open the developer console: it says why and how to appeal.",
    ),
    "app_not_reviewed": (
        "{login} allows this only to reviewed apps.",
        "Submit the app for review in the developer console, or add the accounts as testers.",
    ),
    "app_settings": (
        "A setting of our developer app at {login} is wrong or missing.",
        "Compare redirect address, products and permissions in the developer console with what "
        "`lamplighter doctor` says.",
    ),
    "version_retired": (
        "{login} has retired the version of its interface that we use.",
        "Update the bot, or set a newer version in the settings.",
    ),
    "credits": (
        "Our credits at {login} are used up, or a spending cap is reached.",
        "Buy credits or raise the cap in the developer console.",
    ),
    "app_quota": (
        "The quota of our developer app at {login} is used up.",
        "Wait until it renews, or ask for a larger one in the developer console.",
    ),
}
"""Our developer app, for whoever runs this bot."""

BY_PLATFORM: Mapping[tuple[str, str], tuple[str, str]] = {
    ("instagram", "account_type"): (
        "Instagram lets us post only for professional accounts, and this one is personal now.",
        "Switch it back in the Instagram app under Settings, Account type and tools. Then {cure}.",
    ),
    ("instagram", "media_missing"): (
        "Instagram takes no post without a picture or film.",
        "Add one in a new post.",
    ),
    ("instagram", "media_format"): (
        "Instagram takes only JPEG pictures and MP4 or MOV films.",
        "Convert the file and use it in a new post.",
    ),
    ("pinterest", "suspended"): (
        "Pinterest has suspended the account that this board belongs to.",
        "Log in at Pinterest to see why and to appeal. Once it is back, {cure}.",
    ),
    ("pinterest", "restricted"): (
        "Pinterest is reviewing the account that this board belongs to and lets nothing be posted.",
        "Log in at Pinterest to see why. Once that is over, {cure}.",
    ),
    ("x", "restricted"): (
        "X has locked this account for now.",
        "Log in at X: it says what to do to unlock it. After that, {cure}.",
    ),
}


def account_words(
    reason: str, platform: PlatformWords, *, cure: str = RECONNECT, permission: str | None = None
) -> Words:
    """Why an account does not work. `permission`: what the missing one is for ("posting")."""
    found = _find(
        reason, platform, _OURS if reason in APP_REASONS else ACCOUNT.get(reason, ACCOUNT["unknown"])
    )
    return _filled(found, platform, cure, permission)


def post_words(reason: str, platform: PlatformWords, *, cure: str = "press *Retry*") -> Words:
    """Why one post did not go out."""
    if reason in APP_REASONS:
        found = (_OURS[0], f"The operator was told. When it works again, {cure}.")
    else:
        found = POST.get(reason) or ACCOUNT.get(reason) or POST["unknown"]
    return _filled(_find(reason, platform, found), platform, cure, None)


def operator_words(reason: str, platform: PlatformWords) -> Words:
    """What is wrong with our own app. Anything else is told as it concerns accounts."""
    found = OPERATOR.get(reason)
    if found is None:
        return account_words(reason, platform, cure="look at the log and `lamplighter doctor`")
    return _filled(found, platform, "", None)


def cure_of(reason: str, *, can_check: bool) -> str:
    """What to press: *Check now* where a reconnect alone does not help and the alert has that button."""
    return CHECK if can_check and reason in NEEDS_MORE else RECONNECT


def _find(reason: str, platform: PlatformWords, found: tuple[str, str]) -> tuple[str, str]:
    return BY_PLATFORM.get((platform.key, reason), found)


def _filled(found: tuple[str, str], platform: PlatformWords, cure: str, permission: str | None) -> Words:
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
