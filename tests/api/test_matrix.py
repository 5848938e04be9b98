"""Route × role × object, generated from the routes themselves: whoever has no right learns nothing.

A new route has to be placed in `PLACED`, or the first test fails.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from backend.api.route import PREFIX, Route, routes
from backend.audit import AuditEvent
from backend.identity import terms
from tests.api.conftest import Server
from tests.api.world import CANARIES, World, a_world, dump
from tests.people import an_id_number
from tests.satisfaction.visits import BEST

Ids = Mapping[str, UUID]

RIGHTS = {"owner": 3, "helper": 2, "viewer": 1, "expired": 0, "asking": 0, "outsider": 0}
NEEDED = {"view": 1, "book": 2, "manage": 3}
NOBODY = ("anonymous", "forged", "revoked")
FOREIGN = (
    "far_patient", "far_appointment", "far_carer", "far_session", "far_organization", "far_slot",
    "far_schedule", "far_department", "far_practitioner", "far_message", "far_wait",
    "far_conversation", "far_attachment", "far_plan",
    "stranger", "account", "nobody",
)  # fmt: skip
# Who may what is decided above the databases; all of them on both: `make soak`.
EACH = {"sqlite": 1, "postgres": 3}
# Written by whoever reads or logs in, about themselves.
OWN_TRACES = frozenset({"audit_event"})


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


@dataclass
class Prober:
    """Sends probes and looks into every answer; `sent` counts them.

    `each`: of every so many foreign things one is tried, another one at each route and role.
    """

    server: Server
    world: World
    each: int = 1
    sent: int = 0
    turn: int = 0

    async def probe(
        self, declared: Route, placed: Placed, role: str, ids: Mapping[str, UUID]
    ) -> httpx.Response:
        self.sent += 1
        texts = {name: str(value) for name, value in ids.items()}
        path = re.sub(r"<(\w+):\(.*\)\\\.ics>", lambda m: texts[m[1]] + ".ics", declared.path)
        path = re.sub(r"<(\w+):\w+>", lambda m: texts[m[1]], path)
        headers = {"idempotency-key": uuid4().hex} if declared.receipt else {}
        if role != "anonymous":
            token = "forged-" + "x" * 36 if role == "forged" else self.world.tokens[role]
            headers["authorization"] = f"Bearer {token}"
        answer = await self.server.http.request(
            declared.method,
            PREFIX + path,
            headers=headers,
            params={name: texts[name] for name in placed.query},
            json=placed.body(texts) if placed.body else None,
        )
        told = answer.text + str(answer.headers)
        leaked = [word for word in (*CANARIES, *self.world.secrets) if word in told]
        assert not leaked, (role, declared.method, answer.url, leaked)
        assert answer.status_code < 500 or placed.by is None, (role, answer.url, answer.text)
        return answer

    def own(self, placed: Placed) -> dict[str, UUID]:
        known = self.world.ids | self.world.places
        return {name: known[kind] for name, kind in placed.ids.items()}

    def foreign(self, placed: Placed) -> Iterator[tuple[str, dict[str, UUID]]]:
        """The owner's things, with one of them replaced by something that is not theirs."""
        own = self.own(placed)
        self.turn += 1
        for name, kind in itertools.islice(
            itertools.product(own, FOREIGN), self.turn % self.each, None, self.each
        ):
            thing = uuid4() if kind == "nobody" else self.world.ids[kind]
            yield name, own | {name: thing}


@pytest.fixture
async def prober(server: Server, engine: str) -> Prober:
    return Prober(server, await a_world(server.settings), each=EACH[engine])


def test_every_route_is_placed_and_nothing_else() -> None:
    assert {(declared.method, declared.path) for declared in routes} == set(PLACED)


