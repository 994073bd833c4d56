"""The window of `/connect` without words: which platforms, for which client, where. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.messages import actions, blocks, modals
from bot.messages.composer import client_option
from bot.messages.composer_blocks import CLIENT

PLATFORMS, NEW, HANDLE, CHANNEL = "connect.platforms", "connect.new", "connect.handle", "connect.channel"
TITLE = "Connect accounts"


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be chosen. `platforms`: titles by key; `clients` (id, slug, name): None where the menu asks
    for them as it opens; `chosen`: the channel's client; `may_create`: the reader may name a new one."""

    platforms: Mapping[str, str]
    clients: Sequence[tuple[str, str, str]] | None
    chosen: tuple[str, str, str] | None
    channel_id: str | None
    may_create: bool


def window(offer: Offer) -> blocks.Block:
    """The window itself."""
    options = [modals.option(title, key) for key, title in offer.platforms.items()]
    hint = "One message with a link for each. Whoever opens it signs in there; nobody shares a password."
    shown = [
        modals.field(PLATFORMS, "Platforms", modals.several_element(options), hint=hint),
        modals.field(CLIENT, "Client", _clients(offer), optional=offer.may_create),
    ]
    if offer.may_create:
        new = "Only for a client that is not there yet: a short name, like client-a."
        shown.append(
            modals.field(NEW, "… or a new one", modals.text_element(most=40), hint=new, optional=True)
        )
    handle = "Then only this account is linked. With several platforms leave it empty."
    shown += [
        modals.field(
            CHANNEL,
            "Where I post the link",
            modals.channel_element(offer.channel_id),
            hint="The team's channel of the client, or the one you share with the client.",
        ),
        modals.field(
            HANDLE, "Which account", modals.text_element(most=80), hint=f"Like @acme. {handle}", optional=True
        ),
    ]
    return modals.modal(
        TITLE, shown, callback_id=actions.CONNECT, submit="Post the link", metadata=offer.channel_id or ""
    )


def _clients(offer: Offer) -> blocks.Block:
    initial = client_option(*offer.chosen) if offer.chosen else None
    if offer.clients is None:
        return modals.menu_element(initial)
    options = [client_option(*item) for item in offer.clients]
    return modals.menu_of(options, offer.chosen[0] if offer.chosen else "")
