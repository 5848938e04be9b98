"""Pure: what the service itself says in a conversation, in words for a 70-year-old."""

RECALLED = "已撤回一条消息"
PREVIEWS = {"image": "[图片]", "voice": "[语音]", "form": "[填好的表]", "card": "[预约]"}


def preview(kind: str, body: str) -> str:
    """One line for lists."""
    line = " ".join(body.split())
    return f"{PREVIEWS.get(kind, '')}{line}" if kind in ("image", "voice") else (
        line or PREVIEWS.get(kind, "")
    )  # fmt: skip
