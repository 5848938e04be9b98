"""Asking over HTTP, on the service as it really runs."""

from uuid import uuid4

import httpx

from backend import clock
from backend.chat import policy
from backend.chat.models import Conversation
from tests.api.conftest import Headers, Server, keyed
from tests.people import an_id_number
from tests.statements import statements

TALKS = "/api/v1/conversations"


async def begun(server: Server, who: Headers, **form: object) -> str:
    answer = await server.http.post(TALKS, json=form, headers=keyed(who))
    assert answer.status_code == 201, answer.text
    return f"{TALKS}/{answer.json()['id']}"


async def said(server: Server, who: Headers, talk: str, **form: object) -> httpx.Response:
    told = {"client_id": uuid4().hex} | form
    return await server.http.post(f"{talk}/messages", json=told, headers=who)


async def test_a_plain_conversation(server: Server) -> None:
    who = await server.log_in()
    patient = {
        "name": "王桂兰", "id_number": an_id_number(), "relation": "self", "agreed": True,
    }  # fmt: skip
    made = await server.http.post("/api/v1/patients", json=patient, headers=keyed(who))
    talk = await begun(server, who, patient_id=made.json()["id"])
    shown = (await server.http.get(talk, headers=who)).json()
    assert (shown["state"], shown["patient"]["name"]) == ("bot", "王*兰")
    start = shown["last_seq"]

    first = await said(server, who, talk, client_id="phone-0001", text=" 膝盖疼 ")
    again = await said(server, who, talk, client_id="phone-0001", text=" 膝盖疼 ")
    other = await said(server, who, talk, client_id="phone-0001", text="腰疼")
    assert [first.status_code, again.status_code, other.status_code] == [201, 200, 409]
    assert first.content == again.content
    assert first.json()["text"] == "膝盖疼"
    assert first.json()["mine"]
    assert first.json()["client_id"] == "phone-0001"
    assert other.json()["code"] == "client-id-reused"
    chosen = await said(server, who, talk, choice="yes", text="是")
    filled = await said(server, who, talk, fields={"age": "72"})
    assert (chosen.json()["kind"], chosen.json()["payload"]) == ("choice", {"choice": "yes"})
    assert (filled.json()["kind"], filled.json()["payload"]) == ("form", {"fields": {"age": "72"}})

    mine = f"{talk}/messages?after={start}&limit=100"
    items = (await server.http.get(mine, headers=who)).json()["items"]
    assert [item["seq"] for item in items] == list(range(start + 1, start + 1 + len(items)))
    assert [item["kind"] for item in items if item["mine"]] == ["text", "choice", "form"]
    last = items[-1]["seq"]
    older = await server.http.get(f"{talk}/messages?before={last}&limit=2", headers=who)
    assert [item["seq"] for item in older.json()["items"]] == [last - 2, last - 1]
    latest = await server.http.get(f"{talk}/messages?limit=1", headers=who)
    assert [item["seq"] for item in latest.json()["items"]] == [last]
    for what in ("delivered", "read"):
        marked = await server.http.post(f"{talk}/{what}", json={"seq": last}, headers=who)
        assert marked.status_code == 204
    (listed,) = (await server.http.get(TALKS, headers=who)).json()["items"]
    assert (listed["seen"], listed["unread"], listed["last_seq"]) == (last, 0, last)


async def test_what_is_wrong_is_named(server: Server) -> None:
    who = await server.log_in()
    talk = await begun(server, who)
    for form, field in (
        ({"text": "  "}, "text"),
        ({"text": "好", "client_id": "short"}, "client_id"),
        ({"text": "好", "client_id": "~bot-000001"}, "client_id"),
        ({"text": "长" * 2001}, "text"),
        ({"choice": "a", "fields": {"b": "c"}}, "choice"),
        ({"fields": {}}, "fields"),
        ({"text": "好", "quoted_id": str(uuid4())}, "quoted_id"),
        ({"attachment_id": str(uuid4())}, "attachment_id"),
        ({"text": "好", "author": "doctor"}, "author"),
    ):
        answer = await said(server, who, talk, **form)
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    for query in ("after=-1", "after=x", "limit=101", "since=3"):
        answer = await server.http.get(f"{talk}/messages?{query}", headers=who)
        assert answer.status_code == 422, query
    zhao = await server.log_in("zhao-qiang")
    assert (await said(server, zhao, talk, text="让我看看")).status_code == 404


