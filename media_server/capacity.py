"""How many calls a machine carries at once, from one measured figure. Pure.

The formula, per call and second of conversation:

    turns = 1 / 6                       a caller's turn comes about every six seconds
    cost  = turns · (1.2 · decode + 0.040 + 0.150) + 0.02       seconds of one core
    calls = 0.60 · cores / cost         rounded down

`decode` is measured at start. 1.2: of five turns one is decoded twice, since the caller went on. 0.040: Smart Turn.
0.150: the answer's voice. 0.02: VAD, pacing, the network. 0.60: above that, who speaks at the same moment as others
waits too long for an answer.
"""

TURNS_PER_S = 1 / 6
DECODES_PER_TURN = 1.2
TURN_DETECTION_S = 0.040
VOICE_S = 0.150
STEADY = 0.02
LOAD = 0.60


def calls_at_once(decode_s: float, cores: int) -> int:
    """Calls that this many cores carry, at least one; `decode_s` is the CPU time of decoding one turn."""
    cost = TURNS_PER_S * (DECODES_PER_TURN * decode_s + TURN_DETECTION_S + VOICE_S) + STEADY
    return max(1, int(LOAD * cores / cost))
