"""`transfer`: the caller is connected with somebody else, or comes back.

Where calls may go is the operator's to say, never a dialplan's nor a caller's: a destination that is not allowed is
refused, and the call goes on. While the network dials, the recogniser's place is given back.
"""

from dataclasses import dataclass

import structlog

from media_server.call.conversation import Conversation
from media_server.call.events import TransferBegan, TransferEnded
from media_server.errors import CallEnded, PeerError
from media_server.protocol.destination import is_allowed, normalised
from media_server.transports.port import TransferOrder, TransferOutcome

RING_S = 20.0
"""How long it rings where nothing else is said."""
MAX_RING_S = 600.0
_MAX_SHOWN = 64

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Transfer:
    """Somebody to connect the caller with: a number (+15550100) or a SIP URI; the rest as in `Call.transfer`."""

    to: str
    timeout_s: float = RING_S
    whisper: str = ""
    music: str = ""


@dataclass(frozen=True, slots=True)
class Transferred:
    """What became of it; true where they have talked.

    Attributes:
        ok: They have talked, and the call is over.
        reason: completed; busy, no_answer, failed, canceled; refused: not allowed; unsupported: not on this wire.
    """

    ok: bool
    reason: str

    def __bool__(self) -> bool:
        return self.ok


async def transfer(conversation: Conversation, order: Transfer) -> Transferred:
    """Transfer the call.

    Raises:
        CallEnded: The caller hung up meanwhile.
    """
    try:
        to = normalised(order.to)
    except PeerError as error:
        return _not_even_tried(conversation, order, "refused", error.message)
    if not is_allowed(to, conversation.speech.allowed_destinations):
        return _not_even_tried(conversation, order, "refused", "name it, or a pattern, in twilio.allowed_destinations")
    control = conversation.leg.port.control
    if control is None:
        hint = "it takes a call by Twilio, and twilio.account_sid with a token or an API key"
        return _not_even_tried(conversation, order, "unsupported", hint)
    await conversation.alive(conversation.leg.drained())
    chronicle = conversation.chronicle
    chronicle.tell(TransferBegan, to=to)
    outcome = TransferOutcome(False, "canceled")
    conversation.rest()
    try:
        timeout_s = min(max(1.0, order.timeout_s), MAX_RING_S)
        outcome = await conversation.alive(
            control.transfer(TransferOrder(to, timeout_s, whisper=order.whisper, music=order.music))
        )
    except CallEnded as ended:
        conversation.end(str(ended))
        raise
    finally:
        chronicle.tell(TransferEnded, to=to, ok=outcome.ok, reason=outcome.reason)
        if outcome.ok:
            conversation.end("transferred")
        if not conversation.over.is_set():
            conversation.resume()
    return Transferred(outcome.ok, outcome.reason)


def _not_even_tried(conversation: Conversation, order: Transfer, reason: str, hint: str) -> Transferred:
    shown = "".join(each for each in order.to if each.isprintable())[:_MAX_SHOWN]
    _log.warning("transfer_not_tried", call=conversation.facts.id, to=shown, reason=reason, hint=hint)
    conversation.chronicle.tell(TransferEnded, to=shown, ok=False, reason=reason)
    return Transferred(False, reason)
