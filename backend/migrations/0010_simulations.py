from tortoise import migrations
from tortoise.migrations import operations as ops
import functools
from json import dumps, loads
from uuid import uuid4
from tortoise import fields
from tortoise.indexes import Index

from backend.migrations._per_dialect import PerDialect

KEYS = [
    "CREATE UNIQUE INDEX simulation_one_running ON simulation (staff_id) WHERE state = 'running'",
]


class Migration(migrations.Migration):
    dependencies = [('jiamenkou', '0009_duty')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Simulation',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('staff_id', fields.UUIDField()),
                ('from_on', fields.DateField()),
                ('to_on', fields.DateField()),
                ('variant', fields.JSONField(encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('state', fields.CharField(max_length=10)),
                ('percent', fields.IntField(default=0)),
                ('failure', fields.CharField(default='', max_length=16)),
                ('result', fields.JSONField(null=True, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('started_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('beat_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('ended_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'simulation', 'app': 'jiamenkou', 'indexes': [Index(fields=['staff_id', 'started_at']), Index(fields=['state', 'beat_at'])], 'pk_attr': 'id', 'table_description': '`running → done | failed | cancelled`. Of one person one at a time is running.'},
            bases=['Model'],
        ),
        PerDialect(KEYS, KEYS),
    ]
