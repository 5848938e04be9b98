"""What the ORM can't declare about waiting, roles and calling."""

from tortoise import migrations

from backend.migrations._per_dialect import (
    PerDialect,
    append_only_on_postgres,
    append_only_on_sqlite,
)

KEYS = [
    "CREATE UNIQUE INDEX staff_role_once ON staff_role (staff_id, role, organization_id)"
    " WHERE ended_at IS NULL AND organization_id IS NOT NULL",
    "CREATE UNIQUE INDEX staff_role_once_everywhere ON staff_role (staff_id, role)"
    " WHERE ended_at IS NULL AND organization_id IS NULL",
]


class Migration(migrations.Migration):
    dependencies = [("jiamenkou", "0003_clinics")]
    initial = False

    operations = [
        PerDialect(
            [*KEYS, *append_only_on_sqlite("waitlist_event")],
            [*KEYS, *append_only_on_postgres("waitlist_event")],
        )
    ]
