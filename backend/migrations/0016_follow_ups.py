"""随访计划 and 随访: of each plan one is planned at a time."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from uuid import uuid4
from tortoise import fields
from tortoise.indexes import Index

from backend.migrations._per_dialect import PerDialect

KEYS = [
    "CREATE UNIQUE INDEX follow_up_planned ON follow_up (plan_id) WHERE state = 'planned'",
]


class Migration(migrations.Migration):
    dependencies = [('jiamenkou', '0015_surveys')]

    initial = False

    operations = [
        ops.CreateModel(
            name='FollowUpPlan',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('patient', fields.ForeignKeyField('jiamenkou.Patient', source_field='patient_id', db_constraint=True, to_field='id', related_name='follow_up_plans', on_delete=OnDelete.RESTRICT)),
                ('staff_id', fields.UUIDField()),
                ('about', fields.CharField(max_length=60)),
                ('rule', fields.CharField(default='', max_length=40)),
                ('every_days', fields.SmallIntField()),
                ('status', fields.CharField(max_length=8)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('ended_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('ended_by', fields.UUIDField(null=True)),
            ],
            options={'table': 'follow_up_plan', 'app': 'jiamenkou', 'indexes': [Index(fields=['patient_id', 'status', 'created_at'])], 'pk_attr': 'id', 'table_description': '随访计划: why somebody is looked at again and again, by whom. Active until it is ended.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='FollowUp',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('plan', fields.ForeignKeyField('jiamenkou.FollowUpPlan', source_field='plan_id', db_constraint=True, to_field='id', related_name='follow_ups', on_delete=OnDelete.RESTRICT)),
                ('patient', fields.ForeignKeyField('jiamenkou.Patient', source_field='patient_id', db_constraint=True, to_field='id', related_name='follow_ups', on_delete=OnDelete.RESTRICT)),
                ('staff_id', fields.UUIDField()),
                ('number', fields.IntField()),
                ('due_on', fields.DateField()),
                ('state', fields.CharField(max_length=10)),
                ('note', fields.CharField(default='', max_length=200)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('closed_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('closed_by', fields.UUIDField(null=True)),
            ],
            options={'table': 'follow_up', 'app': 'jiamenkou', 'unique_together': (('plan_id', 'number'),), 'indexes': [Index(fields=['staff_id', 'state', 'due_on', 'id']), Index(fields=['patient_id', 'state', 'due_on'])], 'pk_attr': 'id', 'table_description': '随访: one look, due on a day. States in policy.STATES, of a plan one is planned at a time.'},
            bases=['Model'],
        ),
        PerDialect(KEYS, KEYS),
    ]
