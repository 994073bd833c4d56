"""What `/connect` answers to the person who typed it. Pure: data in, messages out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from bot.messages import actions, blocks
from bot.messages.logins import LABEL_MAX, Offered, offered
from bot.messages.message import Message

LIST_MAX = 20
CHOICES_MAX = 12
NAME_MAX = 80


@dataclass(frozen=True, slots=True)
class Named:
    """A client as the answers name it."""

    id: str
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Existing:
    """An account that the client has already. `label`: "@acme on Instagram"."""

    connection_id: str
    platform: str
    platform_title: str
    label: str
    state: str = ""  # a word or two where it is not well


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """A platform that cannot be linked now. `settings`: shown to admins. `is_known`: this build has it.
    `needs_review`: a sentence, where a reviewed app switches it on, too; `reviewed`: its setting."""

    title: str
    is_known: bool = True
    settings: tuple[str, ...] = ()
    needs_review: str | None = None
    reviewed: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a `/connect`. `invite_bot`: the bot's user id where it is not in the channel yet."""

    client: Named
    invited: tuple[str, ...] = ()  # platform titles
    existing: tuple[Existing, ...] = ()
    offers: tuple[Offered, ...] = ()  # what living logins reach already
    off: tuple[SwitchedOff, ...] = ()
    created: bool = False
    invite_bot: str | None = None


@dataclass(frozen=True, slots=True)
class Unsure:
    """A client that is not there. `platforms` are keys, kept in the buttons together with `handle` and the
    name as it was `typed`."""

    slug: str
    nearest: str | None
    known: tuple[str, ...]
    may_create: bool
    platforms: tuple[str, ...] = ()
    handle: str | None = None
    typed: str = ""


def refused(words: str) -> Message:
    """Why nothing was asked for."""
    return blocks.message([blocks.section(words)])


def which_platform(
    strange: Sequence[str], near: str | None, titles: Sequence[str], slug: str, example: str = ""
) -> Message:
    """Words that are no platform; `near` is the title of the one that was probably meant; `example`: what to
    type for it, or for those that were understood."""
    if strange:
        words = blocks.listed([f"“{blocks.safe(word, 40)}”" for word in strange[:3]], 3)
        said = f"I do not know {words} as a platform."
    else:
        said = "Which platform?"
    if near is not None:
        said += f" Did you mean *{near}*?"
    how = "Like this" if example else "Like this, with one of these in the place of PLATFORM"
    return blocks.message(
        [
            blocks.section(f"{said} I can connect {_titles(titles)}."),
            blocks.context(
                f"{how}: `/connect {example or 'PLATFORM'} {blocks.safe(slug or 'client-a', 40)}`. "
                "A client's name of several words goes in quotes."
            ),
        ]
    )


def which_client(unsure: Unsure) -> Message:
    """An unknown or missing client: the nearest, the list, and the offer to create it here."""
    carried = [*_carried(unsure)]
    parts: list[blocks.Part | None] = [blocks.section(_which_client_words(unsure))]
    buttons = []
    if unsure.nearest and carried:
        value = actions.joined(unsure.nearest, *carried)
        buttons.append(blocks.button(f"Use {unsure.nearest}", actions.USE_NEAREST, value, style="primary"))
    if unsure.slug and unsure.may_create and carried:
        written = unsure.typed if len(unsure.typed) <= NAME_MAX else ""
        value = actions.joined(quote(written or unsure.slug, safe=""), *carried)
        label = f"Create {unsure.slug} for this channel"
        buttons.append(blocks.button(label, actions.CREATE_CLIENT, value))
    parts.append(blocks.row(*buttons))
    return blocks.message(parts)


def _carried(unsure: Unsure) -> tuple[str, ...]:
    if not unsure.platforms:
        return ()
    platforms = "+".join(unsure.platforms)
    return (platforms, unsure.handle) if unsure.handle else (platforms,)


