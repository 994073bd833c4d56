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
    background and looks again. What a person typed into an input stays while the input keeps its `name`.
    Buttons may carry `data-confirm`: JSON with title, text, confirm and deny.
    """

    id: str
    title: str
    render: Callable[[], Markup]
