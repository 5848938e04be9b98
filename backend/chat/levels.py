"""Pure: who is asked, level by level. It always finds somebody, or the list that cannot be empty.

Only people who can answer are in the table: doctors with an account and the right `chat.answer`.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from uuid import UUID

import msgspec

from backend.chat import duty_policy
from backend.chat.duty_policy import LEVELS, WORKLIST, DutyPolicy
from backend.chat.working_time import USUAL, Week, works_within
from backend.clock import SHANGHAI

SUBSTITUTES_MOST = 5  # a substitute may have one of their own
ANCESTORS_MOST = 4


class Leave(msgspec.Struct, frozen=True):
    """Dates inclusive."""

    from_on: date
    to_on: date
    substitute_id: UUID | None


class OnCall(msgspec.Struct, frozen=True):
    practitioner_id: UUID
    from_at: datetime
    to_at: datetime


class Institution(msgspec.Struct, frozen=True):
    """`doctors`: who can answer there. `week`: its hours, for those who have none of their own."""

    tier: str
    parent_id: UUID | None
    week: Week
    doctors: frozenset[UUID]
    on_call: tuple[OnCall, ...] = ()


class DutyTable(msgspec.Struct, frozen=True):
    """`weeks`: of a doctor in an institution, by (institution, doctor)."""

    institutions: dict[UUID, Institution]
    weeks: dict[tuple[UUID, UUID], Week]
    leaves: dict[UUID, tuple[Leave, ...]]

    def week_at(self, organization_id: UUID | None) -> Week:
        found = self.institutions.get(organization_id) if organization_id else None
        return USUAL if found is None else found.week


class Asker(msgspec.Struct, frozen=True):
    """Where a resident belongs: their family doctor, or (None) where they went last."""

    organization_id: UUID | None
    doctor_id: UUID | None


class Route(msgspec.Struct, frozen=True):
    """`practitioner_id` None: anybody of that institution. `why`: which levels had nobody, coded
    `level:reason`."""

    level: str
    organization_id: UUID | None
    practitioner_id: UUID | None
    why: tuple[str, ...] = ()


class Wait(msgspec.Struct, frozen=True):
    """Who is asked, and until when they have to take it."""

    route: Route
    due_at: datetime


class _Window(msgspec.Struct, frozen=True):
    """When somebody has to be there: at one instant, or at any time until it is due."""

    since: datetime
    until: datetime
    but: frozenset[UUID]


Found = tuple[UUID, UUID | None] | str  # institution and doctor, or why nobody
Look = Callable[["DutyTable", Asker, _Window], Found]


def route(
    table: DutyTable,
    asker: Asker,
    *,
    since: datetime,
    until: datetime,
    level: str = LEVELS[0],
    but: frozenset[UUID] = frozenset(),
) -> Route:
    """The first level from `level` on where somebody is there between `since` and `until`.

    `but`: doctors who were silent already.
    """
    window = _Window(since, until, but)
    why: list[str] = []
    for name in LEVELS[LEVELS.index(level) : -1]:
        found = _LOOKS[name](table, asker, window)
        if not isinstance(found, str):
            return Route(name, *found, tuple(why))
        why.append(f"{name}:{found}")
    return Route(WORKLIST, asker.organization_id, None, tuple(why))


def begin(
    policy: DutyPolicy,
    table: DutyTable,
    asker: Asker,
    priority: str,
    at: datetime,
    *,
    level: str = LEVELS[0],
    but: frozenset[UUID] = frozenset(),
) -> Wait:
    """Who is asked first, and until when they have to answer."""
    week = table.week_at(asker.organization_id)
    due_at = duty_policy.first_due_at(policy, priority, at, week)
    until = due_at if duty_policy.keeps_hours(policy, priority) else at
    return Wait(route(table, asker, since=at, until=until, level=level, but=but), due_at)


def go_on(
    policy: DutyPolicy,
    table: DutyTable,
    asker: Asker,
    priority: str,
    at: datetime,
    *,
    level: str,
    but: frozenset[UUID] = frozenset(),
) -> Wait:
    """Who is asked when `level` did not take it in time."""
    week = table.week_at(asker.organization_id)
    if level == WORKLIST:
        due_at = duty_policy.again_at(policy, priority, at, week)
        return Wait(Route(WORKLIST, asker.organization_id, None), due_at)
    due_at = duty_policy.step_due_at(policy, priority, at, week)
    until = due_at if duty_policy.keeps_hours(policy, priority) else at
    following = duty_policy.next_level(level)
    return Wait(route(table, asker, since=at, until=until, level=following, but=but), due_at)


def _contract(table: DutyTable, asker: Asker, window: _Window) -> Found:
    home = asker.organization_id
    if asker.doctor_id is None or home is None:
        return "none"
    if asker.doctor_id in window.but:
        return "silent"
    for doctor_id in _with_substitutes(table, asker.doctor_id, window):
        if doctor_id not in window.but and _is_there(table, doctor_id, home, window):
            return home, doctor_id
    return "on_leave" if _on_leave(table, asker.doctor_id, window) else "not_at_work"


def _team(table: DutyTable, asker: Asker, window: _Window) -> Found:
    home = table.institutions.get(asker.organization_id) if asker.organization_id else None
    if home is None or asker.organization_id is None:
        return "none"
    others = home.doctors - window.but - {asker.doctor_id}
    if any(_is_there(table, one, asker.organization_id, window) for one in others):
        return asker.organization_id, None
    return "nobody_at_work"


def _township(table: DutyTable, asker: Asker, window: _Window) -> Found:
    for organization_id in _upwards(table, asker.organization_id):
        if table.institutions[organization_id].tier == "township":
            found = _on_call(table, organization_id, window)
            if found is None and _any_there(table, organization_id, window):
                return organization_id, None
            return (organization_id, found) if found else "nobody_on_call"
    return "none"


def _county(table: DutyTable, asker: Asker, window: _Window) -> Found:
    """The hospital above first, then any other of the county."""
    above = list(_upwards(table, asker.organization_id))
    others = sorted(set(table.institutions) - set(above), key=str)
    for organization_id in (*above, *others):
        if table.institutions[organization_id].tier == "county":
            found = _on_call(table, organization_id, window)
            if found is not None:
                return organization_id, found
    return "nobody_on_call"


_LOOKS: dict[str, Look] = {
    "contract": _contract,
    "team": _team,
    "township": _township,
    "county": _county,
}


def _upwards(table: DutyTable, organization_id: UUID | None) -> Iterator[UUID]:
    for _ in range(ANCESTORS_MOST):
        found = table.institutions.get(organization_id) if organization_id else None
        if found is None or organization_id is None:
            return
        yield organization_id
        organization_id = found.parent_id


def _with_substitutes(table: DutyTable, doctor_id: UUID, window: _Window) -> Iterator[UUID]:
    """The doctor, or while they are on leave who stands in for them, and so on."""
    seen: set[UUID] = set()
    found: UUID | None = doctor_id
    while found is not None and found not in seen and len(seen) < SUBSTITUTES_MOST:
        seen.add(found)
        leave = _on_leave(table, found, window)
        if leave is None:
            yield found
            return
        found = leave.substitute_id


def _on_leave(table: DutyTable, doctor_id: UUID, window: _Window) -> Leave | None:
    """The leave they are on for all of the window."""
    first = window.since.astimezone(SHANGHAI).date()
    last = window.until.astimezone(SHANGHAI).date()
    return next(
        (
            leave
            for leave in table.leaves.get(doctor_id, ())
            if leave.from_on <= first and last <= leave.to_on
        ),
        None,
    )


def _is_there(table: DutyTable, doctor_id: UUID, organization_id: UUID, window: _Window) -> bool:
    place = table.institutions.get(organization_id)
    if place is None or doctor_id not in place.doctors or _on_leave(table, doctor_id, window):
        return False
    week = table.weeks.get((organization_id, doctor_id), place.week)
    return works_within(week, window.since, window.until)


def _any_there(table: DutyTable, organization_id: UUID, window: _Window) -> bool:
    able = table.institutions[organization_id].doctors - window.but
    return any(_is_there(table, one, organization_id, window) for one in able)


def _on_call(table: DutyTable, organization_id: UUID, window: _Window) -> UUID | None:
    """Who is on call there, by the start of their duty; on leave, who stands in for them."""
    place = table.institutions[organization_id]
    for duty in place.on_call:
        if duty.from_at <= window.until and window.since < duty.to_at:
            for doctor_id in _with_substitutes(table, duty.practitioner_id, window):
                if doctor_id in place.doctors and doctor_id not in window.but:
                    return doctor_id
    return None
