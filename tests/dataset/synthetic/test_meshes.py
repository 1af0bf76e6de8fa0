"""What rays meet."""

import numpy as np

from dataset.synthetic.meshes import Traced


def square(z: float) -> np.ndarray:
    return np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1)], np.float32)


def test_a_thing_hides_what_is_right_behind_it_and_the_body_what_is_deep_in_it():
    # A wall of a body at 10 and of a thing at 20, beside each other and then one before the other.
    faces = np.array([(0, 1, 2), (1, 2, 3), (4, 5, 6), (5, 6, 7)])
    points = np.float32([(0, 0, 9), (0, 0, 13), (5, 0, 19), (5, 0, 20.3), (5, 0, 21), (0, 9, 50)])
    aside = square(20.0) * (5, 5, 1) + np.float32([5.5, 0, 0])
    lead = Traced(np.concatenate([square(10.0), aside]), faces).lead(points, 2)
    assert np.allclose(lead[[0, 1, 2]], [0, 3, 0], atol=1e-4) and lead[3] < 0.5
    assert lead[4] == np.inf and lead[5] == 0
    before = Traced(np.concatenate([square(10.0), square(8.0)]), faces)
    assert before.lead(points[:1], 2) == np.inf and before.lead(points[:1], 4) < 1.1
