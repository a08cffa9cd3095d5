"""Playout: what we say, paced onto the wire, and how much of it was heard. Sans-IO.

The rules:

* Utterances are sent one after the other, in the order of `open`. One is *held* until `release`; nothing behind a held
  one overtakes it.
* One absolute clock (`PlayClock`) a run: frame n is due at ``t0 + n * 20 ms - lead``. A run ends when the far end must
  have played all that was sent; the next frame then starts a new run at once. Running dry inside an utterance whose
  sound is still being made is a *gap*, and is counted.
* What is slipped in goes before all that waits, also into the gap of one that has run dry, which goes on behind it.
* A mark follows every 200 ms of sound and the end of each utterance. Its name carries the generation and the position.
* `pause` sends no more, while what was sent is still played. `resume` goes on: at once where the far end has not run
  dry, else from the last seam (the end of a word) that was heard, so that no word is lost and none is said twice.
* `clear` takes back what was sent and is not heard, and begins a new generation: a mark that comes back from an older
  one proves nothing (Twilio returns all pending marks on a clear). `cut` gives up what was begun.
* Heard is the lesser of what marks of this generation prove and what the clock allows. Where the far end has no marks,
  or owes one for more than a second, the clock alone decides.
"""

from bisect import bisect_right
from collections import deque

from media_server.audio.frame import BYTES_PER_SAMPLE, PTIME_MS, frame_bytes
from media_server.audio.levels import peak
from media_server.turn.clock import PlayClock
from media_server.turn.utterance import (
    FirstAudible,
    Heard,
    PlayoutAction,
    SendAudio,
    SendClear,
    SendMark,
    Utterance,
)

MARK_EVERY_S = 0.2
MARK_OVERDUE_S = 1.0
_ROUNDING_S = 0.001
"""Timers fire up to a clock tick early; what is due within this is due."""
AUDIBLE_LEVEL = 200
"""Peak of a 16-bit sample from which on a frame counts as audible (-44 dBFS)."""


