import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from media_server.audio.wav_header import wav_header
from media_server.errors import PeerError, Undecodable
from media_server.records import peaks
from media_server.records.peaks import read_peaks


def written(path: Path, *sides: list[int], rate: int = 8000) -> Path:
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(len(sides))
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(np.array(sides, "<i2").T.tobytes())
    return path


def drawn(path: Path, per_s: float, *, from_s: float = 0.0, to_s: float | None = None) -> Any:
    return json.loads(read_peaks(path, per_s, from_s=from_s, to_s=to_s).json())


@pytest.mark.parametrize("rate", [8000, 16000])
def test_each_stretch_has_its_greatest_sample(tmp_path: Path, rate: int) -> None:
    caller, agent = [0] * rate, [0] * rate
    caller[0], caller[rate // 10], agent[-1] = 16384, -32768, 32767
    found = drawn(written(tmp_path / "a.wav", caller, agent, rate=rate), 10)
    assert found == {"per_s": 10, "from_s": 0, "caller": [0.5, 1, *[0] * 8], "agent": [*[0] * 9, 1]}


def test_a_stretch_that_does_not_fit_goes_on_a_little(tmp_path: Path) -> None:
    found = drawn(written(tmp_path / "a.wav", [1000] * 8100), 7)
    assert found["per_s"] == pytest.approx(7, abs=0.01)
    assert found["caller"] == [0.031] * 8
    assert found["agent"] == []


def test_a_part_begins_where_a_whole_stretch_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peaks, "_CHUNK_SAMPLES", 1000)
    ramp = [index // 80 * 300 for index in range(8000)]
    path = written(tmp_path / "a.wav", ramp, ramp)
    monkeypatch.setattr(peaks, "_AT_ONCE", 7)
    whole, part = drawn(path, 100), drawn(path, 100, from_s=0.255, to_s=0.5)
    assert part["from_s"] == 0.25
    assert part["caller"] == whole["caller"][25:50]
    assert len(whole["caller"]) == 100
    assert drawn(path, 100, from_s=99)["caller"] == []


def test_a_file_that_grows_is_read_as_far_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav_header(4000, channels=2, sample_rate=8000) + b"\0\x40" * 1001 + b"\0")
    assert drawn(path, 50)["caller"] == [0.5, 0.5, 0.5, 0.5]


@pytest.mark.parametrize("content", [b"", b"RIFF", b"nonsense" * 20, wav_header(0, channels=3, sample_rate=8000)])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(Undecodable):
        read_peaks(tmp_path / "a.wav", 50)


def test_there_are_only_so_many_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peaks, "MAX_PEAKS", 10)
    with pytest.raises(PeerError):
        read_peaks(written(tmp_path / "a.wav", [0] * 8000), 50)
