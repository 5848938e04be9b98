"""Pure: suspensions in the words of whoever works with them."""

STATES = {"active": "已停诊", "undoing": "正在撤销", "undone": "已撤销"}
OUTCOMES = {
    "none": "没有可留的号", "offered": "已留号，等确认", "accepted": "已改约",
    "declined": "不要留的号",
    "lapsed": "没有确认，号已放回", "stopped": "留的号也停诊了", "undone": "已恢复原来的号",
}  # fmt: skip
TONES = {"accepted": "good", "undone": "good", "offered": "warn", "none": "danger",
         "lapsed": "danger", "stopped": "danger", "declined": ""}  # fmt: skip
REACHED = {"inbox": "小程序里看到", "phone": "电话通知", "visit": "当面告知", "other": "其他方式"}
HOW = {"phone": "电话通知", "visit": "当面告知", "other": "其他方式"}
RELATIONS = {
    "self": "本人", "parent": "父母", "child": "子女", "spouse": "配偶", "grandparent": "祖父母",
    "grandchild": "孙辈", "sibling": "兄弟姐妹", "other": "其他家属",
}  # fmt: skip
