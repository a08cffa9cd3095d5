"""What the page on routes shows is what the server takes."""

import re
from pathlib import Path

from media_server.dialplan.router import Router

PAGE = Path(__file__).parents[2] / "docs" / "routes.md"


def test_the_example_on_the_page_loads(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert example is not None
    (tmp_path / "routes.toml").write_text(example[1])
    for name in ("parrot", "booking", "voicemail"):
        (tmp_path / f"{name}.py").write_text(f"async def {name}(call): ...\n")
    names = [route.plan.name for route in Router.load([tmp_path]).routes]
    assert names == ["booking", "voicemail", "parrot"]
