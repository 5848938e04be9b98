"""用药计划 by versions: what a version says is never rewritten, and a plan has one in force."""

from tortoise import migrations
from tortoise.migrations import operations as ops
import functools
from json import dumps, loads
from tortoise.fields.base import OnDelete
from uuid import uuid4
from tortoise import fields
from tortoise.indexes import Index

from backend.migrations._per_dialect import PerDialect

KEYS = [
    "CREATE UNIQUE INDEX medication_version_in_force ON medication_version (plan_id)"
    " WHERE ended_at IS NULL",
]
WRITTEN = (
    "plan_id, number, medicine, amount, times, meals, every_days, weekdays, from_on, to_on,"
    " as_needed, at_most, note, written_by, writer_id, created_at"
)
KEPT_ON_SQLITE = (
    f"CREATE TRIGGER medication_version_as_written BEFORE UPDATE OF {WRITTEN}"
    " ON medication_version"
    " BEGIN SELECT RAISE(ABORT, 'medication_version is append-only'); END"
)
KEPT_ON_POSTGRES = (
    f"CREATE TRIGGER medication_version_as_written BEFORE UPDATE OF {WRITTEN}"
    " ON medication_version FOR EACH ROW EXECUTE FUNCTION append_only()"
)


class Migration(migrations.Migration):
    dependencies = [('jiamenkou', '0013_inbox_of_the_county')]

    initial = False

    operations = [
        ops.CreateModel(
            name='MedicationPlan',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('patient', fields.ForeignKeyField('jiamenkou.Patient', source_field='patient_id', db_constraint=True, to_field='id', related_name='medication_plans', on_delete=OnDelete.RESTRICT)),
                ('status', fields.CharField(max_length=8)),
                ('version', fields.IntField()),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('ended_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('ended_for', fields.CharField(default='', max_length=12)),
                ('ended_by', fields.UUIDField(null=True)),
            ],
            options={'table': 'medication_plan', 'app': 'jiamenkou', 'indexes': [Index(fields=['patient_id', 'status', 'created_at'])], 'pk_attr': 'id', 'table_description': '用药计划 of a patient: active, until it is ended. What it says stands in its versions.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='MedicationVersion',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('plan', fields.ForeignKeyField('jiamenkou.MedicationPlan', source_field='plan_id', db_constraint=True, to_field='id', related_name='versions', on_delete=OnDelete.RESTRICT)),
                ('number', fields.IntField()),
                ('medicine', fields.CharField(max_length=60)),
                ('amount', fields.CharField(max_length=30)),
                ('times', fields.JSONField(default=list, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('meals', fields.JSONField(default=list, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('every_days', fields.SmallIntField()),
                ('weekdays', fields.JSONField(default=list, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('from_on', fields.DateField()),
                ('to_on', fields.DateField()),
                ('as_needed', fields.BooleanField()),
                ('at_most', fields.CharField(max_length=60)),
                ('note', fields.CharField(max_length=200)),
                ('written_by', fields.CharField(max_length=8)),
                ('writer_id', fields.UUIDField()),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('ended_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'medication_version', 'app': 'jiamenkou', 'unique_together': (('plan_id', 'number'),), 'pk_attr': 'id', 'table_description': 'What a plan said from `created_at` to `ended_at`. Words and hours never change, see 0014.'},
            bases=['Model'],
        ),
        PerDialect([*KEYS, KEPT_ON_SQLITE], [*KEYS, KEPT_ON_POSTGRES]),
    ]
