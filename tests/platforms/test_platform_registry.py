"""The list of platforms."""

from __future__ import annotations

from bot.platforms.registry import INSTAGRAM_ON_FACEBOOK, SUPPORTED, build_platforms, resting_on
from bot.settings import load_settings

PROVIDERS = {"linkedin_pages": "linkedin"}


def test_every_supported_platform_is_built_under_its_own_word() -> None:
    platforms = build_platforms(load_settings({"META_GRAPH_VERSION": "v27.0"}, None, require="none"))
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
    assert resting_on(platforms, "instagram", "instagram") is platforms["instagram"]
    assert resting_on(platforms, "instagram", "facebook") is platforms[INSTAGRAM_ON_FACEBOOK]
    assert resting_on(platforms, "facebook", "facebook") is platforms["facebook"]
    assert resting_on(platforms, "facebook", "instagram") is None


def test_linkedin_pages_share_the_members_app_and_its_scopes_unless_they_have_their_own() -> None:
    shared = build_platforms(load_settings({}, None, require="none"))
    member, page = shared["linkedin"].info, shared["linkedin_pages"].info
    assert member.provider == page.provider == "linkedin"
    assert {scope.name for scope in member.scopes} == {scope.name for scope in page.scopes}
    assert member.required_scopes == {"openid", "profile", "w_member_social"}
    own = {"LINKEDIN_PAGES_CLIENT_ID": "pages-1", "LINKEDIN_PAGES_CLIENT_SECRET": "secret"}
    apart = build_platforms(load_settings(own, None, require="none"))
    assert apart["linkedin"].info.provider == "linkedin"
    assert apart["linkedin_pages"].info.provider == "linkedin_pages"
    assert {scope.name for scope in apart["linkedin"].info.scopes} == {"openid", "profile", "w_member_social"}
    assert "w_member_social" not in {scope.name for scope in apart["linkedin_pages"].info.scopes}
