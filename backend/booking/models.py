"""预约: templates make schedules, schedules have slots, slots have places, appointments take them.

The database enforces what must never break (see migrations): 0 ≤ booked ≤ capacity, one living
appointment per patient and schedule, numbered places per patient and day.
"""

from typing import Any

from tortoise import fields
from tortoise.models import Model

from backend.consortium.models import Department, Organization, Practitioner
from backend.identity.models import Patient

KINDS = ("general", "expert", "disease", "outreach")  # 号别: 普通 专家 专病 下沉
PERIODS = ("am", "pm", "night")  # 上午 下午 夜间


class BookingPolicy(Model):
    """Booking numbers, versioned. NULL organization, tier or kind means any. The narrowest wins.

    `numbers` holds those of `policy.Policy` that differ from the built-in ones.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    code = fields.CharField(max_length=32)
    version = fields.IntField()
    organization: fields.ForeignKeyNullableRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", null=True, on_delete=fields.RESTRICT, related_name="policies"
    )
    tier = fields.CharField(max_length=10, null=True)
    kind = fields.CharField(max_length=10, null=True)
    effective_from = fields.DateField()
    numbers: Any = fields.JSONField()
    created_at = fields.DatetimeField()

    organization_id: Any

    class Meta:
        table = "booking_policy"
        unique_together = (("consortium_id", "code", "version"),)


class PoolRule(Model):
    """号源池: which share of the places is kept for whom, when it opens and flows back, versioned.

    NULL organization or kind means any; for each pool the narrowest in force wins. Wall-clock times
    in Asia/Shanghai. `share` is percent of each schedule's places, see `pools.split`; 0 keeps none.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    organization: fields.ForeignKeyNullableRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", null=True, on_delete=fields.RESTRICT, related_name="pool_rules"
    )
    kind = fields.CharField(max_length=10, null=True)
    pool = fields.CharField(max_length=16)
    share = fields.IntField()
    opens_days = fields.IntField()  # so many days before the day
    opens_time = fields.CharField(max_length=5, default="07:00")
    returns_days = fields.IntField(default=1)
    returns_time = fields.CharField(max_length=5, default="18:00")
    returns_to = fields.CharField(max_length=16, default="public")
    effective_from = fields.DateField()
    ended_on = fields.DateField(null=True)  # inclusive
    created_by = fields.UUIDField(null=True)  # staff
    created_at = fields.DatetimeField()

    organization_id: Any

    class Meta:
        table = "pool_rule"
        indexes = (("consortium_id", "effective_from"),)


class Fee(Model):
    """收费: price transparency. `amount_fen` is in fen (0.01 yuan)."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", on_delete=fields.RESTRICT, related_name="fees"
    )
    kind = fields.CharField(max_length=10)
    title = fields.CharField(max_length=20, default="")  # 职称; empty = any
    amount_fen = fields.IntField()
    item = fields.CharField(max_length=60)  # 收费项目名称
    basis = fields.CharField(max_length=120, default="")  # 收费依据

    organization_id: Any

    class Meta:
        table = "fee"
        unique_together = (("organization_id", "kind", "title"),)


class ScheduleTemplate(Model):
    """排班模板: one weekday, one 班次, from–to (inclusive). Wall-clock times in Asia/Shanghai."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    code = fields.CharField(max_length=64)
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", on_delete=fields.RESTRICT, related_name="templates"
    )
    department: fields.ForeignKeyRelation[Department] = fields.ForeignKeyField(
        "jiamenkou.Department", on_delete=fields.RESTRICT, related_name="templates"
    )
    practitioner: fields.ForeignKeyNullableRelation[Practitioner] = fields.ForeignKeyField(
        "jiamenkou.Practitioner", null=True, on_delete=fields.RESTRICT, related_name="templates"
    )
    weekday = fields.IntField()  # 1 Monday … 7 Sunday
    period = fields.CharField(max_length=6)
    kind = fields.CharField(max_length=10)
    starts = fields.CharField(max_length=5)  # "08:00"
    ends = fields.CharField(max_length=5)
    slot_minutes = fields.IntField()
    capacity = fields.IntField()  # places per slot
    fee_fen = fields.IntField(null=True)  # NULL: by the fee table
    works_on_holidays = fields.BooleanField(default=False)
    from_on = fields.DateField(null=True)
    to_on = fields.DateField(null=True)
    active = fields.BooleanField(default=True)

    organization_id: Any
    department_id: Any
    practitioner_id: Any

    class Meta:
        table = "schedule_template"
        unique_together = (("consortium_id", "code"),)


