"""What all tests share."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from engines import models
from engines.errors import ModelError
from media_server.cli.models import needed
from media_server.config import Settings
from tests.speech_data import PACKAGES, Prompt, available, load_prompts

# On Python 3.11, pytest-asyncio asks for the current event loop before it sets its own; that makes one which nobody
# closes, and a ResourceWarning in whichever test runs when it is collected. Not so once a loop was set, even none.
asyncio.set_event_loop(None)

# How long an example takes is the machine's business.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")


def missing(reason: str) -> None:
    """Skip the test because something outside of the project is not there; with CI=true that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def require_peer(program: str) -> str:
    """The path of a peer program, or no test."""
    path = shutil.which(program)
    if path is None:
        missing(f"{program} is not installed")
    assert path is not None
    return path


@pytest.fixture(scope="session", autouse=True)
def _data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The data of the servers under test, of which there may be phrases, are not this user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the servers under test import is compiled once for all of them, as where a package is installed.

    Some machines write no bytecode; there, each process would compile everything anew, for seconds.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the run's, which all workers have in common
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPYCACHEPREFIX", str(folder / "compiled"))
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        yield


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The models folder of this user, with all that the default settings need; what is missing is pulled."""
    settings = Settings()
    try:
        models.ensure(needed(settings, ("asr", "tts")), settings.models_dir)
    except ModelError as error:
        missing(str(error))
    return settings.models_dir


@pytest.fixture(scope="session")
def speech_data() -> None:
    """The recorded prompts are there."""
    if not available():
        missing(f"recorded prompts are missing: apt-get install {PACKAGES}")


@pytest.fixture(scope="session")
def prompts(speech_data: None) -> list[Prompt]:  # noqa: ARG001 - skips where there are none
    """Recorded telephone prompts with their transcripts, by name."""
    return load_prompts()
