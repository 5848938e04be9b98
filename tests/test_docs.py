"""The documents say what the code says.

python -m tests.test_docs        writes docs/problems.md anew
"""

import ast
import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import backend
from backend.errors import Problem

ROOT = Path(__file__).resolve().parents[1]
PROBLEMS = ROOT / "docs" / "problems.md"
SKIPPED = {"node_modules", "var", "build", "dist"}
PRODUCED = {ROOT / "benchmarks" / "RESULTS.md"}  # `make bench` writes it
# Folders of one machine, and hosts that packages come from: neither belongs into documents.
MACHINE = re.compile(r"(?<![\w.])/(?:root|home|Users|work|tmp|private)/")
REGISTRY = re.compile(r"pypi\.|pythonhosted|npmjs|npmmirror|registry\.|/simple\b|mirrors?\.", re.I)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
# After a Chinese word, punctuation that is half as wide as it.
HALF_WIDTH = re.compile(r"[\u3400-\u9fff”」》）][,;!?(]|）[.:]")
IN_CHINESE = ("README.zh-CN.md", "docs/privacy.md", "docs/workbook.md")
MAKE = re.compile(r"(?:^|`|\$ )make ([a-z]+)", re.M)

WHEN = {
    "picture-refused": "Not a JPEG, PNG or WebP that can be read, or too large: `why` says which.",
    "voice-refused": "Not an MP3, AAC or M4A that can be read, or too long: `why` says which.",
    "already-appealed": "There is an appeal about the appointment already: one for each.",
    "already-answered": "The visit was answered for: a survey takes one response for each.",
    "not-answerable": "Nobody was seen at that appointment yet, or it is more than `days` ago.",
    "already-decided": "Staff: somebody else has decided the appeal meanwhile.",
    "appeal-too-late": "More than 30 days after the no-show or the late cancellation.",
    "nothing-to-appeal": "The appointment is no no-show and no late cancellation (any more).",
    "by-draw": "The schedule's places are drawn by lot, and the draw is not over.",
    "draw-closed": "Registration for a draw has not begun or is over.",
    "draw-entered": "The patient takes part already; one entry an identity.",
    "draw-full": "As many take part as a draw can hold.",
    "draw-not-entered": "There is no entry of this patient to take back.",
    "draw-over": "Staff: the draw is drawn or void.",
    "draw-times": "Staff: registration must be open for an hour and end before the release.",
    "not-drawable": "Staff: the schedule is released, stopped, or has had a draw.",
    "simulation-running": "Staff: one's own last simulation is still under way.",
    "too-many-simulations": "Staff: the process works on as many simulations as it may.",
    "account-locked": "Staff: five wrong passwords or codes; 15 minutes. Also said of names that"
    " do not exist.",
    "already-checked-in": "The patient stands in the line already. A phone that retries after a"
    " lost answer treats it as success.",
    "already-booked": "The patient has a living appointment in that schedule. A phone that retries"
    " after a lost answer treats it as success.",
    "already-contracted": "The resident has a family doctor already.",
    "bad-json": "The body is no JSON, or JSON that two parsers would read differently.",
    "bad-push": "A push to `/wechat/push` without a good signature, too old, or unreadable.",
    "bad-request": "The HTTP request itself is broken.",
    "booking-closed": "The slot begins too soon, has been shut, or the day is suspended.",
    "booking-not-open": "The day's places have not been released yet.",
    "busy": "Too many wait, or database or hub do not answer. Nothing was changed: try again.",
    "capacity-below-booked": "Staff: fewer places than are booked. The way on is a suspension.",
    "already-rated": "The conversation was rated before.",
    "call-done": "Staff: somebody has made the call already.",
    "read-first": "Staff: the resident has written something new; it is read before closing.",
    "call-undone": "Staff: the resident is on the call list; that comes before closing.",
    "claimed-by-other": "Staff: another doctor has claimed the conversation.",
    "duty-changed": "Staff: somebody else has saved the hours or due times meanwhile.",
    "duty-clash": "Staff: the doctor is on leave or on call at that time.",
    "no-patient": "Staff: the conversation is about nobody in particular yet.",
    "question-decided": "Staff: somebody else has dealt with the question meanwhile.",
    "client-id-reused": "Another message of the conversation has that `client_id`.",
    "conversation-over": "The conversation ended more than 48 hours ago.",
    "conversation-state": "The conversation's state does not allow it.",
    "too-late-to-recall": "The message is older than two minutes, or is recalled already.",
    "too-many-conversations": "The account has as many living conversations as it may.",
    "one-time-password-over": "Staff: the one-time password is older than 72 hours. Said only"
    " to who has it right.",
    "code-wrong": "Staff: the six digits are wrong, too old, or used already.",
    "checkin-closed": "The schedule has ended, is not today's, or is stopped.",
    "checkin-code-refused": "A code for checking in that is forged, too old, or of another place.",
    "checkin-not-open": "Check-in has not opened yet.",
    "conflict": "Something changed meanwhile.",
    "consent-missing": "`agreed` is not true.",
    "consent-withdrawn": "The account took its consent to the terms back, and nothing more is kept"
    " about anybody.",
    "day-limit": "The patient has as many appointments that day as the policy allows.",
    "department-limit": "The same, in one department.",
    "doctor-elsewhere": "The doctor does not practise at that institution today.",
    "doctor-unknown": "Staff: no such 工号, or not where the administrator manages.",
    "expert-restricted": "No-shows or cancellations bar expert places for a while.",
    "forged": "Staff: a form that does not come from a page of this log-in.",
    "guardian-needed": "A minor is added by somebody who is no adult with a real name of their own,"
    " or with a relation that is no guardian's.",
    "has-appointments": "Nobody else could look after the person's upcoming appointments.",
    "hold-expired": "The hold was not confirmed in time.",
    "host-unknown": "`Host` is not in `JIAMENKOU_ALLOWED_HOSTS`.",
    "idempotency-key-missing": "A POST that needs `Idempotency-Key` came without, or with a bad"
    " one.",
    "idempotency-key-reused": "The key belongs to another request of this account.",
    "identity-mismatch": "The person is known under another name.",
    "identity-number-wrong": "Form, check character or birth date of the number is impossible.",
    "internal": "A bug. It is logged under the request's id.",
    "invalid-code": "WeChat does not accept the code: used, too old, or none.",
    "invitation-wrong": "The invitation is unknown, used, taken back, expired, or its sender may no"
    " longer invite.",
    "log-in-wrong": "Staff: unknown name or wrong password.",
    "line-moved": "Somebody was quicker: the patient is not in the state that was seen.",
    "malformed": "The form has a wrong field.",
    "managed-elsewhere": "Staff: the person has roles beyond the administrator's institutions.",
    "method-not-allowed": "The address does not take this method.",
    "moves-limit": "The appointment was moved as often as the policy allows.",
    "needs-suspension": "Staff: a day is to be closed on which somebody has booked.",
    "not-about-yourself": "Staff: another administrator has to do this.",
    "no-walk-in-place": "The schedule keeps no place for walk-ins, or all are taken.",
    "nobody-waiting": "Nobody is in the line.",
    "not-allowed": "The caller may know that it exists, and still may not do this.",
    "not-found": "It does not exist, or the caller may not know that it does.",
    "not-on-duty": "Staff: the doctor has no role in that department on that day.",
    "not-possible-now": "The appointment's state does not allow it.",
    "not-yourself": "The code of `wx.login` belongs to another WeChat user than the account.",
    "nothing-to-stop": "Staff: every schedule chosen for 停诊 is over, or none is published there.",
    "nothing-to-wait-for": "No department or doctor fits, or there is no waiting list.",
    "follow-up-over": "Staff: somebody has closed the follow-up meanwhile.",
    "plan-changed": "Somebody has changed the plan since `version`; `current` is what it says now.",
    "plan-changed-too-often": "A plan keeps every version, and has as many as it may.",
    "plan-written-before": "Staff: the form has made a plan already, with other words.",
    "plan-ended": "The plan has been ended; a new one is begun instead.",
    "too-many-plans": "The patient has as many plans in use as one may.",
    "written-by-doctor": "A resident may end what a doctor wrote, not rewrite it.",
    "password-weak": "Staff: too short, too common, or with the user name in it.",
    "password-wrong": "Staff: the present password is wrong.",
    "patient-already-added": "The person is on the account's list. A phone that retries treats it"
    " as success.",
    "pool-share-too-large": "With that rule the pools would keep more than all places.",
    "request-timeout": "The request did not arrive in time.",
    "role-not-grantable": "Staff: a role beyond the administrator's institutions.",
    "role-taken": "Staff: the person has that role already.",
    "same-slot": "Moving to the slot where it is already.",
    "schedule-clash": "Staff: one doctor in two places, or too little time for the way.",
    "schedule-over": "Staff: the schedule has begun or is over.",
    "self-already-added": "The account has its `self`, or the person has theirs.",
    "self-cannot-be-removed": "The patient's own account is not for others to remove or cut.",
    "slot-full": "No place is left.",
    "template-changed": "Staff: somebody else changed or ended the template meanwhile.",
    "still-free": "What one would wait for can be booked at once.",
    "terms-changed": "The terms have a newer version than the one that was agreed to.",
    "throttled": "Too often in a minute, or in a day.",
    "too-large": "The head is larger than 8 KiB, the body than 1 MiB, or the query longer than 2048"
    " characters.",
    "too-late-to-move": "The time for free changes has passed.",
    "too-late-to-undo": "Staff: a 停诊 can be undone within ten minutes only.",
    "too-many-carers": "As many care for the person, or ask to, as one can look through.",
    "too-many-patients": "The account's list is full.",
    "too-much-at-once": "Staff: more schedules in one 停诊 than are stopped at once.",
    "unauthenticated": "No log-in, or one that has ended.",
    "unsupported-media-type": "The body is not `application/json`.",
    "upload-gone": "Staff: the workbook that was checked is no longer here, or is another one.",
    "upstream": "WeChat answers badly or not at all.",
    "username-taken": "Staff: somebody has that user name.",
    "wrong-origin": "A page of another site opens the WebSocket.",
    "wait-days-out-of-range": "The days begin in the past, or are too far away.",
    "wait-over": "The wait has led to a booking, or has expired.",
    "waits-already": "The patient waits for one of the same places on one of the same days.",
    "waits-limit": "The patient waits as often as the policy allows.",
}


