import pytest

from media_server.audio.levels import rms
from media_server.phone.caller_script import CallerScript
from media_server.phone.twilio_phone import CallRefused, LineBusy
from media_server.phone.webrtc_phone import WebrtcPhone, Wire
from tests.peers.whip_server import Callee, whip_server
from tests.phone.tones import quiet, tone


@pytest.mark.parametrize("codec", ["opus", "pcmu"])
async def test_a_whole_call_is_spoken_heard_and_measured(codec: str) -> None:
    callee = Callee()
    async with whip_server(callee) as server:
        phone = WebrtcPhone(server.http, base_url=server.url, wire=Wire(codec))
        call = await phone.call(CallerScript([tone(0.3), quiet(0.1) + tone(0.2)], quiet_s=0.4))
    assert (call.hung_up_by, call.deleted, call.call_id) == ("caller", 200, "call-1")
    assert callee.deleted == [call.session]
    measured = call.measured()
    assert measured.greeting_ms is not None
    assert measured.greeting_ms < 200
    # 300 ms that the callee waits, at most 40 in the frames of both sides, 13 in Opus; the rest is this machine's load.
    assert len(measured.answered) == 2
    assert all(290 <= answered <= 600 for answered in measured.answered)
    assert (measured.gaps, measured.cut_ins, call.stalls_ms) == ((), 0, [])
    assert rms(bytes(callee.heard)) > 500
    assert len(call.arrivals) >= 0.9 * 50 * len(call.caller) / 16000


async def test_the_server_hangs_up() -> None:
    async with whip_server(Callee(ends_after=1)) as server:
        call = await WebrtcPhone(server.http, base_url=server.url).call(CallerScript([tone(0.2), tone(0.2)]))
    assert (call.hung_up_by, call.deleted) == ("server", None)


async def test_a_call_that_is_not_taken() -> None:
    async with whip_server(Callee(), refuse=503) as server:
        with pytest.raises(LineBusy):
            await WebrtcPhone(server.http, base_url=server.url).call(CallerScript([]))
        with pytest.raises(CallRefused, match="404"):
            await WebrtcPhone(server.http, base_url=server.url + "/nothing").call(CallerScript([]))


async def test_an_answer_that_cannot_be_used_leaves_nothing_behind() -> None:
    callee = Callee()
    async with whip_server(callee) as server:
        phone = WebrtcPhone(server.http, base_url=server.url, wire=Wire(answered=lambda sdp: sdp.replace("m=", "x=")))
        with pytest.raises(CallRefused):
            await phone.call(CallerScript([]))
    assert len(callee.deleted) == 1
