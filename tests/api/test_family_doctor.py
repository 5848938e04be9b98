"""Whom a resident may turn to, as their phone is told."""

from uuid import UUID, uuid4

from backend import clock
from backend.api.route import PREFIX
from backend.identity.models import FamilyDoctorContract
from tests.api.conftest import Server, keyed
from tests.clinics import a_clinic
from tests.people import an_id_number

MOTHER = {"name": "王桂兰", "id_number": an_id_number(), "relation": "self", "agreed": True}


async def test_a_patient_is_shown_with_their_family_doctor(server: Server) -> None:
    mother = await server.log_in("mother")
    added = await server.http.post(f"{PREFIX}/patients", json=MOTHER, headers=keyed(mother))
    hers = f"{PREFIX}/patients/{added.json()['id']}"
    assert (await server.http.get(hers, headers=mother)).json()["family_doctor"] is None
    clinic = await a_clinic(server.settings)
    await FamilyDoctorContract.create(
        id=uuid4(), consortium_id=server.settings.consortium_id,
        patient_id=UUID(added.json()["id"]), practitioner=clinic.practitioner,
        organization=clinic.organization, from_on=clock.today(), created_at=clock.now(),
    )  # fmt: skip
    told = (await server.http.get(hers, headers=mother)).json()["family_doctor"]
    assert told == {"name": "李建国", "organization": "青石镇卫生院", "phone": ""}
    stranger = await server.http.get(hers, headers=await server.log_in("stranger"))
    assert stranger.status_code == 404
