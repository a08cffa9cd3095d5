"""The tests of Chatterbox belong to its own environment; in any other there is nothing to collect."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("chatterbox") else ["test_chatterbox.py"]
