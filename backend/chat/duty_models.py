"""值班: who works when, who stands in, who is on call; what was handed over, and what it led to."""

from typing import Any

from tortoise import fields
from tortoise.models import Model

from backend.chat.models import Conversation, Message
from backend.consortium.models import Organization, Practitioner
from backend.identity.models import Patient

REASON_MOST = 100
NOTE_MOST = 1000
CANNED_MOST = 500


class DutyNumbers(Model):
    """One version of the due times (duty_policy.DutyPolicy), the highest one counts."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    version = fields.IntField()
    numbers: Any = fields.JSONField()
    reason = fields.CharField(max_length=REASON_MOST)
    created_by = fields.UUIDField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "duty_numbers"
        unique_together = (("consortium_id", "version"),)


class WorkingHours(Model):
    """上班时间 on a weekday (1 Monday), in minutes after midnight, of a doctor there, or (NULL) of
    the institution."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", on_delete=fields.RESTRICT, related_name="working_hours"
    )
    practitioner: fields.ForeignKeyNullableRelation[Practitioner] = fields.ForeignKeyField(
        "jiamenkou.Practitioner", null=True, on_delete=fields.RESTRICT, related_name="working_hours"
    )
    weekday = fields.SmallIntField()
    from_min = fields.SmallIntField()
    to_min = fields.SmallIntField()

    organization_id: Any
    practitioner_id: Any

    class Meta:
        table = "working_hours"
        indexes = (("consortium_id", "organization_id", "practitioner_id"),)


class DutyLeave(Model):
    """休假, dates inclusive, and who stands in. Withdrawn, not deleted."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    practitioner: fields.ForeignKeyRelation[Practitioner] = fields.ForeignKeyField(
        "jiamenkou.Practitioner", on_delete=fields.RESTRICT, related_name="leaves"
    )
    substitute: fields.ForeignKeyNullableRelation[Practitioner] = fields.ForeignKeyField(
        "jiamenkou.Practitioner", null=True, on_delete=fields.RESTRICT, related_name="stands_in"
    )
    from_on = fields.DateField()
    to_on = fields.DateField()
    created_by = fields.UUIDField(null=True)
    created_at = fields.DatetimeField()
    withdrawn_at = fields.DatetimeField(null=True)

    practitioner_id: Any
    substitute_id: Any

    class Meta:
        table = "duty_leave"
        indexes = (("consortium_id", "to_on"), ("practitioner_id", "to_on"))


class OnCallDuty(Model):
    """值班: a doctor of a township or county institution, from–to. Withdrawn, not deleted."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", on_delete=fields.RESTRICT, related_name="on_call"
    )
    practitioner: fields.ForeignKeyRelation[Practitioner] = fields.ForeignKeyField(
        "jiamenkou.Practitioner", on_delete=fields.RESTRICT, related_name="on_call"
    )
    from_at = fields.DatetimeField()
    to_at = fields.DatetimeField()
    created_by = fields.UUIDField(null=True)
    created_at = fields.DatetimeField()
    withdrawn_at = fields.DatetimeField(null=True)

    organization_id: Any
    practitioner_id: Any

    class Meta:
        table = "on_call_duty"
        indexes = (("consortium_id", "to_at"), ("organization_id", "from_at"))


