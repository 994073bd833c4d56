"""What a rule refuses, in words that can be shown to the person who asked."""

from __future__ import annotations

from collections.abc import Mapping


class Refused(Exception):
    """A request that cannot be carried out. The text is for people: short, kind, and says what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class NotCurrent(Refused):
    """The button belongs to an earlier state; nothing was changed."""


class FieldProblems(Refused):
    """A form that cannot be stored: what is wrong, by the name of the field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(dict.fromkeys(problems.values())))
        self.problems = dict(problems)
