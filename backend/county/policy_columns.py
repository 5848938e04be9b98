"""The numbers of a booking rule as columns of the sheet 预约规则. Blank: the built-in one."""

from backend.county.columns import Column


def _number(name: str, field: str, low: int, high: int, says: str) -> Column:
    return Column(name, field, "integer", low=low, high=high, says=says)


POLICY_NUMBERS = (
    _number("预约天数", "horizon_days", 0, 366, "提前几天放号"),
    Column("放号时间", "release_at", "time", example="07:00", says="新的一天几点放号"),
    _number("预约截止（号前分钟）", "closes_min", 0, 1440, "号源时段开始前多少分钟停止预约"),
    _number(
        "免责退号提前天数", "cancel_days_before", 0, 366, "0 为按分钟，n 为提前 n 天的退号截止时刻"
    ),
    Column("退号截止时刻", "cancel_at", "time", example="17:00", says="提前天数不为 0 时用"),
    _number("退号截止（号前分钟）", "cancel_min", 0, 1440, "提前天数为 0 时用"),
    _number("退号宽限（分钟）", "cancel_grace_min", 0, 1440, "约后多少分钟内退号不计"),
    _number("占号（分钟）", "hold_min", 1, 60, "待确认的号保留多久"),
    _number("改约次数上限", "moves_most", 0, 100, "每个预约最多改几次"),
    _number("爽约次数", "no_shows_most", 0, 100, "达到几次限约专家号，0 为不限"),
    _number("爽约统计天数", "no_show_days", 0, 366, "在多少天内统计"),
    _number("爽约限约天数", "no_show_bar_days", 0, 366, "限约多少天"),
    _number("再次限约（%）", "bar_second_pct", 100, 400, "一年内第二次限约，为首次天数的百分之几"),
    _number("三次以上限约（%）", "bar_third_pct", 100, 400, "一年内第三次起，为首次天数的百分之几"),
    _number("退号次数", "cancellations_most", 0, 100, "超过几次限约专家号，0 为不限"),
    _number("退号统计天数", "cancellation_days", 0, 366, "在多少天内统计"),
    _number("退号限约天数", "cancellation_bar_days", 0, 366, "限约多少天"),
    _number("每科室每日次数", "per_department_day", 1, 10, "每位就诊人"),
    _number("每日次数", "per_day", 1, 10, "每位就诊人"),
    _number("每账号就诊人", "patients_per_account", 1, 20, "一个微信账号可管理几位"),
    _number("签到开放（号前分钟）", "checkin_min", 0, 1440, "号源时段开始前多少分钟可以签到"),
    _number("停诊留号天数", "stopped_hold_days", 0, 14, "停诊后另留的号保留到几天后，0 为当天"),
    Column("停诊留号到", "stopped_hold_at", "time", example="20:00", says="保留到那一天的几点"),
    _number("候补留号（分钟）", "waitlist_offer_min", 5, 1440, "候补到的号留多久等确认"),
    Column("候补静默起", "waitlist_quiet_from", "time", example="22:00", says="夜里留号不计时"),
    Column("候补静默止", "waitlist_quiet_to", "time", example="07:00", says="与起相同为不静默"),
    _number("候补次数", "waitlist_per_patient", 0, 20, "每位就诊人同时候补几个，0 为不设候补"),
    _number("候补漏接次数", "waitlist_offers_most", 1, 20, "留的号几次没确认就结束候补"),
    _number("候补提前天数", "waitlist_ahead_days", 0, 366, "可候补放号日之后几天的号"),
)
