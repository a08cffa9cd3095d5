"""The examples of docs/testing.md."""

import importlib.util
import inspect
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
_FILE = re.compile(r"```python\n# (\w+\.py)\n(.*?)```", re.DOTALL)


async def test_every_example_of_the_page_passes(tmp_path: Path) -> None:
    for name, source in _FILE.findall(PAGE.read_text(encoding="utf-8")):
        (tmp_path / name).write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("the_page", tmp_path / "test_pizza.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tests = [each for name, each in vars(module).items() if name.startswith("test_") and inspect.isfunction(each)]
    assert len(tests) == 5
    for test in tests:
        await test()
