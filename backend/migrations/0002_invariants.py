"""What the ORM can't declare: partial unique keys, checks, and an audit that can't be rewritten.

SQLite can't add a CHECK to a table that exists, so triggers say the same there.
"""

from tortoise import migrations

from backend.migrations._per_dialect import (
    PerDialect,
    append_only_on_postgres,
    append_only_on_sqlite,
)

LIVING = "status NOT IN ('cancelled', 'excused')"
PLACES = "booked >= 0 AND booked <= capacity AND capacity >= 0"

UNIQUE_KEYS = [
    f"CREATE UNIQUE INDEX appointment_one_per_schedule ON appointment (patient_id, schedule_id) WHERE {LIVING}",
    f"CREATE UNIQUE INDEX appointment_places_of_day ON appointment (patient_id, held_on, day_place) WHERE {LIVING}",
    "CREATE UNIQUE INDEX appointment_places_of_department ON appointment"
    f" (patient_id, department_id, held_on, department_place) WHERE {LIVING}",
    "CREATE INDEX appointment_pending ON appointment (slot_id, held_until) WHERE status = 'pending'",
    "CREATE UNIQUE INDEX carer_one_default ON carer (account_id) WHERE is_default",
    "CREATE UNIQUE INDEX organization_role_once ON practitioner_role (practitioner_id, department_id, kind)"
    " WHERE from_on IS NULL",
]

APPEND_ONLY = ("audit_event", "appointment_event", "consent")

SQLITE = [
    *UNIQUE_KEYS,
    *(
        f"CREATE TRIGGER slot_places_{deed.lower()} BEFORE {deed} ON slot"
        f" WHEN NOT ({PLACES.replace('booked', 'NEW.booked').replace('capacity', 'NEW.capacity')})"
        " BEGIN SELECT RAISE(ABORT, 'slot_places'); END"
        for deed in ("INSERT", "UPDATE")
    ),
    *append_only_on_sqlite(*APPEND_ONLY),
]

POSTGRES = [
    *UNIQUE_KEYS,
    f"ALTER TABLE slot ADD CONSTRAINT slot_places CHECK ({PLACES})",
    "CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$",
    *append_only_on_postgres(*APPEND_ONLY),
]


class Migration(migrations.Migration):
    dependencies = [("jiamenkou", "0001_initial")]
    initial = False

    operations = [PerDialect(SQLITE, POSTGRES)]
