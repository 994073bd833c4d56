"""Slack's other addresses: response URLs (`hooks.slack.com`) and private files (`files.slack.com`)."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from sandbox.slack.blocks import with_ids
from sandbox.slack.errors import SlackError
from sandbox.slack.faults import Outage, answer_fault, drop_connection
from sandbox.slack.limits import check_blocks
from sandbox.slack.models import JSON, Call, Message, ResponseUrl
from sandbox.slack.reading import find_install
from sandbox.slack.state import SlackWorld

RESPONSE_URL_USES = 5
LOGIN_PAGE = (
    "<!DOCTYPE html><html lang=en><head><title>Sign in | Slack</title></head><body>Sign in</body></html>"
)


class ResponseUrls:
    """`POST /hooks.slack.com/{commands|actions}/{team}/{secret}`"""

    def __init__(self, world: SlackWorld) -> None:
        self.world = world

    async def __call__(self, request: Request) -> Response:
        """Takes one answer to an interaction."""
        fault = self.world.faults.strike("response_url")
        if fault is not None and fault.outage is not Outage.LOST_ANSWER:
            return await answer_fault(request, fault)
        body: Any = None
        try:
            body = json.loads(await request.body())
            status, text = self._take(request.path_params["secret"], body)
        except ValueError:
            status, text = 400, "invalid_payload"
        except SlackError as error:
            status, text = 400 if error.code != "expired_url" else 404, error.code
        kept = body if isinstance(body, dict) else {}
        team_id = request.path_params["team_id"]
        call = Call(
            "response_url", team_id, kept, {"ok": status == 200, "body": text}, status, self.world.clock()
        )
        self.world.calls.append(call)
        self.world.bump()
        return await drop_connection(request) if fault is not None else PlainTextResponse(text, status)

    def _take(self, secret: str, body: Any) -> tuple[int, str]:
        url = self.world.response_urls.get(secret)
        too_old = url is None or self.world.clock() - url.created > self.world.switches.response_url_seconds
        if url is None or too_old or url.uses >= RESPONSE_URL_USES:
            raise SlackError("expired_url")
        if not isinstance(body, dict):
            raise SlackError("invalid_payload")
        url.uses += 1
        answer_interaction(self.world, url, body)
        return 200, "ok"


def answer_interaction(world: SlackWorld, url: ResponseUrl, body: JSON) -> Message | None:
    """What a response URL does: replace or delete the message that was acted on, or say something new.

    Also serves the body of a slash command's acknowledgement.
    Raises SlackError for `no_text` and `invalid_blocks`.
    """
    channel = world.channels[url.channel]
    original = channel.messages.get(url.message_ts or "")
    if body.get("delete_original"):
        if original is not None:
            original.deleted = True
        world.bump()
        return None
    text, blocks = str(body.get("text") or ""), body.get("blocks") or []
    problems = check_blocks(blocks, "message")
    if problems:
        raise SlackError("invalid_blocks", details=[problem.line() for problem in problems])
    if not text.strip() and not blocks:
        raise SlackError("no_text")
    if body.get("replace_original") and original is not None and not original.deleted:
        original.text, original.blocks = text, with_ids(blocks)
        original.state, original.edited_ts = {}, world.next_ts()
        world.bump()
        return original
    install = world.installs[url.team_id]
    in_channel = body.get("response_type") == "in_channel"
    thread_ts = body.get("thread_ts") or (original.thread_ts if original is not None else None)
    message = world.post(
        channel,
        install.bot_user_id,
        text,
        blocks=with_ids(blocks),
        team_id=url.team_id,
        bot_id=install.bot_id,
        thread_ts=thread_ts,
        ephemeral_to=None if in_channel else url.user_id,
    )
    url.message_ts = url.message_ts or message.ts
    return message


class PrivateFiles:
    """`GET /files.slack.com/files-pri/{team}-{file}/[download/]{name}`: bytes, or Slack's login page."""

    def __init__(self, world: SlackWorld) -> None:
        self.world = world

    async def __call__(self, request: Request) -> Response:
        """Gives the file to a bearer with `files:read` of that workspace, and to everybody else a page."""
        fault = self.world.faults.strike("files")
        if fault is not None:
            return await answer_fault(request, fault)
        file = self.world.files.get(request.path_params["file"].partition("-")[2])
        _, _, bearer = request.headers.get("authorization", "").partition(" ")
        try:
            install = find_install(self.world, bearer)
        except SlackError:
            return HTMLResponse(LOGIN_PAGE)
        if file is None or "files:read" not in install.scopes or install.team_id != file.team_id:
            return HTMLResponse(LOGIN_PAGE)
        return Response(file.content, media_type=file.mimetype)
