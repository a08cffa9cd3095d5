import asyncio
import json
from hashlib import sha256
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from media_server.errors import EngineUnavailable, Overloaded
from media_server.protocol.twilio_far_end import FarEnd
from media_server.protocol.twilio_signature import sign
from media_server.protocol.twiml import ConnectStream, SayAndHangUp, parse_twiml
from media_server.transports.port import MediaPort, PortEvent
from media_server.transports.twilio import StreamLimits
from tests.twilio_rig import ACCOUNT, EchoGate, Server, new_sid, serve

TOKEN = "12345"
PUBLIC = "https://voice.example.com"
CALL = "CA" + "1" * 32
FORM = {"CallSid": CALL, "AccountSid": ACCOUNT, "From": "+15550111", "To": "+15550100"}
QUICK = StreamLimits(start_s=0.3)


# --- B1: signatures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/twilio/voice", "/twilio/ended", "/twilio/status"])
async def test_a_webhook_without_the_right_signature_is_forbidden(path: str) -> None:
    gate = EchoGate()
    async with serve(gate, token=TOKEN, public=PUBLIC) as server:
        right = sign(TOKEN, PUBLIC + path, {name: [value] for name, value in FORM.items()})
        other_url = sign(TOKEN, server.url + path, {name: [value] for name, value in FORM.items()})
        for wrong in ("", "x", right[::-1], other_url):
            status, _ = await server.post(path, FORM, **{"X-Twilio-Signature": wrong})
            assert status == 403
        status, _ = await server.post(path, {**FORM, "To": "+1900"}, **{"X-Twilio-Signature": right})
        assert status == 403
        assert gate.admitted == []
        status, _ = await server.post(path, FORM, **{"X-Twilio-Signature": right})
        assert status in (200, 204)


async def test_the_url_is_the_configured_one_whatever_the_host_header_says() -> None:
    async with serve(EchoGate(), token=TOKEN, public=PUBLIC) as server:
        elsewhere = sign(TOKEN, "https://evil.example/twilio/voice", {name: [value] for name, value in FORM.items()})
        spoofed = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Twilio-Signature": elsewhere}
        assert (await server.post("/twilio/voice", FORM, **spoofed))[0] == 403
        assert (await server.post("/twilio/voice", FORM, Host="evil.example"))[0] == 200


async def test_a_refusal_logs_which_url_was_expected_and_no_number() -> None:
    async with serve(EchoGate(), token=TOKEN, public=PUBLIC) as server:
        with capture_logs() as logs:
            await server.post("/twilio/voice", FORM, **{"X-Twilio-Signature": "x"})
    (line,) = [log for log in logs if log["event"] == "twilio.signature_mismatch"]
    assert line["expected_url"] == PUBLIC + "/twilio/voice"
    assert "+1555" not in json.dumps(line)


async def test_a_json_body_is_signed_by_its_hash_in_the_query() -> None:
    gate = EchoGate()
    body = json.dumps(FORM).encode()
    path = f"/twilio/voice?bodySHA256={sha256(body).hexdigest()}"
    async with serve(gate, token=TOKEN, public=PUBLIC) as server:

        async def post(path: str, body: bytes) -> int:
            headers = {"X-Twilio-Signature": sign(TOKEN, PUBLIC + path), "Content-Type": "application/json"}
            async with server.http.post(server.url + path, data=body, headers=headers) as response:
                return response.status

        assert await post(path, body + b" ") == 403
        assert await post("/twilio/voice", body) == 403
        assert gate.admitted == []
        assert await post(path, body) == 200
    assert gate.admitted[0].caller == "+15550111"


# --- B2: idempotence ---------------------------------------------------------------------------------------------


async def test_a_webhook_that_comes_again_gets_the_same_answer_and_starts_nothing() -> None:
    gate = EchoGate()
    async with serve(gate) as server:
        first, second = await asyncio.gather(server.post("/twilio/voice", FORM), server.post("/twilio/voice", FORM))
        third = await server.post("/twilio/voice", FORM)
        other = await server.post("/twilio/voice", {**FORM, "CallSid": new_sid("CA")})
    assert first == second == third
    assert other != first
    assert len(gate.admitted) == 2


