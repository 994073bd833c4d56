"""Turning views into HTML pages, each with its own content security policy."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from bot.outbound import Rewriter
from bot.web import words
from bot.web.guard import content_policy
from bot.web.words import Words

STYLE = files("bot.web").joinpath("static", "style.css").read_bytes()
STYLE_PATH = "/static/style.css"
STYLE_VERSION = hashlib.sha256(STYLE).hexdigest()[:12]

MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")

BY_STATUS = {404: words.NOT_FOUND, 405: words.NOT_ALLOWED, 413: words.TOO_LARGE, 500: words.OUR_FAULT}


def _without_marks(value: object) -> object:
    """A name must not turn the words around it about: marks of direction stay out of our pages."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else MARKS.sub("", value)


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("bot.web"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_without_marks,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style"] = f"{STYLE_PATH}?v={STYLE_VERSION}"
    return environment


@dataclass(frozen=True, slots=True)
class Pages:
    """Renders pages. Pictures go through `rewriter`, as every outbound address does."""

    rewriter: Rewriter
    templates: Environment = field(default_factory=_templates)

    def render(
        self, name: str, status: int = HTTPStatus.OK, *, form_action: str = "", **values: object
    ) -> HTMLResponse:
        """The page `name`; its forms may lead to ourselves and to `form_action`."""
        html = self.templates.get_template(name).render(picture=partial(picture, self.rewriter), **values)
        policy = content_policy(form_action=form_action, images=self.rewriter.outbound or "")
        return HTMLResponse(html, status, {"Content-Security-Policy": policy})

    def say(
        self, said: Words, status: int, *, link: str | None = None, refresh: int | None = None
    ) -> HTMLResponse:
        """A page of nothing but words and, with `link`, a way to open another page again; with `refresh`,
        loaded anew after so many seconds."""
        return self.render("message.html", status, words=said, link=link, refresh=refresh)

    def by_status(self, status: int) -> HTMLResponse:
        """The page for an HTTP status, without details."""
        return self.say(BY_STATUS.get(status, words.UNREADABLE), status)


def picture(rewriter: Rewriter, address: str | None) -> str | None:
    """Where a browser gets an account's picture: https only (or wherever that is rewritten to)."""
    if address is None or not address.startswith("https://") or not urlsplit(address).hostname:
        return None
    return rewriter.url(address)
