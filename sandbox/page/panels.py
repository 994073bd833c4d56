"""What other parts of the sandbox put beside the Slack window: clocks, fault switches, accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Panel:
    """One box in the right-hand column.

    `render` gives its inside as HTML; it is called once a second, so it must be quick and change nothing.
    Its forms post to endpoints of their own, which may answer with anything: the page sends them in the
    background and looks again. For browsers without scripts, such an endpoint answers
    `303 See Other` to the form's `back` field, which the page fills in. Inputs keep what a person typed
    while they carry the same `name`.
    """

    id: str
    title: str
    render: Callable[[], Markup]
