"""How Facebook words its refusals (meta facts §1.2, §1.3, §2.6)."""

from __future__ import annotations

import json

from starlette.responses import Response

from sandbox.platforms.core import API, CALLS, Call, Manners, Rule, html
from sandbox.platforms.faults import Fault
from sandbox.platforms.meta import (
    CHECKPOINT,
    GraphError,
    only,
    secret_refused,
    service_down,
    usage,
    worded,
)

LIST, READ, POST = "pages_show_list", "pages_read_engagement", "pages_manage_posts"
ENGAGE, META, BUSINESS = "pages_manage_engagement", "pages_manage_metadata", "business_management"
IG_BASIC, IG_PUBLISH = "instagram_basic", "instagram_content_publish"
WRITING = frozenset({"publish", "prepare"})

NO_TOKEN = GraphError(
    2500, "An active access token must be used to query information about the current user."
)
NO_APP = GraphError(101, "Error validating application. Cannot get application info due to a system error.")
BAD_TOKEN = GraphError(190, "Invalid OAuth access token.")
LOGGED_OUT = GraphError(
    190, "Error validating access token: Session does not match current stored session.", 467
)
IMPERSONATING = GraphError(
    190,
    "Any of the pages_read_engagement, pages_manage_metadata, pages_read_user_content, pages_manage_ads, "
    "pages_show_list or pages_messaging permission(s) must be granted before impersonating a user's page.",
)
NOT_ALLOWED = GraphError(
    200,
    "(#200) If posting to a page, requires both pages_read_engagement and pages_manage_posts as an admin "
    "with sufficient administrative permission",
    status=403,
)
AS_ITSELF = GraphError(
    200, "(#200) Unpublished posts must be posted to a page as the page itself.", status=403
)
DENIED = GraphError(10, "(#10) Application does not have permission for this action", status=403)
DATA_ENDED = GraphError(
    10, "(#10) Data access for this user has expired. The user has to log in to the app again.", status=403
)
WANT_PROOF = GraphError(
    100, "API calls from the server require an appsecret_proof argument", type="GraphMethodException"
)
BAD_PROOF = GraphError(
    100, "Invalid appsecret_proof provided in the API argument", type="GraphMethodException"
)
DUPLICATE = GraphError(
    506, "(#506) Duplicate status message", user=("Duplicate", "This is the same as your last post.")
)
PHOTOS_AGAIN = GraphError(
    100, "Invalid parameter", 1366051, user=("Already posted", "These photos were already posted.")
)
BAD_PHOTO = GraphError(
    100,
    "Invalid parameter",
    1366046,
    user=(
        "Can't read files",
        "Your photos couldn't be uploaded. Photos should be less than 4 MB, JPG or PNG.",
    ),
)
BAD_FILE = GraphError(100, "Invalid parameter", 2069019, user=("Invalid file", "The file could not be read."))
BAD_LINK = GraphError(100, "Invalid parameter", 2061006, user=("Invalid URL", "The link is not a valid URL."))
OWN_LINK = GraphError(
    100, "Invalid parameter", 1609008, user=("Link", "Links to facebook.com cannot be posted here.")
)
LINK_SCRAPE = GraphError(1609005, "There was a problem scraping the link.")
REELS_CAP = GraphError(32, "(#32) Page request limit reached")
ABUSIVE = GraphError(368, "The action attempted has been deemed abusive or is otherwise disallowed", 1346003)
LIMITED = GraphError(
    368,
    "Your account is temporarily restricted",
    1404112,
    user=("Account limited", "This Page cannot post for some days."),
)
FORBIDDEN = GraphError(
    368,
    "The action attempted has been deemed abusive or is otherwise disallowed",
    1404102,
    user=("Not posted", "This goes against the Community Standards."),
)


def app_usage(call: Call, percent: int) -> None:
    """Set the header of an app's own budget, in percent."""
    budget = {"call_count": percent, "total_time": percent, "total_cputime": percent}
    call.headers["X-App-Usage"] = json.dumps(budget)


def _rate_limited(call: Call, fault: Fault) -> Response:
    """Pages have budgets of their own, people share the app's."""
    if call.token is not None and call.token.kind == "page":
        usage(call, "pages", 100, 30 if fault.value is None else int(fault.value))
        message = "There have been too many calls to this Page account. Wait a bit and try again."
        return GraphError(80001, f"(#80001) {message}").response()
    app_usage(call, 100)
    if call.token is not None:
        return GraphError(17, "(#17) User request limit reached").response()
    return GraphError(4, "(#4) Application request limit reached").response()


def _spam(call: Call, fault: Fault) -> Response:
    sub = ABUSIVE.sub if fault.value is None else int(fault.value)
    return GraphError(ABUSIVE.code, ABUSIVE.message, sub).response()


def _duplicate(call: Call, fault: Fault) -> Response:
    photos = call.request.url.path.endswith("/photos")
    return (PHOTOS_AGAIN if photos else DUPLICATE).response()


def _must_act(call: Call, fault: Fault) -> Response:
    sub = 4854002 if fault.value is None else int(fault.value)
    said = ("Confirm your identity", "Open the Facebook app on your phone and confirm your identity.")
    return GraphError(200, "(#200) The account must be confirmed first.", sub, user=said).response()


def _inactive(call: Call, fault: Fault) -> Response:
    reason = "This app is in development mode. Only people with a role on it can log in."
    return html("problem.html", 400, label="Facebook", reason=reason)


def debug_rules() -> dict[str, Rule]:
    """The rules that debug_token has too: a token that is dead is an answer there, not an error."""
    return {
        "app_suspended": worded(200, "API access blocked."),
        "rate_limited": Rule(CALLS, _rate_limited),
    }


LOSABLE = frozenset({POST, IG_PUBLISH})
DEBUG = Manners(platform="facebook", unavailable=service_down, losable=LOSABLE, rules=debug_rules())
MANNERS = Manners(
    platform="facebook",
    unavailable=service_down,
    losable=LOSABLE,
    rules={
        **debug_rules(),
        "secret_wrong": Rule(frozenset({"token", "refresh"}), secret_refused),
        "unreviewed": Rule(frozenset({"authorize"}), _inactive),
        "checkpoint": only(API | {"refresh"}, GraphError(190, CHECKPOINT, 459)),
        "suspended": only(WRITING, LIMITED),
        "user_must_act": Rule(WRITING, _must_act),
        "policy_block": only(WRITING, FORBIDDEN),
        "spam_block": Rule(WRITING, _spam),
        "daily_cap": only(frozenset({"publish"}), REELS_CAP),
        "duplicate": Rule(frozenset({"publish"}), _duplicate),
    },
)
