"""Files of places in pictures."""

import pytest
from commands import refused

from base.skeleton import JOINTS
from utils.common.points import read_points


def test_places_are_read(tmp_path):
    (tmp_path / "points.json").write_text('{"a.png": {"Neck": [1, 2.5]}, "c.png": {}}')
    points = read_points(tmp_path / "points.json", ["a.png", "b.png"], JOINTS)
    assert points == {"a.png": {"Neck": (1, 2.5)}, "c.png": {}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ('{"a.png": {"Neck": ["x", 2]}}', "a.png.Neck.0: Input should be a valid number"),
        ('{"a.png": {"Neck": [NaN, 2]}}', "a.png.Neck.0: .* finite"),
        ('{"a.png": {"Hand": [1, 2]}}', "a.png: no 'Hand', but Neck, Head"),
        ('{"b.png": {"Neck": [1, 2]}}', "names none"),
    ],
)
def test_wrong_points_are_refused(tmp_path, content, message):
    (tmp_path / "points.json").write_text(content)
    refused(message, read_points, tmp_path / "points.json", ["a.png"], JOINTS)
