"""Files are whole or not there."""

import csv
import hashlib
import io

import pytest

from base.errors import UserError
from base.files import csv_rows, replacing, sha256, write_text


@pytest.mark.parametrize("single_writer", [False, True])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, single_writer):
    path = tmp_path / "file.txt"
    write_text(path, "old", single_writer)
    with pytest.raises(ValueError, match="half-way"), replacing(path, single_writer) as temporary:
        temporary.write_text("ne")
        raise ValueError("half-way")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(UserError, match=r"cannot be written \(No space left"), replacing(path):
        raise OSError(28, "No space left")
    with pytest.raises(PermissionError, match="other"), replacing(path):
        raise PermissionError(13, "Permission denied", "other")
    (tmp_path / "usual").touch()
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode
    assert sha256(path) == hashlib.sha256(b"old").hexdigest()
    with pytest.raises(UserError, match="cannot be made a folder"):
        write_text(path / "below.txt", "text")
    temporary.write_text("hal")  # of a killed run; a single writer overwrites it
    write_text(path, "new", single_writer)
    assert path.read_text() == "new" and temporary.exists() != single_writer


def test_a_text_that_a_spreadsheet_would_run_is_quoted_and_numbers_stay():
    stream = io.StringIO()
    cells = ("=1+1", "+x", "-a.png", "@SUM(A1)", "\tx", "'=", "-0.25", "+3", "a=1", "", -0.5, None)
    csv_rows(stream)(cells)
    [row] = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    expected = ("'=1+1", "'+x", "'-a.png", "'@SUM(A1)", "'\tx", "''=", "-0.25", "+3", "a=1", "")
    assert row == [*expected, "-0.5", ""]
