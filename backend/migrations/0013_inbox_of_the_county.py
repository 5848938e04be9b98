"""The county's administrators list closed conversations of one priority by an index of their own."""

from tortoise import migrations

from backend.migrations._per_dialect import PerDialect

KEYS = [
    "CREATE INDEX conversation_done_all_by_priority ON conversation"
    " (consortium_id, priority, last_at, id) WHERE state IN ('closed', 'rated')",
]


class Migration(migrations.Migration):
    dependencies = [("jiamenkou", "0012_one_time_passwords")]
    initial = False

    operations = [PerDialect(KEYS, KEYS)]
