"""Linking accounts: what `/connect` answers, invitations, logins, disconnecting, closing a client."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.messages import closing, connect, disconnect, invitation, links, logins
from bot.messages.closing import Closed, ClosedLine, Closing
from bot.messages.connect import Asked, Existing, Named, SwitchedOff, Unsure
from bot.messages.disconnect import Gone, Leaving
from bot.messages.invitation import Line
from bot.messages.logins import Left, LoginLine, LoginsFacts, Offered
from tests.gallery.case import Case, case, ugly
from tests.gallery.facts import (
    FACEBOOK,
    LINKEDIN,
    ODD_ONES,
    ON_X,
    ON_YOUTUBE,
    PINTEREST,
    SIZES,
    YOUTUBE,
    accounts,
    clients,
    page_of,
    pages,
)
from tests.messages.message_facts import (
    ACME,
    CLIENT,
    CLIENT_ID,
    INSTAGRAM,
    NOW,
    ROW,
    UGLY,
    UGLY_CLIENT,
    URL,
    X,
    invited,
    linked,
    open_line,
    queued_post,
)

DAY = timedelta(days=1)
TITLES = ("Facebook", "Instagram", "Threads", "X", "TikTok", "YouTube", "LinkedIn", "Pinterest")
NAMED = Named(CLIENT_ID, "client-a", "Client A")
REVIEW = "Posting as a Page takes an app that LinkedIn has approved for it."
OFF = SwitchedOff("TikTok", settings=("TIKTOK_CLIENT_ID", "TIKTOK_CLIENT_SECRET"))
PAGES_OFF = SwitchedOff("LinkedIn Page", True, ("LINKEDIN_PAGES_CLIENT_ID",), REVIEW, "LINKEDIN_REVIEWED")


def _existing(number: int) -> tuple[Existing, ...]:
    return tuple(
        Existing(f"{at:032x}", account.platform.key, account.platform.title, account.bare, "disconnected")
        for at, account in enumerate(accounts(number))
    )


def _offers(number: int, *elsewhere: str) -> tuple[Offered, ...]:
    return tuple(
        Offered(
            f"{CLIENT_ID}:{at:032x}:{account.platform.key}:{at}",
            account.platform.key,
            account.platform.title,
            account.bare,
            "client-a",
            "Grace Hopper",
            elsewhere,
        )
        for at, account in enumerate(accounts(number))
    )


def _used(state: str = "used", **values: object) -> Line:
    return open_line(state=state, url=None, **values)


OFFER = _offers(1)[0]
LIVING = logins.LivingLink("@acme on X", "client-a", "Europe/Berlin", "Grace Hopper", ROW, 1)
UNSURE = Unsure("clinet-a", "client-a", ("client-a", "northwind"), True, ("instagram", "x"))

CONNECT = [
    case("connect/refused", connect.refused, "Only members of this workspace may name a new client."),
    case(
        "connect/which platform: a near one",
        connect.which_platform,
        ("instgram",),
        "Instagram",
        TITLES,
        "client-a",
    ),
    case("connect/which platform: none", connect.which_platform, (), None, TITLES, ""),
    case("connect/which client: a near one", connect.which_client, UNSURE),
    case("connect/which client: none named", connect.which_client, Unsure("", None, ("client-a",), True)),
    case("connect/which client: a guest asks", connect.which_client, Unsure("northwind", None, (), False)),
    *[
        case(
            f"connect/which client: {size} known",
            connect.which_client,
            replace(UNSURE, known=tuple(one.slug for one in clients(size))),
        )
        for size in SIZES
    ],
    case("connect/on its way", connect.outcome, Asked(NAMED, ("Instagram", "X"))),
    case("connect/created", connect.outcome, Asked(NAMED, ("Instagram",), created=True)),
    case(
        "connect/not in the channel yet", connect.outcome, Asked(NAMED, ("Instagram",), invite_bot="U0LAMP")
    ),
    case("connect/one there already", connect.outcome, Asked(NAMED, (), _existing(1))),
    case(
        "connect/reached by living logins",
        connect.outcome,
        Asked(NAMED, (), (), (*_offers(2), *_offers(3, "northwind"))),
    ),
    case(
        "connect/some switched off",
        connect.outcome,
        Asked(NAMED, ("Instagram",), off=(OFF, PAGES_OFF, SwitchedOff("Bluesky", False))),
    ),
    case(
        "connect/all switched off",
        connect.all_off,
        [OFF, SwitchedOff("Threads"), replace(PAGES_OFF, settings=())],
    ),
    *[
        case(
            f"connect/{size} there already", connect.outcome, Asked(NAMED, (), _existing(size), _offers(size))
        )
        for size in SIZES[2:]
    ],
    *[
        ugly(
            f"connect/{what}",
            connect.outcome,
            Asked(
                Named(CLIENT_ID, client.slug, client.name),
                ("Instagram",),
                (Existing(ROW, "x", "X", account.bare),),
                (replace(OFFER, account=account.bare, holder=client.name),),
                created=True,
            ),
        )
        for what, client, account in ODD_ONES
    ],
    ugly("connect/which platform: at its worst", connect.which_platform, (UGLY, UGLY), None, TITLES, UGLY),
    ugly("connect/which client: at its worst", connect.which_client, Unsure(UGLY, None, (), True, ("x",))),
    case("connect/ask by name", logins.ask_by_name, replace(OFFER, elsewhere=("northwind", "client-b"))),
    case("connect/linked without a sign-in", logins.living_linked, LIVING),
    case("connect/linked without a sign-in, not for long", logins.living_linked, replace(LIVING, until=NOW)),
    case("connect/undone", links.undone, "@acme on Instagram", "client-a"),
    case("connect/client asked", links.client_asked, "client-a", "C0SHARED"),
    case("connect/no client channel", links.no_client_channel, CLIENT_ID, "client-a"),
    case("connect/link to copy", links.link_to_copy, URL, "client-a", "Instagram"),
    case("connect/checked: works", links.checked, True, "@acme on Instagram", "client-a"),
    case("connect/checked: still refused", links.checked, False, "@acme on Instagram", "client-a"),
    case("connect/paused", links.paused, CLIENT_ID, "client-a", "U0BOB"),
    case("connect/resumed", links.resumed, "client-a", 3, 1),
]

INVITATIONS = [
    case("invitation/one", invitation.invitation, invited(open_line())),
    case(
        "invitation/eight platforms, a new client",
        invitation.invitation,
        invited(
            *(open_line(platform=one) for one in (INSTAGRAM, X, YOUTUBE, LINKEDIN, PINTEREST) * 2),
            new_here=True,
        ),
    ),
    case(
        "invitation/expected, not reviewed",
        invitation.invitation,
        invited(
            open_line(
                expected="@brand",
                review_note="Only testers' accounts can be connected until Instagram has reviewed our app.",
            )
        ),
    ),
    case(
        "invitation/reconnect",
        invitation.invitation,
        invited(open_line(reconnects=True, expected="@acme", valid_until=None)),
    ),
    case(
        "invitation/reconnect, others on the same login",
        invitation.invitation,
        invited(
            open_line(platform=FACEBOOK, reconnects=True, expected="@acme.1", renews=pages(3)[1:]),
        ),
    ),
    case(
        "invitation/hand over", invitation.invitation, invited(open_line(platform=LINKEDIN, hands_over=True))
    ),
    case(
        "invitation/ticking itself off",
        invitation.invitation,
        invited(
            _used(linked=(linked(fresh=True),)), open_line(platform=X), _used("expired", platform=YOUTUBE)
        ),
    ),
    case("invitation/done long ago", invitation.invitation, invited(_used(linked=(linked(), linked(ON_X))))),
    case(
        "invitation/reconnected", invitation.invitation, invited(_used(reconnects=True, linked=(linked(),)))
    ),
    case("invitation/taken back", invitation.invitation, invited(_used(linked=(linked(gone=True),)))),
    *[
        case(f"invitation/ended: {state}", invitation.invitation, invited(_used(state)))
        for state in ("used", "replaced", "closed", "expired", "off")
    ],
    *[
        case(
            f"invitation/{size} accounts",
            invitation.invitation,
            invited(_used(linked=tuple(linked(account, fresh=True) for account in accounts(size)))),
        )
        for size in SIZES[2:]
    ],
    *[
        ugly(
            f"invitation/{what}",
            invitation.invitation,
            invited(
                open_line(expected=account.label, review_note=UGLY),
                _used(linked=(linked(account, fresh=True),)),
                client=client,
                new_here=True,
            ),
        )
        for what, client, account in ODD_ONES
    ],
    case(
        "invitation/client: connect", invitation.for_client, invited(open_line(), open_line(platform=YOUTUBE))
    ),
    case(
        "invitation/client: reconnect",
        invitation.for_client,
        invited(open_line(reconnects=True, expected="@acme")),
    ),
    case(
        "invitation/client: thank you", invitation.for_client, invited(_used(linked=(linked(), linked(ON_X))))
    ),
    case("invitation/client: ended", invitation.for_client, invited(_used("expired"))),
    case("invitation/client: many", invitation.for_client, invited(*[open_line()] * 12)),
    *[
        ugly(
            f"invitation/client: {what}",
            invitation.for_client,
            invited(open_line(expected=account.label, reconnects=True), client=client),
        )
        for what, client, account in ODD_ONES
    ],
]


def _login(client_number: int = 1, account_number: int = 1, **values: object) -> LoginLine:
    resting = tuple((client, accounts(account_number)) for client in clients(client_number))
    plain = LoginLine("9" * 32, "Grace Hopper", INSTAGRAM, "green", "fine", resting, NOW - 90 * DAY, "U0ADA")
    return replace(plain, **values)  # type: ignore[arg-type]


ENDING = _login(2, 1, colour="yellow", state="ends_soon", until=NOW + 6 * DAY, platform=LINKEDIN)
DEAD = _login(colour="red", state="dead", holder="", opened_by=None, can_hand_over=False, platform=X)


def _logins(number: int) -> LoginsFacts:
    shown = tuple(_login(min(at + 1, 20)) for at in range(min(number, logins.PAGE_LINES)))
    return LoginsFacts(shown, number, 0, page_of(range(number), logins.PAGE_LINES))


def _leaving(number: int) -> list[Leaving]:
    return [
        Leaving(CLIENT, account, f"{at:032x}", 1, at, at % 2) for at, account in enumerate(accounts(number))
    ]


def _closing(number: int) -> Closing:
    return Closing(CLIENT, accounts(number), number * 2, NOW if number else None, min(number, 1))


def _closed(number: int, **values: object) -> Closed:
    fates = ("forgotten", "kept", "revoked", "due")
    left = tuple(closing.Left(account, fates[at % 4]) for at, account in enumerate(accounts(number)))
    return replace(Closed(CLIENT, "U0ADA", number * 2, left), **values)  # type: ignore[arg-type]


GONE = Gone(CLIENT, ACME, "U0ADA", 3, tuple(queued_post(f"Post number {at}") for at in (1, 2, 3)), "revoked")

ENDS = [
    case(
        "logins/three",
        logins.logins_message,
        LoginsFacts((DEAD, ENDING, _login(3, 8)), 3, zone="Europe/Berlin"),
    ),
    *[case(f"logins/{size}", logins.logins_message, _logins(size)) for size in SIZES],
    ugly(
        "logins/long, emoji, right to left",
        logins.logins_message,
        LoginsFacts(
            tuple(
                _login(holder=client.name, clients=((client, (account,)),)) for _, client, account in ODD_ONES
            ),
            3,
        ),
    ),
    case("logins/hand over asked", logins.hand_over_asked, "Grace Hopper", "LinkedIn", 12, "C0OPS", None),
    case(
        "logins/hand over asked: bot not there", logins.hand_over_asked, "", "LinkedIn", 1, "C0OPS", "U0LAMP"
    ),
    case("logins/handed over", logins.handed_over, "Grace Hopper", "LinkedIn Page", 12, []),
    case(
        "logins/handed over: some left",
        logins.handed_over,
        "Grace Hopper",
        "LinkedIn Page",
        2,
        [Left("client-a", "Acme on LinkedIn Page")],
    ),
    *[
        case(f"disconnect/{size} accounts", disconnect.listing, _leaving(min(size, 20)), size)
        for size in SIZES
    ],
    case("disconnect/done, for who pressed", disconnect.done_words, ACME, CLIENT, 3),
    *[
        case(f"disconnect/done: {fate}", disconnect.disconnected, replace(GONE, fate=fate))
        for fate in ("revoked", "forgotten", "due", "void")
    ],
    case(
        "disconnect/done: others rest on it",
        disconnect.disconnected,
        replace(GONE, fate="kept", cancelled=0, posts=(), others=(ON_X.shown, ON_YOUTUBE.shown)),
    ),
    case("disconnect/done: 90 posts cancelled", disconnect.disconnected, replace(GONE, cancelled=90)),
    *[
        ugly(
            f"disconnect/{what}",
            disconnect.disconnected,
            Gone(client, account, "U0ADA", 1, (queued_post(UGLY, client),), "forgotten"),
        )
        for what, client, account in ODD_ONES
    ],
    case("close/question", closing.question, _closing(3), "m"),
    case(
        "close/question: with a problem",
        closing.question,
        _closing(1),
        "m",
        "Something has changed since: look again.",
    ),
    *[case(f"close/question: {size} accounts", closing.question, _closing(size), "m") for size in SIZES],
    case("close/done", closing.done, CLIENT, 3, 6),
    case("close/done: nothing was there", closing.done, CLIENT, 0, 0),
    case("close/told", closing.closed_message, _closed(4)),
    case(
        "close/told: nothing by hand",
        closing.closed_message,
        _closed(2, left=tuple(closing.Left(one, "revoked") for one in accounts(2))),
    ),
    case("close/told: open again", closing.closed_message, _closed(1, is_open_again=True)),
    *[case(f"close/told: {size} accounts", closing.closed_message, _closed(size)) for size in SIZES],
    *[
        case(f"close/list of {size}", closing.closed_list, [ClosedLine(one, NOW) for one in clients(size)], 0)
        for size in SIZES
    ],
    case("close/reopened", closing.reopened, CLIENT),
    *[
        ugly(f"close/{what}", closing.question, Closing(client, (account,), 1, NOW), "m")
        for what, client, account in ODD_ONES
    ],
    ugly("close/told: at its worst", closing.closed_message, _closed(8, client=UGLY_CLIENT)),
]

CASES: list[Case] = [*CONNECT, *INVITATIONS, *ENDS]
