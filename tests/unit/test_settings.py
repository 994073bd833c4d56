from __future__ import annotations

import base64
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.outbound import Rewriter
from bot.settings import KNOWN_NAMES, PLATFORMS, Settings, SettingsError, how_to_get, load_settings

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
OTHER = base64.urlsafe_b64encode(bytes(range(1, 33))).decode()
GOOD = {
    "LAMPLIGHTER_PUBLIC_URL": "https://bot.example.com",
    "LAMPLIGHTER_ENCRYPTION_KEYS": KEY,
    "SLACK_BOT_TOKEN": "xoxb-1-2",
    "SLACK_SIGNING_SECRET": "s1gning",
}
LOCAL = GOOD | {"LAMPLIGHTER_PUBLIC_URL": "http://localhost:3000"}


def problems(environ: dict[str, str], env_file: Path | None = None) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, env_file)
    return {problem.name: problem.what for problem in caught.value.problems}


def test_defaults() -> None:
    settings = load_settings(GOOD)
    assert settings.database_url.get_secret_value() == "sqlite+aiosqlite:///data/lamplighter.db"
    assert (settings.host, settings.port, settings.tick_seconds) == ("127.0.0.1", 3000, 15)
    assert (settings.late_minutes, settings.data_dir) == (30, Path("data"))
    assert (settings.meta_graph_version, settings.linkedin_version) == ("v26.0", "202609")
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.outbound_url is None
    assert (settings.slack_mode, settings.socket_mode) == ("single", False)
    assert all(settings.app_for(platform) is None for platform in PLATFORMS)


def test_everything_that_is_missing_is_listed_with_how_to_get_it() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({})
    names = [problem.name for problem in caught.value.problems]
    assert names == [
        "LAMPLIGHTER_PUBLIC_URL",
        "LAMPLIGHTER_ENCRYPTION_KEYS",
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
    ]
    assert "lamplighter keys new" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 4


def test_less_can_be_required() -> None:
    assert load_settings({}, require="none").encryption_keys == ()
    assert len(load_settings({"LAMPLIGHTER_ENCRYPTION_KEYS": KEY}, require="keys").encryption_keys) == 1
    with pytest.raises(SettingsError):
        load_settings({}, require="keys")


def test_wrong_missing_and_unknown_are_told_in_one_go() -> None:
    told = problems(
        {
            "LAMPLIGHTER_PORT": "http",
            "LAMPLIGHTER_TICK_SECONDS": "nan",
            "LAMPLIGHTER_PUBLIK_URL": "https://bot.example.com",
            "SLACK_BOT_TOKEN": "xapp-1",
            "SLACK_SIGNING_SECRET": "s",
            "X_CLIENT_ID": "x",
        }
    )
    assert set(told) == {
        "LAMPLIGHTER_PORT",
        "LAMPLIGHTER_TICK_SECONDS",
        "LAMPLIGHTER_PUBLIK_URL",
        "LAMPLIGHTER_PUBLIC_URL",
        "LAMPLIGHTER_ENCRYPTION_KEYS",
        "SLACK_BOT_TOKEN",
        "X_CLIENT_SECRET",
    }


def test_the_nearest_name_is_suggested() -> None:
    with pytest.raises(SettingsError, match="LAMPLIGHTER_TICK_SECONDS"):
        load_settings(GOOD | {"LAMPLIGHTER_TICKS_SECOND": "1"})
    with pytest.raises(SettingsError, match="INSTAGRAM_CLIENT_SECRET"):
        load_settings(GOOD | {"INSTAGRAM_CLIENT_SECRETS": "1"})


def test_foreign_names_trouble_nobody_in_the_environment_but_do_in_the_file(tmp_path: Path) -> None:
    foreign = {"SLACK_WEBHOOK": "x", "X_DISPLAY": ":0", "PATH": "/bin"}
    assert load_settings(GOOD | foreign)
    file = tmp_path / ".env"
    file.write_text("SLACK_WEBHOOK=x\nUNRELATED=1\n")
    assert set(problems(GOOD, file)) == {"SLACK_WEBHOOK"}


