from collections.abc import Iterable

from media_server.phone.caller_script import CallerScript
from media_server.phone.playout_buffer import Span
from tests.phone.tones import quiet, tone


def run(script: CallerScript, agent: Iterable[tuple[bool, bool]]) -> tuple[list[bytes], int]:
    """The frames said until the hang-up, and how many times it was asked."""
    frames: list[bytes] = []
    for asked, (voiced, drained) in enumerate(agent):
        frame = script.next_frame(agent_voiced=voiced, agent_drained=drained)
        if frame is None:
            return frames, asked
        assert len(frame) == 320
        frames.append(frame)
    raise AssertionError("never hung up")


SPEAKS, PAUSES, QUIET = (True, False), (False, False), (False, True)


def test_the_caller_waits_for_the_greeting_and_its_end() -> None:
    script = CallerScript([tone(0.05)], quiet_s=0.6)
    frames, asked = run(script, [QUIET] * 5 + [SPEAKS] * 10 + [PAUSES] * 40 + [QUIET] * 33 + [SPEAKS] + [QUIET] * 30)
    # 0.6 s of quiet have passed when the buffer drains, so the caller speaks at once: three frames, the last filled up.
    assert script.spoken == [Span(55 * 160, 55 * 160 + 400)]
    assert b"".join(frames)[55 * 320 : 58 * 320] == tone(0.05) + quiet(0.01)
    assert asked == 55 + 33 + 1 + 29


def test_without_a_greeting_or_an_answer_the_caller_goes_on() -> None:
    script = CallerScript([tone(0.02), tone(0.02)], quiet_s=0.4, answer_timeout_s=2.0, greeting_timeout_s=1.0)
    _, asked = run(script, [QUIET] * 1000)
    assert [span.begin // 160 for span in script.spoken] == [49, 149]
    assert asked == 249


def test_the_caller_does_not_speak_while_the_agent_goes_on_for_ever() -> None:
    script = CallerScript([tone(0.02)], greeting_timeout_s=0.1)
    for _ in range(1000):
        assert script.next_frame(agent_voiced=True, agent_drained=False) == quiet(0.02)
    assert script.spoken == []


def test_with_nothing_to_say_the_caller_hears_the_greeting_and_hangs_up() -> None:
    frames, asked = run(CallerScript([], quiet_s=0.4), [SPEAKS] * 10 + [QUIET] * 30)
    assert asked == 29
    assert b"".join(frames) == quiet(0.58)
