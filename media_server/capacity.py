"""How many calls a machine carries at once, from one measured figure. Pure.

The formula, per call and second of conversation:

    turns = 1 / 7.5                     a caller's turn, its answer and a breath
    cost  = turns · (1.1 · decode + 0.080 + 0.360) + 0.035      seconds of one core
    calls = 0.65 · cores / cost         rounded down

`decode` is measured at start. 1.1: of ten turns one is decoded twice, since the caller went on. 0.080: Smart Turn.
0.360: the answer's voice, three seconds of it. 0.035: VAD, pacing, the network. 0.65: above that, who speaks at the
same moment as others waits too long for an answer (at 0.75 the slowest in twenty waited twice as long as alone). The
constants are those of `docs/figures.md`.
"""

TURNS_PER_S = 1 / 7.5
DECODES_PER_TURN = 1.1
TURN_DETECTION_S = 0.080
VOICE_S = 0.360
STEADY = 0.035
LOAD = 0.65


def calls_at_once(decode_s: float, cores: int) -> int:
    """Calls that this many cores carry, at least one; `decode_s` is the CPU time of decoding one turn."""
    cost = TURNS_PER_S * (DECODES_PER_TURN * decode_s + TURN_DETECTION_S + VOICE_S) + STEADY
    return max(1, int(LOAD * cores / cost))


def shared(calls: int, instances: int) -> int:
    """What each of several instances takes of the calls that their machine carries, at least one."""
    return max(1, calls // instances)