def problems() -> dict[str, type[Problem]]:
    """Every problem that the product can answer with, by code; the first class of each."""
    for found in pkgutil.walk_packages(backend.__path__, "backend."):
        if not found.name.endswith("__main__") and ".migrations" not in found.name:
            importlib.import_module(found.name)
    by_code: dict[str, type[Problem]] = {}
    for kind in _below(Problem):
        if kind.__module__.startswith("backend."):
            by_code.setdefault(kind.code, kind)
    return by_code


def _below(kind: type[Problem]) -> Iterator[type[Problem]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def extras() -> dict[str, set[str]]:
    """Class name → names of the members with which it is raised somewhere, read in the source."""
    found: dict[str, set[str]] = {"Throttled": {"retry_after_s"}, "Busy": {"retry_after_s"}}
    for path in sorted((ROOT / "backend").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call):
                name = getattr(call.func, "id", None) or getattr(call.func, "attr", "")
                named = {word.arg for word in call.keywords if word.arg not in (None, "permanent")}
                found.setdefault(name, set()).update(str(word) for word in named)
    return found


def rendered() -> str:
    """docs/problems.md."""
    members = extras()
    lines = [
        "# Problems",
        "",
        "<!-- Generated from the subclasses of backend.errors.Problem:",
        "     python -m tests.test_docs -->",
        "",
        "Every refusal is an RFC 9457 document, `application/problem+json`, with `type`, `title`,",
        "`status`, `detail`, `code` and `request_id`. `detail` is Chinese and may be shown as it"
        " is;",
        "programs go by `code`, which never changes its meaning. `type` is",
        "`https://jiamenkou.example/problems/` and the code: an identifier, not an address.",
        "",
        "More members depend on the code. `field` is the dotted path of what to mend; `index` says",
        "which booking of a family request was refused; `retry_after_s` is sent as `Retry-After`",
        "too. Instants are UTC.",
        "",
        "| Code | Status | Title | When | More members |",
        "|---|---|---|---|---|",
    ]
    for code, kind in sorted(problems().items(), key=lambda item: (item[1].status, item[0])):
        more = ", ".join(f"`{name}`" for name in sorted(members.get(kind.__name__, ())))
        lines.append(f"| `{code}` | {kind.status} | {kind.title} | {WHEN[code]} | {more} |")
    return "\n".join(lines) + "\n"


def documents() -> list[Path]:
    return [
        path
        for path in sorted(ROOT.rglob("*.md"))
        if not any(part in SKIPPED or part.startswith(".") for part in path.relative_to(ROOT).parts)
    ]


def test_problems_are_documented_as_they_are() -> None:
    assert set(WHEN) == set(problems()), "say in WHEN when each problem happens, and no others"
    assert PROBLEMS.read_text("utf-8") == rendered(), "python -m tests.test_docs writes it anew"


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for link in LINK.findall(path.read_text("utf-8")):
        target, _, _ = link.partition("#")
        if target and not re.match(r"[a-z]+:", target):
            found = (path.parent / target).resolve()
            assert found.exists() or found in PRODUCED, link


@pytest.mark.parametrize("name", ["docs/architecture.md", "docs/booking.md", "docs/chat.md"])
def test_tests_that_tables_name_exist(name: str) -> None:
    """In one of the files that the same row leads to; "same file as 1" looks into all of them."""
    text = (ROOT / name).read_text("utf-8")
    everywhere = [one for one in LINK.findall(text) if one.endswith(".py")]
    for row in text.splitlines():
        if not row.startswith("|"):
            continue
        files = [one for one in LINK.findall(row) if one.endswith(".py")]
        read = [(ROOT / name).parent / one for one in (everywhere if "same file" in row else files)]
        known = set(re.findall(r"def (test_\w+)", "".join(one.read_text("utf-8") for one in read)))
        assert set(re.findall(r"`(test_\w+)`", row)) <= known, row


@pytest.mark.parametrize("name", IN_CHINESE)
def test_chinese_documents_have_full_width_punctuation(name: str) -> None:
    assert HALF_WIDTH.findall((ROOT / name).read_text("utf-8")) == []


def test_what_is_said_in_chinese_has_full_width_punctuation() -> None:
    """All strings of the product but docstrings (also those in migrations) and patterns."""
    for path in sorted((ROOT / "backend").rglob("*.py")):
        if path.parent.name == "migrations":
            continue
        tree = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        aside = {id(node.value) for node in tree if isinstance(node, ast.Expr)}
        for node in tree:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                is_pattern = any(sign in node.value for sign in ("\\", "(?", ")?"))
                wrong = HALF_WIDTH.search(node.value) and not is_pattern
                assert not wrong or id(node) in aside, f"{path.name}: {node.value}"


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_make_knows_what_documents_ask_of_it(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    assert set(MAKE.findall(path.read_text("utf-8"))) <= targets


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_name_no_machine_and_no_registry(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not MACHINE.search(text)
    assert not REGISTRY.search(text)


def test_both_readmes_type_the_same() -> None:
    """All their commands, and the same pictures and documents."""
    english, chinese = (ROOT / name for name in ("README.md", "README.zh-CN.md"))
    assert typed(english) == typed(chinese)
    links = [set(LINK.findall(one.read_text("utf-8"))) for one in (english, chinese)]
    assert links[0] - {chinese.name} == links[1] - {english.name}


def typed(path: Path) -> list[str]:
    """What stands in its blocks, without comments."""
    blocks = re.findall(r"```\w+\n(.*?)```", path.read_text("utf-8"), re.S)
    return [re.sub(r" *# .*", "", block) for block in blocks]


def test_settings_of_the_readme_exist() -> None:
    known = set(re.findall(r"^(JIAMENKOU_\w+)=", (ROOT / ".env.example").read_text("utf-8"), re.M))
    for path in documents():
        named = set(re.findall(r"JIAMENKOU_[A-Z_]*[A-Z]", path.read_text("utf-8")))
        assert named <= known, path


if __name__ == "__main__":
    PROBLEMS.write_text(rendered(), "utf-8")
    sys.stdout.write(f"{PROBLEMS.relative_to(ROOT)}\n")
