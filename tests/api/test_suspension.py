"""停诊 over HTTP: the stopped visit names what is kept, and looking at it is being reached."""

from backend.suspension import cases
from backend.suspension.models import SuspensionCase
from tests.api.conftest import Server, keyed
from tests.api.conftest import server as server
from tests.people import an_id_number
from tests.suspension.clinics import REASON, a_stop


async def test_the_stopped_visit_names_what_is_kept(server: Server) -> None:
    stop = await a_stop(server.settings)
    me, stranger = await server.log_in("wang"), await server.log_in("zhao")
    form = {"name": "王桂兰", "id_number": an_id_number(), "relation": "self", "agreed": True}
    patient = (await server.http.post("/api/v1/patients", json=form, headers=keyed(me))).json()[
        "id"
    ]
    wanted = {"slot_id": str(stop.slots[0].id), "patient_id": patient}
    booked = (await server.http.post("/api/v1/appointments", json=wanted, headers=keyed(me))).json()
    assert booked["replacement"] is None
    await stop.suspend()

    path = f"/api/v1/appointments/{booked['id']}"
    assert (await server.http.get(path, headers=stranger)).status_code == 404
    assert (await SuspensionCase.get()).reached_at is None
    shown = (await server.http.get(path, headers=me)).json()
    assert (shown["status"], shown["cancelled_by"]) == ("cancelled", "provider")
    assert shown["reason"] == REASON
    assert (await SuspensionCase.get()).reached_by == "inbox"

    kept = f"/api/v1/appointments/{shown['replacement']}"
    offer = (await server.http.get(kept, headers=me)).json()
    assert (offer["status"], offer["origin"]) == ("pending", "suspension")
    assert offer["held_until"] == "2026-11-24T12:00:00Z"
    taken = await server.http.post(kept + "/confirm", headers=keyed(me))
    assert (taken.status_code, taken.json()["status"]) == (200, "booked")
    (case,) = await cases.list_of(
        stop.admin, server.service.vault, (await SuspensionCase.get()).suspension_id
    )
    assert case.outcome == "accepted"
