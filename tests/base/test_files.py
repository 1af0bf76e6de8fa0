"""Files are whole or not there."""

import pytest

from base.errors import UserError
from base.files import replacing, write_text


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with pytest.raises(ValueError, match="half-way"), replacing(path) as temporary:
        temporary.write_text("ne")
        raise ValueError("half-way")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_a_folder_in_the_way_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be made a folder"):
        write_text(tmp_path / "file" / "below.txt", "text")
