"""Every reason in words, as tables: what happened, and what helps. For an account, for one post, and for
whoever runs the bot.

Keys are the words of `bot.platforms.errors.Reason`; a post's are also a word of `bot.domain.delivering`.
`{title}` is the platform, `{login}` where people sign in for it, `{noun}` its word for an account, `{cure}`
what to press here, `{page}` where our access is listed at the platform, `{ENV}` its app's prefix in the
settings. Nothing a platform wrote ever gets in here.
"""

from __future__ import annotations

from collections.abc import Mapping

Texts = tuple[str, str]
"""What happened, and what to do about it: a sentence or two each, with fields to fill in."""

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

OURS: Texts = (
    "Our own app has a problem at {login}. The {noun} is fine.",
    "Nobody has to reconnect: the operator was told.",
)

ACCOUNT: Mapping[str, Texts] = {
    "expired": ("The permission that {login} gave us has run out.", "To renew it, {cure} and sign in."),
    "revoked": (
        "Somebody removed our access at {login}.",
        "If that was not on purpose, {cure} and sign in again. To see which apps have access, open {page}.",
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
        "If that changes nothing, first remove our app from {page}.",
    ),
    "role_lost": (
        "The person who linked this {noun} may no longer post for it.",
        "Give that person the role back at {title}, then {cure}. Or let somebody who has it sign in with "
        "*Reconnect*.",
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
        "If it was renamed or came back, {cure}. Otherwise `/connect` links the one that takes its place.",
    ),
    "target_gone": (
        "What we post to at {title} was deleted there.",
        "If it came back, {cure}. Otherwise `/connect` links the one that takes its place.",
    ),
    "lost_answer": (
        "An answer of {login} was lost in a restart or a dropped connection. Without it our access cannot "
        "be renewed.",
        "Nobody did anything wrong: {cure} and sign in once, then all is well.",
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

ENDING: Mapping[str, Texts] = {
    "expired": (
        "The permission that {login} gave us ends, and only a person can renew it.",
        "To renew it, {cure} and sign in.",
    ),
    "revoked": (
        "{login} says that somebody removed our access, and does not renew it any more.",
        ACCOUNT["revoked"][1],
    ),
    "password_changed": (
        "The password at {login} was changed, and so our access is not renewed any more.",
        ACCOUNT["password_changed"][1],
    ),
    "refused": (
        "{login} does not renew our access any more, and does not say why.",
        "To keep it, {cure} and sign in.",
    ),
}
"""A login that works until its token ends: what would otherwise sound as if it were over already."""

POST: Mapping[str, Texts] = {
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
    "disconnected": (
        "This {noun} was disconnected before the post was out.",
        "If it should go out all the same, link the {noun} again with `/connect`, then {cure}.",
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

OPERATOR: Mapping[str, Texts] = {
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
        "Update the bot, or set a newer version in the settings (`META_GRAPH_VERSION`, `LINKEDIN_VERSION`) "
        "and restart.",
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

WITHOUT_BOXES: Texts = (
    ACCOUNT["permission_missing"][0],
    "To give it, {cure} and sign in. If that changes nothing, first remove our app from {page}.",
)
"""Where people cannot leave single permissions out."""

BY_PLATFORM: Mapping[tuple[str, str], Texts] = {
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
    ("linkedin_pages", "restricted"): (
        "LinkedIn has restricted the person who linked this Page.",
        "That person logs in at LinkedIn to see why. Once it is lifted, {cure}. Or let somebody else who has "
        "the role sign in.",
    ),
    ("youtube", "restricted"): (
        "Whoever administers this Google account does not allow our app.",
        "Ask for the app to be allowed in the admin console of Google Workspace, then {cure}.",
    ),
    ("pinterest", "permission_missing"): WITHOUT_BOXES,
    ("x", "permission_missing"): WITHOUT_BOXES,
    ("x", "restricted"): (
        "X has locked this account for now.",
        "Log in at X: it says what to do to unlock it. After that, {cure}.",
    ),
}
