"""One post on one account, in words: shared by everything that shows posts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.messages import actions as names
from bot.messages.blocks import Confirm, Part, agree, button, count, listed, plain, safe
from bot.messages.people import Account, ClientName
from bot.messages.times import moment
from bot.messages.words import RECONNECT, post_words, retry_helps

EXCERPT_MOST = 90
ALL_MOST = 50  # as many choices as a button's value holds for certain

RECONNECTS_MOST = 5
IN_THE_WORDS = frozenset({"text_too_long", "text_refused", "link_refused", "policy", "duplicate", "spam"})
"""Reasons that other words may cure."""


@dataclass(frozen=True, slots=True)
class PostShown:
    """A post: who it is of, how it begins, when it was due (UTC-aware), who queued it (a Slack id)."""

    id: str
    client: ClientName
    text: str
    due_at: datetime
    author: str | None = None
    media: int = 0

    @property
    def excerpt(self) -> str:
        """How it begins, for mrkdwn."""
        return f"“{safe(self.text, EXCERPT_MOST)}”" if self.text.strip() else self._wordless

    @property
    def bare(self) -> str:
        """The same for plain text."""
        return f"“{plain(self.text, EXCERPT_MOST)}”" if self.text.strip() else self._wordless

    @property
    def _wordless(self) -> str:
        return f"a post with {count(self.media, 'picture or film', 'pictures or films')}"


@dataclass(frozen=True, slots=True)
class DeliveryShown:
    """A post on one account. `state` and `reason` are the row's; `asked`: unconfirmed, and only a person can
    tell; `late`: held until a person decides; `planned_at`: when this attempt was to go out (UTC);
    `reconnect`: the connection that has to be linked again first; `progress`: of its upload, in percent;
    `held`: why it waits, or would at its time (a word of bot.domain.holding)."""

    id: str
    attempt: int
    revision: int
    account: Account
    state: str
    post: PostShown
    reason: str = ""
    asked: bool = False
    late: bool = False
    permalink: str | None = None
    visibility: str | None = None
    planned_at: datetime | None = None
    reconnect: str | None = None
    progress: int | None = None
    held: str = ""

    @property
    def numbers(self) -> names.Numbers:
        return (self.id, self.attempt, self.revision)

    @property
    def is_failed(self) -> bool:
        return self.state == "failed"

    @property
    def is_asked(self) -> bool:
        return self.state == "unconfirmed" and self.asked

    @property
    def is_offered(self) -> bool:
        return self.state == "blocked" and self.late

    @property
    def is_restored(self) -> bool:
        """Stands as a restored backup had it, and a person is asked whether that is still so."""
        return self.is_offered and self.reason == "restored"


HELD = {
    "paused": "waits: posting is paused",
    "dead": "waits until the account works again",
    "waiting": "waits for the platform to answer",
}
STATES = {
    "scheduled": "⏳ is queued",
    "preparing": "⏳ is being sent",
    "sending": "⏳ is being sent",
    "processing": "⏳ was accepted and is not public yet",
    "published": "✅ is published",
    "cancelled": "◽ was dropped",
}


def state_words(item: DeliveryShown) -> str:
    """What has become of a delivery, with a sign that does not rely on colour. Finished mrkdwn."""
    if item.is_failed:
        words = post_words(item.reason, item.account.platform, cure=cure_words(item))
        return f"⛔ failed. {words.what} {words.advice}"
    if item.is_restored:
        planned = moment(item.planned_at or item.post.due_at, item.post.client.zone)
        return f"⚠️ is planned for {planned} and waits for your word: a backup was restored"
    if item.is_offered:
        planned = moment(item.planned_at or item.post.due_at, item.post.client.zone)
        return f"⚠️ was due {planned} and waits for your word"
    if item.state == "blocked":
        return f"⏸️ {held_words(item.reason)}"
    if item.state == "unconfirmed":
        return _unclear(item)
    if item.state == "preparing" and item.progress:
        return f"⏳ is being sent: {item.progress} % of the film has arrived"
    return STATES.get(item.state, "⏳ is under way") + visibility_words(item)


def held_words(why: str) -> str:
    """Why something that is held waits."""
    return HELD.get(why, "waits")


def cure_words(item: DeliveryShown, where: str = "") -> str:
    """What to press where a post failed; `where`: " above"."""
    return RECONNECT + where if item.reconnect else f"press *Retry*{where}"


def _unclear(item: DeliveryShown) -> str:
    title = item.account.platform.site
    if not item.asked:
        return f"⏳ may be live: the answer of {title} was lost, and we are looking for it"
    return (
        f"⚠️ may be live or not: the answer of {title} was lost, and it cannot be told from outside. "
        "Please look at the account, then say what you saw."
    )


def visibility_words(item: DeliveryShown) -> str:
    """A note where a post is not as visible as was asked."""
    if item.state != "published" or not item.visibility or item.visibility == "public":
        return ""
    title = item.account.platform.site
    return f", but not for everybody: {title} made it “{safe(item.visibility, 32)}”. Change that at {title}"


# -- buttons ---------------------------------------------------------------------------------------


def retry_button(items: Sequence[DeliveryShown], label: str = "Retry", *, main: bool = True) -> Part | None:
    """Sends what failed again, where the same post may pass; nothing else. `main`: nothing beside it is more
    urgent; it is the main one only where that alone may help."""
    failed = [item for item in items if may_retry(item)][:ALL_MOST]
    if not failed:
        return None
    ask = Confirm("Send again?", f"{_where(failed)} {_goes(failed)} out at once.", "Send")
    return _button(label, names.RETRY, failed, ask, "primary" if main and _retry_helps(failed) else None)


def send_button(items: Sequence[DeliveryShown], label: str = "", *, main: bool = True) -> Part | None:
    """Sends what was held past its time; lets go what a backup had. `main` as above."""
    late = [item for item in items if item.is_offered][:ALL_MOST]
    if not late:
        return None
    if all(item.is_restored for item in late):
        label = label or "Keep"
        ask = Confirm("Keep as planned?", f"{_where(late)} {_goes(late)} out at the planned time.", "Keep")
    else:
        label = label or "Send now"
        ask = Confirm("Send now, late?", f"{_where(late)} {_goes(late)} out at once.", "Send")
    return _button(label, names.SEND_LATE, late, ask, "primary" if main else None)


def move_button(items: Sequence[DeliveryShown], label: str = "Move") -> Part | None:
    """Opens the window in which what was held gets another time."""
    late = [item for item in items if item.is_offered][:ALL_MOST]
    return _button(label, names.MOVE_LATE, late, None, None) if late else None


def reconnect_buttons(items: Sequence[DeliveryShown], *, main: bool = False) -> list[Part]:
    """One for each account that has to be linked again before its post can go out. `main`: a single one is
    the main button where nothing else helps."""
    needed = [item for item in items if item.is_failed or item.state == "blocked"]
    accounts = {item.reconnect: item.account for item in needed if item.reconnect}
    found = list(accounts.items())[:RECONNECTS_MOST]
    alone = len(found) == 1 and not _retry_helps(items) and edit_button(items) is None
    style = "primary" if main and alone else None
    return [
        button(
            f"Reconnect {plain(account.bare, 50)}",
            f"{names.RECONNECT_ACCOUNT}#{number}",
            key,
            style=style,
            about=f"Reconnect {account.bare}",
        )
        for number, (key, account) in enumerate(found, 1)
    ]


def edit_button(items: Sequence[DeliveryShown], *, main: bool = False) -> Part | None:
    """Opens the window in which the words are changed, where they are why it failed. `main`: it is the main
    button where sending the same again does not help."""
    failed = [item for item in items if item.is_failed and item.reason in IN_THE_WORDS][:ALL_MOST]
    style = "primary" if main and not _retry_helps(items) else None
    return _button("Edit", names.EDIT_FAILED, failed, None, style) if failed else None


def new_post_button(items: Sequence[DeliveryShown], *, main: bool = False) -> Part | None:
    """Opens the composer, where neither the same post nor other words can pass. `main`: it is the main button
    where nothing else helps."""
    failed = [item for item in items if item.is_failed and not may_retry(item)]
    over = [item for item in failed if item.reason not in IN_THE_WORDS]
    if not over:
        return None
    alone = len(over) == sum(item.is_failed for item in items) and not any(item.reconnect for item in items)
    client = over[0].post.client
    about = f"New post for {client.bare}"
    return button(
        "New post", names.OPEN_COMPOSER, client.id, style="primary" if main and alone else None, about=about
    )


def cure_button(item: DeliveryShown) -> Part | None:
    """What puts a post right that failed or is late, where there is room for one button."""
    again = [retry_button([item], main=False), send_button([item], main=False)]
    found = [*reconnect_buttons([item]), edit_button([item]), new_post_button([item]), *again]
    return next((part for part in found if part is not None), None)


def may_retry(item: DeliveryShown) -> bool:
    """Whether the same post may pass when it is sent again: it failed, and not for what is in it."""
    return item.is_failed and retry_helps(item.reason, item.account.platform)


def _retry_helps(items: Sequence[DeliveryShown]) -> bool:
    """Whether sending the same again may help any of them now."""
    return any(may_retry(item) and not item.reconnect for item in items)


def drop_button(items: Sequence[DeliveryShown], label: str = "Drop") -> Part | None:
    """Gives up what has not gone out."""
    over = [item for item in items if item.is_offered or item.is_failed][:ALL_MOST]
    if not over:
        return None
    ask = Confirm("Drop for good?", f"{_where(over)} will not be published.", "Drop", danger=True)
    return _button(label, names.DROP, over, ask, "danger")


def answer_buttons(item: DeliveryShown, *, main: bool = True) -> tuple[Part, Part]:
    """The two answers to "may be live or not". `main` as above."""
    risk = Confirm(
        "Post it again?",
        f"On {item.account.bare} for {item.post.client.bare}. If it is live after all, it will be there "
        "twice: look at the account first.",
        "Post again",
        danger=True,
    )
    return (
        _button("It is live", names.IT_IS_LIVE, [item], None, "primary" if main else None),
        _button("Post it again", names.POST_AGAIN, [item], risk, None),
    )


def _button(
    label: str, action: str, items: Sequence[DeliveryShown], ask: Confirm | None, style: str | None
) -> Part:
    value = names.choices_value(item.numbers for item in items)
    return button(label, action, value, style=style, confirm=ask, about=f"{label}: {_where(items)}")


def _where(items: Sequence[DeliveryShown]) -> str:
    """The clients and accounts that a press is about, in plain words."""
    clients = listed(list(dict.fromkeys(plain(item.post.client.bare, 40) for item in items)), 2)
    accounts = listed(list(dict.fromkeys(plain(item.account.bare, 50) for item in items)), 2)
    return f"{count(posts_in(items), 'post')} for {clients} ({accounts})"


def posts_in(items: Sequence[DeliveryShown]) -> int:
    """How many posts these are: one may be there on several accounts."""
    return len({item.post.id for item in items})


def _goes(items: Sequence[DeliveryShown]) -> str:
    return agree(posts_in(items), "goes", "go")
