"""A role without speech, for the supervisor's own tests: `python fake_role.py KIND FOLDER FD`.

It appends what happens to it to `FOLDER/journal`. Kinds: `steady` serves until released; `unusable` and `crashing` fail
at start; `stubborn` does not end when released; `silent` gives no sign of life; `stuck` has a job that does not end;
`draining` has calls, which end half a second after it is told to drain.
"""

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from media_server import control

kind, folder, fd = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])


def note(what: str) -> None:
    with (folder / "journal").open("a") as journal:
        journal.write(f"{what}\n")


os.set_inheritable(fd, False)
pipe = socket.socket(fileno=fd)
lines = pipe.makefile("rb")
settings = lines.readline().decode().strip()
note(f"start {os.getpid()} {settings}")
if kind == "unusable":
    pipe.sendall(control.serialize(control.Failed("the model is corrupt")))
    sys.exit(control.EXIT_UNUSABLE)
if kind == "crashing":
    sys.exit(1)
pipe.sendall(control.serialize(control.Bound("127.0.0.1", 5000)))
pipe.sendall(control.serialize(control.Ready({"pid": os.getpid()})))


def live() -> None:
    with contextlib.suppress(OSError):
        while kind != "silent":
            pipe.sendall(control.serialize(control.Alive(1000.0 if kind == "stuck" else 0.0)))
            time.sleep(0.1)


def commands() -> Iterator[str]:
    with contextlib.suppress(OSError):  # a supervisor that is killed with something unread tears the pipe
        while line := lines.readline():
            yield line.decode().strip()


threading.Thread(target=live, daemon=True).start()
for command in commands():
    note(f"{command} {settings}")
    if kind == "draining":
        pipe.sendall(control.serialize(control.Draining(2)))
        time.sleep(0.5)
        break
note(f"released {settings}")
if kind == "stubborn":
    threading.Event().wait()
