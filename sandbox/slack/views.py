"""The `views.*` methods and the stack of modals that a person has open."""

from __future__ import annotations

import secrets
from typing import Any

from sandbox.slack.blocks import elements, with_ids
from sandbox.slack.errors import SlackError
from sandbox.slack.limits import check_view, view_is_too_large
from sandbox.slack.models import JSON, Trigger, View
from sandbox.slack.reading import ApiCall
from sandbox.slack.render import view_json
from sandbox.slack.state import SlackWorld

STACK_LIMIT = 3


def read_view(call: ApiCall, *kinds: str) -> JSON:
    """The view of a call, checked, with ids filled in. Raises `view_too_large`, `invalid_arguments`, …"""
    body: Any = call.structure("view", "invalid_arguments")
    return checked_view(body, *kinds)


def checked_view(body: Any, *kinds: str) -> JSON:
    """A view as Slack stores it. Raises SlackError as `views.*` do."""
    if view_is_too_large(body):
        raise SlackError("view_too_large")
    problems = check_view(body)
    if problems:
        raise SlackError("invalid_arguments", details=[problem.line() for problem in problems])
    if body["type"] not in kinds:
        details = [f"[ERROR] must be one of: {', '.join(kinds)} [json-pointer:/view/type]"]
        raise SlackError("invalid_arguments", details=details)
    return {**body, "blocks": with_ids(body["blocks"])}


def new_hash(world: SlackWorld) -> str:
    """A view's version mark, in Slack's form `1795210662.abcdef12`."""
    return f"{int(world.clock())}.{secrets.token_hex(4)}"


def use_trigger(call: ApiCall) -> Trigger:
    """The trigger of a call, used up. Raises `invalid_trigger_id` and the two that tell late from twice."""
    trigger = call.world.triggers.get(call.required("trigger_id"))
    if trigger is None or trigger.team_id != call.install.team_id:
        raise SlackError("invalid_trigger_id")
    if trigger.used:
        raise SlackError("exchanged_trigger_id")
    if call.world.clock() - trigger.created > call.world.switches.trigger_seconds:
        raise SlackError("expired_trigger_id")
    return trigger


def make_view(world: SlackWorld, body: JSON, user_id: str, team_id: str, previous: View | None) -> View:
    """A new view on top of `previous`. Raises `duplicate_external_id`."""
    _demand_unused_external_id(world, body, None, team_id)
    view_id = world.new_id("V")
    view = View(view_id, user_id, team_id, body, new_hash(world), previous.root_id if previous else view_id)
    view.previous_id = previous.id if previous else None
    view.state = initial_state(body["blocks"])
    return view


def replace_body(world: SlackWorld, view: View, body: JSON) -> None:
    """Shows another body in a view; typed values stay where block_id and action_id are the same."""
    _demand_unused_external_id(world, body, view.id, view.team_id)
    typed, fresh = view.state, initial_state(body["blocks"])
    for block_id, values in fresh.items():
        for action_id, value in values.items():
            before = typed.get(block_id, {}).get(action_id)
            if before is not None and before["type"] == value["type"]:
                values[action_id] = before
    view.body, view.state, view.errors, view.notice = body, fresh, {}, ""
    view.hash = new_hash(world)
    world.bump()


def initial_state(blocks: list[JSON]) -> dict[str, dict[str, JSON]]:
    """The values of the inputs before a person touches them, as `state.values` has them."""
    values: dict[str, dict[str, JSON]] = {}
    for block, element in elements(blocks):
        if element["type"] not in {"button", "overflow"}:
            values.setdefault(block["block_id"], {})[element["action_id"]] = _initial(element)
    return values


INITIAL = {
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "users_select": ("selected_user", "initial_user"),
    "channels_select": ("selected_channel", "initial_channel"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "file_input": ("files", ""),
}


def _initial(element: JSON) -> JSON:
    kind = element["type"]
    name, initial = INITIAL.get(kind, ("value", "initial_value"))
    empty: Any = [] if name.endswith("s") else None
    return {"type": kind, name: element.get(initial, empty)}


def _demand_unused_external_id(world: SlackWorld, body: JSON, own_id: str | None, team_id: str) -> None:
    external_id = body.get("external_id")
    taken = external_id and any(
        view.body.get("external_id") == external_id and view.id != own_id and view.team_id == team_id
        for view in all_views(world)
    )
    if taken:
        raise SlackError("duplicate_external_id")


def all_views(world: SlackWorld) -> list[View]:
    """Every view that somebody has open, Home tabs included."""
    return [view for stack in world.modals.values() for view in stack] + list(world.homes.values())


def views_open(call: ApiCall) -> JSON:
    """views.open"""
    body = read_view(call, "modal")
    trigger = use_trigger(call)
    view = make_view(call.world, body, trigger.user_id, call.install.team_id, None)
    trigger.used = True
    call.world.modals[trigger.user_id] = [view]
    call.world.bump()
    return {"view": view_json(call.world, view)}


def views_push(call: ApiCall) -> JSON:
    """views.push"""
    body = read_view(call, "modal")
    trigger = use_trigger(call)
    stack = call.world.modals.get(trigger.user_id, [])
    if trigger.from_view not in {view.id for view in stack}:
        raise SlackError("invalid_trigger_id")
    view = push_view(call.world, body, stack[-1])
    trigger.used = True
    return {"view": view_json(call.world, view)}


def push_view(world: SlackWorld, body: JSON, below: View) -> View:
    """Lays a modal on the stack. Raises `push_limit_reached`."""
    stack = world.modals[below.user_id]
    if len(stack) >= STACK_LIMIT:
        raise SlackError("push_limit_reached")
    view = make_view(world, body, below.user_id, below.team_id, below)
    stack.append(view)
    world.bump()
    return view


def views_update(call: ApiCall) -> JSON:
    """views.update"""
    body = read_view(call, "modal", "home")
    view_id, external_id = call.text("view_id"), call.text("external_id")
    if bool(view_id) == bool(external_id):
        raise SlackError("invalid_arguments", details=["[ERROR] pass either view_id or external_id"])
    for view in all_views(call.world):
        mine = view.team_id == call.install.team_id and view.body["type"] == body["type"]
        if mine and (view.id == view_id or (external_id and view.body.get("external_id") == external_id)):
            _demand_hash(call, view)
            replace_body(call.world, view, body)
            return {"view": view_json(call.world, view)}
    raise SlackError("not_found")


def _demand_hash(call: ApiCall, view: View) -> None:
    if call.text("hash") and call.text("hash") != view.hash:
        raise SlackError("hash_conflict")


def views_publish(call: ApiCall) -> JSON:
    """views.publish"""
    user = call.world.users.get(call.required("user_id"))
    body = read_view(call, "home")
    if not call.world.app.home_tab:
        raise SlackError("not_enabled")
    if user is None or user.team_id != call.install.team_id:
        raise SlackError("invalid_arguments", details=["[ERROR] invalid user_id [json-pointer:/user_id]"])
    view = call.world.homes.get(user.id)
    if view is None:
        if call.text("hash"):
            raise SlackError("hash_conflict")
        view = make_view(call.world, body, user.id, call.install.team_id, None)
        call.world.homes[user.id] = view
        call.world.bump()
    else:
        _demand_hash(call, view)
        replace_body(call.world, view, body)
    return {"view": view_json(call.world, view)}
