import asyncio
import json

import pytest

from media_server.audio.frame import AudioFrame
from media_server.audio.levels import rms
from media_server.errors import Overloaded
from media_server.phone.caller_script import CallerScript
from media_server.phone.twilio_phone import CallRefused, TwilioPhone
from media_server.transports.port import AudioArrived, MarkReturned, MediaPort, PortEvent
from media_server.transports.twilio import TwilioPort
from tests.phone.tones import quiet, tone
from tests.twilio_rig import EchoGate, echo, serve

TOKEN = "12345"


async def answering(port: MediaPort, arrived: list[PortEvent]) -> None:
    """Greets with a tone, and answers 300 ms after the caller's last sound with another."""
    await port.send(quiet(0.04) + tone(0.2))
    await port.send_mark("greeting")
    heard, silent = False, 0
    async for event in port.events():
        arrived.append(event)
        if not isinstance(event, AudioArrived):
            continue
        voiced = rms(event.frame.pcm) > 200
        heard, silent = heard or voiced, 0 if voiced else silent + event.frame.samples
        if heard and silent >= 2400:
            heard = False
            await port.send(tone(0.3))


async def test_a_whole_call_is_spoken_heard_and_measured() -> None:
    gate = EchoGate(answering)
    async with serve(gate, token=TOKEN) as server:
        phone = TwilioPhone(server.http, base_url=server.url, auth_token=TOKEN, called="+15559196")
        call = await phone.call(CallerScript([tone(0.3), quiet(0.1) + tone(0.2)], quiet_s=0.4))
        assert await gate.ended.get() == "caller_hangup"
    assert gate.admitted[0].called == "+15559196"
    assert gate.arrived.count(MarkReturned("greeting")) == 1
    assert (call.hung_up_by, call.marks, call.violations, call.farewell) == ("caller", 1, (), None)
    measured = call.measured()
    assert measured.greeting_ms is not None
    assert 40 <= measured.greeting_ms <= 300
    # 300 ms that the agent waits, at most 20 ms in the phone's frame; the rest is this machine's load.
    assert len(measured.answered) == 2
    assert all(300 <= answered <= 600 for answered in measured.answered)
    assert (measured.gaps, measured.cut_ins) == ((), 0)
    frames = [event.frame for event in gate.arrived if isinstance(event, AudioArrived)]
    assert all(frame == AudioFrame(frame.pcm, 8000, 160 * number) for number, frame in enumerate(frames))
    assert abs(len(call.caller) - len(call.agent)) < 2 * 8000 * 0.2


async def test_an_echo_comes_back_while_the_caller_speaks() -> None:
    async with serve(EchoGate()) as server:
        phone = TwilioPhone(server.http, base_url=server.url)
        call = await phone.call(CallerScript([tone(0.5)], quiet_s=0.4, greeting_timeout_s=0.1))
    measured = call.measured()
    assert measured.cut_ins == 1
    assert measured.answered[0] < 100


async def test_a_clear_is_obeyed() -> None:
    async def talk(port: MediaPort, arrived: list[PortEvent]) -> None:
        await port.send(tone(3.0))
        await port.send_mark("never heard")
        await asyncio.sleep(0.2)
        await port.clear()
        arrived += [event async for event in port.events()]

    gate = EchoGate(talk)
    async with serve(gate) as server:
        call = await TwilioPhone(server.http, base_url=server.url).call(CallerScript([], quiet_s=0.4))
    assert MarkReturned("never heard") in gate.arrived
    assert len(call.agent) / 16000 < 2


async def test_the_server_hangs_up() -> None:
    async def talk(port: MediaPort, _arrived: list[PortEvent]) -> None:
        await port.send(tone(0.1))

    async with serve(EchoGate(talk), token=TOKEN) as server:
        call = await TwilioPhone(server.http, base_url=server.url, auth_token=TOKEN).call(CallerScript([tone(1)]))
    assert (call.hung_up_by, call.close_code, call.farewell) == ("server", 1000, "")


async def test_a_frame_that_twilio_would_refuse_is_noticed() -> None:
    async def talk(port: MediaPort, arrived: list[PortEvent]) -> None:
        assert isinstance(port, TwilioPort)
        stream = {"streamSid": port.start.stream_id}
        await port._socket.send_str(json.dumps({"event": "media", **stream, "media": {"payload": ""}}))
        await port._socket.send_str(json.dumps({"event": "hello", **stream}))
        await port._socket.send_bytes(b"\xff" * 160)
        await echo(port, arrived)

    async with serve(EchoGate(talk)) as server:
        call = await TwilioPhone(server.http, base_url=server.url).call(CallerScript([], greeting_timeout_s=0.7))
    assert len(call.violations) == 3


async def test_a_call_that_is_not_taken() -> None:
    async def hesitate() -> None:
        raise Overloaded

    async with serve(EchoGate(hesitate=hesitate), token=TOKEN) as server:
        with pytest.raises(CallRefused, match="busy"):
            await TwilioPhone(server.http, base_url=server.url, auth_token=TOKEN).call(CallerScript([]))
        with pytest.raises(CallRefused, match="403"):
            await TwilioPhone(server.http, base_url=server.url, auth_token="other").call(CallerScript([]))
        with pytest.raises(CallRefused, match="404"):
            await TwilioPhone(server.http, base_url=server.url + "/nothing").call(CallerScript([]))
