"""Taking a model's files from the Hugging Face hub, through its own client and into its own cache.

`HF_HUB_OFFLINE`, `HF_ENDPOINT`, `HF_TOKEN` and `HF_HOME` count as they do everywhere. The client resumes downloads. It
also retries for half a minute when there is no network, so one question with a short time-out goes first.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from engines.errors import ModelError
from engines.models.folder import chunks_of
from engines.models.manifest import HubSource, ModelFile
from engines.models.wheels import Report

_TIMEOUT_S = 3.0


def fetch(source: HubSource, files: Sequence[ModelFile], report: Report) -> Iterator[tuple[ModelFile, Iterator[bytes]]]:
    """Download what the client's cache has not; yield the files' bytes.

    Raises:
        ModelError: The hub does not answer or does not have it.
    """
    total = sum(file.size for file in files)
    done = 0
    for file in files:
        path = _download(source, source.paths[file.name])
        done += file.size
        report(done, total)
        yield file, chunks_of(path)


def _download(source: HubSource, path: str) -> Path:
    # Imported here: it takes its time, and a start with all models in place does not need it.
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache  # noqa: PLC0415

    try:
        cached = try_to_load_from_cache(source.repository, path, revision=source.revision)
        if isinstance(cached, str):
            return Path(cached)
        get_hf_file_metadata(hf_hub_url(source.repository, path, revision=source.revision), timeout=_TIMEOUT_S)
        return Path(hf_hub_download(source.repository, path, revision=source.revision, etag_timeout=_TIMEOUT_S))
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ModelError(f"{source.repository} on the hub: {reason}") from error
