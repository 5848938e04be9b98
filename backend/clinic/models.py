"""门诊: the queue of a schedule."""

from typing import Any

from tortoise import fields
from tortoise.models import Model

from backend.booking.models import Appointment, Schedule


class QueueEntry(Model):
    """候诊: one patient who is there. Called in the order of `turn`, then `number`.

    `waiting → called → in_room → done`; `called → skipped → waiting` when they come back; `left`.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    schedule: fields.ForeignKeyRelation[Schedule] = fields.ForeignKeyField(
        "jiamenkou.Schedule", on_delete=fields.RESTRICT, related_name="queue"
    )
    appointment: fields.ForeignKeyRelation[Appointment] = fields.OneToOneField(
        "jiamenkou.Appointment", on_delete=fields.RESTRICT, related_name="queue_entry"
    )
    number = fields.IntField()  # 序号 on the slip, from 1
    turn = fields.DatetimeField()  # by whose time the line is ordered; UTC
    state = fields.CharField(max_length=10)
    late = fields.BooleanField(default=False)
    calls = fields.IntField(default=0)
    room = fields.CharField(max_length=20, default="")
    checked_in_at = fields.DatetimeField()
    called_at = fields.DatetimeField(null=True)
    seen_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)

    schedule_id: Any
    appointment_id: Any

    class Meta:
        table = "queue_entry"
        unique_together = (("schedule_id", "number"),)
        indexes = (("schedule_id", "state", "turn"),)
