"""政策模拟 that somebody started: its settings, how far it is, and what came out."""

from typing import Any

from tortoise import fields
from tortoise.models import Model


class Simulation(Model):
    """`running → done | failed | cancelled`. Of one person one at a time is running.

    The row is what every host knows of it: `beat_at` moves while a process works on it, and whoever
    changes `state` ends that work. Nothing of any patient is in it: `result` is counts by group.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    staff_id = fields.UUIDField()
    from_on = fields.DateField()
    to_on = fields.DateField()
    variant: Any = fields.JSONField()
    state = fields.CharField(max_length=10)
    percent = fields.IntField(default=0)
    failure = fields.CharField(max_length=16, default="")  # a key of wording.FAILURES
    result: Any = fields.JSONField(null=True)
    started_at = fields.DatetimeField()
    beat_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "simulation"
        indexes = (("staff_id", "started_at"), ("state", "beat_at"))
