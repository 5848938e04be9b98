"""The load: wrk for what clients ask, pgbench for what the database can do at best, and a herd."""

import json
import re
import secrets
import select
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from benchmarks import seed
from benchmarks.servers import Server

CONNECTIONS = 64
TOOLS = ("wrk", "pgbench")
SPARE_S = 30.0  # beyond the run itself, before a tool counts as stuck
HERD_S = 120.0
SETTLE_S = 0.5  # for what was under way when the clients left


class ToolMissing(Exception):
    """The text says what to install."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run answered. `statuses` counts answers by HTTP status."""

    rate: float
    p50_ms: float
    p99_ms: float
    statuses: dict[int, int] = field(default_factory=dict)


def insist_on_tools() -> None:
    """Raises ToolMissing."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            raise ToolMissing(
                f"{tool} is not installed (Debian, Ubuntu: apt install wrk postgresql-contrib)."
            )


def wrk(
    server: Server,
    requests: Path,
    *,
    seconds: float,
    expect: int,
    repeat: bool = False,
    path: str = "/",
) -> Load:
    """Ask for `seconds`; only answers of status `expect` may come, and only they are counted."""
    command = [
        "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--timeout", "10s",
        "-s", str(Path(__file__).with_name("requests.lua")), server.url + path, "--",
        str(requests), secrets.token_hex(6), "repeat" if repeat else "once",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + SPARE_S, check=False
    )
    if done.returncode:
        raise RuntimeError(f"wrk: {done.stdout}{done.stderr}")
    time.sleep(SETTLE_S)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    statuses = {int(status): count for status, count in found["statuses"].items()}
    assert not found["broken"], f"{server.name}: connections broke: {found}"
    assert set(statuses) == {expect}, f"{server.name}: expected {expect}, got {statuses}"
    return Load(statuses[expect] / found["duration_s"], found["p50_ms"], found["p99_ms"], statuses)


# --- PostgreSQL alone -----------------------------------------------------------------------------

# What one booking means to the database, in one statement and one round trip: the guarded count,
# the right to act for the patient, and the four rows. `:patient` and `:slot` are set by the caller.
STATEMENT = """
WITH who AS (
  SELECT ('{patient}' || to_char(:patient::int, 'FM000000000000'))::uuid AS patient_id,
    ('{account}' || to_char(:patient::int, 'FM000000000000'))::uuid AS account_id,
    ('{slot}' || to_char(:slot::int, 'FM000000000000'))::uuid AS slot_id
), taken AS (
  UPDATE slot SET booked = booked + 1 FROM who
  WHERE slot.id = who.slot_id AND open AND booked < capacity AND EXISTS (
    SELECT 1 FROM carer c WHERE c.patient_id = who.patient_id AND c.account_id = who.account_id
    AND c.state = 'active' AND c.scope IN ('book', 'manage')
    AND (c.expires_at IS NULL OR c.expires_at > now()))
  RETURNING slot.id, slot.consortium_id, slot.schedule_id, slot.starts_at, who.patient_id,
    who.account_id
), made AS (
  INSERT INTO appointment (id, consortium_id, organization_id, department_id, schedule_id, slot_id,
    patient_id, account_id, held_on, starts_at, status, policy_version, fee_fen, day_place,
    department_place, late_cancel, counted_cancel, reason, created_at, changed_at)
  SELECT gen_random_uuid(), t.consortium_id, s.organization_id, s.department_id, s.id, t.id,
    t.patient_id, t.account_id, s.held_on, t.starts_at, 'booked', 'built-in-township@1', s.fee_fen,
    1, 1, false, false, '', now(), now()
  FROM taken t JOIN schedule s ON s.id = t.schedule_id
  RETURNING id, consortium_id, slot_id, patient_id, account_id
), told AS (
  INSERT INTO appointment_event (id, consortium_id, appointment_id, at, actor_kind, actor_id,
    action, to_status, to_slot_id, reason)
  SELECT gen_random_uuid(), consortium_id, id, now(), 'resident', account_id, 'book', 'booked',
    slot_id, '' FROM made
), audited AS (
  INSERT INTO audit_event (id, consortium_id, at, actor_kind, actor_id, action, entity_id,
    patient_id, request_id, detail)
  SELECT gen_random_uuid(), consortium_id, now(), 'resident', account_id, 'appointment.booked', id,
    patient_id, '0123456789abcdef', '{{}}' FROM made
), kept AS (
  INSERT INTO idempotency_key (id, account_id, key, request_hash, status, answer, at)
  SELECT gen_random_uuid(), account_id, id::text, '{hash}', 201, '{answer}', now() FROM made
)
SELECT id FROM made;
"""


def pgbench(
    url: str, folder: Path, *, clients: int, slots: tuple[int, int], seconds: float
) -> Load:
    """Each client books for patients of its own, once each, in slots of the range (inclusive)."""
    each = seed.ACCOUNTS // clients
    lines = [
        "\\set turn :turn + 1",
        f"\\set patient :client_id * {each} + (:turn - 1) % {each}",
        f"\\set slot random({slots[0]}, {slots[1]})",
        STATEMENT.format(
            patient=_front(seed.PATIENT),
            account=_front(seed.ACCOUNT),
            slot=_front(seed.SLOT),
            hash="0" * 64,
            answer=seed.example_answer(),
        ).strip(),
    ]
    script = folder / "booking.pgbench"
    script.write_text("\n".join(lines) + "\n")
    command = [
        "pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(2, clients)),
        "-T", str(max(1, round(seconds))), "-D", "turn=0", "-f", str(script), "--log",
        "--log-prefix", str(folder / "pgbench"), "--sampling-rate", "0.2", url,
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + SPARE_S, check=False
    )
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
    if done.returncode or not found or (failed and int(failed.group(1))):
        raise RuntimeError(f"pgbench: {done.stdout}{done.stderr}")
    p50_ms, p99_ms = _percentiles(folder)
    return Load(float(found.group(1)), p50_ms, p99_ms)


def _front(kind: int) -> str:
    """The part of an id before its number."""
    return str(seed.uid(kind, 0))[:24]


def _percentiles(folder: Path) -> tuple[float, float]:
    """Of pgbench's logs, in ms; they are removed."""
    took = []
    for log in folder.glob("pgbench.*"):
        took += [int(line.split()[2]) / 1000 for line in log.read_text().splitlines()]
        log.unlink()
    took.sort()
    return (took[len(took) // 2], took[len(took) * 99 // 100]) if took else (0.0, 0.0)


# --- the herd -------------------------------------------------------------------------------------


def herd(server: Server, slot: UUID, *, clients: int, winners: int) -> Load:
    """Everybody is connected and taps at once, one request each; timed from the common start."""
    nonce = secrets.token_hex(6)
    sockets: dict[int, socket.socket] = {}
    poll = select.epoll()
    for _ in range(clients):
        client = socket.create_connection(("127.0.0.1", server.port), timeout=HERD_S)
        sockets[client.fileno()] = client
        poll.register(client, select.EPOLLIN)
    time.sleep(0.5)  # until the server has accepted everybody
    answers = {number: b"" for number in sockets}
    took_ms: list[float] = []
    statuses: dict[int, int] = {}
    began = time.perf_counter()
    for person, client in enumerate(sockets.values()):
        client.send(_booking(server, person, slot, f"{nonce}-{person}"))
    while len(took_ms) < clients:
        ready = poll.poll(HERD_S)
        assert ready, f"{server.name}: {clients - len(took_ms)} were never answered"
        for number, _ in ready:
            answers[number] += sockets[number].recv(65536)
            if _whole(answers[number]):
                took_ms.append((time.perf_counter() - began) * 1000)
                status = int(answers[number][9:12])
                statuses[status] = statuses.get(status, 0) + 1
                poll.unregister(number)
    for client in sockets.values():
        client.close()
    poll.close()
    assert statuses == {201: winners, 409: clients - winners}, f"{server.name}: {statuses}"
    took_ms.sort()
    rate = clients / took_ms[-1] * 1000
    return Load(rate, took_ms[clients // 2], took_ms[clients * 99 // 100], statuses)


def _booking(server: Server, person: int, slot: UUID, key: str) -> bytes:
    body = f'{{"slot_id":"{slot}","patient_id":"{seed.uid(seed.PATIENT, person)}"}}'
    head = (
        "POST /api/v1/appointments HTTP/1.1", f"Host: 127.0.0.1:{server.port}",
        f"Authorization: Bearer {seed.token(person)}", "Content-Type: application/json",
        f"Idempotency-Key: {key}", f"Content-Length: {len(body)}",
    )  # fmt: skip
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def _whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return bool(end) and (length is None or len(body) >= int(length.group(1)))
