"""Everything that is kept about an account and the people it manages, for its owner to take along.

What is not a person's own stays out, each column for a reason; a test holds this list against the
tables, so that nothing new is forgotten.
"""

from typing import Any
from uuid import UUID

from tortoise.expressions import Q, Subquery
from tortoise.models import Model
from tortoise.queryset import QuerySet

from backend import audit, clock, db
from backend.appeal.models import Appeal
from backend.audit import AuditEvent
from backend.booking.models import Appointment, AppointmentEvent, Restriction
from backend.booking.waitlist.models import WaitlistChoice, WaitlistEntry, WaitlistEvent
from backend.chat.duty_models import CallTask, HandOver
from backend.chat.models import Attachment, BotTurn, Conversation, ConversationEvent, Message
from backend.clinic.models import QueueEntry
from backend.crypto import Vault
from backend.draw.models import DrawEntry
from backend.identity import accounts, patients
from backend.identity.access import Actor, patients_of
from backend.identity.models import (
    Account,
    Carer,
    CarerInvitation,
    Consent,
    FamilyDoctorContract,
    Patient,
    Session,
)
from backend.notices import Notice
from backend.reminders.models import (
    FollowUp,
    FollowUpPlan,
    MedicationPlan,
    MedicationVersion,
    Subscription,
)
from backend.satisfaction.models import SurveyMark, SurveyResponse
from backend.suspension.models import SuspensionCase

ROWS_MOST = 2000  # of one table; the latest

# Opened for the owner: column → its name once opened, what its text was bound to when sealed.
SEALED = {
    ("account", "openid_sealed"): ("openid", accounts.OPENID_COLUMN),
    ("account", "phone_sealed"): ("phone", accounts.PHONE_COLUMN),
    ("patient", "id_sealed"): ("id_number", patients.ID_COLUMN),
    ("patient", "phone_sealed"): ("phone", patients.PHONE_COLUMN),
}
# Keys, hashes and indexes that mean nothing outside; accounts that may be somebody else's.
WITHHELD = {
    "account": {"openid_index", "phone_index", "erased_at"},
    "session": {"token_hash", "account_id"},
    "patient": {"id_index", "phone_index"},
    "carer": {"account_id", "ended_by"},
    "carer_invitation": {"code_hash", "invited_by"},
    "consent": {"account_id"},
    "family_doctor_contract": {"signed_by", "ended_by"},
    "appointment": {"account_id", "day_place", "department_place"},
    "appointment_event": {"actor_id"},
    "queue_entry": set(),
    "restriction": set(),
    "suspension_case": {"suspension_id"},
    "waitlist_entry": {"account_id"},
    "waitlist_choice": set(),
    "waitlist_event": {"actor_id"},
    "appeal": {"account_id", "decided_by"},
    "draw_entry": {"account_id"},
    "survey_mark": set(),
    # An anonymous one is nobody's, and stays out as a whole.
    "survey_response": {"account_id", "mixed"},
    "conversation": {"account_id", "assigned_to", "claimed_by", "closed_by"},
    "message": {"author_id", "request_hash", "check_at", "check_tries"},
    "attachment": {"account_id", "staff_id", "sha256", "client_id"},
    "conversation_event": {"actor_id"},
    "bot_turn": {"memory"},  # what it made of the messages above, and of what was taken back
    "hand_over": {"doctor_id", "answered_by", "silent"},
    "call_task": {"called_by", "note"},  # what staff write to each other
    "follow_up_plan": {"staff_id", "ended_by"},
    "follow_up": {"staff_id", "closed_by"},
    "medication_plan": {"ended_by"},
    "medication_version": {"writer_id"},
    "notice": {"account_id"},
    "subscription": {"account_id"},
    "audit_event": {"actor_id", "detail"},
}
EVERYWHERE = {"consortium_id"}
# What was taken back, by whoever wrote it, is for the audit alone.
RECALLED = {"message": {"body": "", "payload": None}}
# Too large for this file: pictures and voice notes are opened, and saved, where they were sent.
APART = {"attachment_content"}
# Tables of the county and of its staff, their notes to each other among them; answers to repeated
# requests and the list of what the bot did not understand, which repeat what stands above; and
# WeChat's events, whose outcome is in `subscription`.
NOT_PERSONAL = {
    "amnesty", "announcement", "booking_policy", "canned_reply", "consortium", "conversation_note",
    "department", "draw", "duty_leave", "duty_numbers", "fee", "idempotency_key", "on_call_duty",
    "organization", "pool_return", "pool_rule", "practitioner", "practitioner_role", "rule_set",
    "schedule", "schedule_exception", "schedule_template", "simulation", "slot", "staff",
    "staff_role", "staff_session", "suspended_schedule", "suspension", "wechat_event",
    "working_hours", "zero_hit",
}  # fmt: skip


