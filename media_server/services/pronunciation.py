"""The file of `tts.pronounce`: how voices are to say words. Read and checked once, at start.

::

    ["*"]                   # every voice
    Nguyen = "win"          # whole words; with a capital this spelling only
    SQL = "sequel"

    [piper-joe]             # this voice, before the others' entries
    gif = "jif"
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engines.tts.clauses import pronounceable
from engines.tts.lexicon import MAX_SPOKEN, MAX_WRITTEN, Lexicon
from engines.tts.spoken_text import NO_LEXICON
from media_server.errors import ConfigError

MAX_BYTES = 1 << 20
MAX_ENTRIES = 10_000
"""Of all tables."""

ALL_VOICES = "*"


@dataclass(frozen=True, slots=True)
class Lexicons:
    """The lexicon of every voice; `others` of those that have no table."""

    voices: Mapping[str, Lexicon]
    others: Lexicon = NO_LEXICON

    def of(self, voice: str) -> Lexicon:
        """A voice's."""
        return self.voices.get(voice, self.others)


def load(path: Path | None) -> Lexicons:
    """Read the file; without one nothing is said otherwise. Blocks.

    Raises:
        ConfigError: It cannot be read, is too large, or an entry does not fit; it names file and key.
    """
    if path is None:
        return Lexicons({})
    tables = {name: _entries(path, name, table) for name, table in _read(path).items()}
    if sum(map(len, tables.values())) > MAX_ENTRIES:
        raise ConfigError(f"{path}: more than {MAX_ENTRIES} entries")
    for_all = tables.pop(ALL_VOICES, {})
    return Lexicons({voice: Lexicon(for_all | own) for voice, own in tables.items()}, Lexicon(for_all))


def _read(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ConfigError(f"{path}: more than {MAX_BYTES} bytes")
        return tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error} (tts.pronounce)") from error
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deep") from error


def _entries(path: Path, name: str, table: object) -> dict[str, str]:
    if not isinstance(table, dict):
        raise ConfigError(f'{path}: {name}: it must stand in a table: ["{ALL_VOICES}"] or the id of a voice')
    for written, spoken in table.items():
        place = f"{path}: {name}.{written[:MAX_WRITTEN]}"
        if not written[:1].isalnum() or len(written) > MAX_WRITTEN:
            raise ConfigError(
                f"{place}: it must begin with a letter or a digit and have {MAX_WRITTEN} characters at most"
            )
        if not isinstance(spoken, str) or not pronounceable(spoken) or len(spoken) > MAX_SPOKEN:
            raise ConfigError(f"{place}: words are wanted, {MAX_SPOKEN} characters at most")
        if not spoken.isprintable():
            raise ConfigError(f"{place}: characters that cannot be printed")
    return table
