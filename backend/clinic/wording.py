"""Pure: the states of a place in the line in words."""

STATES = {
    "expected": "未签到", "waiting": "候诊", "called": "已叫号", "in_room": "就诊中",
    "skipped": "过号", "done": "已完成", "left": "已离开", "over": "已结束",
}  # fmt: skip
