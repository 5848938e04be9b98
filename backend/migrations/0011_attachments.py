"""What pictures and voice notes are, sealed, in the database; one for each name of its sender."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from backend.migrations._per_dialect import PerDialect

KEYS = [
    "CREATE UNIQUE INDEX attachment_once ON attachment (conversation_id, client_id)",
    "CREATE INDEX attachment_created ON attachment (created_at)",
]
# SQLite makes the table anew without a column, and forgets these.
LOST = [
    "CREATE INDEX attachment_of_conversation ON attachment (conversation_id, created_at)",
    "CREATE INDEX attachment_by_hash ON attachment (sha256)",
]


class Migration(migrations.Migration):
    dependencies = [('jiamenkou', '0010_simulations')]

    initial = False

    operations = [
        ops.CreateModel(
            name='AttachmentContent',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('whole', fields.BinaryField()),
                ('thumbnail', fields.BinaryField(null=True)),
            ],
            options={'table': 'attachment_content', 'app': 'jiamenkou', 'pk_attr': 'id', 'table_description': 'The bytes of an attachment, sealed: a table of its own, as lists never want them.'},
            bases=['Model'],
        ),
        ops.AlterModelOptions(
            name='Attachment',
            options={'table': 'attachment', 'app': 'jiamenkou', 'indexes': [Index(fields=['conversation_id', 'created_at']), Index(fields=['sha256'])], 'pk_attr': 'id', 'table_description': 'A picture or a voice note, made anew before it is kept.'},
        ),
        ops.AddField(
            model_name='Attachment',
            name='client_id',
            field=fields.CharField(max_length=64, db_default=''),
        ),
        ops.RemoveField(model_name='Attachment', name='path'),
        PerDialect([*KEYS, *LOST], KEYS),
    ]
