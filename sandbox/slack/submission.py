"""Submitting and closing modals: what Slack does with the app's answer."""

from __future__ import annotations

import json
from typing import Any

from sandbox.slack import payloads
from sandbox.slack.delivery import deliver
from sandbox.slack.errors import SlackError
from sandbox.slack.inputs import window_errors
from sandbox.slack.models import JSON, Delivered, User, View
from sandbox.slack.state import SlackWorld
from sandbox.slack.views import checked_view, push_view, replace_body

TROUBLE = "We had some trouble connecting. Try again?"


async def submit_view(world: SlackWorld, user: User, view: View) -> Delivered | None:
    """Sends a filled modal; None when Slack's window held it back for its own reasons.

    Afterwards `view.errors` or `view.notice` say what the person sees, or the view is gone from his stack.
    """
    view.errors, view.notice = window_errors(view), ""
    if view.errors:
        world.bump()
        return None
    payload = payloads.view_submission(world, user, view, _response_urls(world, user, view))
    delivered = await deliver(world, "interactive", payload)
    try:
        if delivered.failure:
            raise SlackError(delivered.failure)
        _apply(world, view, _read(delivered.body))
    except SlackError as error:
        view.notice = TROUBLE
        if not delivered.failure:
            world.complaints.append(f"answer to view_submission: {error.code} {'; '.join(error.details)}")
    world.bump()
    return delivered


def _response_urls(world: SlackWorld, user: User, view: View) -> list[JSON]:
    urls: list[JSON] = []
    for block in view.body["blocks"]:
        element = block.get("element", {})
        if element.get("response_url_enabled"):
            state = view.state[block["block_id"]][element["action_id"]]
            channel_id = state.get("selected_conversation") or state.get("selected_channel")
            if channel_id:
                url = world.new_response_url("actions", world.channels[channel_id], user.id)
                place = {"block_id": block["block_id"], "action_id": element["action_id"]}
                urls.append({**place, "channel_id": channel_id, "response_url": url})
    return urls


def _read(body: str) -> JSON:
    if not body.strip():
        return {}
    try:
        answer: Any = json.loads(body)
    except ValueError:
        raise SlackError("not_json") from None
    if not isinstance(answer, dict):
        raise SlackError("not_an_object")
    return answer


def _apply(world: SlackWorld, view: View, answer: JSON) -> None:
    stack = world.modals.get(view.user_id, [])
    action = answer.get("response_action")
    if action is None:
        if answer:
            raise SlackError("missing response_action")
        world.modals[view.user_id] = [entry for entry in stack if entry.id != view.id]
    elif action == "clear":
        world.modals[view.user_id] = []
    elif action == "errors":
        view.errors = _field_errors(view, answer.get("errors"))
    elif action == "update":
        replace_body(world, view, checked_view(answer.get("view"), "modal"))
    elif action == "push":
        push_view(world, checked_view(answer.get("view"), "modal"), stack[-1])
    else:
        raise SlackError("unknown response_action")


def _field_errors(view: View, errors: Any) -> dict[str, str]:
    inputs = {block["block_id"] for block in view.body["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors:
        raise SlackError("errors must be an object")
    unknown = sorted(set(errors) - inputs)
    if unknown or not all(isinstance(words, str) and words for words in errors.values()):
        raise SlackError("errors must name input blocks", details=unknown)
    return dict(errors)


async def close_view(world: SlackWorld, user: User, view: View, everything: bool = False) -> None:
    """Closes a modal (or with `everything` the whole stack); tells the app where a view asked for it."""
    stack = world.modals.get(user.id, [])
    cleared = everything or bool(view.body.get("clear_on_close"))
    gone = stack if cleared else [view]
    world.modals[user.id] = [] if cleared else [entry for entry in stack if entry.id != view.id]
    world.bump()
    for entry in gone:
        if entry.body.get("notify_on_close"):
            payload = payloads.view_closed(world, user, entry, cleared)
            await deliver(world, "interactive", payload)
