"""Which platforms there are. A new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.platforms import linkedin
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


def build_platforms(settings: Settings) -> Mapping[str, Platform]:
    """Every supported platform by its word, in order; whether one is switched on is `settings.app_for`'s.

    Behind them, under keys that are no words, what stands for a word on another provider's grants.
    """
    shared = "linkedin_pages" not in settings.apps  # organisations on the members' app
    platforms: tuple[Platform, ...] = (
        Facebook(settings.meta_graph_version),
        Instagram(settings.meta_graph_version),
        Threads(),
        X(),
        TikTok(),
        YouTube(),
        linkedin.members(settings.linkedin_version, shared=shared),
        linkedin.organisations(settings.linkedin_version, shared=shared),
        Pinterest(),
    )
    by_word = {platform.info.key: platform for platform in platforms}
    on_facebook = InstagramOnFacebook(settings.meta_graph_version)
    return MappingProxyType(by_word | {INSTAGRAM_ON_FACEBOOK: on_facebook})


def resting_on(platforms: Mapping[str, Platform], word: str, provider: str) -> Platform | None:
    """What speaks for a connection: the platform of that word whose grants are that provider's."""
    fitting = (item for item in platforms.values() if (item.info.key, item.info.provider) == (word, provider))
    return next(fitting, None)
