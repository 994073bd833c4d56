"""The composer of `/post`: its modal, while files are looked at, and when a post is queued. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.messages import actions, blocks, modals
from bot.messages.times import day, zone_of

TITLE = "New post"
CLIENT = "composer.client"
TEXT, MEDIA, WHEN, AT = "composer.text", "composer.media", "composer.when", "composer.at"
TITLE_FIELD = "composer.title"
ACCOUNTS = "composer.accounts"
KEPT, FILES = "composer.kept", "composer.files"  # each with more behind it, see `named_after`
FILES_MOST = 10
FILE_TYPES = ("jpg", "jpeg", "png", "gif", "webp", "mp4", "mov")
TITLE_MOST = 300  # above all platforms' own limits, which are told in words
NOW, LATER = "now", "later"
SIGNS = {"green": "✅", "yellow": "⚠️", "red": "⛔"}


@dataclass(frozen=True, slots=True)
class Choosable:
    """An account to post to. `colour` is a word of bot.domain.health; `care`: why it is not green."""

    id: str
    label: str
    colour: str = "green"
    care: str = ""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file in Slack that goes with the post: its id there, and its name."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class ComposerClient:
    """The client that is posted for. `zone` is its IANA time zone."""

    id: str
    slug: str
    zone: str


@dataclass(frozen=True, slots=True)
class Composer:
    """What the composer shows. `at` is the proposed moment in seconds since 1970; `problem` stands on top.

    `limits`: what the client's platforms take ("X: 280 characters"); `notes`: what unreviewed apps cannot do;
    `files`: what is attached already; `titled`: those of the client's platforms whose posts have a title.
    """

    client: ComposerClient | None
    accounts: tuple[Choosable, ...]
    at: int
    metadata: str
    limits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    text: str = ""
    media: str = ""
    when: str = NOW
    problem: str = ""
    files: tuple[Attached, ...] = ()
    titled: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class Queued:
    """A post that is queued. `zone` is the client's, `author_zone` the author's, both IANA names."""

    accounts: int
    slug: str
    due_at: datetime
    zone: str
    author_zone: str | None
    now: bool


def composer(facts: Composer) -> blocks.Block:
    """The modal. Without a client, or without accounts, there is nothing to submit."""
    shown: list[blocks.Block] = []
    if facts.problem:
        shown.append(blocks.section(f"⚠️ {blocks.escape(facts.problem)}").block)
    shown.append(_client(facts.client))
    if facts.client is None or not facts.accounts:
        if facts.client is not None:
            slug = facts.client.slug
            words = f"`{slug}` has no accounts yet. `/connect instagram {slug}` links the first."
            shown.append(blocks.section(words).block)
        return modals.modal(TITLE, shown, callback_id=actions.COMPOSER, metadata=facts.metadata)
    shown += _fields(facts, facts.client)
    return modals.modal(
        TITLE, shown, callback_id=actions.COMPOSER, submit="Queue it", metadata=facts.metadata
    )


def client_option(client_id: str, slug: str, name: str) -> blocks.Block:
    """A client as a choice of the menu."""
    return modals.option(f"{slug} · {name}" if name and name != slug else slug, client_id)


def _client(client: ComposerClient | None) -> blocks.Block:
    initial = modals.option(client.slug, client.id) if client is not None else None
    menu = {**modals.menu_element(initial), "action_id": CLIENT}
    menu["placeholder"] = {"type": "plain_text", "text": "Choose a client"}
    text = {"type": "mrkdwn", "text": "*Client*"}
    return {"type": "section", "block_id": CLIENT, "text": text, "accessory": menu}


def _fields(facts: Composer, client: ComposerClient) -> list[blocks.Block]:
    choices = [
        modals.option(f"{SIGNS.get(item.colour, '')} {item.label}".strip(), item.id, item.care)
        for item in facts.accounts
    ]
    chosen = facts.chosen or ((facts.accounts[0].id,) if len(facts.accounts) == 1 else ())
    times = [modals.option("Now", NOW), modals.option("At the time below", LATER)]
    zone = f"The time is in your own time zone. {client.slug} is in {client.zone}."
    found = [
        modals.field(accounts_block(client.id), "Accounts", modals.several_element(choices, chosen)),
        modals.field(
            TEXT,
            "Text",
            modals.text_element(facts.text, multiline=True),
            optional=True,
            hint=" · ".join(facts.limits),
        ),
        *_title(facts),
        *_media(facts),
        modals.field(WHEN, "When", modals.one_element(times, facts.when)),
        modals.field(AT, "Time", modals.moment_element(facts.at), optional=True, hint=zone),
    ]
    return found + [blocks.context(blocks.escape(note)).block for note in facts.notes]


def _title(facts: Composer) -> list[blocks.Block]:
    """Only where a platform of the client has titles."""
    if not facts.titled:
        return []
    hint = f"For {blocks.listed(facts.titled)}; the others do without."
    element = modals.text_element(facts.title, most=TITLE_MOST)
    return [modals.field(TITLE_FIELD, "Title", element, optional=True, hint=hint)]


def _media(facts: Composer) -> list[blocks.Block]:
    """What is attached, to be unticked; a place for more; and a link for what is larger."""
    kept = facts.files[:FILES_MOST]
    found: list[blocks.Block] = []
    if kept:
        choices = [modals.option(item.label, item.id) for item in kept]
        ticked = modals.several_element(choices, [item.id for item in kept])
        found.append(modals.field(named_after(KEPT, kept), "Attached", ticked, optional=True))
    if len(kept) < FILES_MOST:
        place = modals.files_element(FILES_MOST - len(kept), FILE_TYPES)
        found.append(modals.field(named_after(FILES, kept), "Pictures or a film", place, optional=True))
    link = modals.url_element(facts.media)
    hint = "For files of more than 10 MB: a public https:// address of the file itself."
    found.append(modals.field(MEDIA, "Link to a picture or film", link, optional=True, hint=hint))
    return found


def named_after(block: str, kept: Sequence[Attached]) -> str:
    """Another block for each set of attached files: what was ticked or uploaded in the last one is in it now,
    and Slack would keep it in a block of the same name."""
    return f"{block}:{zlib.crc32(' '.join(item.id for item in kept).encode()):08x}"


def accounts_block(client_id: str) -> str:
    """The block of the accounts: another one for each client, so that no tick survives a change."""
    return f"{ACCOUNTS}:{client_id}"


def checking() -> blocks.Block:
    """While the files are fetched: nothing is queued yet."""
    words = "⏳ Looking at your pictures and films. *Nothing is queued yet*: this window says when it is."
    return modals.modal(TITLE, [blocks.section(words).block], close="Close")


def done(queued: Queued) -> blocks.Block:
    """The post is queued."""
    shown = [blocks.section(f"✅ {queued_words(queued)}").block]
    hint = "You hear of it here only if something needs you; what is published is listed once a day."
    return modals.modal(TITLE, [*shown, blocks.context(hint).block], close="Done")


def queued_words(queued: Queued) -> str:
    """One sentence: how many accounts, and when, in the client's zone and the author's."""
    accounts = blocks.count(queued.accounts, "account")
    if queued.now:
        return f"Queued for `{queued.slug}`: {accounts}, going out now."
    local = queued.due_at.astimezone(zone_of(queued.zone))
    place = queued.zone
    if queued.author_zone is not None:
        mine = queued.due_at.astimezone(zone_of(queued.author_zone))
        if mine.utcoffset() != local.utcoffset():
            other_day = "" if mine.date() == local.date() else f"{day(mine.date())} "
            place += f"; {other_day}{mine:%H:%M} for you"
    return f"Queued for `{queued.slug}`: {accounts}, {day(local.date())} {local:%H:%M} ({place})."


def limits_hint(title: str, text_max: int, needs_media: bool, takes_media: bool) -> str:
    """What a platform takes, short."""
    said = f"{title}: {text_max:,} characters"
    if needs_media:
        return f"{said} and a picture or film"
    return said if takes_media else f"{said}, text only"


def problems(texts: Sequence[str]) -> str:
    """Several problems as one sentence after the other, each once."""
    return " ".join(dict.fromkeys(texts))
