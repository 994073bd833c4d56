"""Logins in words: offers of living ones, `/health logins`, and what a hand over came to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.messages import actions as names
from bot.messages.blocks import (
    Confirm,
    Part,
    agree,
    button,
    context,
    count,
    divider,
    listed,
    mention,
    menu,
    message,
    plain,
    row,
    safe,
    section,
)
from bot.messages.invitation import holds_words
from bot.messages.message import Message
from bot.messages.people import Account, ClientName, PlatformWords
from bot.messages.times import moment

BUTTONS_MOST = 8
OPTIONS_MOST = 100
OPTION_VALUE_MAX = 150
LABEL_MAX = 120  # a handle with its platform
CLIENTS_MOST, ACCOUNTS_MOST = 12, 6
PAGE_LINES = 8
SIGNS = {"green": "✅", "yellow": "⚠️", "red": "⛔"}
NOBODY = "somebody without a name"


@dataclass(frozen=True, slots=True)
class Offered:
    """An account that a living login reaches. `value`: what its button carries; `account`: "@acme on X";
    `elsewhere`: slugs of the clients that have it; `was_invited`: a link is on its way anyway."""

    value: str
    platform: str
    platform_title: str
    account: str
    client: str
    holder: str
    elsewhere: tuple[str, ...] = ()
    was_invited: bool = False


@dataclass(frozen=True, slots=True)
class LoginLine:
    """One login. `until`: when a person will be needed; `opened_by`: a Slack user id; instants UTC-aware."""

    grant_id: str
    holder: str
    platform: PlatformWords
    colour: str
    state: str  # fine, ending, ends_soon, dead
    clients: tuple[tuple[ClientName, tuple[Account, ...]], ...]
    opened_at: datetime
    opened_by: str | None = None
    until: datetime | None = None
    can_hand_over: bool = True


@dataclass(frozen=True, slots=True)
class LoginsFacts:
    """One page of them; `page` counts from 0; `zone` is the workspace's."""

    lines: tuple[LoginLine, ...]
    total: int
    page: int = 0
    pages: int = 1
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Left:
    """An account that a hand over did not move. `account`: "@acme on X"."""

    client: str
    account: str


# -- living logins ---------------------------------------------------------------------------------


def offered(items: Sequence[Offered]) -> list[Part | None]:
    """Free accounts as buttons, the rest in a menu."""
    free = [item for item in items if not item.elsewhere]
    parts: list[Part | None] = []
    if free:
        parts.append(section("No new sign-in is needed for what a login here reaches already:"))
    parts += [section(_offer_words(item), _link_button(item)) for item in free[:BUTTONS_MOST]]
    more = [*free[BUTTONS_MOST:], *[item for item in items if item.elsewhere]]
    return [*parts, *_menu(more)]


def _offer_words(item: Offered) -> str:
    return f"• *{safe(item.account, LABEL_MAX)}*, with the login of {safe(item.holder or NOBODY)}"


def _link_button(item: Offered) -> Part:
    also = _also(item, item.elsewhere)
    who = plain(item.holder or NOBODY)
    ask = f"{plain(item.account)} is linked for {plain(item.client)}, with the login of {who}.{also}"
    return button(
        f"Link {plain(item.account, 40)}",
        names.LINK_LIVING,
        item.value,
        confirm=Confirm("Link this account?", ask, "Link it"),
        about=f"Link {plain(item.account)} for {plain(item.client)}",
    )


def _also(item: Offered, slugs: Sequence[str]) -> str:
    """Which other clients have the account."""
    return f" {listed(slugs)} {agree(len(item.elsewhere), 'has', 'have')} it too." if slugs else ""


def _menu(items: Sequence[Offered]) -> list[Part | None]:
    fitting = [item for item in items if len(item.value) <= OPTION_VALUE_MAX][:OPTIONS_MOST]
    if not fitting:
        return []
    words = "Or link, without a new sign-in, one of these:"
    if any(item.elsewhere for item in fitting):
        words = "Or link one that another client has too, without a new sign-in:"
    options = {item.value: _option_text(item) for item in fitting}
    return [section(words, menu("Choose an account", names.PICK_LIVING, options))]


def _option_text(item: Offered) -> str:
    has = f" ({', '.join(item.elsewhere)})" if item.elsewhere else ""
    return f"{item.account}{has}"


def ask_by_name(item: Offered) -> Message:
    """What was chosen in the menu, asked back by name before anything is linked."""
    also = _also(item, [f"`{slug}`" for slug in item.elsewhere])
    who = safe(item.holder or NOBODY)
    text = f"Link *{safe(item.account)}* for `{item.client}`, with the login of {who}?{also}"
    yes = button(f"Link {item.account}", names.LINK_LIVING, item.value, style="primary")
    return message([section(text), row(yes)])


@dataclass(frozen=True, slots=True)
class LivingLink:
    """An account that was linked without a consent, with the login of `holder`. `until`: when a person is
    needed for that login, where that is soon (UTC-aware)."""

    account: str
    slug: str
    zone: str
    holder: str
    connection_id: str
    generation: int
    until: datetime | None = None


