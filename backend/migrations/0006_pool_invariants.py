"""What the ORM can't declare about contracts and about places that flow back."""

from tortoise import migrations

from backend.migrations._per_dialect import (
    PerDialect,
    append_only_on_postgres,
    append_only_on_sqlite,
)

KEYS = [
    "CREATE UNIQUE INDEX contract_one_living ON family_doctor_contract (patient_id)"
    " WHERE ended_at IS NULL",
]


class Migration(migrations.Migration):
    dependencies = [("jiamenkou", "0005_pools")]
    initial = False

    operations = [
        PerDialect(
            [*KEYS, *append_only_on_sqlite("pool_return")],
            [*KEYS, *append_only_on_postgres("pool_return")],
        )
    ]
