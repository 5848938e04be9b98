"""Who may use each route of the API, and with what: the table that the matrix tests.

A new route has to stand in `PLACED`, or its first test fails.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from backend.api.route import Route, routes
from backend.identity import terms
from tests.people import an_id_number
from tests.satisfaction.visits import BEST


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Who may use a route, and with what.

    `scope`: public, account (only one's own things), own (one's own log-in or message), leave
    (anybody who is a carer), view, book or manage of the patient concerned. `ids`: path parameters,
    query parameters and body fields that name things, each with the owner's own thing. `filters`:
    those that merely narrow a public list. `by` proves that the probe works at all (None: proved by
    the walks, where WeChat answers), in the order of `rank`.
    """

    scope: str
    ids: dict[str, str] = field(default_factory=dict)
    body: Callable[[dict[str, str]], Any] | None = None
    query: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    by: str | None = "owner"
    rank: int = 0


def fields(*names: str, **fixed: Any) -> Callable[[dict[str, str]], Any]:
    return lambda ids: {name: ids[name] for name in names} | fixed


ONE = "/appointments/<appointment_id:uuid>"
HIS = "/patients/<patient_id:uuid>"
NEWCOMER = {
    "name": "孙悟", "id_number": an_id_number(birth="19700101", order=56), "relation": "other",
    "agreed": True,
}  # fmt: skip
DRAW = "/draws/<draw_id:uuid>"
TALK = "/conversations/<conversation_id:uuid>"
FILE = "/attachments/<attachment_id:uuid>"
PLAN = "/medication-plans/<plan_id:uuid>"
TAKEN = {
    "medicine": "苯磺酸氨氯地平片", "amount": "1 片", "from_on": "2026-11-23",
    "to_on": "2026-12-20", "when": ["PCM"],
}  # fmt: skip
TALKS = {"conversation_id": "conversation"}
PLACED: dict[tuple[str, str], Placed] = {
    ("POST", "/login/wechat"): Placed(scope="public", body=fields(code="nonsense"), by=None),
    ("GET", "/me"): Placed(scope="account"),
    ("POST", "/me/phone"): Placed(scope="account", body=fields(code="nonsense"), by=None),
    ("GET", "/me/devices"): Placed(scope="account"),
    ("DELETE", "/me/devices"): Placed(scope="account", rank=8),
    ("DELETE", "/me/devices/<session_id:uuid>"): Placed(
        scope="own", ids={"session_id": "session"}, rank=9
    ),
    ("GET", "/patients"): Placed(scope="account"),
    ("POST", "/patients"): Placed(scope="account", body=fields(**NEWCOMER), spared=("*",)),
    ("GET", HIS): Placed(scope="view", ids={"patient_id": "patient"}),
    ("PATCH", HIS): Placed(
        scope="manage", ids={"patient_id": "patient"}, body=fields(phone="13800009999")
    ),
    ("PUT", HIS): Placed(
        scope="manage", ids={"patient_id": "patient"}, body=fields(phone="13800009998")
    ),
    ("DELETE", HIS): Placed(
        scope="leave",
        ids={"patient_id": "patient"},
        spared=("expired", "asking", "viewer", "helper"),
        by="helper",
        rank=6,
    ),
    ("GET", f"{HIS}/standing"): Placed(scope="view", ids={"patient_id": "patient"}),
    ("GET", "/appeals"): Placed(scope="account"),
    ("POST", f"{ONE}/appeal"): Placed(
        scope="book", ids={"appointment_id": "missed"}, body=fields(reason="当天封路，车过不来。")
    ),
    ("GET", "/surveys"): Placed(scope="account"),
    ("POST", "/survey-responses"): Placed(
        scope="book",
        ids={"appointment_id": "seen"},
        body=fields("appointment_id", anonymous=True, answers=BEST),
    ),
    ("GET", f"{HIS}/carers"): Placed(scope="manage", ids={"patient_id": "patient"}),
    ("POST", f"{HIS}/carers"): Placed(
        scope="manage", ids={"patient_id": "patient"}, body=fields(scope="view")
    ),
    ("POST", "/carers"): Placed(
        scope="account",
        body=fields(code="no-such-code", relation="other"),
        spared=("*",),
        by=None,
    ),
    ("POST", "/carers/invitation"): Placed(
        scope="account", body=fields(code="no-such-code"), spared=("*",), by=None
    ),
    ("GET", f"{HIS}/invitations"): Placed(scope="manage", ids={"patient_id": "patient"}),
    ("DELETE", f"{HIS}/invitations/<invitation_id:uuid>"): Placed(
        scope="manage", ids={"patient_id": "patient", "invitation_id": "invitation"}, rank=5
    ),
    ("POST", f"{HIS}/carers/<carer_id:uuid>/consent"): Placed(
        scope="manage", ids={"patient_id": "patient", "carer_id": "asked"}, body=fields(), rank=1
    ),
    ("DELETE", f"{HIS}/carers/<carer_id:uuid>"): Placed(
        scope="manage",
        ids={"patient_id": "patient", "carer_id": "carer"},
        spared=("viewer",),
        rank=5,
    ),
    ("GET", "/organizations"): Placed(scope="public"),
    ("GET", "/organizations/<organization_id:uuid>"): Placed(
        scope="public", ids={"organization_id": "organization"}
    ),
    ("GET", "/organizations/<organization_id:uuid>/fees"): Placed(
        scope="public", ids={"organization_id": "organization"}
    ),
    ("GET", "/departments"): Placed(
        scope="public",
        ids={"organization": "organization"},
        query=("organization",),
        filters=("organization",),
    ),
    ("GET", "/departments/<department_id:uuid>"): Placed(
        scope="public", ids={"department_id": "department"}
    ),
    ("GET", "/practitioners/<practitioner_id:uuid>"): Placed(
        scope="public", ids={"practitioner_id": "practitioner"}
    ),
    ("GET", "/symptom-words"): Placed(scope="public"),
    ("GET", "/practitioners"): Placed(
        scope="public",
        ids={"department": "department"},
        query=("department",),
        filters=("department",),
    ),
    ("GET", "/announcements"): Placed(scope="public"),
    ("POST", "/conversations"): Placed(
        scope="book", ids={"patient_id": "patient"}, body=fields("patient_id")
    ),
    ("GET", "/conversations"): Placed(scope="account"),
    ("GET", TALK): Placed(scope="own", ids=TALKS),
    ("GET", f"{TALK}/messages"): Placed(scope="own", ids=TALKS),
    ("POST", f"{TALK}/messages"): Placed(
        scope="own", ids=TALKS, body=fields(client_id="m-00000001", text="膝盖疼怎么办")
    ),
    # Who may not write there is sent away before the file is even looked at.
    ("POST", f"{TALK}/attachments"): Placed(scope="own", ids=TALKS, by=None),
    ("GET", FILE): Placed(scope="own", ids={"attachment_id": "attachment"}),
    ("GET", f"{FILE}/thumbnail"): Placed(scope="own", ids={"attachment_id": "attachment"}),
    ("POST", f"{TALK}/read"): Placed(scope="own", ids=TALKS, body=fields(seq=1)),
    ("POST", f"{TALK}/delivered"): Placed(scope="own", ids=TALKS, body=fields(seq=1)),
    ("GET", "/conversations/search"): Placed(scope="account", by=None),
    ("POST", f"{TALK}/messages/<message_id:uuid>/recall"): Placed(
        scope="own", ids=TALKS | {"message_id": "said"}, rank=1
    ),
    ("POST", f"{TALK}/hand-over"): Placed(scope="own", ids=TALKS, rank=2),
    ("POST", f"{TALK}/rating"): Placed(
        scope="own", ids={"conversation_id": "closed_talk"}, body=fields(rating=5), rank=3
    ),
    ("POST", "/conversations/tickets"): Placed(
        scope="own", ids=TALKS, body=fields("conversation_id")
    ),
    ("GET", "/inbox"): Placed(scope="account"),
    ("GET", "/inbox/unread"): Placed(scope="account"),
    ("PUT", "/inbox/read"): Placed(scope="account", rank=7),
    ("GET", "/inbox/<message_id:uuid>"): Placed(scope="own", ids={"message_id": "message"}),
    ("PUT", "/inbox/<message_id:uuid>/read"): Placed(scope="own", ids={"message_id": "message"}),
    ("GET", "/me/subscriptions"): Placed(scope="account"),
    ("POST", "/me/subscriptions"): Placed(
        scope="account",
        body=fields(items=[{"template_id": "no-such-template", "result": "accept"}]),
        spared=("*",),
        by=None,
    ),
    ("GET", f"{HIS}/follow-ups"): Placed(scope="view", ids={"patient_id": "patient"}),
    ("GET", f"{HIS}/medication-plans"): Placed(scope="view", ids={"patient_id": "patient"}),
    ("POST", f"{HIS}/medication-plans"): Placed(
        scope="book", ids={"patient_id": "patient"}, body=fields(**TAKEN)
    ),
    ("GET", PLAN): Placed(scope="view", ids={"plan_id": "plan"}),
    ("POST", f"{PLAN}/change"): Placed(
        scope="book", ids={"plan_id": "plan"}, body=fields(**TAKEN, version=1), rank=1
    ),
    ("POST", f"{PLAN}/end"): Placed(
        scope="book", ids={"plan_id": "plan"}, body=fields(reason="finished", version=2), rank=2
    ),
    ("GET", "/terms"): Placed(scope="public"),
    ("GET", "/me/consents"): Placed(scope="account"),
    ("POST", "/me/consents"): Placed(
        scope="account", body=fields(version=terms.VERSION, granted=True)
    ),
    ("GET", f"{HIS}/accesses"): Placed(scope="manage", ids={"patient_id": "patient"}),
    ("POST", "/me/export"): Placed(scope="account", body=fields(code="nonsense"), by=None),
    ("GET", "/me/deletion"): Placed(scope="account"),
    ("POST", "/me/deletion"): Placed(scope="account", body=fields(code="nonsense"), by=None),
    ("GET", "/schedules"): Placed(
        scope="public",
        ids={"organization": "organization", "department": "department"},
        query=("organization", "department"),
        filters=("organization", "department"),
    ),
    ("GET", "/schedules/<schedule_id:uuid>"): Placed(
        scope="public", ids={"schedule_id": "schedule"}
    ),
    ("GET", "/slots"): Placed(scope="public", ids={"schedule": "schedule"}, query=("schedule",)),
    ("POST", "/appointments"): Placed(
        scope="book",
        ids={"slot_id": "free", "patient_id": "patient"},
        body=fields("slot_id", "patient_id"),
    ),
    ("POST", "/appointments/family"): Placed(
        scope="book",
        ids={"slot_id": "spare", "patient_id": "patient"},
        body=lambda ids: {"bookings": [ids]},
    ),
    ("POST", "/waitlist"): Placed(
        scope="book",
        ids={"patient_id": "patient", "department_id": "full_department"},
        body=lambda ids: {
            "patient_ids": [ids["patient_id"]],
            "department_id": ids["department_id"],
            "from_on": "2026-11-25",
            "to_on": "2026-11-25",
        },
    ),
    ("GET", "/waitlist"): Placed(scope="account"),
    ("GET", "/waitlist/<entry_id:uuid>"): Placed(scope="view", ids={"entry_id": "wait"}),
    ("DELETE", "/waitlist/<entry_id:uuid>"): Placed(
        scope="book", ids={"entry_id": "wait"}, rank=4
    ),
    ("GET", "/draws"): Placed(
        scope="public",
        ids={"schedule": "drawn_schedule", "organization": "organization"},
        query=("schedule", "organization"),
        filters=("schedule", "organization"),
    ),
    ("GET", DRAW): Placed(scope="public", ids={"draw_id": "draw"}),
    ("POST", f"{DRAW}/entries"): Placed(
        scope="book",
        ids={"draw_id": "draw", "patient_id": "patient"},
        body=fields("patient_id"),
    ),
    ("DELETE", f"{DRAW}/entries/<patient_id:uuid>"): Placed(
        scope="book", ids={"draw_id": "entered_draw", "patient_id": "patient"}, rank=4
    ),
    ("GET", "/me/draws"): Placed(scope="account"),
    ("GET", "/appointments"): Placed(
        scope="view", ids={"patient": "patient"}, query=("patient",)
    ),
    ("GET", ONE): Placed(scope="view", ids={"appointment_id": "appointment"}),
    ("POST", f"{ONE}/confirm"): Placed(scope="book", ids={"appointment_id": "held"}),
    ("POST", f"{ONE}/cancel"): Placed(
        scope="book", ids={"appointment_id": "appointment"}, body=fields(reason="有事"), rank=4
    ),
    ("POST", f"{ONE}/reschedule"): Placed(
        scope="book",
        ids={"appointment_id": "appointment", "slot_id": "third"},
        body=fields("slot_id"),
        rank=3,
    ),
    ("POST", f"{ONE}/checkin"): Placed(
        scope="book", ids={"appointment_id": "appointment"}, body=fields(code="nonsense"), by=None
    ),
    ("GET", f"{ONE}/checkin-code"): Placed(scope="book", ids={"appointment_id": "appointment"}),
    ("GET", f"{ONE}/queue"): Placed(scope="view", ids={"appointment_id": "appointment"}),
    ("POST", "/queue/tickets"): Placed(
        scope="view", ids={"appointment_id": "appointment"}, body=fields("appointment_id")
    ),
    ("GET", f"{ONE}/links"): Placed(scope="view", ids={"appointment_id": "appointment"}),
    ("GET", f"{ONE}/slip"): Placed(scope="view", ids={"appointment_id": "appointment"}),
    ("GET", "/appointments/<appointment_id:([0-9a-f-]{36})\\.ics>"): Placed(
        scope="view", ids={"appointment_id": "appointment"}
    ),
}  # fmt: skip


def places() -> Iterator[tuple[Route, Placed]]:
    for declared in routes:
        yield declared, PLACED[declared.method, declared.path]
