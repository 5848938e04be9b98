"""就诊人 and 代办家属."""

from typing import Any
from uuid import UUID

from backend import clock, errors
from backend.api.route import Call, route
from backend.api.views.patients import (
    AcceptForm,
    CarersView,
    CarerView,
    CodeForm,
    ConsentForm,
    FamilyDoctorView,
    InvitationForm,
    InvitationView,
    NewPatientForm,
    OfferView,
    PatientChangeForm,
    PatientsView,
    PatientView,
    UnusedInvitationsView,
    UnusedInvitationView,
)
from backend.booking import leaving
from backend.booking.policies import policies
from backend.identity import carers, contracts, documents, invitations
from backend.identity import errors as refusals
from backend.identity import patients as people
from backend.identity.patients import Carer
from backend.receipts import Answer, KeyMissing, KeyReused

KEYED = (KeyMissing, KeyReused)


def _view(call: Call, row: Carer) -> PatientView:
    """Of one who only asked so far, nothing but what they typed themselves, masked."""
    patient, vault = row.patient, call.service.vault
    basics: dict[str, Any] = {
        "id": patient.id,
        "state": row.state,
        "name": documents.mask_name(patient.name),
        "relation": row.relation,
        "scope": row.scope,
        "is_default": row.is_default,
    }
    if row.state != "active":
        return PatientView(**basics)
    return PatientView(
        **basics,
        id_kind=patient.id_kind,  # type: ignore[arg-type]
        id_number=people.masked_number(vault, patient),
        phone=people.masked_phone(vault, patient),
        birth_on=patient.birth_on,
        sex=patient.sex,
        minor=documents.is_minor(patient.birth_on, clock.today()),
        expires_at=row.expires_at,
    )


async def items(call: Call) -> list[PatientView]:
    return [_view(call, row) for row in await people.list_mine(call.actor)]


async def _most(call: Call) -> int:
    """The county's number of patients per account."""
    table = await policies(call.actor.consortium_id)
    county = table.pick(call.actor.consortium_id, "county", "general", clock.today())
    return county.patients_per_account


@route("GET", "/patients", answer=PatientsView)
async def list_patients(call: Call) -> PatientsView:
    """Everyone in the account's care, the default one first."""
    return PatientsView(await items(call))


@route(
    "POST",
    "/patients",
    body=NewPatientForm,
    answer=PatientView,
    status=201,
    receipt=True,
    problems=(
        *KEYED,
        documents.IdentityNumberWrong,
        refusals.ConsentMissing,
        refusals.ConsentWithdrawn,
        refusals.IdentityMismatch,
        refusals.AlreadyAdded,
        refusals.SelfAlreadyAdded,
        refusals.GuardianNeeded,
        refusals.TooManyPatients,
        refusals.TooManyCarers,
    ),
)
async def add_patient(call: Call, form: NewPatientForm) -> Answer | None:
    """Add a person by their document. `state` requested: their carer must consent first."""
    receipt = call.receipt(lambda row: _view(call, row))
    await call.limit("patient", call.service.settings.bookings_per_minute)
    new = people.NewPatient(
        name=form.name,
        id_kind=form.id_kind,
        id_number=form.id_number,
        relation=form.relation,
        agreed=form.agreed,
        phone=form.phone,
        birth_on=form.birth_on,
        sex=form.sex,
    )
    await people.register(
        call.actor, call.service.vault, new, most=await _most(call), receipt=receipt
    )
    return receipt.answer


@route("GET", "/patients/<patient_id:uuid>", answer=PatientView, problems=(errors.NotFound,))
async def show_patient(call: Call, patient_id: UUID) -> PatientView:
    """One person, masked, with their family doctor."""
    view = _view(call, await people.show(call.actor, patient_id))
    doctor = await contracts.family_doctor_of(call.actor, patient_id)
    if doctor is not None:
        view.family_doctor = FamilyDoctorView(doctor.name, doctor.organization, doctor.phone)
    return view


CHANGING: dict[str, Any] = {
    "body": PatientChangeForm,
    "answer": PatientView,
    "problems": (errors.NotFound, refusals.SelfAlreadyAdded, refusals.GuardianNeeded),
}


@route("PATCH", "/patients/<patient_id:uuid>", **CHANGING)
async def change_patient(call: Call, patient_id: UUID, form: PatientChangeForm) -> PatientView:
    """Change phone, relation or default. A real name is corrected at a desk, with the document."""
    wanted = people.Change(phone=form.phone, relation=form.relation, is_default=form.is_default)
    return _view(call, await people.change(call.actor, call.service.vault, patient_id, wanted))


@route("PUT", "/patients/<patient_id:uuid>", **CHANGING)
async def put_patient(call: Call, patient_id: UUID, form: PatientChangeForm) -> PatientView:
    """The same as PATCH, which a mini-program can't send."""
    changed: PatientView = await change_patient(call, patient_id, form)
    return changed


