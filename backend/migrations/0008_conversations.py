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
    "CREATE INDEX conversation_queue ON conversation (consortium_id, priority, queued_at, id)"
    " WHERE state IN ('waiting', 'escalated')",
    "CREATE INDEX conversation_due ON conversation (due_at) WHERE state = 'waiting' AND due_at IS NOT NULL",
    "CREATE INDEX conversation_of_staff ON conversation (claimed_by, last_at) WHERE claimed_by IS NOT NULL",
    "CREATE INDEX conversation_idle ON conversation (last_at) WHERE state = 'bot'",
    "CREATE INDEX message_to_check ON message (check_at) WHERE check_state = 'pending'",
    "CREATE INDEX message_of_attachment ON message (attachment_id) WHERE attachment_id IS NOT NULL",
]
# Who said what in which order is never changed. Words may be emptied when a person is erased.
STAYS = ("conversation_id", "seq", "client_id", "author_kind", "author_id", "at")
# Source: 互联网诊疗监管细则（试行）, 2022: records of the process are kept for 3 years at least.
YEARS = 3
KEPT = ("message", "conversation_event")
FIXED = ("conversation_event", "bot_turn")

SQLITE = [
    *KEYS,
    "CREATE TRIGGER message_author_stays BEFORE UPDATE ON message WHEN "
    + " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in STAYS)
    + " BEGIN SELECT RAISE(ABORT, 'message_author_stays'); END",
    *(
        f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table}"
        f" WHEN OLD.at > datetime('now', '-{YEARS} years')"
        f" BEGIN SELECT RAISE(ABORT, '{table} is kept'); END"
        for table in KEPT
    ),
    *(
        f"CREATE TRIGGER {table}_fixed BEFORE UPDATE ON {table}"
        f" BEGIN SELECT RAISE(ABORT, '{table} is never changed'); END"
        for table in FIXED
    ),
]
POSTGRES = [
    *KEYS,
    "CREATE FUNCTION message_author_stays() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'message_author_stays'; END $$",
    "CREATE TRIGGER message_author_stays BEFORE UPDATE ON message FOR EACH ROW WHEN ("
    + " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in STAYS)
    + ") EXECUTE FUNCTION message_author_stays()",
    *(
        f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} FOR EACH ROW"
        f" WHEN (OLD.at > now() - interval '{YEARS} years') EXECUTE FUNCTION append_only()"
        for table in KEPT
    ),
    *(
        f"CREATE TRIGGER {table}_fixed BEFORE UPDATE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION append_only()"
        for table in FIXED
    ),
]

