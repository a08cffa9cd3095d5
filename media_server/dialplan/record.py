"""`record` and `voicemail`: what the caller says, into a file of its own.

It ends when the caller has been silent for a while, presses a key, or has talked for as long as may be; whoever hangs
up in the middle leaves a message too: it is kept, and told, before the dialplan hears of the hang-up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from media_server.audio.tones import BEEP
from media_server.call.conversation import Conversation
from media_server.call.ears import Deaf, Digit
from media_server.call.events import MessageTaken
from media_server.dialplan.play import play
from media_server.dialplan.say import say
from media_server.speech.turns import SpeechBegan, TurnOver
from media_server.turn.floor import Holder

FIRST_S = 8.0
"""So long nobody need begin to speak."""
POLL_S = 0.5
LAST_WORDS_S = 1.5
"""How long the words right before the key may take to be understood, where they are asked for."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A message; false where nothing was said.

    Attributes:
        path: The WAV; None where no sound is kept.
        seconds: How long it is.
        text: The words, where they were asked for.
        reason: Why it ended: silence, key, limit; nothing: nobody spoke.
    """

    path: Path | None
    seconds: float
    text: str
    reason: str

    def __bool__(self) -> bool:
        return self.reason != "nothing"


def _returned(_message: Recorded) -> None:
    """Whoever awaits it has it anyway."""


async def record(
    conversation: Conversation,
    *,
    max_s: float = 120.0,
    silence_s: float = 4.0,
    finish_on: str = "#",
    beep: bool = True,
    transcribe: bool = False,
    taken: Callable[[Recorded], None] = _returned,
) -> Recorded:
    """Take a message. `taken` is told of it also where the caller hangs up, and nothing is returned.

    Raises:
        CallEnded: The caller left; what they have said is kept.
        EngineError: The recogniser is gone.
    """
    conversation.listen()
    if beep:
        await play(conversation, BEEP, barge_in=False)
    taking = _Taking(conversation, max_s=max_s, silence_s=silence_s, finish_on=finish_on)
    recorder = conversation.kept.record_caller()
    try:
        await taking.run()
        if transcribe and taking.reason == "key":
            await taking.understand()
    finally:
        taking.reason = taking.reason or "hangup"
        path, seconds = None, taking.seconds
        if recorder is not None:
            path, seconds = recorder.path, (await recorder.aclose(seconds=taking.seconds)).seconds
        text = " ".join(taking.words) if transcribe else ""
        conversation.chronicle.tell(
            MessageTaken, file=path.name if path else "", seconds=round(seconds, 2), text=text, reason=taking.reason
        )
        message = Recorded(path, seconds, text, taking.reason)
        taken(message)
    return message


async def voicemail(
    conversation: Conversation,
    greeting: str,
    *,
    max_s: float = 120.0,
    transcribe: bool = False,
    taken: Callable[[Recorded], None] = _returned,
) -> Recorded:
    """Greet, beep, take a message.

    Raises:
        CallEnded: The caller left; what they have said is kept.
        EngineError: Speech failed.
    """
    await say(conversation, greeting, barge_in=False)
    return await record(conversation, max_s=max_s, transcribe=transcribe, taken=taken)


class _Taking:
    """When a message is over. What was said before it began is none of it."""

    def __init__(self, conversation: Conversation, *, max_s: float, silence_s: float, finish_on: str) -> None:
        self._conversation = conversation
        self._max_s = max_s
        self._silence_s = silence_s
        self._finish_on = finish_on
        self._begun = conversation.now()
        self._ended: float | None = None
        self._spoken = False
        self.words: list[str] = []
        self.reason = ""

    @property
    def seconds(self) -> float:
        """How long it is so far."""
        return (self._conversation.now() if self._ended is None else self._ended) - self._begun

    async def run(self) -> None:
        """Listen until it is over."""
        conversation = self._conversation
        ears = conversation.listen()
        while not self.reason:
            with conversation.filler.theirs():
                event = await conversation.alive(ears.next(POLL_S))
            match event:
                case Deaf():
                    raise event.error
                case Digit() if event.digit in self._finish_on:
                    self.reason = "key"
                case SpeechBegan():
                    self._spoken = True
                case TurnOver() if event.text and ears.ended_at(event) > self._begun:
                    self._spoken = True
                    self.words.append(event.text)
                case _:
                    self.reason = self._over()
        self._ended = conversation.now()

    async def understand(self) -> None:
        """Wait for the words that were being said when it ended."""
        conversation = self._conversation
        ears, until = conversation.listen(), conversation.now() + LAST_WORDS_S
        ears.expect(slot_complete=True)  # no pause need be waited for
        try:
            while conversation.leg.floor.holder is Holder.CALLER and (left := until - conversation.now()) > 0:
                with conversation.filler.theirs():
                    event = await conversation.alive(ears.next(left))
                if isinstance(event, TurnOver) and event.text:
                    self.words.append(event.text)
        finally:
            ears.expect(slot_complete=None)

    def _over(self) -> str:
        now = self._conversation.now()
        quiet = min(self._conversation.leg.floor.quiet_for(now), self.seconds)
        speaks = self._conversation.leg.floor.holder is Holder.CALLER
        if self.seconds >= self._max_s:
            return "limit"
        if speaks or quiet < (self._silence_s if self._spoken else max(FIRST_S, self._silence_s)):
            return ""
        return "silence" if self._spoken else "nothing"
