"""Who read or changed a patient's record: the audit, as the patient may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q

from backend import audit, db
from backend.audit import AuditEvent
from backend.identity.access import Actor, care_of, is_in_force
from backend.identity.models import Carer

Cursor = tuple[datetime, UUID]

# Every action that a record is named in, as its patient reads it.
ACTIONS = {
    "appeal.granted": "同意了申诉", "appeal.listed": "看了申诉", "appeal.made": "提出申诉",
    "appeal.refused": "没有同意申诉", "appeal.shown": "看了一个申诉",
    "appointment.excused": "豁免爽约或取消",
    "appointment.booked": "预约", "appointment.cancelled": "取消预约",
    "appointment.confirmed": "确认预约", "appointment.listed": "看了预约列表",
    "appointment.moved": "改约", "appointment.offered": "留了一个号",
    "appointment.restored": "停诊取消，恢复预约", "appointment.shown": "看了一个预约",
    "appointment.stopped": "停诊，取消预约", "appointment.withdrawn": "停诊取消，收回留的号",
    "carer.accepted": "接受邀请，成为代办家属", "carer.consented": "同意代办或修改代办权限",
    "carer.invitation_opened": "打开了代办邀请", "carer.invitations_listed": "看了没用的邀请",
    "carer.invited": "邀请家人代办", "carer.listed": "看了代办家属名单",
    "carer.revoked": "解除代办", "carer.uninvited": "收回代办邀请",
    "chat.answered": "回复了咨询", "chat.booked": "在咨询里帮您约号",
    "chat.called": "打电话并记下结果", "chat.calls_listed": "看了要打电话的名单",
    "chat.case_shown": "接诊时看了咨询和居民卡片", "chat.claimed": "接诊了咨询",
    "chat.closed": "结束了咨询", "chat.handed_over": "把咨询转给医生",
    "chat.file_shown": "看了咨询里的照片或听了语音",
    "chat.noted": "写了内部备注", "chat.phone_shown": "为打电话看了手机号",
    "chat.released": "把咨询交还排队", "chat.reopened": "重新打开了咨询",
    "chat.transferred": "把咨询转给别的医生", "chat.zero_hits_listed": "看了机器人没听懂的问题",
    "chat.listed": "看了咨询列表", "chat.opened": "发起在线咨询", "chat.rated": "评价了咨询",
    "chat.read": "看了咨询记录", "chat.recalled": "撤回咨询里的一条消息",
    "chat.searched": "在咨询记录里查找",
    "chat.uploaded": "在咨询里传了照片或语音",
    "consent.listed": "看了同意记录",
    "contract.ended": "解除家庭医生签约", "contract.listed": "看了签约居民名单",
    "contract.read": "为签约居民找号", "contract.signed": "签约家庭医生",
    "daylist.read": "看了当天的就诊名单",
    "draw.entered": "报名摇号", "draw.listed": "看了摇号报名", "draw.withdrawn": "退出摇号",
    "follow_up.closed": "记下了随访结果", "follow_up.listed": "看了随访名单",
    "follow_up.shown": "看了随访的日子",
    "follow_up.started": "定了随访计划",
    "hold.expired": "没有确认的号自动放回",
    "inbox.read": "看了消息",
    "line.admit": "请进诊室", "line.call": "叫号", "line.check_in": "签到",
    "line.close": "当天就诊收尾", "line.finish": "结束就诊", "line.leave": "离开候诊",
    "line.no_show": "没有签到，记一次爽约", "line.read": "看了候诊队列",
    "line.recall": "再次叫号", "line.return": "过号后重新排队", "line.skip": "过号",
    "line.walk_in": "现场挂号",
    "medication.changed": "改了用药计划", "medication.ended": "停用了用药计划",
    "medication.listed": "看了用药计划", "medication.shown": "看了一个用药计划",
    "medication.started": "写了用药计划",
    "patient.changed": "修改就诊人资料",
    "patient.erased": "删除就诊人资料", "patient.found": "在窗口核对了就诊人",
    "patient.listed": "看了就诊人名单",
    "patient.registered": "添加就诊人",
    "patient.requested": "申请代办", "patient.shown": "看了就诊人资料",
    "waitlist.accepted": "确认候补到的号", "waitlist.declined": "不要候补到的号",
    "waitlist.expired": "候补结束", "waitlist.joined": "加入候补",
    "waitlist.lapsed": "候补到的号没有及时确认", "waitlist.left": "退出候补",
    "waitlist.listed": "看了候补列表", "waitlist.offered": "候补到一个号",
    "waitlist.proved": "核对候补顺序", "waitlist.read": "看了候补名单",
    "waitlist.shown": "看了一个候补",
    "waitlist.withdrawn": "候补到的号被收回，继续候补",
    "survey.answered": "评价了一次就诊", "survey.comments_read": "看了对就诊的评价",
    "survey.listed": "看了可以评价的就诊",
    "standing.shown": "看了约号记录",
    "record.accesses_listed": "看了查看记录", "record.exported": "导出了全部信息",
    "suspension.listed": "停诊时看了要通知谁", "suspension.phone_shown": "停诊时看了手机号",
    "suspension.previewed": "停诊前看了影响到谁", "suspension.reached": "记下停诊已告知",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Access:
    """`who`: me, carer, asking or invited (to be one), former (no longer one), staff, operator,
    system.

    `relation`: what a carer is to the patient.
    """

    id: UUID
    at: datetime
    who: str
    relation: str | None
    action: str
    words: str


async def list_of(
    actor: Actor, patient_id: UUID, *, everyone: bool, after: Cursor | None, most: int
) -> list[Access]:
    """The latest first, from `after` on; without `everyone`, what others did. Raises NotFound."""
    await care_of(actor, patient_id, "manage")
    wanted = AuditEvent.filter(consortium_id=actor.consortium_id, patient_id=patient_id)
    if not everyone:
        wanted = wanted.filter(Q(actor_id=None) | ~Q(actor_id=actor.account_id))
    if after is not None:
        at, last = after
        wanted = wanted.filter(Q(at__lt=at) | Q(at=at, id__lt=last))
    rows = await wanted.order_by("-at", "-id").limit(most)
    async with db.transaction():
        await audit.record(actor, "record.accesses_listed", patient_ids=[patient_id])
    return await _told(actor, patient_id, rows)


async def _told(actor: Actor, patient_id: UUID, rows: Sequence[AuditEvent]) -> list[Access]:
    carers = {row.account_id: row for row in await Carer.filter(patient_id=patient_id)}
    told = []
    for row in rows:
        carer = carers.get(row.actor_id)
        who = row.actor_kind if row.actor_kind != "resident" else _resident(actor, row, carer)
        relation = carer.relation if carer is not None else None
        words = ACTIONS.get(row.action, "使用了记录")
        told.append(Access(row.id, row.at, who, relation, row.action, words))
    return told


def _resident(actor: Actor, row: AuditEvent, carer: Carer | None) -> str:
    if row.actor_id == actor.account_id:
        return "me"
    if carer is None and row.action == "carer.invitation_opened":
        return "invited"
    if carer is not None and carer.state == "requested":
        return "asking"
    return "carer" if carer is not None and is_in_force(carer) else "former"
