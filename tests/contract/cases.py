"""The eight platforms as the contract suite meets them: who is there, and what each platform allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.platforms.registry import INSTAGRAM_ON_FACEBOOK
from sandbox.platforms import (
    testing_linkedin,
    testing_meta,
    testing_pinterest,
    testing_tiktok,
    testing_youtube,
)
from sandbox.platforms.testing import Twins


@dataclass(frozen=True)
class Case:
    """One platform. `mine` and `other` are logins at its twin; `reached` is the handle or name that the
    first account of `mine` shows; `pick` says that several accounts come back and one is chosen."""

    platform: str
    mine: str
    other: str
    reached: str
    populate: Callable[[Twins], None] | None = None
    unticks: bool = True  # whether people can leave single permissions out there
    renewable: bool = True  # whether the platform lets a grant live on without a person
    key: str = ""  # of a way to the platform over another's app

    @property
    def id(self) -> str:
        return self.key or self.platform

    def __str__(self) -> str:
        return self.id


CASES = (
    Case("facebook", testing_meta.ANNA, testing_meta.BEN, "bakery", testing_meta.populate),
    Case("instagram", "17841400000000001", "17841400000000002", "bakery"),
    Case("threads", testing_meta.THREADER, testing_meta.OTHER, "bakery", testing_meta.populate),
    Case("x", "1001", "1002", "bakery", unticks=False),
    Case("tiktok", "-000bakery", "-000florist", "bakery", testing_tiktok.populate),
    Case("youtube", "UCbakery", "UCother", "bakery", testing_youtube.populate),
    Case("linkedin", "anna1", "ben2", "Anna Baker", testing_linkedin.populate, False, False),
    Case("linkedin_pages", "anna1", "ben2", "bakery", testing_linkedin.populate, False, False),
    Case("pinterest", "61", "62", "bakery", testing_pinterest.populate, unticks=False),
    Case(
        "instagram",
        testing_meta.ANNA,
        testing_meta.BEN,
        "bakery",
        testing_meta.populate,
        key=INSTAGRAM_ON_FACEBOOK,
    ),
)
