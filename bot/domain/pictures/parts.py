"""What all pictures share: platforms, clients, accounts and waiting posts as messages name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from bot.domain import inviting
from bot.domain.health import person_needed_at, short_life, warn_before
from bot.domain.house import House
from bot.messages.incident_facts import Waiting
from bot.messages.people import Account, ClientName, PlatformWords
from storage.models import Client, Connection, Grant, Invitation, Workspace
from storage.pictures import Queued


def platform_words(house: House, key: str | None, provider: str | None = None) -> PlatformWords:
    """A platform in words, as it is on that provider's grants; its key where this build does not know it."""
    platform = house.platform_for(key or "", provider) if provider else None
    platform = platform or house.platforms.get(key or "")
    if platform is None:
        return PlatformWords(key or "", (key or "platform").title())
    info = platform.info
    return PlatformWords(
        info.key,
        info.title,
        info.account_noun,
        info.post_noun,
        info.permission_page,
        info.company,
        info.login,
        info.provider,
    )


def client_name(client: Client) -> ClientName:
    return ClientName(client.id, client.slug, client.name, client.zone)


def account(house: House, connection: Connection) -> Account:
    words = platform_words(house, connection.platform)
    return Account(words, connection.handle, connection.name, connection.picture_url)


def permission_words(house: House, platform: str | None, scope: str | None) -> str | None:
    """What a permission is for; None where that is not known (its technical name says nothing to people)."""
    ways = [way.info for _, way in house.ways() if way.info.key == platform]
    return next((item.purpose for info in ways for item in info.scopes if item.name == scope), None)


def holds_until(
    house: House, word: str, grant: Grant, workspace: Workspace, now: datetime
) -> datetime | None:
    """Until when a short consent holds; None where nobody has to know that at linking."""
    platform = house.platform_for(word, grant.provider)
    if platform is None or grant.state != "live":
        return None
    end = short_life(platform.info, grant, workspace)
    return end if end is not None and end > now else None


def needed_soon(
    house: House, word: str, grant: Grant, workspace: Workspace, now: datetime
) -> datetime | None:
    """When a person is needed for a login that an account is linked with now; None where that is far off."""
    platform = house.platform_for(word, grant.provider)
    end = person_needed_at(platform.info, grant) if platform is not None else None
    return end if end is not None and end - now <= warn_before(workspace) else None


def waiting(found: Mapping[str, Queued], connection_ids: Iterable[str]) -> Waiting:
    """What waits on several connections together."""
    each = [found[key] for key in connection_ids if key in found]
    dues = [item.first_due for item in each if item.first_due is not None]
    return Waiting(
        posts=sum(item.posts for item in each),
        first_due=min(dues, default=None),
        late=sum(item.late for item in each),
        after_end=sum(item.after_end for item in each),
    )


def open_link(house: House, invitation: Invitation | None) -> str | None:
    """The address of an invitation that can be used now."""
    if invitation is None or invitation.platform not in house.apps:
        return None
    usable = inviting.usable(invitation, house.clock.now())
    return inviting.address(house, invitation) if usable else None
