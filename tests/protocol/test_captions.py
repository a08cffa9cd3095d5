from media_server.protocol.captions import Cue, srt, vtt

CUES = [Cue(0.0, 1.5, "Open the\n\ndoor."), Cue(3661.0014, 3662.9996, "<b> & --> c")]


def test_subrip() -> None:
    assert srt(CUES) == (
        "1\n00:00:00,000 --> 00:00:01,500\nOpen the door.\n\n2\n01:01:01,001 --> 01:01:03,000\n<b> & --> c\n"
    )


def test_webvtt_is_escaped() -> None:
    assert vtt(CUES) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nOpen the door.\n\n"
        "01:01:01.001 --> 01:01:03.000\n&lt;b&gt; &amp; --&gt; c\n"
    )


def test_nothing_was_said() -> None:
    assert srt([]) == ""
    assert vtt([]) == "WEBVTT\n"
