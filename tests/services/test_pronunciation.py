from pathlib import Path

import pytest

from media_server.config import Settings
from media_server.errors import ConfigError
from media_server.services.pronunciation import MAX_BYTES, MAX_ENTRIES, Lexicons, load
from media_server.services.tts import create_app


def said(lexicons: Lexicons, voice: str, text: str) -> list[str]:
    return [spoken for _, _, spoken in lexicons.of(voice).replacements(text)]


def test_a_voices_table_stands_over_the_one_for_all(tmp_path: Path) -> None:
    file = tmp_path / "words.toml"
    file.write_text('["*"]\n"Nguyen" = "win"\nSQL = "sequel"\n[joe]\nSQL = "ess cue ell"\n', encoding="utf-8")
    lexicons = load(file)
    assert said(lexicons, "joe", "Nguyen SQL") == ["win", "ess cue ell"]
    assert said(lexicons, "amy", "Nguyen SQL") == ["win", "sequel"]
    assert said(load(None), "joe", "Nguyen SQL") == []


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("SQL = 'sequel'", r"words\.toml: SQL: it must stand in a table"),
        ("[joe]\nSQL = 5", r"words\.toml: joe\.SQL: words are wanted"),
        ("[joe]\nSQL = '...'", r"joe\.SQL: words are wanted"),
        (f"[joe]\nSQL = '{'x' * 201}'", r"joe\.SQL: words are wanted, 200"),
        ('[joe]\nSQL = "se\\u202equel"', r"joe\.SQL: characters that cannot be printed"),
        ("[joe]\n'-x' = 'y'", r"joe\.-x: it must begin"),
        (f"[joe]\n{'x' * 65} = 'y'", r"64 characters"),
        ("[joe", r"words\.toml: Expected"),
        ("[joe]\n" + "\n".join(f"w{number} = 'x'" for number in range(MAX_ENTRIES + 1)), r"more than 10000 entries"),
        ("#" * (MAX_BYTES + 1), r"more than \d+ bytes"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_starts(tmp_path: Path, content: str, names: str) -> None:
    file = tmp_path / "words.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=names):
        create_app(Settings.model_validate({"tts": {"pronounce": file}}))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: .*tts\.pronounce"):
        load(tmp_path / "none.toml")
