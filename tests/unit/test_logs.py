from __future__ import annotations

import io
import json
import logging
import logging.config
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
import uvicorn.config
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from slack_bolt.logger import get_bolt_logger

from bot import logs
from bot.redaction import MASK, is_secret_name, mask

OPAQUE = "Zx81" * 12


@contextmanager
def configured(stream: io.StringIO) -> Iterator[None]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level, sys.excepthook)
    plain = structlog.get_config()
    logs.configure("INFO", stream=stream)
    try:
        yield
    finally:
        root.handlers[:], sys.excepthook = before[0], before[2]
        root.setLevel(before[1])
        structlog.configure(**plain)


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    with configured(stream):
        yield stream


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_is_one_json_line(out: io.StringIO) -> None:
    structlog.get_logger("house").info("refreshed", grant="g1", took=0.5, state="sending", ok=True, code=190)
    (line,) = lines(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "refreshed",
        "grant": "g1",
        "took": 0.5,
        "state": "sending",
        "ok": True,
        "code": 190,
        "level": "info",
        "logger": "house",
    }


@pytest.mark.parametrize(
    "text",
    [
        "xoxb-1-HUSH",
        "xoxe.xoxb-1-HUSH",
        "xapp-1-A-HUSH",
        "Authorization: Bearer HUSHHUSH",
        "authorization=Basic SFVTSA==HUSH",
        "EAAGHUSHHUSH",
        "IGAAHUSHHUSH",
        "THAAHUSHHUSH",
        "act.HUSH!1234",
        "rft.HUSH*1234",
        "ya29.HUSH-x",
        "GOCSPX-HUSH",
        "pina_HUSHHUSH",
        "eyJhbGciOi.eyJzdWIiHUSH.HUSH",
        "GET https://a.example/cb?code=HUSH&state=HUSH",
        "https://a.example/cb?state=HUSH#x",
        "code=HUSH&grant_type=authorization_code",
        "https://a.example/x?next=https%3A%2F%2Fb%2Fcb%3Fcode%3DHUSH%26state%3DHUSH",
        "grant_type=refresh_token&refresh_token=HUSH&client_secret=HUSH",
        '{"access_token": "HUSH", "refresh_token":"HUSH"}',
        '"{\\"access_token\\": \\"HUSH\\"}"',
        "{'code_verifier': 'HUSH'}",
        "Cookie: a=HUSH; b=HUSH",
        "/connect/HUSH-1_x opened",
        "https://bot.example/media/HUSH.sig.HUSH?x=1",
        "/deletion/HUSH12",
        "https://hooks.slack.com/actions/T1/2/HUSH",
        "postgresql+asyncpg://bot:HUSH@db/lamplighter",
        "https://a.example/p?appsecret_proof=HUSH&fields=id",
        f"key {OPAQUE}HUSH",
    ],
)
def test_known_shapes_are_masked(text: str) -> None:
    assert "HUSH" not in mask(text)
    assert MASK in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "refreshed grant 01J9ZK3T for client-a",
        "/connect instagram client-a",
        "delivery moved to state=sending",
        "error code=190 of Graph",
        "2026-11-20T23:37:00+00:00",
        "3f0c9b2e-7d4f-4d6c-8a39-2f0a8a5c1e77",
        "GET /oauth/{platform}/callback 303",
        "d2a84f4b8b650937ec8f73cd8be2c74add5a911ba64df27458ed8229da804a26",
        "https://api.x.com/2/users/me?user.fields=id,name",
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert mask(text) == text


def test_masking_long_texts_is_quick_and_bounded() -> None:
    for text in ("a_" * 200_000, "?code" * 100_000, "://" * 100_000, "Aa1-" * 100_000, "bearer " * 50_000):
        assert len(mask(text)) < 20_000


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("accessToken", "x", True),
        ("CLIENT_SECRET", "x", True),
        ("Authorization", "x", True),
        ("code_verifier", "x", True),
        ("encryption_keys", "x", True),
        ("code", "AQDx", True),
        ("code", "190", False),
        ("code", "invalid_grant", False),
        ("token_expires_at", "x", False),
        ("token_host", "x", False),
        ("key", "x", False),
        ("author", "x", False),
    ],
)
def test_names(name: str, value: str, secret: bool) -> None:
    assert is_secret_name(name, value) is secret


class Talkative:
    def __repr__(self) -> str:
        return "Talkative(access_token='HUSH')"


@pytest.mark.parametrize(
    "smuggled",
    [
        {"access_token": "HUSH"},
        {"deep": [{"er": ({"refresh_token": "HUSH"},)}]},
        {"headers": {"Authorization": "HUSH"}},
        {"token": ["HUSH", {"x": "HUSH"}]},
        {"body": b"HUSH"},
        {"reply": Talkative()},
        {"error": ValueError("token=HUSH")},
        {"setting": SecretStr("HUSH")},
        {"url": "https://a.example/?code=HUSH"},
        {"xoxb-1-HUSH": 1},
        {"pin": {"password": 987654321987, "secret": "HUSH"}},
        {"nested": {"?code=HUSH": {}}},
    ],
)
def test_nothing_is_smuggled_in_values(out: io.StringIO, smuggled: dict[str, Any]) -> None:
    structlog.get_logger().warning("said", **smuggled)
    assert "HUSH" not in out.getvalue()
    assert "987654321987" not in out.getvalue()
    assert lines(out)[0]["event"] == "said"


