"""会话: conversations, their messages in one order, and what each was decided by.

The database enforces what must never break (see migrations): one message for a client's id, one for
a number, an author who can't be changed, events and bot turns that can't be rewritten.
"""

from typing import Any

from tortoise import fields
from tortoise.models import Model

from backend.consortium.models import Organization
from backend.identity.models import Patient

TEXT_MOST = 2000  # characters of one message
CLIENT_ID_MOST = 64
PREVIEW_MOST = 60
NO_CHECK, TO_CHECK, PASSED, RISKY, UNCHECKED = "none", "pending", "passed", "risky", "unchecked"


class Conversation(Model):
    """会话 of one account, about one patient or (NULL) nobody yet. States in policy.STATES.

    Every change raises `version`; every message takes the next `last_seq`. The priority sorts as
    text: I, II, III, IV. Read and delivered marks are the highest `seq` that a side has seen.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    account_id = fields.UUIDField()
    patient: fields.ForeignKeyNullableRelation[Patient] = fields.ForeignKeyField(
        "jiamenkou.Patient", null=True, on_delete=fields.RESTRICT, related_name="conversations"
    )
    organization: fields.ForeignKeyNullableRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", null=True, on_delete=fields.RESTRICT, related_name="conversations"
    )  # whose doctors answer; NULL until handed over
    state = fields.CharField(max_length=10)
    version = fields.IntField(default=0)
    opened_at = fields.DatetimeField()

    # What the bot found out.
    priority = fields.CharField(max_length=3, default="IV")
    tier = fields.CharField(max_length=10, null=True)
    departments: Any = fields.JSONField(default=list)  # names, the likeliest first
    red_flag = fields.BooleanField(default=False)
    rules_version = fields.CharField(max_length=80, default="")
    memory: Any = fields.JSONField(null=True)
    triage: Any = fields.JSONField(null=True)
    turns = fields.IntField(default=0)  # of the bot

    # Where it waits, and who has it.
    handed_over_for = fields.CharField(max_length=20, default="")  # HandOver.reason
    queued_at = fields.DatetimeField(null=True)
    due_at = fields.DatetimeField(null=True)  # of the first answer of a doctor
    routed_by = fields.CharField(max_length=16, default="")  # duty_policy.LEVELS
    home_id = fields.UUIDField(null=True)  # the resident's own institution, whoever is asked now
    assigned_to = fields.UUIDField(null=True)  # staff in whose queue it stands first
    claimed_by = fields.UUIDField(null=True)  # staff
    claimed_at = fields.DatetimeField(null=True)
    answered_at = fields.DatetimeField(null=True)  # a doctor's first message since it was queued

    # For lists.
    last_seq = fields.IntField(default=0)
    last_at = fields.DatetimeField()
    preview = fields.CharField(max_length=PREVIEW_MOST, default="")
    resident_unread = fields.IntField(default=0)
    staff_unread = fields.IntField(default=0)
    resident_read = fields.IntField(default=0)
    resident_delivered = fields.IntField(default=0)
    staff_read = fields.IntField(default=0)
    staff_delivered = fields.IntField(default=0)

    # How it ended.
    closed_at = fields.DatetimeField(null=True)
    closed_by = fields.UUIDField(null=True)  # staff; NULL: the resident, or nobody came back
    outcome = fields.CharField(max_length=20, default="")
    reopened = fields.IntField(default=0)
    rating = fields.SmallIntField(null=True)  # 1 to 5
    rating_words = fields.CharField(max_length=300, default="")
    rated_at = fields.DatetimeField(null=True)

    patient_id: Any
    organization_id: Any

    class Meta:
        table = "conversation"
        indexes = (
            ("account_id", "last_at", "id"),
            ("patient_id", "last_at"),
            ("organization_id", "last_at"),
        )


class Attachment(Model):
    """A picture or a voice note, made anew before it is kept.

    Uploaded by an account or by staff into one conversation, once for each name that its sender
    gives it, and then sent with one message.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    conversation: fields.ForeignKeyRelation[Conversation] = fields.ForeignKeyField(
        "jiamenkou.Conversation", on_delete=fields.RESTRICT, related_name="attachments"
    )
    account_id = fields.UUIDField(null=True)
    staff_id = fields.UUIDField(null=True)
    kind = fields.CharField(max_length=10)  # image, voice
    media_type = fields.CharField(max_length=40)
    bytes = fields.IntField()
    width = fields.IntField(null=True)  # pixels
    height = fields.IntField(null=True)
    duration_ms = fields.IntField(null=True)
    sha256 = fields.CharField(max_length=64)  # of what was sent
    client_id = fields.CharField(max_length=CLIENT_ID_MOST, db_default="")  # one for each upload
    created_at = fields.DatetimeField()
    removed_at = fields.DatetimeField(null=True)  # the content is gone

    conversation_id: Any

    class Meta:
        table = "attachment"
        indexes = (("conversation_id", "created_at"), ("sha256",))


