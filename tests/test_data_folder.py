from pathlib import Path

import pytest

from media_server.data_folder import owned
from media_server.errors import ConfigError


def test_a_folder_has_one_owner_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with owned(folder):
        with pytest.raises(ConfigError, match="in use by another server"), owned(folder):
            pass
        (folder / "record").touch()
    with owned(folder):
        assert (folder / "record").exists()


def test_a_folder_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(ConfigError, match=r"file/data cannot be had: .*\(data_dir\)"),
        owned(tmp_path / "file" / "data"),
    ):
        pass