def test_the_environment_wins_over_the_file_and_blanks_are_unset(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text('# comment\nLAMPLIGHTER_PORT=4000\nLAMPLIGHTER_HOST="0.0.0.0"\nSLACK_APP_TOKEN=\n')
    settings = load_settings(GOOD | {"LAMPLIGHTER_PORT": "5000"}, file)
    assert (settings.port, settings.host, settings.socket_mode) == (5000, "0.0.0.0", False)
    assert load_settings(GOOD | {"LAMPLIGHTER_PORT": " "}, file).port == 3000


def test_a_missing_file_is_fine_and_an_unreadable_one_is_told(tmp_path: Path) -> None:
    assert load_settings(GOOD, tmp_path / ".env")
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe\n")
    assert set(problems(GOOD, tmp_path / ".env")) == {".env"}


def test_nothing_is_read_from_the_environment_behind_our_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1")
    monkeypatch.setenv("LAMPLIGHTER_PORT", "2")
    assert load_settings(GOOD).port == 3000


def test_settings_do_not_change() -> None:
    settings = load_settings(GOOD)
    with pytest.raises(ValidationError):
        settings.port = 1


def test_no_secret_is_in_an_error_or_a_representation() -> None:
    secrets = {
        "LAMPLIGHTER_ENCRYPTION_KEYS": f"{KEY},HUSHKEY",
        "SLACK_BOT_TOKEN": "HUSH-bot",
        "SLACK_APP_TOKEN": "HUSH-app",
        "LAMPLIGHTER_DATABASE_URL": "mysql://u:HUSH@h/d",
        "LAMPLIGHTER_HEARTBEAT_URL": "ftp://HUSH",
        "X_CLIENT_SECRET": "HUSH",
    }
    with pytest.raises(SettingsError) as caught:
        load_settings(secrets)
    assert "HUSH" not in repr(caught.value) + str(caught.value) + repr(caught.value.problems)
    good = GOOD | {
        "LAMPLIGHTER_DATABASE_URL": "postgres://u:HUSH@h/d",
        "LAMPLIGHTER_METRICS_TOKEN": "HUSH",
        "LAMPLIGHTER_HEARTBEAT_URL": "https://ping.example/HUSH",
        "X_CLIENT_ID": "x",
        "X_CLIENT_SECRET": "HUSH",
    }
    shown = repr(load_settings(good))
    assert not {"HUSH", KEY, "xoxb", "s1gning"} & {
        word for word in ("HUSH", KEY, "xoxb", "s1gning") if word in shown
    }


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("sqlite:///a/b.db", "sqlite+aiosqlite:///a/b.db"),
        ("sqlite:////a/b.db", "sqlite+aiosqlite:////a/b.db"),
        ("sqlite+aiosqlite:///b.db", "sqlite+aiosqlite:///b.db"),
        ("postgres://u:p%40@h:5/d", "postgresql+asyncpg://u:p%40@h:5/d"),
        ("postgresql://h/d?sslmode=require", "postgresql+asyncpg://h/d?ssl=require"),
        ("postgresql+asyncpg://h/d", "postgresql+asyncpg://h/d"),
        ("postgresql:///d?host=%2Ftmp%2Fpg", "postgresql+asyncpg:///d?host=%2Ftmp%2Fpg"),
    ],
)
def test_database_addresses_get_their_driver(given: str, meant: str) -> None:
    settings = load_settings(GOOD | {"LAMPLIGHTER_DATABASE_URL": given})
    assert settings.database_url.get_secret_value() == meant


@pytest.mark.parametrize(
    "given", ["sqlite://", "sqlite:///:memory:", "sqlite:///", "mysql://h/d", "postgres://h", "data.db"]
)
def test_other_databases_are_refused(given: str) -> None:
    assert set(problems(GOOD | {"LAMPLIGHTER_DATABASE_URL": given})) == {"LAMPLIGHTER_DATABASE_URL"}