def test_recursive_values_end(out: io.StringIO) -> None:
    round_: dict[str, Any] = {}
    round_["again"] = round_
    structlog.get_logger().info("said", value=round_)
    assert len(lines(out)) == 1


def failing(password: str) -> None:
    try:
        raise LookupError(f"refresh_token={password}")
    except LookupError as cause:
        wrapped = RuntimeError("POST https://a.example/?client_secret=HUSH")
        wrapped.add_note("Bearer HUSHHUSH")
        raise wrapped from cause


@pytest.mark.parametrize("stdlib", [False, True])
def test_exceptions_are_type_text_and_frames(out: io.StringIO, stdlib: bool) -> None:
    logger: Any = logging.getLogger("lib") if stdlib else structlog.get_logger("lib")
    try:
        failing("HUSH")
    except RuntimeError:
        logger.exception("failed")
    (line,) = lines(out)
    assert "HUSH" not in out.getvalue()
    assert [one["type"] for one in line["exc"]] == ["RuntimeError", "LookupError"]
    assert line["exc"][0]["text"].startswith("POST https://a.example/?client_secret=***")
    assert line["exc"][0]["frames"][-1].endswith(" failing")


def test_groups_name_their_members(out: io.StringIO) -> None:
    group = ExceptionGroup("many", [ValueError("token=HUSH"), KeyError("x")])
    structlog.get_logger().error("failed", exc_info=group)
    assert [one["type"] for one in lines(out)[0]["exc"]] == ["ExceptionGroup", "ValueError", "KeyError"]
    assert "HUSH" not in out.getvalue()


def test_other_libraries_are_redacted_too(out: io.StringIO) -> None:
    logging.getLogger("some.library").info("posted %s to %s", {"token": "HUSH"}, "https://a/?code=HUSH")
    (line,) = lines(out)
    assert (line["logger"], line["level"]) == ("some.library", "info")
    assert "HUSH" not in line["event"]


@pytest.mark.parametrize(
    "name",
    ["httpx", "httpcore.http11", "uvicorn.access", "slack_bolt.AsyncApp", "slack_sdk.web", "aiohttp.access"],
)
def test_request_logs_are_off(out: io.StringIO, name: str) -> None:
    logging.getLogger(name).info("HTTP Request: GET https://a.example/")
    assert out.getvalue() == ""
    logging.getLogger(name).warning("trouble")
    assert lines(out)[0]["event"] == "trouble"


def test_bolts_own_loggers_are_quiet_whatever_level_it_gives_them(out: io.StringIO) -> None:
    logger = get_bolt_logger(AsyncApp)
    logger.info("a request with its body")
    assert logger.level == logging.INFO  # bolt copies the root's
    assert out.getvalue() == ""


@pytest.mark.parametrize("name", ["uvicorn", "uvicorn.access", "uvicorn.error"])
def test_a_server_that_was_set_up_before_is_heard_here_alone(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.config.dictConfig(uvicorn.config.LOGGING_CONFIG)
    stream = io.StringIO()
    with configured(stream):
        logging.getLogger(name).warning("trouble")
    assert [line["event"] for line in lines(stream)] == ["trouble"]
    shown = capsys.readouterr()
    assert shown.out + shown.err == ""


def test_a_line_that_cannot_be_written_shows_no_arguments(
    out: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO", stream=out)
    logging.getLogger("lib").info("%d", "HUSH")
    assert lines(out) == [{"event": "a log line could not be written", "logger": "lib", "level": "error"}]
    assert "HUSH" not in capsys.readouterr().err


def test_uncaught_exceptions_are_redacted(out: io.StringIO) -> None:
    error = RuntimeError("client_secret=HUSH")
    sys.excepthook(RuntimeError, error, None)
    assert lines(out)[0]["exc"][0]["text"] == "client_secret=***"


def test_the_last_configuration_counts(out: io.StringIO) -> None:
    other = io.StringIO()
    logs.configure("ERROR", stream=other)
    structlog.get_logger().info("quiet")
    structlog.get_logger().error("loud")
    assert out.getvalue() == ""
    assert [line["event"] for line in lines(other)] == ["loud"]


def test_a_terminal_gets_lines_for_people(out: io.StringIO) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    logs.configure("INFO", stream=terminal)
    structlog.get_logger().info("hello", token="HUSH")
    assert "hello" in terminal.getvalue()
    assert "HUSH" not in terminal.getvalue()
    with pytest.raises(json.JSONDecodeError):
        json.loads(terminal.getvalue())
