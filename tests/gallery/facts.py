"""Facts that the cases share: names as people have them, and very many of everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.messages.deliveries import DeliveryShown
from bot.messages.health_line import HealthLine
from bot.messages.incident_facts import Group, Waiting
from bot.messages.people import Account, ClientName, PlatformWords
from tests.messages.message_facts import (
    ACME,
    CLIENT,
    INSTAGRAM,
    NOW,
    ROW,
    URL,
    X,
    delivery,
    group,
    queued_post,
)

SIZES = (0, 1, 50, 1000)
"""How many accounts, clients or posts the lists are shown with."""
CROWD = 120

LONG = "Großmann & Söhne, Manufaktur für handgenähte Schuhe, Hamburg und Wien, seit 1887"
EMOJI = "🌮 Taquería del Sol 👩\u200d👩\u200d👧\u200d👦 🇲🇽"
HEBREW = "נעלי ירושלים בעבודת יד"
ARABIC = "أحذية القاهرة & أبناؤه"
NAMES = {"80 characters": LONG, "emoji": EMOJI, "right to left": ARABIC}
LINE_BREAKS = (
    "New shoes!\n\n• vegan\n• handmade\n\nhttps://shop.example.com/?utm_source=a&b=<c> *bold* _soft_"
)

YOUTUBE = PlatformWords("youtube", "YouTube", "channel", "video", "https://myaccount.google.com/connections")
LINKEDIN = PlatformWords(
    "linkedin_pages",
    "LinkedIn Page",
    "Page",
    permission_page="https://www.linkedin.com/psettings/permitted-services",
    company="LinkedIn",
    app="LINKEDIN_PAGES",
)
FACEBOOK = PlatformWords(
    "facebook",
    "Facebook",
    "Page",
    permission_page="https://www.facebook.com/settings?tab=business_tools",
)
BEHIND_FACEBOOK = PlatformWords(
    "instagram",
    "Instagram",
    permission_page="https://www.facebook.com/settings?tab=business_tools",
    login="Facebook",
    app="FACEBOOK",
)
PINTEREST = PlatformWords("pinterest", "Pinterest", "board", "Pin", "https://www.pinterest.com/settings/apps")

LONG_CLIENT = ClientName("1" * 32, "grossmann-und-soehne-manufaktur-hamburg", LONG, "Europe/Vienna")
EMOJI_CLIENT = ClientName("2" * 32, "taqueria-del-sol", EMOJI, "America/Mexico_City")
RTL_CLIENT = ClientName("3" * 32, "cairo-shoes", ARABIC, "Africa/Cairo")
OTHER = ClientName("4" * 32, "northwind", "Northwind Coffee", "America/New_York")

LONG_ACCOUNT = Account(
    YOUTUBE, "grossmann.und.soehne.manufaktur.fuer.handgenaehte.schuhe.hamburg.seit.1887", LONG
)
EMOJI_ACCOUNT = Account(INSTAGRAM, "taqueria.del.sol", EMOJI, "https://cdn.test/taco.jpg")
RTL_ACCOUNT = Account(LINKEDIN, "", HEBREW)
ON_X = Account(X, "acme", "Acme Shoes")
ON_YOUTUBE = Account(YOUTUBE, "acmeshoes", "Acme Shoes TV")
ODD_ONES: tuple[tuple[str, ClientName, Account], ...] = (
    ("80 characters", LONG_CLIENT, LONG_ACCOUNT),
    ("emoji", EMOJI_CLIENT, EMOJI_ACCOUNT),
    ("right to left", RTL_CLIENT, RTL_ACCOUNT),
)
"""What people really call their clients and accounts."""

SOON = NOW + timedelta(hours=2)


def accounts(number: int) -> tuple[Account, ...]:
    """So many accounts of one client, on several platforms."""
    where = (INSTAGRAM, X, YOUTUBE, LINKEDIN, PINTEREST)
    return tuple(Account(where[at % 5], f"acme.{at + 1}", f"Acme Shoes {at + 1}") for at in range(number))


def pages(number: int) -> tuple[Account, ...]:
    """So many accounts of one Facebook login: Pages, and an Instagram account behind the second one."""
    found = [Account(FACEBOOK, f"acme.{at + 1}", f"Acme Shoes {at + 1}") for at in range(number)]
    found[1:2] = [Account(BEHIND_FACEBOOK, "acme.2", "Acme Shoes 2")] if number > 1 else []
    return tuple(found)


def clients(number: int) -> tuple[ClientName, ...]:
    """So many clients."""
    return tuple(
        ClientName(f"{at:032x}", f"client-{at + 1}", f"Client {at + 1}", "Europe/Berlin")
        for at in range(number)
    )


def groups(number: int) -> tuple[Group, ...]:
    """So many clients with an account each that an incident touches."""
    named = [Account(INSTAGRAM, f"acme.{at + 1}", "Acme Shoes") for at in range(number)]
    return tuple(group(client, account) for client, account in zip(clients(number), named, strict=True))


def deliveries(state: str, number: int, client: ClientName = CLIENT, **values: object) -> list[DeliveryShown]:
    """So many posts of one client, an account each."""
    made = []
    for at, account in enumerate(accounts(number)):
        post = replace(queued_post(f"Post number {at + 1}", client), id=f"{at:032x}")
        made.append(replace(delivery(state, account, post, **values), id=f"{at:032x}"))
    return made


def line(client: ClientName = CLIENT, account: Account | None = ACME, **values: object) -> HealthLine:
    """One account of a health list."""
    plain = HealthLine(client, account, ROW, refreshed_at=NOW - timedelta(hours=3))
    return replace(plain, **values)  # type: ignore[arg-type]


RED = line(
    colour="red", state="dead", reason="revoked", waiting=Waiting(3, SOON, late=1), url=URL, until=None
)
YELLOW = line(
    account=ON_YOUTUBE, colour="yellow", state="ends_soon", reason="expired", until=NOW + timedelta(days=6)
)
WAITING = line(account=ON_X, colour="yellow", state="waiting")
GREEN = line(account=accounts(5)[4], until=NOW + timedelta(days=300), waiting=Waiting(2, SOON))


def lines(number: int) -> tuple[HealthLine, ...]:
    """So many accounts, worst first as a health list has them."""
    plain = (RED, YELLOW, GREEN)
    return tuple(
        replace(
            plain[min(at * 3 // max(number, 1), 2)],
            client=client,
            account=account,
            connection_id=f"{at:032x}",
        )
        for at, (client, account) in enumerate(zip(clients(number), accounts(number), strict=True))
    )


def page_of(items: Sequence[object], size: int) -> int:
    """How many pages there are."""
    return max(1, -(-len(items) // size))
