"""What keeps strangers out: the browser's cookie, the form token bound to it, the Origin, and the policy.

The cookie ties a walk to one browser; the form token ties a press to a page that this browser was shown;
the Origin ties it to a page of ours. A press needs all three.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "lamplighter_walk"
COOKIE_SECONDS = 3600
SECRET_BYTES = 32
SECRET_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")
"""256 bits as `secrets.token_urlsafe` writes them; anything else in the cookie is no secret of ours."""

FORM_FIELD = "form_token"


@dataclass(frozen=True, slots=True)
class Guard:
    """The defences of one installation. `public_url` is an origin without trailing slash."""

    public_url: str

    @property
    def cookie_name(self) -> str:
        """With the `__Host-` prefix on https, so that no neighbouring host can plant one."""
        return f"__Host-{COOKIE}" if self._is_https else COOKIE

    def browser(self, request: Request) -> str | None:
        """The secret of the browser that asks, if it has a valid one."""
        value = request.cookies.get(self.cookie_name, "")
        return value if SECRET_SHAPE.fullmatch(value) else None

    def remember(self, response: Response, browser: str) -> None:
        """Sets the cookie, or gives it another hour: several walks in one browser share it."""
        response.set_cookie(
            self.cookie_name,
            browser,
            max_age=COOKIE_SECONDS,
            path="/",
            secure=self._is_https,
            httponly=True,
            samesite="lax",
        )

    def is_own_origin(self, request: Request) -> bool:
        """Whether a press comes from a page of ours. A missing Origin and `null` are refused."""
        return request.headers.getlist("origin") == [self.public_url]

    @property
    def _is_https(self) -> bool:
        return self.public_url.startswith("https:")


def new_browser() -> str:
    """A fresh cookie secret."""
    return secrets.token_urlsafe(SECRET_BYTES)


def form_token(browser: str, path: str) -> str:
    """What a form at `path` carries: only a page shown to this browser can hold it."""
    return hmac.new(browser.encode(), f"form\x00{path}".encode(), hashlib.sha256).hexdigest()


def is_form_token(given: str, browser: str, path: str) -> bool:
    return hmac.compare_digest(given.encode(), form_token(browser, path).encode())


def origin_of(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def form_targets(url: str) -> str:
    """Where a form that ends in a redirect to `url` may lead, as sources of a content security policy.

    Chromium applies form-action to every redirect that follows a press, and platforms send browsers on
    to a sibling (www to m): the host without its `www.` and all its subdomains are named.
    """
    parts = urlsplit(url)
    if parts.scheme != "https":
        return origin_of(url)
    host = parts.netloc.rpartition("@")[2].removeprefix("www.")
    return f"https://{host} https://*.{host}"


def content_policy(*, form_action: str = "", images: str = "") -> str:
    """The content security policy of a page: our one style sheet, pictures, our own forms, no frames."""
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            f"img-src 'self' https: data: {images}".rstrip(),
            f"form-action 'self' {form_action}".rstrip(),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
