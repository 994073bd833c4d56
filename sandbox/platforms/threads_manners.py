"""How Threads words its refusals, and what it says of a profile (meta facts §1.2, §4.4 to §4.6)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from sandbox.platforms.core import API, CALLS, Call, Manners, Rule
from sandbox.platforms.faults import Fault
from sandbox.platforms.meta import (
    CHECKPOINT,
    NO_PERMISSION,
    GraphError,
    only,
    secret_refused,
    service_down,
    usage,
    worded,
)

BASIC = "threads_basic"
PUBLISH = "threads_content_publish"
REPLY = "threads_manage_replies"
DELETE = "threads_delete"
POSTS_A_DAY, REPLIES_A_DAY, DELETES_A_DAY = 250, 1000, 100
NOT_INVITED = "The user has not accepted the invite to test the app"
NOT_FOUND = GraphError(
    24,
    "The requested resource does not exist",
    4279009,
    user=("Media Not Found", "Cannot find media with the given ID"),
)
TOO_LONG = GraphError(100, "(#100) Param text must be at most 500 characters long.", type="THApiException")
UNFETCHABLE = GraphError(
    9004,
    "Only photo or video can be accepted as media type.",
    2207052,
    user=("Media download has failed", "The media could not be fetched from this URI."),
)
CAP = GraphError(
    9,
    "Application request limit reached",
    2207042,
    user=("Daily limit", "You reached the maximum number of posts that can be published by API in 24 hours."),
)
REPLY_REFUSED = GraphError(10, NO_PERMISSION, user=("Cannot reply", "You cannot reply to this post."))
SPAM = GraphError(
    4,
    "Application request limit reached",
    2207051,
    user=("Action blocked", "We restrict certain activity to protect our community."),
)
WRITING = frozenset({"publish", "prepare"})


def profile_fields(call: Call) -> dict[str, Any]:
    """Every field that `/me` can show."""
    account = call.who()
    return {
        "id": account.id,
        "username": account.handle,
        "name": account.name,
        "threads_profile_picture_url": account.picture or None,
        "threads_biography": account.extra.get("biography"),
        "is_verified": bool(account.extra.get("is_verified", False)),
    }


def _rate_limited(call: Call, fault: Fault) -> Response:
    usage(call, "threads", 100, 30 if fault.value is None else int(fault.value))
    return GraphError(613, "(#613) Calls to this api have exceeded the rate limit.").response()


def _must_act(call: Call, fault: Fault) -> Response:
    sub = 4279013 if fault.value is None else int(fault.value)
    said = ("Account restricted", "Open Threads and follow the instructions there.")
    return GraphError(10, "The user is restricted.", sub, user=said).response()


def _not_invited(call: Call, fault: Fault) -> Response:
    return GraphError(10, NOT_INVITED).response()


RESTRICTED = GraphError(
    25,
    "The Threads profile is restricted.",
    4279013,
    user=("Account restricted", "This profile is restricted."),
)

MANNERS = Manners(
    platform="threads",
    unavailable=service_down,
    losable=frozenset({PUBLISH}),
    rules={
        "secret_wrong": Rule(frozenset({"token"}), secret_refused),
        "unreviewed": Rule(frozenset({"authorize"}), _not_invited),
        "app_suspended": worded(200, "API access blocked."),
        "rate_limited": Rule(CALLS, _rate_limited),
        "checkpoint": worded(190, CHECKPOINT, 459),
        "suspended": only(API, RESTRICTED),
        "user_must_act": Rule(WRITING, _must_act),
        "policy_block": only(WRITING, GraphError(368, "The action attempted has been deemed abusive.")),
        "spam_block": only(WRITING, SPAM),
        "daily_cap": only(frozenset({"publish"}), CAP),
        "id_late": only(frozenset({"publish"}), NOT_FOUND),
        "duplicate": only(frozenset({"publish"}), GraphError(506, "Duplicate status message")),
    },
)
