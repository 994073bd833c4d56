"""Logs: one line an event on standard error, redacted by construction.

Every line, ours and other libraries', passes `redact` as the last step before it becomes text: values
whose name says that they are secret are dropped, and in every other text the known shapes of tokens,
codes and capability links are masked. There is no list of live secrets to keep in step.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date, time, timedelta
from enum import Enum
from pathlib import PurePath
from types import TracebackType
from typing import TextIO
from uuid import UUID

import structlog
from structlog.typing import EventDict, Processor

from bot.redaction import MASK, is_secret_name, mask

__all__ = ["configure", "redact"]

# They print addresses with codes and tokens, or whole bodies.
_QUIET = (
    "aiohttp.access",
    "apscheduler",
    "asyncio",
    "httpcore",
    "httpx",
    "slack_bolt",
    "slack_sdk",
    "uvicorn.access",
)
_QUIET_PREFIXES = tuple(f"{name}." for name in _QUIET)
_SERVER = ("uvicorn", "uvicorn.access", "uvicorn.asgi", "uvicorn.error")
_PLAIN = (date, time, timedelta, Enum, PurePath, UUID)
_MAX_DEPTH = 8
_MAX_FRAMES = 30


class _Handler(logging.StreamHandler[TextIO]):
    """Says which logger's line could not be written; the standard one would print its arguments."""

    def handleError(self, record: logging.LogRecord) -> None:
        """One line in place of the one that failed."""
        with suppress(OSError, ValueError):
            line = {"event": "a log line could not be written", "logger": record.name, "level": "error"}
            self.stream.write(f"{json.dumps(line)}\n")


def configure(level: str = "INFO", *, stream: TextIO | None = None) -> None:
    """Send all logging to `stream` (standard error), as JSON or, on a terminal, for people.

    May be called again; the last call counts. Uncaught exceptions are logged in the same way.
    """
    out = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(_handler(out, shared))
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in _SERVER:
        # The server's own set-up writes elsewhere and passes nothing up: its troubles are ours to see, once.
        server = logging.getLogger(name)
        server.handlers.clear()
        server.propagate = True
    sys.excepthook = _log_uncaught


def _handler(out: TextIO, shared: list[Processor]) -> _Handler:
    handler = _Handler(out)
    handler.addFilter(_is_wanted)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, _renderer(out)],
        )
    )
    return handler


def _is_wanted(record: logging.LogRecord) -> bool:
    """False for the chatter of quiet loggers: bolt gives loggers below its own the root's level."""
    quiet = record.levelno < logging.WARNING and f"{record.name}.".startswith(_QUIET_PREFIXES)
    return not quiet


def redact(_: object, __: str, event: EventDict) -> EventDict:
    """The processor: exceptions become type, masked text and frames; everything else is cleaned."""
    raised = event.pop("exc_info", None)
    stack = event.pop("stack_info", None)
    clean: EventDict = {mask(str(key)): _cleaned(str(key), value, 0) for key, value in event.items()}
    error = _exception_of(raised)
    if error is not None:
        clean["exc"] = list(_chain(error))
    if stack:
        clean["stack"] = mask(str(stack))
    return clean


def _cleaned(name: str, value: object, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    if is_secret_name(name, value):
        return MASK
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {mask(str(value))}"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if depth >= _MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {mask(str(key)): _cleaned(str(key), inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned("", inner, depth + 1) for inner in value]
    return mask(str(value) if isinstance(value, _PLAIN) else repr(value))


def _exception_of(raised: object) -> BaseException | None:
    if isinstance(raised, BaseException):
        return raised
    if isinstance(raised, tuple) and len(raised) == 3:
        return raised[1] if isinstance(raised[1], BaseException) else None
    return sys.exc_info()[1] if raised else None


def _chain(error: BaseException) -> Iterator[dict[str, object]]:
    """The error, then what it came from, then the members of a group; each once."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield {"type": type(one).__name__, "text": mask(_text_of(one)), "frames": _frames(one.__traceback__)}
        before = one.__cause__ if one.__suppress_context__ else (one.__cause__ or one.__context__)
        waiting.extend([before] if before is not None else [])
        waiting.extend(one.exceptions if isinstance(one, BaseExceptionGroup) else ())


def _text_of(error: BaseException) -> str:
    notes = getattr(error, "__notes__", ())
    return "\n".join([str(error), *(str(note) for note in notes)])


def _frames(trace: TracebackType | None) -> list[str]:
    """Where it happened, innermost last, without source lines or the values of variables."""
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(trace)][-_MAX_FRAMES:]
    return [f"{code.co_filename}:{line} {code.co_qualname}" for code, line in frames]


def _renderer(out: TextIO) -> Processor:
    if not out.isatty():
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer()


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    structlog.get_logger("lamplighter").critical("uncaught exception", exc_info=error)
