"""What every page handler is handed, and how a press of a button is checked before anything is done."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.domain.house import House
from bot.outbound import Rewriter
from bot.web import words
from bot.web.guard import FORM_FIELD, Guard, is_form_token
from bot.web.pages import Pages

FORM_TYPE = "application/x-www-form-urlencoded"
FIELDS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Door:
    """The house, and what this door needs beside it."""

    house: House
    rewriter: Rewriter
    pages: Pages
    guard: Guard

    def redirect(self, address: str) -> Response:
        """On to another address by GET, whatever was asked before."""
        return RedirectResponse(address, HTTPStatus.SEE_OTHER)

    def to_consent(self, consent_id: str) -> Response:
        return self.redirect(f"{self.house.public_url}/consent/{consent_id}")


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed on a page of ours, in the browser that it was shown to."""

    browser: str
    fields: tuple[tuple[str, str], ...]

    def one(self, name: str) -> str:
        """A field that must stand there once; empty otherwise."""
        values = self.all(name)
        return values[0] if len(values) == 1 else ""

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]


async def read_press(door: Door, request: Request) -> Press | Response:
    """A press that passed Origin, cookie and form token; or the page that says why it did not."""
    if not door.guard.is_own_origin(request):
        return door.pages.say(words.FOREIGN_PRESS, HTTPStatus.FORBIDDEN)
    fields = await _fields(request)
    if fields is None:
        return door.pages.by_status(HTTPStatus.BAD_REQUEST)
    browser = door.guard.browser(request)
    given = [value for key, value in fields if key == FORM_FIELD]
    path = request.url.path
    if browser is None or len(given) != 1 or not is_form_token(given[0], browser, path):
        return door.pages.say(words.STALE_PAGE, HTTPStatus.FORBIDDEN, link=path.removesuffix("/fresh"))
    return Press(browser, tuple(fields))


async def _fields(request: Request) -> list[tuple[str, str]] | None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        return None
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return parse_qsl(body, keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        return None