def _which_client_words(unsure: Unsure) -> str:
    known = [f"`{slug}`" for slug in unsure.known]
    listed = f" Clients here: {blocks.listed(known, LIST_MAX)}." if known else ""
    if not unsure.slug:
        return f"Which client? Name it behind the platform, like `/connect instagram client-a`.{listed}"
    said = f"There is no client `{blocks.safe(unsure.slug)}` here."
    if unsure.nearest:
        said += f" Did you mean `{unsure.nearest}`?"
    if not known and not unsure.may_create:
        said += " Ask the people who invited you to link it from their side."
    return said + listed


def outcome(asked: Asked) -> Message:
    """What was done, what is asked back, and what cannot be done."""
    parts: list[blocks.Part | None] = [_done(asked)]
    parts += [_switched_off(item) for item in asked.off]
    if asked.existing or asked.offers:
        parts += _choices(asked)
    return blocks.message(parts)


def all_off(off: Sequence[SwitchedOff]) -> Message:
    """Nothing of what was asked for is switched on."""
    return blocks.message([_switched_off(item) for item in off])


def _done(asked: Asked) -> blocks.Part | None:
    client = f"*{blocks.safe(asked.client.name)}* (`{asked.client.slug}`)"
    said = [f"I created {client} for this channel."] if asked.created else []
    if asked.invited:
        titles = _titles(asked.invited)
        if asked.invite_bot:
            said.append(
                f"I am not in this channel yet. Type `/invite` and <@{asked.invite_bot}>; then I post the "
                f"link for {titles} here at once."
            )
        else:
            whose = "" if asked.created else f" of {client}"
            said.append(f"The link for {titles}{whose} is on its way into this channel.")
    if not said:
        return None
    change = blocks.button("Change it", actions.OPEN_CLIENT, asked.client.id) if asked.created else None
    return blocks.section(" ".join(said), change)


def _switched_off(item: SwitchedOff) -> blocks.Part:
    if not item.is_known:
        return blocks.section(f"{item.title} is a platform that I cannot connect yet.")
    why = f" {item.needs_review}" if item.needs_review else ""
    names = " and ".join(f"`{name}`" for name in item.settings)
    if names and why:
        how = f"Set `{item.reviewed}=true` once it is, or {names} for an app of its own."
        return blocks.section(f"{item.title} is switched off.{why} {how}")
    if names:
        return blocks.section(f"{item.title} is switched off: {names} are not set.")
    return blocks.section(f"{item.title} is not switched on here yet.{why} An admin can have that changed.")


def _choices(asked: Asked) -> list[blocks.Part | None]:
    """One line per account with its button, and one to add another for each platform."""
    parts: list[blocks.Part | None] = []
    titles: dict[str, str] = {}
    if asked.existing:
        these = blocks.agree(len(asked.existing), "this account", "these accounts")
        parts.append(blocks.section(f"`{asked.client.slug}` has {these} already:"))
    for item in asked.existing[:CHOICES_MAX]:
        titles[item.platform] = item.platform_title
        state = f" ({item.state})" if item.state else ""
        about = f"Reconnect {item.label}"
        press = blocks.button("Reconnect", actions.RECONNECT_ACCOUNT, item.connection_id, about=about)
        parts.append(blocks.section(f"• {blocks.safe(item.label, LABEL_MAX)}{state}", press))
    if len(asked.existing) > CHOICES_MAX:
        parts.append(blocks.context(f"… and {len(asked.existing) - CHOICES_MAX} more. `/health` lists all."))
    parts += offered(asked.offers)
    titles |= {item.platform: item.platform_title for item in asked.offers if not item.was_invited}
    for key, title in titles.items():
        value = actions.joined(asked.client.id, key)
        first = key not in {item.platform for item in asked.existing}
        label = f"Send a link for {title} instead" if first else f"Add another {title} account"
        press = blocks.button(label, actions.ADD_ACCOUNT, value)
        parts.append(blocks.row(press))
    return parts


def _titles(titles: Sequence[str]) -> str:
    """All of them: there are never many."""
    return blocks.listed(list(titles), len(titles)) if titles else "nothing yet: no platform is set up"
