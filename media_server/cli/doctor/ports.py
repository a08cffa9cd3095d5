"""Who answers where the roles would listen: ours, nobody, or somebody else."""

import http.client
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from media_server.cli.doctor.finding import Finding, Patient
from media_server.config import authority

ANSWER_S = 3.0
MAX_ANSWER = 64 * 1024


def ports(patient: Patient) -> Iterator[Finding]:
    """The three roles; those that answer are noted for the checks that follow."""
    settings = patient.settings
    places = [("media", f"http://{authority(settings.host, settings.port)}", False)]
    places += [("asr", url, bool(settings.media.asr_urls)) for url in settings.engine_urls("asr")]
    places += [("tts", url, bool(settings.media.tts_urls)) for url in settings.engine_urls("tts")]
    ready, free = list[str](), list[str]()
    for role, url, elsewhere in places:
        answer = ask(url)
        if isinstance(answer, dict) and answer.get("role") == role:
            patient.serving.setdefault(role, answer)
            if answer.get("ready") is True:
                ready.append(f"{role} {url}")
            else:
                yield Finding("note", "ports", f"{role} answers at {url}, and is not ready; its log says why")
        elif answer is not None:
            yield Finding("FAIL", "ports", f"{url} is taken by something else → {_option(role)}")
        elif elsewhere:
            yield Finding("FAIL", "ports", f"{role}: nothing answers at {url} → start it there, or mend {role}_urls")
        elif reason := _not_to_be_had(url):
            yield Finding("FAIL", "ports", f"{role}: {url} cannot be had: {reason} → {_option(role)}")
        else:
            free.append(f"{role} {urlsplit(url).port}")
    if ready:
        yield Finding("ok", "ports", f"ready: {', '.join(ready)}")
    if free:
        yield Finding("ok" if not ready else "note", "ports", f"free, nothing serves there yet: {', '.join(free)}")


def ask(url: str) -> dict[str, object] | str | None:
    """What `/readyz` says; a text if somebody answers otherwise, None if nobody does."""
    parts = urlsplit(url)
    secure = parts.scheme in ("https", "wss")
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port or (443 if secure else 80), timeout=ANSWER_S)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/readyz")
        answer = json.loads(connection.getresponse().read(MAX_ANSWER))
    except ConnectionRefusedError:
        return None
    except TimeoutError:
        return "no answer"
    except OSError:
        return None
    except (http.client.HTTPException, ValueError, RecursionError):
        return "no answer of ours"
    finally:
        connection.close()
    return answer if isinstance(answer, dict) else "no answer of ours"


def _not_to_be_had(url: str) -> str:
    parts = urlsplit(url)
    if parts.port == 0:
        return ""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _option(role: str) -> str:
    return "--port" if role == "media" else f"--{role}-port"
