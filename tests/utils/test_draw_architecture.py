"""The diagrams of the networks."""

from itertools import combinations

import cv2
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from utils import draw_architecture


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Folder of the pictures, and the figure of each by its name."""
    folder, figures = tmp_path_factory.mktemp("doc"), {}

    class Kept(draw_architecture.Figure):
        def savefig(self, path, **options):
            figures[path.name.split(".")[1]] = self
            super().savefig(path, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draw_architecture, "Figure", Kept)
        draw_architecture.main(["--output", str(folder)])
    return folder, figures


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("2d", ["picture\n3×368×368", "12×12\n2048 ch", "23 blocks", "heatmaps\n15×48×48"]),
        ("3d", ["24×24\n64 ch", "2048", "20", "48", "joints\n16×3", "reconstruction\n15×48×48"]),
        ("own", ["picture\n3×160×160", "5×5\n512 ch", "20×20\n96 ch", "heatmaps\n15×20×20"]),
    ],
)
def test_sizes_are_those_of_the_networks_and_no_text_overlaps_another(drawn, name, sizes):
    folder, figures = drawn
    figure = figures[f"architecture_{name}"]
    width, height = figure.bbox.size
    assert cv2.imread(str(folder / f"architecture_{name}.png")).shape[:2] == (height, width)
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    assert set(sizes) <= {text.get_text() for text in texts}
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts]
    for _, box in boxes:
        assert 0 <= box.x0 < box.x1 <= width and 0 <= box.y0 < box.y1 <= height
    for (one, box), (other, second) in combinations(boxes, 2):
        assert not box.overlaps(second), (one, other)
