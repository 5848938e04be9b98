"""Which booking policy holds where: a small table in memory, so that no request pays a query."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from backend.booking.models import BookingPolicy
from backend.booking.policy import BUILT_IN, Policy, with_numbers
from backend.snapshots import Snapshots

TTL_S = 10.0  # how long a changed policy may stay unnoticed by another process
MOST_PICKED = 10_000  # answers remembered per table
RETIRED = {"retired": True}  # the `numbers` of a version that ends its policy


@dataclass(frozen=True, slots=True)
class _Rule:
    """One version of one policy. None means any."""

    code: str
    version: int
    organization_id: UUID | None
    tier: str | None
    kind: str | None
    effective_from: date
    numbers: dict[str, Any]

    def covers(self, organization_id: UUID, tier: str, kind: str) -> bool:
        return (
            self.organization_id in (None, organization_id)
            and self.tier in (None, tier)
            and self.kind in (None, kind)
        )

    @property
    def rank(self) -> tuple[bool, bool, bool, date, str]:
        """An organization's own before its tier's, a 号别's before any; then the latest."""
        own, of_tier, of_kind = self.organization_id, self.tier, self.kind
        specific = (own is not None, of_tier is not None, of_kind is not None)
        return (*specific, self.effective_from, self.code)


class Policies:
    """All policies of one consortium."""

    def __init__(self, rules: list[_Rule]) -> None:
        self._versions: dict[str, list[_Rule]] = {}
        for rule in sorted(rules, key=lambda rule: rule.version):
            self._versions.setdefault(rule.code, []).append(rule)
        closing = [policy.closes_min for policy in BUILT_IN.values()]
        closing += [rule.numbers["closes_min"] for rule in rules if "closes_min" in rule.numbers]
        self.closes_min_least = min(closing)
        self._picked: dict[tuple[UUID, str, str, date], Policy] = {}

    def pick(self, organization_id: UUID, tier: str, kind: str, on: date) -> Policy:
        """The most specific policy in force on `on`, else the one built in for the tier.

        A code counts with its highest version that is in force by then; version is `code@version`.
        """
        wanted = (organization_id, tier, kind, on)
        found = self._picked.get(wanted)
        if found is None:
            if len(self._picked) >= MOST_PICKED:
                self._picked.clear()
            found = self._picked[wanted] = self._pick(*wanted)
        return found

    def version(self, version: str, tier: str) -> Policy:
        """The very policy under which somebody booked, by its `code@version`."""
        code, _, number = version.rpartition("@")
        for rule in self._versions.get(code, ()):
            if rule.version == int(number):
                return with_numbers(BUILT_IN[tier], version, rule.numbers)
        return BUILT_IN[tier]

    def _pick(self, organization_id: UUID, tier: str, kind: str, on: date) -> Policy:
        in_force = (self._in_force(versions, on) for versions in self._versions.values())
        fitting = [
            rule
            for rule in in_force
            if rule is not None
            and rule.numbers != RETIRED
            and rule.covers(organization_id, tier, kind)
        ]
        if not fitting:
            return BUILT_IN[tier]
        best = max(fitting, key=lambda rule: rule.rank)
        return with_numbers(BUILT_IN[tier], f"{best.code}@{best.version}", best.numbers)

    @staticmethod
    def _in_force(versions: list[_Rule], on: date) -> _Rule | None:
        return next((rule for rule in reversed(versions) if rule.effective_from <= on), None)


async def load(consortium_id: UUID) -> Policies:
    """The consortium's policies as they are in the database now."""
    rows = await BookingPolicy.filter(consortium_id=consortium_id).values(
        "code", "version", "organization_id", "tier", "kind", "effective_from", "numbers"
    )
    return Policies([_Rule(**row) for row in rows])


_snapshots = Snapshots(load, TTL_S)
forget = _snapshots.forget


async def policies(consortium_id: UUID) -> Policies:
    """The consortium's policies, some `TTL_S` old at most."""
    return await _snapshots.get(consortium_id)