class ScheduleException(Model):
    """排班例外: a day that differs. NULL department, practitioner or period means all.

    `closed` no schedule; `open` works although it is a holiday; `capacity` other places per slot.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    code = fields.CharField(max_length=96)
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", on_delete=fields.RESTRICT, related_name="exceptions"
    )
    department: fields.ForeignKeyNullableRelation[Department] = fields.ForeignKeyField(
        "jiamenkou.Department", null=True, on_delete=fields.RESTRICT, related_name="exceptions"
    )
    practitioner: fields.ForeignKeyNullableRelation[Practitioner] = fields.ForeignKeyField(
        "jiamenkou.Practitioner", null=True, on_delete=fields.RESTRICT, related_name="exceptions"
    )
    held_on = fields.DateField()
    period = fields.CharField(max_length=6, null=True)
    action = fields.CharField(max_length=10)
    capacity = fields.IntField(null=True)
    reason = fields.CharField(max_length=100, default="")

    organization_id: Any
    department_id: Any
    practitioner_id: Any

    class Meta:
        table = "schedule_exception"
        unique_together = (("consortium_id", "code"),)


class Schedule(Model):
    """排班（班次）: one doctor or department (or device), one place, one date, one 班次."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", on_delete=fields.RESTRICT, related_name="schedules"
    )
    department: fields.ForeignKeyRelation[Department] = fields.ForeignKeyField(
        "jiamenkou.Department", on_delete=fields.RESTRICT, related_name="schedules"
    )
    practitioner: fields.ForeignKeyNullableRelation[Practitioner] = fields.ForeignKeyField(
        "jiamenkou.Practitioner", null=True, on_delete=fields.RESTRICT, related_name="schedules"
    )
    template: fields.ForeignKeyNullableRelation[ScheduleTemplate] = fields.ForeignKeyField(
        "jiamenkou.ScheduleTemplate", null=True, on_delete=fields.RESTRICT, related_name="schedules"
    )
    held_on = fields.DateField()
    period = fields.CharField(max_length=6)
    kind = fields.CharField(max_length=10)
    starts_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()
    fee_fen = fields.IntField(default=0)
    status = fields.CharField(max_length=10, default="open")  # suspended, stopped, replaced
    release = fields.CharField(max_length=6, default="first", db_default="first")  # first, draw

    organization_id: Any
    department_id: Any
    practitioner_id: Any
    template_id: Any

    class Meta:
        table = "schedule"
        unique_together = (("template_id", "held_on"),)
        indexes = (
            ("department_id", "held_on"),
            ("practitioner_id", "held_on"),
            ("consortium_id", "held_on", "starts_at", "id"),
        )


class Slot(Model):
    """号源时段: places of one pool in a time range. `booked` counts held and booked places."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    schedule: fields.ForeignKeyRelation[Schedule] = fields.ForeignKeyField(
        "jiamenkou.Schedule", on_delete=fields.RESTRICT, related_name="slots"
    )
    pool = fields.CharField(max_length=16, default="public")
    starts_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()
    capacity = fields.IntField()
    booked = fields.IntField(default=0)
    open = fields.BooleanField(default=True)

    schedule_id: Any

    class Meta:
        table = "slot"
        unique_together = (("schedule_id", "pool", "starts_at"),)


class PoolReturn(Model):
    """Places that flowed from one pool into another, a row for each time range: append-only.

    `in_time`: whoever they went to could still book them. Else they are lost.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    schedule: fields.ForeignKeyRelation[Schedule] = fields.ForeignKeyField(
        "jiamenkou.Schedule", on_delete=fields.RESTRICT, related_name="returns"
    )
    from_slot_id = fields.UUIDField()
    to_slot_id = fields.UUIDField()
    places = fields.IntField()
    in_time = fields.BooleanField()
    at = fields.DatetimeField()

    schedule_id: Any

    class Meta:
        table = "pool_return"
        indexes = (("schedule_id",),)


