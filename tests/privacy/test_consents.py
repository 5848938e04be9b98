"""Consent is written down with version and time, can be taken back, and then counts."""

import asyncio
from datetime import timedelta

import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.identity import accounts, consents, invitations, terms
from backend.identity.access import Actor
from backend.identity.errors import ConsentWithdrawn, TermsChanged
from backend.identity.models import Account, Consent
from backend.receipts import Replayed
from backend.settings import Settings
from tests.api.conftest import Server, keyed
from tests.api.conftest import server as server
from tests.people import a_person, a_receipt, an_account, register, vault_of

PHONE = "13912345678"


async def decide(actor: Actor, *, granted: bool, version: str = terms.VERSION) -> Consent:
    return await consents.decide(actor, version=version, granted=granted, receipt=a_receipt(actor))


async def test_each_decision_is_a_row_and_the_latest_counts(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    actor, other = await an_account(settings), await an_account(settings)
    assert await consents.latest(actor) is None
    await decide(actor, granted=True)
    noon.move(timedelta(minutes=1))
    await decide(actor, granted=False)
    row = await consents.latest(actor)
    assert row is not None
    assert (row.purpose, row.text_version, row.granted) == ("terms", terms.VERSION, False)
    assert await Consent.filter(account_id=actor.account_id).count() == 2
    assert await consents.latest(other) is None
    listed, _ = await consents.list_of(actor, after=None, most=1)
    rest, _ = await consents.list_of(actor, after=(listed[0].at, listed[0].id), most=9)
    assert [row.granted for row in [*listed, *rest]] == [False, True]


async def test_an_old_text_is_not_agreed_to_but_may_be_taken_back(
    db: None, settings: Settings
) -> None:
    actor = await an_account(settings)
    with pytest.raises(TermsChanged) as refused:
        await decide(actor, granted=True, version="2020-01")
    assert refused.value.extra == {"version": terms.VERSION}
    await decide(actor, granted=False, version="2020-01")
    assert not await Consent.filter(granted=True).exists()


async def test_whose_names_are_shown_is_written_down(db: None, settings: Settings) -> None:
    actor, other = await an_account(settings), await an_account(settings)
    mine = await register(actor, settings, name="王桂兰")
    await decide(actor, granted=True)
    rows, names = await consents.list_of(actor, after=None, most=9)
    assert {row.patient_id for row in rows} == {mine.patient_id, None}
    assert names == {mine.patient_id: "王*兰"}
    (read,) = await AuditEvent.filter(action="consent.listed")
    assert (read.patient_id, read.actor_id) == (mine.patient_id, actor.account_id)
    assert await consents.list_of(other, after=None, most=9) == ([], {})


async def test_a_repeated_decision_is_one(db: None, settings: Settings) -> None:
    actor = await an_account(settings)
    receipt = a_receipt(actor, key="the-same-key")
    await consents.decide(actor, version=terms.VERSION, granted=True, receipt=receipt)
    again = a_receipt(actor, key="the-same-key")
    with pytest.raises(Replayed):
        await consents.decide(actor, version=terms.VERSION, granted=True, receipt=again)
    assert await Consent.all().count() == 1


async def test_taken_back_the_phone_goes_and_nothing_more_is_kept(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    host, guest = await a_person(settings), await an_account(settings)
    await accounts.set_phone(guest, vault_of(settings), PHONE)
    code, _ = await invitations.invite(
        host.actor, host.patient_id, scope="book", expires_at=None, receipt=a_receipt(host.actor)
    )
    await decide(guest, granted=False)
    account = await Account.get(id=guest.account_id)
    assert (account.phone_sealed, account.phone_index) == (None, None)

    async def everything_that_keeps_more() -> None:
        await register(guest, settings)
        await accounts.set_phone(guest, vault_of(settings), PHONE)
        await invitations.accept(guest, code, relation="child", most=5, receipt=a_receipt(guest))

    with pytest.raises(ConsentWithdrawn):
        await register(guest, settings)
    with pytest.raises(ConsentWithdrawn):
        await accounts.set_phone(guest, vault_of(settings), PHONE)
    with pytest.raises(ConsentWithdrawn):
        await invitations.accept(guest, code, relation="child", most=5, receipt=a_receipt(guest))
    noon.move(timedelta(seconds=1))
    await decide(guest, granted=True)
    await everything_that_keeps_more()


async def test_no_phone_is_kept_beside_a_withdrawal(db: None, settings: Settings) -> None:
    """Whatever comes first: afterwards there is none."""
    for _ in range(5):
        actor = await an_account(settings)
        phones = [accounts.set_phone(actor, vault_of(settings), PHONE) for _ in range(20)]
        await asyncio.gather(*phones, decide(actor, granted=False), return_exceptions=True)
        assert (await Account.get(id=actor.account_id)).phone_sealed is None


async def test_over_http(server: Server) -> None:
    terms_told = (await server.http.get("/api/v1/terms")).json()
    assert terms_told["version"] == terms.VERSION
    assert all(section["lines"] for section in terms_told["sections"])
    who = await server.log_in()
    path = "/api/v1/me/consents"
    nothing = {
        "version": terms.VERSION, "agreed_version": None, "granted": None, "at": None,
    }  # fmt: skip
    assert (await server.http.get(path, headers=who)).json() == {
        "agreement": nothing, "items": [], "next": None,
    }  # fmt: skip
    form = {"version": terms.VERSION, "granted": True}
    agreed = await server.http.post(path, json=form, headers=keyed(who))
    assert (agreed.status_code, agreed.json()["granted"]) == (201, True)
    patient = {
        "name": "王桂兰", "id_number": "11010519491231002X", "relation": "self", "agreed": True,
    }  # fmt: skip
    await server.http.post("/api/v1/patients", json=patient, headers=keyed(who))
    found = (await server.http.get(path, headers=who)).json()
    assert found["agreement"]["agreed_version"] == terms.VERSION
    purposes = {item["purpose"]: item["patient"] for item in found["items"]}
    assert purposes["terms"] is None
    assert purposes["identity"]["name"] == "王*兰"
    refused = await server.http.post(path, json=form | {"version": "2020-01"}, headers=keyed(who))
    assert (refused.status_code, refused.json()["code"]) == (409, "terms-changed")