@route(
    "DELETE",
    "/patients/<patient_id:uuid>",
    status=204,
    problems=(errors.NotFound, refusals.HasAppointments),
)
async def remove_patient(call: Call, patient_id: UUID) -> None:
    """Take a person off the account's list. Their record and their other carers stay."""
    await leaving.leave(call.actor, patient_id)


# --- carers ---------------------------------------------------------------------------------------


@route("GET", "/patients/<patient_id:uuid>/carers", answer=CarersView, problems=(errors.NotFound,))
async def list_carers(call: Call, patient_id: UUID) -> CarersView:
    """Who may act for the person, and who asks to."""
    found = await carers.list_of(call.actor, patient_id)
    return CarersView([CarerView.of(row, call.actor.account_id, name) for row, name in found])


@route(
    "POST",
    "/patients/<patient_id:uuid>/carers",
    body=InvitationForm,
    answer=InvitationView,
    status=201,
    receipt=True,
    problems=(errors.NotFound, *KEYED),
)
async def invite_carer(call: Call, patient_id: UUID, form: InvitationForm) -> Answer | None:
    """A one-time code for another family member, good for 48 hours."""
    receipt = call.receipt(lambda made: InvitationView(made[1].id, made[0], made[1].expires_at))
    await call.limit("invite", call.service.settings.bookings_per_minute)
    await invitations.invite(
        call.actor, patient_id, scope=form.scope, expires_at=form.expires_at, receipt=receipt
    )
    return receipt.answer


@route(
    "GET",
    "/patients/<patient_id:uuid>/invitations",
    answer=UnusedInvitationsView,
    problems=(errors.NotFound,),
)
async def list_invitations(call: Call, patient_id: UUID) -> UnusedInvitationsView:
    """Codes that were given and not used yet. The codes themselves are not kept."""
    rows = await invitations.list_of(call.actor, patient_id)
    account_id = call.actor.account_id
    return UnusedInvitationsView([UnusedInvitationView.of(row, account_id) for row in rows])


@route(
    "DELETE",
    "/patients/<patient_id:uuid>/invitations/<invitation_id:uuid>",
    status=204,
    problems=(errors.NotFound,),
)
async def withdraw_invitation(call: Call, patient_id: UUID, invitation_id: UUID) -> None:
    """Take back a code that nobody has used: it lets nobody in any more."""
    await invitations.withdraw(call.actor, patient_id, invitation_id)


@route(
    "POST",
    "/carers/invitation",
    body=CodeForm,
    answer=OfferView,
    problems=(refusals.InvitationWrong,),
)
async def open_invitation(call: Call, form: CodeForm) -> OfferView:
    """Who invites, for whom and to what, before it is accepted. A POST keeps the code out of logs.

    Counts with accepting: so many codes a minute.
    """
    await call.limit("invitation", call.service.settings.bookings_per_minute)
    return OfferView.of(await invitations.open_code(call.actor, form.code))


@route(
    "POST",
    "/carers",
    body=AcceptForm,
    answer=PatientView,
    status=201,
    receipt=True,
    problems=(
        refusals.ConsentWithdrawn,
        refusals.InvitationWrong,
        refusals.AlreadyAdded,
        refusals.SelfAlreadyAdded,
        refusals.TooManyPatients,
        refusals.TooManyCarers,
        *KEYED,
    ),
)
async def accept_invitation(call: Call, form: AcceptForm) -> Answer | None:
    """Become a carer by a code that a family member gave."""
    receipt = call.receipt(lambda row: _view(call, row))
    await call.limit("invitation", call.service.settings.bookings_per_minute)
    await invitations.accept(
        call.actor, form.code, relation=form.relation, most=await _most(call), receipt=receipt
    )
    return receipt.answer


@route(
    "POST",
    "/patients/<patient_id:uuid>/carers/<carer_id:uuid>/consent",
    body=ConsentForm,
    answer=CarerView,
    receipt=True,
    problems=(
        errors.NotFound,
        refusals.NotYours,
        refusals.SelfAlreadyAdded,
        refusals.TooManyCarers,
        *KEYED,
    ),
)
async def consent_to_carer(
    call: Call, patient_id: UUID, carer_id: UUID, form: ConsentForm
) -> Answer | None:
    """Let in somebody who asks, or change what a carer may do and until when."""
    account_id = call.actor.account_id
    receipt = call.receipt(lambda row: CarerView.of(row, account_id))
    await call.limit("consent", call.service.settings.bookings_per_minute)
    await carers.decide(
        call.actor,
        patient_id,
        carer_id,
        scope=form.scope,
        expires_at=form.expires_at,
        receipt=receipt,
    )
    return receipt.answer


@route(
    "DELETE",
    "/patients/<patient_id:uuid>/carers/<carer_id:uuid>",
    status=204,
    problems=(errors.NotFound, refusals.NotYours, refusals.HasAppointments),
)
async def revoke_carer(call: Call, patient_id: UUID, carer_id: UUID) -> None:
    """End a carer's right: one's own, or another's by one who may manage."""
    await leaving.revoke(call.actor, patient_id, carer_id)
