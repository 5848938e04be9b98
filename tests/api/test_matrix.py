"""Route × role × object, generated from the routes themselves: whoever has no right learns nothing.

What may be done is the table in `placed.py`.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx
import pytest

from backend.api.route import PREFIX, Route, routes
from backend.audit import AuditEvent
from tests.api.conftest import Server
from tests.api.placed import PLACED, Placed, places
from tests.api.world import CANARIES, World, a_world, dump

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
