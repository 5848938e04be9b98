"""What a day looks like: which templates apply, with how many places, for how much. No queries.

Rows are dicts as `schedules` reads them; dates are dates in Asia/Shanghai.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from backend.booking import pools
from backend.booking.calendar import working
from backend.booking.policies import Policies
from backend.booking.pool_rules import PoolRules

AHEAD_DAYS = 1  # published so many days before the horizon opens them
HORIZON_MOST = 366
TIER = "organization__tier"

Row = dict[str, Any]
Roles = dict[tuple[UUID, UUID], list[tuple[date | None, date | None]]]  # doctor, department


@dataclass(slots=True)
class Rota:
    """Everything but the templates that decides what a day looks like."""

    today: date
    days_of: dict[int, list[date]]
    policies: Policies
    fees: dict[tuple[UUID, str, str], int]
    exceptions: dict[tuple[UUID, date], list[Row]]
    held: set[tuple[UUID, date, str]]  # by schedules of retired templates
    roles: Roles = field(default_factory=dict)
    pool_rules: PoolRules = field(default_factory=lambda: PoolRules([]))

    def dates(self, template: Row) -> Iterator[date]:
        """The days on which this template may be published now, holidays among them.

        Further ahead than the public can book, where some pool opens earlier.
        """
        place, tier, kind = (template[name] for name in ("organization_id", TIER, "kind"))
        policy = self.policies.pick(place, tier, kind, self.today)
        public = self.today + timedelta(days=policy.horizon_days + AHEAD_DAYS)
        early = self.pool_rules.earliest_days(tier, kind, policy)
        last = self.today + timedelta(days=early + AHEAD_DAYS)
        for on in self.days_of[template["weekday"]]:
            if on > last:
                return
            if on > public and not self._opens_early(template, on):
                continue
            if _covers(template["from_on"], template["to_on"], on) and self.on_duty(template, on):
                yield on

    def _opens_early(self, template: Row, on: date) -> bool:
        """Whether places of some pool open so far ahead of that day."""
        ahead = (on - self.today).days - AHEAD_DAYS
        return any(
            rule.share and rule.opens_days >= ahead for rule in self.kept(template, on).values()
        )

    def kept(self, template: Row, on: date) -> dict[str, pools.Rule]:
        """By pool, the rules by which that day's places are split."""
        place, tier, kind = (template[name] for name in ("organization_id", TIER, "kind"))
        policy = self.policies.pick(place, tier, kind, on)
        return self.pool_rules.pick(place, tier, kind, on, policy)

    def on_duty(self, template: Row, on: date) -> bool:
        """Whether the doctor has a role in that department that day; a department always is."""
        if template["practitioner_id"] is None:
            return True
        roles = self.roles.get((template["practitioner_id"], template["department_id"]), [])
        return any(_covers(from_on, to_on, on) for from_on, to_on in roles)

    def capacity(self, template: Row, on: date) -> int | None:
        """Places per slot that day, None when there is no schedule.

        The most specific exception wins; of two equally specific ones, `closed`.
        """
        fitting = self._exceptions(template, on)
        doors = _doors(fitting)
        if doors == "closed":
            return None
        if working(on).weekday is None and not template["works_on_holidays"] and doors != "open":
            return None
        changed = next((e["capacity"] for e in fitting if e["capacity"] is not None), None)
        return int(template["capacity"] if changed is None else changed)

    def is_closed(self, schedule: Row) -> bool:
        """Whether an exception closes the half-day of a schedule that is published already."""
        return _doors(self._exceptions(schedule, schedule["held_on"])) == "closed"

    def _exceptions(self, row: Row, on: date) -> list[Row]:
        """Those that fit a template's or a schedule's row that day, the most specific first."""
        fitting = (
            exception
            for exception in self.exceptions.get((row["organization_id"], on), ())
            if all(
                exception[name] in (None, row[name])
                for name in ("department_id", "practitioner_id", "period")
            )
        )
        return sorted(fitting, key=_specificity, reverse=True)

    def still_held(self, template: Row, on: date) -> bool:
        """Whether a retired template's schedule, published before, still takes that half-day.

        Its bookings stand, so the template that replaces it begins after it.
        """
        who = template["practitioner_id"] or template["department_id"]
        return (who, on, template["period"]) in self.held

    def fee_fen(self, template: Row) -> int:
        """The template's own fee, else the organization's for the title, else its for any."""
        if template["fee_fen"] is not None:
            return int(template["fee_fen"])
        place = template["organization_id"], template["kind"]
        title = template["practitioner__title"] or ""
        return self.fees.get((*place, title), self.fees.get((*place, ""), 0))


def _covers(from_on: date | None, to_on: date | None, on: date) -> bool:
    return (from_on is None or from_on <= on) and (to_on is None or on <= to_on)


def _doors(fitting: list[Row]) -> str | None:
    """What the most specific exception about it says: `closed`, `open`, or nothing."""
    return next((e["action"] for e in fitting if e["action"] in ("closed", "open")), None)


def _specificity(exception: Row) -> tuple[bool, ...]:
    named = (exception[name] is not None for name in ("practitioner_id", "department_id", "period"))
    return (*named, exception["action"] == "closed")


def days_of(today: date) -> dict[int, list[date]]:
    """Weekday → the coming dates on which its templates apply. A holiday stands under its own:
    for those who work on it."""
    days: dict[int, list[date]] = {weekday: [] for weekday in range(1, 8)}
    for ahead in range(HORIZON_MOST + AHEAD_DAYS + 1):
        on = today + timedelta(days=ahead)
        days[working(on).weekday or on.isoweekday()].append(on)
    return days
