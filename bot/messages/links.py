"""What the buttons of invitations and alerts answer to the person who pressed. Pure."""

from __future__ import annotations

from bot.messages import actions, blocks
from bot.messages.message import Message


def undone(label: str, slug: str) -> Message:
    """A first link was taken back. `label`: "@acme on Instagram"."""
    return Message(
        f"Done: {blocks.safe(label)} is no longer linked to `{slug}`. "
        "The link is open again for the right one."
    )


def client_asked(slug: str, channel: str) -> Message:
    """The client reads the invitation in a channel of its own."""
    return Message(f"Asked: the link is on its way to <#{channel}>, where the people of `{slug}` see it.")


def no_client_channel(client_id: str, slug: str) -> Message:
    """Nowhere to ask the client yet, and how to change that."""
    set_it = blocks.button("Choose the channel", actions.OPEN_CLIENT, client_id)
    words = (
        f"`{slug}` has no channel that you share with the client yet. Choose one, and press "
        "*Ask the client* again; or send the link yourself with *Copy link*."
    )
    return blocks.message([blocks.section(words, set_it)])


def link_to_copy(address: str, slug: str, title: str) -> Message:
    """The link itself, for the person who asked for it alone."""
    return Message(
        f"The link that reconnects {title} of `{slug}`:\n{blocks.escape(address)}\n"
        "Whoever opens it can sign in for this account, so send it only to the person who should."
    )


def checked(well: bool, label: str, slug: str) -> Message:
    """What a live look found. `label`: "@acme on Instagram"."""
    who = f"*{blocks.safe(label)}* of `{slug}`"
    if well:
        return Message(
            f"✅ {who} works again. Posts that are still on time go out by themselves; what is late is asked "
            "about in the client's channel."
        )
    return Message(f"⛔ {who} is still refused. First do what the alert says, then check again.")


def paused(client_id: str, slug: str, by: str | None) -> Message:
    """A client is paused, by whom, and how to go on."""
    press = blocks.button("Resume", actions.RESUME_CLIENT, client_id)
    person = blocks.mention([by] if by else [])
    who = f" by {person}" if person else ""
    words = f"`{slug}` is paused{who}: its accounts stay connected, its posts wait until somebody resumes it."
    return blocks.message([blocks.section(words, press)])


def resumed(slug: str, sent: int, late: int) -> Message:
    """A client goes on: how many posts are on their way, how many are asked about."""
    said = f"`{slug}` goes on."
    if sent:
        said += f" {blocks.count(sent, 'post')} that waited {blocks.agree(sent, 'is', 'are')} on time again."
    if late:
        said += f" {blocks.count(late, 'post')} {blocks.agree(late, 'is', 'are')} late: its channel is asked."
    return Message(said)
