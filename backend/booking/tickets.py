"""An appointment as its patient sees it: the row, its place, and the patient's masked name."""

from datetime import datetime
from uuid import UUID

import msgspec

from backend import clock
from backend.booking import policy as rules
from backend.booking.models import Appointment
from backend.booking.places import Place
from backend.booking.policy import Policy


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Instants in UTC; `policy` is the version under which it was booked."""

    id: UUID
    status: str
    patient_id: UUID
    patient_name: str
    place: Place
    policy: Policy
    fee_fen: int
    held_until: datetime | None
    created_at: datetime
    cancelled_by: str | None = None
    late_cancel: bool = False
    reason: str = ""
    origin: str = "self"

    @classmethod
    def of(cls, row: Appointment, place: Place, policy: Policy, patient_name: str) -> "Ticket":
        """A hold past its time reads as cancelled, whether or not a job has come by."""
        expired = is_dead(row.status, row.held_until)
        return cls(
            id=row.id,
            status=rules.CANCELLED if expired else row.status,
            patient_id=row.patient_id,
            patient_name=patient_name,
            place=place,
            policy=policy,
            fee_fen=row.fee_fen,
            held_until=row.held_until,
            created_at=row.created_at,
            cancelled_by="system" if expired else row.cancelled_by,
            late_cancel=row.late_cancel,
            reason="超过确认时间" if expired else row.reason,
            origin=row.origin,
        )

    @property
    def can_cancel(self) -> bool:
        living = self.status in (rules.PENDING, rules.BOOKED)
        return living and clock.now() < self.place.starts_at

    @property
    def free_until(self) -> datetime:
        """Until when cancelling costs nothing, UTC."""
        return rules.cancel_free_until(self.policy, self.place.starts_at)

    @property
    def late_now(self) -> bool:
        return self.status == rules.BOOKED and rules.is_late(
            self.policy,
            booked_at=self.created_at,
            starts_at=self.place.starts_at,
            now=clock.now(),
        )


def is_dead(status: str, held_until: datetime | None) -> bool:
    """Whether a hold has passed its time."""
    return status == rules.PENDING and held_until is not None and held_until <= clock.now()
