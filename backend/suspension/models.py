"""停诊: what was stopped, whom it touched, what each was offered and whether they know."""

from typing import Any

from tortoise import fields
from tortoise.models import Model

from backend.booking.models import Appointment, Schedule
from backend.consortium.models import Organization
from backend.identity.models import Patient


class Suspension(Model):
    """停诊 of some schedules. `active → undone`, the latter within 10 minutes only."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", on_delete=fields.RESTRICT, related_name="suspensions"
    )
    state = fields.CharField(max_length=10)
    reason = fields.CharField(max_length=100)
    created_by = fields.UUIDField(null=True)  # staff
    created_at = fields.DatetimeField()
    undone_by = fields.UUIDField(null=True)
    undone_at = fields.DatetimeField(null=True)

    organization_id: Any

    class Meta:
        table = "suspension"
        indexes = (("consortium_id", "created_at"),)


class SuspendedSchedule(Model):
    """A schedule that a suspension stopped."""

    id = fields.UUIDField(primary_key=True)
    suspension: fields.ForeignKeyRelation[Suspension] = fields.ForeignKeyField(
        "jiamenkou.Suspension", on_delete=fields.RESTRICT, related_name="schedules"
    )
    schedule: fields.ForeignKeyRelation[Schedule] = fields.ForeignKeyField(
        "jiamenkou.Schedule", on_delete=fields.RESTRICT, related_name="suspensions"
    )

    suspension_id: Any
    schedule_id: Any

    class Meta:
        table = "suspended_schedule"
        unique_together = (("suspension_id", "schedule_id"),)


class SuspensionCase(Model):
    """One patient whose appointment was stopped: the outbox and the worklist.

    `outcome`: none (nothing could be offered), offered, accepted, declined, lapsed, undone.
    `reached_at` NULL: nobody knows yet whether the patient has heard.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    suspension: fields.ForeignKeyRelation[Suspension] = fields.ForeignKeyField(
        "jiamenkou.Suspension", on_delete=fields.RESTRICT, related_name="cases"
    )
    appointment: fields.ForeignKeyRelation[Appointment] = fields.ForeignKeyField(
        "jiamenkou.Appointment", on_delete=fields.RESTRICT, related_name="stopped_in"
    )
    patient: fields.ForeignKeyRelation[Patient] = fields.ForeignKeyField(
        "jiamenkou.Patient", on_delete=fields.RESTRICT, related_name="suspension_cases"
    )
    offer_id = fields.UUIDField(null=True)  # the appointment held for them
    outcome = fields.CharField(max_length=10)
    reached_at = fields.DatetimeField(null=True)
    reached_by = fields.CharField(max_length=16, default="")  # inbox, phone, visit, other
    reached_note = fields.CharField(max_length=100, default="")
    created_at = fields.DatetimeField()
    changed_at = fields.DatetimeField()

    suspension_id: Any
    appointment_id: Any
    patient_id: Any

    class Meta:
        table = "suspension_case"
        unique_together = (("suspension_id", "appointment_id"),)
        indexes = (("consortium_id", "reached_at"), ("offer_id",))