def living_linked(link: LivingLink) -> Message:
    """Linked without a consent; whoever pressed can take it back."""
    account, slug = link.account, link.slug
    undo = button(
        "Not the right account: undo",
        names.UNDO_LINK,
        names.joined(link.connection_id, str(link.generation)),
        confirm=Confirm(
            "Undo this link?", f"{plain(account)} is disconnected from {plain(slug)}.", "Undo", True
        ),
    )
    text = f"✅ *{safe(account)}* is linked for `{slug}`, with the login of {safe(link.holder or NOBODY)}."
    holds = section(holds_words(link.until, link.zone)) if link.until is not None else None
    return message([section(text), holds, row(undo)])


# -- /health logins --------------------------------------------------------------------------------


def logins_message(facts: LoginsFacts) -> Message:
    """Every login by person: what rests on it, when it ends, who opened it."""
    if not facts.lines:
        return Message("No login is in use here yet. `/connect instagram client-a` starts one.")
    parts: list[Part | None] = [section(f"*{count(facts.total, 'login')} in use*")]
    for line in facts.lines:
        parts += [divider(), *_login(line, facts.zone)]
    if facts.pages > 1:
        parts.append(context(f"Page {facts.page + 1} of {facts.pages}"))
        parts.append(_turn("Previous page", facts, facts.page - 1))
        parts.append(_turn("Next page", facts, facts.page + 1))
    return message(parts)


def _login(line: LoginLine, zone: str) -> list[Part | None]:
    who = line.holder or NOBODY
    head = f"{SIGNS[line.colour]} *{safe(who)}* on {line.platform.title}: {_state(line)}"
    until = f" *Needs a person by {moment(line.until, zone)}.*" if line.until else ""
    opened = f", asked for by {mention([line.opened_by])}" if line.opened_by else ""
    return [
        section(f"{head}{until}\n{resting_words(line)}", hand_over_button(line)),
        context(f"Last signed in {moment(line.opened_at, zone)}{opened}"),
    ]


def hand_over_button(line: LoginLine) -> Part | None:
    """*Hand over*, which asks first and says what will happen."""
    if not line.can_hand_over:
        return None
    who = line.holder or NOBODY
    return button(
        "Hand over",
        names.HAND_OVER,
        line.grant_id,
        confirm=Confirm(
            "Hand this login over?",
            f"A link for {line.platform.title} is posted. Whoever signs in with it takes over those "
            f"{line.platform.account_noun}s of {plain(who)} on which they have the role; the others stay.",
            "Post the link",
        ),
        about=f"Hand over the login of {plain(who)}",
    )


def _state(line: LoginLine) -> str:
    return {
        "dead": "disconnected. `/health all` shows what it needs.",
        "ending": "works for now, but cannot be renewed.",
        "ends_soon": "works, and soon needs a new sign-in.",
    }.get(line.state, "fine.")


def resting_words(line: LoginLine) -> str:
    """What rests on a login, a line for each client."""
    shown = [
        f"• `{client.slug}`: {listed([account.shown for account in accounts], ACCOUNTS_MOST)}"
        for client, accounts in line.clients[:CLIENTS_MOST]
    ]
    rest = len(line.clients) - CLIENTS_MOST
    return "\n".join([*shown, *([f"• and {count(rest, 'more client')}"] if rest > 0 else [])])


def _turn(label: str, facts: LoginsFacts, page: int) -> Part | None:
    if not 0 <= page < facts.pages:
        return None
    return row(button(label, names.LOGINS_PAGE, str(page)))


# -- handing over ----------------------------------------------------------------------------------


def hand_over_asked(holder: str, title: str, accounts: int, channel: str, bot: str | None) -> Message:
    """To whoever pressed *Hand over*. `bot`: to be invited first, where the bot is not in the channel."""
    where = f"is on its way into <#{channel}>"
    if bot is not None:
        where = f"waits until I am in <#{channel}>: type `/invite` and <@{bot}> there"
    return Message(
        f"The link {where}. Whoever signs in to {title} with it takes over what their login reaches "
        f"of {count(accounts, 'account')} of {safe(holder or NOBODY)}. You hear of the others by name."
    )


def handed_over(holder: str, title: str, moved: int, left: Sequence[Left]) -> Message:
    """What a hand over came to, for the operations channel."""
    verb = agree(moved, "uses", "use")
    text = f"🔁 {count(moved, f'{title} account')} now {verb} the login of {safe(holder or NOBODY)}."
    if not left:
        return message([section(f"{text} Nothing was left behind.")])
    stayed = listed([f"{safe(item.account)} (`{item.client}`)" for item in left], 40)
    return message(
        [
            section(text),
            section(
                f"⚠️ {stayed} {agree(len(left), 'stays', 'stay')} with the old login: the new one has no role "
                "there. Give it the role and hand over again, or leave things as they are."
            ),
        ]
    )
