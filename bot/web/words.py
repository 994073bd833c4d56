"""What the pages say: every ending of a walk in plain words, with what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.consents import Result
from bot.domain.inviting import LIVES
from bot.domain.walk import ConsentView, InvitationView, PlatformView, Standing
from bot.messages.blocks import listed
from bot.platforms.errors import Reason


@dataclass(frozen=True, slots=True)
class Words:
    """A heading, what happened and what to do. `tone` ("good", "wait", "bad") picks sign and colour."""

    title: str
    lines: tuple[str, ...]
    tone: str = "bad"

    def about(self, platform: PlatformView) -> Words:
        """With `{title}`, `{door}` and `{noun}` filled in."""
        names = {"title": platform.title, "door": platform.door, "noun": platform.account_noun}
        lines = tuple(line.format_map(names) for line in self.lines)
        return Words(self.title.format_map(names), lines, self.tone)


NAMED_MOST = 3
ASK_AGAIN = "Ask your agency team for a new link in Slack."

NO_SUCH_LINK = Words(
    "We do not know this link",
    ("It may have been cut off when it was copied. Open it again from the message in Slack.",),
)
NOT_FOUND = Words("There is nothing here", ("Check the address, or open the link in Slack again.",))
NOT_ALLOWED = Words("That does not work here", ("Open the link in Slack again and use its button.",))
TOO_LARGE = Words("That was too much at once", ("Open the link in Slack again and use its button.",))
UNREADABLE = Words("We could not read that", ("Open the link in Slack again and use its button.",))
OUR_FAULT = Words(
    "Something went wrong on our side",
    ("Nothing you did caused this. Wait a minute, then open the link in Slack again.",),
)
FOREIGN_PRESS = Words(
    "This button was not pressed on our page",
    ("For your safety nothing was done. Open the link in Slack and press its button there.",),
)
STALE_PAGE = Words(
    "Please press that once more",
    (
        "The page was open for more than an hour, or your browser keeps no cookies for it. Nothing was done.",
        "If you see this again, open the link from Slack in another browser.",
    ),
    "wait",
)
NOT_YOURS = Words(
    "This page belongs to another browser",
    (
        "Only the browser that opened the link can see how it went.",
        "Open the link in Slack again and stay in one browser until you are done.",
    ),
)
FRESH_SENT = Words(
    "A fresh link is on its way", ("You will find it in the Slack channel in a moment.",), "good"
)
FRESH_ALREADY = Words(
    "A fresh link was sent just now", ("Look for the newest message in the Slack channel.",), "good"
)
ODD_ANSWER = Words("We could not read the answer", ("Nothing was changed. Open the link in Slack again.",))


def refused(why: str, text: str) -> Words:
    """A callback that belongs to no walk of this browser. `text` is written for people."""
    titles = {"other_browser": "You came back in another browser"}
    return Words(titles.get(why, "This answer does not fit"), ("Nothing was changed.", text))


GONE: Mapping[Standing, Words] = {
    Standing.USED: Words(
        "This link was used",
        ("It works once. To connect {title} again, ask your agency team for a new link in Slack.",),
        "good",
    ),
    Standing.REPLACED: Words(
        "A newer link took its place", ("Look for the newest message in the Slack channel.",), "wait"
    ),
    Standing.CLOSED: Words(
        "This link is no longer needed",
        ("If you still have to connect {title}, ask your agency team for a new link in Slack.",),
        "wait",
    ),
    Standing.EXPIRED: Words(
        "This link is too old",
        (f"Links work for {LIVES.days} days. We can send a fresh one to the Slack channel.",),
        "wait",
    ),
    Standing.OFF: Words(
        "{title} is switched off here",
        ("It cannot be connected right now. Your agency team can switch it on.",),
        "wait",
    ),
}


def gone(view: InvitationView) -> Words:
    """An invitation that cannot be used (any more)."""
    return GONE[view.standing].about(view.platform)


def working(view: ConsentView) -> Words:
    """The walk is under way."""
    door = view.platform.door
    if view.state == "started":
        return Words(f"Not finished at {door} yet", (f"Say yes or no at {door} first.",), "wait")
    return Words("One moment", (f"We are talking to {door}. This page refreshes by itself.",), "wait")


ENDINGS: Mapping[Result, Words] = {
    Result.DENIED: Words(
        "You said no", ("That is fine: {door} gave us nothing, and nothing was changed.",), "wait"
    ),
    Result.CODE_REFUSED: Words("{door} did not confirm", ("Nothing was connected. Please try once more.",)),
    Result.NO_ANSWER: Words(
        "{door} did not answer", ("Nothing was connected. Wait a few minutes, then try again.",)
    ),
    Result.APP_FAULT: Words(
        "Our access to {door} has a problem",
        ("You did nothing wrong. Our team was told and will put it right; please try again later.",),
    ),
    Result.MISSING_SCOPES: Words(
        "A permission is missing",
        ("The {noun} was not connected, because {door} did not give us everything it takes.",),
    ),
    Result.SAME_LOGIN: Words(
        "That is the same login",
        ("The accounts rest on this login already. Sign in to {door} as the other person, then try again.",),
        "wait",
    ),
    Result.USED: Words(
        "Somebody was faster",
        ("This link was used or replaced while you were away. What you allowed was forgotten.", ASK_AGAIN),
        "wait",
    ),
    Result.EXPIRED: Words(
        "That took too long", ("Nothing was changed. Start again and finish within ten minutes.",), "wait"
    ),
    Result.DECLINED: Words(
        "Nothing was connected",
        ("To connect the right {noun}, log in to it at {door} first, then try again.",),
        "wait",
    ),
}


def ended(view: ConsentView) -> Words:
    """How a walk ended."""
    assert view.result is not None
    if view.result in (Result.LINKED, Result.RELINKED, Result.HANDED_OVER):
        return _success(view)
    if view.result is Result.NO_ACCOUNT:
        return Words(f"No {view.platform.account_noun} to connect", _no_account(view))
    return ENDINGS[view.result].about(view.platform)


def _success(view: ConsentView) -> Words:
    names = listed([f"{one.label} on {one.at}" if one.at else one.label for one in view.accounts], NAMED_MOST)
    where = "there" if any(one.at for one in view.accounts) else f"on {view.platform.title}"
    verb = "are" if len(view.accounts) > 1 else "is"
    if view.result is Result.RELINKED:
        return Words(
            f"{names} {verb} connected again",
            (
                "Posts, history and settings are as they were.",
                "Posts that waited and are still on time go out by themselves; "
                "what is late is offered to the team in Slack.",
            ),
            "good",
        )
    if view.result is Result.HANDED_OVER:
        use = "use" if len(view.accounts) > 1 else "uses"
        return Words(
            f"{names} now {use} your login",
            (
                "Posts, history and settings are as they were.",
                "What your login has no role on stays as it was; the team sees in Slack what that is.",
            ),
            "good",
        )
    return Words(
        f"{names} {verb} connected",
        (f"Posts for {view.parties.client} can go out {where} now. The team was told.",),
        "good",
    )


REASONS: Mapping[Reason, str] = {
    Reason.ACCOUNT_TYPE: "This kind of {noun} cannot be connected.",
    Reason.SUSPENDED: "{title} has suspended this {noun}. Log in there to see why.",
    Reason.RESTRICTED: "{title} has restricted this {noun}. Log in there to see why.",
    Reason.CHECKPOINT: "{title} asks you to log in there first and confirm that it is you.",
    Reason.SECURITY_HOLD: "{title} asks for a security check. Log in there and finish it.",
    Reason.ROLE_LOST: "This login may not post for the {noun}. Ask its owner for the role.",
    Reason.ACCOUNT_GONE: "This {noun} does not exist any more.",
    Reason.PERMISSION_MISSING: "{title} gave us no {noun}: it was not ticked there, or this login has none.",
    Reason.APP_NOT_REVIEWED: "Until our app is reviewed by {title}, only testers' accounts can be connected.",
}
ACCOUNT_TYPES: Mapping[str, str] = {
    "instagram": "This is a personal account, and Instagram lets us post only for professional ones. Switch "
    "in the Instagram app under Settings, Account type and tools: it is free and takes a minute.",
}


def why_not(view: ConsentView, reason: Reason | None) -> str:
    """Why an account cannot be connected, in a sentence."""
    noun, title = view.platform.account_noun, view.platform.title
    if reason is None:
        return f"This {title} login has no {noun} that can be connected."
    if reason is Reason.ACCOUNT_TYPE and view.platform.key in ACCOUNT_TYPES:
        return ACCOUNT_TYPES[view.platform.key]
    said = REASONS.get(reason, "{title} does not let this {noun} be connected.")
    return said.format(noun=noun, title=title)


def _no_account(view: ConsentView) -> tuple[str, ...]:
    noun = view.platform.account_noun
    return (
        why_not(view, view.reason),
        f"Nothing was changed. Put that right, or log in to another {noun}, and try again.",
    )
