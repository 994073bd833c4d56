"""What platforms push: removed apps, demands to delete data, and the page that says how far a deletion is.

Nothing is done for what cannot be verified. What can be is written down, answered, and looked at after the
answer. Which platform pushes what:

    facebook, instagram, threads    POST …/deauthorize and …/deletion, a `signed_request` each; a handshake
    tiktok                          POST /webhooks/tiktok, `authorization.removed`
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import structlog
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.domain import revocations
from bot.domain.house import wall_now
from bot.domain.revocations import Kind, Progress, Pushed, Taken
from bot.web import signatures
from bot.web.door import FORM_TYPE, Door
from bot.web.signatures import META, TIKTOK
from bot.web.words import Words

log = structlog.get_logger(__name__)

REMOVED = "authorization.removed"


async def handshake(door: Door, request: Request) -> Response:
    """GET /webhooks/{platform}: Meta asks whether the address is ours."""
    secrets = _secrets(door, request, META)
    query = request.query_params
    if not secrets or query.get("hub.mode") != "subscribe":
        return door.pages.by_status(HTTPStatus.NOT_FOUND)
    given = query.get("hub.verify_token", "")
    if not any(signatures.same(given, signatures.verify_token(secret)) for secret in secrets):
        return _refuse(request, "handshake")
    return PlainTextResponse(query.get("hub.challenge", ""))


async def event(door: Door, request: Request) -> Response:
    """POST /webhooks/{platform}: TikTok's events; Meta's, of which we need none."""
    secrets = _secrets(door, request, META | {TIKTOK})
    if not secrets:
        return door.pages.by_status(HTTPStatus.NOT_FOUND)
    raw = await request.body()
    if request.path_params["platform"] in META:
        header = request.headers.get("x-hub-signature-256", "")
        known = any(signatures.hub_signature(header, raw, secret) for secret in secrets)
        return PlainTextResponse("ok") if known else _refuse(request, "event")
    header = request.headers.get("tiktok-signature", "")
    times = (door.house.clock.now(), wall_now())  # the same, save in a rehearsal of months
    read = (signatures.tiktok_event(header, raw, secrets[0], now) for now in times)
    told = next((said for said in read if said is not None), None)
    if told is None or told.get("client_key") != door.house.apps[TIKTOK].client_id:
        return _refuse(request, "event")
    person = _person(told.get("user_openid"))
    if told.get("event") != REMOVED or person is None:
        return PlainTextResponse("ok")
    issued_at = signatures.instant(told.get("create_time"))
    taken = await revocations.take(door.house, Pushed(TIKTOK, Kind.DEAUTHORIZE, person, issued_at, raw))
    return PlainTextResponse("ok", background=_look(door, taken))


async def deauthorize(door: Door, request: Request) -> Response:
    """POST /webhooks/{platform}/deauthorize: a person removed our app at Meta."""
    pushed = await _signed(door, request, Kind.DEAUTHORIZE)
    if isinstance(pushed, Response):
        return pushed
    taken = await revocations.take(door.house, pushed)
    return PlainTextResponse("ok", background=_look(door, taken))


async def deletion(door: Door, request: Request) -> Response:
    """POST /webhooks/{platform}/deletion: answered with a page and a code by which the person can ask."""
    pushed = await _signed(door, request, Kind.DELETION)
    if isinstance(pushed, Response):
        return pushed
    taken = await revocations.take(door.house, pushed)
    said = {"url": f"{door.house.public_url}/deletion/{taken.code}", "confirmation_code": taken.code}
    return JSONResponse(said, background=_look(door, taken))


async def status(door: Door, request: Request) -> Response:
    """GET /deletion/{code}: how far a deletion is, in words. Names nobody."""
    found = await revocations.progress(door.house, request.path_params["code"])
    if found is None:
        return door.pages.by_status(HTTPStatus.NOT_FOUND)
    word, progress = found
    platform = door.house.platforms.get(word)
    names = {"title": platform.info.title if platform else word.title()}
    said = PROGRESS[progress]
    lines = tuple(line.format_map(names) for line in said.lines)
    return door.pages.say(Words(said.title.format_map(names), lines, said.tone), HTTPStatus.OK)


async def _signed(door: Door, request: Request, kind: Kind) -> Pushed | Response:
    """A verified `signed_request`, or the answer that refuses it."""
    secrets = _secrets(door, request, META)
    if not secrets:
        return door.pages.by_status(HTTPStatus.NOT_FOUND)
    text = _field(request.headers, await request.body(), "signed_request")
    read = (signatures.signed_request(text, secret) for secret in secrets if text)
    told = next((said for said in read if said is not None), None)
    person = _person(told.get("user_id")) if told else None
    if told is None or person is None:
        return _refuse(request, kind)
    issued_at = signatures.instant(told.get("issued_at"))
    return Pushed(request.path_params["platform"], kind, person, issued_at, text.partition(".")[2].encode())


def _secrets(door: Door, request: Request, among: frozenset[str]) -> tuple[str, ...]:
    """The app secrets with which the platform of the address may sign, its own first; empty where it pushes
    nothing to us. Which of Meta's apps signs for which of its products is not confirmed: all are ours."""
    word = request.path_params["platform"]
    if word not in among or word not in door.house.platforms or word not in door.house.apps:
        return ()
    words = [word, *sorted(META - {word})] if word in META else [word]
    apps = [door.house.apps[each] for each in words if each in door.house.apps]
    return tuple(dict.fromkeys(app.client_secret.get_secret_value() for app in apps))


def _field(headers: Mapping[str, str], raw: bytes, name: str) -> str:
    """The one value of a form's field; empty where it is missing, twice there, or no form came."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        fields = parse_qsl(raw.decode("ascii"), max_num_fields=20) if kind == FORM_TYPE else []
    except ValueError:
        return ""
    values = [value for key, value in fields if key == name]
    return values[0] if len(values) == 1 else ""


def _person(value: Any) -> str | None:
    """A platform's id of a person: a number or a word."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if 0 < len(text) <= 255 else None


def _look(door: Door, taken: Taken) -> BackgroundTask | None:
    if taken.grant_id is None:
        return None
    return BackgroundTask(partial(revocations.look, door.house, taken.grant_id))


def _refuse(request: Request, what: str) -> Response:
    log.warning("notice_refused", platform=request.path_params["platform"], what=what)
    body = json.dumps({"error": "This request is not signed as it must be."})
    return Response(body, HTTPStatus.FORBIDDEN, media_type="application/json")


PROGRESS: Mapping[Progress, Words] = {
    Progress.NOTHING_HELD: Words(
        "There is nothing to delete", ("We hold no access to this {title} account.",), "good"
    ),
    Progress.SIGNED_IN_AGAIN: Words(
        "This request was overtaken",
        (
            "Somebody signed in to {title} for us again after it, so that access stays.",
            "To end it, remove the app at {title}, or ask the agency that posts for you.",
        ),
        "wait",
    ),
    Progress.UNDER_WAY: Words(
        "Your data is being deleted",
        ("We are making sure at {title} that our access has ended. Look again in an hour.",),
        "wait",
    ),
    Progress.STILL_ALLOWED: Words(
        "{title} still lets us in",
        (
            "We delete your data as soon as our access has ended, and it has not.",
            "Remove the app in your settings at {title}; this page then shows that it is done.",
        ),
        "wait",
    ),
    Progress.DONE: Words(
        "Your data is deleted",
        (
            "We have forgotten our access to this {title} account and the name that belonged to it.",
            "Which posts an agency published there stays in that agency's own records.",
        ),
        "good",
    ),
}
