"""Recordings for `media-server bench`, from Debian's prompts: `uv run python -m tests.bench_folder FOLDER [--several]`.

Single sentences of 1 to 6 s with at least four words, or texts of several sentences; only those that nothing was tuned
on.
"""

import sys
import wave
from collections.abc import Sequence
from pathlib import Path

from tests.speech_data import Prompt, load_prompts


def write(folder: Path, prompts: Sequence[Prompt]) -> None:
    """Each as NAME.wav, with its words in NAME.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    for prompt in prompts:
        path = folder / f"{prompt.name.replace('/', '-')}.wav"
        with wave.open(str(path), "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(prompt.sample_rate)
            writer.writeframes(prompt.pcm)
        path.with_suffix(".txt").write_text(prompt.text + "\n", encoding="utf-8")


def main(folder: Path, *, several: bool) -> int:
    """Write them; returns how many there are."""
    prompts = [
        prompt
        for prompt in load_prompts()
        if prompt.reported and prompt.single_sentence is not several and len(prompt.text.split()) >= 4
        if prompt.seconds < (12 if several else 6) and not (several and ". " not in prompt.text)
    ]
    write(folder, prompts)
    return len(prompts)


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), several="--several" in sys.argv), "recordings")  # noqa: T201
