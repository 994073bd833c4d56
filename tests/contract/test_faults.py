"""Each fault switch of the sandbox, on each platform: what becomes of it, and what people are told.

A switch is met by the upkeep (renewing, then a live check) or by a post. What comes of it is written as in
the alerts: *login* (the grant is over), *login ends* (it works until its token ends), *account* (that account
alone), *app* (the operator's), *post* (its own message), or *silence*: nobody is asked for anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.domain import probing
from bot.domain.pictures.parts import platform_words
from bot.jobs import sweep
from bot.messages.people import PlatformWords
from bot.renderers import build_renderers
from sandbox.platforms.faults import KINDS
from sandbox.platforms.testing import Twins
from storage import watching
from storage.models import Connection, Delivery, Incident, Notice
from tests.contract import posts
from tests.contract.conftest import Stage
from tests.contract.posts import Kind
from tests.contract.test_lives import to_the_next_moment
from tests.support import grant_of

STEPS_MOST = 30
META = "facebook instagram@facebook instagram threads"
LINKEDIN = "linkedin linkedin_pages"
ALL = f"{META} x tiktok youtube {LINKEDIN} pinterest"
Table = Mapping[str, Mapping[str, str]]

UPKEEP: Table = {
    "expired": {
        "login expired": f"instagram threads {LINKEDIN}",
        "silence": "facebook x tiktok youtube pinterest",  # renewed, or a Page's own token that has no end
    },
    "revoked": {
        "login revoked": f"{META} {LINKEDIN}",
        "login refused": "x tiktok youtube pinterest",  # they do not say why
    },
    "password_changed": {
        "login password_changed": META,
        "login revoked": LINKEDIN,
        "login refused": "x tiktok youtube pinterest",
    },
    "refresh_dead": {
        "login ends refused": "x tiktok pinterest",
        "login refused": "youtube",
        "silence": f"facebook instagram threads {LINKEDIN}",  # it lives for weeks; tried again every day
    },
    "checkpoint": {
        "login checkpoint": META,
        "login expired": "youtube",  # Workspace's session control: sign in again
        "account restricted": "x pinterest",
    },
    "suspended": {
        "account restricted": f"instagram threads {LINKEDIN}",
        "account suspended": "x youtube pinterest",
    },
    "scope_removed": {"account permission_missing": f"facebook {LINKEDIN}"},
    "role_lost": {"account role_lost": "facebook instagram@facebook youtube linkedin_pages"},
    "account_gone": {"account account_gone": "youtube"},
    "data_access_expired": {"login expired": "facebook instagram@facebook"},
    "app_suspended": {
        "app app_suspended": f"{META} youtube {LINKEDIN} pinterest",
        "app app_settings": "x",
        "app app_secret": "tiktok",
    },
    "secret_wrong": {"app app_secret": "facebook instagram@facebook x tiktok youtube pinterest"},
    "credits_depleted": {"app credits": "x"},
    "quota_exhausted": {"app app_quota": "youtube"},
    "rate_limited": {"silence": ALL},
    "unavailable": {"silence": ALL},
    "html_error": {"silence": ALL},
    "lost_before": {"silence": ALL},
    "lost_after": {"silence": ALL},
}
POSTS: Table = {
    "scope_removed": {
        "account permission_missing": f"{META} tiktok youtube linkedin",
        "account role_lost": "linkedin_pages",  # LinkedIn denies both alike
        "post refused": "x",  # one sentence for everything
    },
    "suspended": {
        "account spam": "facebook instagram@facebook",
        "account restricted": f"instagram threads tiktok {LINKEDIN}",
        "account suspended": "x youtube pinterest",
    },
    "checkpoint": {"login checkpoint": META, "account restricted": "x pinterest", "login expired": "youtube"},
    "role_lost": {"account role_lost": "facebook instagram@facebook youtube linkedin_pages"},
    "spam_block": {
        "account spam": META,
        "post refused": "x",
        "account role_lost": "pinterest",  # one refusal for every board that is not to be posted to
    },
    "policy_block": {"account spam": "facebook threads"},
    "user_must_act": {"account security_hold": "facebook", "account restricted": "threads"},
    "app_suspended": {
        "app app_suspended": f"facebook instagram threads youtube {LINKEDIN} pinterest",
        "app app_settings": "x",
    },
    "credits_depleted": {"app credits": "x"},
    "quota_exhausted": {"app app_quota": "tiktok youtube"},
    "unreviewed": {"app app_not_reviewed": "tiktok pinterest"},
    "url_unverified": {"app app_settings": "tiktok"},
    "duplicate": {
        "asked": "facebook x",
        "post duplicate": "instagram instagram@facebook threads",  # the container says that ours is not out
    },
    "media_unfetchable": {"post media_unreachable": "instagram tiktok threads"},
    "container_error": {"post media_format": f"facebook tiktok youtube {LINKEDIN} pinterest"},
    "container_slow": {"silence": f"facebook tiktok youtube {LINKEDIN} pinterest"},
}
MEDIA_OF = {  # what is posted where a word alone meets no such fault
    "media_unfetchable": {"tiktok": "photos", "threads": "video"},
    "container_error": {
        "facebook": "reel",
        "linkedin": "video",
        "linkedin_pages": "image",
        "pinterest": "video",
    },
    "container_slow": {
        "facebook": "reel",
        "linkedin": "video",
        "linkedin_pages": "image",
        "pinterest": "video",
    },
}

WORDS: Mapping[str, tuple[str, ...]] = {
    "login expired": ("The permission that {login} gave us has run out.", "press *Reconnect* and sign in"),
    "login revoked": ("Somebody removed our access at {login}.", "|your apps at {login}>"),
    "login refused": ("{login} has ended our access and does not say why.",),
    "login ends refused": ("needs a new sign-in", "It still works until"),
    "login password_changed": ("The password at {login} was changed",),
    "login checkpoint": ("{login} wants somebody to log in there", "then press *Reconnect*"),
    "account restricted": ("Log in at {title}", "press *Check now*"),
    "account suspended": ("{title} has suspended", "press *Check now*"),
    "account permission_missing": ("A permission that we need at {login} is missing (posting)", "ticked"),
    "account role_lost": ("may no longer post for it", "let somebody who has it sign in"),
    "account account_gone": ("does not exist any more",),
    "account security_hold": ("{title} asks for a security check",),
    "account spam": ("{title} blocks posting from this", "Post less, or less alike"),
    "app app_secret": ("{login} does not accept our client id or secret.", "_CLIENT_SECRET`"),
    "app app_suspended": ("{login} has suspended or restricted our developer app.",),
    "app app_settings": ("A setting of our developer app at {login} is wrong or missing.",),
    "app app_not_reviewed": ("{login} allows this only to reviewed apps.",),
    "app credits": ("Our credits at {login} are used up",),
    "app app_quota": ("The quota of our developer app at {login} is used up.",),
    "post refused": ("{title} refused it and does not say why.",),
    "post media_unreachable": ("{title} could not fetch the picture or film.",),
    "post media_format": ("{title} cannot use this kind of file.",),
    "post duplicate": ("{title} refuses it as a copy of something that is there already.",),
    "asked": ("*It is live*",),
}
"""What is said of each outcome: to the team, or of our app to the operator."""


@dataclass(frozen=True)
class Row:
    act: str
    fault: str
    outcome: str
    case: str
    first: bool  # of its outcome: tried at every run of the tests, the others at long ones

    def __str__(self) -> str:
        return f"{self.act}-{self.fault}-{self.case}"


def rows() -> list[Row]:
    found, seen = [], set()
    for act, table in (("upkeep", UPKEEP), ("post", POSTS)):
        for fault, outcomes in table.items():
            for outcome, cases in outcomes.items():
                for case in cases.split():
                    found.append(Row(act, fault, outcome, case, (act, outcome) not in seen))
                    seen.add((act, outcome))
    return found


@dataclass
class Seen:
    """What became of a fault: outcomes as the table names them, and every message by audience."""

    outcomes: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)


async def upkeep(stage: Stage, connection: Connection) -> None:
    """What the engine does of itself: renews at the due moment, then looks."""
    await to_the_next_moment(stage, connection)
    async with stage.house.db.read() as session:
        found = await watching.load(session, connection.id)
    if found is not None and found.grant.state == "live":
        await probing.check(stage.house, found)
    grant = await grant_of(stage.house, connection)
    due = grant.next_due_at if grant.state == "ending" else None
    if due is not None and due <= stage.house.clock.now():
        await to_the_next_moment(stage, connection)


async def post(stage: Stage, connection: Connection, kind: Kind) -> None:
    delivery_id = await posts.queued(stage, connection, kind.make(stage.twins, "Fresh bread"))
    for _ in range(STEPS_MOST):
        delivery = await posts.the(stage.house, delivery_id)
        if delivery.next_at is None or delivery.state == "blocked":
            return
        if delivery.lease_owner is not None or delivery.sending_over_at is not None:
            await posts.pass_the_lease_clock(stage.house)
        wait = (delivery.next_at - stage.house.clock.now()).total_seconds()
        stage.twins.advance(seconds=max(wait, 0) + 0.01)
        await sweep.publish_due(stage.house)


async def seen(stage: Stage) -> Seen:
    async with stage.house.db.read() as session:
        incidents = (await session.scalars(select(Incident))).all()
        deliveries = (await session.scalars(select(Delivery))).all()
        notices = (await session.scalars(select(Notice).where(Notice.topic != "invitation"))).all()
    found = Seen()
    for one in incidents:
        kind = {"grant": "login", "connection": "account"}.get(one.kind, one.kind)
        if kind != "platform":  # nobody answers: the operator's, and nothing is asked of anybody
            found.outcomes.append(f"{kind}{' ends' if one.severity == 'warning' else ''} {one.reason}")
    if not found.outcomes:
        found.outcomes += [f"post {one.reason}" for one in deliveries if one.state == "failed"]
        found.outcomes += ["asked" for one in deliveries if one.state == "unconfirmed"]
    for notice in notices:
        message = await build_renderers(stage.house)[notice.topic](notice)
        if message is not None:
            found.told.append((notice.audience, message.text))
    return found


def test_every_switch_is_in_the_table() -> None:
    publishing = {
        "daily_cap",
        "upload_expired",
        "chunk_cut",
        "id_late",
        "write_conflict",
        "late_success",
        "slow",
    }
    elsewhere = {
        "false_revoked",
        "logged_out",
        "account_unlinked",
    }  # of one twin: tests/sandbox, tests/platforms
    assert set(KINDS) - set(UPKEEP) - set(POSTS) == publishing | elsewhere


@pytest.mark.parametrize("row", rows(), ids=str)
async def test_a_fault_is_told_for_what_it_is(
    row: Row, twins: Twins, migrated_sqlite: Path, tmp_path: Path, long_run: bool
) -> None:
    if not (row.first or long_run):
        pytest.skip("another platform shows the same; all are run with --long")
    kind = kind_of(row)
    async with posts.stage_for(row.case, twins, migrated_sqlite, tmp_path) as stage:
        connection = await stage.linked()
        twins.advance(hours=1)
        twins.world.set_fault(row.fault, stage.twin, stage.case.mine)
        await (upkeep(stage, connection) if row.act == "upkeep" else post(stage, connection, kind))
        found = await seen(stage)
        words = platform_words(stage.house, row.case.partition("@")[0], stage.info.provider)
        check(row, found, words)


def check(row: Row, found: Seen, words: PlatformWords) -> None:
    assert found.outcomes == ([] if row.outcome == "silence" else [row.outcome]), found.told
    ours = [text for audience, text in found.told if audience == "team"]
    if row.outcome == "silence":
        assert not [text for text in ours if "⛔" in text or "⚠️" in text]
        return
    audience = "operations" if row.outcome.startswith("app ") else "team"
    said = "\n".join(text for who, text in found.told if who == audience)
    for phrase in WORDS[row.outcome]:
        assert phrase.format(title=words.site, login=words.door) in said, said
    if audience == "operations":
        blamed = [text for text in ours if "is disconnected" in text or "cannot post" in text]
        assert not blamed


def kind_of(row: Row) -> Kind:
    kinds = [kind for kind in posts.KINDS if kind.word == row.case]
    wanted = MEDIA_OF.get(row.fault, {}).get(row.case)
    return next(kind for kind in kinds if wanted in (None, kind.name))