def test_the_database_lies_in_the_data_folder(tmp_path: Path) -> None:
    settings = load_settings(GOOD | {"LAMPLIGHTER_DATA_DIR": str(tmp_path)})
    assert settings.database_url.get_secret_value() == f"sqlite+aiosqlite:///{tmp_path}/lamplighter.db"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://Bot.Example.com/", "https://bot.example.com"),
        ("https://bot.example.com:8443", "https://bot.example.com:8443"),
        ("http://localhost:3000/", "http://localhost:3000"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_public_addresses(given: str, meant: str) -> None:
    assert load_settings(GOOD | {"LAMPLIGHTER_PUBLIC_URL": given}).public_url == meant


@pytest.mark.parametrize(
    "given",
    [
        "http://bot.example.com",
        "http://localhost.example.com",
        "https://bot.example.com/path",
        "https://bot.example.com?x=1",
        "https://bot.example.com#",
        "https://u:p@bot.example.com",
        "https://",
        "bot.example.com",
        "https://a:99999",
        "https://a b",
    ],
)
def test_other_public_addresses_are_refused(given: str) -> None:
    assert set(problems(GOOD | {"LAMPLIGHTER_PUBLIC_URL": given})) == {"LAMPLIGHTER_PUBLIC_URL"}


@pytest.mark.parametrize(
    "public", ["http://localhost:3000", "https://localhost", "https://127.0.0.1:1", "http://[::1]"]
)
@pytest.mark.parametrize(
    "outbound", ["http://127.0.0.1:4000", "https://127.0.0.9:4000/", "http://[::1]:4000"]
)
def test_outbound_may_be_rewritten_on_one_machine(public: str, outbound: str) -> None:
    given = {"LAMPLIGHTER_PUBLIC_URL": public, "LAMPLIGHTER_OUTBOUND_URL": outbound}
    assert load_settings(GOOD | given).outbound_url == outbound.rstrip("/")


@pytest.mark.parametrize(
    "outbound",
    [
        "http://localhost:4000",
        "http://10.0.0.1:4000",
        "http://0.0.0.0:4000",
        "http://evil.example",
        "http://127.0.0.1.evil.example",
        "http://u@127.0.0.1:4000",
        "http://127.0.0.1:4000/path",
        "http://127.0.0.1:4000?x",
        "http://127.0.0.1:4000/#x",
        "ftp://127.0.0.1",
        "http://2130706433",
    ],
)
def test_other_outbound_addresses_are_refused(outbound: str) -> None:
    assert set(problems(LOCAL | {"LAMPLIGHTER_OUTBOUND_URL": outbound})) == {"LAMPLIGHTER_OUTBOUND_URL"}


def test_outbound_is_refused_while_the_public_address_is_not_local() -> None:
    assert set(problems(GOOD | {"LAMPLIGHTER_OUTBOUND_URL": "http://127.0.0.1:4000"})) == {
        "LAMPLIGHTER_OUTBOUND_URL"
    }


def test_the_clock_file_needs_the_outbound_address() -> None:
    clock = {"LAMPLIGHTER_CLOCK_FILE": "/tmp/offset"}
    assert set(problems(LOCAL | clock)) == {"LAMPLIGHTER_CLOCK_FILE"}
    both = load_settings(LOCAL | clock | {"LAMPLIGHTER_OUTBOUND_URL": "http://127.0.0.1:4000"})
    assert both.clock_file == Path("/tmp/offset")


def test_keys() -> None:
    keys = load_settings(
        GOOD | {"LAMPLIGHTER_ENCRYPTION_KEYS": f"{OTHER}, {KEY.rstrip('=')},"}
    ).encryption_keys
    assert [key.get_secret_value() for key in keys] == [OTHER, KEY.rstrip("=")]


@pytest.mark.parametrize(
    "keys", ["short", f"{KEY},short", f"{KEY},{KEY}", f"{KEY},{KEY.rstrip('=')}", ",", KEY + "!!"]
)
def test_other_keys_are_refused(keys: str) -> None:
    assert set(problems(GOOD | {"LAMPLIGHTER_ENCRYPTION_KEYS": keys})) == {"LAMPLIGHTER_ENCRYPTION_KEYS"}


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in GOOD.items() if name not in names}


def test_socket_mode_needs_no_signing_secret() -> None:
    settings = load_settings(without("SLACK_SIGNING_SECRET") | {"SLACK_APP_TOKEN": "xapp-1"})
    assert (settings.slack_mode, settings.socket_mode) == ("single", True)