async def export(actor: Actor, vault: Vault) -> dict[str, Any]:
    """By table, the latest rows first; `cut_off` names tables that had more than is given."""
    people = list(await patients_of(actor, "manage"))
    found: dict[str, list[dict[str, Any]]] = {}
    for rows in _sources(actor, people):
        table = rows.model._meta.db_table
        kept = await rows.order_by(_order(rows.model)).limit(ROWS_MOST + 1)
        found[table] = [_plain(row, table, vault) for row in kept]
    async with db.transaction():
        await audit.record(actor, "record.exported", patient_ids=[None, *people])
    return {
        "exported_at": clock.now(),
        "cut_off": [table for table, rows in found.items() if len(rows) > ROWS_MOST],
        **{table: rows[:ROWS_MOST] for table, rows in found.items()},
    }


def _sources(actor: Actor, people: list[UUID]) -> list[QuerySet[Any]]:
    mine, theirs = Q(account_id=actor.account_id), Q(patient_id__in=people)
    # What the account has asked itself: others ask about the same people in confidence.
    talks = mine & (Q(patient_id=None) | theirs)
    asked = Conversation.filter(talks).values("id")
    return [
        Account.filter(id=actor.account_id),
        Session.filter(mine),
        Patient.filter(id__in=people),
        Carer.filter(mine | theirs),
        CarerInvitation.filter(theirs),
        Consent.filter(mine | theirs),
        FamilyDoctorContract.filter(theirs),
        Appointment.filter(theirs),
        AppointmentEvent.filter(appointment__patient_id__in=people),
        QueueEntry.filter(appointment__patient_id__in=people),
        Restriction.filter(theirs),
        SuspensionCase.filter(theirs),
        WaitlistEntry.filter(theirs),
        WaitlistChoice.filter(entry__patient_id__in=people),
        WaitlistEvent.filter(entry__patient_id__in=people),
        Appeal.filter(theirs),
        DrawEntry.filter(theirs),
        SurveyMark.filter(appointment__patient_id__in=people),
        SurveyResponse.filter(theirs),
        Conversation.filter(talks),
        Message.filter(conversation__id__in=Subquery(asked)),
        Attachment.filter(conversation__id__in=Subquery(asked)),
        ConversationEvent.filter(conversation__id__in=Subquery(asked)),
        BotTurn.filter(conversation__id__in=Subquery(asked)),
        HandOver.filter(conversation__id__in=Subquery(asked)),
        CallTask.filter(conversation__id__in=Subquery(asked)),
        FollowUpPlan.filter(theirs),
        FollowUp.filter(theirs),
        MedicationPlan.filter(theirs),
        MedicationVersion.filter(plan__patient_id__in=people),
        Notice.filter(mine),
        Subscription.filter(mine),
        AuditEvent.filter(Q(actor_id=actor.account_id, patient_id=None) | theirs),
    ]


def _order(model: type[Model]) -> str:
    """The newest first, by whatever the table calls it."""
    names = ("at", "created_at", "from_at", "handed_at", "answered_at", "checked_in_at",
             "joined_at", "registered_at", "opened_at", "id")  # fmt: skip
    return "-" + next(name for name in names if name in model._meta.db_fields)


def _plain(row: Model, table: str, vault: Vault) -> dict[str, Any]:
    told = {}
    hidden = RECALLED.get(table, {}) if getattr(row, "recalled_at", None) else {}
    for column in row._meta.db_fields - WITHHELD[table] - EVERYWHERE:
        value = hidden.get(column, getattr(row, column))
        name, bound_to = SEALED.get((table, column), (column, ""))
        told[name] = vault.open(value, bound_to=bound_to) if bound_to and value else value
    return dict(sorted(told.items()))
