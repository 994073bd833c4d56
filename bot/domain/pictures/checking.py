"""What the shared check found, as messages show it."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.checking_posts import Cost, Warned
from bot.domain.house import House
from bot.domain.pictures.parts import platform_words
from bot.messages.checking import CostShown, WarningShown


def warning(house: House, item: Warned, labels: Mapping[str, str], zone: str) -> WarningShown:
    """`labels`: the accounts by connection; those without one are counted. `zone`: the client's."""
    named = [labels[key] for key in item.connection_ids if key in labels]
    if len(item.connection_ids) > len(named):
        named.append(f"{len(item.connection_ids) - len(named)} more")
    return WarningShown(
        worry=item.worry.value,
        title=platform_words(house, item.platform).title,
        accounts=tuple(named),
        at=item.at,
        zone=zone,
        number=item.number,
        cap=item.cap,
    )


def cost(house: House, item: Cost) -> CostShown:
    """What a platform charges."""
    return CostShown(platform_words(house, item.platform).title, item.posts, item.links, item.thousandths)
