"""Phones in full, to call people: whoever asks has the right to, and leaves an audit row."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from backend.crypto import Vault
from backend.identity import accounts, patients
from backend.identity.access import in_force
from backend.identity.models import Account, Carer, Patient


class Number(msgspec.Struct, frozen=True):
    """A phone in full, and whose: `self` or what the carer is to the patient."""

    whose: str
    phone: str


async def numbers(vault: Vault, patient_ids: Sequence[UUID]) -> dict[UUID, list[Number]]:
    """The patient's own phone first, then those of whoever cares for them."""
    found: dict[UUID, list[Number]] = {patient_id: [] for patient_id in patient_ids}
    for patient in await Patient.filter(id__in=list(patient_ids), phone_sealed__not_isnull=True):
        phone = vault.open(patient.phone_sealed or "", bound_to=patients.PHONE_COLUMN)
        found[patient.id].append(Number("self", phone))
    carers = (
        await Carer.filter(in_force(), patient_id__in=list(patient_ids))
        .order_by("created_at", "id")
        .select_related("account")
    )
    for carer in carers:
        if carer.account.phone_sealed is not None:
            phone = vault.open(carer.account.phone_sealed, bound_to=accounts.PHONE_COLUMN)
            if all(number.phone != phone for number in found[carer.patient_id]):
                found[carer.patient_id].append(Number(carer.relation, phone))
    return found


async def of_account(vault: Vault, account_id: UUID) -> list[Number]:
    """The account's own, where nobody is named yet."""
    row = await Account.get_or_none(id=account_id)
    if row is None or row.phone_sealed is None:
        return []
    return [Number("account", vault.open(row.phone_sealed, bound_to=accounts.PHONE_COLUMN))]
