"""Files of Slack: what they are called, and their bytes, fetched with the bot's token (facts: Slack, 1.6).

The token goes to Slack's own host for files and nowhere else, and no redirect is followed. Without the
permission Slack answers 200 and its sign-in page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.outbound import Rewriter
from bot.slack.errors import SlackProblem, Transient

__all__ = ["FileForbidden", "FileTooLarge", "SlackFile", "download", "read_file"]

HOST = "files.slack.com"
PIECE_BYTES = 256 * 1024


class FileForbidden(SlackProblem):
    """The bot may not read the file, or it does not lie with Slack."""


class FileTooLarge(SlackProblem):
    """The file has more bytes than were allowed."""


@dataclass(frozen=True, slots=True)
class SlackFile:
    """A file as `files.info` tells it. `size` in bytes."""

    id: str
    name: str
    size: int
    url: str


def read_file(shown: Mapping[str, Any]) -> SlackFile:
    """A file from Slack's answer. Raises FileForbidden for one whose bytes cannot be had there."""
    url = str(shown.get("url_private_download") or shown.get("url_private") or "")
    if not _is_slacks(url):
        raise FileForbidden("not_at_slack")
    name = str(shown.get("name") or shown.get("title") or "file")
    return SlackFile(str(shown.get("id") or ""), name, int(shown.get("size") or 0), url)


def _is_slacks(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.hostname == HOST and parts.netloc == HOST
    except ValueError:
        return False


async def download(
    session: aiohttp.ClientSession,
    rewriter: Rewriter,
    token: str,
    url: str,
    target: Path,
    *,
    max_bytes: int,
    deadline: float,
) -> int:
    """Streams a file to disk; its size in bytes. Raises FileForbidden, FileTooLarge, Transient; OSError."""
    if not _is_slacks(url):
        raise FileForbidden("not_at_slack")
    try:
        async with session.get(
            rewriter.url(url),
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=deadline, sock_connect=5.0),
        ) as answer:
            _check(answer, max_bytes)
            return await _write(answer, target, max_bytes)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Transient(type(error).__name__) from None


def _check(answer: aiohttp.ClientResponse, max_bytes: int) -> None:
    if answer.status >= 500 or answer.status == 429:
        raise Transient(f"status_{answer.status}")
    if answer.status != 200 or answer.content_type == "text/html":  # the sign-in page, or the way to it
        raise FileForbidden("sign_in_page")
    if (answer.content_length or 0) > max_bytes:
        raise FileTooLarge("too_large")


async def _write(answer: aiohttp.ClientResponse, target: Path, max_bytes: int) -> int:
    size = 0
    with target.open("wb") as file:
        async for piece in answer.content.iter_chunked(PIECE_BYTES):
            size += len(piece)
            if size > max_bytes:
                raise FileTooLarge("too_large")
            await asyncio.to_thread(file.write, piece)
    return size
