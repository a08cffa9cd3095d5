"""Every error the engines raise on purpose.

::

    EnginesError
    ├── ModelError            a model is missing, corrupt or of the wrong hash
    ├── InputError            text or audio that cannot be worked on
    │   └── UnfitReference    no voice is made of this recording (engines.tts.reference: a class for each reason)
    ├── BrokenVoice           a voice's file is not what it should be (engines.tts.voice_file)
    ├── TooManyVoices         there is no place for another one (engines.tts.voice_store)
    └── SessionClosed         the session was closed meanwhile
"""

from typing import ClassVar


class EnginesError(Exception):
    """Root of the tree."""

    code: ClassVar[str] = "engine"
    retryable: ClassVar[bool] = False


class ModelError(EnginesError):
    """A model is missing, corrupt or not what the manifest names."""

    code = "model"


class InputError(EnginesError):
    """This text or audio cannot be worked on."""

    code = "input"


class SessionClosed(EnginesError):
    """The session was closed meanwhile."""

    code = "closed"
