"""LinkedIn's "little text": what a commentary looks like once it is posted (LinkedIn facts §4.5).

Reserved characters need a backslash. One that has none, and begins neither a hashtag nor a mention, cuts
the post off there, and LinkedIn tells nobody.
"""

from __future__ import annotations

import re

LONGEST = 3000
PIECE = re.compile(
    r"\\(?P<escaped>.)"
    r"|\{hashtag\|(?:\\#|\uff03)\|(?P<hashtag>[^{}|]+)\}"
    r"|@\[(?P<mention>[^\]]+)\]\(urn:li:(?:person|organization):[A-Za-z0-9_-]+\)"
    r"|(?P<plain>[^\\|{}@\[\]()<>#*_~])",
    re.DOTALL,
)


def rendered(commentary: str) -> str:
    """The text as people see it, cut off where it was not escaped."""
    shown, at = "", 0
    while match := PIECE.match(commentary, at):
        hashtag, mention = match["hashtag"], match["mention"]
        shown += f"#{hashtag}" if hashtag else mention or match["escaped"] or match["plain"]
        at = match.end()
    return shown
