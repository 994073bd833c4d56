"""Accounts: health, what will not hold, one account in detail, and the Home tab."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from bot.messages import before, detail, health, home
from bot.messages.before import BeforeFacts, Lapse, Renewing
from bot.messages.detail import Detail, Event, Lifetimes, Login, Permission
from bot.messages.disconnect import Leaving
from bot.messages.health import HealthFacts, Only
from bot.messages.home import ClientLine, Dashboard
from bot.messages.incident_facts import Waiting
from bot.messages.queue import Queued
from tests.gallery.case import Case, case, ugly
from tests.gallery.facts import (
    GREEN,
    LONG,
    ODD_ONES,
    ON_X,
    OTHER,
    RED,
    SIZES,
    SOON,
    WAITING,
    YELLOW,
    accounts,
    clients,
    deliveries,
    line,
    lines,
    page_of,
)
from tests.messages.message_facts import (
    ACME,
    CLIENT,
    NOW,
    ROW,
    UGLY,
    UGLY_ACCOUNT,
    URL,
    delivery,
    queued_post,
)

DAY = timedelta(days=1)
LAST = NOW - timedelta(seconds=20)
COLOURS = ("red", "yellow", "green")
COMMANDS = (
    ("/connect PLATFORM CLIENT [@handle]", "posts a link that connects an account"),
    ("/health [client, all or logins]", "shows how the accounts are and what they need"),
    ("/post", "writes a post"),
    ("/queue [client or all]", "shows what is to come"),
)


def _health(number: int, page: int = 0) -> HealthFacts:
    everything = lines(number)
    shown = everything[page * health.PAGE_LINES : (page + 1) * health.PAGE_LINES]
    totals = {colour: sum(one.colour == colour for one in everything) for colour in COLOURS}
    return HealthFacts(shown, totals, "all", page, page_of(everything, health.PAGE_LINES), LAST)


EVERY_STATE = tuple(
    line(
        account=account,
        connection_id=account.handle,
        state=state,
        colour=colour,
        reason=reason,
        permission="posting",
        paused_by="U0BOB",
        waiting=Waiting(1, SOON),
    )
    for account, (state, colour, reason) in zip(
        accounts(9),
        (
            ("dead", "red", "password_changed"),
            ("trouble", "red", "restricted"),
            ("ending", "yellow", "revoked"),
            ("ends_soon", "yellow", "expired"),
            ("waiting", "yellow", ""),
            ("paused", "yellow", ""),
            ("off", "yellow", ""),
            ("limited", "green", ""),
            ("fine", "green", ""),
        ),
        strict=True,
    )
)
ODD_LINES = tuple(
    line(client, account, connection_id=what, colour="red", state="dead", reason="revoked", url=URL)
    for what, client, account in ODD_ONES
)
FOUR = tuple(replace(one, connection_id=str(at)) for at, one in enumerate((RED, YELLOW, WAITING, GREEN)))
NOBODY_LEFT = HealthFacts((), {"green": 3}, last_sweep=LAST)

HEALTH = [
    case(
        "health/one client",
        health.health_message,
        HealthFacts(FOUR, {"red": 1, "yellow": 2, "green": 1}, last_sweep=LAST),
    ),
    case(
        "health/every state",
        health.health_message,
        HealthFacts(EVERY_STATE, {"red": 2, "yellow": 5, "green": 2}, last_sweep=LAST),
    ),
    case(
        "health/no accounts yet",
        health.health_message,
        HealthFacts((line(account=None),), {}, last_sweep=LAST),
    ),
    case("health/all are fine", health.health_message, replace(NOBODY_LEFT, only=Only(bad=True))),
    case("health/none is mine", health.health_message, replace(NOBODY_LEFT, only=Only(mine=True))),
    case(
        "health/engine stands, not set up",
        health.health_message,
        HealthFacts((GREEN,), {"green": 1}, last_sweep=NOW, sweep_is_old=True, is_set_up=False),
    ),
    case("health/no round yet", health.health_message, HealthFacts((GREEN,), {"green": 1})),
    *[case(f"health/{size} accounts", health.health_message, _health(size)) for size in SIZES],
    case("health/the last page of 120", health.health_message, _health(120, 11)),
    ugly(
        "health/long, emoji, right to left",
        health.health_message,
        HealthFacts(ODD_LINES, {"red": 3}, last_sweep=LAST),
    ),
]

LAPSES = (
    Lapse(CLIENT, ACME, "1", 1, ends_at=NOW + 6 * DAY, posts=2, first_due=SOON + 6 * DAY),
    Lapse(CLIENT, ON_X, "2", 1, "revoked", posts=1, first_due=SOON),
    Lapse(OTHER, ACME, "3", 1, can_renew=False),
)
CHRISTMAS = date(2026, 12, 24)


def _before(number: int) -> BeforeFacts:
    made = tuple(
        Lapse(client, account, str(at), 1, ends_at=NOW + 6 * DAY, posts=at)
        for at, (client, account) in enumerate(zip(clients(number), accounts(number), strict=True))
    )
    pages = page_of(made, before.PAGE_LINES)
    return BeforeFacts(CHRISTMAS, made[: before.PAGE_LINES], number, number, "all", 0, pages)


BEFORE = [
    case("before/some", before.before_message, BeforeFacts(CHRISTMAS, LAPSES, 24, 3)),
    case("before/everything holds", before.before_message, BeforeFacts(CHRISTMAS, (), 24)),
    case(
        "before/some, two clients paused",
        before.before_message,
        BeforeFacts(CHRISTMAS, LAPSES, 24, 3, paused=(CLIENT, OTHER)),
    ),
    case(
        "before/everything holds, all paused",
        before.before_message,
        BeforeFacts(CHRISTMAS, (), 24, all_paused=True),
    ),
    *[case(f"before/{size} accounts", before.before_message, _before(size)) for size in SIZES],
    ugly(
        "before/long, emoji, right to left",
        before.before_message,
        BeforeFacts(
            CHRISTMAS,
            tuple(Lapse(client, account, what, 1, "revoked") for what, client, account in ODD_ONES),
            3,
            3,
        ),
    ),
    case(
        "before/renewing",
        before.renewing,
        [
            Renewing(CLIENT, ("@acme on Instagram", "@acme on X"), "C0TEAM", links=2),
            Renewing(CLIENT, ("Acme on Facebook", "@acme on Instagram"), "C0TEAM"),
            Renewing(OTHER, ("@northwind on X",), "C0TEAM", is_new=False),
            Renewing(OTHER, ("@northwind on X",), "C0SHARED", invite_bot="U0LAMP"),
        ],
        ("new-one", "old-one"),
    ),
    *[
        case(
            f"before/renewing: {size} clients",
            before.renewing,
            [Renewing(one, ("@acme on X",), "C0TEAM") for one in clients(size)],
        )
        for size in SIZES[2:]
    ],
]

PERMISSIONS = (
    Permission("instagram_business_basic", "name and picture", True),
    Permission("instagram_business_content_publish", "posting", False),
)
EVENTS = tuple(
    Event(NOW - at * DAY, detail.event_words(word), "U0BOB" if at % 2 else None)
    for at, word in enumerate((*detail.EVENTS, "something.new"))
)
ACCOUNT = Detail(
    FOUR[1],
    ACME,
    PERMISSIONS,
    Lifetimes(NOW + DAY, NOW + 60 * DAY, NOW + 90 * DAY, NOW + DAY / 2, NOW - DAY / 4),
    Login("Grace Hopper", NOW - 90 * DAY, "U0ADA", (ON_X,)),
    EVENTS[:6],
    True,
    Leaving(CLIENT, ACME, ROW, 1, 3, 1),
)

DETAIL = [
    case("detail/everything", detail.detail, ACCOUNT, "m"),
    case(
        "detail/for outsiders",
        detail.detail,
        replace(ACCOUNT, login=None, leaving=None, may_check=False),
        "m",
    ),
    case(
        "detail/after a press", detail.detail, replace(ACCOUNT, said="It works. Nothing has to be done."), "m"
    ),
    case(
        "detail/little is known", detail.detail, Detail(FOUR[0], ACME, lifetimes=Lifetimes(renews=False)), "m"
    ),
    case(
        "detail/only a person renews it",
        detail.detail,
        replace(ACCOUNT, lifetimes=Lifetimes(NOW + DAY, renews=False), events=EVENTS[6:]),
        "m",
    ),
    case("detail/nothing to show", detail.saying, "This account is not connected any more."),
    *[
        case(
            f"detail/{size} others on its login",
            detail.detail,
            replace(ACCOUNT, login=Login("", NOW, None, accounts(size))),
            "m",
        )
        for size in SIZES[2:]
    ],
    *[
        ugly(
            f"detail/{what}",
            detail.detail,
            replace(
                ACCOUNT,
                line=line(client, account),
                account=account,
                login=Login(LONG, NOW),
                leaving=Leaving(client, account, ROW, 1, 1),
            ),
            "m",
        )
        for what, client, account in ODD_ONES
    ],
    ugly(
        "detail/at its worst",
        detail.detail,
        replace(
            ACCOUNT,
            account=UGLY_ACCOUNT,
            login=Login(UGLY, NOW),
            permissions=tuple(Permission(UGLY, UGLY, False) for _ in range(30)),
        ),
        "m",
    ),
]


def _queue(number: int) -> tuple[Queued, ...]:
    items = deliveries("scheduled", min(number, home.NEXT_MOST))
    return tuple(Queued(item.post, SOON, (item,)) for item in items)


def _home(number: int) -> Dashboard:
    made = tuple(
        ClientLine(client, at % 2, at % 3, at, at, SOON if at % 3 else None, at % 7 == 1)
        for at, client in enumerate(clients(min(number, home.PAGE_CLIENTS)))
    )
    totals = {"red": number // 3, "yellow": number // 3, "green": number - number // 3 * 2}
    pages = page_of(range(number), home.PAGE_CLIENTS)
    facts = HealthFacts((), totals, "all", 0, pages, LAST, is_set_up=number > 0)
    failed = tuple(deliveries("failed", min(number, home.FAILED_MOST), reason="media_ratio"))
    return Dashboard(facts, made, _queue(number), number, failed, number, may_set=True)


ODD_CLIENTS = tuple(ClientLine(client, red=1, is_paused=True) for _, client, _ in ODD_ONES)

HOME = [
    case("home/for outsiders", home.home, None, COMMANDS[:2]),
    *[case(f"home/{size} clients", home.home, _home(size), COMMANDS) for size in SIZES],
    case(
        "home/after a press",
        home.home,
        replace(_home(1), said="1 post: sent on its way again."),
        COMMANDS,
    ),
    case(
        "home/held posts",
        home.home,
        replace(
            _home(1),
            queue=tuple(
                Queued(queued_post(), SOON, (delivery("scheduled", held=why), delivery("scheduled", ON_X)))
                for why in ("dead", "paused", "waiting")
            ),
        ),
        COMMANDS,
    ),
    case("home/one client", home.home, Dashboard(_health(12), is_one=True), COMMANDS),
    case(
        "home/filters leave nothing",
        home.home,
        Dashboard(replace(NOBODY_LEFT, only=Only(True, True))),
        COMMANDS,
    ),
    ugly(
        "home/long, emoji, right to left",
        home.home,
        Dashboard(
            HealthFacts((), {"red": 3}, last_sweep=LAST),
            ODD_CLIENTS,
            _queue(1),
            1,
            tuple(delivery("failed", account, queued_post(UGLY, client)) for _, client, account in ODD_ONES),
            3,
        ),
        COMMANDS,
    ),
]

CASES: list[Case] = [*HEALTH, *BEFORE, *DETAIL, *HOME]
