"""What a stream expects of the ends of its turns, by its query and by `Configure`. Pure."""

from typing import Any

from engines.turn.expectation import Expectation, Patience, TurnDetection
from media_server.protocol.asr_stream import AsrQuery, Configure

_KINDS = {"patience": Patience, "turn_detection": TurnDetection}
_NOT_OF_IT = "keyterm"
"""It is told to the recogniser itself."""


def expectation_of(query: AsrQuery) -> Expectation:
    """What it expects from its beginning on."""
    return Expectation(
        patience=Patience(query.patience),
        turn_detection=TurnDetection(query.turn_detection),
        min_silence_ms=query.min_silence_ms,
        max_silence_ms=query.max_silence_ms,
    )


def expectation_changes(configure: Configure, usual: Expectation) -> dict[str, Any]:
    """The fields of the expectation that it changes; null goes back to what is `usual`."""
    return {
        name: getattr(usual, name) if value is None else _KINDS.get(name, lambda same: same)(value)
        for name, value in configure.changes.items()
        if name != _NOT_OF_IT
    }
