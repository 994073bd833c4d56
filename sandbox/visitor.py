"""A person's browser without scripts: opens a link, presses the button, decides on the platform's page.

Keeps cookies and sends Origin as browsers do. Used to give the demo a history, and by the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx


@dataclass
class Form:
    """A form on a page: where it goes, and the fields that it carries by itself."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """What the browser shows now."""

    url: str
    status: int
    text: str

    @property
    def forms(self) -> list[Form]:
        reader = _Forms(self.url)
        reader.feed(self.text)
        return reader.forms


class Visitor:
    """One browser with its cookies."""

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(follow_redirects=True, timeout=30, trust_env=False)

    async def open(self, url: str) -> Page:
        """Loads a page, as pasting its address does."""
        return _page(await self._http.get(url))

    async def press(
        self, page: Page, more: Mapping[str, str | list[str]] | None = None, index: int = 0
    ) -> Page:
        """Submits a form of the page; `more` are the button's and the person's own fields."""
        form = page.forms[index]
        data: dict[str, str | list[str]] = {}
        for name, value in form.fields:
            data[name] = value
        origin = f"{urlsplit(page.url).scheme}://{urlsplit(page.url).netloc}"
        return _page(
            await self._http.request(
                form.method, form.action, data=data | dict(more or {}), headers={"origin": origin}
            )
        )

    async def connect(self, link: str, decision: str = "approve", account: str | None = None) -> Page:
        """From an invitation's link to the page after the callback. With `account` (its id at the platform)
        the person logs in as that one and allows everything."""
        page = await self.press(await self.open(link))
        return await self.press(page, {"as": account} if account else {"decision": decision})

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _page(answer: httpx.Response) -> Page:
    return Page(str(answer.url), answer.status_code, answer.text)


class _Forms(HTMLParser):
    """Collects the forms of a page with their hidden and ticked fields."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {name: value or "" for name, value in attrs}
        if tag == "form":
            action = urljoin(self._url, have.get("action") or self._url)
            self.forms.append(Form(action, have.get("method", "get").upper()))
        elif tag == "input" and self.forms and have.get("name"):
            kind = have.get("type", "text")
            if kind == "hidden" or (kind in ("checkbox", "radio") and "checked" in have):
                self.forms[-1].fields.append((have["name"], have.get("value", "on")))
