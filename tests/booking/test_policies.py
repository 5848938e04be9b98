"""Which policy holds where: the most specific, the latest in force, else the built-in one."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec import ValidationError

from backend.booking import policies
from backend.booking.models import BookingPolicy
from backend.booking.policies import RETIRED, load
from backend.clock import Hands
from backend.consortium.models import Organization
from backend.settings import Settings

TODAY = date(2026, 11, 23)


async def a_hospital(consortium_id: UUID) -> UUID:
    hospital = await Organization.create(
        id=uuid4(), consortium_id=consortium_id, code=uuid4().hex, name="县医院", tier="county"
    )
    return UUID(str(hospital.id))


async def a_policy(consortium_id: UUID, code: str, **terms: Any) -> None:
    base = {"version": 1, "effective_from": date(2026, 1, 1), "numbers": {"horizon_days": 9}}
    await BookingPolicy.create(
        id=uuid4(), consortium_id=consortium_id, code=code,
        created_at="2026-01-01T00:00:00Z", **(base | terms),
    )  # fmt: skip


async def test_without_a_policy_the_tiers_own_holds(db: None, settings: Settings) -> None:
    county = settings.consortium_id
    table = await load(county)
    for tier, days in (("county", 7), ("township", 14), ("village", 14)):
        policy = table.pick(uuid4(), tier, "expert", TODAY)
        assert (policy.version, policy.horizon_days) == (f"built-in-{tier}@1", days)


async def test_the_most_specific_policy_wins(db: None, settings: Settings) -> None:
    county = settings.consortium_id
    hospital = await a_hospital(county)
    rungs: list[tuple[str, dict[str, Any]]] = [
        ("any", {}),
        ("kind", {"kind": "expert"}),
        ("tier", {"tier": "county"}),
        ("tier-kind", {"tier": "county", "kind": "expert"}),
        ("own", {"organization_id": hospital}),
        ("own-kind", {"organization_id": hospital, "kind": "expert"}),
    ]
    for code, scope in rungs:
        await a_policy(county, code, **scope)
        table = await load(county)
        assert table.pick(hospital, "county", "expert", TODAY).version == f"{code}@1"
    assert table.pick(hospital, "county", "general", TODAY).version == "own@1"
    assert table.pick(uuid4(), "county", "expert", TODAY).version == "tier-kind@1"
    assert table.pick(uuid4(), "village", "expert", TODAY).version == "kind@1"
    assert table.pick(uuid4(), "village", "general", TODAY).version == "any@1"


async def test_a_version_counts_from_its_day(db: None, settings: Settings) -> None:
    county = settings.consortium_id
    await a_policy(county, "any", numbers={"horizon_days": 9})
    later = {"horizon_days": 10}
    await a_policy(county, "any", version=2, effective_from=date(2027, 1, 1), numbers=later)
    table = await load(county)
    assert table.pick(uuid4(), "county", "general", date(2025, 12, 31)).horizon_days == 7
    assert table.pick(uuid4(), "county", "general", date(2026, 12, 31)).horizon_days == 9
    assert table.pick(uuid4(), "county", "general", date(2027, 1, 1)).horizon_days == 10


async def test_a_later_version_replaces_one_that_starts_after_it(
    db: None, settings: Settings
) -> None:
    county = settings.consortium_id
    await a_policy(county, "any", effective_from=date(2027, 1, 1))
    await a_policy(county, "any", version=2, effective_from=date(2026, 12, 1))
    table = await load(county)
    assert table.pick(uuid4(), "county", "general", date(2027, 2, 1)).version == "any@2"


async def test_of_two_alike_the_later_in_force_wins(db: None, settings: Settings) -> None:
    county = settings.consortium_id
    await a_policy(county, "zebra", effective_from=date(2026, 1, 1))
    await a_policy(county, "apple", effective_from=date(2026, 6, 1))
    assert (await load(county)).pick(uuid4(), "county", "general", TODAY).version == "apple@1"


async def test_a_retired_policy_no_longer_holds(db: None, settings: Settings) -> None:
    county = settings.consortium_id
    await a_policy(county, "any")
    await a_policy(county, "any", version=2, effective_from=TODAY, numbers=RETIRED)
    table = await load(county)
    assert table.pick(uuid4(), "county", "general", date(2026, 11, 22)).version == "any@1"
    assert table.pick(uuid4(), "county", "general", TODAY).version == "built-in-county@1"


async def test_numbers_outside_their_limits_are_refused(db: None, settings: Settings) -> None:
    await a_policy(settings.consortium_id, "any", numbers={"horizon_days": 1000})
    table = await load(settings.consortium_id)
    with pytest.raises(ValidationError):
        table.pick(uuid4(), "county", "general", TODAY)


async def test_another_consortiums_policies_are_its_own(db: None, settings: Settings) -> None:
    await a_policy(uuid4(), "any")
    table = await policies.policies(settings.consortium_id)
    policy = table.pick(uuid4(), "county", "general", TODAY)
    assert policy.version == "built-in-county@1"


async def test_the_table_is_loaded_once_and_again_when_told(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    county = settings.consortium_id
    first = await policies.policies(county)
    await a_policy(county, "any")
    assert await policies.policies(county) is first
    policies.forget()
    assert await policies.policies(county) is not first


async def test_answers_are_remembered_within_bounds(
    db: None, noon: Hands, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MOST_PICKED", 3)
    table = await load(settings.consortium_id)
    for _ in range(10):
        table.pick(uuid4(), "county", "general", TODAY)
    assert len(table._picked) <= 3
