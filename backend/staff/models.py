"""工作人员: accounts, roles and log-ins of those who work for the consortium."""

from typing import Any

from tortoise import fields
from tortoise.models import Model

from backend.consortium.models import Organization, Practitioner

ROLES = ("doctor", "institution_admin", "consortium_admin", "auditor")


class Staff(Model):
    """工作人员账号: who logs in to the staff pages.

    `password_hash` is argon2id, `totp_sealed` the key of the second factor, sealed.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    username = fields.CharField(max_length=32)  # lower-case
    name = fields.CharField(max_length=30)
    practitioner: fields.ForeignKeyNullableRelation[Practitioner] = fields.ForeignKeyField(
        "jiamenkou.Practitioner", null=True, on_delete=fields.RESTRICT, related_name="staff"
    )
    password_hash = fields.CharField(max_length=200)
    must_change = fields.BooleanField(default=True)  # set by somebody else
    one_time_until = fields.DatetimeField(null=True)  # until when such a password is good
    totp_sealed = fields.CharField(max_length=200, null=True)
    totp_confirmed_at = fields.DatetimeField(null=True)
    totp_last_step = fields.BigIntField(default=0)  # a code is good once
    failures = fields.IntField(default=0)
    locked_until = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()
    disabled_at = fields.DatetimeField(null=True)

    practitioner_id: Any

    class Meta:
        table = "staff"
        unique_together = (("consortium_id", "username"),)


class StaffRole(Model):
    """角色: what a person may do, for one institution or (NULL) for the whole consortium."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    staff: fields.ForeignKeyRelation[Staff] = fields.ForeignKeyField(
        "jiamenkou.Staff", on_delete=fields.RESTRICT, related_name="roles"
    )
    role = fields.CharField(max_length=20)
    organization: fields.ForeignKeyNullableRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", null=True, on_delete=fields.RESTRICT, related_name="staff_roles"
    )
    granted_by = fields.UUIDField(null=True)
    granted_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    staff_id: Any
    organization_id: Any

    class Meta:
        table = "staff_role"
        indexes = (("staff_id", "ended_at"),)


class StaffSession(Model):
    """A log-in to the staff pages. Only the hash of the token is kept.

    `passed_at`: the second factor was given; before that only its page may be opened.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    staff: fields.ForeignKeyRelation[Staff] = fields.ForeignKeyField(
        "jiamenkou.Staff", on_delete=fields.RESTRICT, related_name="sessions"
    )
    token_hash = fields.CharField(max_length=64, unique=True)
    device = fields.CharField(max_length=80, default="")
    created_at = fields.DatetimeField()
    last_seen_at = fields.DatetimeField()
    passed_at = fields.DatetimeField(null=True)
    expires_at = fields.DatetimeField()  # the absolute limit
    ended_at = fields.DatetimeField(null=True)

    staff_id: Any

    class Meta:
        table = "staff_session"
        indexes = (("staff_id", "ended_at"),)
