"""Reading the settings: all that is wrong is found in one go."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError

from bot.settings import checks
from bot.settings.model import PLATFORMS, AppCredentials, Settings
from bot.settings.problems import Problem, SettingsError, how_to_get

__all__ = ["KNOWN_NAMES", "Require", "load_settings"]

Require = Literal["run", "keys", "none"]

_OWN = (*PLATFORMS, "linkedin_pages")
# Fields of these names are variables of the same name; all others carry the product's prefix.
_PLAIN_PREFIXES = ("slack_", "meta_", "linkedin_", "facebook_")
_FIELD_OF = {
    name.upper() if name.startswith(_PLAIN_PREFIXES) else f"LAMPLIGHTER_{name.upper()}": name
    for name in Settings.model_fields
    if name != "apps"
}
_NAME_OF = {field: name for name, field in _FIELD_OF.items()}
_APP_NAMES = frozenset(
    {f"{platform.upper()}_{part}" for platform in _OWN for part in ("CLIENT_ID", "CLIENT_SECRET")}
    | {f"{platform.upper()}_REVIEWED" for platform in PLATFORMS}
)
KNOWN_NAMES = frozenset(_FIELD_OF) | _APP_NAMES
"""Every variable that means something."""

_PREFIXES = ("LAMPLIGHTER_", "SLACK_", "META_", *(f"{platform.upper()}_" for platform in PLATFORMS))
_SIMILAR = 0.8


def load_settings(
    environ: Mapping[str, str], env_file: Path | None = None, *, require: Require = "run"
) -> Settings:
    """The settings from `environ`, and from `env_file` what is not set there.

    `require` says what must be there: everything to "run", the "keys" alone, or "none" of it. Values
    that are there must be right in any case. Raises SettingsError with every problem that there is.
    """
    from_file = _read(env_file)
    given = {
        name: value.strip()
        for name, value in {**from_file, **environ}.items()
        if name in KNOWN_NAMES and value.strip()
    }
    problems = [*_unknown(environ, from_file), *_missing(given, require), *_contradictions(given)]
    apps = dict(_apps(given, problems))
    values: dict[str, object] = {_FIELD_OF[name]: value for name, value in given.items() if name in _FIELD_OF}
    values.setdefault("data_dir", "./data")
    data_dir = Path(str(values["data_dir"])).expanduser()
    values.setdefault("database_url", f"sqlite:///{data_dir}/lamplighter.db")
    settings = _build(values | {"apps": apps}, problems)
    if problems or settings is None:
        raise SettingsError(problems)
    return settings


def _build(values: Mapping[str, object], problems: list[Problem]) -> Settings | None:
    try:
        return Settings(**values)  # type: ignore[arg-type]
    except ValidationError as invalid:
        errors = invalid.errors(include_input=False, include_context=False, include_url=False)
    named = {_NAME_OF[str(error["loc"][0])]: error["msg"].removeprefix("Value error, ") for error in errors}
    problems.extend(Problem(name, what, how_to_get(name)) for name, what in named.items())
    return None


def _read(env_file: Path | None) -> dict[str, str]:
    if env_file is None or not env_file.exists():
        return {}
    try:
        found = dotenv_values(env_file, interpolate=False)
    except (OSError, UnicodeDecodeError):
        found = None
    if found is None:
        raise SettingsError([Problem(env_file.name, "cannot be read", "make it a readable text file")])
    return {name: value or "" for name, value in found.items()}


def _unknown(environ: Mapping[str, str], from_file: Mapping[str, str]) -> Iterator[Problem]:
    """Names that look like ours and mean nothing.

    The environment is shared with other programs: there a foreign name is only a problem when it is
    nearly one of ours.
    """
    for name in sorted({*environ, *from_file} - KNOWN_NAMES):
        if not name.startswith(_PREFIXES):
            continue
        near = difflib.get_close_matches(name, sorted(KNOWN_NAMES), n=1, cutoff=_SIMILAR)
        if near:
            yield Problem(name, "is not a setting", f"you may mean {near[0]}")
        elif name in from_file or name.startswith("LAMPLIGHTER_"):
            yield Problem(name, "is not a setting", "remove it")


def _missing(given: Mapping[str, str], require: Require) -> Iterator[Problem]:
    wanted = {
        "run": ["LAMPLIGHTER_PUBLIC_URL", "LAMPLIGHTER_ENCRYPTION_KEYS"],
        "keys": ["LAMPLIGHTER_ENCRYPTION_KEYS"],
    }
    names = wanted.get(require, [])
    if require == "run":
        names = [*names, *_wanted_for_slack(given)]
    for name in names:
        if name not in given:
            yield Problem(name, "is missing", how_to_get(name))


def _wanted_for_slack(given: Mapping[str, str]) -> list[str]:
    many = "SLACK_CLIENT_ID" in given or "SLACK_CLIENT_SECRET" in given
    if many:  # even in Socket Mode: the install pages make the public address known to everybody
        return ["SLACK_SIGNING_SECRET"]
    names = ["SLACK_BOT_TOKEN"]
    return names if "SLACK_APP_TOKEN" in given else [*names, "SLACK_SIGNING_SECRET"]


def _contradictions(given: Mapping[str, str]) -> Iterator[Problem]:
    installs = [name for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET") if name in given]
    if installs and "SLACK_BOT_TOKEN" in given:
        yield Problem(
            "SLACK_BOT_TOKEN",
            f"contradicts {installs[0]}",
            "keep the bot token for one workspace, or the client id and secret for many",
        )
    if installs and "SLACK_OPERATIONS_CHANNEL" in given:
        yield Problem(
            "SLACK_OPERATIONS_CHANNEL",
            f"contradicts {installs[0]}",
            "leave it out: each workspace chooses its own with /lamplighter setup",
        )
    if len(installs) == 1:
        other = "SLACK_CLIENT_SECRET" if installs == ["SLACK_CLIENT_ID"] else "SLACK_CLIENT_ID"
        yield Problem(other, f"is missing beside {installs[0]}", how_to_get(other))
    if "LAMPLIGHTER_OUTBOUND_URL" in given and not _is_local(given.get("LAMPLIGHTER_PUBLIC_URL", "")):
        yield Problem(
            "LAMPLIGHTER_OUTBOUND_URL",
            "is only for rehearsals, and LAMPLIGHTER_PUBLIC_URL is not on this machine",
            "remove it, or make the public address http://localhost with the port",
        )
    if "LAMPLIGHTER_CLOCK_FILE" in given and "LAMPLIGHTER_OUTBOUND_URL" not in given:
        name = "LAMPLIGHTER_CLOCK_FILE"
        yield Problem(name, "is only allowed beside LAMPLIGHTER_OUTBOUND_URL", how_to_get(name))


def _is_local(public: str) -> bool:
    try:
        origin = checks.public_url(public)
    except ValueError:
        return False
    return checks.is_loopback(checks.host_of(origin))


def _apps(given: Mapping[str, str], problems: list[Problem]) -> Iterator[tuple[str, AppCredentials]]:
    for platform in _OWN:
        prefix = platform.upper()
        client_id, secret = given.get(f"{prefix}_CLIENT_ID"), given.get(f"{prefix}_CLIENT_SECRET")
        reviewed = _reviewed(f"{platform.removesuffix('_pages').upper()}_REVIEWED", given, problems)
        if client_id and secret:
            yield platform, AppCredentials(client_id, SecretStr(secret), reviewed)
        elif client_id or secret:
            name, beside = ("CLIENT_SECRET", "CLIENT_ID") if client_id else ("CLIENT_ID", "CLIENT_SECRET")
            full = f"{prefix}_{name}"
            problems.append(Problem(full, f"is missing beside {prefix}_{beside}", how_to_get(full)))


def _reviewed(name: str, given: Mapping[str, str], problems: list[Problem]) -> bool:
    try:
        return checks.flag(given.get(name, "false"))
    except ValueError as wrong:
        problem = Problem(name, str(wrong), how_to_get(name))
    if problem not in problems:
        problems.append(problem)
    return False
