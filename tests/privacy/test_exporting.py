"""Everything that is kept about somebody is given to them, and nothing of anybody else."""

from uuid import UUID

import pytest
from tortoise import Tortoise

from backend import clock, notices
from backend.audit import AuditEvent
from backend.booking import appointments
from backend.identity import accounts, invitations
from backend.identity.access import Actor
from backend.privacy import exporting
from backend.privacy.exporting import APART, EVERYWHERE, NOT_PERSONAL, SEALED, WITHHELD, export
from backend.settings import Settings
from tests.api.conftest import Server, keyed
from tests.api.conftest import server as server
from tests.clinics import a_desk, a_slot
from tests.people import Person, a_receipt, an_id_number, log_in, register, vault_of
from tests.reminders.plans import a_plan

NAME, NUMBER, PHONE, OPENID = "欧阳翠花", an_id_number(), "13912345678", "openid-canary"


async def somebody(settings: Settings) -> tuple[Actor, UUID]:
    _, actor = await log_in(settings, OPENID)
    await accounts.set_phone(actor, vault_of(settings), PHONE)
    me = await register(actor, settings, name=NAME, id_number=NUMBER, phone=PHONE)
    slot = await a_slot(settings, capacity=9)
    await appointments.book(
        actor, a_desk(), slot_id=slot.id, patient_id=me.patient_id, confirm=True,
        receipt=a_receipt(actor),
    )  # fmt: skip
    await a_plan(Person(actor, me.patient_id))
    await notices.leave(settings.consortium_id, [actor.account_id], "carer_refused")
    return actor, me.patient_id


async def test_it_is_all_there_and_readable(db: None, settings: Settings) -> None:
    actor, patient_id = await somebody(settings)
    found = await export(actor, vault_of(settings))
    assert (found["account"][0]["openid"], found["account"][0]["phone"]) == (OPENID, PHONE)
    (patient,) = found["patient"]
    assert (patient["name"], patient["id_number"], patient["phone"]) == (NAME, NUMBER, PHONE)
    assert patient["id"] == patient_id
    assert len(found["appointment"]) == len(found["appointment_event"]) == 1
    (plan,), (version,) = found["medication_plan"], found["medication_version"]
    assert (version["plan_id"], version["amount"], version["meals"]) == (
        plan["id"],
        "1 片",
        ["PCM"],
    )
    for table in ("session", "carer", "consent", "notice", "audit_event"):
        assert found[table], table
    assert found["cut_off"] == []
    rows = await AuditEvent.filter(action="record.exported")
    assert {row.patient_id for row in rows} == {None, patient_id}


async def test_whom_one_does_not_manage_stays_out(db: None, settings: Settings) -> None:
    owner, patient_id = await somebody(settings)
    _, helper = await log_in(settings, "openid-helper")
    code, _ = await invitations.invite(
        owner, patient_id, scope="book", expires_at=None, receipt=a_receipt(owner)
    )  # fmt: skip
    await invitations.accept(helper, code, relation="child", most=5, receipt=a_receipt(helper))
    found = await export(helper, vault_of(settings))
    told = str(found)
    assert not [word for word in (NAME, NUMBER, PHONE, OPENID) if word in told]
    assert found["appointment"] == found["patient"] == []
    assert [row["scope"] for row in found["carer"]] == ["book"]
    others = str(await export(owner, vault_of(settings)))
    assert str(helper.account_id) not in others


async def test_no_key_hash_or_index_is_in_it(db: None, settings: Settings) -> None:
    actor, _ = await somebody(settings)
    found = await export(actor, vault_of(settings))
    names = {name for table in found.values() if isinstance(table, list) for row in table
             if isinstance(row, dict) for name in row}  # fmt: skip
    assert not [name for name in names if "hash" in name or "index" in name or "sealed" in name]


async def test_it_is_bounded_and_says_so(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "ROWS_MOST", 2)
    actor, _ = await somebody(settings)
    for _ in range(3):
        await notices.leave(settings.consortium_id, [actor.account_id], "carer_refused")
    found = await export(actor, vault_of(settings))
    assert len(found["notice"]) == 2
    assert "notice" in found["cut_off"]
    assert "patient" not in found["cut_off"]


async def test_every_table_and_column_is_decided_upon(db: None) -> None:
    tables = {model._meta.db_table: model for model in Tortoise.apps["jiamenkou"].values()}
    assert set(tables) == set(WITHHELD) | NOT_PERSONAL | APART
    for table, names in WITHHELD.items():
        columns = set(tables[table]._meta.db_fields)
        assert names <= columns, table
        told = columns - names - EVERYWHERE
        for column in told:
            private = column.endswith(("_hash", "_index"))
            assert not private, (table, column)
            assert not column.endswith("_sealed") or (table, column) in SEALED


async def test_over_http_only_with_wechat_itself_and_three_times_a_day(
    server: Server, noon: clock.Hands
) -> None:
    who = await server.log_in("wang")
    await server.log_in("zhao")
    patient = {"name": NAME, "id_number": NUMBER, "relation": "self", "agreed": True}
    await server.http.post("/api/v1/patients", json=patient, headers=keyed(who))

    async def ask(user: str) -> tuple[int, str]:
        code = (await server.phone.post("/_sim/login", json={"user": user})).json()["code"]
        answer = await server.http.post("/api/v1/me/export", json={"code": code}, headers=who)
        if answer.status_code == 200:
            assert "attachment" in answer.headers["content-disposition"]
            assert answer.headers["cache-control"] == "no-store"
            assert answer.json()["patient"][0]["name"] == NAME
        else:
            assert NAME not in answer.text
        return answer.status_code, answer.json().get("code", "")

    assert await ask("zhao") == (403, "not-yourself")
    assert (await ask("wang"))[0] == 200
    assert (await ask("wang"))[0] == 200
    assert await ask("wang") == (429, "throttled")
    used = await server.http.post("/api/v1/me/export", json={"code": "x"}, headers=who)
    assert used.status_code == 429