async def test_nobody_learns_or_changes_what_is_not_theirs(prober: Prober) -> None:
    """In one world, which stays as it is."""
    await who_is_not_logged_in_gets_401_everywhere(prober)
    await whoever_has_no_right_gets_404_and_changes_nothing(prober)
    await what_is_not_theirs_is_404_for_everybody_with_rights_too(prober)
    await ones_own_lists_hold_nothing_of_anybody_else(prober)
    await public_answers_hold_nothing_of_another_county(prober)


@pytest.mark.soak
async def test_nobody_learns_or_changes_anything_at_all(prober: Prober) -> None:
    prober.each = 1
    await test_nobody_learns_or_changes_what_is_not_theirs(prober)


async def who_is_not_logged_in_gets_401_everywhere(prober: Prober) -> None:
    before = await dump()
    for declared, placed in places():
        if placed.scope == "public":
            continue
        things = [("anonymous", ids) for _, ids in prober.foreign(placed)]
        for role, ids in [*((role, prober.own(placed)) for role in NOBODY), *things]:
            answer = await prober.probe(declared, placed, role, ids)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
            assert answer.headers["www-authenticate"] == "Bearer"
    assert await dump() == before
    assert prober.sent > 250 // prober.each


def intruders(placed: Placed) -> list[str]:
    if "*" in placed.spared or placed.scope in ("public", "account"):
        return []
    if placed.scope == "own":
        return [role for role in RIGHTS if role != "owner"]
    need = NEEDED.get(placed.scope, 1)
    return [role for role, right in RIGHTS.items() if right < need and role not in placed.spared]


async def whoever_has_no_right_gets_404_and_changes_nothing(prober: Prober) -> None:
    """404 and never 403: that the thing exists is private too."""
    before, sent = await dump(but=OWN_TRACES), prober.sent
    for declared, placed in places():
        for role in intruders(placed):
            foreign = prober.foreign(placed) if role in ("outsider", "viewer") else ()
            for ids in [prober.own(placed), *(ids for _, ids in foreign)]:
                answer = await prober.probe(declared, placed, role, ids)
                assert answer.status_code == 404, (role, declared.path, ids, answer.text)
                assert not any(str(known) in answer.text for known in prober.world.ids.values())
    assert await dump(but=OWN_TRACES) == before
    assert prober.sent - sent > 400 // prober.each
    for role in ("outsider", "expired", "asking"):
        who = prober.world.actors[role].account_id
        seen = await AuditEvent.filter(actor_id=who).values_list("patient_id", flat=True)
        assert not {prober.world.ids["child"]} & set(seen)


async def what_is_not_theirs_is_404_for_everybody_with_rights_too(prober: Prober) -> None:
    """Other counties' things, other people's, things of another kind, and ids that name nothing."""
    before, sent = await dump(but=OWN_TRACES), prober.sent
    for declared, placed in places():
        if placed.scope == "account":
            continue
        for name, ids in prober.foreign(placed):
            answer = await prober.probe(declared, placed, "owner", ids)
            if name in placed.filters:
                assert (answer.status_code, answer.json()["items"]) == (200, []), answer.url
            else:
                assert answer.status_code == 404, (declared.method, declared.path, answer.text)
    assert await dump(but=OWN_TRACES) == before
    assert prober.sent - sent > 300 // prober.each


async def ones_own_lists_hold_nothing_of_anybody_else(prober: Prober) -> None:
    """Outsiders may ask these; what they get is about themselves."""
    theirs = [str(known) for known in prober.world.ids.values()]
    for declared, placed in places():
        if placed.scope != "account":
            continue
        for role in ("outsider", "expired"):
            answer = await prober.probe(declared, placed, role, {})
            assert answer.status_code not in (401, 403), answer.text
            assert not [known for known in theirs if known in answer.text], answer.url


async def public_answers_hold_nothing_of_another_county(prober: Prober) -> None:
    far = [str(known) for kind, known in prober.world.ids.items() if kind.startswith("far_")]
    for declared, placed in places():
        if placed.scope == "public" and placed.by:
            for query in (placed, Placed(scope="public", ids=placed.ids)):
                if "schedule" in placed.ids and query is not placed:
                    continue  # /slots needs its parameter
                answer = await prober.probe(declared, query, "anonymous", prober.own(placed))
                assert answer.status_code == 200, answer.text
                assert not [known for known in far if known in answer.text], answer.url


