"""Every reason has its words: for accounts, for posts, for the operator."""

from __future__ import annotations

import pytest

from bot.messages import reasons, words
from bot.messages.people import PlatformWords
from bot.platforms.errors import Reason
from tests.messages.message_facts import INSTAGRAM, X

EVERY = sorted(reason.value for reason in Reason)


@pytest.mark.parametrize("reason", EVERY)
def test_every_reason_stands_in_a_table_of_its_own_right(reason: str) -> None:
    assert reason in {*reasons.ACCOUNT, *reasons.POST, *reasons.OPERATOR}


def test_no_table_knows_a_reason_that_does_not_exist() -> None:
    by_platform = {reason for _, reason in reasons.BY_PLATFORM}
    known = {
        *reasons.ACCOUNT,
        *reasons.POST,
        *reasons.OPERATOR,
        *reasons.NEEDS_MORE,
        *reasons.APP_REASONS,
        *by_platform,
    }
    assert known <= {*EVERY, "disconnected"}


@pytest.mark.parametrize("platform", [INSTAGRAM, X])
@pytest.mark.parametrize("reason", [*EVERY, "never heard of"])
def test_the_words_are_finished_sentences(reason: str, platform: PlatformWords) -> None:
    said = [
        words.account_words(reason, platform, permission="posting"),
        words.post_words(reason, platform),
        words.operator_words(reason, platform),
    ]
    for each in said:
        for text in (each.what, each.advice):
            assert text[0].isupper() and text.endswith("."), text
            assert "{" not in text and "None" not in text


@pytest.mark.parametrize("reason", sorted(reasons.APP_REASONS))
def test_our_own_fault_is_blamed_on_nobody_else(reason: str) -> None:
    for said in (words.account_words(reason, X), words.post_words(reason, X)):
        assert "app" in said.what and "Reconnect" not in said.advice
    assert "`X_CLIENT_ID`" in words.operator_words("app_secret", X).advice


@pytest.mark.parametrize("reason", [reason.value for reason in Reason if reason.value in reasons.POST])
def test_content_troubles_never_ask_for_a_reconnect(reason: str) -> None:
    assert "Reconnect" not in words.post_words(reason, INSTAGRAM).advice


def test_what_a_reconnect_alone_does_not_cure_is_checked_instead() -> None:
    assert words.cure_of("checkpoint", can_check=True) == words.CHECK
    assert words.cure_of("checkpoint", can_check=False) == words.RECONNECT
    assert words.cure_of("revoked", can_check=True) == words.RECONNECT


def test_a_missing_permission_is_named_and_the_platforms_page_linked() -> None:
    said = words.account_words("permission_missing", INSTAGRAM, permission="posting")
    assert "(posting)" in said.what
    assert "<https://www.instagram.com/apps/?a=1&amp;b=2|" in said.advice


def test_platforms_may_say_it_better() -> None:
    assert "professional" in words.account_words("account_type", INSTAGRAM).what
    assert "unlock" in words.account_words("restricted", X).advice