class AttachmentContent(Model):
    """The bytes of an attachment, sealed: a table of its own, as lists never want them."""

    id = fields.UUIDField(primary_key=True)  # the attachment's
    whole = fields.BinaryField()
    thumbnail = fields.BinaryField(null=True)

    class Meta:
        table = "attachment_content"


class Message(Model):
    """消息: number `seq` of its conversation, without gaps. Author and order stay as written.

    `client_id` is the sender's own name for it, so that what is sent twice is stored once.
    `check_state`: none needed, pending, passed, risky (folded), or unchecked (given up).
    """

    id = fields.UUIDField(primary_key=True)
    conversation: fields.ForeignKeyRelation[Conversation] = fields.ForeignKeyField(
        "jiamenkou.Conversation", on_delete=fields.RESTRICT, related_name="messages"
    )
    seq = fields.IntField()
    client_id = fields.CharField(max_length=CLIENT_ID_MOST)
    request_hash = fields.CharField(max_length=64)  # of all that its sender said
    author_kind = fields.CharField(max_length=10)  # resident, bot, doctor, system
    author_id = fields.UUIDField(null=True)  # account or staff
    kind = fields.CharField(max_length=12)
    body = fields.TextField(default="")
    payload: Any = fields.JSONField(null=True)
    quoted: fields.ForeignKeyNullableRelation["Message"] = fields.ForeignKeyField(
        "jiamenkou.Message", null=True, on_delete=fields.RESTRICT, related_name="quoted_by"
    )
    attachment: fields.ForeignKeyNullableRelation[Attachment] = fields.ForeignKeyField(
        "jiamenkou.Attachment", null=True, on_delete=fields.RESTRICT, related_name="messages"
    )
    at = fields.DatetimeField()
    recalled_at = fields.DatetimeField(null=True)
    check_state = fields.CharField(max_length=10, default=NO_CHECK)
    check_at = fields.DatetimeField(null=True)  # when to try next
    check_tries = fields.SmallIntField(default=0)

    conversation_id: Any
    quoted_id: Any
    attachment_id: Any

    class Meta:
        table = "message"
        unique_together = (("conversation_id", "seq"), ("conversation_id", "client_id"))


class ConversationEvent(Model):
    """Who did what to a conversation, and why: append-only."""

    id = fields.UUIDField(primary_key=True)
    conversation: fields.ForeignKeyRelation[Conversation] = fields.ForeignKeyField(
        "jiamenkou.Conversation", on_delete=fields.RESTRICT, related_name="events"
    )
    at = fields.DatetimeField()
    actor_kind = fields.CharField(max_length=16)
    actor_id = fields.UUIDField(null=True)
    action = fields.CharField(max_length=20)
    from_state = fields.CharField(max_length=10, null=True)
    to_state = fields.CharField(max_length=10)
    reason = fields.CharField(max_length=200, default="")
    detail: Any = fields.JSONField(default=dict)  # ids, codes and numbers

    conversation_id: Any

    class Meta:
        table = "conversation_event"
        indexes = (("conversation_id", "at"), ("at", "id"))


class BotTurn(Model):
    """A decision of the bot with all that it was made from, so that it can be made again.

    The words stand in the messages alone: see `remembering`.
    """

    id = fields.UUIDField(primary_key=True)
    conversation: fields.ForeignKeyRelation[Conversation] = fields.ForeignKeyField(
        "jiamenkou.Conversation", on_delete=fields.RESTRICT, related_name="bot_turns"
    )
    number = fields.IntField()  # from 0, the greeting
    message_id = fields.UUIDField(null=True)  # what it answers
    rules_version = fields.CharField(max_length=80)
    person: Any = fields.JSONField()
    memory: Any = fields.JSONField(null=True)  # before, with the `seq` of what it had heard
    said: Any = fields.JSONField(null=True)  # `seq` of what it answers
    turn: Any = fields.JSONField()  # the answer; the memory after it is the next one's before
    at = fields.DatetimeField()

    conversation_id: Any

    class Meta:
        table = "bot_turn"
        unique_together = (("conversation_id", "number"),)


class RuleSet(Model):
    """Rules of the bot as they were, by version: conversations keep those that they began with."""

    id = fields.UUIDField(primary_key=True)
    version = fields.CharField(max_length=80, unique=True)
    blob = fields.BinaryField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "rule_set"