async def test_whoever_has_the_right_may(prober: Prober) -> None:
    """Without this the refusals above could be for any other reason."""
    for declared, placed in sorted(places(), key=lambda pair: pair[1].rank):
        if placed.by is None:
            continue
        answer = await prober.probe(declared, placed, placed.by, prober.own(placed))
        assert answer.status_code == declared.status, (declared.method, answer.url, answer.text)


@pytest.mark.parametrize("role", ["viewer", "helper"])
async def test_a_lesser_scope_may_do_its_own_part(prober: Prober, role: str) -> None:
    allowed = 0
    for declared, placed in sorted(places(), key=lambda pair: pair[1].rank):
        concerns_other = placed.ids.get("appointment_id") == "held"  # the child's
        if not 0 < NEEDED.get(placed.scope, 0) <= RIGHTS[role] or concerns_other:
            continue
        if placed.by is None:  # proved elsewhere
            continue
        answer = await prober.probe(declared, placed, role, prober.own(placed))
        assert answer.status_code == declared.status, (declared.method, answer.url, answer.text)
        allowed += 1
    assert allowed >= 6


async def test_whoever_only_asks_sees_nothing_but_what_they_typed(prober: Prober) -> None:
    answer = await prober.server.http.get(
        f"{PREFIX}/patients",
        headers={"authorization": f"Bearer {prober.world.tokens['asking']}"},
    )
    (item,) = answer.json()["items"]
    assert item["state"] == "requested"
    assert [item[name] for name in ("id_number", "phone", "birth_on", "sex")] == [None] * 4
    assert item["scope"] == "book"


async def test_an_expired_carer_may_leave_but_is_told_nothing(prober: Prober) -> None:
    """Leaving is their own deed, but the patient's appointments are no longer theirs to know."""
    from backend.identity.models import Carer

    world = prober.world
    await (
        Carer.filter(patient_id=world.ids["patient"])
        .exclude(account_id=world.actors["expired"].account_id)
        .update(state="revoked")
    )
    answer = await prober.server.http.delete(
        f"{PREFIX}/patients/{world.ids['patient']}",
        headers={"authorization": f"Bearer {world.tokens['expired']}"},
    )
    assert str(world.ids["appointment"]) not in answer.text
    assert answer.status_code in (204, 404)


async def test_a_key_of_a_link_opens_one_paper_for_ten_minutes(prober: Prober) -> None:
    from datetime import timedelta

    from backend import clock

    world, http = prober.world, prober.server.http
    links = await http.get(
        f"{PREFIX}/appointments/{world.ids['appointment']}/links",
        headers={"authorization": f"Bearer {world.tokens['owner']}"},
    )
    slip = links.json()["slip"].replace(prober.server.settings.public_url, "")
    assert (await http.get(slip)).status_code == 200
    other = slip.replace(str(world.ids["appointment"]), str(world.ids["held"]))
    account, stranger = (world.actors[role].account_id.hex for role in ("owner", "outsider"))
    path, _, key = slip.partition("?key=")
    expires, _, rest = key.partition(".")
    forged = [
        other,
        slip[:-1] + ("0" if slip[-1] != "0" else "1"),
        slip.replace(account, stranger),
        f"{path}?key={int(expires) + 600}.{rest}",
        f"{path}?key=%F0%9F%98%80.{account}.x",
        f"{path}?key=99999999999999999999.{account}.x",
        f"{path}?key=..",
        path,
    ]
    for wrong in forged:
        answer = await http.get(wrong)
        assert answer.status_code == 401, (wrong, answer.text)
    with clock.stopped(clock.now() + timedelta(minutes=10, seconds=1)):
        assert (await http.get(slip)).status_code == 401
