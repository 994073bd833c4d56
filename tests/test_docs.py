"""The documents against the code: what one names, the other has."""

from __future__ import annotations

import re
import struct
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import click
import pytest
import yaml
from prometheus_client import generate_latest
from starlette.routing import Route

from bot import cli_doctor
from bot.cli import main
from bot.domain.house import House
from bot.messages.reasons import APP_REASONS
from bot.metrics import Meters
from bot.platforms.base import PlatformInfo
from bot.platforms.registry import INSTAGRAM_ON_FACEBOOK, PAGES_ON_LINKEDIN, SUPPORTED, build_platforms
from bot.settings import KNOWN_NAMES, PLATFORMS, load_settings
from bot.web import signatures
from bot.web.routes import web_routes
from tests.support import LINKEDIN

ROOT = Path(__file__).parents[1]
README, DOCS = ROOT / "README.md", ROOT / "docs"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
OPERATIONS = (DOCS / "operations.md").read_text()
SECURITY = (DOCS / "security.md").read_text()
EVERYTHING = "\n".join(page.read_text() for page in PAGES)

PAGE_OF = {
    "linkedin_pages": "linkedin",
    INSTAGRAM_ON_FACEBOOK: "instagram",
    PAGES_ON_LINKEDIN: "linkedin",
}
SLACKS_OWN = {"/invite"}
PICTURE_BYTES_MAX, PICTURE_WIDTH = 300_000, 1400


def page_of(key: str) -> str:
    return (DOCS / "platforms" / f"{PAGE_OF.get(key, key)}.md").read_text()


