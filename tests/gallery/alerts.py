"""Alerts, their news, warnings, digests and reminders; what the bot says of itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.messages import absences, ahead, digest, engine, incident, incident_news, missed, pausing, versions
from bot.messages import renamed as renames
from bot.messages.absences import Gone, Named
from bot.messages.ahead import Ahead, Unready
from bot.messages.digest import AtRisk, Digest, LastWeek, PausedClient, Totals
from bot.messages.engine import Back
from bot.messages.incident_facts import Incident, Reminder, Waiting
from bot.messages.logins import LoginLine
from bot.messages.pausing import Pause
from tests.gallery.case import Case, case, ugly
from tests.gallery.facts import (
    ARABIC,
    BEHIND_FACEBOOK,
    CROWD,
    FACEBOOK,
    LINKEDIN,
    LONG,
    NAMES,
    ODD_ONES,
    ON_X,
    ON_YOUTUBE,
    OTHER,
    RED,
    SIZES,
    SOON,
    WAITING,
    YELLOW,
    accounts,
    clients,
    groups,
    line,
    lines,
    pages,
)
from tests.messages.message_facts import (
    ACME,
    CLIENT,
    INSTAGRAM,
    NOW,
    UGLY,
    UGLY_ACCOUNT,
    UGLY_CLIENT,
    X,
    alert,
    group,
    queued_post,
)

DAY = timedelta(days=1)
MONDAY = NOW.date() + timedelta(days=3)
SILENT = Waiting()
BAD_DAY = (
    group(reason="password_changed"),
    group(account=ON_X, reason="revoked", waiting=SILENT),
    group(account=ON_YOUTUBE, reason="expired"),
)


def _warning(**values: object) -> Incident:
    return alert(severity="warning", reason="expired", until=NOW + 7 * DAY, **values)


def _operations(number: int, **values: object) -> Incident:
    return alert(groups=groups(number), operations=True, called=("U0ADA",), holder="Grace Hopper", **values)


ALERTS = [
    case("alert/dead: revoked", incident.incident, alert()),
    case(
        "alert/dead: password changed, nothing waits",
        incident.incident,
        alert(reason="password_changed", groups=(group(waiting=SILENT, can_ask=False),)),
    ),
    case(
        "alert/dead: behind a Facebook login",
        incident.incident,
        alert(platform=BEHIND_FACEBOOK, reason="checkpoint"),
    ),
    case("alert/dead: on it", incident.incident, alert(taken_by="U0BOB")),
    case("alert/dead: snoozed", incident.incident, alert(snoozed_by="U0BOB", snoozed_until=NOW + 3 * DAY)),
    case("alert/dead: third time", incident.incident, alert(deaths=3)),
    case(
        "alert/dead: it was announced",
        incident.incident,
        alert(reason="expired", has_began=True, began="https://agency.slack.com/archives/C1/p1"),
    ),
    case(
        "alert/dead: client paused",
        incident.incident,
        alert(groups=(group(paused_at=NOW - DAY, paused_by="U0ADA"),)),
    ),
    case(
        "alert/dead: several accounts on one login",
        incident.incident,
        alert(platform=FACEBOOK, groups=(replace(group(), accounts=pages(4)),)),
    ),
    case(
        "alert/cannot post: permission",
        incident.incident,
        alert(kind="connection", reason="permission_missing", permission="posting"),
    ),
    case(
        "alert/cannot post: restricted",
        incident.incident,
        alert(kind="connection", reason="restricted", platform=X, groups=(group(account=ON_X),)),
    ),
    case("alert/warning: seven days", incident.incident, _warning()),
    case(
        "alert/warning: refused, works for now",
        incident.incident,
        alert(severity="warning", reason="revoked", until=NOW + DAY),
    ),
    case("alert/warning: no date", incident.incident, alert(severity="warning", reason="lost_answer")),
    case("alert/operations: one login, many clients", incident.incident, _operations(4)),
    case(
        "alert/operations: warning for one login",
        incident.incident,
        _operations(3, severity="warning", reason="expired", until=NOW + DAY),
    ),
    case(
        "alert/operations: app refused",
        incident.incident,
        alert(kind="app", reason="app_secret", groups=(), called=("U0ADA",)),
    ),
    case(
        "alert/operations: app works again",
        incident.incident,
        alert(kind="app", reason="app_secret", groups=(), how="recovered", closed_at=NOW),
    ),
    case(
        "alert/operations: platform silent",
        incident.incident,
        alert(kind="platform", reason="platform_down", groups=(), opened_at=NOW, called=("U0ADA",)),
    ),
    case(
        "alert/operations: platform answers again",
        incident.incident,
        alert(kind="platform", reason="platform_down", groups=(), how="recovered", closed_at=NOW),
    ),
    *[
        case(
            f"alert/operations: many refused, app {word}",
            incident.incident,
            alert(kind="mass", groups=groups(8), app=word, operations=True, called=("U0ADA",)),
        )
        for word in ("works", "accepted", "unknown")
    ],
    case(
        "alert/operations: many refused, over",
        incident.incident,
        alert(kind="mass", groups=groups(8), how="relinked", operations=True),
    ),
    case(
        "alert/operations: many refused, the last one disconnected",
        incident.incident,
        alert(kind="mass", groups=(), how="disconnected", operations=True),
    ),
    case("alert/bad day", incident.incident, alert(kind="client", groups=BAD_DAY)),
    case(
        "alert/bad day: paused, on it",
        incident.incident,
        alert(
            kind="client",
            taken_by="U0BOB",
            groups=(group(reason="revoked", paused_at=NOW, paused_by="U0BOB"), *BAD_DAY[1:]),
        ),
    ),
    case(
        "alert/bad day: over",
        incident.incident,
        alert(kind="client", groups=BAD_DAY, how="relinked", closed_at=NOW),
    ),
    *[
        case(f"alert/over: {how}", incident.incident, alert(how=how, closed_at=NOW))
        for how in ("relinked", "recovered", "renewed", "posts_gone", "gone")
    ],
    case("alert/over: for operations", incident.incident, _operations(3, how="relinked", closed_at=NOW)),
    case(
        "alert/over: disconnected",
        incident.incident,
        alert(how="disconnected", closed_at=NOW, ended_by="U0ADA", ended_account=ACME),
    ),
    case(
        "alert/over: goes on elsewhere",
        incident.incident,
        alert(how="went_on", closed_at=NOW, goes_on="https://agency.slack.com/archives/C1/p2"),
    ),
    case("alert/over: goes on here", incident.incident, alert(how="went_on", closed_at=NOW)),
    case("alert/nothing left", incident.incident, alert(groups=(replace(group(), accounts=()),))),
    case("alert/stand-in: archived", missed.with_note, incident.incident(alert()), "is_archived C0TEAM"),
    case(
        "alert/stand-in: bot not in the channel",
        missed.with_note,
        incident.incident(alert()),
        "not_in_channel C0TEAM",
    ),
    case("alert/stand-in: a person", missed.with_note, incident.incident(alert()), "cannot_dm_bot U0BOB"),
    *[
        ugly(
            f"alert/dead: {what}",
            incident.incident,
            alert(platform=account.platform, groups=(group(client, account),)),
        )
        for what, client, account in ODD_ONES
    ],
    ugly(
        "alert/dead: at its worst",
        incident.incident,
        alert(groups=(group(UGLY_CLIENT, UGLY_ACCOUNT),), permission=UGLY),
    ),
    ugly(
        "alert/bad day: many",
        incident.incident,
        alert(
            kind="client", groups=tuple(group(UGLY_CLIENT, one, reason="revoked") for one in accounts(CROWD))
        ),
    ),
    *[case(f"alert/operations: {size} clients", incident.incident, _operations(size)) for size in SIZES],
    *[
        case(
            f"alert/operations: {size} refused at once",
            incident.incident,
            alert(kind="mass", groups=groups(size), app="works", operations=True),
        )
        for size in SIZES[1:]
    ],
    *[
        case(
            f"alert/dead: {size} accounts on one login",
            incident.incident,
            alert(platform=FACEBOOK, groups=(replace(group(), accounts=pages(size)),)),
        )
        for size in SIZES[2:]
    ],
]

NEWS = [
    case("news/dead", incident_news.news, alert(), "dead"),
    case("news/dead: back again", incident_news.news, alert(again=True, deaths=3), "dead"),
    case("news/dead: for operations", incident_news.news, _operations(3), "dead"),
    case("news/warning", incident_news.news, _warning(), "warning"),
    case(
        "news/one more account",
        incident_news.news,
        alert(kind="client", groups=BAD_DAY, news_of=ON_X),
        "joined",
    ),
    case("news/backup", incident_news.news, alert(groups=(group(backup=("U0BOB",)),)), "backup"),
    case(
        "news/untaken",
        incident_news.news,
        alert(operations=True, opened_at=NOW, called=("U0ADA",)),
        "untaken",
    ),
    case(
        "news/untaken: bad day",
        incident_news.news,
        alert(kind="client", operations=True, groups=BAD_DAY, opened_at=NOW),
        "untaken",
    ),
    *[
        case(f"news/cured: {how}", incident_news.news, alert(how=how, closed_at=NOW), how)
        for how in ("relinked", "recovered", "renewed", "posts_gone")
    ],
    case(
        "news/cured: nothing waited",
        incident_news.news,
        alert(how="relinked", groups=(group(waiting=SILENT),)),
        "relinked",
    ),
    case(
        "news/cured: platform",
        incident_news.news,
        alert(kind="platform", how="recovered", groups=()),
        "recovered",
    ),
    case("news/cured: app", incident_news.news, alert(kind="app", how="recovered", groups=()), "recovered"),
    case(
        "news/cured: many",
        incident_news.news,
        alert(kind="mass", how="relinked", groups=groups(3)),
        "relinked",
    ),
    case(
        "news/disconnected",
        incident_news.news,
        alert(how="disconnected", ended_by="U0ADA", ended_account=ACME),
        "disconnected",
    ),
    case("news/said too late", incident_news.news, alert(how="relinked"), "warning"),
    case("reminder/dead", incident_news.reminder, alert(opened_at=NOW - 3 * DAY, reminder=Reminder())),
    case(
        "reminder/after a snooze",
        incident_news.reminder,
        alert(opened_at=NOW - 3 * DAY, reminder=Reminder("U0BOB")),
    ),
    case(
        "reminder/the last",
        incident_news.reminder,
        alert(opened_at=NOW - 30 * DAY, reminder=Reminder(is_last=True)),
    ),
    case("reminder/warning", incident_news.reminder, _warning(opened_at=NOW - 3 * DAY, reminder=Reminder())),
    case(
        "reminder/cannot post",
        incident_news.reminder,
        alert(kind="connection", reason="restricted", opened_at=NOW - DAY, reminder=Reminder()),
    ),
    case(
        "reminder/bad day",
        incident_news.reminder,
        alert(kind="client", groups=BAD_DAY, opened_at=NOW - DAY, reminder=Reminder()),
    ),
    case(
        "reminder/app",
        incident_news.reminder,
        alert(kind="app", groups=(), operations=True, opened_at=NOW - DAY, reminder=Reminder()),
    ),
    case(
        "reminder/many",
        incident_news.reminder,
        alert(kind="mass", groups=groups(3), operations=True, opened_at=NOW - DAY, reminder=Reminder()),
    ),
    case(
        "reminder/for operations",
        incident_news.reminder,
        _operations(3, opened_at=NOW - DAY, reminder=Reminder()),
    ),
    *[
        ugly(
            f"news/dead: {what}",
            incident_news.news,
            alert(platform=account.platform, groups=(group(client, account),)),
            "dead",
        )
        for what, client, account in ODD_ONES
    ],
    ugly(
        "reminder/at its worst",
        incident_news.reminder,
        alert(groups=(group(UGLY_CLIENT, UGLY_ACCOUNT),), opened_at=NOW, reminder=Reminder("U0BOB", True)),
    ),
]


def _login(number: int = 1, **values: object) -> LoginLine:
    plain = LoginLine(
        "9" * 32,
        "Grace Hopper",
        INSTAGRAM,
        "green",
        "fine",
        tuple((one, (ACME,)) for one in clients(number)),
        NOW,
    )
    return replace(plain, **values)  # type: ignore[arg-type]


def _left(number: int) -> Gone:
    named = tuple(Named(client, True, at % 2 == 0) for at, client in enumerate(clients(number)))
    return Gone(
        "U0BOB", "deactivated", tuple(_login() for _ in range(min(number, 8))), number, named, True, True
    )


def _risk(number: int, **values: object) -> Digest:
    shown = tuple(AtRisk(one, SOON + DAY) for one in lines(number)[: digest.LINES_MOST])
    return replace(Digest(number, 0, shown), **values)  # type: ignore[arg-type]


def _ahead(number: int, **values: object) -> Ahead:
    posts = tuple(queued_post(f"Post number {at + 1}") for at in range(5))
    unready = tuple(Unready(one, posts) for one in lines(number))
    return replace(Ahead(CLIENT, NOW.date(), 12, unready, ("U0ADA",)), **values)  # type: ignore[arg-type]


def _totals(number: int) -> Totals:
    colours = {"red": number // 10, "yellow": number // 5, "green": number - number // 10 - number // 5}
    needed = number // 10 + number // 5
    told = lines(needed * 3 // 2)[: min(needed, 10)]  # of so many, two thirds are red or yellow
    return Totals(MONDAY, number, colours, LastWeek(number * 3, number // 25, number // 50), told, needed)


PAUSED = PausedClient(CLIENT, "U0BOB", 4)

ROUNDS = [
    case(
        "digest/a person's week",
        digest.digest,
        Digest(1, 2, (AtRisk(RED), AtRisk(YELLOW, SOON + DAY), AtRisk(WAITING))),
    ),
    case(
        "digest/a client's week",
        digest.digest,
        Digest(1, 1, (AtRisk(RED), AtRisk(YELLOW)), client=CLIENT, mentions=("S0TEAM",)),
    ),
    case("digest/paused", digest.digest, Digest(0, 0, (), (PAUSED, PausedClient(OTHER)))),
    *[case(f"digest/{size} accounts", digest.digest, _risk(size)) for size in SIZES[1:]],
    ugly(
        "digest/long, emoji, right to left",
        digest.digest,
        Digest(
            3,
            0,
            tuple(
                AtRisk(line(client, account, colour="red", state="dead", reason="revoked"))
                for _, client, account in ODD_ONES
            ),
        ),
    ),
    case(
        "totals/a week",
        digest.totals,
        replace(
            _totals(24),
            needed=(RED, YELLOW),
            needed_in_all=2,
            paused=(PAUSED,),
            unheard=("client-a", "northwind"),
        ),
    ),
    case("totals/quiet", digest.totals, Totals(MONDAY, 1, {"green": 3}, LastWeek())),
    *[case(f"totals/{size} clients", digest.totals, _totals(size)) for size in SIZES],
    case("ahead/two accounts not ready", ahead.ahead, _ahead(2)),
    case("ahead/paused", ahead.ahead, _ahead(0, paused=True, paused_by="U0BOB")),
    case("ahead/all paused", ahead.ahead, _ahead(1, paused=True, by_all=True)),
    *[case(f"ahead/{size} accounts", ahead.ahead, _ahead(size, posts=size * 2)) for size in SIZES[1:]],
    ugly(
        "ahead/long, emoji, right to left",
        ahead.ahead,
        Ahead(
            ODD_ONES[0][1],
            NOW.date(),
            9,
            tuple(
                Unready(
                    line(client, account, colour="red", state="dead", reason="revoked"),
                    (queued_post(ARABIC, client), queued_post(UGLY, client)),
                )
                for _, client, account in ODD_ONES
            ),
        ),
    ),
    case("absence/deactivated", absences.gone, replace(_left(2), is_admin=True)),
    case("absence/unknown, only an admin", absences.gone, Gone("U0BOB", "unknown", is_admin=True)),
    case("absence/called in operations", absences.gone, Gone("U0BOB", "deactivated", is_called=True)),
    *[case(f"absence/{size} logins and clients", absences.gone, _left(size)) for size in SIZES[1:]],
    case("pause/one client", pausing.paused, Pause(CLIENT, NOW, "U0BOB", waiting=3)),
    case("pause/nothing waits", pausing.paused, Pause(CLIENT, NOW, "U0BOB")),
    case("pause/all clients", pausing.paused, Pause(None, NOW, "U0BOB", waiting=31)),
    case("pause/over", pausing.paused, Pause(CLIENT, NOW, "U0BOB", is_over=True)),
    case("pause/resumed", pausing.resumed, Pause(CLIENT, NOW, "U0BOB"), 3, 1),
    case("pause/all resumed", pausing.resumed, Pause(None, NOW, "U0BOB"), 30, 4),
    *[
        ugly(f"pause/{what}", pausing.paused, Pause(client, NOW, "U0BOB", waiting=3))
        for what, client, _ in ODD_ONES
    ],
]

ITSELF = [
    case("itself/welcome", engine.welcome, "Wonder Agency"),
    ugly("itself/welcome: at its worst", engine.welcome, UGLY),
    case("itself/it was off", engine.gap, NOW, NOW + timedelta(hours=3, minutes=20), 2, "Europe/Berlin"),
    case("itself/it was off: nothing missed", engine.gap, NOW, NOW + timedelta(minutes=5), 0),
    case(
        "itself/back in the workspace", engine.back, Back(NOW - 9 * DAY, NOW, 24, 2, 3, 41), "Europe/Berlin"
    ),
    case("itself/back: nothing here", engine.back, Back(NOW - 9 * DAY, NOW, 0, 0, 0, 0)),
    *[
        case(
            f"itself/version ends: {left} days",
            versions.version_ends,
            "META_GRAPH_VERSION",
            "v25.0",
            "Facebook",
            (NOW + left * DAY).date(),
            NOW.date(),
        )
        for left in (30, 1, 0, -2)
    ],
    case("itself/renamed account", renames.renamed, "Instagram", "@acme", "@acme.shoes"),
    *[
        ugly(f"itself/renamed account: {what}", renames.renamed, LINKEDIN.title, LONG, name)
        for what, name in NAMES.items()
    ],
]

CASES: list[Case] = [*ALERTS, *NEWS, *ROUNDS, *ITSELF]