async def test_a_replay_after_the_call_starts_no_second_one() -> None:
    gate = EchoGate()
    async with serve(gate, limits=QUICK) as server, server.stream() as stream:
        await stream.ws.send_str(stream.far_end.stop())
        assert await gate.ended.get() == "caller_hangup"
        answer = await server.ring(stream.call_sid)
        assert await stream.closed() == 1000
        assert await attach(server, stream.call_sid, answer.parameters) == 1008
    assert len(gate.admitted) == len(gate.connected) == 1


# --- B3: who may stream ------------------------------------------------------------------------------------------


async def attach(server: Server, call_sid: str, parameters: Any, account: str = ACCOUNT) -> int | None:
    """Open a stream for a call; the code by which the server closes it, None where it goes on."""
    far_end = FarEnd(new_sid("MZ"), call_sid, account)
    async with await server.open() as ws:
        await ws.send_str(far_end.connected())
        await ws.send_str(far_end.start(parameters))
        await ws.send_str(far_end.media(b"\xff" * 160, 0))
        message = await ws.receive(timeout=3)
        return None if message.type is aiohttp.WSMsgType.TEXT else ws.close_code


async def test_an_unsigned_upgrade_is_forbidden_before_the_upgrade() -> None:
    async with serve(EchoGate(), token=TOKEN, public=PUBLIC) as server:
        https = sign(TOKEN, PUBLIC + "/twilio/stream")
        for wrong in ("", https):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await server.open(**{"X-Twilio-Signature": wrong})
        right = sign(TOKEN, "wss://voice.example.com/twilio/stream")
        async with await server.open(**{"X-Twilio-Signature": right}) as ws:
            assert not ws.closed


async def test_a_stream_needs_the_token_of_its_own_call_and_only_once() -> None:
    gate = EchoGate()
    async with serve(gate, limits=QUICK) as server:
        mine, other = new_sid("CA"), new_sid("CA")
        answer, others = await server.ring(mine), await server.ring(other)
        token = answer.parameters["token"]
        assert await attach(server, mine, {}) == 1008
        assert await attach(server, mine, {"token": ""}) == 1008
        assert await attach(server, mine, {"token": token[:-1] + "z"}) == 1008
        assert await attach(server, mine, {"token": "9" * 15 + token[token.index(".") :]}) == 1008
        assert await attach(server, mine, others.parameters) == 1008
        assert await attach(server, other, answer.parameters) == 1008
        assert await attach(server, new_sid("CA"), answer.parameters) == 1008
        assert await attach(server, mine, answer.parameters, account="AC" + "9" * 32) == 1008
        assert gate.connected == []
        assert await attach(server, mine, answer.parameters) is None
        assert await attach(server, mine, answer.parameters) == 1008
    assert [call.call_sid for call in gate.connected] == [mine]


async def test_a_token_expires() -> None:
    async with serve(EchoGate(), token_ttl_s=0.001) as server:
        answer = await server.ring(CALL)
        await asyncio.sleep(0.002)
        assert await attach(server, CALL, answer.parameters) == 1008


async def test_a_token_of_another_instance_is_none() -> None:
    async with serve(EchoGate()) as one, serve(EchoGate()) as two:
        answer, _ = await one.ring(CALL), await two.ring(CALL)
        assert await attach(two, CALL, answer.parameters) == 1008


@pytest.mark.parametrize("says", [[], ["connected"], ["media"], ["start"], ["garbage"], ["binary"]])
async def test_a_stream_that_does_not_start_in_order_is_closed(says: list[str]) -> None:
    gate = EchoGate()
    async with serve(gate, limits=QUICK) as server:
        answer = await server.ring(CALL)
        far_end = FarEnd(new_sid("MZ"), CALL, ACCOUNT)
        async with await server.open() as ws:
            for word in says:
                if word == "binary":
                    await ws.send_bytes(b"\xff" * 160)
                    continue
                text = {
                    "connected": far_end.connected(),
                    "media": far_end.media(b"\xff" * 160, 0),
                    "start": far_end.start(answer.parameters),  # without `connected` before it
                    "garbage": '{"event": "start", "start": 7}',
                }[word]
                await ws.send_str(text)
            message = await ws.receive(timeout=3)
            assert message.type is aiohttp.WSMsgType.CLOSE
            assert ws.close_code == 1008
    assert gate.connected == []


