"""摇号: a draw for one schedule, and who took part."""

from typing import Any

from tortoise import fields
from tortoise.models import Model

from backend.booking.models import Schedule
from backend.identity.models import Patient


class Draw(Model):
    """摇号 for the public places of a schedule. `announced → drawn`, or `void`.

    The hash of the seed is published with the announcement and the seed with the result, so that
    nobody could choose it afterwards. Until then the seed is sealed.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    schedule: fields.ForeignKeyRelation[Schedule] = fields.ForeignKeyField(
        "jiamenkou.Schedule", on_delete=fields.RESTRICT, related_name="draws"
    )
    state = fields.CharField(max_length=10)
    opens_at = fields.DatetimeField()  # of registration
    closes_at = fields.DatetimeField()  # of registration; drawn right after
    seed_hash = fields.CharField(max_length=64)
    seed_sealed = fields.CharField(max_length=200)
    seed = fields.CharField(max_length=64, null=True)  # published with the result
    places = fields.IntField(null=True)
    created_by = fields.UUIDField(null=True)  # staff
    created_at = fields.DatetimeField()
    drawn_at = fields.DatetimeField(null=True)

    schedule_id: Any

    class Meta:
        table = "draw"
        unique_together = (("schedule_id",),)
        indexes = (("consortium_id", "state", "closes_at"),)


class DrawEntry(Model):
    """报名: one entry of one identity.

    `code` is what the published list calls it. Only its owner knows whose it is.
    """

    id = fields.UUIDField(primary_key=True)
    draw: fields.ForeignKeyRelation[Draw] = fields.ForeignKeyField(
        "jiamenkou.Draw", on_delete=fields.RESTRICT, related_name="entries"
    )
    patient: fields.ForeignKeyRelation[Patient] = fields.ForeignKeyField(
        "jiamenkou.Patient", on_delete=fields.RESTRICT, related_name="draw_entries"
    )
    account_id = fields.UUIDField()
    code = fields.CharField(max_length=16)
    registered_at = fields.DatetimeField()
    withdrawn_at = fields.DatetimeField(null=True)
    rank = fields.IntField(null=True)  # from 1
    outcome = fields.CharField(max_length=10, default="waiting")  # waiting, won, lost, withdrawn
    reason = fields.CharField(max_length=40, default="")  # why one in front got no place
    appointment_id = fields.UUIDField(null=True)

    draw_id: Any
    patient_id: Any

    class Meta:
        table = "draw_entry"
        unique_together = (("draw_id", "patient_id"), ("draw_id", "code"))
        indexes = (("patient_id",),)
