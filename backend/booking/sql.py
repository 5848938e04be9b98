"""The statements of the hot path, by name. `$n` on PostgreSQL, `?` on SQLite."""

import functools
import json
from typing import Any

from backend import db

# What another worker published first stays.
PUBLISH_SLOT = """
INSERT INTO slot (id, consortium_id, schedule_id, pool, starts_at, ends_at, capacity, booked, open)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, true) ON CONFLICT DO NOTHING
"""

LIVING = "status NOT IN ('cancelled', 'excused')"

# All in one statement, so one round trip and one commit: lock the slots in the order of their ids
# (no deadlocks among batches), let each line as many in as there is room, count them, and write
# event, audit and receipt beside them (each the first of its table for this appointment, so they
# share its id). `free` is read under the lock, so it is never stale; what
# else rivals did since the statement began is caught by the unique keys (ON CONFLICT DO NOTHING).
TAKE_ON_POSTGRES = """
WITH wish AS (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[],
    $6::timestamptz[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
  WITH ORDINALITY AS w (appointment_id, slot_id, patient_id, account_id, status, held_until,
    policy_version, key, request_hash, answer, request_id, turn)
), place AS MATERIALIZED (
  SELECT id, consortium_id, schedule_id, starts_at, capacity - booked AS free FROM slot
  WHERE id = ANY ($2) AND open ORDER BY id FOR NO KEY UPDATE
), line AS (
  SELECT w.*, p.consortium_id, p.schedule_id, p.starts_at, p.free, s.organization_id,
    s.department_id, s.held_on, s.fee_fen,
    row_number() OVER (PARTITION BY w.slot_id ORDER BY w.turn) AS position
  FROM wish w JOIN place p ON p.id = w.slot_id JOIN schedule s ON s.id = p.schedule_id
  WHERE EXISTS (
      SELECT 1 FROM carer c WHERE c.patient_id = w.patient_id AND c.account_id = w.account_id
      AND c.state = 'active' AND c.scope IN ('book', 'manage')
      AND (c.expires_at IS NULL OR c.expires_at > $12))
    AND NOT EXISTS (
      SELECT 1 FROM idempotency_key k WHERE k.account_id = w.account_id AND k.key = w.key)
    AND (s.kind <> 'expert' OR NOT EXISTS (
      SELECT 1 FROM restriction r WHERE r.patient_id = w.patient_id AND r.kind = s.kind
      AND r.until_at > $12 AND r.lifted_at IS NULL))
), taken AS (
  INSERT INTO appointment (id, consortium_id, organization_id, department_id, schedule_id, slot_id,
    patient_id, account_id, held_on, starts_at, status, policy_version, fee_fen, day_place,
    department_place, held_until, late_cancel, counted_cancel, reason, created_at, changed_at)
  SELECT appointment_id, consortium_id, organization_id, department_id, schedule_id, slot_id,
    patient_id, account_id, held_on, starts_at, status, policy_version, fee_fen, 1, 1, held_until,
    false, false, '', $12, $12
  FROM line WHERE position <= free
  ON CONFLICT DO NOTHING RETURNING id, slot_id
), counted AS (
  UPDATE slot SET booked = booked + n
  FROM (SELECT slot_id, count(*)::int AS n FROM taken GROUP BY slot_id) t WHERE slot.id = t.slot_id
), told AS (
  INSERT INTO appointment_event (id, consortium_id, appointment_id, at, actor_kind, actor_id,
    action, from_status, to_status, from_slot_id, to_slot_id, reason)
  SELECT appointment_id, consortium_id, appointment_id, $12, 'resident', account_id, 'book',
    NULL, status, NULL, line.slot_id, ''
  FROM line JOIN taken ON taken.id = appointment_id
), audited AS (
  INSERT INTO audit_event (id, consortium_id, at, actor_kind, actor_id, action, entity_id,
    patient_id, request_id, detail)
  SELECT appointment_id, consortium_id, $12, 'resident', account_id, 'appointment.booked',
    appointment_id, patient_id, request_id, '{}'
  FROM line JOIN taken ON taken.id = appointment_id
), kept AS (
  INSERT INTO idempotency_key (id, account_id, key, request_hash, status, answer, at)
  SELECT appointment_id, account_id, key, request_hash, 201, answer, $12
  FROM line JOIN taken ON taken.id = appointment_id
)
SELECT id FROM taken
"""

