"""How Instagram words its refusals, and what it says of an account (meta facts §1.2, §3.5, §3.6)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from sandbox.platforms.core import API, CALLS, Call, Manners, Rule
from sandbox.platforms.faults import Fault
from sandbox.platforms.meta import CHECKPOINT, GraphError, only, secret_refused, service_down, usage, worded
from sandbox.platforms.model import Account

BASIC = "instagram_business_basic"
PUBLISH = "instagram_business_content_publish"
QUOTA = 100
PERSONAL = GraphError(100, "The user is not an Instagram Business")
ONLY_MEDIA = "Only photo or video can be accepted as media type."
UNFETCHABLE = GraphError(
    9004,
    ONLY_MEDIA,
    2207052,
    user=("Media download has failed", "The media could not be fetched from this URI."),
)
TIMED_OUT = GraphError(-2, "Media download has timed out.", 2207003)
TOO_BIG = GraphError(
    36000,
    "The image size is too large.",
    2207004,
    user=("Image size too large", "The image is too large to download. It should be less than 8 MiB."),
)
NOT_JPEG = GraphError(
    36001,
    "The image format is not supported.",
    2207005,
    user=("Image format", "Supported formats are: JPEG."),
)
RATIO = GraphError(
    36003,
    "The aspect ratio is not supported.",
    2207009,
    user=("Aspect ratio", "The submitted image's aspect ratio must be between 4:5 and 1.91:1."),
)
CAPTION = GraphError(
    36004,
    "The caption was too long.",
    2207010,
    user=("Caption too long", "The caption can have 2,200 characters, 30 hashtags and 20 mentions."),
)
UNKNOWN_TYPE = GraphError(100, "The media type is unknown.", 2207023)
CAROUSEL = GraphError(100, "A carousel must have 2 to 10 items.", 2207028)
NOT_READY = GraphError(
    9007,
    "Media ID is not available",
    2207027,
    user=("Media is not ready", "The media is not ready for publishing, please wait for a moment."),
)
NOT_FOUND = GraphError(
    24,
    "The requested resource does not exist",
    2207008,
    user=("Media builder not found", "The media builder with this creation id does not exist or is expired."),
)
CAP = GraphError(
    9,
    "Application request limit reached",
    2207042,
    user=("Daily limit", "You reached the maximum number of posts that can be published by API in 24 hours."),
)


def professional(account: Account) -> bool:
    """Whether the account is a business or creator account; personal ones have no API."""
    return account.extra.get("account_type", "BUSINESS") in ("BUSINESS", "MEDIA_CREATOR")


def app_scoped(account: Account) -> str:
    """The account's id for our app: another number than the professional account's."""
    return str(account.extra.get("app_scoped_id") or "2" + account.id[1:])


def account_fields(call: Call) -> dict[str, Any]:
    """Every field that `/me` and `/{id}` can show."""
    account = call.who()
    return {
        "id": app_scoped(account),
        "user_id": account.id,
        "username": account.handle,
        "name": account.name,
        "account_type": account.extra.get("account_type", "BUSINESS"),
        "profile_picture_url": account.picture or None,
        "followers_count": int(account.extra.get("followers_count", 120)),
        "follows_count": int(account.extra.get("follows_count", 40)),
        "media_count": len(call.world.posts_of("instagram", account.id)),
        "biography": account.extra.get("biography"),
        "website": account.extra.get("website"),
    }


def _rate_limited(call: Call, fault: Fault) -> Response:
    minutes = 30 if fault.value is None else int(fault.value)
    usage(call, "instagram", 100, minutes)
    message = "There have been too many calls to this Instagram account. Wait a bit and try again."
    return GraphError(80002, f"(#80002) {message}").response()


WRITING = frozenset({"publish", "prepare"})
SPAM = GraphError(
    4,
    "Application request limit reached",
    2207051,
    user=("Action blocked", "We restrict certain activity to protect our community."),
)
RESTRICTED = GraphError(
    25,
    "The Instagram account is restricted.",
    2207050,
    user=(
        "Account restricted",
        "The Instagram professional account is inactive, checkpointed or restricted.",
    ),
)

MANNERS = Manners(
    platform="instagram",
    unavailable=service_down,
    losable=frozenset({PUBLISH}),
    rules={
        "secret_wrong": Rule(frozenset({"token"}), secret_refused),
        "app_suspended": worded(200, "API access blocked."),
        "rate_limited": Rule(CALLS, _rate_limited),
        "checkpoint": worded(190, CHECKPOINT, 459),
        "suspended": only(API, RESTRICTED),
        "spam_block": only(WRITING, SPAM),
        "daily_cap": only(frozenset({"publish"}), CAP),
        "duplicate": only(frozenset({"publish"}), GraphError(506, "Duplicate status message")),
    },
)
