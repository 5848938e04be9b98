"""WeChat's published vectors, wechatpy as a peer, and forgeries."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from backend import clock
from backend.settings import Secret
from backend.wechat.push import BODY_MOST, SUCCESS, BadPush, PushGate, sign, write_xml

# Published on "消息推送服务器配置" and "消息加解密说明".
TOKEN, KEY, APPID = "AAAAA", "A" * 43, "wxba5fad812f8e6fb9"
ENCRYPTED = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcv"
    "ZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3F"
    "n2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSe"
    "OBrebufAlr7F9mFUPAJGj04="
)
PUSHED_AT = datetime.fromtimestamp(1714112445, UTC)
PUSHED = {
    "timestamp": "1714112445",
    "nonce": "415670741",
    "msg_signature": "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
}
RESPONSE = (
    "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
)


@pytest.fixture
def gate() -> PushGate:
    return PushGate(token=Secret(TOKEN), aes_key=Secret(KEY), appid=APPID)


@pytest.fixture
def hands() -> Iterator[clock.Hands]:
    with clock.stopped(PUSHED_AT) as hands:
        yield hands


def sealed(gate: PushGate, message: bytes, *, xml: bool = False) -> tuple[dict[str, str], bytes]:
    """What WeChat would send."""
    seal = gate.seal(message)
    query = {"timestamp": seal.timestamp, "nonce": seal.nonce, "msg_signature": seal.signature}
    outer = {"ToUserName": "gh_1", "Encrypt": seal.encrypted}
    return query, write_xml(outer) if xml else msgspec.json.encode(outer)


def an_event(**fields: object) -> bytes:
    base = {
        "ToUserName": "gh_1",
        "FromUserName": "oAnna",
        "CreateTime": "1714112445",
        "MsgType": "event",
        "Event": "subscribe_msg_popup_event",
    }
    return json.dumps(base | fields).encode()


def test_published_signatures() -> None:
    assert sign(TOKEN, "1714036504", "1514711492") == "f464b24fc39322e44b38aa78f5edd27bd1441696"
    assert sign(TOKEN, "1714037059", "486452656") == "899cf89e464efb63f54ddac96b0a0a235f53aa78"
    assert sign(TOKEN, "1713424427", "415670741", RESPONSE) == (
        "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"
    )


def test_published_push(gate: PushGate, hands: clock.Hands) -> None:
    body = json.dumps({"ToUserName": "gh_97417a04a28d", "Encrypt": ENCRYPTED}).encode()
    push = gate.open(PUSHED, body)
    assert push.kind == "event"
    assert push.event == "debug_demo"
    assert len(gate.decrypt(ENCRYPTED)) == 167


def test_published_reply(gate: PushGate) -> None:
    plain = b'{"demo_resp":"good luck"}'
    assert gate.encrypt(plain, salt=b"707722b803182950") == RESPONSE
    assert gate.decrypt(RESPONSE) == plain


def test_the_address_proves_itself_once_and_not_for_ever(gate: PushGate) -> None:
    query = {
        "signature": "f464b24fc39322e44b38aa78f5edd27bd1441696",
        "timestamp": "1714036504",
        "nonce": "1514711492",
        "echostr": "4375120948345356249",
    }
    with clock.stopped(datetime.fromtimestamp(1714036504, UTC)) as hands:
        assert gate.echo(query) == "4375120948345356249"
        hands.move(timedelta(seconds=300))
        assert gate.echo(query) == "4375120948345356249"
        hands.move(timedelta(seconds=1))
        with pytest.raises(BadPush):
            gate.echo(query)


@pytest.mark.parametrize("xml", [True, False])
def test_wechatpy_reads_what_we_seal_and_we_read_what_it_seals(
    gate: PushGate, hands: clock.Hands, xml: bool
) -> None:
    from wechatpy.crypto import WeChatCrypto  # slow, and nobody else needs it

    peer = WeChatCrypto(TOKEN, KEY, APPID)
    message = write_xml({"FromUserName": "oAnna", "MsgType": "text", "CreateTime": 1714112445})
    seal = gate.seal(message)
    outer = write_xml({"ToUserName": "gh_1", "Encrypt": seal.encrypted})
    read = peer.decrypt_message(outer, seal.signature, seal.timestamp, seal.nonce)
    assert read.encode() == message

    theirs = peer.encrypt_message(message.decode(), "77", "1714112445").encode()
    assert gate.open_reply(theirs) == message


def test_wechatpy_reads_our_reply(gate: PushGate, hands: clock.Hands) -> None:
    reply = gate.reply(b"<xml>hi</xml>", xml=True)
    assert gate.open_reply(reply) == b"<xml>hi</xml>"
    assert gate.open_reply(gate.reply(b"{}")) == b"{}"
    assert set(json.loads(gate.reply(b"{}"))) == {"Encrypt", "MsgSignature", "TimeStamp", "Nonce"}


ROWS = [
    {"TemplateId": "a", "SubscribeStatusString": "accept", "PopupScene": "0"},
    {"TemplateId": "b", "SubscribeStatusString": "reject", "PopupScene": "0"},
]


@pytest.mark.parametrize("rows", [ROWS[:1], ROWS])
def test_json_and_xml_say_the_same(
    gate: PushGate, hands: clock.Hands, rows: list[dict[str, str]]
) -> None:
    in_json = an_event(List=rows[0] if len(rows) == 1 else rows)
    fields = msgspec.json.decode(an_event())
    in_xml = write_xml({**fields, "SubscribeMsgPopupEvent": {"List": rows}})

    from_json = gate.open(*sealed(gate, in_json))
    from_xml = gate.open(*sealed(gate, in_xml, xml=True))

    assert from_json == from_xml
    assert from_json.details == tuple(rows)
    assert from_json.sender == "oAnna"
    assert from_json.created_at == PUSHED_AT
    assert from_json.dedupe_key == from_xml.dedupe_key


def test_one_push_has_one_key_and_two_have_two(gate: PushGate, hands: clock.Hands) -> None:
    def key(**fields: object) -> str:
        return gate.open(*sealed(gate, an_event(**fields))).dedupe_key

    sent = {"Event": "subscribe_msg_sent_event"}
    assert key(List=ROWS) == key(List=ROWS)
    assert key(**sent, List={"MsgID": "1"}) != key(**sent, List={"MsgID": "2"})
    assert key(MsgType="text", MsgId=7) == key(MsgType="text", MsgId="7")
    assert key(MsgType="text", MsgId=7) != key(MsgType="text", MsgId=8)


def test_a_forger_gets_one_answer(gate: PushGate, hands: clock.Hands) -> None:
    query, body = sealed(gate, an_event())
    other = PushGate(token=TOKEN, aes_key=KEY, appid="wx0000000000000002")
    plain = {"signature": sign(TOKEN, query["timestamp"], query["nonce"]), "msg_signature": ""}
    forged = [
        (query | {"msg_signature": "0" * 40}, body),
        (query | {"msg_signature": "签名"}, body),
        (query | {"nonce": "1"}, body),
        (query | {"timestamp": "1714112446"}, body),
        (query | {"timestamp": "x"}, body),
        (query | {"timestamp": "9" * 30}, body),
        (query | plain, body),
        ({}, body),
        (query, b""),
        (query, b"{"),
        (query, b"<xml>"),
        (query, b'{"Encrypt":7}'),
        (query, an_event()),
        (query, b" " * (BODY_MOST + 1)),
        (query, b"\xff\xfe"),
        sealed(other, an_event()),
        sealed(gate, b"[]"),
        sealed(gate, b"{}"),
        sealed(gate, an_event(CreateTime="never")),
        sealed(gate, b"<xml>" + b"<a>" * 50 + b"</a>" * 50 + b"</xml>"),
    ]  # fmt: skip
    for bad_query, bad_body in forged:
        with pytest.raises(BadPush):
            gate.open(bad_query, bad_body)


def test_a_replay_works_for_five_minutes_only(gate: PushGate, hands: clock.Hands) -> None:
    query, body = sealed(gate, an_event())
    for seconds in (-301, 301):
        hands.set(PUSHED_AT + timedelta(seconds=seconds))
        with pytest.raises(BadPush):
            gate.open(query, body)
    hands.set(PUSHED_AT + timedelta(seconds=300))
    assert gate.open(query, body).sender == "oAnna"


@pytest.mark.parametrize(
    "attack",
    [
        b'<!DOCTYPE x [<!ENTITY a "boom">]><xml><Encrypt>&a;</Encrypt></xml>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><Encrypt>&a;</Encrypt></xml>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><xml><Encrypt>a</Encrypt></xml>',
    ],
)
def test_no_document_types_outside_or_inside(
    gate: PushGate, hands: clock.Hands, attack: bytes
) -> None:
    with pytest.raises(BadPush):
        gate.open(PUSHED, attack)
    with pytest.raises(BadPush):
        gate.open(*sealed(gate, attack))


def test_a_document_type_alone_is_enough_to_refuse(gate: PushGate, hands: clock.Hands) -> None:
    message = write_xml(msgspec.json.decode(an_event()))
    assert gate.open(*sealed(gate, message, xml=True)).kind == "event"
    with pytest.raises(BadPush):
        gate.open(*sealed(gate, b"<!DOCTYPE xml>" + message, xml=True))


def test_damaged_ciphertext_is_refused(gate: PushGate) -> None:
    damaged = ["", "!", "AAAA", ENCRYPTED[:-4], "B" + ENCRYPTED[1:], ENCRYPTED[:-6] + "AAAA4="]
    for text in damaged[:4] + damaged[5:]:
        with pytest.raises(BadPush):
            gate.decrypt(text)


def test_a_key_of_the_wrong_length_is_found_at_once() -> None:
    for key in ("", "A" * 42, "A" * 44, "=" * 43):
        with pytest.raises(ValueError, match="EncodingAESKey"):
            PushGate(token=TOKEN, aes_key=key, appid=APPID)


def test_success_needs_no_encryption() -> None:
    assert SUCCESS == b"success"
