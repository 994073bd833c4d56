"""Every reason why an account or our app can stop working has an alert in the gallery."""

from __future__ import annotations

from bot.messages.reasons import ACCOUNT, OPERATOR
from tests.contract.test_faults import POSTS, UPKEEP
from tests.gallery import reasons
from tests.gallery.registry import CASES

SILENT = {"rate_limit", "daily_cap", "platform_down", "unreadable", "unknown"}
"""Nobody is asked for anything: no alert of an account's is ever about these."""


def _drawn() -> set[tuple[str, str]]:
    """Platforms with what their alerts are about: ("x", "login, revoked")."""
    names = [case.name.removeprefix("reason/").partition(": ") for case in CASES if case.topic == "reason"]
    return {(key, about) for key, _, about in names}


def test_every_reason_that_opens_an_alert_is_drawn() -> None:
    drawn = {name.rpartition(", ")[2] for _, name in _drawn()}
    assert {*ACCOUNT, *OPERATOR} - SILENT == drawn


def test_whatever_a_fault_leads_to_is_drawn_for_its_platform() -> None:
    """The table of what becomes of each fault switch of the sandbox, platform by platform."""
    wanted = set()
    for table in (UPKEEP, POSTS):
        for outcomes in table.values():
            for outcome, keys in outcomes.items():
                about, _, reason = outcome.replace("login ends", "login").partition(" ")
                if about in ("login", "account", "app"):
                    wanted |= {(key, f"{about}, {reason}") for key in keys.split()}
    assert wanted and wanted - _drawn() == set()


def test_the_tables_of_every_platform_were_read() -> None:
    """At least what each of them can say: the login is over, something is missing, our app is refused."""
    for key in reasons.PLATFORMS:
        assert {about for about, _ in reasons.told_of(key)} == {"login", "account", "app"}, key
