"""The same tables, as SQLAlchemy 2 sees them: only the columns that booking needs."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSONB}  # noqa: RUF012


class Login(Base):
    __tablename__ = "session"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    consortium_id: Mapped[UUID]
    account_id: Mapped[UUID]
    token_hash: Mapped[str]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Patient(Base):
    __tablename__ = "patient"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class Carer(Base):
    __tablename__ = "carer"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"))
    account_id: Mapped[UUID]
    scope: Mapped[str]
    state: Mapped[str]
    expires_at: Mapped[datetime | None]
    patient: Mapped[Patient] = relationship(lazy="raise")


class Organization(Base):
    __tablename__ = "organization"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    tier: Mapped[str]
    address: Mapped[str]
    phone: Mapped[str]


class Department(Base):
    __tablename__ = "department"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    location: Mapped[str]


class Practitioner(Base):
    __tablename__ = "practitioner"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    title: Mapped[str]


class Schedule(Base):
    __tablename__ = "schedule"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    consortium_id: Mapped[UUID]
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    department_id: Mapped[UUID] = mapped_column(ForeignKey("department.id"))
    practitioner_id: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    held_on: Mapped[date]
    period: Mapped[str]
    kind: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    fee_fen: Mapped[int]
    status: Mapped[str]
    organization: Mapped[Organization] = relationship(lazy="raise")
    department: Mapped[Department] = relationship(lazy="raise")
    practitioner: Mapped[Practitioner | None] = relationship(lazy="raise")


class Slot(Base):
    __tablename__ = "slot"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    consortium_id: Mapped[UUID]
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id"))
    pool: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    capacity: Mapped[int]
    booked: Mapped[int]
    open: Mapped[bool]
    schedule: Mapped[Schedule] = relationship(lazy="raise")


class Appointment(Base):
    __tablename__ = "appointment"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    consortium_id: Mapped[UUID]
    organization_id: Mapped[UUID]
    department_id: Mapped[UUID]
    schedule_id: Mapped[UUID]
    slot_id: Mapped[UUID] = mapped_column(ForeignKey("slot.id"))
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"))
    account_id: Mapped[UUID]
    held_on: Mapped[date]
    starts_at: Mapped[datetime]
    status: Mapped[str]
    policy_version: Mapped[str]
    fee_fen: Mapped[int]
    day_place: Mapped[int]
    department_place: Mapped[int]
    held_until: Mapped[datetime | None]
    late_cancel: Mapped[bool]
    counted_cancel: Mapped[bool]
    reason: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class AppointmentEvent(Base):
    __tablename__ = "appointment_event"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    consortium_id: Mapped[UUID]
    appointment_id: Mapped[UUID] = mapped_column(ForeignKey("appointment.id"))
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID]
    action: Mapped[str]
    to_status: Mapped[str]
    to_slot_id: Mapped[UUID | None]
    reason: Mapped[str]


class AuditEvent(Base):
    __tablename__ = "audit_event"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    consortium_id: Mapped[UUID]
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID]
    action: Mapped[str]
    entity_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    request_id: Mapped[str | None]
    detail: Mapped[dict[str, Any]]


class IdempotencyKey(Base):
    __tablename__ = "idempotency_key"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    key: Mapped[str]
    request_hash: Mapped[str]
    status: Mapped[int]
    answer: Mapped[str]
    at: Mapped[datetime]


class Restriction(Base):
    __tablename__ = "restriction"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID]
    kind: Mapped[str]
    until_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
