"""What the install pages say."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.installing import Ending
from bot.web.words import Words

WORKING = Words("One moment", ("We are talking to Slack. This page refreshes by itself.",), "wait")
NOT_YOURS = Words(
    "This page belongs to another browser",
    ("Only the browser that began the install can see how it went.",),
)
REFUSALS: Mapping[str, Words] = {
    "unknown": Words(
        "This answer does not fit", ("It belongs to no install that began here. Nothing was done.",)
    ),
    "other_browser": Words(
        "You came back in another browser",
        ("Nothing was done. Begin again, and stay in one browser until you are back here.",),
    ),
    "expired": Words(
        "That took too long", ("Nothing was done. Begin again and finish within ten minutes.",), "wait"
    ),
}
FORGOTTEN = "What Slack gave us was not kept."

ENDINGS: Mapping[Ending, Words] = {
    Ending.INSTALLED: Words(
        "Lamplighter is in {team}",
        (
            "It has written to you in Slack. Type /lamplighter setup there to choose where it tells of "
            "trouble.",
            "Then invite it to a client's channel and type /connect there.",
        ),
        "good",
    ),
    Ending.REINSTALLED: Words(
        "Lamplighter is in {team} again",
        (
            "Clients, accounts and queued posts are as they were. It tells in Slack what happened meanwhile.",
            "Posts whose time passed are offered there; none of them goes out by itself.",
        ),
        "good",
    ),
    Ending.DECLINED: Words("You said no", ("That is fine: nothing was installed.",), "wait"),
    Ending.NO_CODE: Words("Slack did not confirm", ("Nothing was installed. Please try once more.",)),
    Ending.REFUSED: Words(
        "Slack did not take our request",
        (
            "Nothing was installed. Please try once more.",
            "If you see this again, tell the people who run this bot: its Slack app needs a look.",
        ),
    ),
    Ending.NO_ANSWER: Words(
        "Slack did not answer", ("Nothing was installed. Wait a few minutes, then try again.",)
    ),
    Ending.NOT_ALLOWED: Words(
        "This workspace is not on the list",
        (
            "The people who run this bot name the workspaces that may install it, and yours is not among "
            "them.",
            f"Please ask them. {FORGOTTEN}",
        ),
    ),
    Ending.ORG_WIDE: Words(
        "Not for a whole organisation",
        (
            "Lamplighter is installed in one workspace at a time, so that nobody else's clients can be seen "
            "in it.",
            f"Begin again and choose a single workspace at Slack. {FORGOTTEN}",
        ),
    ),
    Ending.ROTATION: Words(
        "Token rotation is switched on",
        (
            "Slack gave a token that ends after hours, and Lamplighter works with one that stays.",
            "The people who run this bot have to install it from an app without token rotation; Slack cannot "
            f"switch it off again. {FORGOTTEN}",
        ),
    ),
}


def ended(ending: Ending, team: str) -> Words:
    """How a walk ended. `team` is the workspace's name, where it was installed."""
    said = ENDINGS[ending]
    return Words(said.title.format(team=team or "your workspace"), said.lines, said.tone)
