"""What a rule refuses, in words that can be shown to the person who asked."""

from __future__ import annotations


class Refused(Exception):
    """A request that cannot be carried out. The text is for people: short, kind, and says what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class NotCurrent(Refused):
    """The button belongs to an earlier state; nothing was changed."""
