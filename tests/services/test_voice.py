from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from engines.errors import ModelError
from engines.ports import Speech
from engines.tts.chatterbox import FILES
from media_server.config import Settings
from media_server.services.voice import load_voice, phrase_cache
from media_server.settings_sections import TtsSettings


def test_a_folder_of_chatterbox_wants_all_its_files_and_the_environment_that_runs_it(tmp_path: Path) -> None:
    assert find_spec("chatterbox") is None
    for name in FILES:
        (tmp_path / name).touch()
    with pytest.raises(ModelError, match=r"media-server\[chatterbox\], whose interpreter is named by tts.python"):
        load_voice(str(tmp_path), tmp_path)
    (tmp_path / "conds.pt").unlink()
    with pytest.raises(ModelError, match=r"conds\.pt is missing"):
        load_voice(str(tmp_path), tmp_path)


def test_a_folder_with_no_voice_says_what_one_looks_like(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"one \.onnx file .* there are 0"):
        load_voice(str(tmp_path), tmp_path)


def test_where_nothing_is_to_be_kept_nothing_of_before_is_left(tmp_path: Path) -> None:
    model = tmp_path / "tone"
    model.mkdir()
    settings = Settings(data_dir=tmp_path, tts=TtsSettings(voice=str(model)))
    cache = phrase_cache(settings)
    assert cache is not None
    cache.keep(cache.phrase("Hello.", "anna", 1.0), [Speech(np.zeros(800, np.int16), (), exact=True)])
    cache.close()
    assert list((tmp_path / "tts-cache").glob("*/*"))
    nothing = settings.model_copy(update={"tts": settings.tts.model_copy(update={"cache_bytes": 0})})
    for _ in range(2):
        assert phrase_cache(nothing) is None
        assert not (tmp_path / "tts-cache").exists()