def code_in(text: str) -> list[str]:
    """Every code span and every line of a code block."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.M | re.S)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S))
    return [*spans, *(line.strip() for block in blocks for line in block.splitlines())]


def table_under(text: str, heading: str) -> list[list[str]]:
    """The cells of every table row up to the next heading of the same or a higher level."""
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"no heading {heading!r}"
    part = re.split(rf"\n#{{1,{heading.count('#')}}} ", rest)[0]
    rows = re.findall(r"^\|.*\|$", part, re.M)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def infos() -> list[tuple[str, PlatformInfo]]:
    """Every platform as the code asks for it: LinkedIn on one app and on two."""
    shared = load_settings(LINKEDIN, require="none")
    apart = {"LINKEDIN_PAGES_CLIENT_ID": "id", "LINKEDIN_PAGES_CLIENT_SECRET": "secret"}
    two = load_settings(apart, require="none")
    found = [*build_platforms(shared).items(), *build_platforms(two).items()]
    return [(key, platform.info) for key, platform in found]


INFOS = infos()
every_platform = pytest.mark.parametrize(
    ("key", "info"), INFOS, ids=[f"{key}-{at}" for at, (key, _) in enumerate(INFOS)]
)


def test_every_setting_is_in_operations() -> None:
    assert sorted(KNOWN_NAMES - set(code_in(OPERATIONS))) == []


def test_every_setting_that_is_told_exists() -> None:
    prefixes = "|".join(("LAMPLIGHTER", "SLACK", "META", *(platform.upper() for platform in PLATFORMS)))
    told = set(re.findall(rf"(?<![\w{{])(?:{prefixes})_[A-Z_]+\b", EVERYTHING))
    assert told
    assert sorted(told - KNOWN_NAMES) == []


def test_defaults_in_operations_are_those_of_the_code() -> None:
    settings = load_settings({}, require="none")
    table = table_under(OPERATIONS, "## Settings")
    rows = {row[0].strip("`"): row[2].strip("`") for row in table if len(row) == 3}
    named = {
        "LAMPLIGHTER_HOST": settings.host,
        "LAMPLIGHTER_PORT": settings.port,
        "LAMPLIGHTER_TICK_SECONDS": f"{settings.tick_seconds:g}",
        "LAMPLIGHTER_LATE_MINUTES": settings.late_minutes,
        "LAMPLIGHTER_DATA_DIR": f"./{settings.data_dir}",
        "SLACK_API_URL": settings.slack_api_url,
        "META_GRAPH_VERSION": settings.meta_graph_version,
        "LINKEDIN_VERSION": settings.linkedin_version,
    }
    assert {name: rows[name] for name in named} == {name: str(value) for name, value in named.items()}


@every_platform
def test_a_platforms_page_names_every_scope_with_its_purpose(key: str, info: PlatformInfo) -> None:
    rows = {row[0].strip("`"): row[1] for row in table_under(page_of(key), "## Permissions")}
    for scope in info.scopes:
        assert scope.name in rows, f"{scope.name} is not in the table"
        assert rows[scope.name].startswith(scope.purpose)


@pytest.mark.parametrize("page", sorted({PAGE_OF.get(key, key) for key in SUPPORTED}))
def test_a_platforms_page_names_no_other_scope(page: str) -> None:
    asked = {scope.name for key, info in INFOS if PAGE_OF.get(key, key) == page for scope in info.scopes}
    rows = [row[0] for row in table_under(page_of(page), "## Permissions")]
    assert {row.strip("`") for row in rows if row.startswith("`")} == asked


@every_platform
def test_a_platforms_page_names_its_addresses_and_settings(key: str, info: PlatformInfo) -> None:
    page, spans = page_of(key), code_in(page_of(key))
    house = cast(House, SimpleNamespace(public_url="{PUBLIC_URL}"))
    assert House.redirect_uri(house, info.key) in spans
    assert f"<{info.permission_page}>" in page
    wanted = {f"{info.key.upper()}_CLIENT_ID", f"{info.key.upper()}_CLIENT_SECRET"}
    wanted.add(f"{info.key.upper().removesuffix('_PAGES')}_REVIEWED")
    assert wanted <= set(spans)


@every_platform
def test_a_platforms_page_knows_when_it_is_renewed(key: str, info: PlatformInfo) -> None:
    rows = [" ".join(row) for row in table_under(f"\n{page_of(key)}", f"# {_heading(key)}")]
    renewed = next(row for row in rows if row.startswith("renewed"))
    assert f"{in_words(info.refresh.margin)} before the end" in renewed
    old_enough = f"when a token is {in_words(info.refresh.min_age)} old"
    assert (old_enough in renewed) is bool(info.refresh.min_age)


def _heading(key: str) -> str:
    return page_of(key).partition("\n")[0].removeprefix("# ")


def in_words(span: timedelta) -> str:
    """As the pages say it: the largest unit that leaves no rest, days from two on."""
    minutes = int(span.total_seconds()) // 60
    if minutes >= 2 * 1440 and minutes % 1440 == 0:
        return f"{minutes // 1440} days"
    return f"{minutes // 60} hours" if minutes and minutes % 60 == 0 else f"{minutes} minutes"


@every_platform
def test_a_platforms_page_repeats_what_the_bot_says_before_the_review(key: str, info: PlatformInfo) -> None:
    page = one_line(page_of(key))
    if info.unreviewed:
        assert f"*{info.unreviewed}*" in page


@every_platform
def test_a_platforms_page_says_why_it_may_be_off(key: str, info: PlatformInfo) -> None:
    assert f"*{info.needs_review}*" in one_line(page_of(key)) or info.needs_review is None


@pytest.mark.parametrize("platform", [*sorted(signatures.META), signatures.TIKTOK])
def test_a_platforms_page_names_the_addresses_for_its_notices(platform: str) -> None:
    """As `doctor` prints them, and as the bot serves them."""
    given = {f"{platform.upper()}_CLIENT_ID": "id", f"{platform.upper()}_CLIENT_SECRET": "secret"}
    settings = load_settings(given | {"LAMPLIGHTER_PUBLIC_URL": "https://bot.example.com"}, require="none")
    title = build_platforms(settings)[platform].info.title
    (printed,) = [found.advice for found in cli_doctor.platforms(settings) if found.about == title]
    addresses = set(re.findall(r"https://bot\.example\.com(/webhooks/[a-z/]+)", printed))
    assert addresses
    served = {"/webhooks/{platform}", "/webhooks/{platform}/deauthorize", "/webhooks/{platform}/deletion"}
    assert {address.replace(platform, "{platform}") for address in addresses} <= served
    spans = code_in(page_of(platform))
    assert [address for address in addresses if f"{{PUBLIC_URL}}{address}" not in spans] == []


def test_the_overview_leads_to_every_platform() -> None:
    overview = (DOCS / "platforms" / "README.md").read_text()
    assert sorted(set(re.findall(r"\((\w+)\.md\)", overview))) == sorted(PLATFORMS)


def test_commands_of_the_operator() -> None:
    told = {
        match[1]
        for line in code_in(EVERYTHING)
        if (match := re.match(r"(?:\.venv/bin/)?lamplighter ((?:keys )?[a-z-]+)", line))
    }
    assert told == {*_commands(main)}


def _commands(group: click.Group, prefix: str = "") -> list[str]:
    found: list[str] = []
    for name, command in group.commands.items():
        inner = isinstance(command, click.Group)
        found += _commands(cast(click.Group, command), f"{name} ") if inner else [f"{prefix}{name}"]
    return found


def test_targets_of_make() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    told = {match[1] for line in code_in(EVERYTHING) if (match := re.match(r"make ([a-z]+)\b", line))}
    assert {"demo", "run", "test"} <= told
    assert sorted(told - targets) == []


def test_commands_of_slack_and_paths() -> None:
    manifest: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())
    commands = {item["command"] for item in manifest["features"]["slash_commands"]}
    house = cast(House, SimpleNamespace(public_url="https://bot.example.com"))
    routes = web_routes(house, rewriter=cast(Any, None), pages=cast(Any, None), vitals=cast(Any, None))
    paths = {f"/{route.path.split('/')[1]}" for route in routes if isinstance(route, Route)}
    paths.add("/slack")
    told = {match[1] for line in code_in(EVERYTHING) if (match := re.match(r"(/[a-z]+)\b", line))}
    assert sorted(told - commands - paths - SLACKS_OWN) == []
    rows = table_under(README.read_text(), "## What people type")
    assert commands <= {row[0].strip("`").split()[0] for row in rows}


def test_what_the_operator_is_told() -> None:
    rows = table_under(OPERATIONS, "## What the operator is told")
    assert {row[0].strip("`") for row in rows if row[0].startswith("`")} == APP_REASONS


def test_every_metric_is_explained() -> None:
    text = generate_latest(Meters().registry).decode()
    metrics = set(re.findall(r"^# HELP (\w+)", text, re.M))
    explained = {row[0].strip("`") for row in table_under(OPERATIONS, "## Metrics") if row[0].startswith("`")}
    assert explained == {name for name in metrics if not name.endswith("_created")}


def test_events_of_the_log_are_written_somewhere() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "bot").rglob("*.py"))
    rows = table_under(OPERATIONS, "## The log")
    told = [name for row in rows for name in re.findall(r"`(\w+)`", row[0])]
    assert told
    assert [name for name in told if f'"{name}"' not in source] == []


def test_every_promise_names_tests_that_exist() -> None:
    rows = table_under(SECURITY, "## Promises")
    promises = [row for row in rows if re.match(r"\*\*\d\.\*\*", row[0])]
    assert len(promises) == 7
    for _, proof in promises:
        assert "`tests/" in proof
        for path, names in re.findall(r"`(tests/[\w/]+(?:\.py)?)`(?:: ((?:`\w+`(?:, )?)+))?", proof):
            assert (ROOT / path).exists(), path
            for name in re.findall(r"`(\w+)`", names):
                assert f"def {name}(" in (ROOT / path).read_text(), name


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    for address in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = address.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), address
        assert not anchor or anchor in anchors(target), address


def test_the_picture_is_there_and_light() -> None:
    data = (DOCS / "demo.png").read_bytes()
    width, _ = struct.unpack(">II", data[16:24])
    assert (data[:4], width) == (b"\x89PNG", PICTURE_WIDTH)
    assert len(data) < PICTURE_BYTES_MAX
