"""How an outbound call can fail.

    HttpError
    ├── NotSent          the request surely did not reach the other side: it is safe to try again
    │   ├── HostRefused  the address is not one that this call may go to
    │   ├── NoSlot       too many calls to that host are under way
    │   └── TooLate      its not-after time had passed just before the bytes would have left
    ├── NoAnswer         bytes may have left, and no complete answer came: nobody knows
    ├── TooLarge         the answer is larger than this side takes
    └── Unreadable       an answer came, and it is not what was asked for

A text names method, host and path, never a query string and never a body. Nothing is chained to the
transport's own exceptions: their texts hold whole addresses.
"""

from __future__ import annotations

__all__ = ["HostRefused", "HttpError", "NoAnswer", "NoSlot", "NotSent", "TooLarge", "TooLate", "Unreadable"]


class HttpError(Exception):
    """An outbound call failed. `where` is method, host and path; `cause` is a word for the log."""

    def __init__(self, where: str, cause: str = "") -> None:
        self.where = where
        self.cause = cause
        said = (self.__doc__ or "").split("\n", 1)[0].rstrip(".")
        super().__init__(f"{where}: {said}{f' ({cause})' if cause else ''}")


class NotSent(HttpError):
    """The request did not reach the other side."""


class HostRefused(NotSent):
    """This address is not allowed for this call."""


class NoSlot(NotSent):
    """Too many calls to this host are under way."""


class TooLate(NotSent):
    """The time in which this could be sent was over."""


class NoAnswer(HttpError):
    """The request may have been received, and no complete answer came."""


class TooLarge(HttpError):
    """The answer is too large."""


class Unreadable(HttpError):
    """The answer could not be read."""
