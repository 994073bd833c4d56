"""The composer of `/post`: its modal. What follows on its Submit is in `composer_done`. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bot.messages import actions, blocks, modals
from bot.messages.composer_blocks import (
    ALT,
    AT,
    CLIENT,
    FILES,
    KEPT,
    LATER,
    LINK,
    MEDIA,
    NOW,
    TEXT,
    TITLE_FIELD,
    WHEN,
    Attached,
    accounts_block,
    differ_block,
    named_after,
    own_block,
)
from bot.messages.wall_time import WallTime, fields

TITLE = "New post"
FILES_MOST = 10
FILE_TYPES = ("jpg", "jpeg", "png", "gif", "webp", "mp4", "mov")
TITLE_MOST = 300  # above all platforms' own limits, which are told in words
SIGNS = {"green": "✅", "yellow": "⚠️", "red": "⛔"}


@dataclass(frozen=True, slots=True)
class Choosable:
    """An account to post to. `colour` is a word of bot.domain.health; `care`: why it is not green."""

    id: str
    label: str
    colour: str = "green"
    care: str = ""
    platform: str = ""
    title: str = ""  # the platform's


@dataclass(frozen=True, slots=True)
class ComposerClient:
    """The client that is posted for. `zone` is its IANA time zone."""

    id: str
    slug: str
    zone: str


@dataclass(frozen=True, slots=True)
class Asking:
    """What a person has to say yes to before a post is queued: warnings and costs in words, and who would go
    out when if it were staggered ("" where nothing would be moved)."""

    warnings: tuple[str, ...]
    stagger: str = ""


@dataclass(frozen=True, slots=True)
class Composer:
    """What the composer shows. `at`: when it goes out, where that is not now; None without a client.

    `problem` stands on top, `troubles` above the field (a block id) that each belongs to. By platform (their
    keys): `limits`: what it takes ("X: 280 characters"); `notes`: what is worth knowing beforehand; `titled`:
    what has a title ("YouTube (videos)"); `texts`: what is said there instead of the one text. `files`: what
    is attached already.
    """

    client: ComposerClient | None
    accounts: tuple[Choosable, ...]
    metadata: str
    at: WallTime | None = None
    limits: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    chosen: tuple[str, ...] = ()
    text: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    link: str = ""
    media: str = ""
    alts: str = ""
    when: str = NOW
    problem: str = ""
    troubles: Mapping[str, str] = field(default_factory=dict)
    asking: Asking | None = None
    files: tuple[Attached, ...] = ()
    titled: Mapping[str, str] = field(default_factory=dict)
    title: str = ""

    @property
    def ticked(self) -> tuple[str, ...]:
        """The accounts that are chosen; the only one where there is no choice."""
        alone = (self.accounts[0].id,) if len(self.accounts) == 1 else ()
        return self.chosen or alone

    @property
    def platforms(self) -> dict[str, str]:
        """The platforms of the chosen accounts: their titles by key."""
        return {item.platform: item.title for item in self.accounts if item.id in self.ticked}

    @property
    def concerned(self) -> Collection[str]:
        """The platforms whose words are shown: the chosen ones; all, while none is chosen."""
        return self.platforms or dict.fromkeys(item.platform for item in self.accounts)


def composer(facts: Composer) -> blocks.Block:
    """The modal. Without a client, or without accounts, nothing can be queued; what is written stays."""
    shown: list[blocks.Block] = []
    if facts.problem:
        shown.append(trouble(facts.problem))
    shown.append(_client(facts.client))
    if facts.client is None or not facts.accounts:
        if facts.client is not None:
            slug = facts.client.slug
            words = f"`{slug}` has no accounts yet. `/connect instagram {slug}` links the first."
            shown.append(blocks.section(words).block)
        written = _written(facts)
        return modals.modal(
            TITLE,
            [*shown, *written],
            callback_id=actions.COMPOSER,
            submit="Go on" if written else None,  # Slack wants one where there are fields
            metadata=facts.metadata,
        )
    asking = _asking(facts.asking) if facts.asking is not None else []
    fields = [part for block in _fields(facts, facts.client) for part in _with_trouble(block, facts.troubles)]
    return modals.modal(
        TITLE,
        [*shown, *asking, *fields],
        callback_id=actions.COMPOSER,
        submit="Post anyway" if facts.asking is not None else submit_words(facts, facts.client),
        metadata=facts.metadata,
    )


def submit_words(facts: Composer, client: ComposerClient) -> str:
    """How many posts for whom."""
    number = len(facts.ticked)
    if facts.when == NOW:
        return f"Post {number} now: {client.slug}" if number else "Post now"
    return f"Queue {number} for {client.slug}" if number else "Queue it"


def client_option(client_id: str, slug: str, name: str) -> blocks.Block:
    """A client as a choice of the menu."""
    return modals.option(f"{slug} · {name}" if name and name != slug else slug, client_id)


def trouble(words: str) -> blocks.Block:
    """What is wrong, where Slack's own place for it cannot be used any more."""
    return blocks.section(f"⚠️ {blocks.escape(words)}").block


def _with_trouble(block: blocks.Block, troubles: Mapping[str, str]) -> list[blocks.Block]:
    words = troubles.get(str(block.get("block_id")))
    return [trouble(words), block] if words else [block]


