"""`send_dtmf`: keys to the far end, played by the network where it does that, else as tones in our own sound."""

import structlog

from media_server.audio.dtmf import MAX_DIGITS, is_dialable, tones
from media_server.call.conversation import Conversation
from media_server.errors import CallEnded, ProviderError
from media_server.turn.barge_in import BargeIn
from media_server.turn.utterance import Utterance

_log = structlog.get_logger(__name__)


async def send_dtmf(conversation: Conversation, digits: str) -> None:
    """Press keys, once all that was said was heard; returns when they were heard.

    Raises:
        CallEnded: The far end hung up meanwhile.
        ValueError: They are no keys.
    """
    if not is_dialable(digits):
        raise ValueError(f"1 to {MAX_DIGITS} of 0-9, *, #, A-D, w and W are wanted")
    await conversation.alive(conversation.leg.drained())
    control = conversation.leg.port.control
    if control is not None:
        try:
            await conversation.alive(control.send_digits(digits))
        except ProviderError as error:
            _log.warning("keys_as_tones", call=conversation.facts.id, reason=error.message)
        except CallEnded as ended:
            conversation.end(str(ended))
            raise
        else:
            return
    leg = conversation.leg
    utterance = Utterance("keys", BargeIn.OFF)
    leg.playout.open(utterance)
    leg.playout.push(utterance, tones(digits, leg.port.sample_rate))
    leg.playout.finish(utterance)
    leg.wake()
    await conversation.alive(leg.drained())