# Where an appointment comes from: booked by oneself, offered from the waiting list or after a
# suspension, won in a draw, booked by the family doctor or by a referral, given at the desk.
ORIGINS = ("self", "waitlist", "suspension", "draw", "doctor", "referral", "desk")


class Appointment(Model):
    """预约. Its facts are copied from the schedule at booking, and a move changes them together.

    Only slot and patient are foreign keys: the others follow from the slot. `day_place` and
    `department_place` number a patient's living appointments of a day, so that a unique key holds
    the limits under any race. A `pending` one past `held_until` is dead already.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    organization_id = fields.UUIDField()
    department_id = fields.UUIDField()
    schedule_id = fields.UUIDField()
    slot: fields.ForeignKeyRelation[Slot] = fields.ForeignKeyField(
        "jiamenkou.Slot", on_delete=fields.RESTRICT, related_name="appointments"
    )
    patient: fields.ForeignKeyRelation[Patient] = fields.ForeignKeyField(
        "jiamenkou.Patient", on_delete=fields.RESTRICT, related_name="appointments"
    )
    account_id = fields.UUIDField()  # who booked: an account, or staff (see `origin`)
    origin = fields.CharField(max_length=12, default="self", db_default="self")
    held_on = fields.DateField()
    starts_at = fields.DatetimeField()
    status = fields.CharField(max_length=12)
    policy_version = fields.CharField(max_length=48)
    fee_fen = fields.IntField()
    day_place = fields.IntField()
    department_place = fields.IntField()
    held_until = fields.DatetimeField(null=True)
    cancelled_by = fields.CharField(max_length=10, null=True)  # patient, provider, system
    late_cancel = fields.BooleanField(default=False)  # counts as a no-show
    counted_cancel = fields.BooleanField(default=False)  # counts as a cancellation
    reason = fields.CharField(max_length=200, default="")
    created_at = fields.DatetimeField()
    changed_at = fields.DatetimeField()

    slot_id: Any
    patient_id: Any

    class Meta:
        table = "appointment"
        indexes = (("patient_id", "starts_at"),)


class AppointmentEvent(Model):
    """What happened to an appointment: append-only, who, when, why."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    appointment: fields.ForeignKeyRelation[Appointment] = fields.ForeignKeyField(
        "jiamenkou.Appointment", on_delete=fields.RESTRICT, related_name="events"
    )
    at = fields.DatetimeField()
    actor_kind = fields.CharField(max_length=16)
    actor_id = fields.UUIDField(null=True)
    action = fields.CharField(max_length=16)
    from_status = fields.CharField(max_length=12, null=True)
    to_status = fields.CharField(max_length=12)
    from_slot_id = fields.UUIDField(null=True)
    to_slot_id = fields.UUIDField(null=True)
    reason = fields.CharField(max_length=200, default="")

    appointment_id: Any

    class Meta:
        table = "appointment_event"
        indexes = (("appointment_id", "at"),)


class Restriction(Model):
    """A patient may not book `kind` for a while, and which rule says so. Never bars other kinds."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    patient: fields.ForeignKeyRelation[Patient] = fields.ForeignKeyField(
        "jiamenkou.Patient", on_delete=fields.RESTRICT, related_name="restrictions"
    )
    kind = fields.CharField(max_length=10)
    cause = fields.CharField(max_length=16)  # cancellations, no_shows
    policy_version = fields.CharField(max_length=48)
    from_at = fields.DatetimeField()
    until_at = fields.DatetimeField()
    lifted_at = fields.DatetimeField(null=True)

    patient_id: Any

    class Meta:
        table = "restriction"
        indexes = (("patient_id", "kind", "until_at"),)


class Amnesty(Model):
    """豁免: no-shows of these days count for nothing (weather, roads). Dates inclusive."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    organization: fields.ForeignKeyNullableRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", null=True, on_delete=fields.RESTRICT, related_name="amnesties"
    )
    from_on = fields.DateField()
    to_on = fields.DateField()
    reason = fields.CharField(max_length=100)
    created_by = fields.UUIDField(null=True)
    created_at = fields.DatetimeField()

    organization_id: Any

    class Meta:
        table = "amnesty"
        indexes = (("consortium_id", "from_on"),)
