"""What YouTube demands of a video's description (YouTube facts §3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.platforms.core import Call
from sandbox.platforms.youtube_manners import refused

LONGEST_TITLE = 100  # characters
LONGEST_DESCRIPTION = 5000  # bytes
LONGEST_TAGS = 500  # characters, with the commas and quotes that YouTube adds
CATEGORIES = frozenset(map(str, (1, 2, 10, 15, 17, 19, 20, *range(22, 30))))
SNIPPET: Mapping[str, type] = {
    "title": str,
    "description": str,
    "tags": list,
    "categoryId": str,
    "defaultLanguage": str,
    "defaultAudioLanguage": str,
}
STATUS: Mapping[str, type] = {
    "privacyStatus": str,
    "publishAt": str,
    "selfDeclaredMadeForKids": bool,
    "containsSyntheticMedia": bool,
    "license": str,
    "embeddable": bool,
    "publicStatsViewable": bool,
}
PARTS = {"snippet": SNIPPET, "status": STATUS}


def check_metadata(
    call: Call, body: dict[str, Any], parts: list[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Snippet and status of a new video. Raises Refused with the reason that YouTube has for it."""
    if strange := sorted(set(body) - set(parts)):
        raise refused(400, "unexpectedPart", f"The part {strange[0]} was not named", "youtube.part")
    given = {name: _typed(body.get(name, {}), fields) for name, fields in PARTS.items()}
    _check_snippet(given["snippet"])
    _check_status(call, given["status"])
    return given["snippet"], given["status"]


def _typed(value: object, fields: Mapping[str, type]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise refused(400, "invalidVideoMetadata", "The request metadata is invalid.", "youtube.video")
    for name, given in value.items():
        if name not in fields or not isinstance(given, fields[name]):
            raise refused(400, "badRequest", f'Invalid value or unknown name "{name}"', "global")
    return value


def _check_snippet(snippet: dict[str, Any]) -> None:
    title, description = snippet.get("title", ""), snippet.get("description", "")
    if not title.strip() or len(title) > LONGEST_TITLE or set(title) & set("<>"):
        message = "The request metadata specifies an invalid or empty video title."
        raise refused(400, "invalidTitle", message, "youtube.video")
    if len(description.encode()) > LONGEST_DESCRIPTION or set(description) & set("<>"):
        message = "The request metadata specifies an invalid video description."
        raise refused(400, "invalidDescription", message, "youtube.video")
    tags = snippet.get("tags", [])
    if not all(isinstance(tag, str) and tag for tag in tags) or _tags_length(tags) > LONGEST_TAGS:
        message = "The request metadata specifies invalid video keywords."
        raise refused(400, "invalidTags", message, "youtube.video")
    if snippet.get("categoryId", "22") not in CATEGORIES:
        message = "The request metadata specifies an invalid category ID."
        raise refused(400, "invalidCategoryId", message, "youtube.video")


def _tags_length(tags: list[str]) -> int:
    return sum(len(tag) + 2 * (" " in tag) for tag in tags) + max(0, len(tags) - 1)


def _check_status(call: Call, status: dict[str, Any]) -> None:
    if status.get("privacyStatus", "public") not in ("public", "unlisted", "private"):
        message = "The request metadata specifies an invalid privacy status."
        raise refused(400, "invalidVideoMetadata", message, "youtube.video")
    if status.get("license", "youtube") not in ("youtube", "creativeCommon"):
        message = "The request metadata specifies an invalid license."
        raise refused(403, "forbiddenLicenseSetting", message, "youtube.video")
    if "publishAt" in status:
        at = _instant(status["publishAt"])
        if at is None or at <= call.world.now() or status.get("privacyStatus") != "private":
            message = "The request metadata specifies an invalid scheduled publishing time."
            raise refused(400, "invalidPublishAt", message, "youtube.video")


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None
