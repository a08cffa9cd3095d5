"""How many threads the models get.

As many jobs run at once as there are cores, and each may use two threads: whoever is alone is served sooner, and when
all workers are busy nothing is lost. Measured on two cores, two threads a job against one: a decode of Whisper base
0.80 of the time when it is alone, the same throughput (0.98) with two at once; a clause's first sound from Piper 0.70.
"""

import os


def available() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def share(instances: int) -> int:
    """The cores of one of several processes that share this machine, at least one."""
    return max(1, available() // instances)


def threads_per_job() -> int:
    """The threads of one job of a model."""
    return min(2, available())
