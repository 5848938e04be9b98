"""Who acts, and whose record they may see. Whoever has no right gets `NotFound`."""

from collections.abc import Iterable
from uuid import UUID

import msgspec
from tortoise.expressions import Q

from backend import audit, clock
from backend.errors import NotFound, Unauthenticated
from backend.identity.models import SCOPES, Account, Carer, Patient


class Grant(msgspec.Struct, frozen=True):
    """A staff member's role, and the institutions for which it holds; None: all of them."""

    role: str
    organization_ids: frozenset[UUID] | None
    rights: frozenset[str]


class Actor(msgspec.Struct, frozen=True):
    """In front of every verb. `id` is the account of a resident; a system job has none."""

    consortium_id: UUID
    kind: str  # resident, staff, operator, system
    id: UUID | None = None
    session_id: UUID | None = None
    grants: tuple[Grant, ...] = ()
    practitioner_id: UUID | None = None
    """The doctor whom a staff member is."""

    @classmethod
    def system(cls, consortium_id: UUID) -> "Actor":
        return cls(consortium_id, "system")

    @classmethod
    def operator(cls, consortium_id: UUID) -> "Actor":
        """Whoever runs commands on the server."""
        return cls(consortium_id, "operator")

    def may(self, right: str, organization_id: UUID | None = None) -> bool:
        """Whether a staff member has the right, there or (None) anywhere at all.

        Jobs and whoever runs commands on the server may.
        """
        if self.kind in ("system", "operator"):
            return True
        return any(
            right in grant.rights
            and (
                organization_id is None
                or grant.organization_ids is None
                or organization_id in grant.organization_ids
            )
            for grant in self.grants
        )

    def must(self, right: str, organization_id: UUID | None = None) -> None:
        """Raises NotFound: the actor has no such right there."""
        if not self.may(right, organization_id):
            raise NotFound

    def where(self, right: str) -> frozenset[UUID] | None:
        """The institutions for which the actor has the right; None: all of them."""
        if self.may(right) and self.kind in ("system", "operator"):
            return None
        found: frozenset[UUID] = frozenset()
        for grant in self.grants:
            if right in grant.rights:
                if grant.organization_ids is None:
                    return None
                found |= grant.organization_ids
        return found

    @property
    def account_id(self) -> UUID:
        """Raises NotFound: the actor is not a resident, so nothing here is theirs."""
        if self.kind != "resident" or self.id is None:
            raise NotFound
        return self.id


def at_least(scope: str) -> tuple[str, ...]:
    """The scopes that include `scope`."""
    return SCOPES[SCOPES.index(scope) :]


def in_force() -> Q:
    """Carers whose consent holds now."""
    return Q(state="active") & (Q(expires_at=None) | Q(expires_at__gt=clock.now()))


def is_in_force(row: Carer) -> bool:
    """`in_force` of one row."""
    return row.state == "active" and (row.expires_at is None or row.expires_at > clock.now())


def is_living(row: Carer) -> bool:
    """`living` of one row."""
    over = row.expires_at is not None and row.expires_at <= clock.now()
    return row.state in ("active", "requested") and not over


def living() -> Q:
    """Carers who care or wait for consent; one whose time is over is neither."""
    return Q(state__in=("active", "requested")) & (
        Q(expires_at=None) | Q(expires_at__gt=clock.now())
    )


async def care_of(actor: Actor, patient_id: UUID, scope: str) -> Carer:
    """The carer row that lets the actor do things of `scope` for the patient, patient included.

    Raises:
        NotFound: no such patient, or not the actor's to see.
    """
    row = (
        await Carer.filter(
            in_force(),
            consortium_id=actor.consortium_id,
            patient_id=patient_id,
            account_id=actor.account_id,
            scope__in=at_least(scope),
        )
        .select_related("patient")
        .first()
    )
    if row is None:
        raise NotFound
    return row


async def patients_of(actor: Actor, scope: str = "view") -> dict[UUID, Patient]:
    """Every patient whom the actor may see, by id."""
    rows = (
        await Carer.filter(
            in_force(),
            consortium_id=actor.consortium_id,
            account_id=actor.account_id,
            scope__in=at_least(scope),
        )
        .select_related("patient")
        .limit(100)
    )
    return {row.patient_id: row.patient for row in rows}


async def lock(actor: Actor) -> None:
    """Lock the account's row, under which its list is counted and its end is decided.

    Raises:
        Unauthenticated: it was erased meanwhile.
    """
    living = Account.filter(id=actor.account_id, erased_at=None)
    if await living.select_for_update().first() is None:
        raise Unauthenticated


async def lock_patients(patient_ids: Iterable[UUID]) -> None:
    """Lock these people's rows, in one order: who cares for them is decided one at a time.

    What was read before may have changed meanwhile.
    """
    rows = Patient.filter(id__in=list(patient_ids)).order_by("id")
    await rows.select_for_update(no_key=True)


async def managers(patient_id: UUID, *, but: UUID) -> list[UUID]:
    """The accounts that may manage the patient, except one."""
    rows = Carer.filter(in_force(), patient_id=patient_id, scope="manage").exclude(account_id=but)
    found: list[UUID] = await rows.limit(100).values_list("account_id", flat=True)  # type: ignore[assignment]
    return found


async def carers_of(patient_id: UUID) -> list[UUID]:
    """The accounts that care for the patient now."""
    rows = Carer.filter(in_force(), patient_id=patient_id).order_by("created_at").limit(100)
    found: list[UUID] = await rows.values_list("account_id", flat=True)  # type: ignore[assignment]
    return found


async def note_read(actor: Actor, action: str, patient_ids: set[UUID]) -> None:
    """Leave an audit row for each patient whose record was just read."""
    if patient_ids:
        await audit.record(actor, action, patient_ids=sorted(patient_ids, key=str))
