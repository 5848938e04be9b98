"""号源池: the rules, a new one with what it would do, and the end of one."""

from datetime import date, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from backend import clock
from backend.booking import pool_rules
from backend.booking.pool_rules import Part
from backend.booking.pools import ONSITE, Rule
from backend.booking.wording import KINDS, POOLS
from backend.consortium.directory import Org
from backend.errors import Malformed
from backend.web import places
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

RIGHT = "pool.edit"
Wall = Annotated[str, Meta(max_length=5)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Days = Annotated[int, Meta(ge=0, le=pool_rules.DAYS_MOST)]


class RuleForm(msgspec.Struct):
    """A rule, and the schedule on which it is tried out."""

    pool: Literal["referral", "family_doctor", "onsite"]
    share: Percent
    opens_days: Days
    opens_time: Wall
    returns_days: Days
    returns_time: Wall
    returns_to: Literal["public", "referral", "family_doctor"]
    effective_from: date
    organization: UUID | None = None
    kind: Literal["general", "expert", "disease", "outreach"] | None = None
    ended_on: date | None = None
    capacity: Annotated[int, Meta(ge=1, le=pool_rules.CAPACITY_MOST)] = 5
    slots: Annotated[int, Meta(ge=1, le=pool_rules.SLOTS_MOST)] = 6

    def rule(self) -> Rule:
        return Rule(
            pool=self.pool,
            share=self.share,
            opens_days=self.opens_days,
            opens_time=self.opens_time,
            returns_days=self.returns_days,
            returns_time=self.returns_time,
            returns_to=self.returns_to,
            organization_id=self.organization,
            kind=self.kind,
            effective_from=self.effective_from,
            ended_on=self.ended_on,
        )


class EndForm(msgspec.Struct):
    ended_on: date


@page("GET", "/pools", right=RIGHT)
async def rules(view: View) -> Show:
    """The county's rules and those of one's institutions."""
    county = await places.county_of(view)
    found = await pool_rules.list_of(view.actor)
    return show(
        "pools.html",
        rules=found,
        names={org.id: org.name for org in county.organizations.values()},
        mine={org.id for org in await places.institutions(view, RIGHT)},
        everywhere=view.actor.where(RIGHT) is None,
        pools=POOLS,
        kinds=KINDS,
    )


@page("GET", "/pools/new", right=RIGHT)
async def ask(view: View) -> Show:
    """A rule to fill in."""
    return await _asked(view)


@page("POST", "/pools/preview", right=RIGHT, form=RuleForm, on_fault=ask)
async def preview(view: View, form: RuleForm) -> Show:
    """The same form with what the rule would do; nothing is decided by it."""
    return await _asked(view, form)


@page("POST", "/pools", right=RIGHT, form=RuleForm, on_fault=ask)
async def add(view: View, form: RuleForm) -> Go:
    """Let it hold."""
    await pool_rules.add(view.actor, form.rule())
    return go("/pools", "规则已保存。已经放出的班次不变，之后新放的班次按它分配。")


@page("GET", "/pools/<rule_id:uuid>/end", right=RIGHT)
async def ask_end(view: View, rule_id: UUID) -> Show:
    """Which day is the rule's last."""
    rule = await pool_rules.find(view.actor, rule_id)
    county = await places.county_of(view)
    where = county.organizations.get(rule.organization_id) if rule.organization_id else None
    return show(
        "pool_end.html",
        rule=rule,
        where=where.name if where else "整个医共体",
        pools=POOLS,
        kinds=KINDS,
    )


@page("POST", "/pools/<rule_id:uuid>/end", right=RIGHT, form=EndForm, on_fault=ask_end)
async def end(view: View, rule_id: UUID, form: EndForm) -> Go:
    """Let it end."""
    await pool_rules.end(view.actor, rule_id, ended_on=form.ended_on)
    return go("/pools", "规则已设好停用日期。")


async def _asked(view: View, form: RuleForm | None = None) -> Show:
    mine = await places.institutions(view, RIGHT)
    everywhere = view.actor.where(RIGHT) is None
    parts, sample = await _tried(view, form, mine) if form else ([], None)
    return show(
        "pool_new.html",
        institutions=places.options_of(mine),
        everywhere=everywhere,
        parts=parts,
        sample=sample,
        form=form,
        tomorrow=clock.today() + timedelta(days=1),
        kept=[(pool, POOLS[pool]) for pool in ("referral", "family_doctor", ONSITE)],
        to=[(pool, POOLS[pool]) for pool in ("public", "referral", "family_doctor")],
        kind_options=list(KINDS.items()),
        pools=POOLS,
        kinds=KINDS,
    )


async def _tried(view: View, form: RuleForm, mine: list[Org]) -> tuple[list[Part], Org]:
    """How a schedule would be split: of the rule's institution, else the first that fits."""
    fitting = [org for org in mine if form.organization in (None, org.id)]
    if not fitting:
        raise Malformed("请选择机构。", field="organization")
    parts = await pool_rules.preview(
        view.actor,
        organization_id=fitting[0].id,
        kind=form.kind or "expert",
        on=form.effective_from,
        capacity=form.capacity,
        slots=form.slots,
        with_rule=form.rule(),
    )
    return parts, fitting[0]