def test_many_workspaces_install_by_themselves() -> None:
    oauth = {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "s", "SLACK_ALLOWED_TEAMS": "T0001, T0002"}
    settings = load_settings(without("SLACK_BOT_TOKEN") | oauth)
    assert (settings.slack_mode, settings.slack_allowed_teams) == ("many", frozenset({"T0001", "T0002"}))
    assert "contradicts" in problems(GOOD | oauth)["SLACK_BOT_TOKEN"]
    assert set(problems(without("SLACK_BOT_TOKEN") | {"SLACK_CLIENT_ID": "1.2"})) == {"SLACK_CLIENT_SECRET"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LAMPLIGHTER_PORT", "0"),
        ("LAMPLIGHTER_PORT", "65536"),
        ("LAMPLIGHTER_TICK_SECONDS", "0"),
        ("LAMPLIGHTER_LATE_MINUTES", "-1"),
        ("LAMPLIGHTER_HEARTBEAT_URL", "http://ping.example/x"),
        ("SLACK_OPERATIONS_CHANNEL", "#operations"),
        ("SLACK_ALLOWED_TEAMS", "agency"),
        ("SLACK_API_URL", "http://slack.example/api"),
        ("META_GRAPH_VERSION", "26"),
        ("LINKEDIN_VERSION", "2026-09"),
        ("X_REVIEWED", "perhaps"),
    ],
)
def test_wrong_values_are_told(name: str, value: str) -> None:
    assert set(problems(GOOD | {name: value})) == {name}


def test_apps() -> None:
    settings = load_settings(
        GOOD
        | {"TIKTOK_CLIENT_ID": "key", "TIKTOK_CLIENT_SECRET": "s", "TIKTOK_REVIEWED": "true"}
        | {"LINKEDIN_CLIENT_ID": "member", "LINKEDIN_CLIENT_SECRET": "s", "LINKEDIN_REVIEWED": "true"}
    )
    tiktok, pages = settings.app_for("tiktok"), settings.app_for("linkedin_pages")
    assert tiktok is not None and pages is not None
    assert (tiktok.client_id, tiktok.client_secret.get_secret_value(), tiktok.reviewed) == ("key", "s", True)
    assert (pages.client_id, pages.reviewed) == ("member", True)
    assert settings.app_for("x") is None


def test_linkedin_pages_are_off_until_the_one_app_is_reviewed() -> None:
    member = {"LINKEDIN_CLIENT_ID": "member", "LINKEDIN_CLIENT_SECRET": "s"}
    settings = load_settings(GOOD | member)
    assert settings.app_for("linkedin") is not None and settings.app_for("linkedin_pages") is None
    assert not settings.linkedin_is_shared


def test_instagram_behind_facebook_can_be_left_out() -> None:
    assert load_settings(GOOD).facebook_instagram
    assert not load_settings(GOOD | {"FACEBOOK_INSTAGRAM": "no"}).facebook_instagram


def test_linkedin_pages_may_have_an_app_of_their_own() -> None:
    member = {"LINKEDIN_CLIENT_ID": "member", "LINKEDIN_CLIENT_SECRET": "s"}
    own = {"LINKEDIN_PAGES_CLIENT_ID": "pages", "LINKEDIN_PAGES_CLIENT_SECRET": "p"}
    settings = load_settings(GOOD | member | own)
    pages = settings.app_for("linkedin_pages")
    assert pages is not None and pages.client_id == "pages"
    assert set(problems(GOOD | {"LINKEDIN_PAGES_CLIENT_SECRET": "p"})) == {"LINKEDIN_PAGES_CLIENT_ID"}


def test_every_name_says_how_to_get_it() -> None:
    assert all(how_to_get(name) for name in KNOWN_NAMES)
    assert how_to_get("TIKTOK_CLIENT_ID").endswith("of Tiktok")
    assert {f"LAMPLIGHTER_{field.upper()}" for field in Settings.model_fields} & KNOWN_NAMES


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://api.x.com/2/tweets?a=%20b", "http://127.0.0.1:9/api.x.com/2/tweets?a=%20b"),
        ("HTTPS://API.x.com", "http://127.0.0.1:9/api.x.com/"),
        ("https://a.example:8443?x=1#y", "http://127.0.0.1:9/a.example:8443/?x=1#y"),
        ("https://u:p@a.example//x", "http://127.0.0.1:9/a.example//x"),
        ("http://127.0.0.1:3000/x", "http://127.0.0.1:3000/x"),
        ("http://127.0.0.1:9/api.x.com/2", "http://127.0.0.1:9/api.x.com/2"),
    ],
)
def test_outbound_addresses(address: str, expected: str) -> None:
    assert Rewriter("http://127.0.0.1:9").url(address) == expected
    assert Rewriter().url(address) == address
    assert (Rewriter("http://127.0.0.1:9").is_on, Rewriter().is_on) == (True, False)


def test_an_address_without_a_host_is_refused() -> None:
    with pytest.raises(ValueError, match="host"):
        Rewriter("http://127.0.0.1:9").url("https:///x")
