"""The page's files: what is served, with which headers, and nothing else."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hatchling.builders.wheel import WheelBuilder

from media_server.api.web_files import KINDS, web_folder, web_routes
from media_server.telemetry.problems import problem_middleware

ROOT = Path(__file__).parents[2]
INDEX = b"<!doctype html><title>t</title>"
Client = TestClient[web.Request, web.Application]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    web_ = tmp_path / "web"
    (web_ / "views").mkdir(parents=True)
    (web_ / ".git").mkdir()
    (tmp_path / "secret.js").write_text("secret")
    (web_ / "index.html").write_bytes(INDEX)
    for name in (
        "app.js",
        "views/talk.js",
        ".hidden.js",
        ".git/config.js",
        "notes.txt",
        "app.js.bak",
        "app.py",
        "a b.js",
    ):
        (web_ / name).write_text("'use strict';")
    (web_ / "out.js").symlink_to(tmp_path / "secret.js")
    (web_ / "above").symlink_to(tmp_path)
    (web_ / "in.js").symlink_to(web_ / "app.js")
    (web_ / "folder.js").mkdir()
    return web_


def client_of(folder: Path) -> Client:
    app = web.Application(middlewares=[problem_middleware])
    app.add_routes(web_routes(folder))
    return TestClient(TestServer(app))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/web/index.html", "text/html; charset=utf-8"),
        ("/web/app.js", "text/javascript; charset=utf-8"),
        ("/web/views/talk.js", "text/javascript; charset=utf-8"),
        ("/web/app.js?v=3", "text/javascript; charset=utf-8"),
        ("/web/in.js", "text/javascript; charset=utf-8"),
    ],
)
async def test_a_file_comes_with_its_kind_and_the_policy(folder: Path, path: str, kind: str) -> None:
    async with client_of(folder) as client:
        for method in ("GET", "HEAD"):
            async with client.request(method, path) as answer:
                assert answer.status == 200
                assert answer.headers["Content-Type"] == kind
                policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
                assert policy["default-src"] == "'none'"
                assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
                assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
                assert "unsafe" not in answer.headers["Content-Security-Policy"]
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
                assert "microphone=(self)" in answer.headers["Permissions-Policy"]
                assert answer.headers["Cache-Control"] == "no-cache"
                assert bool(await answer.read()) == (method == "GET")


async def test_a_file_that_the_browser_has_is_not_sent_again(folder: Path) -> None:
    async with client_of(folder) as client:
        async with client.get("/") as answer:
            tag = answer.headers["ETag"]
            assert "Last-Modified" in answer.headers
        async with client.get("/", headers={"If-None-Match": tag}) as answer:
            assert answer.status == 304
            assert "Content-Security-Policy" in answer.headers
        (folder / "index.html").write_bytes(INDEX + b"<p>new")
        async with client.get("/", headers={"If-None-Match": tag}) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_the_page_is_only_read(folder: Path, method: str) -> None:
    async with client_of(folder) as client:
        for path in ("/", "/web/app.js"):
            async with client.request(method, path) as answer:
                assert answer.status == 405


async def raw(client: Client, path: str) -> bytes:
    """The answer to a path as it stands, which no client has tidied up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode("latin-1"))
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    "path",
    [
        *("/web/../secret.js", "/web/%2e%2e/secret.js", "/web/..%2fsecret.js", "/web/%2e%2e%2fsecret.js"),
        *("/web/views/../../secret.js", "/web/..%5csecret.js", "/web/....//secret.js", "/web/%252e%252e/secret.js"),
        *("/web//etc/passwd", "/web/%2fetc%2fpasswd", "/web//app.js", "/web/app.js/", "/web/app.js%00", "/web/%00"),
        *("/web/.hidden.js", "/web/.git/config.js", "/web/out.js", "/web/above/secret.js", "/web/folder.js"),
        *("/web/notes.txt", "/web/app.js.bak", "/web/app.py", "/web/views", "/web/", "/web", "/web/a%20b.js"),
        *("/web/APP.JS", "/web/app.js;x", "/web/app.js%20", "/web/missing.js", "/web/%e2%80%ae.js", "/web/%ff.js"),
        *("/web/" + "a" * 250 + ".js", "/web/" + "a/" * 3000 + "b.js", "/index.html", "/app.js", "//app.js"),
    ],
)
async def test_whatever_else_is_asked_for_is_not_there(folder: Path, path: str) -> None:
    async with client_of(folder) as client:
        answer = await raw(client, path)
    assert answer.split()[1] in (b"404", b"400"), answer
    assert b"secret" not in answer.partition(b"\r\n\r\n")[2]
    assert b"strict" not in answer


def test_all_files_of_the_page_are_of_kinds_that_are_served() -> None:
    files = [path for path in web_folder().rglob("*") if path.is_file()]
    assert {path.suffix for path in files if path.suffix != ".md"} <= set(KINDS)


def test_the_wheel_has_the_page_where_an_installed_server_looks() -> None:
    # The walk over the tree that a build makes.
    listed = [file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()]
    page = {path.relative_to(ROOT / "web").as_posix() for path in (ROOT / "web").rglob("*") if path.is_file()}
    assert {f"media_server/web/{name}" for name in page} <= set(listed)
    assert not [name for name in listed if name.startswith("web/")]
