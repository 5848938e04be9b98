"""身份: accounts and their log-ins, patients and who may act for them."""

from typing import Any

from tortoise import fields
from tortoise.models import Model

from backend.consortium.models import Organization, Practitioner

SCOPES = ("view", "book", "manage")  # each includes those before it


class Account(Model):
    """微信账号: one per openid. The phone is sealed, and its blind index finds it again.

    An erased one stays as a row without a person, because appointments and audit name its id.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    openid_index = fields.CharField(max_length=64)
    openid_sealed = fields.CharField(max_length=200)
    phone_sealed = fields.CharField(max_length=160, null=True)
    phone_index = fields.CharField(max_length=64, null=True)
    created_at = fields.DatetimeField()
    erased_at = fields.DatetimeField(null=True)

    class Meta:
        table = "account"
        unique_together = (("consortium_id", "openid_index"),)


class Session(Model):
    """A log-in on one device. Only the hash of the 256-bit token is kept."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "jiamenkou.Account", on_delete=fields.RESTRICT, related_name="sessions"
    )
    token_hash = fields.CharField(max_length=64, unique=True)
    device = fields.CharField(max_length=80, default="")
    created_at = fields.DatetimeField()
    last_seen_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    account_id: Any

    class Meta:
        table = "session"
        indexes = (("account_id", "revoked_at"),)


class Patient(Model):
    """就诊人: a person who is treated, real-name, one row however many accounts care for them."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    name = fields.CharField(max_length=60)
    id_kind = fields.CharField(max_length=20)
    id_sealed = fields.CharField(max_length=160)
    id_index = fields.CharField(max_length=64)
    phone_sealed = fields.CharField(max_length=160, null=True)
    phone_index = fields.CharField(max_length=64, null=True)
    birth_on = fields.DateField()
    sex = fields.CharField(max_length=8)  # male, female, unknown
    created_at = fields.DatetimeField()

    class Meta:
        table = "patient"
        unique_together = (("consortium_id", "id_index"),)


class Carer(Model):
    """代办家属: an account that may act for a patient. Acting for oneself is one too (`self`).

    `requested → active → revoked`. Past `expires_at` it has no force.
    `state` is non-NULL and (patient, account) unique, so a pair has one row for ever.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    patient: fields.ForeignKeyRelation[Patient] = fields.ForeignKeyField(
        "jiamenkou.Patient", on_delete=fields.RESTRICT, related_name="carers"
    )
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "jiamenkou.Account", on_delete=fields.RESTRICT, related_name="cares"
    )
    relation = fields.CharField(max_length=16)  # what the account's owner is to the patient
    scope = fields.CharField(max_length=8)
    state = fields.CharField(max_length=10)
    is_default = fields.BooleanField(default=False)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)
    ended_by = fields.UUIDField(null=True)

    patient_id: Any
    account_id: Any

    class Meta:
        table = "carer"
        unique_together = (("patient_id", "account_id"),)
        indexes = (("account_id", "state"),)


class CarerInvitation(Model):
    """A one-time code with which a carer lets another account in."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    patient: fields.ForeignKeyRelation[Patient] = fields.ForeignKeyField(
        "jiamenkou.Patient", on_delete=fields.RESTRICT, related_name="invitations"
    )
    invited_by = fields.UUIDField()
    code_hash = fields.CharField(max_length=64, unique=True)
    scope = fields.CharField(max_length=8)
    care_expires_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    patient_id: Any

    class Meta:
        table = "carer_invitation"


class Consent(Model):
    """知情同意: one row per purpose and decision, never changed: withdrawal is a row too."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    account_id = fields.UUIDField()
    patient_id = fields.UUIDField(null=True)
    purpose = fields.CharField(max_length=32)
    text_version = fields.CharField(max_length=16)
    granted = fields.BooleanField()
    at = fields.DatetimeField()

    class Meta:
        table = "consent"
        indexes = (("patient_id", "purpose", "at"), ("account_id", "at", "id"))


class FamilyDoctorContract(Model):
    """家庭医生签约. Dates inclusive, `to_on` NULL is open. One that is not ended per patient.

    `practitioner` leads the team; `package` is the 服务包. `ended_at` ends it before its time.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    patient: fields.ForeignKeyRelation[Patient] = fields.ForeignKeyField(
        "jiamenkou.Patient", on_delete=fields.RESTRICT, related_name="contracts"
    )
    practitioner: fields.ForeignKeyRelation[Practitioner] = fields.ForeignKeyField(
        "jiamenkou.Practitioner", on_delete=fields.RESTRICT, related_name="contracts"
    )
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", on_delete=fields.RESTRICT, related_name="contracts"
    )
    package = fields.CharField(max_length=40, default="")
    from_on = fields.DateField()
    to_on = fields.DateField(null=True)
    signed_by = fields.UUIDField(null=True)  # staff
    created_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    ended_by = fields.UUIDField(null=True)

    patient_id: Any
    practitioner_id: Any
    organization_id: Any

    class Meta:
        table = "family_doctor_contract"
        indexes = (("practitioner_id", "ended_at"), ("organization_id", "ended_at"))
