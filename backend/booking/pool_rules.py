"""Pool rules of a county: which holds where, from memory; and who changes them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import product
from uuid import UUID, uuid4

import structlog
from tortoise.expressions import Q

from backend import audit, clock, db
from backend.booking import pools
from backend.booking.errors import TooManyKept
from backend.booking.models import KINDS, PoolRule
from backend.booking.policies import policies
from backend.booking.policy import Policy, opens_at
from backend.booking.pools import KEPT, ONSITE, POOLS, PUBLIC, WHOLE, Rule
from backend.consortium.directory import directory
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor
from backend.snapshots import Snapshots

log = structlog.get_logger()

TTL_S = 10.0  # how long a changed rule may stay unnoticed by another process
MOST_PICKED = 10_000  # answers remembered per table
LISTED_MOST = 500
DAYS_MOST = 180  # that places may open before the day
CAPACITY_MOST, SLOTS_MOST = 50, 48  # of a schedule that is tried out
WALL = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
SOME_DAY = date(2026, 1, 1)

COLUMNS = (
    "id", "organization_id", "kind", "pool", "share", "opens_days", "opens_time", "returns_days",
    "returns_time", "returns_to", "effective_from", "ended_on",
)  # fmt: skip


class PoolRules:
    """All rules of one consortium."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.all = rules
        self._picked: dict[tuple[UUID, str, str, date, str], dict[str, Rule]] = {}

    def pick(
        self, organization_id: UUID, tier: str, kind: str, on: date, policy: Policy
    ) -> dict[str, Rule]:
        """By pool, the rules for such a schedule of that day. See `pools.in_force`."""
        wanted = (organization_id, tier, kind, on, policy.version)
        found = self._picked.get(wanted)
        if found is None:
            if len(self._picked) >= MOST_PICKED:
                self._picked.clear()
            found = pools.in_force(self.all, organization_id, tier, kind, on, policy)
            self._picked[wanted] = found
        return found

    def earliest_days(self, tier: str, kind: str, policy: Policy) -> int:
        """So many days before a schedule's day its first places open, at most."""
        early = [rule.opens_days for rule in pools.built_in(tier, kind, policy).values()]
        early += [rule.opens_days for rule in self.all if rule.kind in (None, kind)]
        return max([policy.horizon_days, *early])


async def load(consortium_id: UUID) -> PoolRules:
    """The consortium's rules as they are in the database now."""
    rows = await PoolRule.filter(consortium_id=consortium_id).values(*COLUMNS)
    return PoolRules([Rule(**row) for row in rows])


_snapshots = Snapshots(load, TTL_S)
forget = _snapshots.forget


async def pool_rules(consortium_id: UUID) -> PoolRules:
    """The consortium's rules, some `TTL_S` old at most."""
    return await _snapshots.get(consortium_id)


# --- changing them --------------------------------------------------------------------------------


async def list_of(actor: Actor) -> list[Rule]:
    """The county's rules and those of the actor's institutions, what ended last comes last.

    Raises:
        NotFound: the actor edits no pools.
    """
    actor.must("pool.edit")
    mine = actor.where("pool.edit")
    theirs = Q() if mine is None else Q(organization_id=None) | Q(organization_id__in=list(mine))
    rows = (
        await PoolRule.filter(theirs, consortium_id=actor.consortium_id)
        .order_by("-effective_from", "pool", "id")
        .limit(LISTED_MOST)
        .values(*COLUMNS)
    )
    rules = [Rule(**row) for row in rows]
    return sorted(rules, key=lambda rule: rule.ended_on is not None)


async def find(actor: Actor, rule_id: UUID) -> Rule:
    """A rule that the actor may end. Raises NotFound."""
    row = await PoolRule.get_or_none(id=rule_id, consortium_id=actor.consortium_id)
    if row is None:
        raise NotFound
    await _must_edit(actor, row.organization_id)
    return Rule(**{name: getattr(row, name) for name in COLUMNS})


async def add(actor: Actor, rule: Rule) -> Rule:
    """Let a rule hold from its day on. Schedules that are published already are not split again.

    Raises:
        NotFound: no such institution, or not the actor's to decide for.
        Malformed: a number makes no sense, `field` says which; TooManyKept.
    """
    await _must_edit(actor, rule.organization_id)
    _check(rule)
    await _check_total(actor, rule)
    async with db.transaction():
        row = await PoolRule.create(
            id=uuid4(),
            consortium_id=actor.consortium_id,
            created_by=actor.id,
            created_at=clock.now(),
            **{name: getattr(rule, name) for name in COLUMNS if name != "id"},
        )
        await audit.record(
            actor, "pool.rule_added", entity_id=row.id, pool=rule.pool, share=rule.share
        )
    forget()
    log.info("pool.rule_added", rule_id=str(row.id), pool=rule.pool, share=rule.share)
    return Rule(**{name: getattr(row, name) for name in COLUMNS})


