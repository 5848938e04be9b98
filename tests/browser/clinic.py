"""A schedule that is held right now, and people who are expected in it."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from backend import clock
from tests.browser.service import Service
from tests.browser.staff import COUNTY, ask, insert, organization_id

CODE = "DXRM"


@dataclass
class Clinic:
    service: Service
    schedule_id: UUID
    slot_id: UUID
    organization_id: UUID
    department_id: UUID

    @property
    def path(self) -> str:
        return f"/clinic/{self.schedule_id}"

    def expects(self, token: str, patient_id: str, *, status: str = "booked") -> UUID:
        """An appointment for the slot in progress: booking closed before it began."""
        appointment_id, now = uuid4(), clock.now()
        found = ask(
            self.service.database,
            "SELECT account_id FROM carer WHERE patient_id = ?",
            patient_id,
        )
        row = {
            "id": appointment_id, "consortium_id": COUNTY, "organization_id": self.organization_id,
            "department_id": self.department_id, "schedule_id": self.schedule_id,
            "slot_id": self.slot_id, "patient_id": patient_id, "account_id": found[0][0],
            "held_on": clock.today().isoformat(), "starts_at": now - timedelta(minutes=5),
            "status": status, "policy_version": "built-in-county@1", "fee_fen": 1200,
            "day_place": 1, "department_place": 1, "late_cancel": 0, "counted_cancel": 0,
            "reason": "", "created_at": now, "changed_at": now,
        }  # fmt: skip
        insert(self.service.database, "appointment", row)
        return appointment_id


def a_clinic_now(service: Service) -> Clinic:
    """Of a department of the county hospital, from five minutes ago for three hours."""
    now, schedule_id, slot_id = clock.now(), uuid4(), uuid4()
    hospital = organization_id(service, CODE)
    rooms = "SELECT id FROM department WHERE organization_id = ? ORDER BY code LIMIT 1"
    department = UUID(ask(service.database, rooms, hospital)[0][0])
    begins = now - timedelta(minutes=5)
    schedule = {
        "id": schedule_id, "consortium_id": COUNTY, "organization_id": hospital,
        "department_id": department, "held_on": clock.today().isoformat(), "period": "am",
        "kind": "general", "starts_at": begins, "ends_at": now + timedelta(hours=3),
        "fee_fen": 1200, "status": "open",
    }  # fmt: skip
    insert(service.database, "schedule", schedule)
    for one, pool in ((slot_id, "public"), (uuid4(), "onsite")):
        slot = {
            "id": one, "consortium_id": COUNTY, "schedule_id": schedule_id, "pool": pool,
            "starts_at": begins, "ends_at": now + timedelta(minutes=30), "capacity": 9,
            "booked": 2 if pool == "public" else 0, "open": 1,
        }  # fmt: skip
        insert(service.database, "slot", slot)
    return Clinic(service, schedule_id, slot_id, hospital, department)