class Playout:
    """One leg's outgoing sound. Not thread-safe; one owner calls it."""

    def __init__(self, sample_rate: int, lead_s: float, *, marks: bool = True, step_ms: int = PTIME_MS) -> None:
        """`step_ms`: sound that is sent at once where so much is there, a multiple of the packet time."""
        self.sample_rate = sample_rate
        self.generation = 0
        self.sent = 0
        """Samples sent since the beginning, fill-up silence included."""
        self.gaps = 0
        """How often the sound of an utterance ran dry."""
        self._lead_s = lead_s
        self._marks = marks
        self._packet = frame_bytes(sample_rate)
        self._step = self._packet * step_ms // PTIME_MS
        self._marked = 0
        self._mark_sent = 0
        self._paused = False
        self._clear_due = False
        self._queue: deque[Utterance] = deque()
        self._unheard: deque[Utterance] = deque()
        self._clock: PlayClock | None = None

    # --- what to say ---------------------------------------------------------------------------------------------

    def open(self, utterance: Utterance) -> None:
        """Take an utterance; it is sent after those before it."""
        self._queue.append(utterance)

    def slip_in(self, utterance: Utterance) -> bool:
        """Take an utterance that is sent before all that waits; False where one that was begun goes on.

        One that has run dry goes on behind it.
        """
        head = self._queue[0] if self._queue else None
        if self._paused or (head is not None and head.begun and (head.live or self._has_frame())):
            return False
        if head is not None and head.begun:
            if head in self._unheard:
                self._unheard.remove(head)
            head.moved, head.audible = True, False
            head.heard_before = head.next // BYTES_PER_SAMPLE
        self._queue.appendleft(utterance)
        return True

    def push(self, utterance: Utterance, pcm: bytes) -> None:
        """More sound of an utterance; without effect once it was finished, withdrawn or cut."""
        if not utterance.finished:
            utterance.pcm += pcm

    def truncate(self, utterance: Utterance, sample: int) -> None:
        """Other sound will come from there on; what of it was sent already stays."""
        del utterance.pcm[max(sample * BYTES_PER_SAMPLE, utterance.next) :]
        del utterance.seams[bisect_right(utterance.seams, sample) :]

    def finish(self, utterance: Utterance) -> None:
        """No more sound comes for it."""
        utterance.finished = True

    def release(self, utterance: Utterance) -> None:
        """A held utterance may be sent from now on."""
        utterance.held = False

    def withdraw(self, utterance: Utterance) -> bool:
        """Take back an utterance of which nothing was sent; False when it is too late for that."""
        if utterance.begun or utterance not in self._queue:
            return False
        self._queue.remove(utterance)
        return True

    def cut_short(self) -> list[Utterance]:
        """Make room for the last words: drop what has not begun, end what has. Returns what was dropped."""
        self._paused = False
        dropped = [utterance for utterance in self._queue if not utterance.begun]
        self._queue = deque(utterance for utterance in self._queue if utterance.begun)
        for utterance in self._queue:
            utterance.cut = utterance.cut or bool(utterance.waiting) or not utterance.finished
            del utterance.pcm[utterance.next :]
            utterance.finished = True
        return dropped

    # --- when the caller speaks too ------------------------------------------------------------------------------

    def pause(self) -> None:
        """Send no more; a mark will prove how much of what was sent is played."""
        self._paused = True

    def resume(self, now: float) -> None:
        """Go on, without a word lost or said twice."""
        if not self._paused:
            return
        self._paused = False
        if self._clock is not None and now <= self._clock.time_of(self.sent):
            return  # the far end still plays: nobody will notice
        self._clock = None
        head = self._queue[0] if self._queue else None
        if head is not None and head.start is not None and not head.live and not head.moved:
            self._take_up(head, head.seam_before(self.sent - head.start))

    def clear(self, now: float) -> None:
        """Take back what the far end has not played: it is to be sent again, in a new generation."""
        heard = self.heard(now)
        back = [utterance for utterance in self._unheard if not self._is_heard(utterance, heard)]
        self.generation += 1
        self._marked = self._mark_sent = self.sent
        self._clock = None
        self._clear_due = True
        for utterance in reversed(back):
            assert utterance.start is not None, "it was sent"
            self._unheard.remove(utterance)
            sample = heard - utterance.start
            utterance.moved = sample < utterance.heard_before  # what was slipped in comes before it again
            self._take_up(utterance, max(utterance.heard_before, sample))
            if utterance not in self._queue:
                self._queue.appendleft(utterance)

    def cut(self, now: float) -> list[Utterance]:
        """Give up what was begun, and take back what of it is not heard. Returns it, in order."""
        self.clear(now)
        self._paused = False
        begun = [utterance for utterance in self._queue if utterance.begun]
        self._queue = deque(utterance for utterance in self._queue if not utterance.begun)
        for utterance in begun:
            utterance.cut = utterance.finished = True
        return begun

    @property
    def current(self) -> Utterance | None:
        """The utterance that sounds, or was interrupted."""
        if self._queue and self._queue[0].begun:
            return self._queue[0]
        return self._unheard[-1] if self._unheard else None

    def _take_up(self, utterance: Utterance, sample: int) -> None:
        """Send it from this sample of its own on."""
        sample = min(sample, len(utterance.pcm) // BYTES_PER_SAMPLE)  # behind it was padding
        utterance.next = sample * BYTES_PER_SAMPLE
        utterance.start = self.sent - sample if sample else None
        utterance.end = None

    @property
    def idle(self) -> bool:
        """Nothing is to be sent, and all that was sent was heard."""
        return not self._queue and not self._unheard

    @property
    def sounding(self) -> bool:
        """Something that was begun was not heard to its end yet."""
        return bool(self._unheard)

    @property
    def silent_since(self) -> float:
        """When the last sound that was sent ends at the far end; long ago where there is none."""
        return float("-inf") if self._clock is None else self._clock.time_of(self.sent)

    # --- the far end ---------------------------------------------------------------------------------------------

    def receive_mark(self, name: str) -> None:
        """A mark came back; those of older generations, and names that are not ours, prove nothing."""
        generation, _, position = name.partition(".")
        if generation == f"g{self.generation}" and position.isdecimal():
            self._marked = max(self._marked, min(int(position), self._mark_sent))

    def heard(self, now: float) -> int:
        """The position up to which the far end has heard us."""
        if self._clock is None:
            return self.sent
        by_clock = min(self.sent, self._clock.position_at(now))
        overdue = now - self._clock.time_of(self._mark_sent) > MARK_OVERDUE_S
        return by_clock if not self._marks or overdue else min(by_clock, self._marked)

    def heard_of(self, utterance: Utterance, now: float) -> int:
        """How many samples of it the far end has heard."""
        if utterance.start is None or utterance.moved:
            return utterance.heard_before
        end = self.heard(now) if utterance.end is None else min(self.heard(now), utterance.end)
        return max(utterance.heard_before, end - utterance.start)

    def sounds_of(self, utterance: Utterance, now: float) -> int | None:
        """Which of its samples sounds now by the clock, whatever marks prove; below 0 before the first one does.

        None while it has no place in what is sent.
        """
        if utterance.start is None or utterance.moved:
            return None
        by_clock = self.sent if self._clock is None else min(self.sent, self._clock.position_at(now))
        return by_clock - utterance.start

    def plays_until(self, utterance: Utterance, now: float) -> float:
        """When the far end will have played all of its sound that is there, by the clock; 0 where there was none."""
        sent_until = self._clock.time_of(self.sent) if self._clock is not None and utterance.begun else 0.0
        if utterance.waiting < frame_bytes(self.sample_rate):  # less than a frame waits for what follows
            return sent_until
        return max(now, sent_until) + utterance.waiting / BYTES_PER_SAMPLE / self.sample_rate

    @property
    def waits_to_begin(self) -> bool:
        """The next utterance could begin, if it may."""
        return self._has_frame() and not self._queue[0].begun

    # --- the schedule --------------------------------------------------------------------------------------------

    def next_deadline(self, *, may_begin: bool = True) -> float | None:
        """When `on_deadline` has something to do; None while only `push`, `release` or a mark can bring news."""
        deadlines: list[float] = []
        if self._clear_due or (self._paused and self._marks and self._mark_sent < self.sent):
            return float("-inf")
        if self._has_frame() and (may_begin or not self.waits_to_begin):
            deadlines.append(self._due())
        if self._clock is not None and self._unheard and self._unheard[0].end is not None:
            proven = not self._marks or self._marked >= self._unheard[0].end
            by_clock = self._clock.time_of(self._unheard[0].end if proven else self._mark_sent)
            deadlines.append(by_clock + (0.0 if proven else MARK_OVERDUE_S) + _ROUNDING_S)
        return min(deadlines, default=None)

    def on_deadline(self, now: float, *, may_begin: bool = True) -> list[PlayoutAction]:
        """All that is due. `may_begin`: whether an utterance that has not begun may begin (the floor's word)."""
        actions: list[PlayoutAction] = []
        if self._clear_due:
            actions.append(SendClear())
            self._clear_due = False
        if self._paused:
            self._mark(actions)
        while self._has_frame() and (may_begin or self._queue[0].begun):
            if self._clock is not None and now > self._clock.time_of(self.sent):
                self._run_dry(now)
            if self._clock is None:
                self._clock = PlayClock(self.sample_rate, now, self.sent)
            if self._due() > now + _ROUNDING_S:
                break
            self._send_frame(actions)
        self._settle(now, actions)
        return actions

    def _run_dry(self, now: float) -> None:
        """The far end has played everything; whether that was a gap depends on what it was in the middle of."""
        assert self._clock is not None
        head = self._queue[0]
        late = now - self._clock.time_of(self.sent)
        if head.begun and not head.live and not head.rests and late > PTIME_MS / 1000:
            self.gaps += 1
        head.rests = False
        self._clock = None

    def _has_frame(self) -> bool:
        """Whether the head of the queue has a whole frame to send, or its last one."""
        if self._paused or not self._queue or self._queue[0].held:
            return False
        head = self._queue[0]
        return head.finished or head.waiting >= self._packet

    def _due(self) -> float:
        """When the next frame is to be sent."""
        return float("-inf") if self._clock is None else self._clock.time_of(self.sent) - self._lead_s

    def _send_frame(self, actions: list[PlayoutAction]) -> None:
        head = self._queue[0]
        size = max(self._packet, min(self._step, head.waiting // self._packet * self._packet))
        if head.start is None or head.moved:
            head.start, head.moved = self.sent - head.next // BYTES_PER_SAMPLE, False
        pcm = head.take(size)
        head.begun = True
        if not self._unheard or self._unheard[-1] is not head:
            self._unheard.append(head)
        if pcm:
            assert self._clock is not None
            if not head.audible and peak(pcm) >= AUDIBLE_LEVEL:
                head.audible = True
                actions.append(FirstAudible(head, self._clock.time_of(self.sent)))
            actions.append(SendAudio(pcm.ljust(size, b"\0"), self._clock.time_of(self.sent)))
            self.sent += size // BYTES_PER_SAMPLE
        if head.finished and not head.waiting:
            self._queue.popleft()
            head.end = self.sent
        if head.end is not None or (self.sent - self._mark_sent) >= MARK_EVERY_S * self.sample_rate:
            self._mark(actions)

    def _mark(self, actions: list[PlayoutAction]) -> None:
        if self._marks and self.sent > self._mark_sent:
            actions.append(SendMark(f"g{self.generation}.{self.sent}"))
        self._mark_sent = self.sent

    def _settle(self, now: float, actions: list[PlayoutAction]) -> None:
        heard = self.heard(now)
        while self._unheard and self._is_heard(self._unheard[0], heard):
            actions.append(Heard(self._unheard.popleft()))

    @staticmethod
    def _is_heard(utterance: Utterance, heard: int) -> bool:
        return utterance.end is not None and utterance.end <= heard
