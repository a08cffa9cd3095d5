"""`Caller`: somebody on a call, who says things and checks what they hear."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ClassVar

from media_server.call.chronicle import CallFacts
from media_server.call.conversation import Conversation
from media_server.call.events import CallEvent
from media_server.call.record import CallRecord
from media_server.testing.doubles import FakeEngines, FakeVoice
from media_server.testing.ear import Ear, Word
from media_server.testing.exchange import Exchange, Outcome
from media_server.testing.listener import Listeners
from media_server.testing.mouth import Mouth
from media_server.testing.port import CallersPort
from media_server.testing.script import REACTION_S, Script
from media_server.testing.sound import Lexicon
from media_server.testing.stage import Performance, speech_of
from media_server.testing.transcript import Found, Heard, Line, Silence, agent_lines, find, silences
from media_server.transports.port import TransferOrder

WITHIN_S = 20.0
ENDS_S = 60.0
"""How long a call may go on when its caller has left."""


class TestedCall(CallRecord):
    """The record of a call under test. `cut_ins`: how often a turn was ended in the middle of a hesitation."""

    __test__: ClassVar[bool] = False
    cut_ins: int = 0


class Caller:
    """The caller. What is said and pressed without `await` is done one thing after the other while time passes."""

    def __init__(
        self, facts: CallFacts, performance: Performance, lexicon: Lexicon, transfers: Mapping[str, Outcome]
    ) -> None:
        """`caller` makes one."""
        self.events: list[CallEvent] = []
        """What happened on the call, as webhooks and the console get it."""
        self._facts = facts
        self._performance = performance
        self._loop = asyncio.get_running_loop()
        self._began_at = self._loop.time()
        self._ended_at: float | None = None
        self._mouth = Mouth()
        self._lexicon = lexicon
        self._ear = Ear(lexicon)
        self._port = CallersPort(self._ear, voiced=self._mouth.voiced)
        self._port.changed = self._changed
        self._port.control = self._exchange = Exchange(transfers, self._port.go_away)
        self._news = asyncio.Event()
        self._asr = Listeners(self._mouth, self._port)
        self._script = Script(self._mouth, self._port, self._asr.notice, self._news)
        self._next_word = 0
        self._conversation: Conversation | None = None
        self._call: asyncio.Task[None] | None = None

    # --- what the caller does ------------------------------------------------------------------------------------

    def says(self, text: str, *, pause: float = 0.0, then: str = "") -> None:
        """Say something, once the agent is silent. With `then`: hesitate for `pause` seconds, and go on with that.

        A word takes 0.3 s, long ones longer. Words that trail off ("on fri...") sound like it.
        """
        if bool(pause) != bool(then):
            raise ValueError("a pause needs what comes then, and the other way round")
        self._script.add(partial(self._script.say, text, pause, then))

    def interrupts(self, text: str) -> None:
        """Say something while the agent speaks. The test fails if it does not, nor begins to within three seconds."""
        self._script.add(partial(self._script.interrupt, text))

    def mumbles(self, text: str = "mhm") -> None:
        """Say something at once, whoever speaks."""
        self._script.add(partial(self._script.mumble, text))

    def coughs(self) -> None:
        """Make a sound that has no words, at once."""
        self._script.add(self._script.cough)

    def presses(self, digits: str, *, gap_s: float = 0.2) -> None:
        """Press keys, at once: 0-9, *, #, A-D."""
        if not re.fullmatch(r"[0-9*#A-D]+", digits):
            raise ValueError(f"{digits!r}: a telephone has the keys 0-9, *, # and A-D")
        self._script.add(partial(self._script.press, digits, gap_s))

    def hangs_up(self) -> None:
        """Hang up."""
        self._script.add(self._script.hang_up)

    async def waits(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)
        self._check()

    # --- what the caller hears -----------------------------------------------------------------------------------

    async def hears(self, what: str | re.Pattern[str], *, within_s: float = WITHIN_S) -> Heard:
        """Wait until this was heard, behind what the last `hears` found; a text whatever its case and punctuation.

        It counts as soon as most of its last word has sounded. The seconds count from when the caller has done what
        they were to do.

        Raises:
            AssertionError: It was not heard in time, or the call ended before; with the transcript.
        """
        deadline = self._loop.time() + within_s
        while True:
            self._check()
            words = self._ear.words()
            found, now = find(what, words, self._next_word), self._loop.time()
            if found is not None and found.at <= now:
                return self._take(words, found)
            if not self._script.settled:
                deadline = now + within_s
            if self._over and found is None:
                raise AssertionError(self._told(f"the call ended before the caller heard {_shown(what)}"))
            if now >= deadline:
                raise AssertionError(self._told(f"the caller did not hear {_shown(what)} within {within_s:g} s"))
            await self._wait_until(deadline if found is None else min(found.at, deadline))

    async def hears_nothing(self, *, for_s: float) -> None:
        """Check that the agent says nothing for so long, from when the caller has done what they were to do.

        A word that sounds at that moment may end.

        Raises:
            AssertionError: It does.
        """
        while not self._script.settled:
            await self._wait_until(self._loop.time() + WITHIN_S)
        begun = self._loop.time()
        word = self._ear.following(begun)
        await asyncio.sleep(for_s)
        self._check()
        if word is not None and word.begins <= begun:
            begun = word.ends
        sound = self._ear.following(begun)
        if sound is not None and sound.begins < self._loop.time():
            raise AssertionError(self._told(f"the caller heard something within {for_s:g} s"))

    # --- what can be looked at -----------------------------------------------------------------------------------

    @property
    def record(self) -> TestedCall:
        """The call's record, as it is now; with `cut_ins`."""
        assert self._conversation is not None
        record = self._conversation.chronicle.snapshot()
        return TestedCall.model_validate({**dict(record), "cut_ins": self._asr.cut_ins})

    @property
    def transcript(self) -> list[Line]:
        """Who said what when, as the caller heard and said it."""
        return self._transcript(self._ear.words())

    @property
    def silences(self) -> list[Silence]:
        """The pauses in which nobody spoke, the longest first."""
        spoken = [(stretch.begins, stretch.ends) for stretch in self._mouth.stretches]
        heard = [(sound.begins, sound.ends) for sound in self._ear.sounds]
        return silences(spoken + heard, self._began_at, self._ended_at or self._loop.time())

    @property
    def transfers(self) -> list[TransferOrder]:
        """The transfers that were made, with their whisper and music."""
        return self._exchange.orders

    @property
    def keys_heard(self) -> str:
        """The keys that the dialplan played (`call.send_dtmf`)."""
        return self._exchange.keys

    # --- behind the scenes ---------------------------------------------------------------------------------------

    @asynccontextmanager
    async def calling(self, voice_delay_s: float, *, expect_error: bool, **limits: Any) -> AsyncIterator[None]:
        """The call, which ends with the block; `caller` opens it."""
        tts = FakeEngines(lambda: FakeVoice(voice_delay_s, self._lexicon))
        quick = FakeEngines(lambda: FakeVoice(0.0, self._lexicon))
        speech = await speech_of(self._asr, tts, making=quick, **limits)
        self._conversation = Conversation(self._facts, self._port, speech, self.events.append)
        self._call = asyncio.create_task(self._conversation.run(self._performance.plan), name="call")
        self._call.add_done_callback(self._ended)
        script = asyncio.create_task(self._script.run(), name="script")
        try:
            await asyncio.sleep(0)
            yield
            await self._take_leave()
            self._check()
        finally:
            script.cancel()
            self._port.hang_up()
            await asyncio.wait({self._call, script}, timeout=ENDS_S)
            self._call.cancel()
            await asyncio.gather(self._call, script, return_exceptions=True)
            await self._performance.http.aclose()
        if not expect_error and (told := self._error()):
            raise AssertionError(self._told(told)) from self._performance.error

    async def _take_leave(self) -> None:
        """Do what is left to do, and hear the word that sounds to its end: it may be the last one."""
        deadline = self._loop.time() + WITHIN_S
        while not self._script.settled and not self._over and self._loop.time() < deadline:
            await self._wait_until(deadline)
        sound = self._ear.following(self._loop.time())
        if sound is not None and self._call is not None:
            await asyncio.wait({self._call}, timeout=sound.ends + REACTION_S - self._loop.time())

    def _changed(self) -> None:
        self._news.set()
        self._script.heard_more()

    def _ended(self, _task: "asyncio.Task[None]") -> None:
        self._ended_at = self._loop.time()
        self._news.set()

    @property
    def _over(self) -> bool:
        return self._call is None or self._call.done()

    async def _wait_until(self, deadline: float) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout_at(deadline):
                await self._news.wait()
        except TimeoutError:
            pass

    def _take(self, words: list[Word], found: Found) -> Heard:
        text = " ".join(word.text for word in words[self._next_word : found.end])
        self._next_word = found.end
        return Heard(text, round(found.at - self._began_at, 3), found.match)

    def _check(self) -> None:
        if self._script.complaint is not None:
            raise AssertionError(self._told(self._script.complaint))

    def _error(self) -> str:
        """What went wrong with the dialplan, with file and line; empty where nothing did."""
        assert self._conversation is not None
        return self._performance.failure(self._conversation.chronicle.record)

    def _transcript(self, words: list[Word]) -> list[Line]:
        said = [
            Line(stretch.begins - self._began_at, "caller", " ".join(word for word, _ in stretch.words) or "(a cough)")
            for stretch in self._mouth.stretches
        ]
        keys = [Line(at - self._began_at, "keys", digit) for at, digit in self._script.keys]
        breaks = [*(stretch.begins for stretch in self._mouth.stretches), *(at for at, _ in self._script.keys)]
        heard = agent_lines(words, breaks, self._began_at, self._ended_at or self._loop.time())
        return sorted([*said, *keys, *heard], key=lambda line: line.at)

    def _told(self, what: str) -> str:
        """A failure, and all that was said up to it."""
        lines = [what, *(f"  {line}" for line in self.transcript)]
        assert self._conversation is not None
        record = self._conversation.chronicle.record
        if record.ended_reason is not None:
            lines.append(f"  {record.duration_s:7.2f} s  ended: {record.ended_reason}")
        error = self._error()
        if error and error != what:
            lines.append(f"  the dialplan failed: {error}")
        return "\n".join(lines)


def _shown(what: str | re.Pattern[str]) -> str:
    return repr(what if isinstance(what, str) else what.pattern)
