"""Slack's refusals."""

from __future__ import annotations

from collections.abc import Sequence


class SlackError(Exception):
    """A call that Slack refuses.

    `code` is Slack's error string; `details` are the lines of `response_metadata.messages`;
    `needed` is the missing scope; `retry_after` (seconds) makes it an HTTP 429.
    """

    def __init__(
        self,
        code: str,
        *,
        details: Sequence[str] = (),
        needed: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.details = tuple(details)
        self.needed = needed
        self.retry_after = retry_after
