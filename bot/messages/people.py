"""Whom and what messages speak of: clients, platforms and accounts, as values without secrets."""

from __future__ import annotations

from dataclasses import dataclass

from bot.messages.blocks import plain, safe


@dataclass(frozen=True, slots=True)
class PlatformWords:
    """What messages say of a platform. `permission_page`: where a person removes our app there; `company` and
    `login` as in a platform's own data; `app`: the prefix of our app's settings, where it is not the key."""

    key: str
    title: str
    account_noun: str = "account"
    post_noun: str = "post"
    permission_page: str = ""
    company: str = ""
    login: str = ""
    app: str = ""

    @property
    def site(self) -> str:
        """Whom people deal with: LinkedIn, on a LinkedIn Page."""
        return self.company or self.title

    @property
    def door(self) -> str:
        """Where people sign in: Facebook, for Instagram behind it."""
        return self.login or self.site


@dataclass(frozen=True, slots=True)
class ClientName:
    """A client. `zone` is its IANA time zone."""

    id: str
    slug: str
    name: str
    zone: str = "UTC"

    @property
    def shown(self) -> str:
        """Its name for mrkdwn."""
        return safe(self.name or self.slug)

    @property
    def bare(self) -> str:
        """Its name for plain text."""
        return plain(self.name or self.slug)


@dataclass(frozen=True, slots=True)
class Account:
    """A social account."""

    platform: PlatformWords
    handle: str
    name: str = ""
    picture_url: str | None = None

    @property
    def label(self) -> str:
        """What people call it, as it came: "@acme"; never empty."""
        if self.handle:
            return f"@{self.handle.lstrip('@')}"
        return self.name or f"{self.platform.title} {self.platform.account_noun}"

    @property
    def shown(self) -> str:
        """For mrkdwn: "@acme on Instagram"."""
        return f"{safe(self.label)} on {self.platform.title}"

    @property
    def bare(self) -> str:
        """For plain text: "@acme on Instagram"."""
        return f"{plain(self.label)} on {self.platform.title}"
