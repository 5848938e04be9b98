"""个人信息: terms and consents, who read a record, all that is kept, and deleting the account."""

from uuid import UUID

from sanic import HTTPResponse

from backend import errors, throttle
from backend.api import paging, wire
from backend.api.etags import JSON
from backend.api.reply import Reply
from backend.api.route import Call, route
from backend.api.views.fields import Ref
from backend.api.views.privacy import (
    AccessesView,
    AccessQuery,
    AccessView,
    AgreementForm,
    AgreementView,
    ConsentsView,
    DecisionView,
    DeletionView,
    LeavingPersonView,
    PageQuery,
    ProofForm,
    TermsSectionView,
    TermsView,
)
from backend.consortium.directory import directory
from backend.identity import accounts, consents, terms
from backend.identity import errors as refusals
from backend.identity.consents import Consent
from backend.privacy import accesses, erasing, exporting
from backend.receipts import Answer, KeyMissing, KeyReused
from backend.wechat.client import InvalidCode

FRESH_S = 10.0
DAY_S = 86_400
EXPORTS_MOST = 3  # a day and account
DELETIONS_MOST = 20  # tries; the page is asked again after each appointment that was cancelled
PROVED = (
    InvalidCode,
    refusals.NotYourself,
    errors.Throttled,
    errors.Upstream,
)


@route("GET", "/terms", answer=TermsView, public=True, cached_s=FRESH_S)
async def show_terms(call: Call) -> TermsView:
    """What residents agree to, in plain words."""
    county = await directory(call.actor.consortium_id)
    sections = [TermsSectionView(heading, lines) for heading, lines in terms.SECTIONS]
    return TermsView(terms.VERSION, terms.TITLE, county.name, sections)


@route("GET", "/me/consents", query=PageQuery, answer=ConsentsView)
async def list_consents(call: Call) -> ConsentsView:
    """Whether the account agrees to the terms, and all that it ever decided, the latest first."""
    wanted: PageQuery = call.query
    after = paging.decode(wanted.cursor, tuple[paging.Instant, UUID])
    rows, names = await consents.list_of(call.actor, after=after, most=wanted.limit)
    return ConsentsView(
        _agreement(await consents.latest(call.actor)),
        [
            DecisionView(
                row.id,
                row.purpose,  # type: ignore[arg-type]
                Ref(row.patient_id, names[row.patient_id]) if row.patient_id in names else None,
                row.text_version,
                row.granted,
                row.at,
            )
            for row in rows
        ],
        paging.following(rows, wanted.limit, lambda row: (row.at, row.id)),
    )


def _agreement(row: Consent | None) -> AgreementView:
    if row is None:
        return AgreementView(terms.VERSION, None, None, None)
    return AgreementView(terms.VERSION, row.text_version, row.granted, row.at)


@route(
    "POST",
    "/me/consents",
    body=AgreementForm,
    answer=AgreementView,
    status=201,
    receipt=True,
    problems=(refusals.TermsChanged, KeyMissing, KeyReused),
)
async def decide(call: Call, form: AgreementForm) -> Answer | None:
    """Agree to the terms, or take it back: then the phone number is erased."""
    receipt = call.receipt(_agreement)
    await call.limit("consent", call.service.settings.bookings_per_minute)
    await consents.decide(call.actor, version=form.version, granted=form.granted, receipt=receipt)
    return receipt.answer


@route(
    "GET",
    "/patients/<patient_id:uuid>/accesses",
    query=AccessQuery,
    answer=AccessesView,
    problems=(errors.NotFound,),
)
async def list_accesses(call: Call, patient_id: UUID) -> AccessesView:
    """Who read or changed the person's record, the latest first."""
    wanted: AccessQuery = call.query
    found = await accesses.list_of(
        call.actor,
        patient_id,
        everyone=wanted.everyone,
        after=paging.decode(wanted.cursor, tuple[paging.Instant, UUID]),
        most=wanted.limit,
    )
    following = paging.following(found, wanted.limit, lambda access: (access.at, access.id))
    return AccessesView([AccessView.of(access) for access in found], following)


@route("POST", "/me/export", body=ProofForm, media=JSON, problems=PROVED)
async def export(call: Call, form: ProofForm) -> HTTPResponse:
    """Everything that is kept about the account and the people it manages, as a file."""
    await _limit(call, "export", EXPORTS_MOST)
    await _prove(call, form)
    found = await exporting.export(call.actor, call.service.vault)
    headers = {
        "cache-control": "no-store",
        "content-disposition": 'attachment; filename="jiamenkou.json"',
    }
    return Reply(wire.encode(found), 200, headers, JSON)


@route("GET", "/me/deletion", answer=DeletionView)
async def show_deletion(call: Call) -> DeletionView:
    """What deleting the account would mean; said before anybody does it."""
    people = await erasing.consequences(call.actor)
    return DeletionView(
        not any(person.appointments for person in people),
        [
            LeavingPersonView(
                Ref(person.patient_id, person.name), person.fate, list(person.appointments)
            )
            for person in people
        ],
    )


@route(
    "POST",
    "/me/deletion",
    body=ProofForm,
    status=204,
    problems=(*PROVED, refusals.HasAppointments),
)
async def delete_account(call: Call, form: ProofForm) -> None:
    """Delete the account. There is no way back; appointments are cancelled first."""
    await _limit(call, "deletion", DELETIONS_MOST)
    await _prove(call, form)
    await erasing.erase(call.actor)
    call.service.sessions.forget()


async def _limit(call: Call, deed: str, most: int) -> None:
    who = str(call.actor.account_id)
    await throttle.check(call.service.hub, deed, who, most=most, window_s=DAY_S)


async def _prove(call: Call, form: ProofForm) -> None:
    login = await call.service.wechat.login(form.code)
    await accounts.prove(call.actor, call.service.vault, login.openid)