def _asking(asking: Asking) -> list[blocks.Block]:
    """The question before the post is accepted: *Post anyway* is the modal's own button, and Slack makes
    that one the main one."""
    said = "\n".join(f"• {blocks.escape(words)}" for words in asking.warnings)
    shown = [blocks.section(f"⚠️ *Is this as you want it? Nothing is queued yet.*\n{said}").block]
    if asking.stagger:
        shown.append(blocks.section(f"*Stagger* spreads it: {blocks.escape(asking.stagger)}.").block)
        press = blocks.row(blocks.button("Stagger", actions.STAGGER, "stagger"))
        shown += [press.block] if press is not None else []
    return [*shown, blocks.context("Change something below, or press *Post anyway*.").block]


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
    accounts = modals.several_element(choices, facts.ticked)
    most = modals.OPTIONS_MAX
    too_many = f"Only the first {most} of {len(choices)}: Slack shows no more." if len(choices) > most else ""
    text = modals.text_element(facts.text, multiline=True)
    preview = blocks.row(blocks.button("Preview", actions.PREVIEW, "preview"))
    return [
        modals.field(accounts_block(client.id), "Accounts", accounts, hint=too_many, dispatches=True),
        modals.field(TEXT, "Text", text, optional=True, hint=_limits(facts)),
        *_own_texts(facts),
        *_title(facts),
        _link(facts),
        *_media(facts),
        *_moment(facts),
        *([preview.block] if preview is not None else []),
        *(blocks.context(blocks.escape(note)).block for note in _notes(facts)),
    ]


def _written(facts: Composer) -> list[blocks.Block]:
    """What was written before an account could be chosen: Slack forgets what a window does not hold."""
    is_begun = facts.text or facts.files or facts.link or facts.media or facts.alts or facts.title
    if not is_begun and facts.when == NOW:
        return []
    title = modals.text_element(facts.title, most=TITLE_MOST)
    return [
        modals.field(TEXT, "Text", modals.text_element(facts.text, multiline=True), optional=True),
        *([modals.field(TITLE_FIELD, "Title", title, optional=True)] if facts.title else []),
        _link(facts),
        *_media(facts),
        *(_moment(facts) if facts.at is not None else []),
    ]


def _limits(facts: Composer) -> str:
    return " · ".join(facts.limits[key] for key in facts.concerned if key in facts.limits)


def _notes(facts: Composer) -> list[str]:
    return [note for key in facts.concerned for note in facts.notes.get(key, ())]


def _own_texts(facts: Composer) -> list[blocks.Block]:
    """Where several platforms are chosen: a text of its own for each that is ticked."""
    platforms = facts.platforms
    if len(platforms) < 2:
        return []
    own = [key for key in platforms if key in facts.texts]
    choices = [modals.option(title, key) for key, title in platforms.items()]
    ticks = modals.several_element(choices, own)
    shown = [
        modals.field(differ_block(own), "Another text for", ticks, optional=True, dispatches=True),
    ]
    for key in own:
        label = f"Text for {platforms[key]}"
        element = modals.text_element(facts.texts[key], multiline=True)
        hint = "Instead of the text above."
        shown.append(modals.field(own_block(key), label, element, optional=True, hint=hint))
    return shown


def _title(facts: Composer) -> list[blocks.Block]:
    """Only where one of the platforms has titles."""
    titled = [facts.titled[key] for key in facts.concerned if key in facts.titled]
    if not titled:
        return []
    others = "; the others do without" if len(titled) < len(facts.concerned) else ""
    hint = f"For {blocks.listed(titled)}{others}."
    element = modals.text_element(facts.title, most=TITLE_MOST)
    return [modals.field(TITLE_FIELD, "Title", element, optional=True, hint=hint)]


def _link(facts: Composer) -> blocks.Block:
    hint = "The page that the post leads to. Where a platform has no place for it, it is put below the text."
    return modals.field(LINK, "Link", modals.url_element(facts.link), optional=True, hint=hint)


def _media(facts: Composer) -> list[blocks.Block]:
    """What is attached, to be unticked; a place for more; a link for what is larger; descriptions."""
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
    hint = "For files of more than 10 MB: a public https:// address of the file itself. I keep a copy."
    found.append(modals.field(MEDIA, "Link to a picture or film", link, optional=True, hint=hint))
    words = "For people who cannot see them. One line for each picture or film, in their order."
    alts = modals.text_element(facts.alts, multiline=True)
    found.append(modals.field(ALT, "Descriptions (alt text)", alts, optional=True, hint=words))
    return found


def _moment(facts: Composer) -> list[blocks.Block]:
    times = [modals.option("Now", NOW), modals.option("At the time below", LATER)]
    when = modals.field(WHEN, "When", modals.one_element(times, facts.when), dispatches=True)
    return [when, *(fields(AT, facts.at, optional=True) if facts.at is not None else ())]


def limits_hint(title: str, text_max: int, needs_media: bool, takes_media: bool) -> str:
    """What a platform takes, short."""
    said = f"{title}: {text_max:,} characters"
    if needs_media:
        return f"{said} and a picture or film"
    return said if takes_media else f"{said}, text only"


def problems(texts: Sequence[str]) -> str:
    """Several problems as one sentence after the other, each once."""
    return " ".join(dict.fromkeys(texts))
