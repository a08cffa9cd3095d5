"""`media-server try`: a call without a phone. Calls as Twilio would, says something, shows what came back."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from media_server.audio.frame import TELEPHONE_RATE
from media_server.audio.resample import resample
from media_server.audio.wav import read_wav, write_wav
from media_server.call.phrases import Phrases
from media_server.call.record import CallRecord
from media_server.config import Settings
from media_server.errors import EngineError, MediaServerError
from media_server.phone.call_record import Print, fetch_record
from media_server.phone.caller_script import CallerScript
from media_server.phone.try_report import report, succeeded
from media_server.phone.twilio_phone import PhoneCall, TwilioPhone
from media_server.protocol.tts_stream import TtsQuery
from media_server.speech.connection import Engines

SENTENCE = "Can I book a table for four?"
"""What is said where no WAV is given, in the voice of the tts role."""
CALLED = "+15550100"


def run_try(settings: Settings, wavs: Sequence[Path], *, url: str | None, called: str, folder: Path, say: Print) -> int:
    """Make the call, print what happened, write the recording into `folder`; returns the exit code."""
    try:
        call, record = asyncio.run(_call(settings, wavs, url=url, called=called, say=say))
    except (MediaServerError, OSError) as error:
        say(f"failed  {error}")
        return 1
    measured = call.measured()
    for line in report(call, measured, record):
        say(line)
    recording = folder / f"try-{(record.id if record else call.call_sid[2:])[:4]}.wav"
    write_wav(recording, call.caller, call.agent, sample_rate=TELEPHONE_RATE)
    say(f"listen  {recording} (left caller, right agent)")
    return 0 if succeeded(call, measured) else 1


async def _call(
    settings: Settings, wavs: Sequence[Path], *, url: str | None, called: str, say: Print
) -> tuple[PhoneCall, CallRecord | None]:
    token = settings.twilio.auth_token
    key = settings.api_key.get_secret_value() if settings.api_key else None
    async with aiohttp.ClientSession() as http:
        utterances = [_telephone(wav) for wav in wavs] or [await spoken_sentence(settings)]
        phone = TwilioPhone(
            http,
            base_url=url or settings.base_url,
            auth_token=token.get_secret_value() if token else None,
            called=called,
        )
        signed = "signed webhook" if token else "webhook (unsigned: no token is set)"
        say(f"calling {called} as Twilio would: {signed} → TwiML → stream, µ-law, 20 ms")
        call = await phone.call(CallerScript(utterances))
        return call, await fetch_record(http, phone.base_url, key, call.call_sid, say)


def _telephone(wav: Path) -> bytes:
    pcm, rate = read_wav(wav)
    return resample(pcm, rate, TELEPHONE_RATE)


async def spoken_sentence(settings: Settings) -> bytes:
    """`SENTENCE` in the voice of the tts role, linear PCM at 8 kHz.

    Raises:
        EngineError: There is no such role.
    """
    key = settings.api_key.get_secret_value() if settings.api_key else None
    phrases = Phrases(TtsQuery(sample_rate=TELEPHONE_RATE))
    try:
        async with Engines(settings.engine_urls("tts"), key) as engines:
            await phrases.make(engines, [SENTENCE])
    except EngineError as error:
        raise EngineError(f"no voice to call with (is the server running? or give a WAV): {error}") from error
    phrase = phrases.get(SENTENCE)
    assert phrase is not None, "it was just made"
    return phrase.pcm
