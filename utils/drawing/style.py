"""Colours that every picture of a pose shares, RGB."""

Colour = tuple[int, int, int]

#: Predicted and true poses: distinct for colour-blind eyes too, bright on dark pictures.
PREDICTED: Colour = (255, 127, 14)
TRUTH: Colour = (45, 125, 246)
#: Bars of the mean pose, which a model is compared with.
BASELINE: Colour = (184, 194, 204)

INK: Colour = (34, 48, 60)
MUTED: Colour = (107, 123, 136)
PAPER: Colour = (255, 255, 255)
BACKDROP: Colour = (246, 248, 250)
GRID: Colour = (205, 213, 220)
#: Line drawn around skeletons on a picture, so that they stand out from any ground.
OUTLINE: Colour = (16, 20, 24)


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """``colour`` with a ``share`` in [0, 1] of ``other``."""
    return tuple(round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))


def hex_code(colour: Colour) -> str:
    """The colour for matplotlib, CSS and Plotly: ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
