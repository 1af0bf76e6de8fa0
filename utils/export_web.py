"""Write a page that finds poses in the browser: a folder for any web server, also without network.

  python utils/export_web.py --output site
  python -m http.server --directory site        then open http://localhost:8000
  with a model and headsets of your own:
    python utils/export_web.py --load_model model_best.tar --headset mine.yml --output site

Pictures, videos and the camera stay on the visitor's machine.  The libraries of the page (ONNX
Runtime Web, three.js) are fetched by npm when the page is written, never by the page itself.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from utils.common.command import command_parser, parse_early, run_command
from utils.common.pretrained import model_path


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    text = "finetuned checkpoint, or weights of this project: 'small' (the default) or 'pretrained'"
    own = {"load_model": {"default": model_path("small"), "help": text}, "output": {}}
    text = "headset files that can be chosen beside those in experiments/headsets"
    own |= {"headset": {"nargs": "+", "default": [], "help": text}}
    return command_parser(__doc__, **own).parse_args(argv)


parse_early(__name__, parse_arguments)


import json
import shutil

import numpy as np
import onnxruntime
import torch

from base.errors import UserError
from base.files import sha256
from base.headset import load_headset
from base.headset_files import PROFILES
from base.run_folder import RunFolder
from utils.common.networks import load_pose_model
from utils.common.pretrained import model_name
from utils.inference.onnx_export import onnx_metadata, write_onnx
from utils.inference.outputs import RunInfo
from utils.inference.predictor import EgoPosePredictor
from utils.inference.sinks.pose_json import metadata
from utils.inference.square_predictor import SquarePredictor, distance_mm
from utils.web.packages import install_packages
from utils.web.site import PageModel, site_data
from utils.web.weights import halve_weights

WEB = Path(__file__).resolve().parent / "web"
#: Files of packages that the page loads, and their licences.
VENDORED = (
    "three/build/three.module.js",
    "three/build/three.core.js",
    "three/examples/jsm/controls/OrbitControls.js",
    "onnxruntime-web/dist/ort.wasm.min.mjs",
    "onnxruntime-web/dist/ort-wasm-simd-threaded.mjs",
    "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm",
)
_NEEDED = {"heatmaps", "camera3d", "uncertainty"}
#: What joints may differ by from PyTorch's, millimetres.
_TOLERANCE_MM = 0.1


def _write_model(path: Path, checkpoint: Path) -> EgoPosePredictor:
    """Write the ONNX file, compared with PyTorch; what runs it."""
    loaded = load_pose_model(checkpoint, single_frame=True)
    if missing := _NEEDED.difference(loaded.model.exports):
        kind = (
            f"a model of kind '{loaded.config.model.kind}' has no {' and '.join(sorted(missing))}"
        )
        raise UserError(f"{checkpoint}: {kind}, which the page shows: give one of kind transformer")
    trained = {name: value.clone() for name, value in loaded.model.state_dict().items()}
    write_onnx(PageModel(loaded.model, loaded.camera), path, onnx_metadata(loaded))
    halve_weights(path, trained)
    plain = SquarePredictor(loaded.model, torch.device("cpu"), "fp32", loaded.camera)
    exported = EgoPosePredictor(path, confidence=None)
    side = loaded.model.input_size
    noise = np.random.default_rng(0).integers(0, 256, (4, side, side, 3), np.uint8)
    if not (worst := distance_mm((plain, noise), (exported.network, noise)).max()) <= _TOLERANCE_MM:
        raise UserError(f"{checkpoint}: joints of the ONNX file differ by {worst:.2f} mm")
    return exported


def main(argv: list[str] | None = None) -> None:
    args = parse_arguments(argv)
    names = [*sorted(path.stem for path in PROFILES.glob("*.yml")), *args.headset]
    headsets = [load_headset(name) for name in names]
    known = [headset.name for headset in headsets]
    if twice := {name for name in known if known.count(name) > 1}:
        raise UserError(f"--headset: two headsets are called {twice.pop()}")
    others = args.output.is_dir() and any(path.name[0] != "." for path in args.output.iterdir())
    if others and not (args.output / "site.json").is_file():
        raise UserError(f"{args.output}: holds other files, which would be served: give a new one")
    with RunFolder(args.output) as folder:
        packages = install_packages(WEB)
        exported = _write_model(folder.new / "model.onnx", args.load_model)
        shutil.copytree(WEB / "page", folder.new, dirs_exist_ok=True)
        (vendor := folder.new / "vendor").mkdir()
        for name in VENDORED:
            shutil.copy(packages / name, vendor)
        # npm's package of ONNX Runtime has no licence file, Python's of the same source has.
        python = Path(onnxruntime.__file__).parent
        shutil.copy(packages / "three" / "LICENSE", vendor / "three.LICENSE.txt")
        shutil.copy(python / "LICENSE", vendor / "onnxruntime-web.LICENSE.txt")
        shutil.copy(python / "ThirdPartyNotices.txt", vendor / "onnxruntime-web.NOTICES.txt")
        data = site_data(exported.network, headsets, folder.new)
        checksum = sha256(args.load_model)
        model = {"model": model_name(args.load_model, checksum), "model_sha256": checksum}
        data["header"] = metadata(RunInfo(exported, 30.0, drawn=False)) | model
        text = json.dumps(data, allow_nan=False, separators=(",", ":"))
        (folder.new / "site.json").write_text(text, encoding="utf-8")
        folder.keep()
    size = sum(file.stat().st_size for file in args.output.rglob("*") if file.is_file()) / 1e6
    model = (args.output / "model.onnx").stat().st_size / 1e6
    print(f"{args.output}: {size:.0f} MB, the model {model:.1f} MB of it")
    print(f"Open http://localhost:8000 with: python -m http.server --directory {args.output}")


if __name__ == "__main__":
    run_command(main)
