"""候补: who waits, for what, and what was offered to them."""

from typing import Any

from tortoise import fields
from tortoise.models import Model

from backend.consortium.models import Department, Practitioner
from backend.identity.models import Patient


class WaitlistEntry(Model):
    """候补 of one patient. Family members who want it together share `group_id`, all or nothing.

    `waiting → offered → placed`, or `left`, `expired`; an offer that is not taken leads back to
    `waiting` or ends it, as the policy says. `appointment_id` is the place offered or taken.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    patient: fields.ForeignKeyRelation[Patient] = fields.ForeignKeyField(
        "jiamenkou.Patient", on_delete=fields.RESTRICT, related_name="waits"
    )
    account_id = fields.UUIDField()  # who joined
    group_id = fields.UUIDField()  # of one alone: its own id
    group_size = fields.IntField(default=1)
    from_on = fields.DateField()
    to_on = fields.DateField()  # inclusive
    periods = fields.CharField(max_length=16, default="am,pm,night")
    kind = fields.CharField(max_length=10, null=True)  # 号别; NULL: any
    priority = fields.IntField(default=0)  # the higher first, then who joined earlier
    state = fields.CharField(max_length=10)
    offers = fields.IntField(default=0)  # made so far
    appointment_id = fields.UUIDField(null=True)
    joined_at = fields.DatetimeField()
    changed_at = fields.DatetimeField()

    choices: fields.ReverseRelation["WaitlistChoice"]
    patient_id: Any

    class Meta:
        table = "waitlist_entry"
        indexes = (("consortium_id", "state", "priority", "joined_at", "id"), ("patient_id",),
                   ("group_id",), ("appointment_id",))  # fmt: skip


class WaitlistChoice(Model):
    """A department, or one doctor in it, whose places an entry accepts."""

    id = fields.UUIDField(primary_key=True)
    entry: fields.ForeignKeyRelation[WaitlistEntry] = fields.ForeignKeyField(
        "jiamenkou.WaitlistEntry", on_delete=fields.RESTRICT, related_name="choices"
    )
    department: fields.ForeignKeyRelation[Department] = fields.ForeignKeyField(
        "jiamenkou.Department", on_delete=fields.RESTRICT, related_name="waits"
    )
    practitioner: fields.ForeignKeyNullableRelation[Practitioner] = fields.ForeignKeyField(
        "jiamenkou.Practitioner", null=True, on_delete=fields.RESTRICT, related_name="waits"
    )

    entry_id: Any
    department_id: Any
    practitioner_id: Any

    class Meta:
        table = "waitlist_choice"
        indexes = (("department_id", "entry_id"), ("entry_id",))


class WaitlistEvent(Model):
    """What happened to an entry: append-only. From these rows anybody can prove the order."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    entry: fields.ForeignKeyRelation[WaitlistEntry] = fields.ForeignKeyField(
        "jiamenkou.WaitlistEntry", on_delete=fields.RESTRICT, related_name="events"
    )
    at = fields.DatetimeField()
    actor_kind = fields.CharField(max_length=16)
    actor_id = fields.UUIDField(null=True)
    action = fields.CharField(max_length=12)  # join offer accept decline lapse pass leave expire
    appointment_id = fields.UUIDField(null=True)
    slot_id = fields.UUIDField(null=True)
    ahead = fields.IntField(null=True)  # who stood before it in line and did not fit
    reason = fields.CharField(max_length=100, default="")

    entry_id: Any

    class Meta:
        table = "waitlist_event"
        indexes = (("entry_id", "at"), ("slot_id",))
