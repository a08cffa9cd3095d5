"""The thread of recordings without a thread: in virtual time nothing may wait for a real one."""

from collections.abc import Callable

from typing_extensions import override

from media_server.call.sound_files import FileThread


class InlineFiles(FileThread):
    """Does each job at once; or none, while it is `stuck`."""

    def __init__(self) -> None:
        super().__init__()
        self.stuck = False

    @override
    def submit(self, job: Callable[[], None]) -> bool:
        if self.stuck:
            return False
        job()
        return True
