"""Voices and languages of routes. The engines are fakes at their socket, which know one voice and one language more."""

from collections.abc import Mapping
from typing import cast

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from media_server.call.conversation import Speech
from media_server.call.phrases import APOLOGY, Phrases
from media_server.call.speech_profiles import SpeechProfiles
from media_server.errors import EngineRefused, EngineUnavailable
from media_server.protocol.asr_stream import AsrQuery
from media_server.protocol.tts_stream import TtsQuery
from media_server.speech.connection import Engines
from tests.call.stage import FakeEngines, FakeSocket, FakeVoice

pytestmark = pytest.mark.looptime


class Choosy(FakeEngines):
    @override
    async def connect(self, path: str, query: Mapping[str, str]) -> FakeSocket:
        if query.get("voice") == "nobody" or query.get("language") == "xx":
            raise EngineRefused
        return await super().connect(path, query)


def profiles() -> tuple[SpeechProfiles, Choosy, Choosy]:
    asr, tts = Choosy(FakeSocket), Choosy(lambda: FakeVoice(0.1))
    made = Phrases(TtsQuery(sample_rate=8000))
    query = AsrQuery(sample_rate=8000)
    speech = Speech(cast("Engines", asr), cast("Engines", tts), made, query, 8.0, 7200.0, 5.0)
    return SpeechProfiles(speech), asr, tts


async def test_each_voice_has_its_phrases_and_the_servers_own_ones() -> None:
    speech, _, tts = profiles()
    await speech.make({"": ["Hello."], "anna": ["Hallo."]}, ["", "de"])
    anna, default = speech.of("de", "anna"), speech.of("", "")
    assert default is speech.default
    assert anna.query.language == "de"
    assert anna.phrases.query.voice == "anna"
    assert default.phrases.get("Hello.") is not None
    assert default.phrases.get("Hallo.") is None
    assert anna.phrases.get("Hallo.") is not None
    assert anna.phrases.get(APOLOGY) is not None
    streams = len(tts.sockets)
    await speech.make({"": ["Hello."], "anna": ["Hallo."]}, ["de"])
    assert len(tts.sockets) == streams


async def test_what_the_engines_do_not_have_is_told_once_and_the_servers_own_takes_its_place() -> None:
    speech, asr, _ = profiles()
    with capture_logs() as logs:
        for _ in range(2):
            await speech.make({"nobody": ["Hello."]}, ["xx"])
    refusals = [(entry["event"], entry["what"]) for entry in logs if entry["event"].endswith("_refused")]
    assert refusals == [("voice_refused", "nobody"), ("language_refused", "xx")]
    answer = speech.of("xx", "nobody")
    assert (answer.phrases, answer.query) == (speech.default.phrases, speech.default.query)
    assert all(socket.closed for socket in asr.sockets)


async def test_an_engine_that_is_gone_is_no_refusal() -> None:
    speech, _, tts = profiles()
    tts.refuse = True
    with pytest.raises(EngineUnavailable):
        await speech.make({"anna": ["Hallo."]})
    tts.refuse = False
    await speech.make({"anna": ["Hallo."]})
    assert speech.of("", "anna").phrases.get("Hallo.") is not None


async def test_phrases_that_nobody_says_any_more_are_forgotten() -> None:
    speech, _, _ = profiles()
    await speech.make({"": ["Hello."], "anna": ["Hallo."]})
    speech.keep({"": ["Good morning."]})
    assert speech.default.phrases.get("Hello.") is None
    assert speech.default.phrases.get(APOLOGY) is not None
    assert speech.of("", "anna") is speech.default
