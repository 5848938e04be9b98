"""The navigation: one line a page. Whoever lacks the right does not see the entry."""

import msgspec

from backend.identity.access import Actor


class Entry(msgspec.Struct, frozen=True):
    """`path` begins after `/staff`. `right`: None for everybody who is logged in."""

    path: str
    label: str
    right: str | None = None


ENTRIES = (
    Entry("/", "首页"),
    Entry("/clinic", "今日门诊", "clinic.day"),
    Entry("/chats", "咨询", "chat.read"),
    Entry("/duty", "值班", "chat.read"),
    Entry("/follow-ups", "随访", "plan.edit"),
    Entry("/unattended", "没人管的随访", "plan.oversee"),
    Entry("/contracts", "签约居民", "contract.edit"),
    Entry("/pools", "号源池", "pool.edit"),
    Entry("/draws", "摇号", "draw.edit"),
    Entry("/reports/pools", "号源报表", "report.read"),
    Entry("/reports/chats", "咨询质量", "report.read"),
    Entry("/reports/surveys", "评价统计", "report.read"),
    Entry("/suspensions", "停诊", "schedule.suspend"),
    Entry("/schedules", "排班", "schedule.read"),
    Entry("/appeals", "申诉", "appeal.decide"),
    Entry("/amnesties", "豁免", "amnesty.grant"),
    Entry("/waitlist", "候补", "waitlist.read"),
    Entry("/workbook", "全县工作簿", "schedule.import"),
    Entry("/simulator", "政策模拟", "policy.simulate"),
    Entry("/people", "工作人员", "staff.manage"),
)


def entries(actor: Actor) -> list[Entry]:
    return [one for one in ENTRIES if one.right is None or actor.may(one.right)]