class HandOver(Model):
    """转人工: one stretch with doctors, from the queue to its end, one living a conversation.

    `due_at` is of the first answer, and stays; the conversation has the one that counts now.
    `silent`: doctors who were asked, or had claimed it, and said nothing.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    conversation: fields.ForeignKeyRelation[Conversation] = fields.ForeignKeyField(
        "jiamenkou.Conversation", on_delete=fields.RESTRICT, related_name="hand_overs"
    )
    home: fields.ForeignKeyNullableRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", null=True, on_delete=fields.RESTRICT, related_name="hand_overs"
    )
    doctor_id = fields.UUIDField(null=True)  # the family doctor, a practitioner
    reason = fields.CharField(max_length=20)  # the bot's HandOver.reason, or reopened
    priority = fields.CharField(max_length=3)
    policy_version = fields.CharField(max_length=40)
    handed_at = fields.DatetimeField()
    due_at = fields.DatetimeField()
    level = fields.CharField(max_length=10)
    escalations = fields.SmallIntField(default=0)
    silent: Any = fields.JSONField(default=list)  # practitioners
    answered_at = fields.DatetimeField(null=True)
    answered_by = fields.UUIDField(null=True)  # staff
    ended_at = fields.DatetimeField(null=True)
    outcome = fields.CharField(max_length=20, default="")
    needless = fields.BooleanField(default=False)

    conversation_id: Any
    home_id: Any

    class Meta:
        table = "hand_over"
        indexes = (("consortium_id", "handed_at"), ("home_id", "handed_at"))


class ConversationNote(Model):
    """内部备注: among staff, never shown to residents. Written once."""

    id = fields.UUIDField(primary_key=True)
    conversation: fields.ForeignKeyRelation[Conversation] = fields.ForeignKeyField(
        "jiamenkou.Conversation", on_delete=fields.RESTRICT, related_name="notes"
    )
    staff_id = fields.UUIDField(null=True)
    text = fields.CharField(max_length=NOTE_MOST)
    at = fields.DatetimeField()

    conversation_id: Any

    class Meta:
        table = "conversation_note"
        indexes = (("conversation_id", "at"),)


class CannedReply(Model):
    """常用语 of an institution, or (organization NULL) of one person, with {placeholders}."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    organization: fields.ForeignKeyNullableRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", null=True, on_delete=fields.RESTRICT, related_name="canned"
    )
    staff_id = fields.UUIDField(null=True)
    title = fields.CharField(max_length=20)
    text = fields.CharField(max_length=CANNED_MOST)
    changed_by = fields.UUIDField(null=True)
    changed_at = fields.DatetimeField()
    removed_at = fields.DatetimeField(null=True)

    organization_id: Any

    class Meta:
        table = "canned_reply"
        indexes = (("organization_id", "removed_at"), ("staff_id", "removed_at"))


class CallTask(Model):
    """电话名单: somebody whom staff must call now. One undone for a conversation."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    conversation: fields.ForeignKeyRelation[Conversation] = fields.ForeignKeyField(
        "jiamenkou.Conversation", on_delete=fields.RESTRICT, related_name="calls"
    )
    patient: fields.ForeignKeyNullableRelation[Patient] = fields.ForeignKeyField(
        "jiamenkou.Patient", null=True, on_delete=fields.RESTRICT, related_name="calls"
    )
    organization: fields.ForeignKeyNullableRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", null=True, on_delete=fields.RESTRICT, related_name="calls"
    )  # who is asked to call; follows the conversation
    created_at = fields.DatetimeField()
    due_at = fields.DatetimeField()
    tries = fields.SmallIntField(default=0)
    outcome = fields.CharField(max_length=20, default="")  # of the last try
    called_by = fields.UUIDField(null=True)  # staff
    called_at = fields.DatetimeField(null=True)
    note = fields.CharField(max_length=200, default="")
    done_at = fields.DatetimeField(null=True)

    conversation_id: Any
    patient_id: Any
    organization_id: Any

    class Meta:
        table = "call_task"
        indexes = (("consortium_id", "created_at"),)


class ZeroHit(Model):
    """没听懂的问题: the bot made nothing of a message, whoever writes rules looks at it.

    The words stay in the message: what is recalled or erased there is gone here too.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    message: fields.OneToOneRelation[Message] = fields.OneToOneField(
        "jiamenkou.Message", on_delete=fields.RESTRICT, related_name="zero_hit"
    )
    rules_version = fields.CharField(max_length=80)
    at = fields.DatetimeField()
    state = fields.CharField(max_length=10)  # new, done, dismissed
    decided_by = fields.UUIDField(null=True)
    decided_at = fields.DatetimeField(null=True)
    note = fields.CharField(max_length=REASON_MOST, default="")

    message_id: Any

    class Meta:
        table = "zero_hit"
        indexes = (("consortium_id", "state", "at"),)
