"""Which platforms there are. A new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.platforms import facebook, linkedin
from bot.platforms.base import Platform
from bot.platforms.facebook import Facebook
from bot.platforms.instagram import Instagram
from bot.platforms.instagram_facebook import InstagramOnFacebook
from bot.platforms.pinterest import Pinterest
from bot.platforms.threads import Threads
from bot.platforms.tiktok import TikTok
from bot.platforms.x import X
from bot.platforms.youtube import YouTube
from bot.settings import Settings

SUPPORTED = (
    "facebook",
    "instagram",
    "threads",
    "x",
    "tiktok",
    "youtube",
    "linkedin",
    "linkedin_pages",
    "pinterest",
)
"""The platforms' words, in the order in which people see them."""

INSTAGRAM_ON_FACEBOOK = "instagram@facebook"
"""The key of Instagram resting on a Facebook grant: the same word to people, another way to the platform."""

PAGES_ON_LINKEDIN = "linkedin_pages@linkedin"
"""The key of LinkedIn Pages resting on the members' app, while new ones take one of their own."""


def build_platforms(settings: Settings) -> Mapping[str, Platform]:
    """Every supported platform by its word, in order; whether one is switched on is `settings.app_for`'s.

    Behind them, under keys that are no words, what stands for a word on another provider's grants: accounts
    that were linked that way go on being spoken for.
    """
    shared = settings.linkedin_is_shared
    meta, month = settings.meta_graph_version, settings.linkedin_version
    platforms: tuple[Platform, ...] = (
        Facebook(meta, facebook.WITH_INSTAGRAM if settings.facebook_instagram else facebook.INFO),
        Instagram(meta),
        Threads(),
        X(),
        TikTok(),
        YouTube(),
        linkedin.members(month, shared=shared),
        linkedin.organisations(month, shared=shared),
        Pinterest(),
    )
    by_word = {platform.info.key: platform for platform in platforms}
    behind: dict[str, Platform] = {INSTAGRAM_ON_FACEBOOK: InstagramOnFacebook(meta)}
    if not shared:
        behind[PAGES_ON_LINKEDIN] = linkedin.organisations(month, shared=True)
    return MappingProxyType(by_word | behind)
