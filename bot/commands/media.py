"""Pictures and films that people give: files in Slack, which are stored, and links, which are looked at once.

The type comes from the bytes, never from a name or from what a server claims.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from bot.commands.desk import Desk
from bot.domain import media_use
from bot.domain.errors import Refused
from bot.http import HostRefused, HttpError, OpenHttp, TooLarge, Unreadable
from bot.media.looks import look_at, sniff
from bot.messages.composer import Attached
from bot.platforms.base import Media
from bot.slack.errors import SlackProblem
from bot.slack.files import FileForbidden, FileTooLarge

__all__ = ["fetch_all", "fetch_file", "fetch_media", "link_problem", "sniff"]

URL_MAX = 2000
MOST_BYTES = 300 * 1024 * 1024
FETCH_SECONDS = 60.0
FILE_SECONDS = 180.0
TYPES = "JPEG, PNG, GIF, WebP, MP4 or MOV"
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


async def fetch_all(desk: Desk, workspace_id: str, files: Sequence[Attached], url: str) -> tuple[Media, ...]:
    """The files in their order, then the link. Raises Refused, in words for the author."""
    found = [await fetch_file(desk, workspace_id, file) for file in files]
    return (*found, await fetch_media(desk.files, url)) if url else tuple(found)


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
            raise Refused(_why_unread(problem, file.label)) from None
        except OSError:
            raise Refused(media_use.NOT_STORED) from None
        if looks is None:
            raise Refused(f"{file.label} is not a picture or film that I can post ({TYPES}).")
        return await media_use.keep(desk.house, workspace_id, target, looks)


def _why_unread(problem: SlackProblem, label: str) -> str:
    if isinstance(problem, FileTooLarge):
        return f"{label} is larger than {MOST_BYTES // 2**20} MB."
    if isinstance(problem, FileForbidden) or problem.word == "missing_scope":
        return (
            f"Slack does not let me read {label}. If it lies in Slack itself, an admin has to install me "
            "once more, to allow me to read files."
        )
    if problem.word in UNSEEN:
        return f"I cannot see {label}. Invite me to the channel where it is, or upload it here."
    return f"I could not fetch {label} from Slack just now. Try again in a moment."


async def fetch_media(files: OpenHttp, url: str) -> Media:
    """Fetches a link's file once and looks at it. Raises Refused, in words for the author."""
    with tempfile.TemporaryDirectory(prefix="media-") as folder:
        target = Path(folder) / "file"
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
    return Media(url, looks.kind, looks.mime, got.size, looks.width, looks.height, looks.duration)


def _why(error: HttpError) -> str:
    if isinstance(error, HostRefused):
        return "I cannot fetch that address: it has to be a public one that starts with https://."
    if isinstance(error, TooLarge):
        return f"That file is larger than {MOST_BYTES // 2**20} MB."
    if isinstance(error, Unreadable):
        return "That link leads to no file. Open it in a private browser window to see what I see."
    return "I could not fetch that file just now: its server did not answer. Try again in a moment."
