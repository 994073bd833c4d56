"""Web pages: the invitation, the question, how it ended, installing, and every page of words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from bot.domain import consenting
from bot.domain.consents import Question, Result
from bot.domain.walk import (
    AccountView,
    ConsentView,
    InvitationView,
    Line,
    Parties,
    PlatformView,
    Standing,
)
from bot.outbound import Rewriter
from bot.platforms.base import Scope
from bot.platforms.errors import Reason
from bot.web import install_words, webhooks, words
from bot.web.pages import Pages
from bot.web.words import Words
from tests.gallery.case import Case, Page, case, ugly
from tests.gallery.facts import HEBREW, SIZES, accounts
from tests.gallery.facts import NAMES as PEOPLES
from tests.messages.message_facts import UGLY

PAGES = Pages(Rewriter(None))
SCOPES = (
    Scope("instagram_business_basic", "see the account's name and picture"),
    Scope("instagram_business_content_publish", "posting"),
    Scope("instagram_business_manage_insights", "numbers of posts", required=False),
)
INSTAGRAM = PlatformView(
    "instagram",
    "Instagram",
    "account",
    SCOPES,
    "https://www.instagram.com/accounts/manage_access/",
    None,
    "Instagram",
)
PAGE_OF = PlatformView(
    "linkedin_pages",
    "LinkedIn Page",
    "Page",
    SCOPES,
    "https://www.linkedin.com/psettings/permitted-services",
    "Until LinkedIn has reviewed our app, only its own developers can connect Pages.",
    "LinkedIn",
)
ACME = Parties("Wonder Agency", "Acme Shoes")
NEXT = Line("YouTube", "https://bot.test/connect/next")
FACE = AccountView("1", "@acme", "Acme Shoes", None)


def render(template: str, **values: Any) -> Page:
    """A page as its handler renders it."""
    return Page(template, bytes(PAGES.render(template, **values).body).decode())


def _said(said: Words, **values: object) -> Page:
    plain: dict[str, object] = {"words": said, "link": None, "refresh": None}
    return render("message.html", **(plain | values))


def _invited(**values: object) -> Page:
    plain = InvitationView(Standing.USABLE, ACME, INSTAGRAM, None, False, ())
    view = replace(plain, **values)  # type: ignore[arg-type]
    if view.standing is Standing.USABLE:
        return render("connect.html", view=view, action="/connect/t", form_token="t")
    return render("gone.html", view=view, words=words.gone(view), action="/connect/t/fresh", form_token="t")


def _walk(**values: object) -> ConsentView:
    plain = ConsentView(
        "done", Result.LINKED, None, ACME, INSTAGRAM, False, (FACE,), None, (), (), None, None, None
    )
    return replace(plain, **values)  # type: ignore[arg-type]


def _ended(**values: object) -> Page:
    view = _walk(**values)
    said = words.working(view) if view.result is None else words.ended(view)
    refresh = 2 if view.state == "exchanging" else None
    page = view.platform.permission_page
    return render("result.html", view=view, words=said, refresh=refresh, permission_page=page)


def _failed(result: Result, **values: object) -> Page:
    plain: dict[str, object] = {
        "state": "failed",
        "result": result,
        "accounts": (),
        "again_link": None if result is Result.USED else "/connect/t",
    }
    return _ended(**(plain | values))


def _asked(question: Question, nothing_picked: bool = False, **values: object) -> Page:
    plain: dict[str, object] = {
        "question": question,
        "state": "choosing",
        "result": None,
        "found": ("@acme",),
    }
    view = _walk(**(plain | values))
    return render(
        "question.html",
        view=view,
        action="/consent/1",
        form_token="t",
        nothing_picked=nothing_picked,
        why_not=words.why_not,
    )


def _found(number: int) -> tuple[AccountView, ...]:
    found = [AccountView(str(at), one.label, one.name, None) for at, one in enumerate(accounts(number))]
    found[1::3] = [replace(one, elsewhere=True) for one in found[1::3]]
    found[2::3] = [replace(one, usable=False, problem=Reason.ACCOUNT_TYPE) for one in found[2::3]]
    return tuple(found)


NAMES = (*PEOPLES.items(), ("at its worst", UGLY))

WALK = [
    case("page/connect", _invited),
    case("page/connect: expected, more to do", _invited, expected="@acme", others=(NEXT,)),
    case("page/connect: again", _invited, expected="@acme", is_relink=True),
    case("page/connect: not reviewed", _invited, platform=PAGE_OF, parties=Parties("", "Acme Shoes")),
    *[
        ugly(f"page/connect: {what}", _invited, expected=f"@{name}", parties=Parties(name, name))
        for what, name in NAMES
    ],
    *[
        case(f"page/gone: {standing}", _invited, standing=standing, others=(NEXT,))
        for standing in Standing
        if standing is not Standing.USABLE
    ],
    case("page/linked", _ended),
    case(
        "page/linked: several, one more to do",
        _ended,
        accounts=(FACE, replace(FACE, label="Acme", at="Facebook")),
        next_line=NEXT,
    ),
    case("page/linked: a permission less", _ended, missing=SCOPES[2:]),
    case("page/linked again", _ended, result=Result.RELINKED),
    case("page/handed over", _ended, result=Result.HANDED_OVER, platform=PAGE_OF),
    *[case(f"page/linked: {size} accounts", _ended, accounts=_found(size)) for size in SIZES[2:]],
    *[
        ugly(
            f"page/linked: {what}",
            _ended,
            accounts=(AccountView("1", f"@{name}", HEBREW, None),),
            parties=Parties(name, name),
        )
        for what, name in NAMES
    ],
    case("page/not finished", _ended, state="started", result=None, accounts=()),
    case("page/one moment", _ended, state="exchanging", result=None, accounts=()),
    *[case(f"page/failed: {result}", _failed, result) for result in words.ENDINGS],
    case("page/failed: a permission is missing", _failed, Result.MISSING_SCOPES, missing=SCOPES[1:]),
    *[
        case(f"page/failed: no account, {reason}", _failed, Result.NO_ACCOUNT, reason=reason)
        for reason in (None, *words.REASONS)
    ],
    case(
        "page/question: other account",
        _asked,
        Question.OTHER_ACCOUNT,
        expected="@acme",
        found=("@somebody",),
        accounts=(),
    ),
    case("page/question: unexpected", _asked, Question.UNEXPECTED, expected="@brand"),
    case("page/question: elsewhere", _asked, Question.ELSEWHERE, accounts=(replace(FACE, elsewhere=True),)),
    case("page/question: confirm", _asked, Question.CONFIRM),
    case(
        "page/question: pick",
        _asked,
        Question.PICK,
        accounts=(replace(_found(1)[0], expected=True), *_found(6)[1:]),
    ),
    case("page/question: nothing picked", _asked, Question.PICK, True, accounts=_found(3)),
    *[
        case(f"page/question: {size} accounts", _asked, Question.PICK, accounts=_found(size))
        for size in SIZES[2:]
    ],
    *[
        ugly(
            f"page/question: {what}",
            _asked,
            Question.CONFIRM,
            found=(f"@{name}",),
            accounts=(AccountView("1", f"@{name}", HEBREW, None),),
            parties=Parties(name, name),
        )
        for what, name in NAMES
    ],
    case("page/install", render, "install.html", action="/slack/install", form_token="t", is_closed=False),
    case(
        "page/install: closed",
        render,
        "install.html",
        action="/slack/install",
        form_token="t",
        is_closed=True,
    ),
]


def _every_words(module: ModuleType) -> Iterator[tuple[str, Words]]:
    """Whatever a module says: each constant, and each entry of its tables; but for what stands on pages of
    its own, above."""
    drawn = (words.ENDINGS, words.GONE)
    for name, value in vars(module).items():
        if isinstance(value, Words):
            yield name, value
        elif isinstance(value, Mapping) and name.isupper() and value not in drawn:
            yield from ((f"{name} {key}", said) for key, said in value.items() if isinstance(said, Words))


def _way_back(module: ModuleType, said: Words) -> str | None:
    """Where the button of a page of words leads, as its handler has it."""
    if module is install_words and said.tone != "good" and said is not install_words.WORKING:
        return "/slack/install"
    return "/connect/t" if said is words.STALE_PAGE else None


def _filled(said: Words) -> Words:
    names = {"title": "Instagram", "door": "Instagram", "noun": "account", "team": "Wonder Agency"}
    lines = tuple(one.format_map(names) for one in said.lines)
    return Words(said.title.format_map(names), lines, said.tone)


SAID = [
    case(
        f"page/words: {page.__name__.rpartition('.')[2]} {name}",
        _said,
        _filled(said),
        link=_way_back(page, said),
    )
    for page in (words, install_words, webhooks)
    for name, said in _every_words(page)
]
REFUSED = [
    case(f"page/refused: {why}", _said, words.refused(why, text)) for why, text in consenting.REFUSALS.items()
]

CASES: list[Case] = [*WALK, *SAID, *REFUSED]
