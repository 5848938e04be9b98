"""答卷, and the mark that a visit was answered for. Nothing joins the two."""

from typing import Any
from uuid import uuid4

from tortoise import fields
from tortoise.models import Model

from backend.booking.models import Appointment
from backend.identity.models import Patient


class SurveyResponse(Model):
    """答卷. Keys are random, and of its time it has the Monday of its week (of the answer).

    An anonymous one has no appointment, patient, account or time: a constraint refuses a part of
    them; `mixed` says whether it was written anew since (`mixing`). `answers` by item: 1 to 5, or
    null where it did not apply.
    """

    id = fields.UUIDField(primary_key=True, default=uuid4)
    consortium_id = fields.UUIDField()
    organization_id = fields.UUIDField()
    survey = fields.CharField(max_length=32)
    survey_version = fields.IntField()
    week_on = fields.DateField()
    answers: Any = fields.JSONField()
    comment = fields.CharField(max_length=300, default="")
    mixed = fields.BooleanField(default=False, db_default=False)
    appointment: fields.OneToOneNullableRelation[Appointment] = fields.OneToOneField(
        "jiamenkou.Appointment",
        on_delete=fields.RESTRICT,
        related_name="survey_response",
        null=True,
    )
    patient: fields.ForeignKeyNullableRelation[Patient] = fields.ForeignKeyField(
        "jiamenkou.Patient", on_delete=fields.RESTRICT, related_name="survey_responses", null=True
    )
    account_id = fields.UUIDField(null=True)
    answered_at = fields.DatetimeField(null=True)

    appointment_id: Any
    patient_id: Any

    class Meta:
        table = "survey_response"
        indexes = (("organization_id", "week_on"), ("patient_id",), ("account_id",))


class SurveyMark(Model):
    """This visit was answered for: once. It says neither when, nor by whom, nor how."""

    id = fields.UUIDField(primary_key=True, default=uuid4)
    consortium_id = fields.UUIDField()
    appointment: fields.OneToOneRelation[Appointment] = fields.OneToOneField(
        "jiamenkou.Appointment", on_delete=fields.RESTRICT, related_name="survey_mark"
    )

    appointment_id: Any

    class Meta:
        table = "survey_mark"
