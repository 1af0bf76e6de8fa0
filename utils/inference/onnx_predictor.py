"""The network as ONNX Runtime runs it."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import torch

from base.errors import UserError
from dataset.runs import Place
from model.pose_model import PoseOutput
from utils.common.memory import is_out_of_memory
from utils.inference.pose_predictor import PosePredictor
from utils.inference.track import Track

#: Key of what utils/export_onnx.py writes into the metadata of a model, and name of its input.
METADATA_KEY, INPUT = "ego_pose", "images"


class OnnxPosePredictor(PosePredictor):
    """Runs a file of ``utils/export_onnx.py`` on the CPU, or on CUDA where onnxruntime has it.

    Args:
        path: the file.
        threads: of the CPU; 0 for ONNX Runtime's own choice, one a physical core.

    Attributes:
        checkpoint: the checkpoint it was made from.

    Raises:
        UserError: for a file that is not an export.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        # Slow to import, and only needed here.
        import onnxruntime as ort

        if not path.is_file():
            raise UserError(
                f"no model at {path}: make one with 'python utils/export_onnx.py --load_model …'"
            )
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
        providers = [name for name in wanted if name in ort.get_available_providers()]
        try:
            self._session = ort.InferenceSession(str(path), options, providers)
            metadata = self._session.get_modelmeta().custom_metadata_map
            described = json.loads(metadata[METADATA_KEY])
        except KeyError:
            raise UserError(f"{path}: an ONNX model, but not of utils/export_onnx.py") from None
        except Exception as error:  # onnxruntime's own errors share no base class
            if is_out_of_memory(error):
                raise
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise UserError(f"{path}: not a readable ONNX model ({reason})") from None
        self.checkpoint = Path(described["checkpoint"])
        self._names = [output.name for output in self._session.get_outputs()]
        model = SimpleNamespace(input_size=described["input_size"], exports=self._names, lags=())
        super().__init__(model, torch.device("cpu"), "fp32")

    def forward(
        self,
        images: torch.Tensor,
        places: Sequence[Place] | None = None,
        track: Track | None = None,
    ) -> PoseOutput:
        """See :meth:`PosePredictor.forward`."""
        values = self._session.run(self._names, {INPUT: images.numpy()})
        return PoseOutput(**dict(zip(self._names, map(torch.from_numpy, values), strict=True)))
