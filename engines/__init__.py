"""The speech models: recognition, voice, turn detection, and the order in which many streams share them.

They depend on nothing of `media_server`.
"""

import os

# Before numpy is loaded: the threads of its BLAS spin for 0.1 s after each product, and a mel spectrogram ends in one.
# Measured on two cores, a decode of Whisper base takes 0.15 s instead of 0.23 and 0.28 CPU seconds instead of 0.41.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
