"""The six ways a refresh can end, judged from what the platform's file raised."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.http import HttpError, NotSent
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict


class Outcome(StrEnum):
    REFRESHED = "refreshed"
    TRY_LATER = "try_later"  # it did not reach the platform, or the platform said "not now"
    UNCLEAR = "unclear"  # it may have reached the platform, and no readable answer came
    DEAD = "dead"  # definitively refused
    APP = "app"  # our app is at fault
    UNKNOWN = "unknown"  # readable, but in no table


@dataclass(frozen=True, slots=True)
class Judgement:
    """An outcome with its reason. `code` is safe to log; `retry_after` is in seconds."""

    outcome: Outcome
    reason: Reason
    code: str = ""
    retry_after: float | None = None
    permission: str | None = None


OUTCOME_OF_KIND = {
    Kind.TRY_LATER: Outcome.TRY_LATER,
    Kind.NOT_READY: Outcome.TRY_LATER,
    Kind.UNCLEAR: Outcome.UNCLEAR,
    Kind.TOKEN: Outcome.DEAD,
    Kind.DEAD: Outcome.DEAD,
    Kind.PERMISSION: Outcome.DEAD,
    Kind.ACCOUNT: Outcome.DEAD,
    Kind.APP: Outcome.APP,
    Kind.CONTENT: Outcome.UNKNOWN,
    Kind.DUPLICATE: Outcome.UNKNOWN,
    Kind.UNKNOWN: Outcome.UNKNOWN,
}


def judge(error: PlatformError | HttpError) -> Judgement:
    """What an error on the way to, or from, a platform means for the grant."""
    if isinstance(error, NotSent):
        return Judgement(Outcome.TRY_LATER, Reason.PLATFORM_DOWN, type(error).__name__)
    if isinstance(error, HttpError):
        return Judgement(Outcome.UNCLEAR, Reason.PLATFORM_DOWN, type(error).__name__)
    return judge_verdict(error.verdict)


def judge_verdict(verdict: Verdict) -> Judgement:
    return Judgement(
        OUTCOME_OF_KIND[verdict.kind], verdict.reason, verdict.code, verdict.retry_after, verdict.permission
    )


def is_silence(error: PlatformError | HttpError) -> bool:
    """Whether an error is no readable answer: it counts towards an outage of the platform."""
    if isinstance(error, HttpError):
        return True
    down = error.verdict.kind is Kind.TRY_LATER and error.verdict.reason is Reason.PLATFORM_DOWN
    return error.verdict.kind is Kind.UNCLEAR or (down and error.verdict.retry_after is None)
