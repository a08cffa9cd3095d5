"""A call in one file: a zip, stored and not deflated, of `call.json`, `audio.wav` and `inputs.jsonl`. Blocks.

`call.json` is the record as the API gives it; the other two are there where the call was recorded, `inputs.jsonl` as
`call/inputs.py` writes it.
"""

import os
import zipfile
from pathlib import Path

RECORD, AUDIO, INPUTS = "call.json", "audio.wav", "inputs.jsonl"


def write_export(path: Path, record: str, wav: Path, inputs: Path) -> None:
    """Write the file, readable by its owner only.

    Raises:
        OSError: It cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(RECORD, record)
        for source, name in ((wav, AUDIO), (inputs, INPUTS)):
            if source.is_file():
                archive.write(source, name)
