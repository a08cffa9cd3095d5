from importlib.util import find_spec
from pathlib import Path

import pytest

from engines.errors import ModelError
from engines.tts.chatterbox import FILES
from media_server.services.voice import load_voice


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
