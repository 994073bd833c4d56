"""The list of platforms."""

from __future__ import annotations

import pytest

from bot.platforms.base import PlatformInfo
from bot.platforms.registry import (
    INSTAGRAM_ON_FACEBOOK,
    PAGES_ON_LINKEDIN,
    SUPPORTED,
    build_platforms,
)
from bot.settings import load_settings
from tests.support import LINKEDIN

PROVIDERS = {"linkedin_pages": "linkedin"}
MEMBERS = {"openid", "profile", "w_member_social"}


def test_every_supported_platform_is_built_under_its_own_word() -> None:
    settings = load_settings({"META_GRAPH_VERSION": "v27.0"} | LINKEDIN, None, require="none")
    platforms = build_platforms(settings)
    assert tuple(platforms) == (*SUPPORTED, INSTAGRAM_ON_FACEBOOK)
    for key, platform in platforms.items():
        info = platform.info
        assert info.key == key.partition("@")[0]
        assert info.provider == (key.partition("@")[2] or PROVIDERS.get(key, key))
        assert info.token_host in info.hosts
        assert info.permission_page.startswith("https://")
        assert info.required_scopes
    assert getattr(platforms["instagram"], "version") == "v27.0"  # noqa: B009


def test_an_instagram_account_is_spoken_for_by_what_its_grant_rests_on() -> None:
    platforms = build_platforms(load_settings({}, None, require="none"))
    rests_on = {key: (item.info.key, item.info.provider) for key, item in platforms.items()}
    assert rests_on["instagram"] == ("instagram", "instagram")
    assert rests_on[INSTAGRAM_ON_FACEBOOK] == ("instagram", "facebook")
    assert rests_on["facebook"] == ("facebook", "facebook")
    assert len(set(rests_on.values())) == len(rests_on), "or two would speak for one account"


def names(info: PlatformInfo) -> set[str]:
    return {scope.name for scope in info.scopes}


def test_linkedin_pages_share_a_reviewed_app_and_its_constant_set_of_scopes() -> None:
    shared = build_platforms(load_settings(LINKEDIN, None, require="none"))
    member, page = shared["linkedin"].info, shared["linkedin_pages"].info
    assert member.provider == page.provider == "linkedin"
    assert names(member) == names(page)
    assert member.required_scopes == MEMBERS
    assert PAGES_ON_LINKEDIN not in shared, "the word itself speaks for them"


OWN = {"LINKEDIN_PAGES_CLIENT_ID": "pages-1", "LINKEDIN_PAGES_CLIENT_SECRET": "secret"}


@pytest.mark.parametrize("settings", [LINKEDIN | OWN, LINKEDIN | {"LINKEDIN_REVIEWED": "false"}])
def test_otherwise_members_are_asked_for_their_own_alone(settings: dict[str, str]) -> None:
    """A self-serve app has no others, and LinkedIn refuses a consent that asks for more."""
    loaded = load_settings(settings, None, require="none")
    apart = build_platforms(loaded)
    assert names(apart["linkedin"].info) == MEMBERS
    assert apart["linkedin_pages"].info.provider == "linkedin_pages"
    assert "w_member_social" not in names(apart["linkedin_pages"].info)
    assert (loaded.app_for("linkedin_pages") is None) is (settings["LINKEDIN_REVIEWED"] == "false")
    before = apart[PAGES_ON_LINKEDIN].info
    said = "Pages that were linked on the one app are still spoken for"
    assert (before.key, before.provider) == ("linkedin_pages", "linkedin"), said
    assert loaded.app_for(PAGES_ON_LINKEDIN.partition("@")[2]) is not None


def test_a_facebook_consent_asks_for_the_instagram_accounts_behind_its_pages() -> None:
    both = build_platforms(load_settings({}, None, require="none"))
    page, behind = both["facebook"].info, both[INSTAGRAM_ON_FACEBOOK].info
    assert names(page) == names(behind), "neither consent takes back what the other gave"
    assert page.required_scopes == {"pages_show_list", "pages_read_engagement", "pages_manage_posts"}
    assert {"instagram_basic", "instagram_content_publish"} <= behind.required_scopes
    alone = build_platforms(load_settings({"FACEBOOK_INSTAGRAM": "false"}, None, require="none"))
    assert not {name for name in names(alone["facebook"].info) if name.startswith("instagram")}
