"""What happens in a workspace beside messages, with the events that the app hears of it."""

from __future__ import annotations

from sandbox.slack.delivery import emit
from sandbox.slack.models import JSON, Channel, Message
from sandbox.slack.render import view_json
from sandbox.slack.state import SlackWorld


def _tell(world: SlackWorld, channel: Channel, name: str, facts: JSON | None = None) -> None:
    """Sends `channel_<name>`, or `group_<name>` for a private channel, which only its members hear."""
    prefix = "channel" if channel.kind == "public" else "group"
    for team_id in {channel.team_id, *channel.connected_teams}:
        install = world.installs.get(team_id)
        if install and (channel.kind == "public" or install.bot_user_id in channel.members):
            event: JSON = {"type": f"{prefix}_{name}", "channel": channel.id, **(facts or {})}
            emit(world, team_id, event, channel)


def archive(world: SlackWorld, channel: Channel, by: str) -> None:
    """Archives a channel."""
    channel.is_archived = True
    _tell(world, channel, "archive", {"user": by})
    world.bump()


def unarchive(world: SlackWorld, channel: Channel, by: str) -> None:
    """Opens an archived channel again; the bot is then no longer in it."""
    channel.is_archived = False
    _tell(world, channel, "unarchive", {"user": by})
    for install in world.installs.values():
        channel.members.discard(install.bot_user_id)
    world.bump()


def delete_channel(world: SlackWorld, channel: Channel) -> None:
    """Deletes a channel for good."""
    _tell(world, channel, "deleted")
    channel.deleted = True
    world.bump()


def rename(world: SlackWorld, channel: Channel, name: str) -> None:
    """Gives a channel another name; its id stays."""
    channel.name = name
    _tell(world, channel, "rename", {"channel": {"id": channel.id, "name": name, "created": 0}})
    world.bump()


def share(world: SlackWorld, channel: Channel, team_id: str) -> None:
    """Another workspace joins a channel through Slack Connect; the app hears of it where it is."""
    channel.connected_teams.add(team_id)
    _tell_of_sharing(world, channel, {"type": "channel_shared", "connected_team_id": team_id})


def unshare(world: SlackWorld, channel: Channel, team_id: str) -> None:
    """A workspace leaves a shared channel, and its people with it."""
    channel.connected_teams.discard(team_id)
    channel.members -= {user.id for user in world.users.values() if user.team_id == team_id}
    event: JSON = {"type": "channel_unshared", "previously_connected_team_id": team_id}
    _tell_of_sharing(world, channel, event | {"is_ext_shared": channel.is_ext_shared})


def _tell_of_sharing(world: SlackWorld, channel: Channel, event: JSON) -> None:
    for team_id in {channel.team_id, *channel.connected_teams}:
        install = world.installs.get(team_id)
        if install and (channel.kind == "public" or install.bot_user_id in channel.members):
            emit(world, team_id, {**event, "channel": channel.id}, channel)
    world.bump()


def convert_to_private(world: SlackWorld, channel: Channel) -> None:
    """A public channel becomes private: same id, and no event that the facts know of."""
    channel.kind = "private"
    world.bump()


def join(world: SlackWorld, channel: Channel, user_id: str, inviter: str | None = None) -> None:
    """Lets somebody in; the app hears of it in channels that it is in, and of itself."""
    channel.members.add(user_id)
    user = world.users[user_id]
    event: JSON = {
        "type": "member_joined_channel",
        "user": user_id,
        "channel": channel.id,
        "channel_type": "C" if channel.kind == "public" else "G",
        "team": user.team_id,
    }
    for team_id in {channel.team_id, *channel.connected_teams}:
        install = world.installs.get(team_id)
        if install and install.bot_user_id in channel.members:
            emit(world, team_id, event | ({"inviter": inviter} if inviter else {}), channel)
    world.bump()


def leave(world: SlackWorld, channel: Channel, user_id: str, by: str) -> None:
    """Takes somebody out; the app hears only of its own leaving (`channel_left`, `group_left`)."""
    if any(install.bot_user_id == user_id for install in world.installs.values()):
        _tell(world, channel, "left", {"actor_id": by})
    channel.members.discard(user_id)
    world.bump()


def delete_message(world: SlackWorld, message: Message) -> None:
    """Deletes a message; the app, which reads no messages, hears nothing."""
    message.deleted = True
    world.bump()


def open_home(world: SlackWorld, user_id: str, team_id: str, tab: str = "home") -> None:
    """A person opens the app's Home or Messages tab."""
    event: JSON = {"type": "app_home_opened", "user": user_id, "tab": tab}
    event["channel"] = world.direct_message(team_id, user_id).id
    view = world.homes.get(user_id)
    if tab == "home" and view is not None:
        event["view"] = view_json(world, view)
    emit(world, team_id, event)


def uninstall(world: SlackWorld, team_id: str) -> None:
    """An admin removes the app: its token dies, and two events say so in no certain order."""
    install = world.installs[team_id]
    revoked: JSON = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [install.bot_user_id]}}
    emit(world, team_id, revoked)
    emit(world, team_id, {"type": "app_uninstalled"})
    install.revoked = True
    world.bump()


def revoke_token(world: SlackWorld, team_id: str) -> None:
    """The bot token is revoked while the app stays in the list."""
    install = world.installs[team_id]
    emit(world, team_id, {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [install.bot_user_id]}})
    install.revoked, install.error_when_revoked = True, "token_revoked"
    world.bump()


def metadata_posted(world: SlackWorld, team_id: str, message: Message) -> None:
    """Tells the app of a message's metadata, where the switch and the scope allow it."""
    install = world.installs[team_id]
    if not world.switches.metadata_events or "metadata.message:read" not in install.scopes:
        return
    event: JSON = {
        "type": "message_metadata_posted",
        "app_id": world.app.app_id,
        "bot_id": install.bot_id,
        "user_id": message.user,
        "team_id": team_id,
        "channel_id": message.channel,
        "message_ts": message.ts,
        "metadata": message.metadata,
    }
    emit(world, team_id, event, world.channels[message.channel])