# The same on SQLite, whose statements can't write two tables; but a trigger can. So a batch is
# one INSERT into a view, row by row and commit included, on the only writer: nothing changes
# meanwhile, and the thread that writes waits for Python's lock once and not at each of its
# statements. Every wish granted changes the same number of rows.
WISHED = (
    "appointment_id", "slot_id", "patient_id", "account_id", "status", "held_until",
    "policy_version", "key", "request_hash", "answer", "request_id",
)  # fmt: skip
BATCH_ON_SQLITE = "booking_batch"
CHANGED_ON_SQLITE = 5  # appointment, slot, event, audit, receipt
# For the writing connection, once.
PREPARE_ON_SQLITE = f"""
CREATE TEMP VIEW {BATCH_ON_SQLITE} AS
SELECT {", ".join(f"NULL AS {name}" for name in ("now", *WISHED))};
CREATE TEMP TRIGGER book INSTEAD OF INSERT ON {BATCH_ON_SQLITE} BEGIN
  INSERT INTO appointment (id, consortium_id, organization_id, department_id, schedule_id, slot_id,
    patient_id, account_id, held_on, starts_at, status, policy_version, fee_fen, day_place,
    department_place, held_until, late_cancel, counted_cancel, reason, created_at, changed_at)
  SELECT NEW.appointment_id, p.consortium_id, s.organization_id, s.department_id, s.id, p.id,
    NEW.patient_id, NEW.account_id, s.held_on, p.starts_at, NEW.status, NEW.policy_version,
    s.fee_fen, 1, 1, NEW.held_until, 0, 0, '', NEW.now, NEW.now
  FROM slot p CROSS JOIN schedule s ON s.id = p.schedule_id
  WHERE p.id = NEW.slot_id AND p.open AND p.booked < p.capacity
    AND EXISTS (
      SELECT 1 FROM carer c WHERE c.patient_id = NEW.patient_id AND c.account_id = NEW.account_id
      AND c.state = 'active' AND c.scope IN ('book', 'manage')
      AND (c.expires_at IS NULL OR c.expires_at > NEW.now))
    AND NOT EXISTS (
      SELECT 1 FROM idempotency_key k WHERE k.account_id = NEW.account_id AND k.key = NEW.key)
    AND (s.kind <> 'expert' OR NOT EXISTS (
      SELECT 1 FROM restriction r WHERE r.patient_id = NEW.patient_id AND r.kind = s.kind
      AND r.until_at > NEW.now AND r.lifted_at IS NULL))
  ON CONFLICT DO NOTHING;
  UPDATE slot SET booked = booked + 1
  WHERE id = NEW.slot_id AND EXISTS (SELECT 1 FROM appointment WHERE id = NEW.appointment_id);
  INSERT INTO appointment_event (id, consortium_id, appointment_id, at, actor_kind, actor_id,
    action, to_status, to_slot_id, reason)
  SELECT id, consortium_id, id, NEW.now, 'resident', account_id, 'book', status, slot_id, ''
  FROM appointment WHERE id = NEW.appointment_id;
  INSERT INTO audit_event (id, consortium_id, at, actor_kind, actor_id, action, entity_id,
    patient_id, request_id, detail)
  SELECT id, consortium_id, NEW.now, 'resident', account_id, 'appointment.booked', id, patient_id,
    NEW.request_id, '{{}}'
  FROM appointment WHERE id = NEW.appointment_id;
  INSERT INTO idempotency_key (id, account_id, key, request_hash, status, answer, at)
  SELECT id, account_id, NEW.key, NEW.request_hash, 201, NEW.answer, NEW.now
  FROM appointment WHERE id = NEW.appointment_id;
END;
"""


@functools.cache
def take_on_sqlite(rows: int) -> str:
    """Grants so many wishes. Bind the instant, then the values of `WISHED` row by row."""
    row = f"(?1{', ?' * len(WISHED)})"
    return f"INSERT INTO {BATCH_ON_SQLITE} VALUES {', '.join([row] * rows)}"


TAKEN_ON_SQLITE = "SELECT id FROM appointment WHERE id IN (SELECT value FROM json_each(?))"


JUDGED = ("slot_id", "schedule_id", "patient_id", "account_id", "key")


def judge() -> str:
    """$1 now, and what `bind_judged` binds → for each wish by its turn: its slot as it is, the
    patient's living appointment in the schedule, whether the account may book for the patient, and
    the kept answer of its key."""
    return f"""
    SELECT w.turn, s.open, s.capacity - s.booked AS free,
      EXISTS (SELECT 1 FROM appointment d WHERE d.slot_id = w.slot_id
        AND d.status = 'pending' AND d.held_until <= $1) AS dead,
      (SELECT a.id FROM appointment a WHERE a.patient_id = w.patient_id
        AND a.schedule_id = w.schedule_id AND a.{LIVING}
        AND NOT (a.status = 'pending' AND a.held_until <= $1)) AS earlier,
      EXISTS (SELECT 1 FROM carer c WHERE c.patient_id = w.patient_id
        AND c.account_id = w.account_id AND c.state = 'active' AND c.scope IN ('book', 'manage')
        AND (c.expires_at IS NULL OR c.expires_at > $1)) AS may,
      k.request_hash, k.status, k.answer
    FROM {_wishes()} w LEFT JOIN slot s ON s.id = w.slot_id
    LEFT JOIN idempotency_key k ON k.account_id = w.account_id AND k.key = w.key
    """


def _wishes() -> str:
    if db.is_sqlite():
        columns = (f"json_extract(value, '$[{n}]') AS {name}" for n, name in enumerate(JUDGED))
        return f"(SELECT json_each.key AS turn, {', '.join(columns)} FROM json_each($2))"
    kinds = "$2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[]"
    return f"""(SELECT t.*, t.n - 1 AS turn FROM unnest({kinds})
      WITH ORDINALITY AS t ({", ".join(JUDGED)}, n))"""


def bind_judged(columns: list[tuple[Any, ...]]) -> list[Any]:
    """The rows of `JUDGED` as either database takes them."""
    if db.is_sqlite():
        return [json.dumps([[str(value) for value in row] for row in columns])]
    return [list(column) for column in zip(*columns, strict=True)]
