"""What a person at the terminal sees of the calls: a line a turn, with where its time went."""

import contextlib
import queue
import threading
from collections.abc import Callable
from datetime import datetime

from media_server.call.events import AgentSaid, Answered, CallEndedEvent, CallerSaid, CallEvent
from media_server.call.receipt import Receipt

_WIDTH = 44
REASONS = {
    "caller_hangup": "caller hung up",
    "completed": "hung up by the dialplan",
    "transferred": "talked to somebody else, and hung up",
    "transfer_lost": "the network did not say what became of a transfer",
    "media_timeout": "no sound came any more",
    "connection_lost": "the connection was lost",
    "limit": "the longest call allowed is over",
    "shutdown": "this server went down",
    "server_crash": "this server died",
}


class Terminal:
    """Standard output by a thread of its own: a terminal that is stopped, or a pipe that is closed, stops no call."""

    WAITING = 1000
    """Lines that may wait; what does not fit is not shown."""

    def __init__(self) -> None:
        self._lines: queue.Queue[str] = queue.Queue(self.WAITING)
        threading.Thread(target=self._print, name="terminal", daemon=True).start()

    def write(self, line: str) -> None:
        """Show a line soon. Never blocks."""
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(line)

    def _print(self) -> None:
        while True:
            line = self._lines.get()
            with contextlib.suppress(OSError, ValueError):  # nobody reads any more, or cannot show it
                print(line, flush=True)  # noqa: T201 - the terminal is what it is for


def receipt_text(receipt: Receipt) -> str:
    """A receipt in one line: the sum and its parts."""
    parts = ", ".join(f"{name} {getattr(receipt, name)}" for name in ("waited", "words", "think", "voice", "wire"))
    return f"{receipt.total} ms = {parts}"


class Console:
    """Call events in, lines out."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], datetime] = datetime.now) -> None:
        self._write = write
        self._clock = clock
        self._waiting: dict[str, CallerSaid] = {}

    def receive(self, event: CallEvent) -> None:
        """Show an event, if it is one to show."""
        match event:
            case CallerSaid():
                self._flush(event.call)
                self._waiting[event.call] = event
            case Answered():
                said = self._waiting.pop(event.call, None)
                if said is not None and said.turn == event.turn:
                    self._line(event.call, "caller", f"{quoted(said.text):<{_WIDTH}}  {receipt_text(event.receipt)}")
            case AgentSaid():
                self._flush(event.call)
                rest = "" if event.complete else f"   heard: {quoted(event.heard)}"
                self._line(event.call, "agent", quoted(event.text) + rest)
            case CallEndedEvent():
                self._flush(event.call)
                reason = REASONS.get(event.reason, event.reason.replace("_", " "))
                books = "books balance" if event.balances else "BOOKS DO NOT BALANCE"
                turns = f"{event.turns} turn{'' if event.turns == 1 else 's'}"
                self._line(event.call, "ended", f"{reason}   {event.at:.0f} s, {turns}, {books}")
            case _:
                pass

    def _flush(self, call: str) -> None:
        said = self._waiting.pop(call, None)
        if said is not None:
            self._line(call, "caller", quoted(said.text))

    def _line(self, call: str, who: str, text: str) -> None:
        self._write(f"{self._clock():%H:%M:%S} {call[:4]}  {who:<7} {text}")


def quoted(text: str) -> str:
    """Words from outside, as one harmless line of a terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
