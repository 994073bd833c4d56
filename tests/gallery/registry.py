"""Every case there is: what `make gallery` draws and the tests check.

A new message, window or page: one line in the list of its topic. The tests name what is missing.
"""

from __future__ import annotations

from tests.gallery import alerts, linking, lists, pages, posts, reasons, windows
from tests.gallery.case import Case

CASES: tuple[Case, ...] = (
    *alerts.CASES,
    *reasons.CASES,
    *posts.CASES,
    *linking.CASES,
    *lists.CASES,
    *windows.CASES,
    *pages.CASES,
)
