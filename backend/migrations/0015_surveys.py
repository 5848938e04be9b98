"""Surveys: an answer is anonymous as a whole or not at all, and neither it nor a mark is changed."""

import functools
from json import dumps, loads
from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from backend.migrations._per_dialect import (
    PerDialect,
    append_only_on_postgres,
    append_only_on_sqlite,
)

LINKS = ("appointment_id", "patient_id", "account_id", "answered_at")


def whole(prefix: str = "") -> str:
    """All of what joins an answer to its visit, or nothing."""
    return " OR ".join(
        "(" + " AND ".join(f"{prefix}{name} IS {null}" for name in LINKS) + ")"
        for null in ("NULL", "NOT NULL")
    )


SQLITE = [
    *append_only_on_sqlite("survey_mark"),
    "CREATE TRIGGER survey_response_whole BEFORE INSERT ON survey_response"
    f" WHEN NOT ({whole('NEW.')})"
    " BEGIN SELECT RAISE(ABORT, 'survey_response_whole'); END",
    "CREATE TRIGGER survey_response_fixed BEFORE UPDATE ON survey_response"
    " BEGIN SELECT RAISE(ABORT, 'survey_response is not changed'); END",
]
POSTGRES = [
    *append_only_on_postgres("survey_mark"),
    f"ALTER TABLE survey_response ADD CONSTRAINT survey_response_whole CHECK ({whole()})",
    "CREATE TRIGGER survey_response_fixed BEFORE UPDATE ON survey_response"
    " FOR EACH ROW EXECUTE FUNCTION append_only()",
]


class Migration(migrations.Migration):
    dependencies = [('jiamenkou', '0014_medication_plans')]

    initial = False

    operations = [
        ops.CreateModel(
            name='SurveyMark',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('appointment', fields.OneToOneField('jiamenkou.Appointment', source_field='appointment_id', db_constraint=True, to_field='id', related_name='survey_mark', on_delete=OnDelete.RESTRICT)),
            ],
            options={'table': 'survey_mark', 'app': 'jiamenkou', 'pk_attr': 'id', 'table_description': 'This visit was answered for: once. It says neither when, nor by whom, nor how.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='SurveyResponse',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('organization_id', fields.UUIDField()),
                ('survey', fields.CharField(max_length=32)),
                ('survey_version', fields.IntField()),
                ('week_on', fields.DateField()),
                ('answers', fields.JSONField(encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('comment', fields.CharField(default='', max_length=300)),
                ('appointment', fields.OneToOneField('jiamenkou.Appointment', source_field='appointment_id', null=True, db_constraint=True, to_field='id', related_name='survey_response', on_delete=OnDelete.RESTRICT)),
                ('patient', fields.ForeignKeyField('jiamenkou.Patient', source_field='patient_id', null=True, db_constraint=True, to_field='id', related_name='survey_responses', on_delete=OnDelete.RESTRICT)),
                ('account_id', fields.UUIDField(null=True)),
                ('answered_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'survey_response', 'app': 'jiamenkou', 'indexes': [Index(fields=['organization_id', 'week_on']), Index(fields=['patient_id']), Index(fields=['account_id'])], 'pk_attr': 'id', 'table_description': '答卷. Keys are random, and of its time it has the Monday of its week (of the answer).'},
            bases=['Model'],
        ),
        PerDialect(SQLITE, POSTGRES),
    ]