async def test_asking_for_a_doctor_ending_rating_and_finding_again(server: Server) -> None:
    who, zhao = await server.log_in(), await server.log_in("zhao-qiang")
    talk = await begun(server, who)
    message = (await said(server, who, talk, text="血压 150/95，要不要紧？100%")).json()
    for _ in range(2):
        asked = await server.http.post(f"{talk}/hand-over", headers=who)
        assert (asked.status_code, asked.json()["state"]) == (200, "waiting")
    with statements() as looked:  # asked every few seconds: the row and the carer once each
        assert (await server.http.get(talk, headers=who)).json()["queue"]
    for table in ('"conversation" ', '"carer" '):
        assert len([one for one in looked if f"FROM {table}" in one]) <= 1, looked
    other = await begun(server, who)
    early = {"json": {"rating": 5, "words": "好"}, "headers": keyed(who)}
    refused = await server.http.post(f"{other}/rating", **early)
    assert (refused.status_code, refused.json()["code"]) == (409, "conversation-state")
    await Conversation.filter(id=other.rpartition("/")[2]).update(
        state="closed", closed_at=clock.now()
    )
    closed = (await server.http.get(other, headers=who)).json()
    assert (closed["can_rate"], closed["can_write"]) == (True, True)
    assert closed["reopens_until"] == "2026-11-25T04:00:00Z"
    rating = {"json": {"rating": 5, "words": " 说得清楚 "}, "headers": keyed(who)}
    first = await server.http.post(f"{other}/rating", **rating)
    again = await server.http.post(f"{other}/rating", **rating)
    assert (first.status_code, first.json()["rating"], first.content) == (200, 5, again.content)
    second = await server.http.post(f"{other}/rating", json={"rating": 1}, headers=keyed(who))
    assert (second.status_code, second.json()["code"]) == (409, "already-rated")
    for score in (0, 6):
        wrong = await server.http.post(
            f"{other}/rating", json={"rating": score}, headers=keyed(who)
        )
        assert wrong.status_code == 422

    for q, found in (("150/95", 1), ("要紧", 1), ("%", 1), ("_", 0), ("没说过", 0)):
        answer = await server.http.get(f"{TALKS}/search", params={"q": q}, headers=who)
        assert len(answer.json()["items"]) == found, q
        theirs = await server.http.get(f"{TALKS}/search", params={"q": q}, headers=zhao)
        assert theirs.json()["items"] == []
    assert (await server.http.get(f"{TALKS}/search", headers=who)).status_code == 422
    assert not (await server.http.get(talk, headers=zhao)).is_success
    recall = f"{talk}/messages/{message['id']}/recall"
    assert (await server.http.post(recall, headers=zhao)).status_code == 404
    for _ in range(2):
        assert (await server.http.post(recall, headers=who)).status_code == 204
    answer = await server.http.get(f"{TALKS}/search", params={"q": "血压"}, headers=who)
    assert answer.json()["items"] == []


async def test_a_message_is_taken_back_within_two_minutes(
    server: Server, noon: clock.Hands
) -> None:
    who = await server.log_in()
    talk = await begun(server, who)
    message = (await said(server, who, talk, text="说错了")).json()
    noon.move(policy.RECALL)
    late = await server.http.post(f"{talk}/messages/{message['id']}/recall", headers=who)
    assert (late.status_code, late.json()["code"]) == (409, "too-late-to-recall")