class Migration(migrations.Migration):
    dependencies = [('jiamenkou', '0007_appointments_of_a_schedule')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Conversation',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('account_id', fields.UUIDField()),
                ('patient', fields.ForeignKeyField('jiamenkou.Patient', source_field='patient_id', null=True, db_constraint=True, to_field='id', related_name='conversations', on_delete=OnDelete.RESTRICT)),
                ('organization', fields.ForeignKeyField('jiamenkou.Organization', source_field='organization_id', null=True, db_constraint=True, to_field='id', related_name='conversations', on_delete=OnDelete.RESTRICT)),
                ('state', fields.CharField(max_length=10)),
                ('version', fields.IntField(default=0)),
                ('opened_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('priority', fields.CharField(default='IV', max_length=3)),
                ('tier', fields.CharField(null=True, max_length=10)),
                ('departments', fields.JSONField(default=list, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('red_flag', fields.BooleanField(default=False)),
                ('rules_version', fields.CharField(default='', max_length=80)),
                ('memory', fields.JSONField(null=True, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('triage', fields.JSONField(null=True, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('turns', fields.IntField(default=0)),
                ('handed_over_for', fields.CharField(default='', max_length=20)),
                ('queued_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('due_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('routed_by', fields.CharField(default='', max_length=16)),
                ('assigned_to', fields.UUIDField(null=True)),
                ('claimed_by', fields.UUIDField(null=True)),
                ('claimed_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('answered_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('last_seq', fields.IntField(default=0)),
                ('last_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('preview', fields.CharField(default='', max_length=60)),
                ('resident_unread', fields.IntField(default=0)),
                ('staff_unread', fields.IntField(default=0)),
                ('resident_read', fields.IntField(default=0)),
                ('resident_delivered', fields.IntField(default=0)),
                ('staff_read', fields.IntField(default=0)),
                ('staff_delivered', fields.IntField(default=0)),
                ('closed_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('closed_by', fields.UUIDField(null=True)),
                ('outcome', fields.CharField(default='', max_length=20)),
                ('reopened', fields.IntField(default=0)),
                ('rating', fields.SmallIntField(null=True)),
                ('rating_words', fields.CharField(default='', max_length=300)),
                ('rated_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'conversation', 'app': 'jiamenkou', 'indexes': [Index(fields=['account_id', 'last_at', 'id']), Index(fields=['patient_id', 'last_at']), Index(fields=['organization_id', 'last_at'])], 'pk_attr': 'id', 'table_description': '会话 of one account, about one patient or (NULL) nobody yet. States in policy.STATES.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Attachment',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('conversation', fields.ForeignKeyField('jiamenkou.Conversation', source_field='conversation_id', db_constraint=True, to_field='id', related_name='attachments', on_delete=OnDelete.RESTRICT)),
                ('account_id', fields.UUIDField(null=True)),
                ('staff_id', fields.UUIDField(null=True)),
                ('kind', fields.CharField(max_length=10)),
                ('media_type', fields.CharField(max_length=40)),
                ('bytes', fields.IntField()),
                ('width', fields.IntField(null=True)),
                ('height', fields.IntField(null=True)),
                ('duration_ms', fields.IntField(null=True)),
                ('sha256', fields.CharField(max_length=64)),
                ('path', fields.CharField(max_length=200)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('removed_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'attachment', 'app': 'jiamenkou', 'indexes': [Index(fields=['conversation_id', 'created_at']), Index(fields=['sha256'])], 'pk_attr': 'id', 'table_description': 'A picture or a voice note, re-encoded and kept as a file under its hash.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='BotTurn',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('conversation', fields.ForeignKeyField('jiamenkou.Conversation', source_field='conversation_id', db_constraint=True, to_field='id', related_name='bot_turns', on_delete=OnDelete.RESTRICT)),
                ('number', fields.IntField()),
                ('message_id', fields.UUIDField(null=True)),
                ('rules_version', fields.CharField(max_length=80)),
                ('person', fields.JSONField(encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('memory', fields.JSONField(null=True, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('said', fields.JSONField(null=True, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('turn', fields.JSONField(encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'bot_turn', 'app': 'jiamenkou', 'unique_together': (('conversation_id', 'number'),), 'pk_attr': 'id', 'table_description': 'A decision of the bot with all that it was made from, so that it can be made again.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ConversationEvent',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('conversation', fields.ForeignKeyField('jiamenkou.Conversation', source_field='conversation_id', db_constraint=True, to_field='id', related_name='events', on_delete=OnDelete.RESTRICT)),
                ('at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('actor_kind', fields.CharField(max_length=16)),
                ('actor_id', fields.UUIDField(null=True)),
                ('action', fields.CharField(max_length=20)),
                ('from_state', fields.CharField(null=True, max_length=10)),
                ('to_state', fields.CharField(max_length=10)),
                ('reason', fields.CharField(default='', max_length=200)),
                ('detail', fields.JSONField(default=dict, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
            ],
            options={'table': 'conversation_event', 'app': 'jiamenkou', 'indexes': [Index(fields=['conversation_id', 'at']), Index(fields=['at', 'id'])], 'pk_attr': 'id', 'table_description': 'Who did what to a conversation, and why: append-only.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Message',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('conversation', fields.ForeignKeyField('jiamenkou.Conversation', source_field='conversation_id', db_constraint=True, to_field='id', related_name='messages', on_delete=OnDelete.RESTRICT)),
                ('seq', fields.IntField()),
                ('client_id', fields.CharField(max_length=64)),
                ('request_hash', fields.CharField(max_length=64)),
                ('author_kind', fields.CharField(max_length=10)),
                ('author_id', fields.UUIDField(null=True)),
                ('kind', fields.CharField(max_length=12)),
                ('body', fields.TextField(default='', unique=False)),
                ('payload', fields.JSONField(null=True, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('quoted', fields.ForeignKeyField('jiamenkou.Message', source_field='quoted_id', null=True, db_constraint=True, to_field='id', related_name='quoted_by', on_delete=OnDelete.RESTRICT)),
                ('attachment', fields.ForeignKeyField('jiamenkou.Attachment', source_field='attachment_id', null=True, db_constraint=True, to_field='id', related_name='messages', on_delete=OnDelete.RESTRICT)),
                ('at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('recalled_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('check_state', fields.CharField(default='none', max_length=10)),
                ('check_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('check_tries', fields.SmallIntField(default=0)),
            ],
            options={'table': 'message', 'app': 'jiamenkou', 'unique_together': (('conversation_id', 'seq'), ('conversation_id', 'client_id')), 'pk_attr': 'id', 'table_description': '消息: number `seq` of its conversation, without gaps. Author and order stay as written.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='RuleSet',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('version', fields.CharField(unique=True, max_length=80)),
                ('blob', fields.BinaryField()),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'rule_set', 'app': 'jiamenkou', 'pk_attr': 'id', 'table_description': 'Rules of the bot as they were, by version: conversations keep those that they began with.'},
            bases=['Model'],
        ),
        PerDialect(SQLITE, POSTGRES),
    ]
