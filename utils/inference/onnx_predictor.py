"""The network as ONNX Runtime runs it."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch

from base.errors import UserError
from dataset.runs import Place
from model.pose_model import PoseOutput
from utils.common.memory import is_out_of_memory
from utils.inference.pose_predictor import PosePredictor
from utils.inference.track import Track

#: Metadata of our files: what made them.
METADATA_KEY = "ego_pose"
INPUT = "images"


class _Described:
    """What :class:`PosePredictor` asks a model for."""

    lags = ()

    def __init__(self, input_size: int, exports: list[str]) -> None:
        self.input_size = input_size
        self.exports = exports


class OnnxPosePredictor(PosePredictor):
    """Runs a file of ``utils/export_onnx.py`` on the CPU, or on CUDA where onnxruntime has it.

    Args:
        path: the file.
        threads: of the CPU; None for ONNX Runtime's own choice, one a physical core.

    Attributes:
        checkpoint: the checkpoint it was made from.

    Raises:
        UserError: for a file that is none of ours.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        # Slow to import, and only needed here.
        import onnxruntime as ort

        if not path.is_file():
            raise UserError(
                f"no model at {path}: make one with 'python utils/export_onnx.py --load_model …'"
            )
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        providers = [
            name
            for name in ("CUDAExecutionProvider", "CPUExecutionProvider")
            if name in ort.get_available_providers()
        ]
        try:
            self._session = ort.InferenceSession(str(path), options, providers)
            custom = self._session.get_modelmeta().custom_metadata_map
            described = json.loads(custom[METADATA_KEY])
        except KeyError:
            raise UserError(f"{path}: an ONNX model, but not of utils/export_onnx.py") from None
        except Exception as error:  # onnxruntime's own errors share no base class
            if is_out_of_memory(error):
                raise
            raise UserError(f"{path}: not a readable ONNX model ({_first_line(error)})") from None
        self.checkpoint = Path(described["checkpoint"])
        self._names = [output.name for output in self._session.get_outputs()]
        network = _Described(described["input_size"], self._names)
        super().__init__(network, torch.device("cpu"), "fp32")

    def forward(
        self,
        images: torch.Tensor,
        places: Sequence[Place] | None = None,
        track: Track | None = None,
    ) -> PoseOutput:
        """See :meth:`PosePredictor.forward`."""
        values = self._session.run(self._names, {INPUT: images.numpy()})
        found = zip(self._names, map(torch.from_numpy, values), strict=True)
        return PoseOutput(**dict(found))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