async def test_a_start_with_another_encoding_is_closed() -> None:
    async with serve(EchoGate()) as server:
        answer = await server.ring(CALL)
        far_end = FarEnd(new_sid("MZ"), CALL, ACCOUNT)
        start = json.loads(far_end.start(answer.parameters))
        start["start"]["mediaFormat"] = {"encoding": "audio/l16", "sampleRate": 16000, "channels": 1}
        async with await server.open() as ws:
            await ws.send_str(far_end.connected())
            await ws.send_str(json.dumps(start))
            await ws.receive(timeout=3)
            assert ws.close_code == 1008


# --- B9: always an answer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (None, "sorry"),
        (Overloaded("full"), "busy"),
        (EngineUnavailable(), "sorry"),
        (RuntimeError("secret detail"), "sorry"),
    ],
)
async def test_whatever_the_gate_does_the_webhook_is_answered(trouble: Exception | None, words: str) -> None:
    async def hesitate() -> None:
        if trouble is None:
            await asyncio.Event().wait()
        else:
            raise trouble

    gate = EchoGate(hesitate=hesitate)
    async with serve(gate, admit_timeout_s=0.1) as server:
        async with asyncio.timeout(2):
            status, body = await server.post("/twilio/voice", FORM)
            again = await server.post("/twilio/voice", FORM)
    assert status == 200
    answer = parse_twiml(body)
    assert isinstance(answer, SayAndHangUp)
    assert words in answer.words
    assert "secret" not in body
    assert again == (status, body)
    assert len(gate.admitted) == 1


# --- B10 and other bad input -------------------------------------------------------------------------------------


async def test_what_the_caller_says_never_becomes_twiml() -> None:
    evil = '"><Dial>+1900</Dial><x y="\r\n\x00'
    gate = EchoGate()
    async with serve(gate) as server:
        status, body = await server.post(
            "/twilio/voice", {**FORM, "From": evil, "To": evil, "CallerName": evil, '"><Dial>': evil}
        )
    assert status == 200
    assert "Dial" not in body
    assert isinstance(parse_twiml(body), ConnectStream)
    assert gate.admitted[0].caller == '"><Dial>+1900</Dial><x y="'


@pytest.mark.parametrize("sid", ["", "CA 1", "CA\n1", "x" * 65, "ÄÖ"])
async def test_a_webhook_needs_an_id(sid: str) -> None:
    async with serve(EchoGate()) as server:
        assert (await server.post("/twilio/voice", {**FORM, "CallSid": sid}))[0] == 400


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"[" * 5000, 400),
        ("application/json", b"[]", 400),
        ("application/x-www-form-urlencoded", b"\xff\xfe=1", 400),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % number for number in range(300)), 400),
        ("application/x-www-form-urlencoded", b"a=" + b"b" * 70_000, 413),
    ],
)
async def test_a_body_that_is_none(content_type: str, body: bytes, status: int) -> None:
    async with (
        serve(EchoGate()) as server,
        server.http.post(server.url + "/twilio/voice", data=body, headers={"Content-Type": content_type}) as response,
    ):
        assert response.status == status


# --- what comes after the stream ---------------------------------------------------------------------------------


async def farewell(server: Server, call_sid: str) -> SayAndHangUp:
    status, body = await server.post("/twilio/ended", {**FORM, "CallSid": call_sid})
    assert status == 200
    answer = parse_twiml(body)
    assert isinstance(answer, SayAndHangUp)
    return answer


async def test_after_a_call_in_order_twilio_hangs_up() -> None:
    async with serve(EchoGate()) as server, server.stream() as stream:
        await stream.ws.send_str(stream.far_end.stop())
        assert await stream.closed() == 1000
        assert (await farewell(server, stream.call_sid)).words == ""


@pytest.mark.parametrize("trouble", [EngineUnavailable(), RuntimeError("bug")])
async def test_when_we_died_in_the_call_twilio_says_an_apology(trouble: Exception) -> None:
    async def talk(port: MediaPort, _arrived: list[PortEvent]) -> None:
        await port.send(bytes(320))
        raise trouble

    async with serve(EchoGate(talk=talk)) as server, server.stream() as stream:
        assert await stream.closed() == 1000
        assert "sorry" in (await farewell(server, stream.call_sid)).words


async def test_a_call_that_another_life_of_ours_had_gets_an_apology() -> None:
    async with serve(EchoGate()) as server:
        assert "sorry" in (await farewell(server, new_sid("CA"))).words


async def test_status_callbacks_are_taken_note_of() -> None:
    async with serve(EchoGate()) as server:
        assert await server.post("/twilio/status", {**FORM, "CallStatus": "completed"}) == (204, "")
