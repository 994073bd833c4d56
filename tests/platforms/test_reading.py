"""What several platform files read: which answers are pages for people."""

from __future__ import annotations

import pytest

from bot.http import Response
from bot.platforms.reading import is_page

HTML = {"content-type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    ("headers", "body", "page"),
    [
        (HTML, b"<html><body>Welcome</body></html>", True),
        (HTML, b"\n <head><title>Welcome</title>", True),
        ({}, b"\xef\xbb\xbf <!DOCTYPE html><p>Welcome", True),
        ({"content-type": "application/json"}, b"<HTML>", True),
        (HTML, b"", False),
        (HTML, b'{"id": "1"}', False),
        (HTML, b"OK", False),
        ({"content-type": "application/xml"}, b"<?xml version='1.0'?><Error/>", False),
        ({}, b"", False),
    ],
)
def test_a_page_is_told_by_what_it_holds(headers: dict[str, str], body: bytes, page: bool) -> None:
    assert is_page(Response(200, headers, body)) is page
