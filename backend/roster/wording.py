"""Pure: what staff read for codes of the roster."""

from datetime import date

KINDS = {"general": "普通", "expert": "专家", "disease": "专病", "outreach": "下沉"}
PERIODS = {"am": "上午", "pm": "下午", "night": "夜间"}
POOLS = {"public": "公开", "referral": "转诊", "family_doctor": "家医", "onsite": "现场"}
STATES = {"open": "开放", "suspended": "不出诊", "stopped": "停诊"}
ACTIONS = {"closed": "不出诊", "open": "加开", "capacity": "调号"}
WEEKDAYS = "一二三四五六日"


def day(on: date) -> str:
    """11月23日（周一）"""
    return f"{on.month}月{on.day}日（周{WEEKDAYS[on.weekday()]}）"
