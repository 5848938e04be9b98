from tortoise import migrations
from tortoise.migrations import operations as ops
import functools
from json import dumps, loads
from tortoise.fields.base import OnDelete
from uuid import uuid4
from tortoise import fields
from tortoise.indexes import Index

from backend.migrations._per_dialect import (
    PerDialect,
    append_only_on_postgres,
    append_only_on_sqlite,
)

QUEUED = "state IN ('waiting', 'escalated')"
LIVING = "state IN ('waiting', 'escalated', 'open')"
OVER = "state IN ('closed', 'rated')"
KEYS = [
    "CREATE UNIQUE INDEX hand_over_one_living ON hand_over (conversation_id)"
    " WHERE ended_at IS NULL",
    "CREATE UNIQUE INDEX call_task_one_undone ON call_task (conversation_id)"
    " WHERE done_at IS NULL",
    "CREATE INDEX call_task_undone ON call_task (organization_id, due_at, id) WHERE done_at IS NULL",
    "CREATE INDEX hand_over_answered ON hand_over (home_id, priority, handed_at)"
    " WHERE answered_at IS NOT NULL",
    "CREATE INDEX conversation_overdue ON conversation (due_at, id)"
    f" WHERE due_at IS NOT NULL AND {LIVING}",
    # The lists of the inbox, each in its order: of an institution, of one doctor, of the county.
    f"CREATE INDEX conversation_line ON conversation (organization_id, priority, queued_at, id)"
    f" WHERE {QUEUED}",
    f"CREATE INDEX conversation_line_of ON conversation (assigned_to, priority, queued_at, id)"
    f" WHERE {QUEUED}",
    "CREATE INDEX conversation_in_hand ON conversation (organization_id, last_at, id)"
    " WHERE state = 'open'",
    "CREATE INDEX conversation_in_hand_of ON conversation (claimed_by, priority, queued_at, id)"
    " WHERE state = 'open'",
    f"CREATE INDEX conversation_living ON conversation (consortium_id) WHERE {LIVING}",
    "CREATE INDEX conversation_in_hand_all ON conversation (consortium_id, last_at, id)"
    " WHERE state = 'open'",
    f"CREATE INDEX conversation_done ON conversation (organization_id, last_at, id) WHERE {OVER}",
    "CREATE INDEX conversation_done_by_priority ON conversation"
    f" (organization_id, priority, last_at, id) WHERE {OVER}",
    f"CREATE INDEX conversation_done_all ON conversation (consortium_id, last_at, id) WHERE {OVER}",
    "CREATE INDEX conversation_from_home ON conversation (home_id, last_at, id)"
    " WHERE home_id <> organization_id",
]

