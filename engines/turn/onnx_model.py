"""An ONNX model on one CPU thread.

Threads of onnxruntime's own would spin and take the CPU from whoever paces audio; parallel work is the scheduler's
business, which runs several of these at once.
"""

from pathlib import Path
from typing import Any

import onnxruntime as ort

from engines.errors import ModelError


class OnnxModel:
    """A loaded model; `run` is safe from several threads."""

    def __init__(self, path: Path) -> None:
        """Load it.

        Raises:
            ModelError: It is missing or no ONNX model.
        """
        if not path.is_file():
            raise ModelError(f"{path} is missing")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        try:
            self._session: Any = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no base class but this
            raise ModelError(f"{path}: {error}") from error

    def run(self, inputs: dict[str, Any]) -> list[Any]:
        """All outputs, in the model's order."""
        outputs: list[Any] = self._session.run(None, inputs)
        return outputs
