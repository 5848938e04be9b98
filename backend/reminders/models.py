"""提醒: what may be sent to whom, and what residents take by which plan."""

from typing import Any

from tortoise import fields
from tortoise.models import Model

from backend.identity.models import Account, Patient


class Subscription(Model):
    """订阅: how many messages of one template an account has accepted, and how many were spent.

    One tap is told twice: by the phone at once, and by WeChat signed. Either may be lost, so both
    are counted apart and the greater one is believed.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "jiamenkou.Account", on_delete=fields.RESTRICT, related_name="subscriptions"
    )
    template_id = fields.CharField(max_length=64)
    accepted_by_phone = fields.IntField(default=0)
    accepted_by_wechat = fields.IntField(default=0)
    spent = fields.IntField(default=0)
    answer = fields.CharField(max_length=8)  # the latest; `off`: in WeChat's own settings
    answered_at = fields.DatetimeField()

    account_id: Any

    class Meta:
        table = "subscription"
        unique_together = (("account_id", "template_id"),)


class MedicationPlan(Model):
    """用药计划 of a patient: active, until it is ended. What it says stands in its versions.

    `version` is the number of the one in force; whoever changes the plan must have seen it.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    patient: fields.ForeignKeyRelation[Patient] = fields.ForeignKeyField(
        "jiamenkou.Patient", on_delete=fields.RESTRICT, related_name="medication_plans"
    )
    status = fields.CharField(max_length=8)  # medication_records.ACTIVE, ENDED
    version = fields.IntField()
    created_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    ended_for = fields.CharField(max_length=12, default="")  # medication_records.REASONS
    ended_by = fields.UUIDField(null=True)  # account or staff

    patient_id: Any

    class Meta:
        table = "medication_plan"
        indexes = (("patient_id", "status", "created_at"),)


class MedicationVersion(Model):
    """What a plan said from `created_at` to `ended_at`. Words and hours never change, see 0014."""

    id = fields.UUIDField(primary_key=True)
    plan: fields.ForeignKeyRelation[MedicationPlan] = fields.ForeignKeyField(
        "jiamenkou.MedicationPlan", on_delete=fields.RESTRICT, related_name="versions"
    )
    number = fields.IntField()  # from 1
    medicine = fields.CharField(max_length=60)
    amount = fields.CharField(max_length=30)
    times: Any = fields.JSONField(default=list)  # 08:00, on a wall in China
    meals: Any = fields.JSONField(default=list)  # codes of timetable.WHEN
    every_days = fields.SmallIntField()
    weekdays: Any = fields.JSONField(default=list)  # 1 is Monday
    from_on = fields.DateField()
    to_on = fields.DateField()
    as_needed = fields.BooleanField()
    at_most = fields.CharField(max_length=60)
    note = fields.CharField(max_length=200)
    written_by = fields.CharField(max_length=8)  # doctor, self
    writer_id = fields.UUIDField()  # staff or account
    created_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    plan_id: Any

    class Meta:
        table = "medication_version"
        unique_together = (("plan_id", "number"),)


class FollowUpPlan(Model):
    """随访计划: why somebody is looked at again and again, by whom. Active until it is ended.

    `rule` is the version of the rule that proposed the interval, empty where the doctor chose it.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    patient: fields.ForeignKeyRelation[Patient] = fields.ForeignKeyField(
        "jiamenkou.Patient", on_delete=fields.RESTRICT, related_name="follow_up_plans"
    )
    staff_id = fields.UUIDField()  # who began it, and looks
    about = fields.CharField(max_length=60)  # what for
    rule = fields.CharField(max_length=40, default="")
    every_days = fields.SmallIntField()
    status = fields.CharField(max_length=8)  # follow_ups.ACTIVE, ENDED
    created_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    ended_by = fields.UUIDField(null=True)  # staff

    patient_id: Any

    class Meta:
        table = "follow_up_plan"
        indexes = (("patient_id", "status", "created_at"),)


class FollowUp(Model):
    """随访: one look, due on a day. States in policy.STATES, of a plan one is planned at a time."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    plan: fields.ForeignKeyRelation[FollowUpPlan] = fields.ForeignKeyField(
        "jiamenkou.FollowUpPlan", on_delete=fields.RESTRICT, related_name="follow_ups"
    )
    patient: fields.ForeignKeyRelation[Patient] = fields.ForeignKeyField(
        "jiamenkou.Patient", on_delete=fields.RESTRICT, related_name="follow_ups"
    )
    staff_id = fields.UUIDField()
    number = fields.IntField()  # from 1
    due_on = fields.DateField()
    state = fields.CharField(max_length=10)
    note = fields.CharField(max_length=200, default="")
    created_at = fields.DatetimeField()
    closed_at = fields.DatetimeField(null=True)
    closed_by = fields.UUIDField(null=True)  # staff

    plan_id: Any
    patient_id: Any

    class Meta:
        table = "follow_up"
        unique_together = (("plan_id", "number"),)
        indexes = (("staff_id", "state", "due_on", "id"), ("patient_id", "state", "due_on"))
