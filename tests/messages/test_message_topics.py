"""What each message says and offers, in every state, plain and ugly; Slack's limits hold on all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any, cast

import pytest

from bot.messages import (
    actions,
    blocks,
    choosing,
    connect,
    engine,
    health,
    home,
    importing,
    incident,
    incident_news,
    invitation,
    late,
    posts,
    queue,
    retry,
)
from bot.messages.deliveries import DeliveryShown
from bot.messages.health import HealthFacts
from bot.messages.health_line import HealthLine
from bot.messages.home import Dashboard
from bot.messages.incident_facts import Reminder, Waiting
from bot.messages.message import Message
from bot.messages.people import Account, ClientName, PlatformWords
from bot.messages.queue import Queued, QueueFacts
from bot.messages.retry import FailureFacts
from bot.platforms.errors import Reason
from sandbox.slack.limits import check_blocks
from tests.messages.message_facts import (
    ACME,
    CLIENT,
    CLIENT_ID,
    INSTAGRAM,
    NOW,
    ROW,
    UGLY,
    UGLY_ACCOUNT,
    UGLY_CLIENT,
    URL,
    X,
    actions_of,
    alert,
    buttons,
    check,
    delivery,
    group,
    invited,
    labels,
    linked,
    many,
    open_line,
    queued_post,
)

EVERY = [reason.value for reason in Reason]
OTHER = ClientName("e" * 32, "client-b", "Other Client")
STATES = (
    "scheduled",
    "preparing",
    "sending",
    "processing",
    "published",
    "failed",
    "blocked",
    "unconfirmed",
    "cancelled",
)


# -- invitations -----------------------------------------------------------------------------------


def test_an_open_invitation_has_a_link_button_for_each_platform() -> None:
    shown = check(invitation.invitation(invited(open_line(expected="@brand"), open_line(platform=X))))
    assert [button["url"] for button in buttons(shown)] == [URL, URL]
    assert "sign in as *@brand*" in shown.text and "<@U0ADA>" in shown.text
    assert "nothing is shared with Slack" in shown.text and "Fri 27 Nov 2026" in shown.text
    assert URL not in shown.text


def test_a_first_link_ticks_off_and_can_be_taken_back() -> None:
    line = open_line(state="used", url=None, linked=(linked(fresh=True),))
    shown = check(invitation.invitation(invited(line)))
    (undo,) = buttons(shown)
    assert (undo["action_id"], undo["value"]) == (actions.UNDO_LINK, f"{ROW}:1")
    assert "@acme" in undo["confirm"]["text"]["text"] and "Client A" in undo["confirm"]["text"]["text"]
    assert "✅ *Instagram*: *@acme* (Acme Shoes) is connected." in shown.text
    assert any("accessory" in block for block in shown.blocks)


def test_an_old_link_is_neither_undone_nor_pictured() -> None:
    shown = check(invitation.invitation(invited(open_line(state="used", url=None, linked=(linked(),)))))
    assert buttons(shown) == []
    assert not any("accessory" in block for block in shown.blocks)


def test_a_link_that_was_taken_back_says_so() -> None:
    line = open_line(state="used", url=None, linked=(linked(gone=True),))
    assert "not connected any more" in invitation.invitation(invited(line)).text


def is_filter(button: dict[str, Any]) -> bool:
    return str(button["text"]["text"]).startswith(("☐", "☑"))


def cures(shown: Message) -> list[str]:
    """What the buttons of `/health` offer, its filters left out."""
    return [str(button["text"]["text"]) for button in buttons(shown) if not is_filter(button)]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("replaced", "newer link"),
        ("closed", "no longer needed"),
        ("expired", "`/connect instagram client-a`"),
        ("off", "switched off"),
    ],
)
def test_an_ended_invitation_says_what_to_do_instead(state: str, words: str) -> None:
    shown = check(invitation.invitation(invited(open_line(state=state, url=None))))
    assert words in shown.text and buttons(shown) == []


def test_what_is_new_and_not_reviewed_is_said() -> None:
    facts = invited(open_line(review_note="Only <testers> can be linked."), new_here=True)
    shown = check(invitation.invitation(facts))
    assert "Only &lt;testers&gt; can be linked." in shown.text
    assert buttons(shown)[-1]["action_id"] == actions.OPEN_CLIENT
    assert buttons(shown)[-1]["value"] == CLIENT_ID


@pytest.mark.parametrize("state", ["open", "used", "replaced", "closed", "expired", "off"])
@pytest.mark.parametrize("again", [True, False])
def test_the_client_reads_nothing_of_the_team(state: str, again: bool) -> None:
    line = open_line(
        state=state,
        url=URL if state == "open" else None,
        reconnects=again,
        expected="@acme",
        linked=(linked(),) if state == "used" else (),
        review_note="testers only",
    )
    shown = check(invitation.for_client(invited(line, asked_by="U0ADA")))
    for secret in ("client-a", "Client A", "U0ADA", "testers", "`", "token", "OAuth"):
        assert secret not in shown.text
    assert (labels(shown) != []) == (state == "open")


def test_ugly_and_many_lines_still_fit() -> None:
    item = linked(UGLY_ACCOUNT, fresh=True)
    lines = [
        open_line(expected=UGLY, review_note=UGLY * 5),
        open_line(state="used", linked=tuple(replace(item, connection_id=f"{i:032x}") for i in range(40))),
    ]
    for facts in (invited(*lines * 6, client=UGLY_CLIENT, new_here=True), invited(lines[1])):
        shown = check(invitation.invitation(facts))
        check(invitation.for_client(facts))
        assert " more" in str(shown.blocks)


# -- incidents -------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", EVERY)
@pytest.mark.parametrize(
    ("kind", "severity"),
    list(product(["grant", "connection", "client", "mass", "platform", "app"], ["warning", "dead"])),
)
def test_every_alert_can_be_said(reason: str, kind: str, severity: str) -> None:
    ugly = group(UGLY_CLIENT, UGLY_ACCOUNT)
    for groups, operations, how in product(
        [(), (group(),), (ugly,) * 60], [True, False], [None, "relinked", "x"]
    ):
        facts = alert(
            reason=reason,
            kind=kind,
            severity=severity,
            groups=groups,
            operations=operations,
            how=how,
            closed_at=NOW if how else None,
            until=NOW,
            taken_by="U0BOB",
        )
        root = check(incident.incident(facts))
        if how is not None:
            assert buttons(root) == []
        for what in ("dead", "relinked", "recovered", "warning", "joined", "backup", "untaken", "x"):
            check(incident_news.news(facts, what))


def test_a_death_names_everything_and_offers_the_cure() -> None:
    shown = check(incident.incident(alert()))
    for words in ("Client A", "@acme", "Instagram", "removed our access", "3 posts wait", "17:00 CET"):
        assert words in shown.text
    assert "<@U0ADA> <!subteam^S0TEAM>" in shown.text
    assert labels(shown) == ["Reconnect", "Ask the client", "Copy link", "I'm on it"]
    reconnect, ask, copy, take = buttons(shown)
    assert reconnect["url"] == URL and reconnect["style"] == "primary"
    assert ask["value"] == copy["value"] == f"{'a' * 32}:{CLIENT_ID}"
    assert (take["action_id"], take["value"]) == (actions.TAKE, "a" * 32)


def test_without_a_client_channel_or_link_the_buttons_are_left_out() -> None:
    assert labels(incident.incident(alert(groups=(group(can_ask=False),)))) == [
        "Reconnect",
        "Copy link",
        "I'm on it",
    ]
    assert labels(incident.incident(alert(groups=(group(url=None),)))) == ["I'm on it"]


def test_a_warning_says_until_when_and_what_falls_after_it() -> None:
    facts = alert(severity="warning", reason="expired", until=NOW + timedelta(days=3))
    shown = check(incident.incident(facts))
    assert "works until" in shown.text and "Mon 23 Nov 2026" in shown.text
    assert "1 of them after the end" in shown.text
    assert "disconnected" not in shown.text and "has run out" not in shown.text


@pytest.mark.parametrize("reason", ["revoked", "refused", "password_changed", "lost_answer"])
def test_what_works_for_now_is_not_called_over(reason: str) -> None:
    """A login that is refused, and whose token still works: one sentence does not deny the other."""
    said = check(
        incident.incident(alert(severity="warning", reason=reason, until=NOW + timedelta(days=1)))
    ).text
    assert "It still works until" in said and "renew" in said
    for over in (
        "ended our access",
        "ends our access",
        "Somebody removed",
        "our access with it",
        "works again",
    ):
        assert over not in said


def test_a_login_of_several_platforms_names_them_all() -> None:
    page = Account(PlatformWords("facebook", "Facebook", "Page"), "", "Acme")
    shown = check(incident.incident(alert(groups=(replace(group(), accounts=(page, ACME)),))))
    assert "Acme on Facebook and @acme on Instagram are disconnected" in shown.text


def test_operations_are_called_and_hear_whose_login_it_is() -> None:
    facts = alert(operations=True, holder="Grace <Hopper>", called=("U0BOB",), groups=(group(), group(OTHER)))
    root = check(incident.incident(facts))
    assert "The login of *Grace &lt;Hopper&gt;*" in root.text and "<@U0BOB>" in root.text
    for news in (
        incident_news.news(facts, "dead"),
        incident_news.reminder(replace(facts, reminder=Reminder(), opened_at=NOW)),
    ):
        assert news is not None and "<@U0BOB>" in news.text and "has a button for each" in news.text
    assert "<@U0BOB>" not in incident_news.news(replace(facts, how="relinked"), "dead").text


def test_posts_of_a_paused_client_are_not_promised() -> None:
    shown = check(incident.incident(alert(groups=(group(paused_at=NOW),))))
    assert "once it works again and posting is resumed" in shown.text


def test_trouble_that_a_reconnect_does_not_cure_is_checked_first() -> None:
    shown = check(incident.incident(alert(kind="connection", reason="suspended")))
    primary = [button["action_id"] for button in buttons(shown) if button.get("style") == "primary"]
    assert primary == [actions.CHECK_NOW]
    assert "press *Check now*" in shown.text
    facts = alert(kind="connection", reason="suspended", opened_at=NOW)
    told = [incident_news.news(facts, what) for what in ("dead", "untaken")]
    for said in (*told, incident_news.reminder(replace(facts, reminder=Reminder()))):
        assert said is not None and {"Check now", "Reconnect"} <= set(labels(said))


def test_our_own_app_is_the_operators_matter() -> None:
    shown = check(incident.incident(alert(kind="app", reason="app_secret", groups=(), operations=True)))
    assert actions_of(shown) == [actions.TAKE]
    assert "`INSTAGRAM_CLIENT_SECRET`" in shown.text and "No account is at fault" in shown.text


def test_the_operations_channel_sees_all_clients_and_no_client_another() -> None:
    mine = group()
    other = group(OTHER, Account(INSTAGRAM, "other"))
    shown = check(incident.incident(alert(operations=True, groups=(mine, other))))
    assert "Client A" in shown.text and "Other Client" in shown.text
    assert actions_of(shown) == [actions.OPEN_LINK, actions.OPEN_LINK, actions.TAKE]
    for what in ("dead", "relinked"):
        assert "Other" not in incident_news.news(alert(), what).text


@pytest.mark.parametrize("operations", [True, False])
def test_an_alert_whose_accounts_are_gone_troubles_nobody(operations: bool) -> None:
    groups = () if operations else (group(accounts=()),)
    shown = check(incident.incident(alert(operations=operations, groups=groups)))
    assert "Nothing is left to do" in shown.text and "<@" not in shown.text and buttons(shown) == []


def test_who_took_it_is_shown_and_nobody_is_called_again() -> None:
    shown = check(incident.incident(alert(taken_by="U0BOB")))
    assert "<@U0BOB> is on it" in shown.text and "<@U0ADA>" not in shown.text
    assert "I'm on it" not in labels(shown)


def test_the_cure_is_quiet_and_says_what_happens_to_what_waited() -> None:
    shown = check(incident_news.news(alert(how="relinked", closed_at=NOW), "relinked"))
    assert "connected again" in shown.text and "<@" not in shown.text
    assert "2 queued posts go out by themselves on time" in shown.text and "1 post is late" in shown.text
    assert "works again" in incident_news.news(alert(how="recovered"), "recovered").text


def test_a_death_in_the_thread_calls_people_unless_it_is_over_by_then() -> None:
    assert "<@U0ADA>" in check(incident_news.news(alert(), "dead")).text
    assert "<@" not in incident_news.news(alert(how="relinked"), "dead").text


# -- posts -----------------------------------------------------------------------------------------


def test_a_day_is_one_line() -> None:
    shown = check(posts.day_message(posts.Day(CLIENT, NOW.date(), {"Instagram": 2, "X": 1})))
    assert shown.text == "✅ `client-a` · Fri 20 Nov: *3 posts published* (2 Instagram, 1 X)"
    assert "*1 post published*" in posts.day_message(posts.Day(CLIENT, NOW.date(), {"X": 1})).text


def test_a_published_post_links_to_itself_and_tells_when_it_is_not_public() -> None:
    item = delivery("published", permalink="https://x.test/1?a=1&b=2", visibility="private")
    shown = check(posts.published(item))
    assert "<https://x.test/1?a=1&amp;b=2|" in shown.text and "“private”" in shown.text
    assert "⚠️" not in posts.published(delivery("published", visibility="public")).text
    assert "<" not in posts.published(delivery("published", permalink="javascript:1")).text


@pytest.mark.parametrize(
    "reason", ["", "paused", "dead", "waiting", "late", *[reason.value for reason in Reason]]
)
@pytest.mark.parametrize("state", STATES)
def test_every_delivery_has_words(state: str, reason: str) -> None:
    for asked, is_late, ugly in product([True, False], repeat=3):
        post = queued_post(UGLY * 9, UGLY_CLIENT) if ugly else queued_post()
        item = delivery(
            state,
            UGLY_ACCOUNT if ugly else ACME,
            post,
            reason=reason,
            asked=asked,
            late=is_late,
            visibility=UGLY,
            permalink=UGLY,
        )
        shown = check(posts.post(post, [item]))
        assert "None" not in shown.text and "{" not in shown.text.replace("{date_short_pretty} at {time}", "")
        check(posts.post_news(item, state))
        check(posts.published(item))
        check(late.late(post.client, [item], ROW))
        check(retry.retry_message(retry.FailureFacts((item,), 1)))


def test_a_failed_post_retries_only_what_failed() -> None:
    first, second, third, fourth = many(delivery("failed", reason="platform_down"), 4)
    items = [
        first,
        second,
        replace(third, state="published"),
        replace(fourth, state="unconfirmed", asked=True),
    ]
    shown = check(posts.post(queued_post(), items))
    assert labels(shown) == ["Retry 2 accounts", "It is live", "Post it again"]
    again, live, twice = buttons(shown)
    assert actions.read_choices(again["value"]) == [first.numbers, second.numbers]
    assert actions.read_choices(live["value"]) == actions.read_choices(twice["value"]) == [fourth.numbers]
    assert "confirm" not in live
    risk = twice["confirm"]["text"]["text"]
    assert "twice" in risk and "@acme" in risk and "Client A" in risk
    asked = again["confirm"]["text"]["text"]
    assert asked == "1 post for Client A (@acme on Instagram) goes out at once."
    assert "failed on 2 of 4 accounts" in shown.text


def test_a_post_that_needs_nobody_has_no_buttons() -> None:
    shown = check(posts.post(queued_post(), [delivery("published"), delivery("unconfirmed")]))
    assert buttons(shown) == [] and "We are looking" in shown.text
    shown = check(posts.post(queued_post(), [delivery("published"), delivery("processing")]))
    assert buttons(shown) == [] and "is on its way" in shown.text
    done = check(posts.post(queued_post(), [delivery("published"), delivery("cancelled")]))
    assert buttons(done) == [] and "needs nobody any more" in done.text


@pytest.mark.parametrize(
    ("failed", "cure"),
    [
        (delivery("failed", reason="platform_down"), "Retry"),
        (delivery("failed", reason="text_too_long"), "Edit"),
        (delivery("failed", reason="revoked", reconnect=ROW), "Reconnect @acme on Instagram"),
        (delivery("failed", reason="media_ratio"), "New post"),
    ],
)
def test_the_main_button_of_a_failed_post_is_what_puts_it_right(failed: DeliveryShown, cure: str) -> None:
    facts = FailureFacts((failed,), 1)
    for shown in (posts.post(queued_post(), [failed]), retry.retry_message(facts)):
        main = [item["text"]["text"] for item in buttons(check(shown)) if item.get("style") == "primary"]
        assert main == [cure]
    tab = home.home(Dashboard(HealthFacts((), {}), failed=(failed,), failures=1), ())
    there = labels(Message("Home", tuple(cast("list[Any]", tab["blocks"]))))
    assert cure in there


def test_a_post_on_very_many_accounts_still_fits() -> None:
    items = [*many(delivery("unconfirmed", UGLY_ACCOUNT, asked=True), 60), *many(delivery("failed"), 60)]
    shown = check(posts.post(queued_post(UGLY * 20), items))
    assert "more accounts" in shown.text or len(shown.text) > 3_800
    again = next(button for button in buttons(shown) if button["action_id"] == actions.RETRY)
    assert again["text"]["text"] == "Retry the first 50 accounts"
    assert len(actions.read_choices(again["value"])) == 50


def test_news_of_a_post_calls_its_author_and_says_what_to_do() -> None:
    failed = check(posts.post_news(delivery("failed", reason="media_ratio"), "failed"))
    assert "<@U0ADA>" in failed.text and "Crop it" in failed.text
    unclear = check(posts.post_news(delivery("unconfirmed", asked=True), "unconfirmed"))
    assert "*It is live*" in unclear.text and "never post twice" in unclear.text


def posts_of(item: DeliveryShown, number: int) -> list[DeliveryShown]:
    """So many posts on one account."""
    return [replace(one, post=replace(one.post, id=one.id)) for one in many(item, number)]


def test_late_posts_are_offered_all_at_once_and_to_choose_from() -> None:
    items = posts_of(delivery("blocked", late=True, reason="late"), 3)
    shown = check(late.late(CLIENT, [*items, delivery("cancelled"), delivery("published")], ROW))
    assert labels(shown) == ["Send all 3 now", "Choose", "Move all 3", "Drop all 3"]
    send, choose, move, drop = buttons(shown)
    for button in (send, move, drop):
        assert actions.read_choices(button["value"]) == [item.numbers for item in items]
    assert choose["value"] == f"offer:{ROW}"
    assert "confirm" in send and "confirm" in drop and "confirm" not in move
    assert "was dropped" in shown.text and "is published" in shown.text


def test_a_late_post_is_one_line_however_many_accounts_it_has() -> None:
    first, second = many(delivery("blocked", late=True, reason="late"), 2)
    shown = check(late.late(CLIENT, [first, replace(second, account=UGLY_ACCOUNT)], ROW))
    assert "1 post waited past its time" in shown.text and shown.text.count("New shoes") == 1
    assert labels(shown) == ["Send now", "Choose", "Move", "Drop"]


def test_one_late_post_is_not_chosen_from_and_a_decided_one_has_no_buttons() -> None:
    assert labels(late.late(CLIENT, [delivery("blocked", late=True)], ROW)) == ["Send now", "Move", "Drop"]
    done = check(late.late(CLIENT, [delivery("published")], ROW))
    assert buttons(done) == [] and "Nothing is left to decide" in done.text


def test_very_many_late_posts_promise_only_what_the_button_holds() -> None:
    items = posts_of(delivery("blocked", UGLY_ACCOUNT, queued_post(UGLY), late=True), 120)
    shown = check(late.late(UGLY_CLIENT, items, ROW))
    assert labels(shown) == ["Send the first 50 now", "Choose", "Move the first 50", "Drop the first 50"]
    assert len(actions.read_choices(buttons(shown)[-1]["value"])) == 50


def test_what_a_backup_had_is_asked_about_in_words_of_its_own() -> None:
    items = posts_of(delivery("blocked", late=True, reason="restored"), 2)
    shown = check(late.late(CLIENT, items, ROW))
    assert "are these 2 posts still as planned?" in shown.text and "A backup was brought back" in shown.text
    assert labels(shown) == ["Keep all 2", "Choose", "Move all 2", "Drop all 2"]
    assert "at the planned time" in buttons(shown)[0]["confirm"]["text"]["text"]
    both = late.late(CLIENT, [items[0], delivery("blocked", late=True, reason="late")], ROW)
    assert "backup" in both.text and "late can be worse than never" in both.text


def test_a_long_upload_shows_how_far_it_is() -> None:
    shown = check(posts.post(queued_post(), [delivery("preparing", progress=40), delivery("published")]))
    assert "a long upload is on its way" in shown.text and "40 % of the film has arrived" in shown.text
    assert labels(shown) == []


def test_a_failure_offers_the_cure_that_fits() -> None:
    cases = {"text_too_long": ["Edit"], "platform_down": ["Retry"], "media_ratio": ["New post"]}
    for reason, wanted in cases.items():
        assert labels(check(posts.post(queued_post(), [delivery("failed", reason=reason)]))) == wanted
    dead = delivery("failed", reason="expired", reconnect=ROW)
    shown = check(posts.post(queued_post(), [dead, replace(dead, id="e" * 32, reconnect="e" * 32)]))
    assert labels(shown) == ["Retry 2 accounts", *["Reconnect @acme on Instagram"] * 2]
    assert "To renew it, press *Reconnect* and sign in" in shown.text
    assert labels(posts.post(queued_post(), [delivery("published", reconnect=ROW)])) == []


def test_only_what_may_pass_is_sent_again() -> None:
    down, long, wide = many(delivery("failed", reason="platform_down"), 3)
    items = [down, replace(long, reason="text_too_long"), replace(wide, reason="media_ratio")]
    shown = check(posts.post(queued_post(), items))
    assert labels(shown) == ["Retry", "Edit", "New post"]
    assert actions.read_choices(buttons(shown)[0]["value"]) == [down.numbers]
    assert buttons(shown)[2]["value"] == CLIENT_ID
    listed = check(retry.retry_message(FailureFacts(tuple(items), 3)))
    assert "Retry 1 of 3 that failed" in labels(listed)
    assert "Retry" not in labels(retry.retry_message(FailureFacts((items[2],), 1)))


@pytest.mark.parametrize("number", [1, 10, 20])
def test_the_window_to_choose_from_fits(number: int) -> None:
    items = posts_of(delivery("blocked", UGLY_ACCOUNT, queued_post(UGLY), late=True), number)
    for page, total in ((0, number), (0, 99), (2, 99)):
        window = choosing.chooser(choosing.Choosing(tuple(items), total, "{}", page))
        assert not check_blocks(list(cast("list[Any]", window["blocks"])), "modal")
    asked = choosing.drop_asked(items, "{}")
    assert not check_blocks(list(cast("list[Any]", asked["blocks"])), "modal")


# -- lists -----------------------------------------------------------------------------------------


def test_nothing_to_retry_is_said_kindly() -> None:
    assert "Nothing to retry" in check(retry.retry_message(retry.FailureFacts((), 0))).text


def test_the_retry_list_goes_by_client_and_counts_what_it_does_not_show() -> None:
    failed = many(delivery("failed", reason="platform_down"), 2)
    other = delivery("blocked", post=queued_post("Late", OTHER), late=True)
    shown = check(retry.retry_message(retry.FailureFacts((*failed, other), 15)))
    assert labels(shown) == [
        *["Retry", "Drop"] * 2,
        *("Retry all 2 that failed", "Choose"),
        *("Send now", "Move", "Drop"),
    ]
    assert "12 older ones" in shown.text and "Other Client" in shown.text


def test_a_full_retry_list_of_ugly_things_fits() -> None:
    clients = [replace(UGLY_CLIENT, id=str(number)) for number in range(20)]
    items = tuple(delivery("failed", UGLY_ACCOUNT, queued_post(UGLY, client)) for client in clients)
    check(retry.retry_message(retry.FailureFacts(items, 400)))


def line(**values: object) -> HealthLine:
    plain = HealthLine(CLIENT, ACME, ROW, refreshed_at=NOW, until=NOW + timedelta(days=9))
    return replace(plain, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", ["", *EVERY])
@pytest.mark.parametrize(
    ("state", "colour"),
    [
        ("fine", "green"),
        ("limited", "green"),
        ("waiting", "yellow"),
        ("ending", "yellow"),
        ("ends_soon", "yellow"),
        ("paused", "yellow"),
        ("off", "yellow"),
        ("dead", "red"),
        ("trouble", "red"),
    ],
)
def test_every_health_has_words(state: str, colour: str, reason: str) -> None:
    for url, account in product([None, URL], [ACME, UGLY_ACCOUNT]):
        one = line(state=state, colour=colour, reason=reason, url=url, account=account, permission="posting")
        shown = check(health.health_message(HealthFacts((one,), {colour: 1})))
        assert "None" not in shown.text
        assert ("Reconnect" in labels(shown)) == (
            colour == "red" or state in ("ending", "ends_soon", "limited")
        )


def test_health_and_the_alert_name_the_same_cure() -> None:
    one = line(state="trouble", colour="red", reason="suspended", account=ACME)
    assert "press *Check now* in its details" in health.health_message(HealthFacts((one,), {})).text
    for other in (replace(one, can_check=False), replace(one, reason="permission_missing")):
        assert "press *Reconnect*" in health.health_message(HealthFacts((other,), {})).text


def test_health_tells_late_posts_from_queued_ones() -> None:
    one = line(account=ACME, waiting=Waiting(3, NOW - timedelta(hours=3), late=2))
    shown = health.health_message(HealthFacts((one,), {})).text
    assert "1 post queued. 2 posts are late and wait for the team's word." in shown


def test_health_tells_why_since_when_and_what_waits() -> None:
    red = line(state="dead", colour="red", reason="revoked", waiting=Waiting(3, NOW), url=URL)
    bare = HealthLine(OTHER)
    facts = HealthFacts((red, line(), bare), {"red": 1, "green": 1}, last_sweep=NOW)
    shown = check(health.health_message(facts))
    for words in ("1 account down", "1 fine", "removed our access", "3 posts waiting", "Last refreshed"):
        assert words in shown.text
    assert "Needs a person by" in shown.text and "`/connect instagram client-b`" in shown.text
    assert [button["url"] for button in buttons(shown) if "url" in button] == [URL]
    assert "last round: <!date^" in shown.text


def test_health_without_a_link_offers_a_reconnect() -> None:
    press, *_ = buttons(health.health_message(HealthFacts((line(state="dead", colour="red"),), {"red": 1})))
    assert (press["action_id"], press["value"]) == (actions.RECONNECT_ACCOUNT, ROW)


def test_health_pages_and_says_when_the_engine_stands_still() -> None:
    lines = tuple(
        replace(
            line(state="dead", colour="red", account=UGLY_ACCOUNT),
            client=replace(UGLY_CLIENT, id=str(number)),
        )
        for number in range(health.PAGE_LINES)
    )
    facts = HealthFacts(lines, {"red": 99}, "all", 1, 3, NOW, sweep_is_old=True, is_set_up=False)
    shown = check(health.health_message(facts))
    pages = [button["value"] for button in buttons(shown) if button["action_id"] == actions.HEALTH_PAGE]
    assert pages == ["all:0", "all:2"]
    assert actions_of(shown)[-1] == actions.OPEN_SETUP
    assert len(labels(health.health_message(replace(facts, page=0)))) == len(labels(shown)) - 1
    assert "stand still" in health.health_message(replace(facts, lines=lines[:1])).text


def test_no_clients_no_accounts_no_sweep() -> None:
    assert "No clients here yet" in check(health.health_message(HealthFacts((), {}))).text
    bare = check(health.health_message(HealthFacts((HealthLine(CLIENT),), {})))
    assert "No accounts are connected yet" in bare.text and "not finished a round" in bare.text


# -- the bot itself --------------------------------------------------------------------------------


def test_a_gap_says_from_when_to_when_and_what_follows() -> None:
    shown = check(engine.gap(NOW, NOW + timedelta(hours=3, minutes=20), 2, "Europe/Berlin"))
    for words in ("15:00 CET", "18:20 CET", "3 h 20 min", "2 logins were due"):
        assert words in shown.text
    assert "No login had to be renewed" in check(engine.gap(NOW, NOW + timedelta(hours=1), 0)).text


def test_the_welcome_says_what_to_do_first() -> None:
    shown = check(engine.welcome(UGLY))
    assert "`/lamplighter setup`" in shown.text and actions_of(shown) == [actions.OPEN_SETUP]


def test_a_platform_that_waits_for_a_review_says_so_and_how_to_switch_it_on() -> None:
    why = "Posting as a Page takes an app that LinkedIn has approved for it."
    names = ("LINKEDIN_PAGES_CLIENT_ID", "LINKEDIN_PAGES_CLIENT_SECRET")
    off = connect.SwitchedOff("LinkedIn Page", True, names, why, "LINKEDIN_REVIEWED")
    told = connect.all_off([off]).text
    assert told == (
        f"LinkedIn Page is switched off. {why} Set `LINKEDIN_REVIEWED=true` once it is, or "
        "`LINKEDIN_PAGES_CLIENT_ID` and `LINKEDIN_PAGES_CLIENT_SECRET` for an app of its own."
    )
    plain = connect.all_off([replace(off, settings=())]).text
    assert plain == f"LinkedIn Page is not switched on here yet. {why} An admin can have that changed."


def test_a_list_of_several_zones_says_which_each_time_is_in() -> None:
    far = replace(OTHER, zone="America/New_York")
    items = [Queued(queued_post(client=one), NOW, (delivery("scheduled"),)) for one in (CLIENT, far)]
    said = check(queue.queue_message(QueueFacts(tuple(items), 2, (CLIENT, far), scope="all"))).text
    assert "*15:00* CET" in said and "*09:00* EST" in said and "each client's own" in said
    alone = check(queue.queue_message(QueueFacts((items[0],), 1, (CLIENT,)))).text
    assert "CET" not in alone and "the client's own (Europe/Berlin)" in alone


def test_every_fault_of_a_calendar_stands_on_its_page_however_long_it_is_written() -> None:
    query = "&".join(f"p{number}={number}" for number in range(12))
    said = f"https://cdn.example/bread.jpg?{query}: That link leads to no file."
    faults = tuple((number, said) for number in range(101, 141))
    facts = importing.ImportShown("a" * 32, "plan.csv", 2, 0, 2, faults)
    for view, numbers in (
        (importing.faults_page(facts, "{}", 1), range(101, 121)),
        (importing.faults_page(facts, "{}", 2), range(121, 141)),
        (importing.preview(facts, "{}"), range(101, 111)),
    ):
        assert not check_blocks(list(cast("list[Any]", view["blocks"])), "modal")
        shown = str(view["blocks"])
        assert all(f"line {number}: {blocks.safe(said, 130)}" in shown for number in numbers)
