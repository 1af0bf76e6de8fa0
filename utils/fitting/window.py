"""A window in which parts of the body are marked in pictures."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from base.errors import UserError
from utils.drawing.style import TRUTH, hex_code

#: What the window does, shown under the picture.
_KEYS = "click: mark    n: not to be seen    u: back    close the window: done"
_COLOUR = hex_code(TRUTH[1])


class MarkingWindow:
    """Asks for each of ``names`` in each of the ``pictures``, name → (H, W, 3) uint8 RGB, from the
    first that ``points``, picture's name → what is marked → (x, y), lacks. These are changed in
    place, and ``changed`` is called after each change."""

    def __init__(
        self,
        pictures: Mapping[str, np.ndarray],
        names: Sequence[str],
        points: dict[str, dict[str, tuple[float, float]]],
        changed: Callable[[], None],
    ) -> None:
        import matplotlib.pyplot as plt

        self._plt, self._pictures, self._points, self._changed = plt, pictures, points, changed
        self._steps = [(picture, name) for picture in pictures for name in names]
        missing = (
            k for k, (picture, name) in enumerate(self._steps) if name not in points[picture]
        )
        self._at = next(missing, 0)
        self.figure, self._axes = plt.subplots(figsize=(10, 10))
        self.figure.canvas.mpl_connect("button_press_event", self._clicked)
        self.figure.canvas.mpl_connect("key_press_event", self._pressed)
        self._go(0)

    def run(self) -> None:
        """Show it until it is closed or all is marked; UserError without a display."""
        if self.figure.canvas.required_interactive_framework is None:
            self._plt.close(self.figure)
            raise UserError("no display for a window: mark elsewhere and give --points FILE")
        self._plt.show()

    def _go(self, steps: int) -> None:
        self._at += steps
        if self._at == len(self._steps):
            self._plt.close(self.figure)
            return
        picture, name = self._steps[self._at]
        axes = self._axes
        axes.clear()
        axes.set_axis_off()
        axes.imshow(self._pictures[picture])
        for marked, (x, y) in self._points[picture].items():
            axes.plot(x, y, "+", color=_COLOUR, markersize=12, markeredgewidth=2)
            axes.annotate(marked, (x, y), (6, 6), textcoords="offset points", color=_COLOUR)
        axes.set_title(f"{picture}: mark the {name.replace('_', ' ')} of the wearer\n{_KEYS}")
        self.figure.canvas.draw_idle()

    def _clicked(self, event) -> None:
        toolbar = self.figure.canvas.toolbar
        zooming = toolbar is not None and toolbar.mode
        if event.inaxes is self._axes and event.button == 1 and not zooming:
            picture, name = self._steps[self._at]
            self._points[picture][name] = (round(event.xdata, 1), round(event.ydata, 1))
            self._changed()
            self._go(1)

    def _pressed(self, event) -> None:
        back = event.key == "u" and self._at > 0
        if back or event.key == "n":
            picture, name = self._steps[self._at - back]
            if self._points[picture].pop(name, None):
                self._changed()
            self._go(-1 if back else 1)
