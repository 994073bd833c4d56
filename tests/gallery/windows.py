"""Help, set-up and settings, clients, and the composer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.messages import clients as client_words
from bot.messages import (
    composer,
    composer_blocks,
    composer_done,
    connect_window,
    preview,
    rhythm,
    settings,
    setup,
)
from bot.messages import help as helping
from bot.messages.clients import ClientForm, Listed
from bot.messages.composer import Asking, Choosable, Composer, ComposerClient
from bot.messages.composer_blocks import Attached
from bot.messages.connect_window import Offer
from bot.messages.preview import Preview, Seen
from bot.messages.settings import SettingsForm
from bot.messages.setup import Setup
from bot.messages.wall_time import WallTime, author_words, fold_words
from tests.gallery.case import Case, case, ugly
from tests.gallery.facts import (
    LINE_BREAKS,
    LONG,
    ODD_ONES,
    SIZES,
    SOON,
    accounts,
    clients,
)
from tests.messages.message_facts import CLIENT_ID, UGLY, URL

COMMANDS = (
    ("/connect PLATFORM CLIENT [@handle]", "posts a link that connects an account"),
    ("/disconnect PLATFORM CLIENT", "takes an account out"),
    ("/health [client, all or logins]", "shows how the accounts are and what they need"),
    ("/post", "writes a post"),
    ("/queue [client or all]", "shows what is to come"),
    ("/retry [client]", "shows what failed"),
)


HELP = [
    case("help/all", helping.help_message, COMMANDS),
    case("help/an unknown word", helping.help_message, COMMANDS, "helth"),
    ugly("help/an unknown word at its worst", helping.help_message, COMMANDS, UGLY),
    case("help/hello in a client's channel", helping.hello, ["client-a", "northwind"]),
    case("help/hello in another channel", helping.hello, []),
    case("rhythm/digest on", rhythm.switched, "client-a", "C0TEAM", True),
    case("rhythm/digest off", rhythm.switched, "client-a", None, False),
    case("rhythm/no team channel", rhythm.no_team_channel, "client-a"),
    case("rhythm/shared channel", rhythm.shared, "client-a", "C0SHARED"),
    case("rhythm/many posts", rhythm.many_posts, 8),
]


def _listed(number: int) -> list[Listed]:
    places = ((None, None), ("C0TEAM", None), ("C0TEAM", "C0SHARED"))
    return [Listed(one.id, one.slug, one.name, *places[at % 3]) for at, one in enumerate(clients(number))]


FORM = ClientForm(
    CLIENT_ID,
    "client-a",
    "Client A",
    "Europe/Berlin",
    "C0TEAM",
    "C0SHARED",
    ("U0ADA",),
    "S0TEAM",
    ("U0BOB",),
    ("acme", "acme-shoes"),
    "dead",
    (),
    True,
)
SETTINGS = SettingsForm(
    "C0OPS",
    ("U0ADA",),
    "Europe/Berlin",
    (1, 2, 3, 4, 5),
    9,
    18,
    "warning",
    (),
    "",
    (14, 7, 3, 1),
    (),
    (),
    8,
    False,
)

WINDOW = Offer(
    {"instagram": "Instagram", "x": "X"}, None, (CLIENT_ID, "client-a", "Client A"), "C0TEAM", True
)
MANY_CLIENTS = tuple((one.id, one.slug, one.name) for one in clients(120))

CONNECT = [
    case("connect/window", connect_window.window, WINDOW),
    case(
        "connect/window: for who may not create",
        connect_window.window,
        Offer({"x": "X"}, MANY_CLIENTS[:1], None, None, False),
    ),
    *[
        case(
            f"connect/window: {size} clients",
            connect_window.window,
            replace(
                WINDOW, clients=tuple((one.id, one.slug, one.name) for one in clients(size)), chosen=None
            ),
        )
        for size in (*SIZES[1:], 120)
    ],
    ugly(
        "connect/window: long",
        connect_window.window,
        replace(WINDOW, clients=((CLIENT_ID, "client-a", LONG),)),
    ),
]

SET_UP = [
    case("setup/first time", setup.setup, Setup(None, ("U0ADA",), "Europe/Berlin", False)),
    case("setup/again", setup.setup, Setup("C0OPS", ("U0ADA",), "Europe/Berlin", True)),
    case("setup/saved", setup.saved),
    case("setup/saved, not in the channel yet", setup.saved, ["C0OPS"]),
    case("settings/as they stand", settings.settings, SETTINGS, (28, 21, 14, 7, 3, 1), "m"),
    ugly(
        "settings/much of everything",
        settings.settings,
        replace(
            SETTINGS,
            admins=tuple(f"U{at:04}" for at in range(200)),
            groups=UGLY,
            for_all=tuple(settings.RIGHTS),
        ),
        (28, 21, 14, 7, 3, 1),
        "m",
    ),
    case("settings/saved", settings.saved, 3),
    case("settings/nothing changed", settings.saved, 0),
    *[case(f"clients/list of {size}", client_words.listing, _listed(size), 0, True, size) for size in SIZES],
    case("clients/list for who may not create", client_words.listing, _listed(3), 0, False),
    ugly(
        "clients/long, emoji, right to left",
        client_words.listing,
        [Listed(one.id, one.slug, one.name, None, None) for _, one, _ in ODD_ONES],
        0,
        True,
    ),
    case("clients/new", client_words.client_modal, ClientForm(zone="Europe/Berlin"), "m"),
    case("clients/change", client_words.client_modal, FORM, "m"),
    ugly(
        "clients/change: at its worst",
        client_words.client_modal,
        replace(FORM, name=LONG, groups=UGLY, old_slugs=tuple(one.slug for one in clients(120))),
        "m",
    ),
    case("clients/saved", client_words.client_saved, FORM, "acme"),
    case("clients/saved, not in both channels", client_words.client_saved, FORM, "", ["C0TEAM", "C0SHARED"]),
    ugly("clients/saved: long", client_words.client_saved, replace(FORM, name=LONG)),
]

HERE = ComposerClient(CLIENT_ID, "client-a", "Europe/Berlin")
TWO = (
    Choosable("1" * 32, "@acme on Instagram", "green", "", "instagram", "Instagram"),
    Choosable("2" * 32, "@acme on X", "yellow", "Works, and soon needs a new sign-in.", "x", "X"),
    Choosable(
        "3" * 32, "Acme Shoes TV on YouTube", "red", "Disconnected: its posts wait.", "youtube", "YouTube"
    ),
)
LIMITS = {
    "instagram": composer.limits_hint("Instagram", 2200, True, True),
    "x": composer.limits_hint("X", 280, False, True),
    "linkedin": composer.limits_hint("LinkedIn", 3000, False, False),
}
WALL = WallTime("2026-11-21", "18:00", "Europe/Berlin", "client-a")
PLAIN = Composer(HERE, TWO, "m", WALL, limits=LIMITS)
FULL = replace(
    PLAIN,
    chosen=("1" * 32, "2" * 32),
    text=LINE_BREAKS,
    texts={"x": "Short and sweet"},
    when=composer_blocks.LATER,
    at=replace(
        WALL,
        author_time=author_words(SOON, "Europe/Berlin", "America/New_York"),
        folds=(("0", fold_words(SOON, 0, "Europe/Berlin")), ("1", fold_words(SOON, 1, "Europe/Berlin"))),
    ),
    files=(Attached("F1", "shoes.jpg"), Attached("F2", "film.mp4")),
    titled={"x": "YouTube (videos)"},
    notes={"x": ("X charges our app about $0.015 for each post, and $0.20 for one with a link.",)},
)
WORRIES = Asking(
    ("Instagram may take it for spam: @acme, @beta get the same text in the same minute.",),
    "@acme 18:00 and @beta 18:07 (Europe/Berlin)",
)


def _composer(number: int) -> Composer:
    shown = tuple(
        Choosable(f"{at:032x}", one.bare, "green", "", one.platform.key, one.platform.title)
        for at, one in enumerate(accounts(number))
    )
    return replace(PLAIN, accounts=shown, chosen=tuple(one.id for one in shown))


MOMENTS = ((SOON, ("@acme on Instagram", "@acme on X")),)
SPREAD = (*MOMENTS, (SOON + timedelta(minutes=7), ("@acme on YouTube",)))
SEEN = (
    Seen(("@acme on Instagram",), LINE_BREAKS, problems=("Instagram takes no post without a picture.",)),
    Seen(("Acme Shoes TV on YouTube",), "Short", "New shoes", "https://shop.example.com/"),
    Seen(("@acme on X", "@beta on X"), ""),
)

COMPOSER = [
    case("composer/empty", composer.composer, PLAIN),
    case("composer/full", composer.composer, FULL),
    case("composer/asking", composer.composer, replace(FULL, asking=WORRIES)),
    case(
        "composer/problems",
        composer.composer,
        replace(
            PLAIN,
            problem="Choose at least one account.",
            troubles={composer_blocks.TEXT: "X takes 280 characters; this has 312."},
        ),
    ),
    case("composer/no client", composer.composer, replace(PLAIN, client=None)),
    case("composer/no client yet", composer.composer, replace(FULL, client=None, accounts=(), at=None)),
    case("composer/no accounts", composer.composer, replace(FULL, accounts=())),
    *[case(f"composer/{size} accounts", composer.composer, _composer(size)) for size in SIZES],
    ugly(
        "composer/long, emoji, right to left",
        composer.composer,
        replace(
            PLAIN,
            accounts=tuple(
                Choosable(one.id, account.bare, "red", UGLY, "x", "X") for _, one, account in ODD_ONES
            ),
            text=UGLY * 30,
            problem=UGLY,
            files=tuple(Attached(f"F{at}", f"{LONG}{at}.jpg") for at in range(12)),
        ),
    ),
    case("composer/looking at the files", composer_done.checking),
    case(
        "composer/queued",
        composer_done.done,
        composer_done.Queued(MOMENTS, "client-a", "Europe/Berlin", "America/New_York", False),
    ),
    case(
        "composer/going out now",
        composer_done.done,
        composer_done.Queued(MOMENTS, "client-a", "Europe/Berlin", None, True),
    ),
    case(
        "composer/queued, spread",
        composer_done.done,
        composer_done.Queued(SPREAD, "client-a", "Europe/Berlin", None, False),
    ),
    case(
        "preview/three platforms",
        preview.preview,
        Preview(
            SEEN,
            (("shoes.jpg", "A red shoe"), ("film.mp4", "")),
            "Europe/Berlin",
            "America/New_York",
            SOON,
            False,
            WORRIES.warnings,
        ),
    ),
    case("preview/nothing chosen", preview.preview, Preview((), (), "Europe/Berlin", None)),
    case("preview/no time yet", preview.preview, Preview(SEEN[1:2], (), "Europe/Berlin", None, None, False)),
    *[
        case(
            f"preview/{size} accounts",
            preview.preview,
            Preview(
                (replace(SEEN[2], accounts=tuple(one.label for one in accounts(size))),), (), "UTC", None
            ),
        )
        for size in SIZES[1:]
    ],
    ugly(
        "preview/at its worst",
        preview.preview,
        Preview(
            (Seen((UGLY,) * 30, UGLY * 90, UGLY, URL, (UGLY,) * 3),) * 8,
            ((UGLY, UGLY),) * 10,
            "UTC",
            None,
        ),
    ),
]

CASES: list[Case] = [*HELP, *CONNECT, *SET_UP, *COMPOSER]
