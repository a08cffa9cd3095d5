"""One time that the network has a call for itself: what is known of it so far, and how it ends.

It has an id that nobody can guess, and ends once: the two have talked, the call is back, or the caller hung up. What is
told of it afterwards has no effect. At each step there is a deadline; while the two talk there is none.
"""

import asyncio
import secrets

from media_server.protocol.destination import REASONS
from media_server.transports.port import TransferOutcome

MAX_WHISPER = 1000


class Handover:
    """One time that Twilio has the call for itself.

    Attributes:
        id: In the addresses that Twilio asks meanwhile.
        whisper: What the one who is called hears first.
        answered: The two talk.
        outcome: Of a transfer, as far as it is known.
        over_reason: Why the call is over, if it is.
    """

    def __init__(self, within_s: float, *, whisper: str = "") -> None:
        self.id = secrets.token_hex(16)
        self.whisper = whisper[:MAX_WHISPER]
        self.answered = False
        self.outcome = TransferOutcome(False, "failed")
        self.over_reason = ""
        self.settled = asyncio.Event()
        """It has ended, one way or the other."""
        self.told = asyncio.Event()
        """Whoever ordered it knows how."""
        self._timer: asyncio.TimerHandle | None = None
        self._within(within_s)

    def receive_answered(self) -> None:
        """The one who is called has answered: the two may talk as long as they like."""
        self.answered = True
        self._within(None)

    def receive_dialled(self, dial_status: str, call_status: str, *, bridged: bool, back_s: float) -> bool:
        """Twilio has done with dialling and asks what comes next: True when the call is to come back to us."""
        if self.settled.is_set():
            return False
        talked = dial_status in ("completed", "answered") and bridged
        if talked or call_status == "completed":
            self.hung_up(talked=talked)
            return False
        reason = "no_answer" if dial_status == "completed" else REASONS.get(dial_status, "failed")
        self.outcome = TransferOutcome(False, reason)
        self._within(back_s)
        return True

    def hung_up(self, *, talked: bool) -> None:
        """The far end is gone."""
        if talked:
            self.outcome = TransferOutcome(True, "completed")
            self.end("transferred")
        else:
            self.outcome = TransferOutcome(False, "canceled")
            self.end("caller_hangup")

    def end(self, over_reason: str) -> None:
        """It has ended; `over_reason` is empty where the call goes on with us."""
        if not self.settled.is_set():
            self._within(None)
            self.over_reason = over_reason
            self.settled.set()

    def _within(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self.end, "transfer_lost") if seconds is not None else None
