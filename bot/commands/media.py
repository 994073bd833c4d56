"""Pictures and films that people give: files in Slack and links. Both are copied into the store at once.

The type comes from the bytes, never from a name or from what a server claims.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from bot.commands.desk import Desk
from bot.domain import media_use
from bot.domain.errors import FieldProblems, Refused
from bot.domain.house import House
from bot.http import HostRefused, HttpError, OpenHttp, TooLarge, Unreadable
from bot.media.looks import Looks, look_at
from bot.messages.composer_blocks import Attached
from bot.platforms.content import Media
from bot.slack.errors import SlackProblem
from bot.slack.files import FileForbidden, FileTooLarge

__all__ = ["fetch_all", "fetch_file", "key_of", "link_look", "link_problem", "why_unread"]

URL_MAX = 2000
MOST_BYTES = 300 * 1024 * 1024
FETCH_SECONDS = 60.0
FILE_SECONDS = 180.0
TYPES = "JPEG, PNG, GIF, WebP, MP4 or MOV"
FILES, LINK = "files", "link"  # fields, in what `fetch_all` refuses
UNSEEN = frozenset({"file_not_found", "file_deleted", "not_in_channel"})


def link_problem(url: str) -> str | None:
    """Why an address cannot be a media link, in words; None where it can. Asks nobody."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        plain = False
    if not plain or any(char.isspace() for char in url):
        return "This has to be an address that starts with https:// and leads to the file itself."
    return None if len(url) <= URL_MAX else f"This address is longer than {URL_MAX:,} characters."


async def fetch_all(
    desk: Desk, workspace_id: str, files: Sequence[Attached], url: str, stored: Mapping[str, str]
) -> dict[str, Media]:
    """The files in their order, then the link, each by its `key_of`. `stored` names those that were fetched
    before by the same composer. Raises FieldProblems, in words for the author: of all that cannot be used."""
    found: dict[str, Media] = {}
    wrong: dict[str, list[str]] = {}

    async def fetch(field: str, source: str, how: Callable[[], Awaitable[Media]]) -> None:
        known = await media_use.again(desk.house, workspace_id, stored.get(key_of(source)))
        try:
            found[key_of(source)] = known or await how()
        except Refused as refused:
            wrong.setdefault(field, []).append(refused.text)

    for file in files:
        await fetch(FILES, file.id, partial(fetch_file, desk, workspace_id, file))
    if url:
        await fetch(LINK, url, partial(keep_link, desk.house, desk.files, workspace_id, url))
    if wrong:
        raise FieldProblems({field: " ".join(dict.fromkeys(words)) for field, words in wrong.items()})
    return found


def key_of(source: str) -> str:
    """A short name for a file in Slack or an address."""
    return hashlib.sha256(source.encode()).hexdigest()[:12]


async def fetch_file(desk: Desk, workspace_id: str, file: Attached) -> Media:
    """Copies a file from Slack into the store. Raises Refused, in words for the author."""
    with tempfile.TemporaryDirectory(prefix="media-") as folder:
        target = Path(folder) / "file"
        try:
            found = await desk.gateway.file(workspace_id, file.id)
            if found.size > MOST_BYTES:
                raise FileTooLarge("too_large")
            await desk.gateway.download(
                workspace_id, found, target, max_bytes=MOST_BYTES, deadline=FILE_SECONDS
            )
            looks = await asyncio.to_thread(look_at, target)
        except SlackProblem as problem:
            raise Refused(why_unread(problem, file.label, MOST_BYTES)) from None
        except OSError:
            raise Refused(media_use.NOT_STORED) from None
        if looks is None:
            raise Refused(f"{file.label} is not a picture or film that I can post ({TYPES}).")
        return await media_use.keep(desk.house, workspace_id, target, looks)


def why_unread(problem: SlackProblem, label: str, most: int) -> str:
    """Why a file could not be had from Slack, in words. `most`: bytes."""
    if isinstance(problem, FileTooLarge):
        return f"{label} is larger than {most // 2**20} MB."
    if isinstance(problem, FileForbidden) or problem.word == "missing_scope":
        return (
            f"Slack does not let me read {label}. If it lies in Slack itself, an admin has to install me "
            "once more, to allow me to read files."
        )
    if problem.word in UNSEEN:
        return f"I cannot see {label}. Invite me to the channel where it is, or upload it here."
    return f"I could not fetch {label} from Slack just now. Try again in a moment."


def link_look(
    house: House, files: OpenHttp, workspace_id: str, *, keep: bool = True
) -> Callable[[str], Awaitable[Media]]:
    """Fetches a media link of a calendar, and keeps what it leads to. Raises Refused, in words for whoever
    wrote it."""

    async def look(url: str) -> Media:
        problem = link_problem(url)
        if problem:
            raise Refused(problem)
        return await (keep_link(house, files, workspace_id, url) if keep else look_at_link(files, url))

    return look


async def keep_link(house: House, files: OpenHttp, workspace_id: str, url: str) -> Media:
    """Copies a link's file into the store, so that nothing is lost when the link dies later. Raises Refused,
    in words for the author."""
    with tempfile.TemporaryDirectory(prefix="media-") as folder:
        target = Path(folder) / "file"
        looks, _ = await _fetched(files, url, target)
        return await media_use.keep(house, workspace_id, target, looks)


async def look_at_link(files: OpenHttp, url: str) -> Media:
    """Fetches a link's file and says what it is; nothing is kept. Raises Refused, in words for the author."""
    with tempfile.TemporaryDirectory(prefix="media-") as folder:
        looks, size = await _fetched(files, url, Path(folder) / "file")
    return Media(url, looks.kind, looks.mime, size, looks.width, looks.height, looks.duration)


async def _fetched(files: OpenHttp, url: str, target: Path) -> tuple[Looks, int]:
    try:
        got = await files.download(url, target, max_bytes=MOST_BYTES, deadline=FETCH_SECONDS)
    except HttpError as error:
        raise Refused(_why(error)) from None
    looks = await asyncio.to_thread(look_at, target)
    if looks is None:
        raise Refused(
            f"That link does not lead to a picture or film ({TYPES}), but to something else, perhaps a page "
            "that shows it. I need the address of the file itself."
        )
    return looks, got.size


def _why(error: HttpError) -> str:
    if isinstance(error, HostRefused):
        return "I cannot fetch that address: it has to be a public one that starts with https://."
    if isinstance(error, TooLarge):
        return f"That file is larger than {MOST_BYTES // 2**20} MB."
    if isinstance(error, Unreadable):
        return "That link leads to no file. Open it in a private browser window to see what I see."
    return "I could not fetch that file just now: its server did not answer. Try again in a moment."
