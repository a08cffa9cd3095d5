"""A role without speech, for the supervisor's own tests: `python fake_role.py KIND FOLDER FD`.

It appends what happens to it to `FOLDER/journal`. Kinds: `steady` serves until released; `unusable` and `crashing` fail
at start; `stubborn` does not end when released.
"""

import os
import socket
import sys
import threading
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
lines.read(1)
note(f"released {settings}")
if kind == "stubborn":
    threading.Event().wait()
