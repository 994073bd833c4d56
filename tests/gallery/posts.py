"""Posts: what became of them, the queue, late ones, retries, imports, and their windows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.messages import (
    actions,
    choosing,
    decisions,
    importing,
    late,
    posts,
    queue,
    queue_changes,
    queue_windows,
    releasing,
    retry,
)
from bot.messages.checking import CostShown, Moved, WarningShown
from bot.messages.choosing import Choosing
from bot.messages.deliveries import DeliveryShown
from bot.messages.importing import ImportShown
from bot.messages.people import ClientName
from bot.messages.posts import Day
from bot.messages.queue import Queued, QueueFacts
from bot.messages.queue_changes import Since
from bot.messages.queue_windows import EditForm
from bot.messages.releasing import Releasing
from bot.messages.retry import FailureFacts
from bot.messages.wall_time import WallTime, author_words, fold_words
from tests.gallery.case import Case, case, ugly
from tests.gallery.facts import (
    LINE_BREAKS,
    NAMES,
    ODD_ONES,
    ON_X,
    ON_YOUTUBE,
    OTHER,
    SIZES,
    SOON,
    clients,
    deliveries,
    page_of,
)
from tests.messages.message_facts import (
    ACME,
    CLIENT,
    NOW,
    ROW,
    UGLY,
    UGLY_ACCOUNT,
    UGLY_CLIENT,
    delivery,
    many,
    queued_post,
)

SEEN = "https://www.instagram.com/p/abc/"
NEW_SHOES = queued_post(LINE_BREAKS)
FAILED = delivery("failed", reason="media_ratio", post=NEW_SHOES)
TOO_LONG = delivery("failed", ON_X, NEW_SHOES, reason="text_too_long")
DEAD = delivery("blocked", post=NEW_SHOES, reason="dead", reconnect=ROW)
ASKED = delivery("unconfirmed", ON_X, NEW_SHOES, asked=True)
PUBLISHED = delivery("published", ON_YOUTUBE, NEW_SHOES, permalink=SEEN)
STATES = [
    delivery(state, ON_YOUTUBE, NEW_SHOES) for state in ("scheduled", "preparing", "sending", "processing")
]
OFFERED = delivery("blocked", late=True, reason="late", planned_at=NOW)
WALL = WallTime("2026-11-21", "18:00", "Europe/Berlin", "client-a")
TWICE = replace(
    WALL,
    author_time=author_words(SOON, "Europe/Berlin", "America/New_York"),
    folds=tuple((str(number), fold_words(SOON, number, "Europe/Berlin")) for number in (0, 1)),
)
RESTORED = delivery("blocked", late=True, reason="restored", planned_at=SOON)

TOLD = [
    case("post/a day", posts.day_message, Day(CLIENT, NOW.date(), {"Instagram": 3, "X": 2})),
    case("post/a day with one post", posts.day_message, Day(CLIENT, NOW.date(), {"Instagram": 1})),
    case("post/published", posts.published, PUBLISHED),
    case("post/published: not for everybody", posts.published, replace(PUBLISHED, visibility="private")),
    case(
        "post/published: a picture without words",
        posts.published,
        replace(PUBLISHED, post=replace(NEW_SHOES, text="", media=2)),
    ),
    case("post/failed", posts.post, NEW_SHOES, [FAILED]),
    case(
        "post/failed: the account was disconnected",
        posts.post,
        NEW_SHOES,
        [delivery("failed", post=NEW_SHOES, reason="disconnected")],
    ),
    case("post/failed on two, published on one", posts.post, NEW_SHOES, [PUBLISHED, FAILED, TOO_LONG]),
    case(
        "post/failed: the login is dead",
        posts.post,
        NEW_SHOES,
        [delivery("failed", post=NEW_SHOES, reason="revoked", reconnect=ROW)],
    ),
    case("post/is it live?", posts.post, NEW_SHOES, [ASKED, PUBLISHED]),
    case("post/being looked for", posts.post, NEW_SHOES, [delivery("unconfirmed", post=NEW_SHOES), *STATES]),
    case("post/nobody is needed", posts.post, NEW_SHOES, [PUBLISHED, delivery("cancelled", post=NEW_SHOES)]),
    *[
        case(f"post/failed on {size}", posts.post, NEW_SHOES, deliveries("failed", size, reason="policy"))
        for size in SIZES[1:]
    ],
    *[
        ugly(
            f"post/{what}",
            posts.post,
            queued_post(UGLY, client),
            [
                delivery("failed", account, queued_post(UGLY, client), reason="text_refused"),
                delivery("unconfirmed", account, queued_post(UGLY, client), asked=True),
            ],
        )
        for what, client, account in ODD_ONES
    ],
    case("post/news: failed", posts.post_news, FAILED, "failed"),
    case("post/news: words too long", posts.post_news, TOO_LONG, "failed"),
    case("post/news: nobody knows", posts.post_news, ASKED, "unconfirmed"),
    case("post/news: refused as a copy", posts.post_news, replace(ASKED, reason="duplicate"), "unconfirmed"),
    case("late/one", late.late, CLIENT, [OFFERED], ROW),
    case(
        "late/several, two decided",
        late.late,
        CLIENT,
        [
            *deliveries("blocked", 3, late=True, reason="late", planned_at=NOW),
            delivery("cancelled"),
            PUBLISHED,
        ],
        ROW,
    ),
    case("late/decided", late.late, CLIENT, [PUBLISHED, delivery("cancelled")], ROW),
    case("late/restored: one", late.late, CLIENT, [RESTORED], ROW),
    case("late/restored and late", late.late, CLIENT, [RESTORED, OFFERED], ROW),
    case("late/more", late.more, 4),
    *[
        case(
            f"late/{size}",
            late.late,
            CLIENT,
            deliveries("blocked", size, late=True, reason="late", planned_at=NOW),
            ROW,
        )
        for size in SIZES[2:]
    ],
    *[
        ugly(
            f"late/{what}",
            late.late,
            client,
            [delivery("blocked", account, queued_post(UGLY, client), late=True)],
            ROW,
        )
        for what, client, account in ODD_ONES
    ],
    case("retry/nothing", retry.retry_message, FailureFacts((), 0)),
    case(
        "retry/some of everything",
        retry.retry_message,
        FailureFacts(
            (FAILED, TOO_LONG, ASKED, DEAD, replace(OFFERED, post=queued_post("Winter sale", OTHER))), 5
        ),
    ),
    *[
        case(
            f"retry/{size}",
            retry.retry_message,
            FailureFacts(tuple(deliveries("failed", size, reason="platform_down")[:10]), size),
        )
        for size in SIZES[1:]
    ],
    ugly(
        "retry/at its worst",
        retry.retry_message,
        FailureFacts(
            tuple(
                delivery("failed", UGLY_ACCOUNT, queued_post(UGLY, replace(UGLY_CLIENT, id=str(at))))
                for at in range(10)
            ),
            400,
        ),
    ),
    case("retry/decided", decisions.decided, "going out now", 3, 3),
    case("retry/decided: some had moved on", decisions.decided, "dropped", 1, 3),
    case(
        "retry/decided, more to look at",
        decisions.above,
        decisions.decided("going out now", 1, 1),
        FailureFacts((FAILED,), 1),
    ),
]


def _queued(number: int, client: ClientName = CLIENT, text: str = "") -> tuple[Queued, ...]:
    found = []
    for at, item in enumerate(deliveries("scheduled", number, client)):
        due = SOON + timedelta(hours=5 * at)
        post = replace(item.post, due_at=due, text=text or item.post.text)
        found.append(Queued(post, due, (replace(item, post=post),)))
    return tuple(found)


def _queue(number: int, **values: object) -> QueueFacts:
    items = _queued(number)
    pages = page_of(items, queue.PAGE_POSTS)
    plain = QueueFacts(items[: queue.PAGE_POSTS], number, (CLIENT,), pages=pages, waiting=number)
    return replace(plain, **values)  # type: ignore[arg-type]


TWO_ZONES = QueueFacts((*_queued(2), *_queued(2, OTHER)), 4, (CLIENT, OTHER), scope="all")

TWO_ACCOUNTS = Queued(
    NEW_SHOES,
    SOON,
    (
        delivery("scheduled", post=NEW_SHOES),
        delivery("scheduled", ON_X, replace(NEW_SHOES, text="Short and sweet")),
        DEAD,
        delivery("cancelled", ON_YOUTUBE, NEW_SHOES),
    ),
)
SINCE = Since(delivery("cancelled"), "post.cancelled", "U0BOB", NOW)
PUBLISHED_SINCE = Since(delivery("published"))

QUEUE = [
    case("queue/empty", queue.queue_message, _queue(0)),
    case("queue/two days", queue.queue_message, _queue(4)),
    case(
        "queue/every state, another zone",
        queue.queue_message,
        _queue(1, items=(TWO_ACCOUNTS,), zone="America/New_York"),
    ),
    case("queue/paused", queue.queue_message, _queue(2, paused=(CLIENT,))),
    case(
        "queue/all clients",
        queue.queue_message,
        _queue(2, clients=(CLIENT, OTHER), scope="all", may_pause_all=True),
    ),
    case("queue/two zones", queue.queue_message, TWO_ZONES),
    case(
        "queue/all paused",
        queue.queue_message,
        _queue(2, clients=(CLIENT, OTHER), scope="all", may_pause_all=True, all_paused=True),
    ),
    case(
        "queue/after a press",
        queue.queue_message,
        _queue(1),
        queue_changes.done_words("cancelled", [delivery("cancelled")]),
    ),
    case("queue/a page in the middle", queue.queue_message, _queue(40, page=2)),
    *[
        case(
            f"queue/{size} posts",
            queue.queue_message,
            _queue(
                size,
                clients=clients(min(size, 60)),
                paused=clients(min(size, 60)),
                scope="all",
                may_pause_all=True,
            ),
        )
        for size in SIZES[1:]
    ],
    *[
        ugly(f"queue/{what}", queue.queue_message, QueueFacts(_queued(3, client, UGLY), 3, (client, OTHER)))
        for what, client, _ in ODD_ONES
    ],
    case("queue/press: moved on", queue_changes.stale_words, [SINCE, PUBLISHED_SINCE]),
    case("queue/press: gone", queue_changes.stale_words, []),
    case(
        "queue/press: done, some left alone",
        queue_changes.done_words,
        "cancelled",
        [delivery("cancelled")],
        [PUBLISHED_SINCE],
    ),
    case("queue/press: waits", queue_changes.waits_words, [DEAD]),
    case(
        "queue/edit",
        queue_windows.edit_modal,
        EditForm(
            (FAILED,),
            LINE_BREAKS,
            "m",
            media=2,
            title="New shoes",
            link="https://shop.example.com/",
            texts={"instagram": "Only here"},
        ),
    ),
    case(
        "queue/edit: with a problem",
        queue_windows.edit_modal,
        EditForm((TOO_LONG,), LINE_BREAKS, "m", media=1, problem="X takes 280 characters; this has 312."),
    ),
    case(
        "queue/edit: after a failure",
        queue_windows.edit_modal,
        EditForm((TOO_LONG,), LINE_BREAKS, "m", callback_id=actions.FAILED_EDITOR),
    ),
    ugly(
        "queue/edit: at its worst",
        queue_windows.edit_modal,
        EditForm(
            (delivery("scheduled", UGLY_ACCOUNT, queued_post(UGLY, UGLY_CLIENT)),),
            UGLY * 40,
            "m",
            title=UGLY,
            link="",
            texts={"instagram": UGLY * 40},
            problem=UGLY,
        ),
    ),
    case("queue/move one", queue_windows.move_modal, [OFFERED], WALL, "m"),
    case("queue/move: at a change of the clocks", queue_windows.move_modal, [OFFERED], TWICE, "m"),
    case(
        "queue/move several",
        queue_windows.move_modal,
        deliveries("blocked", 12, late=True),
        WALL,
        "m",
    ),
    case(
        "queue/moved",
        queue_windows.done_modal,
        "Move",
        f"“New shoes” for {ACME.shown}: "
        f"{queue_windows.moved_words(SOON, SOON, 'Europe/Berlin', 'America/New_York')}.",
    ),
    case(
        "queue/moved several",
        queue_windows.done_modal,
        "Move",
        f"3 posts {queue_windows.moved_words(SOON, SOON + timedelta(hours=3), 'Europe/Berlin', None)}.",
    ),
]


def _choosing(number: int, **values: object) -> Choosing:
    items = deliveries("blocked", number, late=True, reason="late", planned_at=NOW)
    return replace(Choosing(tuple(items[: choosing.PAGE]), number, "m"), **values)  # type: ignore[arg-type]


def _odd() -> tuple[DeliveryShown, ...]:
    return tuple(
        replace(delivery("failed", account, queued_post(UGLY, client), reason="policy"), id=f"{at:032x}")
        for at, (_, client, account) in enumerate(ODD_ONES)
    )


CHOOSING = [
    case("choose/late ones", choosing.chooser, _choosing(3)),
    case("choose/failed ones", choosing.chooser, _choosing(2, can_move=False)),
    case("choose/restored ones", choosing.chooser, _choosing(1, items=(RESTORED,))),
    *[case(f"choose/{size}", choosing.chooser, _choosing(size, page=1)) for size in SIZES[2:]],
    ugly("choose/long, emoji, right to left", choosing.chooser, Choosing(_odd(), 3, "m")),
    case("choose/drop?", choosing.drop_asked, deliveries("blocked", 3, late=True), "m"),
    ugly("choose/drop twenty of the worst?", choosing.drop_asked, many(_odd()[0], 20), "m"),
    case("choose/nothing left", choosing.nothing_left),
]

WARNED = (
    WarningShown("same_minute", "Instagram", ("@acme", "@beta")),
    WarningShown("repeated", "X", ("@acme",), NOW, "Europe/Berlin"),
    WarningShown("daily_cap", "Instagram", ("@acme",), number=26, cap=25),
)
COSTS = (
    CostShown("X", 3, 2, 415),
    CostShown("X", 1, 1, 200),
    CostShown("X", 12, 12, 2400),
    CostShown("X", 2, 0, 30),
)
MOVED = (Moved("@acme on Instagram", NOW), Moved("@beta on Instagram", SOON))
RELEASING = Releasing(3, "client-a", WARNED, COSTS, "m", MOVED, "Europe/Berlin")

RELEASE = [
    case("release/warned, spread", releasing.release_modal, RELEASING),
    case("release/only a cost", releasing.release_modal, Releasing(1, "client-a", (), COSTS[:1], "m")),
    case("release/1000 warnings", releasing.release_modal, replace(RELEASING, warned=WARNED[:1] * 1000)),
    ugly(
        "release/at its worst",
        releasing.release_modal,
        replace(
            RELEASING,
            warned=(WarningShown("same_minute", "Instagram", (UGLY,) * 9),),
            moved=tuple(Moved(UGLY, SOON + timedelta(hours=at)) for at in range(40)),
        ),
    ),
]

COLUMNS = ("client", "platforms", "when", "text", "media", "title", "link")


def _import(number: int, **values: object) -> ImportShown:
    faults = tuple((at + 2, "There is no client “acne” here; did you mean “acme”?") for at in range(number))
    first = importing.first_words(SOON, "Europe/Berlin", {"1": "@acme on Instagram"}, "New shoes are in!")
    plain = ImportShown(ROW, "november.csv", 12, 0, 12, faults, ((2, first), (3, first)))
    return replace(plain, **values)  # type: ignore[arg-type]


FOUND = ((4, "X may take it for spam: @acme, @beta get the same text in the same minute."),)

IMPORT = [
    case("import/upload", importing.upload, "m", COLUMNS),
    case("import/upload: with a problem", importing.upload, "m", COLUMNS, "This file is not a table."),
    case("import/reading", importing.reading),
    case("import/preview: all good", importing.preview, _import(0, has_media=True), "m"),
    case(
        "import/preview: faults, warnings, costs",
        importing.preview,
        _import(3, known=2, warned=FOUND, warnings=9, costs=("X charges about $0.18 for 12 posts.",)),
        "m",
    ),
    case("import/preview: nothing good", importing.preview, _import(2, queued=0, first=()), "m"),
    case("import/queueing", importing.queueing, _import(0)),
    case("import/done", importing.result, _import(0)),
    case("import/done with faults", importing.result, _import(2, known=1)),
    *[case(f"import/done: {size} faults", importing.result, _import(size)) for size in SIZES[2:]],
    *[case(f"import/preview: {size} faults", importing.preview, _import(size), "m") for size in SIZES[2:]],
    case("import/faults: the last page", importing.faults_page, _import(1000), "m", 50),
    *[
        ugly(
            f"import/done: {what}",
            importing.result,
            _import(12, name=f"{name}.csv", faults=tuple((at, UGLY) for at in range(12))),
        )
        for what, name in NAMES.items()
    ],
    ugly(
        "import/preview: at its worst",
        importing.preview,
        _import(
            0,
            name=UGLY,
            faults=tuple((at, UGLY) for at in range(40)),
            first=tuple((at, UGLY) for at in range(10)),
            warned=tuple((at, UGLY) for at in range(10)),
            costs=(UGLY,),
        ),
        "m",
    ),
]

CASES: list[Case] = [*TOLD, *QUEUE, *CHOOSING, *RELEASE, *IMPORT]
