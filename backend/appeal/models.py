"""申诉: a patient's appeal against a no-show or a late cancellation."""

from typing import Any

from tortoise import fields
from tortoise.models import Model

from backend.booking.models import Appointment
from backend.identity.models import Patient


class Appeal(Model):
    """申诉. `open → granted | refused`, decided by staff with a reason. One for an appointment."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    appointment: fields.ForeignKeyRelation[Appointment] = fields.OneToOneField(
        "jiamenkou.Appointment", on_delete=fields.RESTRICT, related_name="appeal"
    )
    patient: fields.ForeignKeyRelation[Patient] = fields.ForeignKeyField(
        "jiamenkou.Patient", on_delete=fields.RESTRICT, related_name="appeals"
    )
    account_id = fields.UUIDField()
    reason = fields.CharField(max_length=300)
    state = fields.CharField(max_length=10)
    created_at = fields.DatetimeField()
    due_at = fields.DatetimeField()
    decided_by = fields.UUIDField(null=True)
    decided_at = fields.DatetimeField(null=True)
    decision = fields.CharField(max_length=200, default="")

    appointment_id: Any
    patient_id: Any

    class Meta:
        table = "appeal"
        indexes = (("consortium_id", "state", "due_at"), ("patient_id",))