async def end(actor: Actor, rule_id: UUID, *, ended_on: date) -> None:
    """Let a rule hold for the last time on `ended_on`, today or later.

    Raises:
        NotFound: no such rule that still holds then, or not the actor's; Malformed.
    """
    await find(actor, rule_id)
    if ended_on < clock.today():
        raise Malformed("停用日期不能早于今天。", field="ended_on")
    async with db.transaction():
        still = PoolRule.filter(Q(ended_on=None) | Q(ended_on__gt=ended_on), id=rule_id)
        if not await still.update(ended_on=ended_on):
            raise NotFound
        await audit.record(
            actor, "pool.rule_ended", entity_id=rule_id, ended_on=ended_on.isoformat()
        )
    forget()
    log.info("pool.rule_ended", rule_id=str(rule_id))


async def _must_edit(actor: Actor, organization_id: UUID | None) -> None:
    """A rule for the whole county is for those who act for the whole county."""
    actor.must("pool.edit", organization_id)
    if organization_id is None:
        if actor.where("pool.edit") is not None:
            raise NotFound
        return
    county = await directory(actor.consortium_id)
    if organization_id not in county.organizations:
        raise NotFound


def _check(rule: Rule) -> None:
    for field, detail in _faults(rule):
        raise Malformed(detail, field=field)


def _faults(rule: Rule) -> Iterator[tuple[str, str]]:
    """What makes no sense, the field and in words; what comes first is asked first."""
    if rule.pool not in KEPT:
        yield "pool", "请选择号源池。"
    if rule.kind is not None and rule.kind not in KINDS:
        yield "kind", "请选择号别。"
    if not 0 <= rule.share <= WHOLE:
        yield "share", "比例是 0 到 100 的整数。"
    if not 0 <= rule.opens_days <= DAYS_MOST:
        yield "opens_days", f"提前天数是 0 到 {DAYS_MOST}。"
    if not 0 <= rule.returns_days <= DAYS_MOST:
        yield "returns_days", f"提前天数是 0 到 {DAYS_MOST}。"
    if rule.pool == ONSITE and rule.returns_days:
        yield "returns_days", "现场号当天才能回流，请填 0。"
    for field in ("opens_time", "returns_time"):
        if not WALL.fullmatch(getattr(rule, field)):
            yield field, "时间写成 07:00 这样。"
    if pools.returns_at(rule, SOME_DAY) <= pools.opens_at(rule, SOME_DAY):
        yield "returns_time", "回流要在开放之后。"
    if rule.returns_to not in POOLS or rule.returns_to in (rule.pool, ONSITE):
        yield "returns_to", "请选择回流到哪个号源池。"
    if rule.effective_from < clock.today():
        yield "effective_from", "生效日期不能早于今天。"
    if rule.ended_on is not None and rule.ended_on < rule.effective_from:
        yield "ended_on", "停用日期不能早于生效日期。"


async def _check_total(actor: Actor, rule: Rule) -> None:
    """Raises TooManyKept: with this rule more than everything would be kept somewhere.

    Two who add at once may pass it together; then `pools.split` cuts both down.
    """
    table = await load(actor.consortium_id)
    county, numbers = await directory(actor.consortium_id), await policies(actor.consortium_id)
    on = rule.effective_from
    for org, kind in product(county.organizations.values(), KINDS):
        if rule.covers(org.id, kind, on):
            policy = numbers.pick(org.id, org.tier, kind, on)
            held = pools.in_force([*table.all, rule], org.id, org.tier, kind, on, policy)
            share = sum(one.share for one in held.values())
            if share > WHOLE:
                raise TooManyKept(share=share)


# --- what would follow ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """One pool of a schedule: its places by slot, and from when to when, UTC. `rule` None: public,
    whose places do not flow on."""

    pool: str
    rule: Rule | None
    places: list[int]
    opens_at: datetime
    returns_at: datetime | None


async def preview(
    actor: Actor,
    *,
    organization_id: UUID,
    kind: str,
    on: date,
    capacity: int,
    slots: int,
    with_rule: Rule | None = None,
) -> list[Part]:
    """How a schedule of that day would be split, also `with_rule` that is not there yet.

    Raises:
        NotFound, Malformed.
    """
    await _must_edit(actor, organization_id)
    if not 1 <= capacity <= CAPACITY_MOST or not 1 <= slots <= SLOTS_MOST:
        raise Malformed("每段号数是 1 到 50，时段数是 1 到 48。", field="capacity")
    county, numbers = await directory(actor.consortium_id), await policies(actor.consortium_id)
    tier = county.organizations[organization_id].tier
    policy = numbers.pick(organization_id, tier, kind, on)
    rules = list((await load(actor.consortium_id)).all)
    if with_rule is not None:
        _check(with_rule)
        rules.append(with_rule)
    held = pools.in_force(rules, organization_id, tier, kind, on, policy)
    return [
        Part(PUBLIC, None, places, opens_at(policy, on), None)
        if pool == PUBLIC
        else Part(
            pool,
            held[pool],
            places,
            pools.opens_at(held[pool], on),
            pools.returns_at(held[pool], on),
        )
        for pool, places in pools.split(capacity, slots, held).items()
    ]
