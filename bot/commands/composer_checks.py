"""What is wrong with what was filled in: in itself, and for the platforms, beside the field it belongs to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.commands import media, wall_time
from bot.commands.composer_accept import descriptions, drafted
from bot.commands.composer_form import Form
from bot.commands.desk import Desk
from bot.commands.who import Asker
from bot.domain import posting
from bot.domain.errors import FieldProblems, Refused
from bot.domain.examining import Refusal, refusals
from bot.domain.posting import DraftProblems
from bot.messages import composer as messages
from bot.messages import composer_blocks
from bot.platforms.content import Media, MediaKind
from bot.platforms.errors import Reason

FIELD_BLOCKS = {"text": composer_blocks.TEXT, "link": composer_blocks.LINK}
STAND_INS = (  # for files that nobody has looked at yet
    Media("https://media.invalid/", MediaKind.IMAGE, "image/jpeg", 1),
    Media("https://media.invalid/", MediaKind.VIDEO, "video/mp4", 1),
)


def early_problems(form: Form, zone: str, now: datetime) -> dict[str, str]:
    """What is wrong in itself, by block; asks neither database nor network."""
    found: dict[str, str] = {}
    if not form.account_ids:
        found[composer_blocks.accounts_block(form.client_id)] = "Choose at least one account."
    if not form.text and not form.own_texts and not form.has_media and not form.link:
        found[composer_blocks.TEXT] = "Write something, or add a picture or film."
    bad_link = media.link_problem(form.media_url) if form.media_url else None
    if bad_link:
        found[composer_blocks.MEDIA] = bad_link
    lines = len(descriptions(form))
    if lines > len(form.names):
        number = "is one description" if lines == 1 else f"are {lines} descriptions"
        found[composer_blocks.ALT] = (
            f"There {number} for {len(form.names)} pictures and films. One line for each."
        )
    if form.is_now:
        return found
    return found | wall_time.problems(form.at, zone, now, composer_blocks.AT, ", or “Now” above")


def is_ambiguous(form: Form, zone: str) -> bool:
    """Whether the time comes twice on that day, and nobody has said which is meant."""
    return not form.is_now and len(form.at.instants(zone)) > 1


async def certain_problems(desk: Desk, asker: Asker, form: Form) -> list[Refusal]:
    """What would be refused whatever the files turn out to be; asks the database only."""
    found = [set(await refusals_with(desk, asker, form, stand_in)) for stand_in in STAND_INS]
    return [item for item in found[0] if item in found[1] and item.problem.field != "media"]


async def refusals_with(desk: Desk, asker: Asker, form: Form, stand_in: Media) -> list[Refusal]:
    """What the platforms would refuse if all files were like this one."""
    draft = drafted(form, [stand_in] * len(form.names), desk.house.clock.now())
    async with desk.house.db.read() as session:
        rows = await posting.chosen_of(session, asker.actor, draft)
    return refusals(desk.house, draft.proposed(rows))


def offered(form: Form, needs: frozenset[str]) -> Form:
    """The form with a text of its own opened for these platforms, to be shortened from what was written."""
    own = dict.fromkeys([*form.own, *sorted(needs)])
    return replace(form, own=tuple(own), texts={**form.texts, **dict.fromkeys(needs, form.text)})


def field_errors(error: Refused, form: Form, *, again: bool = False) -> dict[str, str]:
    """What a rule refuses, beside the field that it belongs to; `again`: in the window that comes next, where
    what was added is attached."""
    accounts = composer_blocks.accounts_block(form.client_id)
    if isinstance(error, FieldProblems):
        files = composer_blocks.named_after(composer_blocks.KEPT, form.files) if again else form.files_block
        blocks = {media.FILES: files, media.LINK: composer_blocks.MEDIA}
        return {blocks.get(name, accounts): words for name, words in error.problems.items()}
    if not isinstance(error, DraftProblems):
        return {accounts: error.text}
    found: dict[str, list[str]] = {}
    fields = FIELD_BLOCKS | {"media": _media_block(form, again)}
    fields |= {"title": composer_blocks.TITLE_FIELD} if form.title is not None else {}
    for item in error.refused:
        block = fields.get(item.problem.field, accounts)
        if (item.problem.field, item.problem.reason) == ("media", Reason.TEXT_TOO_LONG):
            block = composer_blocks.ALT  # the description of a picture
        if block == composer_blocks.TEXT and item.platform in form.own:
            block = composer_blocks.own_block(item.platform)
        found.setdefault(block, []).append(item.problem.text)
    return {block: messages.problems(texts) for block, texts in found.items()}


def _media_block(form: Form, again: bool) -> str:
    if form.media_url and not form.files:
        return composer_blocks.MEDIA
    return (
        composer_blocks.named_after(composer_blocks.KEPT, form.files)
        if again and form.files
        else form.files_block
    )