class Migration(migrations.Migration):
    dependencies = [('jiamenkou', '0008_conversations')]

    initial = False

    operations = [
        ops.CreateModel(
            name='CallTask',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('conversation', fields.ForeignKeyField('jiamenkou.Conversation', source_field='conversation_id', db_constraint=True, to_field='id', related_name='calls', on_delete=OnDelete.RESTRICT)),
                ('patient', fields.ForeignKeyField('jiamenkou.Patient', source_field='patient_id', null=True, db_constraint=True, to_field='id', related_name='calls', on_delete=OnDelete.RESTRICT)),
                ('organization', fields.ForeignKeyField('jiamenkou.Organization', source_field='organization_id', null=True, db_constraint=True, to_field='id', related_name='calls', on_delete=OnDelete.RESTRICT)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('due_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('tries', fields.SmallIntField(default=0)),
                ('outcome', fields.CharField(default='', max_length=20)),
                ('called_by', fields.UUIDField(null=True)),
                ('called_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('note', fields.CharField(default='', max_length=200)),
                ('done_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'call_task', 'app': 'jiamenkou', 'indexes': [Index(fields=['consortium_id', 'created_at'])], 'pk_attr': 'id', 'table_description': '电话名单: somebody whom staff must call now. One undone for a conversation.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='CannedReply',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('organization', fields.ForeignKeyField('jiamenkou.Organization', source_field='organization_id', null=True, db_constraint=True, to_field='id', related_name='canned', on_delete=OnDelete.RESTRICT)),
                ('staff_id', fields.UUIDField(null=True)),
                ('title', fields.CharField(max_length=20)),
                ('text', fields.CharField(max_length=500)),
                ('changed_by', fields.UUIDField(null=True)),
                ('changed_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('removed_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'canned_reply', 'app': 'jiamenkou', 'indexes': [Index(fields=['organization_id', 'removed_at']), Index(fields=['staff_id', 'removed_at'])], 'pk_attr': 'id', 'table_description': '常用语 of an institution, or (organization NULL) of one person, with {placeholders}.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ConversationNote',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('conversation', fields.ForeignKeyField('jiamenkou.Conversation', source_field='conversation_id', db_constraint=True, to_field='id', related_name='notes', on_delete=OnDelete.RESTRICT)),
                ('staff_id', fields.UUIDField(null=True)),
                ('text', fields.CharField(max_length=1000)),
                ('at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'conversation_note', 'app': 'jiamenkou', 'indexes': [Index(fields=['conversation_id', 'at'])], 'pk_attr': 'id', 'table_description': '内部备注: among staff, never shown to residents. Written once.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='DutyLeave',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('practitioner', fields.ForeignKeyField('jiamenkou.Practitioner', source_field='practitioner_id', db_constraint=True, to_field='id', related_name='leaves', on_delete=OnDelete.RESTRICT)),
                ('substitute', fields.ForeignKeyField('jiamenkou.Practitioner', source_field='substitute_id', null=True, db_constraint=True, to_field='id', related_name='stands_in', on_delete=OnDelete.RESTRICT)),
                ('from_on', fields.DateField()),
                ('to_on', fields.DateField()),
                ('created_by', fields.UUIDField(null=True)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('withdrawn_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'duty_leave', 'app': 'jiamenkou', 'indexes': [Index(fields=['consortium_id', 'to_on']), Index(fields=['practitioner_id', 'to_on'])], 'pk_attr': 'id', 'table_description': '休假, dates inclusive, and who stands in. Withdrawn, not deleted.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='DutyNumbers',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('version', fields.IntField()),
                ('numbers', fields.JSONField(encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('reason', fields.CharField(max_length=100)),
                ('created_by', fields.UUIDField(null=True)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'duty_numbers', 'app': 'jiamenkou', 'unique_together': (('consortium_id', 'version'),), 'pk_attr': 'id', 'table_description': 'One version of the due times (duty_policy.DutyPolicy), the highest one counts.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='HandOver',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('conversation', fields.ForeignKeyField('jiamenkou.Conversation', source_field='conversation_id', db_constraint=True, to_field='id', related_name='hand_overs', on_delete=OnDelete.RESTRICT)),
                ('home', fields.ForeignKeyField('jiamenkou.Organization', source_field='home_id', null=True, db_constraint=True, to_field='id', related_name='hand_overs', on_delete=OnDelete.RESTRICT)),
                ('doctor_id', fields.UUIDField(null=True)),
                ('reason', fields.CharField(max_length=20)),
                ('priority', fields.CharField(max_length=3)),
                ('policy_version', fields.CharField(max_length=40)),
                ('handed_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('due_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('level', fields.CharField(max_length=10)),
                ('escalations', fields.SmallIntField(default=0)),
                ('silent', fields.JSONField(default=list, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('answered_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('answered_by', fields.UUIDField(null=True)),
                ('ended_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('outcome', fields.CharField(default='', max_length=20)),
                ('needless', fields.BooleanField(default=False)),
            ],
            options={'table': 'hand_over', 'app': 'jiamenkou', 'indexes': [Index(fields=['consortium_id', 'handed_at']), Index(fields=['home_id', 'handed_at'])], 'pk_attr': 'id', 'table_description': "转人工: one stretch with doctors, from the queue to its end, one living a conversation."},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='OnCallDuty',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('organization', fields.ForeignKeyField('jiamenkou.Organization', source_field='organization_id', db_constraint=True, to_field='id', related_name='on_call', on_delete=OnDelete.RESTRICT)),
                ('practitioner', fields.ForeignKeyField('jiamenkou.Practitioner', source_field='practitioner_id', db_constraint=True, to_field='id', related_name='on_call', on_delete=OnDelete.RESTRICT)),
                ('from_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('to_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('created_by', fields.UUIDField(null=True)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('withdrawn_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'on_call_duty', 'app': 'jiamenkou', 'indexes': [Index(fields=['consortium_id', 'to_at']), Index(fields=['organization_id', 'from_at'])], 'pk_attr': 'id', 'table_description': '值班: a doctor of a township or county institution, from–to. Withdrawn, not deleted.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='WorkingHours',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('organization', fields.ForeignKeyField('jiamenkou.Organization', source_field='organization_id', db_constraint=True, to_field='id', related_name='working_hours', on_delete=OnDelete.RESTRICT)),
                ('practitioner', fields.ForeignKeyField('jiamenkou.Practitioner', source_field='practitioner_id', null=True, db_constraint=True, to_field='id', related_name='working_hours', on_delete=OnDelete.RESTRICT)),
                ('weekday', fields.SmallIntField()),
                ('from_min', fields.SmallIntField()),
                ('to_min', fields.SmallIntField()),
            ],
            options={'table': 'working_hours', 'app': 'jiamenkou', 'indexes': [Index(fields=['consortium_id', 'organization_id', 'practitioner_id'])], 'pk_attr': 'id', 'table_description': '上班时间 on a weekday (1 Monday), in minutes after midnight, of a doctor there, or (NULL) of'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ZeroHit',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('message', fields.OneToOneField('jiamenkou.Message', source_field='message_id', db_constraint=True, to_field='id', related_name='zero_hit', on_delete=OnDelete.RESTRICT)),
                ('rules_version', fields.CharField(max_length=80)),
                ('at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('state', fields.CharField(max_length=10)),
                ('decided_by', fields.UUIDField(null=True)),
                ('decided_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('note', fields.CharField(default='', max_length=100)),
            ],
            options={'table': 'zero_hit', 'app': 'jiamenkou', 'indexes': [Index(fields=['consortium_id', 'state', 'at'])], 'pk_attr': 'id', 'table_description': '没听懂的问题: the bot made nothing of a message, whoever writes rules looks at it.'},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='Conversation',
            name='home_id',
            field=fields.UUIDField(null=True),
        ),
        PerDialect(
            [*KEYS, *append_only_on_sqlite("conversation_note")],
            [*KEYS, *append_only_on_postgres("conversation_note")],
        ),
    ]
