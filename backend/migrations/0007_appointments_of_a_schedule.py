"""Everybody of a schedule is looked up by it: day lists, lines, no-shows, suspensions."""

from tortoise import migrations

from backend.migrations._per_dialect import PerDialect

KEYS = ["CREATE INDEX appointment_of_schedule ON appointment (schedule_id)"]


class Migration(migrations.Migration):
    dependencies = [("jiamenkou", "0006_pool_invariants")]
    initial = False

    operations = [PerDialect(KEYS, KEYS)]
