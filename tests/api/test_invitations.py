"""An invitation over HTTP: what its code shows, and how often codes may be tried."""

import dataclasses

import pytest

from backend.api.route import PREFIX
from backend.settings import Settings
from tests.api.conftest import Server, keyed
from tests.people import an_id_number

TRIES = 3
MOTHER = {"name": "王桂兰", "id_number": an_id_number(), "relation": "self", "agreed": True}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, bookings_per_minute=TRIES)


async def test_a_code_shows_masked_names_and_is_tried_so_many_times_a_minute(
    server: Server,
) -> None:
    mother, guest = await server.log_in("mother"), await server.log_in("guest")
    added = await server.http.post(f"{PREFIX}/patients", json=MOTHER, headers=keyed(mother))
    of_hers = f"{PREFIX}/patients/{added.json()['id']}"
    made = await server.http.post(f"{of_hers}/carers", json={}, headers=keyed(mother))
    code = {"code": made.json()["code"]}

    answers = [
        await server.http.post(f"{PREFIX}/carers/invitation", json=tried, headers=guest)
        for tried in (code, *[{"code": "guessed"}] * (TRIES - 1), code)
    ]
    assert [answer.status_code for answer in answers] == [200, *[422] * (TRIES - 1), 429]
    offer = answers[0].json()
    assert (offer["patient"], offer["inviter"]) == ("王*兰", "王*兰")
    accepting = code | {"relation": "child"}
    refused = await server.http.post(f"{PREFIX}/carers", json=accepting, headers=keyed(guest))
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")

    unused = await server.http.get(f"{of_hers}/invitations", headers=mother)
    (one,) = unused.json()["items"]
    assert (one["id"], one["mine"]) == (made.json()["id"], True)
    assert code["code"] not in unused.text


async def test_what_is_written_down_for_ever_is_counted(server: Server) -> None:
    """Each leaves rows that nobody can delete."""
    mother = await server.log_in("mother")
    added = await server.http.post(f"{PREFIX}/patients", json=MOTHER, headers=keyed(mother))
    of_hers = f"{PREFIX}/patients/{added.json()['id']}"
    terms = {"version": "an old one", "granted": False}
    for path, form in ((f"{of_hers}/carers", {}), (f"{PREFIX}/me/consents", terms)):
        answers = [
            await server.http.post(path, json=form, headers=keyed(mother)) for _ in range(TRIES + 1)
        ]
        assert [answer.status_code for answer in answers] == [*[201] * TRIES, 429]
