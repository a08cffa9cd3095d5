"""Voice and ears of a chat: speech takes no time, and a typed line is a turn that is over."""

from typing_extensions import override

from media_server.protocol.asr_stream import AsrClosed, Final, SpeechStarted, TurnEnded
from media_server.testing.doubles import FakeSocket
from media_server.testing.sound import Lexicon

CUT_S = 0.2
"""How long an agent that is to be interrupted is listened to."""
SLOWLY_S = 0.02
"""A letter of theirs, then: enough of it is heard to see where it was cut."""
AT_ONCE_S = 1 / 8000


class Reader(FakeSocket):
    """A recogniser's end of a stream, for words that are typed."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = 0

    @override
    async def send_text(self, text: str) -> None:
        await super().send_text(text)
        if '"CloseStream"' in text:
            seconds = self._seconds
            self.tell(AsrClosed(received_s=seconds, decoded_s=seconds, silence_s=0.0, dropped_s=0.0, reason="close"))

    def read(self, text: str) -> None:
        """The caller has said this."""
        self._turn += 1
        turn, at = self._turn, self._seconds
        self.tell(SpeechStarted(turn=turn, at=at))
        self.tell(Final(turn=turn, text=text, start=at, end=at, ends_turn=True))
        self.tell(TurnEnded(turn=turn, end=at, at=at, probability=1.0, reason="complete"))

    @property
    def _seconds(self) -> float:
        return self.audio_bytes / 2 / 8000


class ChatLexicon(Lexicon):
    """A voice that says anything at once, but `slowly`, when it is to be interrupted."""

    def __init__(self) -> None:
        super().__init__(AT_ONCE_S)

    def slowly(self, *, slow: bool) -> None:
        """From now on."""
        self._letter = round((SLOWLY_S if slow else AT_ONCE_S) * self.sample_rate)
