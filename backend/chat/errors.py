"""What may be refused about conversations. Texts say what to do next."""

from backend.errors import Conflict


class ClientIdReused(Conflict):
    """Another message of this conversation has that `client_id`. Carries `message_id`."""

    code = "client-id-reused"
    title = "消息编号已用过"
    detail = "这个消息编号已用于另一条消息，请重新发送。"


class ConversationOver(Conflict):
    """It ended more than 48 hours ago. Carries `state`."""

    code = "conversation-over"
    title = "这次咨询已经结束"
    detail = "这次咨询结束已超过 48 小时，请重新发起一次咨询。"


class TooManyConversations(Conflict):
    """Carries `most`."""

    code = "too-many-conversations"
    title = "还有没结束的咨询"
    detail = "您还有几次咨询在等医生回复，请打开原来的咨询接着问。"


class TooLateToRecall(Conflict):
    """More than two minutes ago, or recalled already."""

    code = "too-late-to-recall"
    title = "不能撤回了"
    detail = "发出超过 2 分钟，不能撤回了。说错了可以再发一条说明。"


class NotNow(Conflict):
    """The conversation's state does not allow it. Carries `state`."""

    code = "conversation-state"
    title = "现在不能这样做"
    detail = "这次咨询现在的状态不能这样操作，请刷新后再看。"


class AlreadyRated(Conflict):
    """Each conversation is rated once."""

    code = "already-rated"
    title = "已经评价过"
    detail = "这次咨询您已经评价过了，谢谢。"
