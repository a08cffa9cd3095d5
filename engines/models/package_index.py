"""Which package index pip is to ask: pip's own settings, and what the user's uv is set to.

Whoever installed this project with uv from a mirror has told uv about that mirror, not pip. So uv's indexes are handed
to pip, in its environment and never in its arguments: an index's address may hold a password, and arguments are for
everybody to read. What pip was told by `PIP_INDEX_URL` itself stands above that. Pure.

Of uv's settings (its documentation, "Package indexes"): `UV_DEFAULT_INDEX` and `UV_INDEX_URL` replace the default
index; `UV_INDEX` and `UV_EXTRA_INDEX_URL` (separated by spaces) are asked as well; each may be `name=url`, with
credentials in `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD`. A uv.toml has `[[index]]` tables, or `index-url` and
`extra-index-url`.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

_NAMED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)=(?P<url>.+)", re.DOTALL)
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")


@dataclass(frozen=True, slots=True)
class Indexes:
    """`default` replaces the usual index; `extra` are asked besides."""

    default: str | None = None
    extra: tuple[str, ...] = ()


def pip_environment(environ: Mapping[str, str], uv_toml: Sequence[str] = ()) -> dict[str, str]:
    """The environment for pip: `environ`, and uv's indexes in pip's words.

    `uv_toml` is the text of uv's configuration files, the nearest first; one that uv could not read counts for nothing.
    """
    found = [_from_environment(environ), *(_from_toml(text, environ) for text in uv_toml)]
    result = dict(environ)
    default = next((indexes.default for indexes in found if indexes.default), None)
    if default and not environ.get("PIP_INDEX_URL"):
        result["PIP_INDEX_URL"] = default
    extra = [url for indexes in found for url in indexes.extra]
    if extra:
        result["PIP_EXTRA_INDEX_URL"] = " ".join(
            dict.fromkeys([*extra, *environ.get("PIP_EXTRA_INDEX_URL", "").split()])
        )
    return result


def uv_files(environ: Mapping[str, str], working_folder: Path, home: Path) -> list[Path]:
    """Where uv reads its configuration, the nearest first."""
    if environ.get("UV_NO_CONFIG"):
        return []
    if named := environ.get("UV_CONFIG_FILE"):
        return [Path(named)]
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    system = [Path(place) for place in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":") if place]
    return [
        folder / "uv.toml" for folder in (working_folder, *(place / "uv" for place in (user, *system, Path("/etc"))))
    ]


def hide_credentials(text: str) -> str:
    """The text without user names and passwords in its addresses."""
    return _CREDENTIALS.sub("****", text)


def _from_environment(environ: Mapping[str, str]) -> Indexes:
    default = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL")
    extra = [*environ.get("UV_INDEX", "").split(), *environ.get("UV_EXTRA_INDEX_URL", "").split()]
    return Indexes(
        _address(default, environ) if default else None,
        tuple(_address(index, environ) for index in extra),
    )


def _from_toml(text: str, environ: Mapping[str, str]) -> Indexes:
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return Indexes()
    default = settings.get("index-url")
    extra = [url for url in _list(settings.get("extra-index-url")) if isinstance(url, str)]
    for table in _list(settings.get("index")):
        if not isinstance(table, dict) or not isinstance(table.get("url"), str) or table.get("explicit"):
            continue
        url = _with_credentials(table["url"], str(table.get("name", "")), environ)
        if table.get("default"):
            default = url
        else:
            extra.append(url)
    return Indexes(default if isinstance(default, str) else None, tuple(extra))


def _list(value: object) -> Iterator[object]:
    if isinstance(value, list):
        yield from value


def _address(index: str, environ: Mapping[str, str]) -> str:
    named = _NAMED.fullmatch(index)
    # An address may hold `=` in its query, but a name holds no colon.
    return _with_credentials(named["url"], named["name"], environ) if named else index


def _with_credentials(url: str, name: str, environ: Mapping[str, str]) -> str:
    key = re.sub(r"[^A-Z0-9]", "_", name.upper())
    user, password = (environ.get(f"UV_INDEX_{key}_{what}", "") for what in ("USERNAME", "PASSWORD"))
    parts = urlsplit(url)
    if not name or not (user or password) or "@" in parts.netloc:
        return url
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))
