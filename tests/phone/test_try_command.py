import asyncio
import socket
import wave
from pathlib import Path

from aiohttp import web

from media_server.api.twilio import add_twilio
from media_server.audio.wav import write_wav
from media_server.call.receipt import Receipt
from media_server.call.record import CallRecord, Line, TurnRecord
from media_server.config import Settings
from media_server.phone.measure import CallMeasure, TurnMeasure
from media_server.phone.playout_buffer import Span
from media_server.phone.try_command import run_try
from media_server.phone.try_report import report, succeeded
from media_server.phone.twilio_phone import PhoneCall
from tests.phone.test_twilio_phone import answering
from tests.phone.tones import quiet, tone
from tests.twilio_rig import EchoGate

TOLD = "Can I book a table for four, you said."
RECORD = CallRecord(
    id="9c21" + "0" * 28,
    provider_id="CA1",
    transport="twilio",
    caller="+15550111",
    called="+15550100",
    dialplan="parrot",
    state="ended",
    started_at="2026-11-22T22:00:00Z",
    transcript=[
        Line(at=0.0, who="agent", text="Hello! Say something, and I say it back."),
        Line(at=3.0, who="caller", text="Can I book a table for four?"),
        Line(at=5.0, who="agent", text=TOLD),
    ],
    turns=[
        TurnRecord(
            turn=0,
            text="Can I book a table for four?",
            reason="complete",
            receipt=Receipt(waited=300, words=38, think=1, voice=97, wire=20, speculated=True),
        )
    ],
)
CALL = PhoneCall("CA1", b"", b"", (), (), "caller", 1000, 3, (), None)
MEASURED = CallMeasure(58, (TurnMeasure(470, 0),), ())


def test_what_a_stranger_sees() -> None:
    assert list(report(CALL, MEASURED, RECORD)) == [
        "  agent    Hello! Say something, and I say it back.    first word 58 ms after pick-up",
        "  caller   Can I book a table for four?",
        f"  agent    {TOLD:<42}  470 ms = waited 300, words 38, think 1, voice 97, wire 34",
        "1 turn, 1 answered   p50 470 ms   0 gaps   0 cut-ins",
    ]
    assert succeeded(CALL, MEASURED)


def test_what_went_wrong_is_said() -> None:
    call = PhoneCall("CA1", b"", b"", (), (), "server", 1006, 0, ("fields: odd",), "We are sorry.")
    measured = CallMeasure(None, (TurnMeasure(None, 40), TurnMeasure(300, 0)), (Span(0, 80),))
    record = RECORD.model_copy(update={"ledger": RECORD.ledger.model_copy(update={"balances": False})})
    lines = list(report(call, measured, record))
    assert lines[2].endswith("456 ms = waited 300, words 38, think 1, voice 97, wire 20")
    assert lines[3:] == [
        "2 turns, 1 answered   p50 300 ms   1 gap   1 cut-in",
        "note    1 frame that Twilio would refuse: fields: odd",
        "note    the server hung up (code 1006): We are sorry.",
        "note    the server heard 1 turn",
        "note    the server's books do not balance",
    ]
    assert not succeeded(call, measured)


class Backdrop:
    """A server in a thread's own loop, since the command brings its own."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.gate = EchoGate(answering)

    async def serve(self, stop: asyncio.Event) -> None:
        async def calls(request: web.Request) -> web.Response:
            assert request.headers["Authorization"] == "Bearer key"
            assert request.query["provider_id"] == self.gate.admitted[0].call_sid
            return web.json_response({"calls": [RECORD.model_dump(mode="json", include={"id", "provider_id"})]})

        async def one(request: web.Request) -> web.Response:
            assert request.headers["Authorization"] == "Bearer key"
            assert request.match_info["id"] == RECORD.id
            return web.json_response(RECORD.model_dump(mode="json"))

        app = web.Application()
        add_twilio(app, self.gate, public_base=self.url, auth_token="12345")
        app.add_routes([web.get("/v1/calls", calls), web.get("/v1/calls/{id}", one)])
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, self.listener).start()
        await stop.wait()
        await runner.cleanup()


async def test_a_wav_of_any_rate_is_spoken_and_the_call_written_down(tmp_path: Path) -> None:
    server, stop = Backdrop(), asyncio.Event()
    serving = asyncio.create_task(server.serve(stop))
    spoken = tmp_path / "sixteen.wav"
    # Half the samples a second that it claims: at 8 kHz it lasts half as long.
    write_wav(spoken, tone(0.6), sample_rate=16000)
    settings = Settings.model_validate({"api_key": "key", "twilio": {"auth_token": "12345"}})
    lines: list[str] = []
    code = await asyncio.to_thread(
        run_try, settings, [spoken], url=server.url, called="+15550100", folder=tmp_path, say=lines.append
    )
    stop.set()
    await serving
    assert code == 0, lines
    assert lines[0] == "calling +15550100 as Twilio would: signed webhook → TwiML → stream, µ-law, 20 ms"
    assert "1 turn, 1 answered" in lines[-2]
    assert lines[-1] == f"listen  {tmp_path / 'try-9c21.wav'} (left caller, right agent)"
    with wave.open(str(tmp_path / "try-9c21.wav")) as recording:
        assert (recording.getnchannels(), recording.getframerate()) == (2, 8000)
        assert recording.getnframes() > 8000


def test_no_server_is_one_line(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()
    wav = tmp_path / "a.wav"
    write_wav(wav, quiet(0.1), sample_rate=8000)
    lines: list[str] = []
    assert run_try(Settings(), [wav], url=url, called="+1", folder=tmp_path, say=lines.append) == 1
    assert lines[-1].startswith(f"failed  {url}/twilio/voice: ")
    assert run_try(Settings(), [tmp_path / "none.wav"], url=url, called="+1", folder=tmp_path, say=lines.append) == 1
    assert "none.wav" in lines[-1]
